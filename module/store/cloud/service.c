#include "module/store/cloud/service.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>

#include "module/store/cloud/login.h"
#include "module/support/cloud_login.h"
#include "module/support/oauth_browser.h"
#include "module/support/opener.h"
#include "module/support/text.h"

#define CONNECT_SECONDS 10
#define REQUEST_SECONDS 30
#define BODY_BYTES      (1 << 20)
#define WAIT_MS         250
#define CLOCK_SKEW      300 /* seconds that clocks may differ */

/* One connection. Used by one call at a time. */
struct line {
	struct http *http;
	const struct patience *patience; /* of the call under way */
	struct line *next;
};

struct service {
	const struct cloud_account *account;
	const char *name;
	struct crypto *crypto;
	struct log *log;
	const atomic_bool *closing;
	struct login *login;
	pthread_mutex_t mutex; /* over what follows */
	struct line *idle;     /* the last used first */
};

OSSL_LIB_CTX *service_enter(struct service *service)
{
	return OSSL_LIB_CTX_set0_default(crypto_libctx(service->crypto));
}

void service_leave(OSSL_LIB_CTX *before)
{
	OSSL_LIB_CTX_set0_default(before);
}

CK_RV service_new(const struct cloud_account *account, const char *name, struct crypto *crypto,
	struct log *log, const atomic_bool *closing, struct service **out)
{
	struct service *service = calloc(1, sizeof(*service));

	if (service == NULL)
		return CKR_HOST_MEMORY;
	service->account = account;
	service->name = name;
	service->crypto = crypto;
	service->log = log;
	service->closing = closing;
	pthread_mutex_init(&service->mutex, NULL);
	if (!login_new(account, &service->login)) {
		service_free(service);
		return CKR_HOST_MEMORY;
	}
	*out = service;
	return CKR_OK;
}

static void line_free(struct line *line)
{
	if (line == NULL)
		return;
	http_free(line->http);
	free(line);
}

void service_free(struct service *service)
{
	bool alive = crypto_alive();
	OSSL_LIB_CTX *before;

	if (service == NULL)
		return;
	/* TLS can't be ended without OpenSSL. */
	if (alive) {
		before = service_enter(service);
		while (service->idle != NULL) {
			struct line *line = service->idle;
			service->idle = line->next;
			line_free(line);
		}
		service_leave(before);
	}
	login_free(service->login);
	pthread_mutex_destroy(&service->mutex);
	free(service);
}

const struct cloud_account *service_account(const struct service *service)
{
	return service->account;
}

/* ---- connections */

static bool line_over(const void *context)
{
	const struct line *line = context;

	return patience_over(line->patience);
}

static bool line_take(struct service *service, const struct patience *patience, struct line **out,
	struct error *err)
{
	struct line *line;

	pthread_mutex_lock(&service->mutex);
	line = service->idle;
	if (line != NULL)
		service->idle = line->next;
	pthread_mutex_unlock(&service->mutex);
	if (line == NULL) {
		line = calloc(1, sizeof(*line));
		if (line == NULL)
			return error_set(err, ERROR_FAILED, "out of memory");
		const struct http_settings settings = {
			.base = service->account->url,
			.ca_file = service->account->ca_file,
			.connect_seconds = CONNECT_SECONDS,
			.total_seconds = REQUEST_SECONDS,
			.log = service->log,
			.interrupt = {line_over, line},
		};
		if (!http_new(&settings, &line->http, err)) {
			free(line);
			return false;
		}
	}
	line->patience = patience;
	*out = line;
	return true;
}

static void line_give(struct service *service, struct line *line)
{
	if (line == NULL)
		return;
	line->patience = NULL;
	pthread_mutex_lock(&service->mutex);
	line->next = service->idle;
	service->idle = line;
	pthread_mutex_unlock(&service->mutex);
}

/* ---- what an answer means */

/*
 * The first row that fits (v1.0.4, 10 and the tables of 11; v2.0, 10 and those of 11). A text is looked for in
 * error_description, whatever its case: many services have no other error than invalid_request.
 */
static const struct {
	long status;              /* 0: any that is not the service's own trouble */
	const char *path;         /* NULL: any */
	const char *error, *text; /* NULL: any */
	CK_RV rv;
	const char *sentence;
} meanings[] = {
	{501, NULL, NULL, NULL, CKR_PODPIS_REFUSED, "the service has no such method"},
	{0, NULL, "invalid_pin", NULL, CKR_PIN_INCORRECT, "the PIN is wrong"},
	{0, NULL, "invalid_otp", NULL, CKR_PIN_INCORRECT, "the one-time password is wrong"},
	{0, NULL, "invalid_authentication_data", NULL, CKR_PIN_INCORRECT,
		"the PIN or the one-time password is wrong"},
	{0, NULL, NULL, "PIN is invalid", CKR_PIN_INCORRECT, "the PIN is wrong"},
	{0, NULL, NULL, "OTP is invalid", CKR_PIN_INCORRECT, "the one-time password is wrong"},
	{0, NULL, NULL, "locked", CKR_PIN_LOCKED, "the credential is locked"},
	{0, NULL, NULL, "SAD expired", CKR_PODPIS_SAD, "the authorisation has expired"},
	{0, NULL, NULL, "parameter SAD", CKR_PODPIS_SAD, "the authorisation is not taken"},
	{0, "signatures/signHash", NULL, "signatures is too high", CKR_PODPIS_SAD,
		"the authorisation is used up"},
	{0, NULL, NULL, "signatures is too high", CKR_FUNCTION_REJECTED,
		"so many signatures can't be authorised at once"},
	{0, NULL, NULL, "not authorized by the SAD", CKR_FUNCTION_REJECTED,
		"the authorisation is for another hash"},
	{0, NULL, "invalid_hash", NULL, CKR_FUNCTION_REJECTED,
		"the authorisation is for another hash"},
	{0, NULL, NULL, "digest value length", CKR_DATA_LEN_RANGE, "the hash has a wrong length"},
	{0, "signatures/signHash", NULL, "operationMode", CKR_PODPIS_MODE,
		"signatures are not made in this mode"},
	{401, NULL, NULL, NULL, CKR_PODPIS_LOGIN, "the login is not taken"},
	{0, NULL, "invalid_token", NULL, CKR_PODPIS_LOGIN, "the login is not taken"},
	{0, NULL, NULL, "authorization header", CKR_PODPIS_LOGIN, "the login is not taken"},
	{0, NULL, NULL, "authorization HTTP header", CKR_PODPIS_LOGIN, "the login is not taken"},
	{0, NULL, "expired_token", NULL, CKR_PODPIS_LOGIN, "the login has expired"},
	{0, NULL, "authentication_error", NULL, CKR_PODPIS_LOGIN, "the login is not taken"},
	{0, NULL, NULL, "signing certificate", CKR_KEY_FUNCTION_NOT_PERMITTED,
		"the certificate is not valid any more"},
	{0, NULL, NULL, "disabled", CKR_KEY_FUNCTION_NOT_PERMITTED, "the credential is disabled"},
	{0, NULL, NULL, "parameter credentialID", CKR_PODPIS_REFUSED,
		"the service does not know the credential"},
	{0, NULL, NULL, "parameter handle", CKR_PODPIS_REFUSED,
		"the authorisation is waited for no more"},
	{0, NULL, NULL, "parameter signAlgo", CKR_MECHANISM_INVALID,
		"the key is not used with this algorithm"},
	{0, NULL, NULL, "parameter hashAlgo", CKR_MECHANISM_INVALID,
		"the key is not used with this hash"},
	{0, NULL, "access_denied", NULL, CKR_PODPIS_REFUSED, "this is not allowed"},
	{0, NULL, "unauthorized_client", NULL, CKR_PODPIS_REFUSED,
		"this is not allowed to this client"},
	{0, NULL, "server_error", NULL, CKR_PODPIS_UNREACHABLE, "the service is in trouble"},
	{0, NULL, "temporarily_unavailable", NULL, CKR_PODPIS_UNREACHABLE,
		"the service is in trouble"},
	{429, NULL, NULL, NULL, CKR_PODPIS_UNREACHABLE, "the service is asked too often"},
};

/* What a service in trouble says of a PIN is not to be believed. */
static bool is_trouble(long status)
{
	return status >= 500 || status < 400;
}

static bool contains(const char *text, const char *part)
{
	return part == NULL || strcasestr(text, part) != NULL;
}

/* A service's text, made fit for a line. */
static void copy_plain(const json_t *json, const char *name, char *out, size_t size)
{
	const char *text = tokens_text(json, name);

	snprintf(out, size, "%s", text != NULL ? text : "");
	out[text_cut(out, strlen(out), size - 2)] = '\0';
	text_plain(out);
}

/* Clocks that differ are behind many a refusal: of a token that seems over, of a certificate that is not yet valid. */
static void compare_clocks(const struct service *service, const struct http_response *response)
{
	long ahead = response->date > 0 ? (long)(response->date - time(NULL)) : 0;

	if (labs(ahead) > CLOCK_SKEW)
		log_error(service->log,
			"slot %s: the service's clock is %ld minutes %s this one's; one of the two "
			"is "
			"wrong",
			service->name, labs(ahead) / 60, ahead > 0 ? "ahead of" : "behind");
}

static CK_RV refused(struct service *service, const struct service_call *call,
	const struct http_response *response, const struct http *http)
{
	char error[64] = "", description[300] = "";
	const char *sentence = "the service refuses";
	CK_RV rv = response->status >= 500 ? CKR_PODPIS_UNREACHABLE : CKR_PODPIS_REFUSED;
	json_t *json = NULL;

	if (http_response_json(http, response, &json, NULL)) {
		copy_plain(json, "error", error, sizeof(error));
		copy_plain(json, "error_description", description, sizeof(description));
	}
	json_decref(json);
	if (response->status >= 500)
		sentence = "the service is in trouble";
	else if (response->status < 400)
		sentence = "the service sends elsewhere, which is not followed";
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
		if ((meanings[i].status == 0 ? is_trouble(response->status)
					     : meanings[i].status != response->status) ||
			(meanings[i].path != NULL && strcmp(meanings[i].path, call->path) != 0) ||
			(meanings[i].error != NULL && strcmp(meanings[i].error, error) != 0) ||
			!contains(description, meanings[i].text))
			continue;
		rv = meanings[i].rv;
		sentence = meanings[i].sentence;
		break;
	}
	/* What was shown in place of the login's token is the authorisation. */
	if (rv == CKR_PODPIS_LOGIN && call->bearer != NULL) {
		rv = CKR_PODPIS_SAD;
		sentence = "the authorisation is not taken";
	} else if (rv == CKR_PODPIS_LOGIN && service->account->login == CLOUD_LOGIN_NONE) {
		rv = CKR_PODPIS_REFUSED;
		sentence = "the service wants a login, and the slot has none";
	}
	log_error(service->log, "slot %s: %s: %s (HTTP %ld%s%s%s%s)", service->name, call->path,
		sentence, response->status, error[0] != '\0' ? ", " : "", error,
		description[0] != '\0' ? ": " : "", description);
	compare_clocks(service, response);
	return rv;
}

static CK_RV failed(struct service *service, const struct patience *patience, const char *what,
	const struct error *err)
{
	if (patience_cancelled(patience))
		return CKR_FUNCTION_CANCELED;
	log_error(service->log, "slot %s: %s: %s", service->name, what, err->message);
	switch (err->code) {
	case ERROR_PERSON:
		log_error(service->log, "slot %s: log in with: podpis cloud login %s",
			service->name, service->name);
		return CKR_PODPIS_LOGIN;
	case ERROR_REFUSED:
		return CKR_PODPIS_REFUSED;
	case ERROR_UNREACHABLE:
		return CKR_PODPIS_UNREACHABLE;
	default:
		return CKR_GENERAL_ERROR;
	}
}

/* ---- a call */

static int append(const char *data, size_t length, void *buffer)
{
	return buffer_append(buffer, data, length) ? 0 : -1;
}

/* One call under way. */
struct exchange {
	struct service *service;
	const struct patience *patience;
	const struct service_call *call;
	struct line *line;
	struct secret *bearer, *stale;
	struct http_response response;
};

/* Once more? What was answered says that the service has not acted on it, or it was never asked. */
static bool again(struct exchange *x, bool answered, unsigned *lost)
{
	long seconds = x->response.retry_after;

	if (!answered)
		return !x->response.sent && (*lost)++ == 0 && patience_sleep(x->patience, WAIT_MS);
	if (x->response.status == 401 && x->call->bearer == NULL && x->bearer != NULL &&
		x->stale == NULL) {
		x->stale = x->bearer;
		x->bearer = NULL;
		return true;
	}
	if (x->response.status != 429)
		return false;
	if (seconds < 0)
		seconds = 1;
	return patience_now() + seconds * 1000 < x->patience->until &&
	       patience_sleep(x->patience, seconds > 0 ? seconds * 1000 : WAIT_MS);
}

static CK_RV exchange_send(struct exchange *x, struct http_request *request)
{
	struct error err = {0};
	unsigned lost = 0;
	bool answered;

	for (;;) {
		if (x->call->bearer == NULL && x->bearer == NULL &&
			!login_bearer(x->service->login, x->line->http, x->patience, x->stale,
				&x->bearer, &err))
			return failed(x->service, x->patience, "login", &err);
		if (patience_over(x->patience)) {
			error_set(&err, ERROR_UNREACHABLE, "no time is left");
			return failed(x->service, x->patience, x->call->path, &err);
		}
		request->bearer = x->call->bearer != NULL ? x->call->bearer : x->bearer;
		http_response_clear(&x->response);
		answered = http_send(x->line->http, request, &x->response, &err);
		if (!again(x, answered, &lost))
			return answered ? CKR_OK
					: failed(x->service, x->patience, x->call->path, &err);
	}
}

static CK_RV exchange_read(struct exchange *x, json_t **out)
{
	struct error err = {0};
	json_t *json = NULL;

	if (x->response.status < 200 || x->response.status > 299)
		return refused(x->service, x->call, &x->response, x->line->http);
	if (x->response.status == 204 ||
		(x->response.status == 202 && x->response.body.length == 0))
		json = json_object();
	else if (!http_response_json(x->line->http, &x->response, &json, &err))
		return failed(x->service, x->patience, x->call->path, &err);
	if (!json_is_object(json)) {
		tokens_wipe(json);
		error_set(&err, ERROR_UNREACHABLE, "the answer is no object");
		return failed(x->service, x->patience, x->call->path, &err);
	}
	*out = json;
	return CKR_OK;
}

CK_RV service_call(struct service *service, const struct patience *patience,
	const struct service_call *call, json_t **out)
{
	struct exchange x = {.service = service, .patience = patience, .call = call};
	OSSL_LIB_CTX *before = service_enter(service);
	struct buffer body = BUFFER_INIT(BODY_BYTES);
	struct error err = {0};
	char path[64];
	CK_RV rv = CKR_HOST_MEMORY;

	snprintf(path, sizeof(path), "/%s", call->path);
	if (json_dump_callback(call->body, append, &body, JSON_COMPACT) != 0)
		goto out;
	if (!line_take(service, patience, &x.line, &err)) {
		rv = failed(service, patience, "connection", &err);
		goto out;
	}
	struct http_request request = {
		.method = "POST",
		.path = path,
		.accept = "application/json",
		.content_type = "application/json",
		.body = body.data,
		.length = body.length,
		.tries = 1,
	};
	rv = exchange_send(&x, &request);
	if (rv == CKR_OK)
		rv = exchange_read(&x, out);
out:
	if (call->outcome != NULL)
		*call->outcome = (struct service_outcome){
			.pending = x.response.status == 202,
			.acted = x.response.sent &&
				 (x.response.status < 400 || x.response.status > 499),
		};
	http_response_clear(&x.response);
	secret_free(x.bearer);
	secret_free(x.stale);
	line_give(service, x.line);
	buffer_free(&body);
	service_leave(before);
	return rv;
}

/* ---- the browser */

static bool browse(void *context, const char *url, struct error *err)
{
	int failure = opener_start(url);

	(void)context;
	return failure == 0 || error_set(err, ERROR_WORKPLACE,
				       "no browser can be opened: xdg-open: %s", strerror(failure));
}

/* Version 1 has one name less, and the hashes in another (v1.0.4, 8.3.2; v2.0, 8.4.2). */
static bool add_wish(const char *endpoint, unsigned version, const struct service_browse *wish,
	struct buffer *url)
{
	struct buffer query = BUFFER_INIT(4096);
	char number[16];
	bool ok;

	snprintf(number, sizeof(number), "%u", wish->signatures);
	http_form_add(&query, "credentialID", wish->credential);
	http_form_add(&query, "numSignatures", number);
	if (wish->hashes != NULL)
		http_form_add(&query, version == 1 ? "hash" : "hashes", wish->hashes);
	if (wish->hash_algorithm != NULL && version != 1)
		http_form_add(&query, "hashAlgorithmOID", wish->hash_algorithm);
	ok = buffer_ok(&query) &&
	     buffer_printf(url, "%s%c%s", endpoint, strchr(endpoint, '?') != NULL ? '&' : '?',
		     buffer_text(&query));
	buffer_free(&query);
	return ok;
}

/* A person's no, and that of the server, are no reason to log in anew. */
static CK_RV not_allowed(
	struct service *service, const struct patience *patience, const struct error *err)
{
	struct error problem = *err;

	if (problem.code == ERROR_PERSON)
		problem.code = ERROR_REFUSED;
	if (patience_over(patience))
		problem.code = ERROR_UNREACHABLE;
	return failed(service, patience, "authorisation in the browser", &problem);
}

CK_RV service_browse(struct service *service, const struct patience *patience,
	const struct service_browse *wish, struct oauth_grant *out)
{
	const struct oauth_browser browser = {
		.browse = browse,
		.seconds = patience_left(patience),
		.log = service->log,
		.interrupt = {patience_over, patience},
	};
	OSSL_LIB_CTX *before = service_enter(service);
	struct buffer authorize = BUFFER_INIT(8192);
	struct cloud_doors doors = {0};
	struct cloud_client client = {.secret = NULL};
	struct line *line = NULL;
	struct error err = {0};
	bool ok = line_take(service, patience, &line, &err) &&
		  cloud_credential_doors(line->http, &doors, &err) &&
		  cloud_client_open(service->account, &doors, "credential", &client, &err);

	if (ok && !add_wish(doors.authorization, service->account->version, wish, &authorize))
		ok = error_set(&err, ERROR_FAILED, "the address is too long");
	if (ok) {
		client.service.authorization_endpoint = buffer_text(&authorize);
		ok = oauth_browser_login(line->http, &client.service, &browser, out, &err);
	}
	line_give(service, line);
	cloud_client_close(&client);
	cloud_doors_clear(&doors);
	buffer_free(&authorize);
	service_leave(before);
	return ok ? CKR_OK : not_allowed(service, patience, &err);
}
