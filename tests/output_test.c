#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "provision/output.h"

static char *text;
static size_t length;

static struct output to_memory(bool json)
{
	struct output output;

	output_init(&output, json);
	output.out = open_memstream(&text, &length);
	output.progress = output.out;
	output.colour = false;
	return output;
}

static void done(struct output *output)
{
	fclose(output->out);
}

static void test_table(void **state)
{
	static const char *const cells[] = {"ID", "Имя", "1", "Анна", NULL, "Я"};
	struct output output = to_memory(false);

	(void)state;
	output_table(&output, cells, 3, 2);
	done(&output);
	assert_string_equal(text, "ID  Имя\n1   Анна\n    Я\n");
	free(text);
}

static void test_harmless(void **state)
{
	struct output output = to_memory(false);

	(void)state;
	output_lines(&output, "one\x1b[2J\ntwo");
	output_field(&output, "Name", "a\nb");
	output_field(&output, "Nothing", NULL);
	done(&output);
	assert_null(strchr(text, 0x1b));
	assert_non_null(strstr(text, "one?[2J\ntwo\n"));
	assert_null(strstr(text, "a\nb"));
	assert_null(strstr(text, "Nothing"));
	free(text);
}

/* Whatever is put into a sentence; our own colours act where there are colours, and only these. */
static void test_sentences(void **state)
{
	struct output output = to_memory(false);

	(void)state;
	output_text(&output, "%s: %s\n", "a", "b\x1b]0;title\x07\r\xe2\x80\xae");
	output_progress(&output, "%s",
		"\xc2\x9b"
		"2J\x1b[31m");
	done(&output);
	assert_string_equal(text, "a: b?]0;title?????\n??2J?[31m\n");
	free(text);
	output = to_memory(false);
	output.colour = true;
	output_text(&output, "%sbad%s %s\n", output_colour(&output, COLOUR_BAD),
		output_colour(&output, COLOUR_NONE), "\x1b[2J\x1b[5m\x1b");
	done(&output);
	assert_string_equal(text, "\x1b[31mbad\x1b[0m ?[2J?[5m?\n");
	free(text);
}

/* A message that is no UTF-8 does not take the whole error out of the JSON. */
static void test_json_of_anything(void **state)
{
	struct output output = to_memory(true);
	struct error err = {.code = ERROR_USAGE, .message = "no \xff\xfe"};
	json_t *root;

	(void)state;
	output_finish(&output, &err);
	done(&output);
	root = json_loads(text, 0, NULL);
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(root, "error"), "message")),
		"no ?\?");
	json_decref(root);
	free(text);
}

static void test_json(void **state)
{
	struct output output = to_memory(true);
	struct error err = {.code = ERROR_REFUSED, .message = "no"};
	json_t *root;

	(void)state;
	output_text(&output, "not shown");
	output_json(&output, "id", json_string("7"));
	output_finish(&output, &err);
	done(&output);
	root = json_loads(text, 0, NULL);
	assert_non_null(root);
	assert_string_equal(json_string_value(json_object_get(root, "id")), "7");
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(root, "error"), "code")), 3);
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(root, "error"), "name")),
		"refused");
	json_decref(root);
	free(text);
}

static void test_times(void **state)
{
	static const char *const bad[] = {"2026-07-15", "2026-07-15T12:00:00",
		"2026-07-15T12:00:00.Z", "2026-07-15T12:00:00+0300", "2026-07-15T12:00:00Zx", ""};
	char when[OUTPUT_TIME_MAX];
	time_t out;

	(void)state;
	assert_string_equal(output_time(1784116800, when), "2026-07-15T12:00:00Z");
	assert_true(output_parse_time("2026-07-15T12:00:00Z", &out));
	assert_int_equal(out, 1784116800);
	assert_true(output_parse_time("2026-07-15T15:00:00.250+03:00", &out));
	assert_int_equal(out, 1784116800);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(output_parse_time(bad[i], &out));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_harmless),
		cmocka_unit_test(test_sentences),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_json_of_anything),
		cmocka_unit_test(test_times),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
