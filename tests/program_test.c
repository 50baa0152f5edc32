#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "provision/workplace/program.h"

static void test_there(void **state)
{
	(void)state;
	assert_true(program_there("sh"));
	assert_false(program_there("podpis-has-no-such-program"));
}

static void test_run(void **state)
{
	struct error err = {0};

	(void)state;
	assert_true(program_run((const char *const[]){"true", NULL}, &err));
	assert_false(program_run((const char *const[]){"podpis-has-no-such-program", NULL}, &err));
	assert_int_equal(err.code, ERROR_WORKPLACE);
	assert_false(program_run(
		(const char *const[]){"sh", "-c", "echo so\tnot >&2; echo more; exit 3", NULL},
		&err));
	assert_int_equal(err.code, ERROR_FAILED);
	assert_string_equal(err.message, "sh failed: so not");
	/* It prints more than is kept, and is not kept waiting for that. */
	assert_true(program_run(
		(const char *const[]){"sh", "-c", "head -c 300000 /dev/zero", NULL}, &err));
}

static void test_no_terminal(void **state)
{
	(void)state;
	assert_false(program_run((const char *const[]){"sh", "-c", ": </dev/tty", NULL}, NULL));
	assert_true(program_run((const char *const[]){"sh", "-c", "! read -r line", NULL}, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there),
		cmocka_unit_test(test_run),
		cmocka_unit_test(test_no_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
