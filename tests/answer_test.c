#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "provision/authority/answer.h"

static json_t *parse(const char *text)
{
	json_t *json = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

	assert_non_null(json);
	return json;
}

/* A reader of one member, by the name "a", of whatever type: true when it takes it. */
typedef bool take_function(const json_t *object, struct error *err);

static bool take_text(const json_t *object, struct error *err)
{
	char *text = NULL;
	bool done = answer_text(object, "a", 8, false, &text, err);

	free(text);
	return done;
}

static bool take_optional(const json_t *object, struct error *err)
{
	char *text = NULL;
	bool done = answer_text(object, "a", 8, true, &text, err);

	free(text);
	return done;
}

static bool take_bool(const json_t *object, struct error *err)
{
	bool value;

	return answer_bool(object, "a", &value, err);
}

static bool take_integer(const json_t *object, struct error *err)
{
	long long value;

	return answer_integer(object, "a", 0, 100, &value, err);
}

static bool take_sha256(const json_t *object, struct error *err)
{
	uint8_t hash[32];

	return answer_sha256(object, "a", hash, err);
}

static bool take_bytes(const json_t *object, struct error *err)
{
	struct buffer bytes = BUFFER_INIT(8);
	bool done = answer_bytes(object, "a", &bytes, err);

	buffer_free(&bytes);
	return done;
}

static bool take_array(const json_t *object, struct error *err)
{
	const json_t *list;

	return answer_array(object, "a", 2, &list, err);
}

static bool take_object(const json_t *object, struct error *err)
{
	const json_t *member;

	return answer_object(object, "a", &member, err);
}

static bool take_id(const json_t *object, struct error *err)
{
	char *id = NULL;
	bool done = answer_id(object, "a", &id, err);

	free(id);
	return done;
}

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde"

static const struct {
	take_function *take;
	const char *json;
	bool good;
} samples[] = {
	{take_text, "{\"a\":\"\"}", true},
	{take_text, "{\"a\":\"12345678\"}", true},
	{take_text, "{\"a\":\"123456789\"}", false},
	{take_text, "{\"a\":null}", false},
	{take_text, "{}", false},
	{take_text, "{\"a\":7}", false},
	{take_text, "{\"a\":[\"b\"]}", false},
	{take_text, "{\"a\":\"b\\u0000c\"}", false},
	{take_text, "[\"a\"]", false},
	{take_text, "\"a\"", false},
	{take_optional, "{\"a\":null}", true},
	{take_optional, "{}", true},
	{take_optional, "{\"a\":false}", false},
	{take_optional, "{\"a\":\"123456789\"}", false},
	{take_bool, "{\"a\":true}", true},
	{take_bool, "{\"a\":false}", true},
	{take_bool, "{\"a\":\"true\"}", false},
	{take_bool, "{\"a\":1}", false},
	{take_bool, "{}", false},
	{take_integer, "{\"a\":0}", true},
	{take_integer, "{\"a\":100}", true},
	{take_integer, "{\"a\":-1}", false},
	{take_integer, "{\"a\":101}", false},
	{take_integer, "{\"a\":1.0}", false},
	{take_integer, "{\"a\":\"1\"}", false},
	{take_sha256, "{\"a\":\"" HEX "f\"}", true},
	{take_sha256, "{\"a\":\"" HEX "F\"}", false},
	{take_sha256, "{\"a\":\"" HEX "\"}", false},
	{take_sha256, "{\"a\":\"" HEX "ff\"}", false},
	{take_sha256, "{\"a\":\"" HEX "g\"}", false},
	{take_sha256, "{\"a\":\"" HEX "\\u0000\"}", false},
	{take_sha256, "{\"a\":null}", false},
	{take_bytes, "{\"a\":\"AQID\"}", true},
	{take_bytes, "{\"a\":\"AQI=\"}", true},
	{take_bytes, "{\"a\":\"\"}", false},
	{take_bytes, "{\"a\":\"AQ\"}", false},
	{take_bytes, "{\"a\":\"A*ID\"}", false},
	{take_bytes, "{\"a\":\"AQID AQID\"}", false},
	{take_bytes, "{\"a\":\"AQIDBAUGBwgJ\"}", false},
	{take_bytes, "{\"a\":[1,2]}", false},
	{take_array, "{\"a\":[]}", true},
	{take_array, "{\"a\":[1,{}]}", true},
	{take_array, "{\"a\":[1,2,3]}", false},
	{take_array, "{\"a\":{}}", false},
	{take_array, "{\"a\":null}", false},
	{take_object, "{\"a\":{}}", true},
	{take_object, "{\"a\":[]}", false},
	{take_object, "{}", false},
	{take_id, "{\"a\":\"2026-000001_x\"}", true},
	{take_id, "{\"a\":\"\"}", false},
	{take_id, "{\"a\":\"../x\"}", false},
	{take_id, "{\"a\":\"a/b\"}", false},
	{take_id, "{\"a\":\"a.b\"}", false},
	{take_id, "{\"a\":\"a b\"}", false},
	{take_id, "{\"a\":\"a\\u0000b\"}", false},
	{take_id, "{\"a\":\"-\\u044f\"}", false},
	{take_id, "{\"a\":\"" HEX "ff\"}", false},
	{take_id, "{\"a\":7}", false},
};

static void test_members(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		json_t *json = parse(samples[i].json);
		struct error err = {0};

		if (samples[i].take(json, &err) != samples[i].good)
			fail_msg("sample %zu: %s", i, samples[i].json);
		if (!samples[i].good) {
			assert_int_equal(err.code, ERROR_UNREACHABLE);
			assert_non_null(strstr(err.message, "a is not"));
		}
		json_decref(json);
	}
}

static void test_values(void **state)
{
	json_t *json = parse("{\"text\":\"x\\u001b[2J\\n\\u202ey\\tz\",\"hash\":\"" HEX
			     "f\",\"bytes\":\"AAEC\"}");
	struct buffer bytes = BUFFER_INIT(16);
	uint8_t hash[32];
	char *text = NULL;

	(void)state;
	assert_true(answer_text(json, "text", 100, false, &text, NULL));
	assert_string_equal(text, "x?[2J????y z");
	free(text);
	assert_true(answer_sha256(json, "hash", hash, NULL));
	assert_int_equal(hash[0], 0x01);
	assert_int_equal(hash[31], 0xef);
	assert_true(answer_bytes(json, "bytes", &bytes, NULL));
	assert_memory_equal(bytes.data, "\0\1\2", 3);
	buffer_free(&bytes);
	json_decref(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_values),
	};

	return cmocka_run_group_tests_name("answer", tests, NULL, NULL);
}
