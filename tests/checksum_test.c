/* checksum: SHA-256 of pieces is that of the whole, by the standard's own examples. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "module/crypto/checksum.h"

/* FIPS 180-4's examples: "abc", and two blocks. */
static void test_examples(void **state)
{
	static const uint8_t abc[CHECKSUM_SIZE] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea,
		0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
		0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
	static const uint8_t nothing[4] = {0xe3, 0xb0, 0xc4, 0x42};
	uint8_t out[CHECKSUM_SIZE];

	(void)state;
	checksum_make(&(struct checksum_piece){"abc", 3}, 1, out);
	assert_memory_equal(out, abc, sizeof(abc));
	checksum_make(NULL, 0, out);
	assert_memory_equal(out, nothing, sizeof(nothing));
}

/* Wherever it is cut, also between and within blocks. */
static void test_pieces(void **state)
{
	uint8_t text[200], whole[CHECKSUM_SIZE], out[CHECKSUM_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)(i * 7);
	checksum_make(&(struct checksum_piece){text, sizeof(text)}, 1, whole);
	for (size_t at = 0; at <= sizeof(text); at++) {
		const struct checksum_piece pieces[] = {
			{text, at}, {NULL, 0}, {text + at, sizeof(text) - at}};

		checksum_make(pieces, 3, out);
		assert_memory_equal(out, whole, sizeof(whole));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
