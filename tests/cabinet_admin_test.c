#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/cabinet_fixture.h"

static const char rejected[] =
	"{\"id\":\"2026-1\",\"state\":\"rejected\",\"status\":\"Отказ\",\"poll\":false,"
	"\"next_poll_seconds\":0,\"fields\":[],\"actions\":[],\"documents\":[]}";

static struct workplace workplace;
static struct https_server *server;
static struct authority *authority;

static int setup(void **state)
{
	const struct authority_account account = {"admin", "Админ", "administrator"};
	char text[512];

	(void)state;
	workplace_begin(&workplace);
	server = https_server_start(workplace.home, "127.0.0.1");
	cabinet_section(server, text, sizeof(text));
	workplace_configure(&workplace, text);
	authority = cabinet_open(&workplace, &account);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	authority_close(authority);
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

static bool confirm(const char *id, struct error *err)
{
	struct authority_status status = {0};
	bool done;

	*err = (struct error){0};
	done = authority->class->admin_confirm(authority, id, (const uint8_t *)"{\"a\":1}", 7,
		(const uint8_t *)"\1\2", 2, &status, err);
	authority_status_clear(&status);
	return done;
}

static bool reject(const char *id, struct error *err)
{
	struct authority_status status = {0};
	bool done;

	*err = (struct error){0};
	done = authority->class->admin_reject(authority, id, "нет \"так\"", &status, err);
	authority_status_clear(&status);
	return done;
}

/* The same statement twice is the same: it goes again after a lost answer. */
static void test_confirm(void **state)
{
	struct error err;

	(void)state;
	https_server_bytes(server, "", 0, HTTPS_BREAK);
	https_server_answer(server, "200 OK", "application/json", rejected);
	if (!confirm("2026-1", &err))
		fail_msg("%s", err.message);
	assert_int_equal(https_server_count(server), 2);
	for (unsigned i = 0; i < 2; i++) {
		assert_non_null(strstr(https_server_request(server, i),
			"POST /admin/applications/2026-1/confirmation HTTP/1.1"));
		assert_non_null(strstr(https_server_request(server, i),
			"{\"statement\":\"eyJhIjoxfQ==\",\"signature\":\"AQI=\"}"));
	}
}

/* Refusing twice is not: whether it was done is for the administrator to look at. */
static void test_reject(void **state)
{
	struct error err;

	(void)state;
	https_server_bytes(server, "", 0, HTTPS_BREAK);
	https_server_answer(server, "200 OK", "application/json", rejected);
	assert_false(reject("2026-1", &err));
	assert_int_equal(err.code, ERROR_UNREACHABLE);
	assert_int_equal(https_server_count(server), 1);
	assert_true(reject("2026-1", &err));
	assert_non_null(
		strstr(https_server_request(server, 1), "{\"reason\":\"нет \\\"так\\\"\"}"));
}

static void test_return(void **state)
{
	struct authority_status status = {0};
	struct error err = {0};

	(void)state;
	https_server_answer(server, "200 OK", "application/json", rejected);
	assert_true(
		authority->class->admin_return(authority, "2026-1", "inn", "why", &status, &err));
	authority_status_clear(&status);
	assert_non_null(strstr(https_server_request(server, 0),
		"{\"fields\":[{\"name\":\"inn\",\"reason\":\"why\"}],\"reason\":\"why\"}"));
	https_server_answer(server, "200 OK", "application/json", rejected);
	assert_true(
		authority->class->admin_return(authority, "2026-1", NULL, "why", &status, &err));
	authority_status_clear(&status);
	assert_non_null(
		strstr(https_server_request(server, 1), "{\"fields\":[],\"reason\":\"why\"}"));
}

static void test_refusals(void **state)
{
	struct error err;

	(void)state;
	https_server_answer(server, "403 Forbidden", "application/json", "{}");
	assert_false(confirm("2026-1", &err));
	assert_int_equal(err.code, ERROR_REFUSED);
	/* An answer about another application is none about this one. */
	https_server_answer(server, "200 OK", "application/json", rejected);
	assert_false(confirm("2026-2", &err));
	assert_int_equal(err.code, ERROR_UNREACHABLE);
	assert_int_equal(https_server_count(server), 2);
	assert_false(reject("../2026-1", &err));
	assert_int_equal(err.code, ERROR_USAGE);
	assert_int_equal(https_server_count(server), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_confirm, fresh),
		cmocka_unit_test_setup(test_reject, fresh),
		cmocka_unit_test_setup(test_return, fresh),
		cmocka_unit_test_setup(test_refusals, fresh),
	};

	return cmocka_run_group_tests_name("cabinet_admin", tests, setup, teardown);
}
