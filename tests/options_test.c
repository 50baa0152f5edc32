#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "provision/options.h"

static const struct option own[] = {
	{"pin-file", "FILE", "", false},
	{"accept", "FIELD", "", true},
	{"wait", NULL, "", false},
	{0},
};
static const struct option *const tables[] = {options_common, own, NULL};

static bool parse(struct options *options, struct error *err, int argc, ...)
{
	char *argv[8];
	va_list ap;

	va_start(ap, argc);
	for (int i = 0; i < argc; i++)
		argv[i] = va_arg(ap, char *);
	va_end(ap);
	return options_parse(options, tables, argc, argv, err);
}

static void test_values(void **state)
{
	struct options options;
	struct error err = {0};
	size_t cursor = 0;

	(void)state;
	assert_true(parse(&options, &err, 7, "--pin-file", "a", "7", "--accept=inn", "--wait",
		"--accept", "snils"));
	assert_string_equal(options_get(&options, "pin-file"), "a");
	assert_true(options_has(&options, "wait"));
	assert_false(options_has(&options, "json"));
	assert_string_equal(options_next(&options, "accept", &cursor), "inn");
	assert_string_equal(options_next(&options, "accept", &cursor), "snils");
	assert_null(options_next(&options, "accept", &cursor));
	assert_int_equal(options.argument_count, 1);
	assert_string_equal(options.arguments[0], "7");
	/* A value may look like an option, and be empty. */
	assert_true(parse(&options, &err, 2, "--pin-file", "--wait"));
	assert_string_equal(options_get(&options, "pin-file"), "--wait");
	assert_true(parse(&options, &err, 1, "--pin-file="));
	assert_string_equal(options_get(&options, "pin-file"), "");
	assert_true(parse(&options, &err, 3, "--", "--wait", "-x"));
	assert_false(options_has(&options, "wait"));
	assert_int_equal(options.argument_count, 2);
}

static void refused(struct options *options, struct error *err, bool parsed, const char *part)
{
	(void)options;
	assert_false(parsed);
	assert_int_equal(err->code, ERROR_USAGE);
	assert_non_null(strstr(err->message, part));
}

static void test_refused(void **state)
{
	struct options options;
	struct error err = {0};

	(void)state;
	refused(&options, &err, parse(&options, &err, 1, "--pin"), "--pin");
	refused(&options, &err, parse(&options, &err, 1, "--pin-file"), "--pin-file");
	refused(&options, &err, parse(&options, &err, 1, "--wait=yes"), "--wait");
	refused(&options, &err, parse(&options, &err, 2, "--wait", "--wait"), "--wait");
	refused(&options, &err, parse(&options, &err, 1, "--unknown=x"), "--unknown");
	refused(&options, &err, parse(&options, &err, 1, "-q"), "-q");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
