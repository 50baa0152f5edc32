#include "tests/sandbox/route.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tests/sandbox/admin.h"
#include "tests/sandbox/application.h"
#include "tests/sandbox/authorization.h"
#include "tests/sandbox/cabinet.h"
#include "tests/sandbox/cloud_signature.h"
#include "tests/sandbox/control.h"
#include "tests/sandbox/csc.h"
#include "tests/sandbox/document.h"
#include "tests/sandbox/faults.h"
#include "tests/sandbox/filing.h"
#include "tests/sandbox/html.h"
#include "tests/sandbox/oauth.h"
#include "tests/sandbox/options.h"
#include "tests/sandbox/portal.h"
#include "tests/sandbox/signing.h"
#include "tests/sandbox/store.h"

enum {
	OPEN = 1 << 0,  /* without login */
	ADMIN = 1 << 1, /* administrators only */
	JSON = 1 << 2,  /* the body is a JSON object */
	FORM = 1 << 3,  /* the body is a form */
	CONTROL = 1 << 4,
	LISTS = 1 << 5,  /* on the lists' listener too */
	ISSUER = 1 << 7, /* with --oauth2-issuer */
	EMPTY = 1
		<< 8, /* no body is an empty object: what asks for a challenge (RFC 7616) sends none */
	CLOUD = 1 << 6, /* the cloud signing service's own logins and errors */
};

/* An asterisk stands for one segment, which the handler gets. */
static const struct route {
	const char *method, *path;
	void (*handle)(struct request *request, struct response *response);
	unsigned flags;
} routes[] = {
	{"GET", "/api/info", cabinet_info, OPEN},
	{"GET", "/api/oauth/authorize", oauth_authorize_page, OPEN},
	{"POST", "/api/oauth/authorize", oauth_authorize, OPEN | FORM},
	{"POST", "/api/oauth/token", oauth_token, OPEN | FORM},
	{"POST", "/api/oauth/revoke", oauth_revoke, OPEN | FORM},
	{"POST", "/api/request-template", cabinet_template, JSON},
	{"GET", "/api/applications", cabinet_list, 0},
	{"POST", "/api/applications", filing_submit, JSON},
	{"GET", "/api/applications/*", cabinet_status, 0},
	{"PUT", "/api/applications/*", filing_resubmit, JSON},
	{"GET", "/api/applications/*/documents/*", document_get, 0},
	{"POST", "/api/applications/*/signatures", signing_documents, JSON},
	{"POST", "/api/applications/*/identification", portal_begin, JSON},
	{"POST", "/api/applications/*/identification/complete", portal_complete, JSON},
	{"GET", "/api/applications/*/certificate", cabinet_certificate, 0},
	{"POST", "/api/applications/*/confirmation", cabinet_confirm, JSON},
	{"POST", "/api/applications/*/cancellation", cabinet_cancel, JSON},
	{"POST", "/api/applications/*/revocation", signing_revocation, JSON},
	{"GET", "/api/admin/applications", cabinet_list, ADMIN},
	{"GET", "/api/admin/accounts", admin_accounts, ADMIN},
	{"POST", "/api/admin/applications/*/confirmation", signing_confirmation, ADMIN | JSON},
	{"POST", "/api/admin/applications/*/return", admin_return, ADMIN | JSON},
	{"POST", "/api/admin/applications/*/rejection", admin_reject, ADMIN | JSON},
	{"GET", "/portal/*", portal_page, OPEN},
	{"POST", "/portal/*/login", portal_login, OPEN | FORM},
	{"POST", "/portal/*/consent", portal_consent, OPEN | FORM},
	{"GET", "/.well-known/oauth-authorization-server" OAUTH_ISSUER_PATH, oauth_metadata,
		OPEN | ISSUER},
	{"POST", "/csc/*/info", csc_info, OPEN | CLOUD | JSON},
	{"GET", "/csc/*/oauth2/authorize", oauth_authorize_page, OPEN | CLOUD},
	{"POST", "/csc/*/oauth2/authorize", oauth_authorize, OPEN | CLOUD | FORM},
	{"POST", "/csc/*/oauth2/token", oauth_token, OPEN | CLOUD | FORM},
	{"POST", "/csc/*/oauth2/revoke", oauth_revoke, OPEN | CLOUD | FORM},
	{"POST", "/csc/*/auth/login", csc_login, OPEN | CLOUD | JSON | EMPTY},
	{"POST", "/csc/*/auth/revoke", csc_revoke, CLOUD | JSON},
	{"POST", "/csc/*/credentials/list", csc_credentials_list, CLOUD | JSON},
	{"POST", "/csc/*/credentials/info", csc_credentials_info, CLOUD | JSON},
	{"POST", "/csc/*/credentials/authorize", authorization_authorize, CLOUD | JSON},
	{"POST", "/csc/v2/credentials/authorizeCheck", authorization_check, CLOUD | JSON},
	{"POST", "/csc/v2/credentials/getChallenge", authorization_challenge, CLOUD | JSON},
	{"POST", "/csc/v1/credentials/sendOTP", authorization_send_otp, CLOUD | JSON},
	{"POST", "/csc/*/credentials/extendTransaction", authorization_extend, CLOUD | JSON},
	{"POST", "/csc/*/signatures/signHash", cloud_signature_sign, CLOUD | JSON},
	{"POST", "/csc/v2/signatures/signPolling", cloud_signature_poll, CLOUD | JSON},
	{"GET", "/crl/issuing.crl", cabinet_crl, OPEN | LISTS},
	{"GET", "/crl/root.crl", cabinet_crl, OPEN | LISTS},
	{"GET", "/crl/gost-issuing.crl", cabinet_crl, OPEN | LISTS},
	{"GET", "/crl/gost-root.crl", cabinet_crl, OPEN | LISTS},
	{"GET", "/control/faults", control_faults, OPEN | CONTROL},
	{"POST", "/control/faults", control_add_faults, OPEN | CONTROL | JSON},
	{"DELETE", "/control/faults", control_clear_faults, OPEN | CONTROL},
	{"POST", "/control/clock", control_clock, OPEN | CONTROL | JSON},
	{"POST", "/control/credentials", control_add_credential, OPEN | CONTROL | JSON},
	{"GET", "/control/summary", control_summary, OPEN | CONTROL},
	{"GET", "/control/requests", control_requests, OPEN | CONTROL},
	{"DELETE", "/control/requests", control_clear_requests, OPEN | CONTROL},
};

/* The segments are copied; false without a match. */
static bool matches(const char *pattern, const char *path, char *segments[HTTP_SEGMENTS_MAX])
{
	unsigned count = 0;

	for (; *pattern != '\0'; pattern++) {
		if (*pattern != '*') {
			if (*path++ != *pattern)
				return false;
			continue;
		}
		size_t length = strcspn(path, "/");
		if (length == 0 || length >= HTTP_NAME_MAX || count == HTTP_SEGMENTS_MAX)
			return false;
		free(segments[count]);
		segments[count++] = strndup(path, length);
		path += length;
	}
	return *path == '\0';
}

static const struct route *find(
	struct request *request, struct response *response, unsigned without, bool lists)
{
	char allow[64] = "";

	for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
		const struct route *route = &routes[i];

		if ((route->flags & without) != 0 || (lists && (route->flags & LISTS) == 0) ||
			!matches(route->path, request->path, request->segments))
			continue;
		if (strcmp(route->method, request->method) == 0)
			return route;
		snprintf(allow + strlen(allow), sizeof allow - strlen(allow), "%s%s",
			allow[0] != '\0' ? ", " : "", route->method);
	}
	if (allow[0] != '\0') {
		http_error(response, 405, "method-not-allowed", NULL, "Метод %s не поддерживается",
			request->method);
		http_add_header(response, "Allow", allow);
	} else {
		http_error(response, 404, "not-found", NULL, "Такого адреса нет");
	}
	return NULL;
}

static const char *bearer(const struct request *request)
{
	const char *value = http_header(request, "Authorization");

	return value != NULL && strncasecmp(value, "Bearer ", 7) == 0 ? value + 7 : NULL;
}

static bool enter(const struct route *route, struct request *request, struct response *response)
{
	const char *token = bearer(request);

	if ((route->flags & CLOUD) != 0 && csc_version(request) == 0)
		return http_error(response, 404, "not-found", NULL, "Такого адреса нет");
	if ((route->flags & OPEN) != 0)
		return true;
	if ((route->flags & CLOUD) != 0)
		return csc_enter(request, response);
	if (token == NULL || !oauth_identify(request->sandbox, token, &request->who)) {
		http_error(response, 401, "unauthorized", NULL, "Нужно войти");
		http_add_header(response, "WWW-Authenticate",
			token != NULL ? "Bearer realm=\"cabinet\", error=\"invalid_token\""
				      : "Bearer realm=\"cabinet\"");
		return false;
	}
	if ((route->flags & ADMIN) != 0 && !request->who.administrator)
		return http_error(
			response, 403, "forbidden", NULL, "Это может только администратор");
	return true;
}

static bool read_body(const struct route *route, struct request *request, struct response *response)
{
	const char *type = http_header(request, "Content-Type");
	const char *wanted = (route->flags & JSON) != 0   ? "application/json"
			     : (route->flags & FORM) != 0 ? "application/x-www-form-urlencoded"
							  : NULL;

	if (wanted == NULL)
		return true;
	if ((route->flags & EMPTY) != 0 && request->body->length == 0) {
		request->json = json_object();
		return true;
	}
	if (type == NULL || strncasecmp(type, wanted, strlen(wanted)) != 0)
		return (route->flags & CLOUD) != 0
			       ? csc_error(response, 400, "invalid_request",
					 "The body has to be %s", wanted)
			       : http_error(response, 415, "unsupported-media-type", NULL,
					 "Ожидается тело вида %s", wanted);
	if ((route->flags & JSON) == 0)
		return true;
	request->json = json_loadb(
		buffer_text(request->body), request->body->length, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(request->json))
		return true;
	return (route->flags & CLOUD) != 0
		       ? csc_error(response, 400, "invalid_request", "The body is no JSON object")
		       : http_error(response, 400, "bad-request", NULL,
				 "Тело запроса — не объект JSON");
}

/* Sessions that end because a test wants it. */
static void end_sessions(struct request *request)
{
	const char *token = bearer(request);
	const char *path =
		strncmp(request->path, "/api/", 5) == 0 ? request->path + 4 : request->path;

	if (token == NULL)
		return;
	if (faults_take_request(
		    request->sandbox->faults, FAULT_END_SESSION, request->method, path, NULL))
		oauth_end_login(request->sandbox, token, true);
	if (faults_take_request(
		    request->sandbox->faults, FAULT_END_LOGIN, request->method, path, NULL))
		oauth_end_login(request->sandbox, token, false);
}

void route_dispatch(struct request *request, struct response *response, bool lists)
{
	struct store *store = request->sandbox->store;
	const struct options *options = request->sandbox->options;
	const struct route *route = find(request, response,
		(options->control ? 0 : CONTROL) | (options->oauth2_issuer ? 0 : ISSUER), lists);
	bool committed = true;

	store_freeze(store, true);
	if (route == NULL)
		goto out;
	/* What time has brought about stays, whatever becomes of the request. */
	store_begin(store);
	end_sessions(request);
	application_settle(request->sandbox, NULL);
	store_commit(store);

	store_begin(store);
	if (enter(route, request, response) && read_body(route, request, response))
		route->handle(request, response);
	if (response->status != 0 && response->status < 500 &&
		(response->status < 400 || response->keep))
		committed = store_commit(store);
	else
		store_rollback(store);
out:
	store_freeze(store, false);
	if (response->status == 0 || response->status == 500 || !committed ||
		!buffer_ok(&response->body)) {
		response_reset(response);
		http_error(response, 500, "internal", NULL, "Внутренняя ошибка");
	}
	json_decref(request->json);
	request->json = NULL;
	for (size_t i = 0; i < HTTP_SEGMENTS_MAX; i++) {
		free(request->segments[i]);
		request->segments[i] = NULL;
	}
}
