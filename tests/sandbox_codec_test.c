#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/sandbox/codec.h"

static void base64_is_strict(void **state)
{
	static const char *const wrong[] = {"A", "AA", "AAA", "AA=A", "====", "A===", "AAAA\n",
		"AA A", "AA-_", "AAAAA===", "AA==AAAA"};
	struct buffer out = BUFFER_INIT(64);

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		assert_false(codec_unbase64(wrong[i], strlen(wrong[i]), &out));
		assert_int_equal(out.length, 0);
	}
	assert_true(codec_unbase64("Zm9vYg==", 8, &out));
	assert_string_equal(buffer_text(&out), "foob");
	buffer_reset(&out);
	assert_true(codec_base64("foobar!", 7, &out));
	assert_string_equal(buffer_text(&out), "Zm9vYmFyIQ==");
	buffer_free(&out);
}

static void form_values(void **state)
{
	static const char form[] = "a=1&login=%D0%98+%26&empty=&log=x&bad=%4&nul=%00&tail=%41";
	struct buffer out = BUFFER_INIT(64);

	(void)state;
	assert_true(codec_form_value(form, sizeof form - 1, "login", &out));
	assert_string_equal(buffer_text(&out), "И &");
	buffer_reset(&out);
	assert_true(codec_form_value(form, sizeof form - 1, "log", &out));
	assert_string_equal(buffer_text(&out), "x");
	buffer_reset(&out);
	assert_true(codec_form_value(form, sizeof form - 1, "tail", &out));
	assert_string_equal(buffer_text(&out), "A");
	buffer_reset(&out);
	assert_true(codec_form_value(form, sizeof form - 1, "empty", &out));
	assert_int_equal(out.length, 0);
	assert_false(codec_form_value(form, sizeof form - 1, "bad", &out));
	buffer_reset(&out);
	assert_false(codec_form_value(form, sizeof form - 1, "nul", &out));
	assert_false(codec_form_value(form, sizeof form - 1, "og", &out));
	buffer_free(&out);
}

static void hashes_and_times(void **state)
{
	uint8_t hash[CODEC_SHA256], again[CODEC_SHA256];
	char hex[CODEC_HEX], time[CODEC_TIME];

	(void)state;
	codec_sha256("abc", 3, hash);
	codec_hex(hash, sizeof hash, hex);
	assert_string_equal(
		hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_true(codec_unhex_sha256(hex, again));
	assert_memory_equal(hash, again, sizeof hash);
	hex[0] = 'B';
	assert_false(codec_unhex_sha256(hex, again));
	hex[63] = '\0';
	assert_false(codec_unhex_sha256(hex, again));
	codec_time(1714557600, time);
	assert_string_equal(time, "2024-05-01T10:00:00Z");
	assert_true(codec_is_time(time));
	assert_false(codec_is_time("2024-05-01 10:00:00Z"));
	assert_false(codec_is_time("2024-05-01T10:00:00+00:00"));
	assert_false(codec_is_time("2024-13-01T10:00:00Z"));
}

static void tokens_differ(void **state)
{
	char one[CODEC_TOKEN_MAX], two[CODEC_TOKEN_MAX];

	(void)state;
	assert_true(codec_token(one));
	assert_true(codec_token(two));
	assert_int_equal(strlen(one), 43);
	assert_string_not_equal(one, two);
	assert_null(strpbrk(one, "+/="));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64_is_strict),
		cmocka_unit_test(form_values),
		cmocka_unit_test(hashes_and_times),
		cmocka_unit_test(tokens_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
