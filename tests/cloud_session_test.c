#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <time.h>
#include <cmocka.h>

#include "provision/cloud_session.h"
#include "tests/https_server.h"
#include "tests/workplace.h"

static struct workplace workplace;
static struct https_server *server;
static struct cloud_session session;

static int setup(void **state)
{
	char text[1200];

	(void)state;
	workplace_begin(&workplace);
	server = https_server_start(workplace.home, "127.0.0.1");
	snprintf(text, sizeof(text),
		"[slot web]\nstore = cloud\nurl = %s/csc/v2\nca-file = %s\nclient-id = podpis\n"
		"[slot basic]\nstore = cloud\nurl = %s/csc/v1\nca-file = %s\nlogin = basic\n"
		"username = ivanov\n"
		"[slot wrong]\nstore = cloud\nurl = %s/csc\nlogin = none\n",
		https_server_url(server), https_server_ca(server), https_server_url(server),
		https_server_ca(server), https_server_url(server));
	workplace_configure(&workplace, text);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	https_server_stop(server);
	workplace_end(&workplace);
	return 0;
}

static int close_it(void **state)
{
	(void)state;
	tokens_remove(session.account->tokens, NULL);
	cloud_session_close(&session);
	return 0;
}

static void open_slot(const char *name)
{
	struct error err = {0};

	https_server_reset(server);
	if (!cloud_session_open(
		    config_find(workplace.context.config, CONFIG_SLOT, name), NULL, &session, &err))
		fail_msg("%s", err.message);
}

static void answer(const char *status, const char *body)
{
	https_server_answer(server, status, "application/json", body);
}

/* A login that the file holds; `left` seconds of it. */
static void keep(const char *access, const char *refresh, long left, bool oauth)
{
	char endpoint[128];
	json_t *json = json_pack("{s:s,s:s*,s:I,s:I}", "access_token", access, "refresh_token",
		refresh, "expires_at", (json_int_t)time(NULL) + left, "lifetime", (json_int_t)3600);

	snprintf(endpoint, sizeof(endpoint), "%s/revoke", https_server_url(server));
	if (oauth) {
		tokens_set_text(json, "client_id", "podpis");
		tokens_set_text(json, "revocation_endpoint", endpoint);
	}
	assert_true(tokens_save(session.account->tokens, json, NULL));
	tokens_wipe(json);
}

static bool is_there(void)
{
	bool there = false;

	assert_true(cloud_session_there(&session, &there, NULL));
	return there;
}

static void test_wrong_section(void **state)
{
	struct error err = {0};

	(void)state;
	assert_false(cloud_session_open(
		config_find(workplace.context.config, CONFIG_SLOT, "wrong"), NULL, &session, &err));
	assert_int_equal(err.code, ERROR_USAGE);
	assert_non_null(strstr(err.message, "wrong: "));
}

static void test_password(void **state)
{
	struct secret *password = secret_new("p", 1);
	struct error err = {0};
	json_t *json = NULL;

	(void)state;
	open_slot("basic");
	assert_true(cloud_session_is_kept(&session));
	assert_false(is_there());
	answer("200 OK", "{\"authType\":[\"basic\"]}");
	answer("200 OK", "{\"access_token\":\"a\",\"refresh_token\":\"r\",\"expires_in\":600}");
	if (!cloud_session_with_password(&session, password, &err))
		fail_msg("%s", err.message);
	assert_true(is_there());
	assert_true(tokens_load(session.account->tokens, &json, NULL));
	assert_string_equal(tokens_text(json, "access_token"), "a");
	assert_string_equal(tokens_text(json, "refresh_token"), "r");
	assert_null(tokens_text(json, "token_endpoint"));
	tokens_wipe(json);
	/* A refusal leaves what is there. */
	answer("200 OK", "{}");
	answer("401 Unauthorized", "{}");
	assert_false(cloud_session_with_password(&session, password, &err));
	assert_int_equal(err.code, ERROR_PERSON);
	assert_true(is_there());
	secret_free(password);
}

/* Nobody comes back from the browser; the address is what counts here. */
static bool not_now(void *context, const char *url, struct error *err)
{
	assert_non_null(
		strstr(url, "/csc/v2/oauth2/authorize?response_type=code&client_id=podpis&"));
	assert_non_null(strstr(url, "&scope=service"));
	*(bool *)context = true;
	return error_set(err, ERROR_PERSON, "not now");
}

static void test_browser(void **state)
{
	bool went = false;
	const struct oauth_browser browser = {.browse = not_now, .context = &went, .seconds = 1};
	struct error err = {0};
	char info[128];

	(void)state;
	open_slot("web");
	snprintf(info, sizeof(info), "{\"oauth2\":\"%s/csc/v2\"}", https_server_url(server));
	answer("200 OK", info);
	assert_false(cloud_session_through_browser(&session, &browser, &err));
	assert_true(went);
	assert_int_equal(err.code, ERROR_PERSON);
	assert_false(is_there());
}

static void test_end_oauth(void **state)
{
	struct error err = {0};
	bool was = true;

	(void)state;
	open_slot("web");
	assert_true(cloud_session_end(&session, &was, &err));
	assert_false(was);
	keep("a", "r", 3600, true);
	answer("200 OK", "{}");
	assert_true(cloud_session_end(&session, &was, &err));
	assert_true(was);
	assert_non_null(strstr(https_server_request(server, 0), "POST /revoke "));
	assert_non_null(strstr(https_server_request(server, 0), "token=r&client_id=podpis"));
	assert_false(is_there());
	/* No way to tell the service is told to the person. */
	keep("a", "r", 3600, true);
	answer("500 Internal Server Error", "");
	assert_false(cloud_session_end(&session, &was, &err));
	assert_int_equal(err.code, ERROR_UNREACHABLE);
	assert_non_null(strstr(err.message, "forgotten here"));
	assert_true(was);
	assert_false(is_there());
}

static void test_end_basic(void **state)
{
	struct error err = {0};
	bool was = false;

	(void)state;
	open_slot("basic");
	keep("a1", "r1", 3600, false);
	answer("204 No Content", "");
	answer("401 Unauthorized", "{}");
	assert_true(cloud_session_end(&session, &was, &err));
	assert_true(was);
	assert_non_null(strstr(https_server_request(server, 0), "\"token\":\"r1\""));
	assert_non_null(strstr(https_server_request(server, 1), "\"token\":\"a1\""));

	/* The access token is over: who asks proves it with a new one, and the new ones are what ends. */
	https_server_reset(server);
	keep("a1", "r1", -10, false);
	answer("200 OK", "{\"access_token\":\"a2\",\"refresh_token\":\"r2\"}");
	answer("204 No Content", "");
	answer("204 No Content", "");
	assert_true(cloud_session_end(&session, &was, &err));
	assert_non_null(strstr(https_server_request(server, 0), "\"refresh_token\":\"r1\""));
	assert_non_null(strstr(https_server_request(server, 1), "Authorization: Bearer a2"));
	assert_non_null(strstr(https_server_request(server, 1), "\"token\":\"r2\""));
	assert_non_null(strstr(https_server_request(server, 2), "\"token\":\"a2\""));

	/* A login that is over already needs no end. */
	https_server_reset(server);
	keep("a1", "r1", -10, false);
	answer("401 Unauthorized", "{}");
	assert_true(cloud_session_end(&session, &was, &err));
	assert_int_equal(https_server_count(server), 1);

	https_server_reset(server);
	keep("a1", NULL, 3600, false);
	answer("503 Service Unavailable", "{}");
	assert_false(cloud_session_end(&session, &was, &err));
	assert_int_equal(err.code, ERROR_UNREACHABLE);
	assert_false(is_there());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wrong_section),
		cmocka_unit_test_teardown(test_password, close_it),
		cmocka_unit_test_teardown(test_browser, close_it),
		cmocka_unit_test_teardown(test_end_oauth, close_it),
		cmocka_unit_test_teardown(test_end_basic, close_it),
	};

	return cmocka_run_group_tests_name("cloud_session", tests, setup, teardown);
}
