#include "tests/sandbox/control.h"

#include "tests/sandbox/counts.h"
#include "tests/sandbox/credential.h"

#include "tests/sandbox/application.h"
#include "tests/sandbox/faults.h"
#include "tests/sandbox/store.h"

void control_faults(struct request *request, struct response *response)
{
	http_json(
		response, 200, json_pack("{s:o}", "faults", faults_list(request->sandbox->faults)));
}

static bool add_fault(struct request *request, struct response *response, const json_t *spec)
{
	struct error err = {.message = "не строка"};

	return (json_is_string(spec) &&
		       faults_add(request->sandbox->faults, json_string_value(spec), &err)) ||
	       http_error(response, 400, "bad-request", NULL, "%s", err.message);
}

/* {"faults": [SPEC, ...]}, or {"fault": SPEC}. */
void control_add_faults(struct request *request, struct response *response)
{
	json_t *list = json_object_get(request->json, "faults"), *spec;
	json_t *one = json_object_get(request->json, "fault");
	size_t index;

	if (!json_is_array(list) && one == NULL) {
		http_error(response, 400, "bad-request", NULL, "в запросе нет списка «faults»");
		return;
	}
	json_array_foreach(list, index, spec)
	{
		if (!add_fault(request, response, spec))
			return;
	}
	if (one == NULL || add_fault(request, response, one))
		control_faults(request, response);
}

void control_clear_faults(struct request *request, struct response *response)
{
	faults_clear(request->sandbox->faults);
	control_faults(request, response);
}

/* {"credential": SPECIFICATION}: one more key in the cloud. */
void control_add_credential(struct request *request, struct response *response)
{
	const char *specification = http_member(request, response, "credential");
	struct error err = {0};

	if (specification == NULL)
		return;
	if (credential_make(request->sandbox, specification, &err))
		http_json(response, 200, json_object());
	else
		http_error(response, 400, "bad-request", NULL, "%s", err.message);
}

void control_requests(struct request *request, struct response *response)
{
	http_json(response, 200, counts_list(request->sandbox->counts));
}

void control_clear_requests(struct request *request, struct response *response)
{
	counts_reset(request->sandbox->counts);
	control_requests(request, response);
}

void control_clock(struct request *request, struct response *response)
{
	const json_t *seconds = json_object_get(request->json, "advance_seconds");
	char now[CODEC_TIME];

	if (!json_is_number(seconds) || json_number_value(seconds) < 0 ||
		json_number_value(seconds) > 1e9) {
		http_error(response, 400, "bad-request", NULL, "нужно advance_seconds, от 0");
		return;
	}
	store_advance(request->sandbox->store, (int64_t)(json_number_value(seconds) * 1000));
	application_settle(request->sandbox, NULL);
	codec_time(store_seconds(request->sandbox->store), now);
	http_json(response, 200, json_pack("{s:s}", "now", now));
}

void control_summary(struct request *request, struct response *response)
{
	struct store *store = request->sandbox->store;
	json_t *states = json_object();
	sqlite3_stmt *query;

	query = store_query(store, "SELECT state, count(*) FROM applications GROUP BY state", "");
	while (store_next(store, &query))
		json_object_set_new(
			states, store_text(query, 0), json_integer(sqlite3_column_int64(query, 1)));
	http_json(response, 200,
		json_pack("{s:I,s:I,s:I,s:I,s:I,s:o}", "applications",
			(json_int_t)store_number(store, 0, "SELECT count(*) FROM applications", ""),
			"certificates",
			(json_int_t)store_number(store, 0, "SELECT count(*) FROM certificates", ""),
			"revoked",
			(json_int_t)store_number(store, 0,
				"SELECT count(*) FROM certificates WHERE revoked IS NOT NULL", ""),
			"identifications",
			(json_int_t)store_number(
				store, 0, "SELECT count(*) FROM identifications WHERE taken", ""),
			"cloud_signatures",
			(json_int_t)store_number(
				store, 0, "SELECT sum(signatures) FROM credentials", ""),
			"states", states));
}
