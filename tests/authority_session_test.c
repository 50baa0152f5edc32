#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "provision/authority/session.h"
#include "tests/https_server.h"
#include "tests/workplace.h"

static struct workplace workplace;
static struct https_server *server;
static struct session session;

static int setup(void **state)
{
	const struct oauth_service service = {.client_id = "podpis"};
	const struct authority_account account = {"ivanov", "Иванов", "employee"};
	struct oauth_grant grant = {.access = secret_new("the-token", 9),
		.refresh = secret_new("the-refresh", 11),
		.expires_in = 900};
	struct oauth_service here = service;
	struct error err = {0};
	char text[1024], endpoint[128];

	(void)state;
	workplace_begin(&workplace);
	server = https_server_start(workplace.home, "127.0.0.1");
	snprintf(text, sizeof(text),
		"[authority centre]\nprotocol = cabinet\nurl = %s/api/\nca-file = %s\n"
		"[authority nowhere]\nprotocol = cabinet\n",
		https_server_url(server), https_server_ca(server));
	workplace_configure(&workplace, text);
	snprintf(endpoint, sizeof(endpoint), "%s/token", https_server_url(server));
	here.token_endpoint = endpoint;
	if (!session_open(config_find(workplace.context.config, CONFIG_AUTHORITY, "centre"), NULL,
		    &session, &err) ||
		!login_store(session.login, &here, &grant, &account, &err))
		fail_msg("%s", err.message);
	oauth_grant_clear(&grant);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	session_close(&session);
	https_server_stop(server);
	workplace_end(&workplace);
	return 0;
}

static int fresh(void **state)
{
	(void)state;
	https_server_reset(server);
	return 0;
}

static void test_open(void **state)
{
	struct session other;
	struct error err = {0};

	(void)state;
	assert_false(
		session_open(config_find(workplace.context.config, CONFIG_AUTHORITY, "nowhere"),
			NULL, &other, &err));
	assert_int_equal(err.code, ERROR_USAGE);
}

static void test_json(void **state)
{
	json_t *body = json_pack("{s:s}", "a", "b"), *answer = NULL;
	const struct session_call call = {
		.method = "POST", .path = "/x", .body = body, .idempotency_key = "key-1"};
	struct error err = {0};

	(void)state;
	https_server_answer(server, "201 Created", "application/json", "{\"c\":1}");
	if (!session_json(&session, &call, &answer, &err))
		fail_msg("%s", err.message);
	assert_int_equal(json_integer_value(json_object_get(answer, "c")), 1);
	json_decref(answer);
	assert_non_null(strstr(https_server_request(server, 0), "POST /api/x HTTP/1.1\r\n"));
	assert_non_null(strstr(https_server_request(server, 0), "Bearer the-token\r\n"));
	assert_non_null(strstr(https_server_request(server, 0), "Idempotency-Key: key-1\r\n"));
	assert_non_null(strstr(https_server_request(server, 0), "\r\n\r\n{\"a\":\"b\"}"));
	https_server_answer(server, "200 OK", "application/json", "[]");
	assert_false(session_json(&session, &call, &answer, &err));
	assert_int_equal(err.code, ERROR_UNREACHABLE);
	json_decref(body);
}

/* What each status means for who called; what is said comes from the authority, made harmless. */
static const struct {
	const char *status;
	enum error_code code;
} meanings[] = {
	{"400 Bad Request", ERROR_REFUSED},
	{"403 Forbidden", ERROR_REFUSED},
	{"404 Not Found", ERROR_USAGE},
	{"405 Not Allowed", ERROR_REFUSED},
	{"409 Conflict", ERROR_REFUSED},
	{"410 Gone", ERROR_REFUSED},
	{"413 Too Large", ERROR_REFUSED},
	{"415 Unsupported", ERROR_REFUSED},
	{"422 Unprocessable", ERROR_REFUSED},
	{"451 Legal", ERROR_REFUSED},
	{"408 Timeout", ERROR_UNREACHABLE},
	{"425 Early", ERROR_UNREACHABLE},
	{"301 Moved", ERROR_UNREACHABLE},
	{"204 No Content", ERROR_UNREACHABLE},
	{"500 Oops", ERROR_UNREACHABLE},
	{"429 Slowly", ERROR_UNREACHABLE},
	{"503 Busy", ERROR_UNREACHABLE},
};

static void test_meanings(void **state)
{
	/* Once each: neither a key nor a GET. */
	const struct session_call call = {.method = "POST", .path = "/x"};

	(void)state;
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
		bool empty = strncmp(meanings[i].status, "204", 3) == 0;
		json_t *answer = NULL;
		struct error err = {0};

		https_server_reset(server);
		https_server_answer(server, meanings[i].status, "application/json",
			empty ? ""
			      : "{\"error\":{\"code\":\"E7\",\"message\":\"нет\\u001b[2J\","
				"\"fields\":"
				"[{\"name\":\"inn\",\"reason\":\"плохой\\n\"},7]}}");
		assert_false(session_json(&session, &call, &answer, &err));
		if (err.code != meanings[i].code)
			fail_msg("%s: %d, %s", meanings[i].status, (int)err.code, err.message);
		assert_int_equal(https_server_count(server), 1);
		if (empty)
			continue;
		assert_non_null(strstr(err.message, "нет?[2J (E7)"));
		assert_non_null(strstr(err.message, "inn: плохой?"));
	}
}

static void test_renews_once(void **state)
{
	const struct session_call call = {.method = "POST", .path = "/x"};
	json_t *answer = NULL;
	struct error err = {0};

	(void)state;
	https_server_answer(server, "401 No", "text/plain", "");
	https_server_answer(server, "200 OK", "application/json",
		"{\"access_token\":\"second\",\"token_type\":\"Bearer\",\"expires_in\":900}");
	https_server_answer(server, "200 OK", "application/json", "{}");
	if (!session_json(&session, &call, &answer, &err))
		fail_msg("%s", err.message);
	json_decref(answer);
	assert_int_equal(https_server_count(server), 3);
	assert_non_null(strstr(https_server_request(server, 2), "Bearer second\r\n"));
	/* Refused with the new one, too: a person has to log in, and nothing goes round in a circle. */
	https_server_reset(server);
	https_server_answer(server, "401 No", "text/plain", "");
	https_server_answer(server, "200 OK", "application/json",
		"{\"access_token\":\"third\",\"token_type\":\"Bearer\",\"expires_in\":900}");
	https_server_answer(server, "401 No", "text/plain", "");
	assert_false(session_json(&session, &call, &answer, &err));
	assert_int_equal(err.code, ERROR_PERSON);
	assert_non_null(strstr(err.message, "podpis login centre"));
	assert_int_equal(https_server_count(server), 3);
}

static void test_repeats(void **state)
{
	const struct session_call once = {.method = "POST", .path = "/x"},
				  keyed = {.method = "POST", .path = "/x", .idempotency_key = "k"};
	json_t *answer = NULL;
	struct error err = {0};

	(void)state;
	https_server_bytes(server, "", 0, HTTPS_BREAK);
	https_server_answer(server, "200 OK", "application/json", "{}");
	assert_false(session_json(&session, &once, &answer, &err));
	assert_int_equal(err.code, ERROR_UNREACHABLE);
	assert_int_equal(https_server_count(server), 1);
	fresh(NULL);
	https_server_bytes(server, "", 0, HTTPS_BREAK);
	https_server_answer(server, "200 OK", "application/json", "{}");
	assert_true(session_json(&session, &keyed, &answer, &err));
	json_decref(answer);
	assert_int_equal(https_server_count(server), 2);
}

static void test_anonymous(void **state)
{
	const struct session_call call = {.method = "GET", .path = "/info", .anonymous = true};
	json_t *answer = NULL;

	(void)state;
	https_server_answer(server, "200 OK", "application/json", "{}");
	assert_true(session_json(&session, &call, &answer, NULL));
	json_decref(answer);
	assert_null(strstr(https_server_request(server, 0), "Authorization"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_open, fresh),
		cmocka_unit_test_setup(test_json, fresh),
		cmocka_unit_test_setup(test_meanings, fresh),
		cmocka_unit_test_setup(test_renews_once, fresh),
		cmocka_unit_test_setup(test_repeats, fresh),
		cmocka_unit_test_setup(test_anonymous, fresh),
	};

	return cmocka_run_group_tests_name("authority_session", tests, setup, teardown);
}
