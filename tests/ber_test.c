#include "tests/asn1_support.h"

#include "asn1/ber.h"
#include "asn1/der.h"

static void assert_der(const char *ber, size_t ber_length, const char *der, size_t der_length)
{
	struct buffer out = BUFFER_INIT(BUFFER_MAX);
	struct error err = {0};

	assert_done(ber_to_der((const uint8_t *)ber, ber_length, &out, &err), &err);
	assert_int_equal(out.length, der_length);
	assert_memory_equal(out.data, der, der_length);
	buffer_free(&out);
}

#define ASSERT_DER(ber, der) assert_der(ber, sizeof(ber) - 1, der, sizeof(der) - 1)

static void turns_into_der(void **state)
{
	(void)state;
	/* What is DER stays. */
	ASSERT_DER("\x30\x05\x02\x01\x05\x05\x00", "\x30\x05\x02\x01\x05\x05\x00");
	ASSERT_DER("\x1f\x81\x02\x01x", "\x1f\x81\x02\x01x");
	/* Indefinite lengths, one in the other, also empty. */
	ASSERT_DER("\x30\x80\xa0\x80\x02\x01\x05\x00\x00\x31\x80\x00\x00\x00\x00",
		"\x30\x07\xa0\x03\x02\x01\x05\x31\x00");
	/* Lengths that are longer than they need to be. */
	ASSERT_DER("\x30\x84\x00\x00\x00\x04\x04\x82\x00\x00", "\x30\x02\x04\x00");
	/* Strings in pieces, of a definite and an indefinite length. */
	ASSERT_DER("\x24\x80\x04\x02"
		   "ab\x04\x01"
		   "c\x00\x00",
		"\x04\x03"
		"abc");
	ASSERT_DER("\x2c\x06\x04\x02\xd0\xb0\x04\x00", "\x0c\x02\xd0\xb0");
}

static void assert_not_ber(const char *ber, size_t length, const char *why)
{
	struct buffer out = BUFFER_INIT(BUFFER_MAX);
	struct error err = {0};

	assert_refused(ber_to_der((const uint8_t *)ber, length, &out, &err), &err, why);
	buffer_free(&out);
}

#define ASSERT_NOT_BER(ber, why) assert_not_ber(ber, sizeof(ber) - 1, why)

static void refuses(void **state)
{
	struct buffer deep = BUFFER_INIT(BUFFER_MAX), small = BUFFER_INIT(2);
	struct error err = {0};

	(void)state;
	ASSERT_NOT_BER("", "at byte 0: cut short");
	ASSERT_NOT_BER("\x30", "at byte 0: cut short");
	ASSERT_NOT_BER("\x30\x80\x02\x01\x05", "at byte 5: cut short");
	ASSERT_NOT_BER("\x30\x82\x01", "cut short");
	ASSERT_NOT_BER("\x30\x03\x02\x01", "a length that goes beyond the end");
	/* An inner element may not take what stands behind the outer one. */
	ASSERT_NOT_BER("\x30\x03\x04\x02x\x05\x00", "at byte 2: a length that goes beyond the end");
	ASSERT_NOT_BER("\x04\x80\x00\x00", "an indefinite length of a simple type");
	ASSERT_NOT_BER("\x30\x85\x01\x00\x00\x00\x00", "a length that is too large");
	ASSERT_NOT_BER("\x3f\x81\x81\x81\x81\x01\x00", "a tag that is cut short or too large");
	ASSERT_NOT_BER("\x24\x03\x02\x01\x05", "pieces that are not OCTET STRINGs");
	ASSERT_NOT_BER("\x05\x00\x05\x00", "at byte 2: more bytes behind the end");
	for (int i = 0; i < 1000; i++)
		buffer_append(&deep, "\x30\x80", 2);
	assert_not_ber((const char *)deep.data, deep.length, "nested too deeply");
	assert_refused(
		ber_to_der((const uint8_t *)"\x04\x01x", 3, &small, &err), &err, "too large");
	buffer_free(&deep);
	buffer_free(&small);
}

/* No input makes it read where it may not (the sanitizers look on), and what comes out takes itself again. */
static void mutants(void **state)
{
	static const char seed[] = "\x30\x80\x06\x03\x2a\x03\x04\xa0\x80\x24\x80\x04\x02"
				   "ab\x04\x82\x00\x01"
				   "c\x00\x00\x00\x00\x31\x03\x02\x01\x07\x00\x00";
	uint8_t bytes[sizeof(seed) - 1];
	unsigned random = 1, taken = 0;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct buffer once = BUFFER_INIT(BUFFER_MAX), twice = BUFFER_INIT(BUFFER_MAX);
		size_t length = sizeof(bytes);

		memcpy(bytes, seed, sizeof(bytes));
		for (int i = 0; i < 1 + round % 3; i++) {
			random = random * 1103515245u + 12345u;
			bytes[(random >> 16) % sizeof(bytes)] ^= (uint8_t)(1u << (random >> 8) % 8);
		}
		if (round % 5 == 0)
			length = random % sizeof(bytes);
		if (ber_to_der(bytes, length, &once, NULL)) {
			taken++;
			assert_true(ber_to_der(once.data, once.length, &twice, NULL));
			assert_int_equal(once.length, twice.length);
			assert_memory_equal(once.data, twice.data, once.length);
		}
		buffer_free(&once);
		buffer_free(&twice);
	}
	assert_in_range(taken, 100, 19000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(turns_into_der),
		cmocka_unit_test(refuses),
		cmocka_unit_test(mutants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
