#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "module/crypto/hash.h"

static struct log *silence;
static struct crypto *crypto;

static int set_up(void **state)
{
	(void)state;
	silence = log_new("error", "hash_test", LOG_LEVEL_ERROR);
	return crypto_new(silence, &crypto) == CKR_OK ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	crypto_free(crypto);
	log_free(silence);
	return 0;
}

/* FIPS 180-4's examples: "abc", and one million times "a". */
static const struct {
	CK_MECHANISM_TYPE mechanism;
	size_t size;
	const char *abc, *million;
} examples[] = {
	{CKM_SHA_1, 20, "a9993e364706816aba3e25717850c26c9cd0d89d",
		"34aa973cd4c4daa4f61eeb2bdbad27316534016f"},
	{CKM_SHA224, 28, "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7",
		"20794655980c91d8bbb4c1ea97618a4bf03f42581948b2ee4ee7ad67"},
	{CKM_SHA256, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		"cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
	{CKM_SHA384, 48,
		"cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
		"8086072ba1e7cc2358baeca134c825a7",
		"9d0e1809716474cb086e834e310a4a1ced149e9c00f248527972cec5704c2a5b"
		"07b8b3dc38ecc4ebae97ddd87f3d8985"},
	{CKM_SHA512, 64,
		"ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
		"2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
		"e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973eb"
		"de0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b"},
	/* Streebog: the GOST engine's answers. */
	{CKM_GOSTR3411_12_256, 32,
		"4e2919cf137ed41ec4fb6270c61826cc4fffb660341e0af3688cd0626d23b481",
		"841af1a0b2f92a800fb1b7e4aabc8e48763153c448a0fc57c90ba830e130f152"},
	{CKM_GOSTR3411_12_512, 64,
		"28156e28317da7c98f4fe2bed6b542d0dab85bb224445fcedaf75d46e26d7eb8"
		"d5997f3e0915dd6b7f0aab08d9c8beb0d8c64bae2ab8b3c8c6bc53b3bf0db728",
		"d396a40b126b1f324465bfa7aa159859ab33fac02dcdd4515ad231206396a266"
		"d0102367e4c544ef47d2294064e1a25342d0cd25ae3d904b45abb1425ae41095"},
};

#define EXAMPLES (sizeof(examples) / sizeof(examples[0]))

static void assert_hex(const uint8_t *bytes, size_t size, const char *hex)
{
	char text[2 * HASH_SIZE_MAX + 1];

	for (size_t i = 0; i < size; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	assert_string_equal(text, hex);
}

static void digests(void **state)
{
	uint8_t out[HASH_SIZE_MAX];
	char block[1000];

	(void)state;
	memset(block, 'a', sizeof(block));
	for (size_t i = 0; i < EXAMPLES; i++) {
		struct hash *hash = NULL;

		assert_int_equal(hash_new(crypto, examples[i].mechanism, &hash), CKR_OK);
		assert_int_equal(hash_of(hash)->size, examples[i].size);
		assert_int_equal(hash_update(hash, "a", 1), CKR_OK);
		assert_int_equal(hash_update(hash, NULL, 0), CKR_OK);
		assert_int_equal(hash_update(hash, "bc", 2), CKR_OK);
		assert_int_equal(hash_final(hash, out), CKR_OK);
		assert_hex(out, examples[i].size, examples[i].abc);
		assert_int_equal(hash_restart(hash), CKR_OK);
		for (int k = 0; k < 1000; k++)
			assert_int_equal(hash_update(hash, block, sizeof(block)), CKR_OK);
		assert_int_equal(hash_final(hash, out), CKR_OK);
		assert_hex(out, examples[i].size, examples[i].million);
		/* Started over in the middle, nothing of the old input is left. */
		assert_int_equal(hash_restart(hash), CKR_OK);
		assert_int_equal(hash_update(hash, block, sizeof(block)), CKR_OK);
		assert_int_equal(hash_restart(hash), CKR_OK);
		assert_int_equal(hash_update(hash, "abc", 3), CKR_OK);
		assert_int_equal(hash_final(hash, out), CKR_OK);
		assert_hex(out, examples[i].size, examples[i].abc);
		hash_free(hash);
	}
	hash_free(NULL);
}

static void the_table_is_whole(void **state)
{
	struct hash *none = NULL;
	size_t count = 0;

	(void)state;
	for (const struct hash_info *info; (info = hash_info_at(count)) != NULL; count++) {
		assert_ptr_equal(hash_info(info->mechanism), info);
		assert_in_range(info->size, 1, HASH_SIZE_MAX);
		if (info->prefix == NULL) {
			assert_int_equal(info->mgf, 0);
			continue;
		}
		/* SEQUENCE { SEQUENCE { OID, NULL }, OCTET STRING of the digest's size } */
		assert_int_equal(info->prefix[0], 0x30);
		assert_int_equal(info->prefix[1], info->prefix_size - 2 + info->size);
		assert_int_equal(info->prefix[2], 0x30);
		assert_int_equal(info->prefix[3], info->prefix_size - 6);
		assert_int_equal(info->prefix[info->prefix_size - 2], 0x04);
		assert_int_equal(info->prefix[info->prefix_size - 1], info->size);
	}
	assert_int_equal(count, EXAMPLES);
	assert_null(hash_info(CKM_MD5));
	assert_null(hash_info(CKM_RSA_PKCS));
	assert_int_equal(hash_new(crypto, CKM_MD5, &none), CKR_MECHANISM_INVALID);
	assert_null(none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests),
		cmocka_unit_test(the_table_is_whole),
	};

	return cmocka_run_group_tests_name("hash", tests, set_up, tear_down);
}
