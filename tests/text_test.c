#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "module/support/text.h"

static const struct {
	const char *text;
	size_t length;
	bool good;
} samples[] = {
	{"", 0, true},
	{"plain", 5, true},
	{"a\0b", 3, true},
	{"\xd0\x9f\xd0\xbe", 4, true},
	{"\xe2\x82\xac", 3, true},
	{"\xf0\x9f\x94\x91", 4, true},
	{"\xf4\x8f\xbf\xbf", 4, true},
	{"\xf4\x90\x80\x80", 4, false}, /* past U+10FFFF */
	{"\xed\x9f\xbf", 3, true},
	{"\xed\xa0\x80", 3, false}, /* a surrogate */
	{"\xc0\xaf", 2, false},     /* longer than it needs to be */
	{"\xe0\x9f\xbf", 3, false},
	{"\xf0\x8f\xbf\xbf", 4, false},
	{"\x80", 1, false},
	{"\xff", 1, false},
	{"\xd0", 1, false},
	{"\xe2\x82", 2, false},
	{"\xf0\x9f\x94", 3, false},
	{"\xd0 ", 2, false},
	{"\xf8\x88\x80\x80\x80", 5, false},
};

static void knows_utf8(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		if (text_is_utf8(samples[i].text, samples[i].length) != samples[i].good)
			fail_msg("sample %zu", i);
	}
}

static void cuts_between_characters(void **state)
{
	const char text[] = "a\xd0\x9f\xe2\x82\xac\xf0\x9f\x94\x91z";
	static const size_t cuts[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11, 11};

	(void)state;
	for (size_t max = 0; max < sizeof(cuts) / sizeof(cuts[0]); max++)
		assert_int_equal(text_cut(text, 11, max), cuts[max]);
}

static void makes_control_characters_visible(void **state)
{
	char text[] = "\x01\x1f\t \x7e\x7f\xc2\x80\xc2\x9f\xc2\xa0\xd0\x9f";
	char order[] = "a\xe2\x80\xae"
		       "b\xe2\x81\xa6\xd8\x9c\xe2\x80\xa8\xe2\x80\xa7";
	char end[] = "x\xc2", malformed[] = "\x9b[2J\xed\xa0\x80";

	(void)state;
	text_plain(text);
	assert_string_equal(text, "??  ~?????\xc2\xa0\xd0\x9f");
	text_plain(end);
	assert_string_equal(end, "x?");
	text_plain(order);
	assert_string_equal(order, "a???b????????\xe2\x80\xa7");
	text_plain(malformed);
	assert_string_equal(malformed, "?[2J???");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_utf8),
		cmocka_unit_test(cuts_between_characters),
		cmocka_unit_test(makes_control_characters_visible),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
