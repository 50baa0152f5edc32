#include "tests/asn1_support.h"

#include "asn1/algorithm.h"
#include "asn1/message_digest.h"

/* FIPS 180-4: the digest of "abc". */
static const uint8_t abc[] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
	0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10,
	0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};

static void pieces_are_the_whole(void **state)
{
	uint8_t value[MESSAGE_DIGEST_MAX];
	struct message_digest *digest;
	struct error err = {0};
	size_t length = 0;

	(void)state;
	digest = message_digest_new("SHA256", &err);
	assert_non_null(digest);
	assert_true(message_digest_update(digest, "a", 1, &err));
	assert_true(message_digest_update(digest, "", 0, &err));
	assert_true(message_digest_update(digest, "bc", 2, &err));
	assert_true(message_digest_finish(digest, value, &length, &err));
	message_digest_free(digest);
	assert_int_equal(length, sizeof(abc));
	assert_memory_equal(value, abc, sizeof(abc));
	memset(value, 0, sizeof(value));
	assert_true(algorithm_digest("SHA256", "abc", 3, value, &length, &err));
	assert_memory_equal(value, abc, sizeof(abc));
}

static void unknown_names(void **state)
{
	struct error err = {0};

	(void)state;
	assert_null(message_digest_new("SHA-0", &err));
	assert_string_equal(err.message, "the digest SHA-0 is not available");
	message_digest_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_the_whole),
		cmocka_unit_test(unknown_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
