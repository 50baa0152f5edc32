#include "tests/sandbox/cabinet.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sandbox/accounts.h"
#include "tests/sandbox/ca.h"
#include "tests/sandbox/document.h"
#include "tests/sandbox/issue.h"
#include "tests/sandbox/options.h"
#include "tests/sandbox/profile.h"
#include "tests/sandbox/store.h"

/* ---- whose */

bool cabinet_open(struct request *request, struct response *response, enum cabinet_access access,
	struct application *out)
{
	const struct identity *who = &request->who;
	const char *id = request->segments[0];

	application_settle(request->sandbox, id);
	if (!application_load(request->sandbox->store, id, out))
		return http_error(response, 404, "not-found", NULL, "Заявления «%s» нет", id);
	bool own = strcmp(out->account, who->account) == 0 &&
		   (who->application[0] == '\0' || strcmp(who->application, id) == 0);
	if (access == CABINET_ADMINISTRATOR ? who->administrator
		: access == CABINET_READ    ? own || who->administrator
					    : own)
		return true;
	return http_error(response, 403, "forbidden", NULL, "Это заявление Вам не доступно");
}

/* ---- the status */

static json_t *actions_for(const struct application *application, const struct identity *who)
{
	static const struct {
		unsigned action;
		const char *name;
		bool others; /* an administrator may do it for somebody else */
	} names[] = {
		{ACTION_REQUEST, "request", false},
		{ACTION_RESUBMIT, "resubmit", false},
		{ACTION_SIGN, "sign", false},
		{ACTION_IDENTIFY, "identify", false},
		{ACTION_DOWNLOAD, "download", true},
		{ACTION_CONFIRM, "confirm", false},
		{ACTION_CANCEL, "cancel", true},
		{ACTION_REVOKE, "revoke", true},
	};
	bool own = strcmp(application->account, who->account) == 0;
	json_t *actions = json_array();

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (application_allows(application, names[i].action) && (own || names[i].others))
			json_array_append_new(actions, json_string(names[i].name));
	}
	return actions;
}

static int next_poll(const struct sandbox *sandbox, const struct application *application)
{
	if (!application_state_info(application->state)->poll)
		return 0;
	if (application->due == 0) /* somebody else's turn */
		return sandbox->options->verify_ms <= 60000 ? 1 : 60;
	int64_t left = (application->due - store_now(sandbox->store) + 999) / 1000;
	return left < 1 ? 1 : left > 3600 ? 3600 : (int)left;
}

static json_t *status_json(const struct sandbox *sandbox, const struct application *application,
	const struct identity *who)
{
	const struct application_state_info *info = application_state_info(application->state);
	char hex[CODEC_HEX], created[CODEC_TIME], updated[CODEC_TIME];
	uint8_t hash[CODEC_SHA256];

	codec_sha256(application->body.data, application->body.length, hash);
	codec_hex(hash, sizeof hash, hex);
	codec_time(application->created, created);
	codec_time(application->updated, updated);
	json_t *status = json_pack(
		"{s:s,s:s,s:s,s:b,s:i,s:s?,s:O,s:o,s:o,s:s,s:O,s:o,s:s,s:s,s:s,s:s,s:s,s:n}", "id",
		application->id, "state", info->name, "status", info->words, "poll", info->poll,
		"next_poll_seconds", next_poll(sandbox, application), "reason", application->reason,
		"fields", application->fields, "actions", actions_for(application, who),
		"documents", document_list(sandbox->store, application->id), "application_sha256",
		hex, "application", application->json, "holder",
		accounts_full_name(json_object_get(application->json, "person")), "account",
		application->account, "profile", application->profile, "identification",
		application->identification, "created_at", created, "updated_at", updated,
		"certificate_sha256");
	if (application->certificate.length == CODEC_SHA256) {
		codec_hex(application->certificate.data, CODEC_SHA256, hex);
		json_object_set_new(status, "certificate_sha256", json_string(hex));
	}
	return status;
}

bool cabinet_allows(struct request *request, struct response *response,
	const struct application *application, unsigned action)
{
	if (application_allows(application, action))
		return true;
	http_json(response, 409,
		json_pack("{s:{s:s,s:s,s:[]},s:o}", "error", "code", "wrong-state", "message",
			"Сейчас это невозможно: другое состояние заявления", "fields",
			"application", status_json(request->sandbox, application, &request->who)));
	return false;
}

void cabinet_answer(struct request *request, struct response *response, unsigned status,
	const char *id, const char *token)
{
	struct application application;

	application_settle(request->sandbox, id);
	if (application_load(request->sandbox->store, id, &application)) {
		json_t *json = status_json(request->sandbox, &application, &request->who);

		if (token != NULL)
			json_object_set_new(json, "application_token", json_string(token));
		http_json(response, status, json);
	} else {
		response->status = 500;
	}
	application_clear(&application);
}

/* ---- idempotency */

/* Method, path and JSON value; white space and the order of members don't count. */
static bool fingerprint(const struct request *request, uint8_t out[CODEC_SHA256])
{
	char *canonical =
		json_dumps(request->json, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
	struct buffer text = BUFFER_INIT(2 * HTTP_BODY_MAX + 4096);
	bool ok = canonical != NULL &&
		  buffer_printf(&text, "%s %s\n", request->method, request->path) &&
		  buffer_append_text(&text, canonical);

	if (ok)
		codec_sha256(text.data, text.length, out);
	free(canonical);
	buffer_free(&text);
	return ok;
}

static bool is_uuid(const char *text)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	if (text == NULL || strlen(text) != sizeof form - 1)
		return false;
	for (size_t i = 0; i < sizeof form - 1; i++) {
		if (form[i] == '-' ? text[i] != '-'
				   : strchr("0123456789abcdefABCDEF", text[i]) == NULL)
			return false;
	}
	return true;
}

enum cabinet_key cabinet_key(
	struct request *request, struct response *response, char id[HTTP_NAME_MAX])
{
	const char *key = http_header(request, "Idempotency-Key");
	uint8_t hash[CODEC_SHA256];
	enum cabinet_key result = CABINET_NEW;

	if (!is_uuid(key) || !fingerprint(request, hash)) {
		http_error(response, 400, "bad-request", NULL,
			"нужен заголовок Idempotency-Key: UUID");
		return CABINET_REFUSED;
	}
	sqlite3_stmt *query = store_query(request->sandbox->store,
		"SELECT fingerprint, application FROM idempotency WHERE account = ? AND key = ?",
		"ss", request->who.account, key);
	if (store_next(request->sandbox->store, &query)) {
		if (store_equals(query, 0, hash, sizeof hash)) {
			snprintf(id, HTTP_NAME_MAX, "%s", store_text(query, 1));
			result = CABINET_SEEN;
		} else {
			http_error(response, 422, "idempotency-conflict", NULL,
				"Этот Idempotency-Key уже использован с другим содержанием");
			result = CABINET_REFUSED;
		}
	}
	store_end(&query);
	return result;
}

void cabinet_remember(struct request *request, const char *id)
{
	uint8_t hash[CODEC_SHA256];

	if (fingerprint(request, hash))
		store_run(request->sandbox->store, "INSERT INTO idempotency VALUES (?, ?, ?, ?)",
			"ssbs", request->who.account, http_header(request, "Idempotency-Key"), hash,
			sizeof hash, id);
}

/* ---- calls */

void cabinet_info(struct request *request, struct response *response)
{
	struct sandbox *sandbox = request->sandbox;
	struct buffer root = BUFFER_INIT(16384), text = BUFFER_INIT(32768);
	char issuer_url[ISSUE_URL_MAX], root_url[ISSUE_URL_MAX];
	json_t *profiles = json_array(), *anchors = json_array(), *lists = json_array();

	for (unsigned i = 0; i < PROFILES; i++)
		json_array_append_new(profiles, json_string(profile_name(i)));
	for (enum ca_family family = 0; family < CA_FAMILIES; family++) {
		buffer_reset(&root);
		buffer_reset(&text);
		ca_root(sandbox->ca, family, &root);
		codec_base64(root.data, root.length, &text);
		json_array_append_new(anchors, json_string(buffer_text(&text)));
		issue_crl_urls(sandbox, family, issuer_url, root_url);
		json_array_append_new(lists, json_string(issuer_url));
		json_array_append_new(lists, json_string(root_url));
	}
	json_t *oauth = json_pack("{s:o,s:o,s:o,s:s,s:b}", "authorization_endpoint",
		json_sprintf("%s/api/oauth/authorize", sandbox->origin), "token_endpoint",
		json_sprintf("%s/api/oauth/token", sandbox->origin), "revocation_endpoint",
		json_sprintf("%s/api/oauth/revoke", sandbox->origin), "client_id", "podpis",
		"password", !sandbox->options->no_password);
	http_json(response, 200,
		json_pack("{s:s,s:s,s:o,s:o,s:o,s:o}", "name", CA_NAME, "protocol",
			"podpis-cabinet/1", "oauth", oauth, "anchors", anchors, "crl", lists,
			"profiles", profiles));
	buffer_free(&root);
	buffer_free(&text);
}

void cabinet_template(struct request *request, struct response *response)
{
	const char *name = http_member(request, response, "profile");
	const json_t *application = json_object_get(request->json, "application");
	const json_t *person = json_object_get(application, "person");
	const char *identification =
		json_string_value(json_object_get(application, "identification"));
	const struct profile *profile = name != NULL ? profile_by_name(name) : NULL;
	struct profile_template templ;
	json_t *fields;

	if (name == NULL)
		return;
	if (profile == NULL || identification == NULL ||
		profile_identification_kind(identification) < 0 || !json_is_object(person)) {
		http_error(response, 422, "invalid-application", NULL,
			"Неизвестный профиль, способ идентификации или нет сведений о заявителе");
		return;
	}
	fields = json_array();
	if (profile_template_make(profile, person, identification, &templ, fields)) {
		http_json(response, 200, profile_template_json(&templ));
		profile_template_clear(&templ);
	} else {
		http_error(response, 422, "invalid-fields", json_incref(fields),
			"Сведения не могут быть внесены в сертификат");
	}
	json_decref(fields);
}

void cabinet_list(struct request *request, struct response *response)
{
	struct store *store = request->sandbox->store;
	const char *state = http_query(request, "state");
	json_t *list = json_array();
	sqlite3_stmt *query;

	application_settle(request->sandbox, NULL);
	if (state != NULL && !application_state_known(state)) {
		json_decref(list);
		http_error(response, 400, "bad-request", NULL, "Состояния «%s» нет", state);
		return;
	}
	query = store_query(store,
		"SELECT id FROM applications WHERE (?1 OR account = ?2) AND (?3 = '' OR id = ?3)"
		" ORDER BY number DESC",
		"iss", (int64_t)request->who.administrator, request->who.account,
		request->who.application);
	while (store_next(store, &query)) {
		struct application application;

		if (application_load(store, store_text(query, 0), &application) &&
			(state == NULL || strcmp(application_state_info(application.state)->name,
						  state) == 0))
			json_array_append_new(
				list, status_json(request->sandbox, &application, &request->who));
		application_clear(&application);
	}
	http_json(response, 200, json_pack("{s:o}", "applications", list));
}

void cabinet_status(struct request *request, struct response *response)
{
	struct application application;

	if (cabinet_open(request, response, CABINET_READ, &application))
		cabinet_answer(request, response, 200, application.id, NULL);
	application_clear(&application);
}

void cabinet_certificate(struct request *request, struct response *response)
{
	struct application application;
	struct buffer der = BUFFER_INIT(65536), text = BUFFER_INIT(131072),
		      issuer = BUFFER_INIT(65536), issuer_text = BUFFER_INIT(131072);

	if (cabinet_open(request, response, CABINET_READ, &application) &&
		cabinet_allows(request, response, &application, ACTION_DOWNLOAD) &&
		application.certificate.length == CODEC_SHA256 &&
		issue_find(request->sandbox->store, application.certificate.data, &der)) {
		ca_chain(request->sandbox->ca, &der, &issuer);
		codec_base64(der.data, der.length, &text);
		codec_base64(issuer.data, issuer.length, &issuer_text);
		http_json(response, 200,
			json_pack("{s:s,s:[s],s:s*}", "certificate", buffer_text(&text), "chain",
				buffer_text(&issuer_text), "credential",
				application_in_cloud(&application) ? application.id : NULL));
	}
	buffer_free(&der);
	buffer_free(&text);
	buffer_free(&issuer);
	buffer_free(&issuer_text);
	application_clear(&application);
}

void cabinet_confirm(struct request *request, struct response *response)
{
	const char *text = http_member(request, response, "certificate_sha256");
	struct application application;
	uint8_t hash[CODEC_SHA256];

	if (text == NULL)
		return;
	if (!cabinet_open(request, response, CABINET_HOLDER, &application))
		goto out;
	if (application.state != CONFIRMED &&
		!cabinet_allows(request, response, &application, ACTION_CONFIRM))
		goto out;
	if (!codec_unhex_sha256(text, hash) ||
		memcmp(application.certificate.data, hash, sizeof hash) != 0) {
		http_error(response, 422, "certificate-mismatch", NULL,
			"По этому заявлению выдан другой сертификат");
		goto out;
	}
	if (application.state == READY)
		application_enter(request->sandbox, &application, CONFIRMED,
			store_now(request->sandbox->store), NULL);
	cabinet_answer(request, response, 200, application.id, NULL);
out:
	application_clear(&application);
}

void cabinet_cancel(struct request *request, struct response *response)
{
	struct application application;
	char id[HTTP_NAME_MAX];

	if (!cabinet_open(request, response, CABINET_READ, &application))
		goto out;
	switch (cabinet_key(request, response, id)) {
	case CABINET_REFUSED:
		goto out;
	case CABINET_NEW:
		if (!cabinet_allows(request, response, &application, ACTION_CANCEL))
			goto out;
		application_enter(request->sandbox, &application, CANCELLED,
			store_now(request->sandbox->store), NULL);
		cabinet_remember(request, application.id);
		break;
	case CABINET_SEEN:
		break;
	}
	cabinet_answer(request, response, 200, application.id, NULL);
out:
	application_clear(&application);
}

void cabinet_crl(struct request *request, struct response *response)
{
	struct buffer der = BUFFER_INIT(1 << 20);

	if (ca_crl(request->sandbox->ca,
		    strstr(request->path, "gost") != NULL ? CA_GOST : CA_ORDINARY,
		    strstr(request->path, "root") != NULL, &der))
		http_bytes(response, 200, "application/pkix-crl", der.data, der.length);
	buffer_free(&der);
}
