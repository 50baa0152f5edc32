#include "tests/sandbox/admin.h"

#include <string.h>

#include "tests/sandbox/accounts.h"
#include "tests/sandbox/cabinet.h"
#include "tests/sandbox/store.h"

#define REASON_MAX 1000

void admin_accounts(struct request *request, struct response *response)
{
	http_json(response, 200,
		json_pack("{s:o}", "accounts",
			accounts_list(request->sandbox->store, "account", false)));
}

static const char *read_reason(struct request *request, struct response *response)
{
	const char *reason = http_member(request, response, "reason");

	if (reason == NULL || (*reason != '\0' && strlen(reason) <= REASON_MAX * 2))
		return reason;
	http_error(response, 400, "bad-request", NULL, "причина пуста или слишком длинна");
	return NULL;
}

/* [{name, reason}] and nothing else. */
static bool fields_valid(const json_t *fields)
{
	const json_t *field;
	size_t index;

	json_array_foreach(fields, index, field)
	{
		if (!json_is_string(json_object_get(field, "name")) ||
			!json_is_string(json_object_get(field, "reason")) ||
			json_object_size(field) != 2)
			return false;
	}
	return json_is_array(fields) && json_array_size(fields) <= 32;
}

void admin_return(struct request *request, struct response *response)
{
	const char *reason = read_reason(request, response);
	json_t *fields = json_object_get(request->json, "fields");
	struct application a;

	if (reason == NULL)
		return;
	if (!fields_valid(fields)) {
		http_error(response, 400, "bad-request", NULL,
			"«fields» — не список полей с причинами");
		return;
	}
	if (cabinet_open(request, response, CABINET_ADMINISTRATOR, &a) &&
		cabinet_allows(request, response, &a, ACTION_RETURN)) {
		json_array_clear(a.fields);
		json_array_extend(a.fields, fields);
		application_enter(
			request->sandbox, &a, RETURNED, store_now(request->sandbox->store), reason);
		cabinet_answer(request, response, 200, a.id, NULL);
	}
	application_clear(&a);
}

void admin_reject(struct request *request, struct response *response)
{
	const char *reason = read_reason(request, response);
	struct application a;

	if (reason == NULL)
		return;
	if (cabinet_open(request, response, CABINET_ADMINISTRATOR, &a) &&
		cabinet_allows(request, response, &a, ACTION_REJECT)) {
		application_enter(
			request->sandbox, &a, REJECTED, store_now(request->sandbox->store), reason);
		cabinet_answer(request, response, 200, a.id, NULL);
	}
	application_clear(&a);
}
