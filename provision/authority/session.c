#include "provision/authority/session.h"

#include <stdlib.h>
#include <string.h>

#include "provision/authority/answer.h"
#include "provision/i18n.h"

#define TRIES          5
#define PATIENCE       20 /* seconds */
#define CALL_BYTES     (8 << 20)
#define COMPLAINTS_MAX 16

bool session_open(const struct config_section *section, struct log *log, struct session *out,
	struct error *err)
{
	struct http_settings settings = {
		.base = config_get(section, "url"),
		.ca_file = config_get(section, "ca-file"),
		.log = log,
	};
	struct session session = {.log = log};
	bool ok = false;

	if (settings.base == NULL)
		return error_set(err, ERROR_USAGE, _("the url is missing"));
	session.name = strdup(section->name);
	session.url = strdup(settings.base);
	if (session.name == NULL || session.url == NULL) {
		error_set(err, ERROR_FAILED, _("out of memory"));
		goto out;
	}
	if (!http_new(&settings, &session.http, err) ||
		!login_open(session.name, session.url, log, &session.login, err))
		goto out;
	*out = session;
	ok = true;
out:
	if (!ok)
		session_close(&session);
	return ok;
}

void session_close(struct session *session)
{
	login_close(session->login);
	http_free(session->http);
	free(session->name);
	free(session->url);
	memset(session, 0, sizeof(*session));
}

/* What a status means for who called. */
static const struct {
	long status;
	enum error_code code;
	const char *text;
} meanings[] = {
	{400, ERROR_REFUSED, N_("the authority does not understand the request")},
	{401, ERROR_PERSON, N_("the login is not accepted")},
	{403, ERROR_REFUSED, N_("this is not yours to do")},
	{404, ERROR_USAGE, N_("the authority knows no such application")},
	{405, ERROR_REFUSED, N_("the authority does not understand the request")},
	{409, ERROR_REFUSED, N_("this can't be done in the application's present state")},
	{413, ERROR_REFUSED, N_("the authority finds the request too large")},
	{415, ERROR_REFUSED, N_("the authority does not understand the request")},
	{422, ERROR_REFUSED, N_("the authority refuses it")},
	{425, ERROR_UNREACHABLE, N_("the authority wants it once more")},
	{429, ERROR_UNREACHABLE, N_("the authority is asked too often")},
	{503, ERROR_UNREACHABLE, N_("the authority is busy")},
};

/* The authority's own words: message, code, and each field with its reason. */
static void complaint(const json_t *json, struct buffer *out)
{
	const json_t *error = json_object_get(json, "error"),
		     *fields = json_object_get(error, "fields");
	char *message = NULL, *code = NULL;

	if (answer_text(error, "message", 1000, false, &message, NULL) && message[0] != '\0')
		buffer_printf(out, ": %s", message);
	if (answer_text(error, "code", 64, false, &code, NULL))
		buffer_printf(out, " (%s)", code);
	for (size_t i = 0; i < json_array_size(fields) && i < COMPLAINTS_MAX; i++) {
		char *name = NULL, *reason = NULL;

		if (answer_text(json_array_get(fields, i), "name", 64, false, &name, NULL) &&
			answer_text(json_array_get(fields, i), "reason", 200, false, &reason, NULL))
			buffer_printf(out, "; %s: %s", name, reason);
		free(name);
		free(reason);
	}
	free(message);
	free(code);
}

static bool refused(const struct session *session, const struct http_response *response,
	const struct session_call *call, struct error *err)
{
	enum error_code code = ERROR_UNREACHABLE;
	struct buffer words = BUFFER_INIT(ERROR_MESSAGE_MAX);
	const char *text = NULL;
	json_t *json = NULL;

	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
		if (meanings[i].status == response->status) {
			code = meanings[i].code;
			text = _(meanings[i].text);
		}
	}
	/* Any other 4xx is a no as well: what is asked again gets it again (RFC 9110, 15.5). */
	if (text == NULL && response->status >= 400 && response->status < 500 &&
		response->status != 408)
		code = ERROR_REFUSED;
	if (response->status >= 300 && response->status < 400)
		text = _("it sends elsewhere, which is not followed");
	if (http_response_json(session->http, response, &json, NULL))
		complaint(json, &words);
	json_decref(json);
	if (response->retry_after > 0 && code == ERROR_UNREACHABLE)
		buffer_printf(&words, _("; it wants to be asked again in %ld seconds"),
			response->retry_after);
	if (code == ERROR_PERSON)
		buffer_printf(&words, _(": run podpis login %s"), session->name);
	/* The path without its base: what was asked, never a secret. */
	if (text == NULL)
		error_set(err, code, _("%s: %s %s is answered with HTTP %ld%s"),
			http_peer_name(session->http), call->method, call->path, response->status,
			buffer_text(&words));
	else
		error_set(err, code, "%s%s", text, buffer_text(&words));
	buffer_free(&words);
	return false;
}

static int append(const char *data, size_t length, void *buffer)
{
	return buffer_append(buffer, data, length) ? 0 : -1;
}

bool session_call(struct session *session, const struct session_call *call,
	struct http_response *out, struct error *err)
{
	bool again = call->repeatable || call->idempotency_key != NULL ||
		     strcmp(call->method, "GET") == 0;
	struct http_request request = {
		.method = call->method,
		.path = call->path,
		.idempotency_key = call->idempotency_key,
		.limit = call->limit,
		.tries = again ? TRIES : 1,
		.patience = PATIENCE,
	};
	struct buffer body = BUFFER_INIT(CALL_BYTES);
	struct secret *bearer = NULL, *stale = NULL;
	struct http_response response = {0};
	bool ok = false;

	if (call->body != NULL) {
		if (json_dump_callback(call->body, append, &body, JSON_COMPACT) != 0) {
			error_set(err, ERROR_FAILED, _("the request is too large"));
			goto out;
		}
		request.content_type = "application/json";
		request.body = body.data;
		request.length = body.length;
	}
	for (;;) {
		if (!call->anonymous && !login_bearer(session->login, session->http,
						call->application, stale, &bearer, err))
			goto out;
		request.bearer = bearer;
		if (!http_send(session->http, &request, &response, err))
			goto out;
		if (response.status != 401 || bearer == NULL || stale != NULL)
			break;
		/* Perhaps it has just ended: once more with a new one. */
		http_response_clear(&response);
		stale = bearer;
		bearer = NULL;
	}
	if (response.status != 200 && response.status != 201) {
		refused(session, &response, call, err);
		goto out;
	}
	*out = response;
	response = (struct http_response){0};
	ok = true;
out:
	http_response_clear(&response);
	secret_free(bearer);
	secret_free(stale);
	buffer_free(&body);
	return ok;
}

bool session_json(
	struct session *session, const struct session_call *call, json_t **out, struct error *err)
{
	struct http_response response = {0};
	json_t *json = NULL;
	bool ok;

	if (!session_call(session, call, &response, err))
		return false;
	ok = http_response_json(session->http, &response, &json, err);
	if (ok && !json_is_object(json)) {
		json_decref(json);
		ok = answer_wrong(_("the whole"), _("an object"), err);
	}
	if (ok)
		*out = json;
	http_response_clear(&response);
	return ok;
}
