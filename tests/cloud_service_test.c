/* What a service's answers, and its silence, become: a return value, and a sentence in the log. */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "module/store/cloud/service.h"
#include "tests/folder.h"
#include "tests/https_server.h"

static char *folder, log_file[300];
static struct https_server *server, *misnamed;
static struct crypto *crypto;
static struct log *lines;
static struct cloud_account account;
static struct service *service;
static const atomic_bool open_still;

static struct service *service_at(const char *origin, const char *ca)
{
	struct service *made = NULL;

	free(account.url);
	assert_true(asprintf(&account.url, "%s/csc/v2", origin) > 0);
	account.ca_file = (char *)(uintptr_t)ca;
	account.login = CLOUD_LOGIN_NONE;
	assert_int_equal(service_new(&account, "cloud", crypto, lines, &open_still, &made), CKR_OK);
	return made;
}

static int setup(void **state)
{
	char target[320];

	(void)state;
	folder = folder_make();
	server = https_server_start(folder, "127.0.0.1");
	misnamed = https_server_start(folder, "other.example");
	snprintf(log_file, sizeof(log_file), "%s/log", folder);
	snprintf(target, sizeof(target), "error:%s", log_file);
	lines = log_new(target, "test", LOG_LEVEL_ERROR);
	assert_int_equal(crypto_new(lines, &crypto), CKR_OK);
	service = service_at(https_server_url(server), https_server_ca(server));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	service_free(service);
	crypto_free(crypto);
	log_free(lines);
	https_server_stop(server);
	https_server_stop(misnamed);
	free(account.url);
	folder_remove(folder);
	return 0;
}

static int fresh(void **state)
{
	(void)state;
	https_server_reset(server);
	assert_int_equal(truncate(log_file, 0), 0);
	return 0;
}

/* The log has that text in it. */
static void assert_said(const char *text)
{
	char all[4096] = "";
	FILE *in = fopen(log_file, "r");

	assert_non_null(in);
	all[fread(all, 1, sizeof(all) - 1, in)] = '\0';
	fclose(in);
	if (strstr(all, text) == NULL)
		fail_msg("nothing said of '%s': %s", text, all);
}

/* A call of that service, within so many seconds. */
static CK_RV call_of(struct service *whose, const char *path, unsigned seconds)
{
	const struct patience patience = patience_for(seconds, &open_still, NULL);
	const struct service_call call = {.path = path, .body = json_object()};
	json_t *answer = NULL;
	CK_RV rv = service_call(whose, &patience, &call, &answer);

	json_decref(call.body);
	json_decref(answer);
	return rv;
}

static CK_RV call(const char *path)
{
	return call_of(service, path, 10);
}

#define SIGN      "signatures/signHash"
#define AUTHORIZE "credentials/authorize"

static void test_documented(void **state)
{
	static const struct {
		const char *status, *error, *text, *path;
		CK_RV rv;
		const char *says;
	} errors[] = {
		{"400 Bad Request", "invalid_pin", "The PIN is invalid", AUTHORIZE,
			CKR_PIN_INCORRECT, "the PIN is wrong"},
		{"400 Bad Request", "invalid_request", "The PIN is invalid", AUTHORIZE,
			CKR_PIN_INCORRECT, "the PIN is wrong"},
		{"400 Bad Request", "invalid_otp", "The OTP is invalid", AUTHORIZE,
			CKR_PIN_INCORRECT, "the one-time password is wrong"},
		{"400 Bad Request", "invalid_request", "The OTP is invalid", AUTHORIZE,
			CKR_PIN_INCORRECT, "the one-time password is wrong"},
		{"400 Bad Request", "invalid_authentication_data",
			"The authentication data is invalid", AUTHORIZE, CKR_PIN_INCORRECT,
			"the PIN or the one-time password is wrong"},
		{"400 Bad Request", "invalid_request", "PIN locked", AUTHORIZE, CKR_PIN_LOCKED,
			"the credential is locked"},
		{"400 Bad Request", "invalid_request", "Credential locked", AUTHORIZE,
			CKR_PIN_LOCKED, "the credential is locked"},
		{"400 Bad Request", "invalid_request", "SAD expired", SIGN, CKR_PODPIS_SAD,
			"the authorisation has expired"},
		{"400 Bad Request", "invalid_request", "Invalid parameter SAD", SIGN,
			CKR_PODPIS_SAD, "the authorisation is not taken"},
		{"400 Bad Request", "invalid_request", "Numbers of signatures is too high", SIGN,
			CKR_PODPIS_SAD, "the authorisation is used up"},
		{"400 Bad Request", "invalid_request", "Numbers of signatures is too high",
			AUTHORIZE, CKR_FUNCTION_REJECTED,
			"so many signatures can't be authorised at once"},
		{"400 Bad Request", "invalid_request", "Hash is not authorized by the SAD", SIGN,
			CKR_FUNCTION_REJECTED, "the authorisation is for another hash"},
		{"403 Forbidden", "invalid_hash", "Document does not match authorized hash", SIGN,
			CKR_FUNCTION_REJECTED, "the authorisation is for another hash"},
		{"400 Bad Request", "invalid_request", "Invalid digest value length", SIGN,
			CKR_DATA_LEN_RANGE, "the hash has a wrong length"},
		/* The slot's login is none; what a login makes of these is cloud_logins' and the scenarios'. */
		{"401 Unauthorized", "invalid_token", "The access token is not valid", SIGN,
			CKR_PODPIS_REFUSED, "the slot has none"},
		{"401 Unauthorized", "", "", SIGN, CKR_PODPIS_REFUSED, "the slot has none"},
		{"400 Bad Request", "expired_token", "Access token is expired", SIGN,
			CKR_PODPIS_REFUSED, "the slot has none"},
		{"400 Bad Request", "invalid_request", "Malformed authorization header", SIGN,
			CKR_PODPIS_REFUSED, "the slot has none"},
		{"400 Bad Request", "invalid_request", "Signing certificate is expired", SIGN,
			CKR_KEY_FUNCTION_NOT_PERMITTED, "the certificate is not valid any more"},
		{"400 Bad Request", "invalid_request",
			"Signing certificate 'O=Org,CN=Name' is expired", SIGN,
			CKR_KEY_FUNCTION_NOT_PERMITTED, "the certificate is not valid any more"},
		{"400 Bad Request", "invalid_request",
			"The credential identified by credentialID is disabled", AUTHORIZE,
			CKR_KEY_FUNCTION_NOT_PERMITTED, "the credential is disabled"},
		{"400 Bad Request", "invalid_request", "Invalid parameter credentialID", SIGN,
			CKR_PODPIS_REFUSED, "the service does not know the credential"},
		{"400 Bad Request", "invalid_request", "Invalid parameter handle",
			"credentials/authorizeCheck", CKR_PODPIS_REFUSED,
			"the authorisation is waited for no more"},
		{"400 Bad Request", "invalid_request", "Invalid parameter signAlgo", SIGN,
			CKR_MECHANISM_INVALID, "the key is not used with this algorithm"},
		{"400 Bad Request", "invalid_request", "Invalid parameter hashAlgorithmOID", SIGN,
			CKR_MECHANISM_INVALID, "the key is not used with this hash"},
		{"400 Bad Request", "access_denied", "", SIGN, CKR_PODPIS_REFUSED,
			"this is not allowed"},
		{"400 Bad Request", "unauthorized_client", "", SIGN, CKR_PODPIS_REFUSED,
			"this is not allowed to this client"},
		{"400 Bad Request", "temporarily_unavailable", "", SIGN, CKR_PODPIS_UNREACHABLE,
			"the service is in trouble"},
		{"400 Bad Request", "invalid_request", "Empty hash array", SIGN, CKR_PODPIS_REFUSED,
			"the service refuses"},
		{"500 Internal Server Error", "invalid_pin", "The PIN is invalid", AUTHORIZE,
			CKR_PODPIS_UNREACHABLE, "the service is in trouble"},
		{"503 Service Unavailable", "", "", SIGN, CKR_PODPIS_UNREACHABLE,
			"the service is in trouble"},
		{"501 Not Implemented", "", "", SIGN, CKR_PODPIS_REFUSED,
			"the service has no such method"},
		{"302 Found", "", "", SIGN, CKR_PODPIS_REFUSED, "sends elsewhere"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		char body[300];
		CK_RV rv;

		fresh(NULL);
		snprintf(body, sizeof(body), "{\"error\":\"%s\",\"error_description\":\"%s\"}",
			errors[i].error, errors[i].text);
		https_server_answer(server, errors[i].status, "application/json", body);
		rv = call(errors[i].path);
		if (rv != errors[i].rv)
			fail_msg("%s %s: 0x%lx", errors[i].status, body, rv);
		assert_said(errors[i].says);
		assert_said(errors[i].path);
		/* None of these is asked for twice. */
		assert_int_equal(https_server_count(server), 1);
	}
}

static void test_wrong_answers(void **state)
{
	static const char cut[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
				  "Content-Length: 100\r\n\r\n{\"SAD\":\"";
	static const struct {
		const char *type, *body, *says;
	} answers[] = {
		{"application/json", "{\"SAD\":", "is not JSON"},
		{"application/json", "[]", "the answer is no object"},
		{"application/json", "\"SAD\"", "is not JSON"},
		{"text/html", "<p>Hello</p>", "text/html, not JSON"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		fresh(NULL);
		https_server_answer(server, "200 OK", answers[i].type, answers[i].body);
		assert_int_equal(call(SIGN), CKR_PODPIS_UNREACHABLE);
		assert_said(answers[i].says);
		assert_int_equal(https_server_count(server), 1);
	}
	fresh(NULL);
	https_server_bytes(server, cut, strlen(cut), HTTPS_CLOSE);
	assert_int_equal(call(SIGN), CKR_PODPIS_UNREACHABLE);
	assert_said("cut short");
	assert_int_equal(https_server_count(server), 1);
	fresh(NULL);
	https_server_bytes(server, "", 0, HTTPS_BREAK);
	assert_int_equal(call(SIGN), CKR_PODPIS_UNREACHABLE);
	assert_said("without an answer");
	assert_int_equal(https_server_count(server), 1);
}

static void test_too_often(void **state)
{
	static const char soon[] = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 0\r\n"
				   "Content-Length: 0\r\n\r\n";
	static const char late[] = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 60\r\n"
				   "Content-Length: 0\r\n\r\n";

	(void)state;
	https_server_bytes(server, soon, strlen(soon), HTTPS_CLOSE);
	https_server_answer(server, "200 OK", "application/json", "{}");
	assert_int_equal(call(SIGN), CKR_OK);
	assert_int_equal(https_server_count(server), 2);
	/* Longer than there is time for: it is not even begun to be waited for. */
	fresh(NULL);
	https_server_bytes(server, late, strlen(late), HTTPS_CLOSE);
	https_server_answer(server, "200 OK", "application/json", "{}");
	assert_int_equal(call(SIGN), CKR_PODPIS_UNREACHABLE);
	assert_said("the service is asked too often");
	assert_int_equal(https_server_count(server), 1);
}

/* It takes connections no more, or never did; and one that is not whom it is taken for. */
static void test_nobody(void **state)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	int taken = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct service *other;
	char origin[64];

	(void)state;
	/* Bound, so that it is nobody else's; not listened at. */
	assert_int_equal(bind(taken, (struct sockaddr *)&address, size), 0);
	assert_int_equal(getsockname(taken, (struct sockaddr *)&address, &size), 0);
	snprintf(origin, sizeof(origin), "https://127.0.0.1:%u", ntohs(address.sin_port));
	other = service_at(origin, https_server_ca(server));
	assert_int_equal(call_of(other, SIGN, 10), CKR_PODPIS_UNREACHABLE);
	assert_said("refused");
	service_free(other);
	close(taken);
	other = service_at(https_server_url(misnamed), https_server_ca(misnamed));
	assert_int_equal(call_of(other, SIGN, 10), CKR_PODPIS_UNREACHABLE);
	assert_said("other.example");
	assert_int_equal(https_server_count(misnamed), 0);
	service_free(other);
	other = service_at(https_server_url(server), https_server_ca(misnamed));
	assert_int_equal(call_of(other, SIGN, 10), CKR_PODPIS_UNREACHABLE);
	assert_said("not trusted");
	assert_int_equal(https_server_count(server), 0);
	service_free(other);
	service_free(service);
	service = service_at(https_server_url(server), https_server_ca(server));
}

static void test_clock(void **state)
{
	static const struct {
		long ahead;
		const char *says;
	} clocks[] = {{7200 + 30, "120 minutes ahead of"}, {-7200 + 30, "119 minutes behind"}};

	(void)state;
	for (size_t i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
		char date[64], answer[300];
		time_t now = time(NULL) + clocks[i].ahead;
		struct tm tm;

		fresh(NULL);
		strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &tm));
		snprintf(answer, sizeof(answer),
			"HTTP/1.1 401 Unauthorized\r\nDate: %s\r\nContent-Length: 0\r\n\r\n", date);
		https_server_bytes(server, answer, strlen(answer), HTTPS_CLOSE);
		assert_int_equal(call(SIGN), CKR_PODPIS_REFUSED);
		assert_said(clocks[i].says);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_documented, fresh),
		cmocka_unit_test_setup(test_wrong_answers, fresh),
		cmocka_unit_test_setup(test_too_often, fresh),
		cmocka_unit_test_setup(test_nobody, fresh),
		cmocka_unit_test_setup(test_clock, fresh),
	};

	return cmocka_run_group_tests_name("cloud_service", tests, setup, teardown);
}
