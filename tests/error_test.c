#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "module/support/error.h"

static void fills_and_returns_false(void **state)
{
	struct error err = {.code = ERROR_NONE};

	(void)state;
	assert_false(error_set(&err, ERROR_PIN, "slot %s: wrong PIN, %d tries left", "vault", 9));
	assert_int_equal(err.code, ERROR_PIN);
	assert_string_equal(err.message, "slot vault: wrong PIN, 9 tries left");
}

static void nobody_wants_to_know(void **state)
{
	(void)state;
	assert_false(error_set(NULL, ERROR_PIN, "%s", "x"));
	assert_false(error_prefix(NULL, "%s", "x"));
}

static void prefixes_keep_the_code(void **state)
{
	struct error err;

	(void)state;
	error_set(&err, ERROR_REFUSED, "rejected");
	assert_false(error_prefix(&err, "application %d", 7));
	assert_int_equal(err.code, ERROR_REFUSED);
	assert_string_equal(err.message, "application 7: rejected");
	/* The old message may be an argument of the new one. */
	error_set(&err, ERROR_FAILED, "%s again", err.message);
	assert_string_equal(err.message, "application 7: rejected again");
}

/* Whatever the limit falls on, a message ends with a whole character. */
static void long_messages_end_at_a_character(void **state)
{
	char text[3000];
	struct error err;
	size_t length;

	(void)state;
	for (size_t ahead = 0; ahead < 4; ahead++) {
		memset(text, 'a', ahead);
		for (size_t i = ahead; i + 2 < sizeof(text); i += 2)
			memcpy(text + i, "\xd1\x8f", 2);
		text[ahead + (sizeof(text) - 3 - ahead) / 2 * 2] = '\0';
		error_set(&err, ERROR_FAILED, "%s", text);
		length = strlen(err.message);
		assert_in_range(length, ERROR_MESSAGE_MAX - 4, ERROR_MESSAGE_MAX - 1);
		assert_int_equal((length - ahead) % 2, 0);
		assert_memory_equal(err.message, text, length);
		error_prefix(&err, "b");
		length = strlen(err.message);
		assert_in_range(length, ERROR_MESSAGE_MAX - 4, ERROR_MESSAGE_MAX - 1);
		assert_int_equal((length - ahead - 3) % 2, 0);
	}
	memset(text, 'p', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	error_set(&err, ERROR_FAILED, "cause");
	error_prefix(&err, "%s", text);
	assert_int_equal(err.code, ERROR_FAILED);
	assert_string_equal(err.message, "cause");
}

static void one_line_that_moves_no_terminal(void **state)
{
	struct error err;

	(void)state;
	error_set(&err, ERROR_FAILED, "server: %s", "a\nb\r\x1b[2J\x7f\tc \xc2\x9b d я");
	assert_string_equal(err.message, "server: a?b??[2J? c ?? d я");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fills_and_returns_false),
		cmocka_unit_test(nobody_wants_to_know),
		cmocka_unit_test(prefixes_keep_the_code),
		cmocka_unit_test(long_messages_end_at_a_character),
		cmocka_unit_test(one_line_that_moves_no_terminal),
	};

	return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
