#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/sandbox/faults.h"

static void specs_are_read_strictly(void **state)
{
	static const char *const wrong[] = {"", "no-such-fault", "drop-before", "drop-before GET",
		"drop-before GET /info more", "status GET /info", "status GET /info:", "return",
		"other-key GET /info", "delay x0 GET /info: 1", "drop-after + GET /info"};
	struct faults *faults = faults_new();
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		memset(&err, 0, sizeof err);
		assert_false(faults_add(faults, wrong[i], &err));
		assert_int_equal(err.code, ERROR_USAGE);
	}
	json_t *list = faults_list(faults);
	assert_int_equal(json_array_size(list), 0);
	json_decref(list);
	faults_free(faults);
}

static void each_happens_as_often_as_asked(void **state)
{
	struct faults *faults = faults_new();
	struct buffer argument = BUFFER_INIT(64);
	enum fault_kind kind;

	(void)state;
	assert_true(faults_add(faults, "status x2 GET /applications/*: 503 7", NULL));
	assert_true(faults_add(faults, "garbage * /applications/*", NULL));
	assert_true(faults_add(faults, "return: email Не отвечает: никто", NULL));
	/* An asterisk is one segment; another method and another path are left alone. */
	assert_false(faults_take_answer(faults, "GET", "/applications", &kind, NULL));
	assert_false(faults_take_answer(faults, "GET", "/applications/1/certificate", &kind, NULL));
	assert_true(faults_take_answer(faults, "POST", "/applications/1", &kind, NULL));
	assert_int_equal(kind, FAULT_GARBAGE);
	for (int i = 0; i < 2; i++) {
		buffer_reset(&argument);
		assert_true(faults_take_answer(faults, "GET", "/applications/1", &kind, &argument));
		assert_int_equal(kind, FAULT_STATUS);
		assert_string_equal(buffer_text(&argument), "503 7");
	}
	assert_false(faults_take_answer(faults, "GET", "/applications/1", &kind, NULL));
	assert_false(faults_take(faults, FAULT_REJECT, NULL));
	buffer_reset(&argument);
	assert_true(faults_take(faults, FAULT_RETURN, &argument));
	assert_string_equal(buffer_text(&argument), "email Не отвечает: никто");
	assert_false(faults_take(faults, FAULT_RETURN, NULL));
	buffer_free(&argument);
	faults_free(faults);
}

/* What passes before, and everything below a folder. */
static void the_third_request_of_any_kind(void **state)
{
	struct faults *faults = faults_new();
	enum fault_kind kind;

	(void)state;
	assert_true(faults_add(faults, "drop-after x2 +2 POST /csc/**", NULL));
	assert_false(faults_take_answer(faults, "POST", "/csc/v2/info", &kind, NULL));
	assert_false(faults_take_answer(faults, "GET", "/csc/v2/info", &kind, NULL));
	assert_false(faults_take_answer(faults, "POST", "/csc/", &kind, NULL));
	assert_false(faults_take_answer(faults, "POST", "/cscs/v2", &kind, NULL));
	assert_false(faults_take_answer(faults, "POST", "/csc/v2/auth/login", &kind, NULL));
	for (int i = 0; i < 2; i++) {
		assert_true(faults_take_answer(faults, "POST", "/csc/v1/a/b", &kind, NULL));
		assert_int_equal(kind, FAULT_DROP_AFTER);
	}
	assert_false(faults_take_answer(faults, "POST", "/csc/v1/a/b", &kind, NULL));
	faults_free(faults);
}

static void the_queue_is_in_order(void **state)
{
	struct faults *faults = faults_new();
	enum fault_kind kind;

	(void)state;
	assert_true(faults_add(faults, "truncate GET /info", NULL));
	assert_true(faults_add(faults, "drop-after GET /info", NULL));
	assert_true(faults_add(faults, "drop-before GET /info", NULL));
	assert_true(faults_take_answer(faults, "GET", "/info", &kind, NULL));
	assert_int_equal(kind, FAULT_TRUNCATE);
	assert_true(faults_take_answer(faults, "GET", "/info", &kind, NULL));
	assert_int_equal(kind, FAULT_DROP_AFTER);
	faults_clear(faults);
	assert_false(faults_take_answer(faults, "GET", "/info", &kind, NULL));
	faults_free(faults);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(specs_are_read_strictly),
		cmocka_unit_test(each_happens_as_often_as_asked),
		cmocka_unit_test(the_third_request_of_any_kind),
		cmocka_unit_test(the_queue_is_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
