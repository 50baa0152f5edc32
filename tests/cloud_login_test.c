#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "module/support/cloud_login.h"
#include "tests/folder.h"
#include "tests/https_server.h"

static char *folder;
static struct https_server *server;
static struct cloud_account account;
static struct http *http;

static int setup(void **state)
{
	(void)state;
	folder = folder_make();
	server = https_server_start(folder, "127.0.0.1");
	account = (struct cloud_account){.ca_file = strdup(https_server_ca(server))};
	if (asprintf(&account.url, "%s/csc/v2", https_server_url(server)) < 0)
		return -1;
	return cloud_login_connect(
		       &account, (struct http_settings){.total_seconds = 5}, &http, NULL)
		       ? 0
		       : -1;
}

static int teardown(void **state)
{
	(void)state;
	http_free(http);
	https_server_stop(server);
	free(account.url);
	free(account.ca_file);
	folder_remove(folder);
	return 0;
}

static int fresh(void **state)
{
	(void)state;
	https_server_reset(server);
	account.login = CLOUD_LOGIN_OAUTH2CODE;
	return 0;
}

/* The answer's text has the server's address in place of @. */
static void answer(const char *status, const char *text)
{
	struct buffer body = BUFFER_INIT(4096);

	for (; *text != '\0'; text++) {
		if (*text == '@')
			buffer_append_text(&body, https_server_url(server));
		else
			buffer_append(&body, text, 1);
	}
	https_server_answer(server, status, "application/json", buffer_text(&body));
	buffer_free(&body);
}

static void assert_address(const char *have, const char *path)
{
	char whole[256];

	snprintf(whole, sizeof(whole), "%s%s", https_server_url(server), path);
	assert_non_null(have);
	assert_string_equal(have, whole);
}

static void test_base(void **state)
{
	struct cloud_doors doors = {0};
	struct error err = {0};

	(void)state;
	answer("200 OK", "{\"oauth2\":\"@/auth/\",\"authType\":[\"basic\",\"oauth2code\"],"
			 "\"methods\":[\"oauth2/revoke\"]}");
	if (!cloud_login_doors(http, &account, &doors, &err))
		fail_msg("%s", err.message);
	assert_non_null(strstr(https_server_request(server, 0), "POST /csc/v2/info "));
	assert_null(strstr(https_server_request(server, 0), "Authorization"));
	assert_address(doors.authorization, "/auth/oauth2/authorize");
	assert_address(doors.token, "/auth/oauth2/token");
	assert_address(doors.revocation, "/auth/oauth2/revoke");
	assert_false(doors.digest);
	cloud_doors_clear(&doors);
	/* What it does not have is not called. */
	answer("200 OK", "{\"oauth2\":\"@\",\"methods\":[\"oauth2/token\"]}");
	assert_true(cloud_login_doors(http, &account, &doors, &err));
	assert_null(doors.revocation);
	cloud_doors_clear(&doors);
}

static void test_issuer(void **state)
{
	struct cloud_doors doors = {0};
	struct error err = {0};

	(void)state;
	answer("200 OK", "{\"oauth2Issuer\":\"@/realm/a\"}");
	answer("200 OK", "{\"issuer\":\"@/realm/a\",\"authorization_endpoint\":\"@/x\","
			 "\"token_endpoint\":\"@/y\",\"revocation_endpoint\":\"@/z\"}");
	if (!cloud_login_doors(http, &account, &doors, &err))
		fail_msg("%s", err.message);
	assert_non_null(strstr(https_server_request(server, 1),
		"GET /.well-known/oauth-authorization-server/realm/a "));
	assert_address(doors.authorization, "/x");
	assert_address(doors.token, "/y");
	assert_address(doors.revocation, "/z");
	cloud_doors_clear(&doors);
}

/* Whoever answers with something else than an authorisation server of its own is not believed. */
static void test_wrong(void **state)
{
	static const struct {
		const char *info, *metadata, *says;
	} wrong[] = {
		{"[]", NULL, "info is no object"},
		{"{}", NULL, "does not say where"},
		{"{\"oauth2\":\"http://s.example\"}", NULL, "oauth2 is not an https address"},
		{"{\"oauth2\":\"https://s.example/?x\"}", NULL, "oauth2 is not an https address"},
		{"{\"oauth2Issuer\":\"http://s.example\"}", NULL, "oauth2Issuer is not an https"},
		{"{\"oauth2Issuer\":\"@\"}", "{\"issuer\":\"@/other\"}", "is not about"},
		{"{\"oauth2Issuer\":\"@\"}", "{}", "is not about"},
		{"{\"oauth2Issuer\":\"@\"}",
			"{\"issuer\":\"@\",\"authorization_endpoint\":\"http://s.example/a\","
			"\"token_endpoint\":\"@/t\"}",
			"authorization_endpoint is not an https address"},
		{"{\"oauth2Issuer\":\"@\"}",
			"{\"issuer\":\"@\",\"authorization_endpoint\":\"@/a\"}",
			"token_endpoint is not an https address"},
		{"{\"oauth2\":\"@\",\"authType\":[\"basic\",\"TLS\"]}", NULL, "it has: basic, TLS"},
	};
	struct cloud_doors doors = {0};
	struct error err = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		answer("200 OK", wrong[i].info);
		if (wrong[i].metadata != NULL)
			answer("200 OK", wrong[i].metadata);
		assert_false(cloud_login_doors(http, &account, &doors, &err));
		if (strstr(err.message, wrong[i].says) == NULL)
			fail_msg("%s: %s", wrong[i].says, err.message);
		assert_int_equal(err.code,
			strstr(wrong[i].says, "it has") != NULL ? ERROR_USAGE : ERROR_UNREACHABLE);
	}
	assert_null(doors.token);
}

static void test_password(void **state)
{
	struct secret *password = secret_new("p:w", 3);
	struct oauth_grant grant = {0};
	struct error err = {0};
	const char *asked;

	(void)state;
	/* As the specification has it: no token_type. */
	answer("200 OK", "{\"access_token\":\"a1\",\"refresh_token\":\"r1\",\"expires_in\":600}");
	if (!cloud_login_basic(http, "ivanov", password, false, &grant, &err))
		fail_msg("%s", err.message);
	asked = https_server_request(server, 0);
	assert_non_null(strstr(asked, "POST /csc/v2/auth/login "));
	assert_non_null(strstr(asked, "Authorization: Basic aXZhbm92OnA6dw=="));
	assert_non_null(strstr(asked, "{\"rememberMe\":true}"));
	assert_int_equal(https_server_count(server), 1);
	assert_string_equal((const char *)grant.access->data, "a1");
	assert_string_equal((const char *)grant.refresh->data, "r1");
	assert_int_equal(grant.expires_in, 600);
	oauth_grant_clear(&grant);

	answer("401 Unauthorized", "{\"error\":\"authentication_error\","
				   "\"error_description\":\"no\\u001b such\"}");
	assert_false(cloud_login_basic(http, "ivanov", password, false, &grant, &err));
	assert_int_equal(err.code, ERROR_PERSON);
	assert_non_null(strstr(err.message, "authentication_error"));
	assert_null(strchr(err.message, 0x1b));
	answer("503 Service Unavailable", "{}");
	assert_false(cloud_login_basic(http, "ivanov", password, false, &grant, &err));
	assert_int_equal(err.code, ERROR_UNREACHABLE);
	assert_int_equal(https_server_count(server), 3);
	answer("200 OK", "{\"refresh_token\":\"r1\"}");
	assert_false(cloud_login_basic(http, "ivanov", password, false, &grant, &err));
	assert_int_equal(err.code, ERROR_UNREACHABLE);
	secret_free(password);
}

static void test_digest(void **state)
{
	static const char challenge[] =
		"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"csc\", "
		"qop=\"auth\", "
		"nonce=\"n\", algorithm=SHA-256\r\nContent-Length: 0\r\nConnection: "
		"close\r\n\r\n";
	struct secret *password = secret_new("secret-word", 11);
	struct cloud_doors doors = {0};
	struct oauth_grant grant = {0};
	struct error err = {0};
	const char *asked;

	(void)state;
	account.login = CLOUD_LOGIN_BASIC;
	answer("200 OK", "{\"authType\":[\"digest\"]}");
	assert_true(cloud_login_doors(http, &account, &doors, &err));
	assert_true(doors.digest);
	cloud_doors_clear(&doors);
	https_server_bytes(server, challenge, sizeof(challenge) - 1, HTTPS_CLOSE);
	answer("200 OK", "{\"access_token\":\"a1\"}");
	if (!cloud_login_basic(http, "ivanov", password, true, &grant, &err))
		fail_msg("%s", err.message);
	asked = https_server_request(server, 2);
	assert_non_null(strstr(asked, "Authorization: Digest username=\"ivanov\""));
	for (unsigned i = 0; i < 3; i++)
		assert_null(strstr(https_server_request(server, i), "secret-word"));
	oauth_grant_clear(&grant);
	secret_free(password);
}

static void test_refresh_and_revoke(void **state)
{
	struct secret *bearer = secret_new("a1", 2);
	struct oauth_grant grant = {0};
	struct error err = {0};
	const char *asked;

	(void)state;
	answer("200 OK", "{\"access_token\":\"a2\"}");
	assert_true(cloud_login_refresh(http, "r1", &grant, &err));
	assert_non_null(strstr(https_server_request(server, 0), "\"refresh_token\":\"r1\""));
	assert_null(strstr(https_server_request(server, 0), "Authorization"));
	assert_null(grant.refresh);
	oauth_grant_clear(&grant);
	answer("400 Bad Request", "{\"error\":\"invalid_request\"}");
	assert_false(cloud_login_refresh(http, "r1", &grant, &err));
	assert_int_equal(err.code, ERROR_PERSON);

	answer("204 No Content", "");
	assert_true(cloud_login_revoke(http, bearer, "r1", "refresh_token", &err));
	asked = https_server_request(server, 2);
	assert_non_null(strstr(asked, "POST /csc/v2/auth/revoke "));
	assert_non_null(strstr(asked, "Authorization: Bearer a1"));
	assert_non_null(strstr(asked, "{\"token\":\"r1\",\"token_type_hint\":\"refresh_token\"}"));
	answer("500 Internal Server Error", "");
	assert_false(cloud_login_revoke(http, bearer, "r1", "refresh_token", &err));
	assert_int_equal(err.code, ERROR_UNREACHABLE);
	secret_free(bearer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_base, fresh),
		cmocka_unit_test_setup(test_issuer, fresh),
		cmocka_unit_test_setup(test_wrong, fresh),
		cmocka_unit_test_setup(test_password, fresh),
		cmocka_unit_test_setup(test_digest, fresh),
		cmocka_unit_test_setup(test_refresh_and_revoke, fresh),
	};

	return cmocka_run_group_tests_name("cloud_login", tests, setup, teardown);
}
