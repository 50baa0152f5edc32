#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "module/store/cloud/expression.h"

static const char *const names[] = {"PIN", "OTP", "PIN 2", "SMS"};

/* For which of the sixteen ways to give some of them is it true? A bit each. */
static void test_values(void **state)
{
	static const struct {
		const char *text;
		unsigned true_for;
	} samples[] = {
		{"PIN", 0xaaaa},
		{" ( PIN ) ", 0xaaaa},
		{"PIN AND OTP", 0x8888},
		{"PIN OR OTP", 0xeeee},
		{"PIN xor OTP", 0x6666},
		{"PIN 2", 0xf0f0},
		{"PIN 2 AND PIN", 0xa0a0},
		{"PIN AND OTP OR SMS", 0xff88},
		{"SMS OR OTP AND PIN", 0xff88},
		{"PIN AND (OTP OR SMS)", 0xaa88},
		{"(PIN OR OTP)AND(SMS)", 0xee00},
		{"PIN XOR OTP AND SMS", 0x66aa},
		{"PIN OR OTP XOR SMS", 0xbbee},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		for (unsigned given = 0; given < 16; given++) {
			bool value = false;

			assert_true(expression_value(samples[i].text, names, 4, given, &value));
			if (value != ((samples[i].true_for >> given & 1) != 0))
				fail_msg("%s for %u", samples[i].text, given);
		}
	}
}

static void test_wrong(void **state)
{
	static const char *const wrong[] = {"", " ", "PIN AND", "AND PIN", "PIN OTP", "(PIN",
		"PIN)", "()", "PINK", "PIN ANDOTP", "NOT PIN", "pin", "PIN && OTP", "EYE OR PIN"};
	char deep[100] = "";
	bool value = false;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (expression_value(wrong[i], names, 4, 1, &value))
			fail_msg("taken: %s", wrong[i]);
	}
	memset(deep, '(', 17);
	strcat(deep, "PIN");
	memset(deep + 20, ')', 17);
	assert_false(expression_value(deep, names, 4, 1, &value));
	deep[36] = '\0';
	assert_true(expression_value(deep + 1, names, 4, 1, &value));
	assert_true(value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_wrong),
	};

	return cmocka_run_group_tests_name("cloud_expression", tests, NULL, NULL);
}
