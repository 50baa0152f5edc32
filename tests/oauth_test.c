#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <openssl/evp.h>

#include "module/support/base64.h"
#include "module/support/oauth.h"
#include "tests/folder.h"
#include "tests/https_server.h"

static char *folder, *endpoint;
static struct https_server *server;
static struct http *http;
static struct oauth_service service;

static int setup(void **state)
{
	struct http_settings settings = {.total_seconds = 5};

	(void)state;
	folder = folder_make();
	server = https_server_start(folder, "127.0.0.1");
	if (asprintf(&endpoint, "%s/token", https_server_url(server)) < 0)
		return -1;
	service = (struct oauth_service){.authorization_endpoint = "https://a.example/login?x=1",
		.token_endpoint = endpoint,
		.revocation_endpoint = endpoint,
		.client_id = "pod pis"};
	settings.base = https_server_url(server);
	settings.ca_file = https_server_ca(server);
	return http_new(&settings, &http, NULL) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	http_free(http);
	https_server_stop(server);
	free(endpoint);
	folder_remove(folder);
	return 0;
}

static void test_attempt(void **state)
{
	struct oauth_attempt one = {0}, two = {0};
	struct buffer challenge = BUFFER_INIT(43);
	uint8_t hash[32];

	(void)state;
	assert_true(oauth_attempt_new(&one, NULL) && oauth_attempt_new(&two, NULL));
	assert_int_equal(strlen(one.verifier), 43);
	assert_int_equal(strlen(one.state), 43);
	assert_string_not_equal(one.verifier, two.verifier);
	assert_string_not_equal(one.state, two.state);
	assert_string_not_equal(one.state, one.verifier);
	/* RFC 7636, 4.2. */
	assert_int_equal(EVP_Digest(one.verifier, 43, hash, NULL, EVP_sha256(), NULL), 1);
	assert_true(base64_encode_url(hash, 32, &challenge));
	assert_string_equal(buffer_text(&challenge), one.challenge);
	buffer_free(&challenge);
	oauth_attempt_clear(&one);
	assert_int_equal(one.verifier[0], '\0');
}

static void test_address(void **state)
{
	static const char *const wrong[] = {"http://a.example/", "https://a.example/#f",
		"https://u:p@a.example/", "javascript:x", "https://a.example/\n"};
	struct oauth_attempt attempt = {"verifier", "challenge", "state"};
	struct buffer url = BUFFER_INIT(8192);
	struct oauth_service bad = service;
	struct error err = {0};

	(void)state;
	assert_true(oauth_address(&service, &attempt, "http://127.0.0.1:1/callback", &url, &err));
	assert_string_equal(buffer_text(&url),
		"https://a.example/login?x=1&response_type=code&client_id=pod%20pis"
		"&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fcallback&state=state"
		"&code_challenge=challenge&code_challenge_method=S256");
	assert_null(strstr(buffer_text(&url), "verifier"));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		bad.authorization_endpoint = wrong[i];
		buffer_reset(&url);
		assert_false(oauth_address(&bad, &attempt, "http://127.0.0.1:1/", &url, &err));
		assert_int_equal(err.code, ERROR_UNREACHABLE);
	}
	buffer_free(&url);
}

static bool ask(const char *status, const char *type, const char *body, struct oauth_grant *grant,
	struct error *err)
{
	struct secret *refresh = secret_new("old-refresh", 11);
	bool done;

	https_server_reset(server);
	https_server_answer(server, status, type, body);
	*err = (struct error){0};
	done = oauth_refresh(http, &service, refresh, grant, err);
	secret_free(refresh);
	assert_int_equal(https_server_count(server), 1);
	return done;
}

static void test_grant(void **state)
{
	struct oauth_grant grant = {0};
	struct error err;

	(void)state;
	if (!ask("200 OK", "application/json",
		    "{\"access_token\":\"a.b-c_d~e+f/g==\",\"refresh_token\":\"r\","
		    "\"token_type\":\"bearer\",\"expires_in\":60,\"account\":\"ivanov\"}",
		    &grant, &err))
		fail_msg("%s", err.message);
	assert_string_equal((const char *)grant.access->data, "a.b-c_d~e+f/g==");
	assert_string_equal((const char *)grant.refresh->data, "r");
	assert_int_equal(grant.expires_in, 60);
	assert_null(json_object_get(grant.extra, "access_token"));
	assert_null(json_object_get(grant.extra, "refresh_token"));
	assert_string_equal(json_string_value(json_object_get(grant.extra, "account")), "ivanov");
	assert_non_null(strstr(https_server_request(server, 0),
		"\r\n\r\ngrant_type=refresh_token&client_id=pod%20pis&refresh_token=old-refresh"));
	oauth_grant_clear(&grant);
	/* No new refresh token, and a life that no clock could hold. */
	assert_true(ask("200 OK", "application/json",
		"{\"access_token\":\"a\",\"token_type\":\"Bearer\","
		"\"expires_in\":9000000000000000000}",
		&grant, &err));
	assert_null(grant.refresh);
	assert_int_equal(grant.expires_in, 86400L * 365);
	oauth_grant_clear(&grant);
}

static void test_wrong_grants(void **state)
{
	static const char *const bodies[] = {
		"{}",
		"[]",
		"\"a\"",
		"{\"access_token\":\"a\"}",
		"{\"access_token\":\"a\",\"token_type\":\"mac\"}",
		"{\"access_token\":\"\",\"token_type\":\"Bearer\"}",
		"{\"access_token\":7,\"token_type\":\"Bearer\"}",
		"{\"access_token\":\"a b\",\"token_type\":\"Bearer\"}",
		"{\"access_token\":\"a\\r\\nX: 1\",\"token_type\":\"Bearer\"}",
		"{\"access_token\":\"a\",\"token_type\":\"Bearer\",\"refresh_token\":[]}",
		"{\"access_token\":\"a\",\"token_type\":\"Bearer\",\"expires_in\":-1}",
		"{\"access_token\":\"a\",\"token_type\":\"Bearer\",\"expires_in\":\"60\"}",
		"{\"access_token\":\"a\",\"access_token\":\"b\",\"token_type\":\"Bearer\"}",
	};
	struct buffer large = BUFFER_INIT(32768);
	struct oauth_grant grant = {0};
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		if (ask("200 OK", "application/json", bodies[i], &grant, &err))
			fail_msg("taken: %s", bodies[i]);
		assert_int_equal(err.code, ERROR_UNREACHABLE);
		assert_null(grant.access);
	}
	assert_false(ask("200 OK", "text/html", "<html>", &grant, &err));
	assert_int_equal(err.code, ERROR_UNREACHABLE);
	buffer_printf(&large, "{\"token_type\":\"Bearer\",\"access_token\":\"%0*d\"}",
		OAUTH_TOKEN_MAX + 1, 0);
	assert_false(ask("200 OK", "application/json", buffer_text(&large), &grant, &err));
	assert_int_equal(err.code, ERROR_UNREACHABLE);
	buffer_free(&large);
}

static void test_refusals(void **state)
{
	static const struct {
		const char *status, *body;
		enum error_code code;
	} samples[] = {
		{"400 Bad Request", "{\"error\":\"invalid_grant\",\"error_description\":\"over\"}",
			ERROR_PERSON},
		{"401 Unauthorized", "{\"error\":\"access_denied\"}", ERROR_PERSON},
		{"400 Bad Request", "{\"error\":\"invalid_client\"}", ERROR_FAILED},
		{"400 Bad Request", "nothing", ERROR_FAILED},
		{"500 Oops", "{}", ERROR_UNREACHABLE},
		{"429 Slowly", "{}", ERROR_UNREACHABLE},
		{"302 Found", "{}", ERROR_FAILED},
	};
	struct oauth_grant grant = {0};
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		assert_false(
			ask(samples[i].status, "application/json", samples[i].body, &grant, &err));
		if (err.code != samples[i].code)
			fail_msg("sample %zu: %d, %s", i, (int)err.code, err.message);
	}
	/* The service's words don't drive the terminal, nor go on without end. */
	assert_false(ask("400 Bad Request", "application/json",
		"{\"error\":\"invalid_grant\",\"error_description\":\"a\\u001b[2Jb\\nc\\u202e\"}",
		&grant, &err));
	assert_non_null(strstr(err.message, "a?[2Jb?c???"));
}

static void test_revoke(void **state)
{
	struct secret *token = secret_new("gone", 4);
	struct error err = {0};

	(void)state;
	https_server_reset(server);
	https_server_answer(server, "200 OK", "text/plain", "");
	assert_true(oauth_revoke(http, &service, token, &err));
	assert_non_null(strstr(https_server_request(server, 0), "\r\n\r\ntoken=gone&client_id="));
	https_server_answer(server, "503 Busy", "text/plain", "");
	assert_false(oauth_revoke(http, &service, token, &err));
	assert_int_equal(err.code, ERROR_UNREACHABLE);
	secret_free(token);
}

/* A token goes to an https address, and to no other. */
static void test_no_plain_http(void **state)
{
	struct secret *token = secret_new("t", 1);
	struct oauth_service plain = service;
	struct oauth_grant grant = {0};
	struct error err = {0};

	(void)state;
	plain.token_endpoint = "http://127.0.0.1:1/token";
	assert_false(oauth_refresh(http, &plain, token, &grant, &err));
	assert_int_equal(err.code, ERROR_UNREACHABLE);
	assert_non_null(strstr(err.message, "not an https address"));
	secret_free(token);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attempt),
		cmocka_unit_test(test_address),
		cmocka_unit_test(test_grant),
		cmocka_unit_test(test_wrong_grants),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_revoke),
		cmocka_unit_test(test_no_plain_http),
	};

	return cmocka_run_group_tests_name("oauth", tests, setup, teardown);
}
