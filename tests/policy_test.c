#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <jansson.h>

#include "provision/workplace/policy.h"

#define MODULE "/m/podpis-pkcs11.so"
#define OURS   "\"Podpis\": \"" MODULE "\""

/* The text with the module, as place_add makes it. */
static void put_in(const char *text, struct buffer *out)
{
	size_t offset;
	char *piece;

	assert_true(policy_piece(text, MODULE, &offset, &piece, NULL));
	buffer_append(out, text, offset);
	buffer_append_text(out, piece);
	buffer_append_text(out, text + offset);
	free(piece);
}

static json_t *json_of(const char *text)
{
	json_t *json = json_loads(text[0] != '\0' ? text : "{}", JSON_REJECT_DUPLICATES, NULL);

	assert_non_null(json);
	return json;
}

static enum place_state state_of(const char *text)
{
	struct place_view view;

	assert_true(policy_look(text, MODULE, &view, NULL));
	return view.state;
}

static void test_put_in(void **state)
{
	static const struct {
		const char *before, *after;
	} cases[] = {
		{"", "{\"policies\": {\"SecurityDevices\": {\"Add\": {" OURS "}}}}\n"},
		{"{}", "{\n  \"policies\": {\"SecurityDevices\": {\"Add\": {" OURS "}}}}"},
		{"{\n  \"policies\": {\n    \"A\": [1, {\"policies\": 2}]\n  }\n}\n",
			"{\n  \"policies\": {\n    \"SecurityDevices\": {\"Add\": {" OURS
			"}},\n    \"A\": [1, {\"policies\": 2}]\n  }\n}\n"},
		/* Strings that look like more, and other orders. */
		{"{\"x\":\"\\\"policies\\\": "
		 "{\\\\\",\"policies\":{\"B\":\"}\",\"SecurityDevices\":{\"Add\":{"
		 "\"Card\":\"/c.so\"}}}}",
			"{\"x\":\"\\\"policies\\\": "
			"{\\\\\",\"policies\":{\"B\":\"}\",\"SecurityDevices\":{\"Add\":{"
			"\n        " OURS ",\"Card\":\"/c.so\"}}}}"},
		{"{\"policies\":{\"SecurityDevices\":{\"Delete\":[\"Card\"]}}}",
			"{\"policies\":{\"SecurityDevices\":{\n      \"Add\": {" OURS
			"},\"Delete\":[\"Card\"]}}}"},
		/* As it was written before there was "Add": an Add would hide the others. */
		{"{\"policies\":{\"SecurityDevices\":{\"Card\":\"/c.so\"}}}",
			"{\"policies\":{\"SecurityDevices\":{\n      " OURS
			",\"Card\":\"/c.so\"}}}"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buffer with = BUFFER_INIT(10000);

		assert_int_equal(state_of(cases[i].before), PLACE_ABSENT);
		put_in(cases[i].before, &with);
		assert_string_equal(buffer_text(&with), cases[i].after);
		assert_int_equal(state_of(buffer_text(&with)), PLACE_THERE);
		json_decref(json_of(buffer_text(&with)));
		buffer_free(&with);
	}
}

/* What somebody wrote anew has its member taken out, wherever it is. */
static void test_take_out(void **state)
{
	static const struct {
		const char *before, *after;
	} cases[] = {
		{"{\"policies\":{\"A\":1,\"SecurityDevices\":{\"Add\":{\"Card\":\"/c.so\" ,\n " OURS
		 "}}}}",
			"{\"policies\":{\"A\":1,\"SecurityDevices\":{\"Add\":{\"Card\":\"/"
			"c.so\" }}}}"},
		{"{\"policies\":{\"SecurityDevices\":{\"Add\":{" OURS " , \"Card\":\"/c.so\"}}}}",
			"{\"policies\":{\"SecurityDevices\":{\"Add\":{ \"Card\":\"/c.so\"}}}}"},
		{"{\"policies\":{\"SecurityDevices\":{\"Add\":{ " OURS " }}}}",
			"{\"policies\":{\"SecurityDevices\":{\"Add\":{ }}}}"},
		{"{\"policies\":{\"SecurityDevices\":{\"Mine\":\"" MODULE "\"}}}",
			"{\"policies\":{\"SecurityDevices\":{}}}"},
	};
	struct buffer out = BUFFER_INIT(10000);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buffer_reset(&out);
		assert_true(policy_without(cases[i].before, MODULE, &out));
		assert_string_equal(buffer_text(&out), cases[i].after);
		json_decref(json_of(buffer_text(&out)));
	}
	buffer_reset(&out);
	assert_false(policy_without(cases[0].before, "/other/podpis-pkcs11.so", &out));
	assert_false(policy_without("{\"policies\": 1}", MODULE, &out));
	assert_int_equal(out.length, 0);
	buffer_free(&out);
}

static void test_look(void **state)
{
	static const struct {
		const char *devices;
		enum place_state state;
		const char *other;
	} cases[] = {
		{"\"Card\":\"/c.so\"", PLACE_ABSENT, ""},
		{"\"Mine\":\"" MODULE "\"", PLACE_THERE, MODULE},
		{"\"Mine\":\"/old/podpis-pkcs11.so\"", PLACE_OTHER, "/old/podpis-pkcs11.so"},
		{"\"Podpis\":\"/c.so\"", PLACE_OTHER, "/c.so"},
		{"\"Podpis\":7", PLACE_OTHER, ""},
		{OURS ",\"Mine\":\"/old/podpis-pkcs11.so\"", PLACE_TWICE, "/old/podpis-pkcs11.so"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[500];
		struct place_view view;

		snprintf(text, sizeof(text), "{\"policies\":{\"SecurityDevices\":{\"Add\":{%s}}}}",
			cases[i].devices);
		assert_true(policy_look(text, MODULE, &view, NULL));
		assert_int_equal(view.state, cases[i].state);
		assert_string_equal(view.other, cases[i].other);
	}
}

/* What Firefox would not take is not made better by a piece in it. */
static void test_refused(void **state)
{
	static const struct {
		const char *text, *cause;
	} cases[] = {
		{"{\"policies\": {}", "line 1"},
		{"{\"policies\": {}, \"policies\": {}}", "line 1"},
		{"[]", "\"policies.json\" is not an object"},
		{"{\"policies\": []}", "\"policies\" is not an object"},
		{"{\"policies\": {\"SecurityDevices\": null}}",
			"\"SecurityDevices\" is not an object"},
		{"{\"policies\": {\"SecurityDevices\": {\"Add\": \"x\"}}}",
			"\"Add\" is not an object"},
		{"{\"p\\u006flicies\": {}}", "escapes"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct error err = {0};
		size_t offset;
		char *piece = NULL;

		assert_false(policy_piece(cases[i].text, MODULE, &offset, &piece, &err));
		assert_null(piece);
		assert_int_equal(err.code, ERROR_FAILED);
		assert_non_null(strstr(err.message, cases[i].cause));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_put_in),
		cmocka_unit_test(test_take_out),
		cmocka_unit_test(test_look),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
