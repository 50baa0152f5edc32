#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "module/crypto/hash.h"
#include "module/store/cloud/algorithm.h"

static const uint8_t digest[64] = {1, 2, 3};

static struct credential rsa(const char *first, const char *second)
{
	struct credential credential = {.key = {.type = SPKI_RSA}, .algorithm_count = 2};

	strcpy(credential.algorithms[0], first);
	strcpy(credential.algorithms[1], second);
	return credential;
}

static struct credential ec(const char *oid)
{
	struct credential credential = {.key = {.type = SPKI_EC}, .algorithm_count = 1};

	strcpy(credential.algorithms[0], oid);
	return credential;
}

static void test_mechanisms(void **state)
{
	struct credential both = rsa("1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10");
	struct credential hashing = rsa("1.2.840.113549.1.1.12", "1.2.3");
	struct credential curve = ec("1.2.840.10045.4.3.2"), other = ec("1.2.3");
	CK_MECHANISM_TYPE list[4];

	(void)state;
	assert_int_equal(algorithm_mechanisms(&both, list, 4), 2);
	assert_int_equal(list[0], CKM_RSA_PKCS);
	assert_int_equal(list[1], CKM_RSA_PKCS_PSS);
	assert_int_equal(algorithm_mechanisms(&both, list, 1), 1);
	assert_int_equal(algorithm_mechanisms(&hashing, list, 4), 1);
	assert_int_equal(algorithm_mechanisms(&curve, list, 4), 1);
	assert_int_equal(list[0], CKM_ECDSA);
	assert_int_equal(algorithm_mechanisms(&other, list, 4), 0);
}

/* PKCS#1 v1.5: the DigestInfo says which hash; the key's list says which OID. */
static void test_digest_info(void **state)
{
	struct credential generic = rsa("1.2.840.113549.1.1.1", "1.2.840.113549.1.1.11");
	struct credential only = rsa("1.2.840.113549.1.1.12", "1.2.3");
	CK_MECHANISM mechanism = {CKM_RSA_PKCS, NULL, 0};
	const struct hash_info *info = hash_info(CKM_SHA384), *small = hash_info(CKM_SHA256),
			       *old = hash_info(CKM_SHA_1);
	struct algorithm algorithm;
	const uint8_t *hash = NULL;
	uint8_t in[128];

	(void)state;
	memcpy(in, info->prefix, info->prefix_size);
	memcpy(in + info->prefix_size, digest, info->size);
	size_t length = info->prefix_size + info->size;
	assert_int_equal(
		algorithm_choose(&generic, &mechanism, in, length, &algorithm, &hash), CKR_OK);
	assert_string_equal(algorithm.sign, "1.2.840.113549.1.1.1");
	assert_string_equal(algorithm.hash, "2.16.840.1.101.3.4.2.2");
	assert_int_equal(algorithm.size, 48);
	assert_memory_equal(hash, digest, 48);
	assert_int_equal(
		algorithm_choose(&only, &mechanism, in, length, &algorithm, &hash), CKR_OK);
	assert_string_equal(algorithm.sign, "1.2.840.113549.1.1.12");

	assert_int_equal(algorithm_choose(&only, &mechanism, in, length - 1, &algorithm, &hash),
		CKR_DATA_INVALID);
	assert_int_equal(algorithm_choose(&only, &mechanism, digest, 48, &algorithm, &hash),
		CKR_DATA_INVALID);
	memcpy(in, small->prefix, small->prefix_size);
	assert_int_equal(algorithm_choose(&only, &mechanism, in, small->prefix_size + small->size,
				 &algorithm, &hash),
		CKR_MECHANISM_INVALID);
	memcpy(in, old->prefix, old->prefix_size);
	assert_int_equal(algorithm_choose(&generic, &mechanism, in, old->prefix_size + old->size,
				 &algorithm, &hash),
		CKR_DATA_INVALID);
}

static void test_pss(void **state)
{
	/* openssl asn1parse: SHA-384, MGF1 with SHA-256, salt of 20 bytes */
	static const uint8_t expected[] = {0x30, 0x34, 0xa0, 0x0f, 0x30, 0x0d, 0x06, 0x09, 0x60,
		0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0xa1, 0x1c, 0x30, 0x1a,
		0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08, 0x30, 0x0d, 0x06,
		0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0xa2, 0x03,
		0x02, 0x01, 0x14};
	struct credential key = rsa("1.2.840.113549.1.1.10", "1.2.3");
	struct credential without = rsa("1.2.840.113549.1.1.1", "1.2.3");
	CK_RSA_PKCS_PSS_PARAMS pss = {CKM_SHA384, CKG_MGF1_SHA256, 20};
	CK_MECHANISM mechanism = {CKM_RSA_PKCS_PSS, &pss, sizeof(pss)};
	struct algorithm algorithm, same;
	const uint8_t *hash = NULL;

	(void)state;
	assert_int_equal(algorithm_choose(&key, &mechanism, digest, 48, &algorithm, &hash), CKR_OK);
	assert_string_equal(algorithm.sign, "1.2.840.113549.1.1.10");
	assert_int_equal(algorithm.parameters_length, sizeof(expected));
	assert_memory_equal(algorithm.parameters, expected, sizeof(expected));
	assert_int_equal(algorithm_choose(&key, &mechanism, digest, 48, &same, &hash), CKR_OK);
	assert_true(algorithm_equal(&algorithm, &same));
	pss.sLen = 21;
	assert_int_equal(algorithm_choose(&key, &mechanism, digest, 48, &same, &hash), CKR_OK);
	assert_false(algorithm_equal(&algorithm, &same));

	assert_int_equal(
		algorithm_choose(&key, &mechanism, digest, 32, &same, &hash), CKR_DATA_LEN_RANGE);
	assert_int_equal(algorithm_choose(&without, &mechanism, digest, 48, &same, &hash),
		CKR_MECHANISM_INVALID);
	pss.hashAlg = CKM_SHA_1;
	assert_int_equal(algorithm_choose(&key, &mechanism, digest, 20, &same, &hash),
		CKR_MECHANISM_PARAM_INVALID);
	pss = (CK_RSA_PKCS_PSS_PARAMS){CKM_SHA256, CKG_MGF1_SHA256, 128};
	assert_int_equal(algorithm_choose(&key, &mechanism, digest, 32, &same, &hash),
		CKR_MECHANISM_PARAM_INVALID);
}

static void test_gost(void **state)
{
	static const struct {
		unsigned bits;
		const char *key, *hash, *with_hash;
		CK_MECHANISM_TYPE mechanism;
	} samples[] = {
		{256, "1.2.643.7.1.1.1.1", "1.2.643.7.1.1.2.2", "1.2.643.7.1.1.3.2", CKM_GOSTR3410},
		{512, "1.2.643.7.1.1.1.2", "1.2.643.7.1.1.2.3", "1.2.643.7.1.1.3.3",
			CKM_GOSTR3410_512},
	};
	CK_MECHANISM_TYPE list[4];
	struct algorithm algorithm;
	const uint8_t *hash = NULL;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		const char *const oids[] = {
			samples[i].key, samples[i].with_hash, samples[1 - i].key};
		const CK_MECHANISM mechanism = {samples[i].mechanism, NULL, 0};
		size_t size = samples[i].bits / 8;

		for (size_t k = 0; k < 3; k++) {
			struct credential c = {.key = {.type = SPKI_GOST, .bits = samples[i].bits},
				.algorithm_count = 1};
			CK_RV rv;

			strcpy(c.algorithms[0], oids[k]);
			assert_int_equal(algorithm_mechanisms(&c, list, 4), k < 2 ? 1 : 0);
			rv = algorithm_choose(&c, &mechanism, digest, size, &algorithm, &hash);
			assert_int_equal(rv, k < 2 ? CKR_OK : CKR_MECHANISM_INVALID);
			assert_int_equal(algorithm_choose(&c, &mechanism, digest, size - 1,
						 &algorithm, &hash),
				CKR_DATA_LEN_RANGE);
			if (k == 2)
				continue;
			assert_int_equal(list[0], samples[i].mechanism);
			assert_string_equal(algorithm.sign, oids[k]);
			assert_string_equal(algorithm.hash, samples[i].hash);
			assert_int_equal(algorithm.size, size);
			assert_int_equal(algorithm.parameters_length, 0);
			assert_ptr_equal(hash, digest);
		}
	}
}

/* In no shape at all. */
static void assert_none(
	const struct credential *credential, const uint8_t *given, size_t length, size_t size)
{
	uint8_t out[8];

	for (unsigned shape = 0; shape < ALGORITHM_SHAPES; shape++)
		assert_false(algorithm_signature(credential, shape, given, length, out, size));
}

/* ECDSA-Sig-Value and r || s both become r || s; what is neither is none. */
static void test_signatures(void **state)
{
	static const uint8_t der[] = {
		0x30, 0x0a, 0x02, 0x03, 0x00, 0x81, 0x02, 0x02, 0x03, 0x01, 0x02, 0x03};
	static const uint8_t raw[8] = {0, 0, 0x81, 0x02, 0, 0x01, 0x02, 0x03};
	struct credential curve = ec("1.2.840.10045.2.1"), other = rsa("1.2", "1.3");
	static const struct {
		size_t at;
		uint8_t value;
	} wrong[] = {{0, 0x31}, {1, 0x0b}, {3, 0x04}, {3, 0}, {4, 0x80}, {7, 0x03}, {7, 0x01}};
	uint8_t out[8], bad[sizeof(der)];

	(void)state;
	assert_true(algorithm_signature(&curve, 0, der, sizeof(der), out, sizeof(out)));
	assert_memory_equal(out, raw, sizeof(raw));
	memset(out, 0, sizeof(out));
	assert_true(algorithm_signature(&curve, 1, raw, sizeof(raw), out, sizeof(out)));
	assert_memory_equal(out, raw, sizeof(raw));
	/* Other lengths than there are bytes, and a negative number. */
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		memcpy(bad, der, sizeof(der));
		bad[wrong[i].at] = wrong[i].value;
		assert_none(&curve, bad, sizeof(bad), sizeof(out));
	}
	for (size_t length = 0; length < sizeof(der); length++) {
		if (length != sizeof(raw))
			assert_none(&curve, der, length, sizeof(out));
	}
	assert_none(&other, der, sizeof(der), sizeof(out));
	assert_true(algorithm_signature(&other, 0, raw, sizeof(raw), out, sizeof(out)));
}

/* GOST's s || r, from whatever order services have them in. */
static void test_gost_shapes(void **state)
{
	static const uint8_t given[8] = {1, 2, 3, 4, 5, 6, 7, 8};
	static const uint8_t shapes[ALGORITHM_SHAPES][8] = {
		{1, 2, 3, 4, 5, 6, 7, 8},
		{5, 6, 7, 8, 1, 2, 3, 4},
		{8, 7, 6, 5, 4, 3, 2, 1},
		{4, 3, 2, 1, 8, 7, 6, 5},
	};
	const struct credential c = {.key = {.type = SPKI_GOST, .bits = 256}};
	uint8_t out[8];

	(void)state;
	for (unsigned i = 0; i < ALGORITHM_SHAPES; i++) {
		assert_true(algorithm_signature(&c, i, given, sizeof(given), out, sizeof(out)));
		assert_memory_equal(out, shapes[i], sizeof(out));
	}
	assert_none(&c, given, 7, sizeof(out));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mechanisms),
		cmocka_unit_test(test_digest_info),
		cmocka_unit_test(test_pss),
		cmocka_unit_test(test_gost),
		cmocka_unit_test(test_signatures),
		cmocka_unit_test(test_gost_shapes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
