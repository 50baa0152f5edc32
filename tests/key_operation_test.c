#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "module/crypto/hash.h"
#include "tests/key_maker.h"
#include "tests/other_side.h"

/* The other side of every test is OpenSSL's default context, which knows nothing of ours. */
static struct log *silence;
static struct crypto *crypto;
static struct key *keys[KEY_KINDS];  /* with their private parts */
static EVP_PKEY *publics[KEY_KINDS]; /* the same keys, for the other side */
static EVP_PKEY *theirs;             /* an RSA key that was born there */
static struct key *imported;         /* the same, imported */

static void add(CK_ATTRIBUTE *list, CK_ULONG *count, CK_ATTRIBUTE_TYPE type, const EVP_PKEY *pkey,
	const char *param)
{
	BIGNUM *number = NULL;
	uint8_t *bytes;
	int size;

	assert_int_equal(EVP_PKEY_get_bn_param(pkey, param, &number), 1);
	bytes = malloc(512);
	size = BN_bn2bin(number, bytes);
	list[(*count)++] = (CK_ATTRIBUTE){type, bytes, (CK_ULONG)size};
	BN_free(number);
}

static void import_theirs(void)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_KEY_TYPE type = CKK_RSA;
	CK_ATTRIBUTE list[10] = {
		{CKA_CLASS, &class, sizeof(class)}, {CKA_KEY_TYPE, &type, sizeof(type)}};
	struct attributes *object = NULL;
	CK_ULONG count = 2;

	add(list, &count, CKA_MODULUS, theirs, OSSL_PKEY_PARAM_RSA_N);
	add(list, &count, CKA_PUBLIC_EXPONENT, theirs, OSSL_PKEY_PARAM_RSA_E);
	add(list, &count, CKA_PRIVATE_EXPONENT, theirs, OSSL_PKEY_PARAM_RSA_D);
	add(list, &count, CKA_PRIME_1, theirs, OSSL_PKEY_PARAM_RSA_FACTOR1);
	add(list, &count, CKA_PRIME_2, theirs, OSSL_PKEY_PARAM_RSA_FACTOR2);
	assert_int_equal(attributes_new(NULL, list, count, &object), CKR_OK);
	assert_int_equal(key_decode(crypto, object, &imported), CKR_OK);
	attributes_free(object);
	for (CK_ULONG i = 2; i < count; i++)
		free(list[i].pValue);
}

static int set_up(void **state)
{
	(void)state;
	silence = log_new("error:/dev/null", "key_operation_test", LOG_LEVEL_ERROR);
	crypto_settle();
	if (crypto_new(silence, &crypto) != CKR_OK)
		return -1;
	for (int kind = 0; kind < KEY_KINDS; kind++) {
		uint8_t *der = NULL;
		const uint8_t *p;
		size_t length = 0;

		if (key_make(crypto, (enum key_kind)kind, &keys[kind]) != CKR_OK ||
			key_public_info(keys[kind], &der, &length) != CKR_OK)
			return -1;
		p = der;
		publics[kind] = d2i_PUBKEY(NULL, &p, (long)length);
		free(der);
		if (publics[kind] == NULL)
			return -1;
	}
	/* Not a whole number of bytes, on purpose. */
	theirs = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2052);
	if (theirs == NULL)
		return -1;
	import_theirs();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (int kind = 0; kind < KEY_KINDS; kind++) {
		key_unref(keys[kind]);
		EVP_PKEY_free(publics[kind]);
	}
	key_unref(imported);
	EVP_PKEY_free(theirs);
	crypto_free(crypto);
	log_free(silence);
	return 0;
}

static struct operation *prepare(struct key *key, enum operation_purpose purpose,
	CK_MECHANISM_TYPE type, void *parameter, size_t length)
{
	CK_MECHANISM mechanism = {type, parameter, length};
	struct operation *operation = NULL;

	assert_int_equal(key_prepare(key, purpose, &mechanism, &operation), CKR_OK);
	return operation;
}

static void fill(uint8_t *bytes, size_t size, unsigned seed)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(seed * 31 + i * 7 + 1);
}

/* DigestInfo in, a signature that any verifier takes out; and the other way round. */
static void rsa_pkcs1_is_everybodys(void **state)
{
	struct operation *sign = prepare(imported, OPERATION_SIGN, CKM_RSA_PKCS, NULL, 0);
	struct operation *verify = prepare(imported, OPERATION_VERIFY, CKM_RSA_PKCS, NULL, 0);
	uint8_t info[128], signature[512];

	(void)state;
	assert_int_equal(sign->input_max, sign->output_max - 11);
	for (size_t i = 0; hash_info_at(i)->mgf != 0; i++) {
		const struct hash_info *hash = hash_info_at(i);
		size_t size = hash->prefix_size + hash->size, length = sizeof(signature);

		memcpy(info, hash->prefix, hash->prefix_size);
		fill(info + hash->prefix_size, hash->size, (unsigned)i);
		assert_int_equal(sign->class->run(sign, info, size, signature, &length), CKR_OK);
		assert_int_equal(length, 257);
		assert_int_equal(other_rsa(theirs, false, RSA_PKCS1_PADDING, hash->name, 0,
					 info + hash->prefix_size, hash->size, signature, &length),
			1);
		length = sizeof(signature);
		assert_int_equal(other_rsa(theirs, true, RSA_PKCS1_PADDING, hash->name, 0,
					 info + hash->prefix_size, hash->size, signature, &length),
			1);
		assert_int_equal(
			verify->class->verify(verify, info, size, signature, length), CKR_OK);
		info[size - 1] ^= 1;
		assert_int_equal(verify->class->verify(verify, info, size, signature, length),
			CKR_SIGNATURE_INVALID);
	}
	operation_free(sign);
	operation_free(verify);
}

static void rsa_pss_is_everybodys(void **state)
{
	static const CK_ULONG salts[] = {0, 20, 32, 64};
	uint8_t digest[HASH_SIZE_MAX], signature[512];

	(void)state;
	for (size_t i = 0; hash_info_at(i)->mgf != 0; i++) {
		const struct hash_info *hash = hash_info_at(i);

		for (size_t k = 0; k < 4; k++) {
			CK_RSA_PKCS_PSS_PARAMS params = {hash->mechanism, hash->mgf, salts[k]};
			struct operation *sign, *verify;
			size_t length = sizeof(signature);

			fill(digest, sizeof(digest), (unsigned)(i + k));
			sign = prepare(imported, OPERATION_SIGN, CKM_RSA_PKCS_PSS, &params,
				sizeof(params));
			verify = prepare(imported, OPERATION_VERIFY, CKM_RSA_PKCS_PSS, &params,
				sizeof(params));
			assert_int_equal(
				sign->class->run(sign, digest, hash->size, signature, &length),
				CKR_OK);
			assert_int_equal(length, 257);
			assert_int_equal(
				other_rsa(theirs, false, RSA_PKCS1_PSS_PADDING, hash->name,
					(int)salts[k], digest, hash->size, signature, &length),
				1);
			length = sizeof(signature);
			assert_int_equal(
				other_rsa(theirs, true, RSA_PKCS1_PSS_PADDING, hash->name,
					(int)salts[k], digest, hash->size, signature, &length),
				1);
			assert_int_equal(verify->class->verify(
						 verify, digest, hash->size, signature, length),
				CKR_OK);
			/* Only the digest's own length. */
			assert_int_equal(verify->class->verify(
						 verify, digest, hash->size - 1, signature, length),
				CKR_DATA_LEN_RANGE);
			assert_int_equal(
				sign->class->run(sign, digest, hash->size + 1, signature, &length),
				CKR_DATA_LEN_RANGE);
			/* Another salt's length is another signature. */
			if (other_rsa(theirs, true, RSA_PKCS1_PSS_PADDING, hash->name,
				    (int)salts[k] + 1, digest, hash->size, signature, &length) == 1)
				assert_int_equal(verify->class->verify(verify, digest, hash->size,
							 signature, length),
					CKR_SIGNATURE_INVALID);
			operation_free(sign);
			operation_free(verify);
		}
	}
}

static void rsa_raw_is_the_primitive(void **state)
{
	struct operation *sign = prepare(imported, OPERATION_SIGN, CKM_RSA_X_509, NULL, 0);
	struct operation *verify = prepare(imported, OPERATION_VERIFY, CKM_RSA_X_509, NULL, 0);
	struct operation *decrypt = prepare(imported, OPERATION_DECRYPT, CKM_RSA_X_509, NULL, 0);
	struct operation *encrypt = prepare(imported, OPERATION_ENCRYPT, CKM_RSA_X_509, NULL, 0);
	uint8_t block[257] = {0}, signature[512], back[512], high[257];
	size_t length = sizeof(signature), size;

	(void)state;
	fill(block + 57, 200, 3);
	assert_int_equal(sign->class->run(sign, block, 257, signature, &length), CKR_OK);
	assert_int_equal(length, 257);
	assert_int_equal(
		other_rsa(theirs, false, RSA_NO_PADDING, NULL, 0, block, 257, signature, &length),
		1);
	/* A shorter input has zeros in front. */
	size = sizeof(back);
	assert_int_equal(sign->class->run(sign, block + 57, 200, back, &size), CKR_OK);
	assert_memory_equal(back, signature, 257);
	assert_int_equal(verify->class->verify(verify, block + 57, 200, signature, 257), CKR_OK);
	assert_int_equal(
		verify->class->verify(verify, block, 257, signature, 256), CKR_SIGNATURE_LEN_RANGE);
	signature[100] ^= 4;
	assert_int_equal(
		verify->class->verify(verify, block, 257, signature, 257), CKR_SIGNATURE_INVALID);
	/* Encryption is its inverse. */
	size = sizeof(back);
	assert_int_equal(encrypt->class->run(encrypt, block, 257, back, &size), CKR_OK);
	length = sizeof(signature);
	assert_int_equal(decrypt->class->run(decrypt, back, size, signature, &length), CKR_OK);
	assert_int_equal(length, 257);
	assert_memory_equal(signature, block, 257);
	/* Beyond the modulus, or longer. */
	memset(high, 0xff, sizeof(high));
	length = sizeof(signature);
	assert_int_equal(
		sign->class->run(sign, high, sizeof(high), signature, &length), CKR_DATA_INVALID);
	assert_int_equal(sign->class->run(sign, back, 258, signature, &length), CKR_DATA_LEN_RANGE);
	assert_int_equal(decrypt->class->run(decrypt, high, sizeof(high), signature, &length),
		CKR_ENCRYPTED_DATA_INVALID);
	operation_free(sign);
	operation_free(verify);
	operation_free(encrypt);
	operation_free(decrypt);
}

static void rsa_oaep_is_everybodys(void **state)
{
	uint8_t text[100], sealed[512], opened[512];

	(void)state;
	fill(text, sizeof(text), 9);
	for (size_t i = 0; hash_info_at(i)->mgf != 0; i++) {
		const struct hash_info *hash = hash_info_at(i), *mgf = hash_info_at((i + 1) % 5);
		static char label[] = "label";
		CK_RSA_PKCS_OAEP_PARAMS params = {hash->mechanism, mgf->mgf, CKZ_DATA_SPECIFIED,
			i % 2 ? label : NULL, i % 2 ? 5 : 0};
		struct operation *decrypt = prepare(
			imported, OPERATION_DECRYPT, CKM_RSA_PKCS_OAEP, &params, sizeof(params));
		struct operation *encrypt = prepare(
			imported, OPERATION_ENCRYPT, CKM_RSA_PKCS_OAEP, &params, sizeof(params));
		size_t length = sizeof(sealed), size = sizeof(opened);

		assert_int_equal(
			other_encrypt(theirs, RSA_PKCS1_OAEP_PADDING, hash->name, mgf->name,
				i % 2 ? label : NULL, text, sizeof(text), sealed, &length),
			1);
		assert_int_equal(
			decrypt->class->run(decrypt, sealed, length, opened, &size), CKR_OK);
		assert_int_equal(size, sizeof(text));
		assert_memory_equal(opened, text, sizeof(text));
		sealed[200] ^= 1;
		assert_int_equal(decrypt->class->run(decrypt, sealed, length, opened, &size),
			CKR_ENCRYPTED_DATA_INVALID);
		assert_int_equal(decrypt->class->run(decrypt, sealed, length - 1, opened, &size),
			CKR_ENCRYPTED_DATA_LEN_RANGE);
		length = sizeof(sealed);
		assert_int_equal(
			encrypt->class->run(encrypt, text, sizeof(text), sealed, &length), CKR_OK);
		size = sizeof(opened);
		assert_int_equal(
			decrypt->class->run(decrypt, sealed, length, opened, &size), CKR_OK);
		assert_int_equal(size, sizeof(text));
		assert_memory_equal(opened, text, sizeof(text));
		/* Too long for the padding. */
		assert_int_equal(encrypt->class->run(encrypt, sealed, 257, opened, &size),
			CKR_DATA_LEN_RANGE);
		operation_free(decrypt);
		operation_free(encrypt);
	}
}

static void ecdsa_is_everybodys(void **state)
{
	static const size_t sizes[] = {20, 28, 32, 48, 64};
	uint8_t digest[64], signature[200], cut[200];

	(void)state;
	for (int kind = KEY_P256; kind <= KEY_P521; kind++) {
		struct operation *sign = prepare(keys[kind], OPERATION_SIGN, CKM_ECDSA, NULL, 0);
		struct operation *verify =
			prepare(keys[kind], OPERATION_VERIFY, CKM_ECDSA, NULL, 0);
		size_t half = (key_recipes[kind].bits + 7) / 8;
		unsigned shorter = 0;

		assert_int_equal(sign->output_max, 2 * half);
		/* Often enough that an r or s with a leading zero comes by. */
		for (unsigned i = 0; i < 600; i++) {
			size_t size = sizes[i % 5], length = sizeof(signature);

			fill(digest, sizeof(digest), i);
			assert_int_equal(
				sign->class->run(sign, digest, size, signature, &length), CKR_OK);
			assert_int_equal(length, 2 * half);
			if (i % 20 == 0)
				assert_int_equal(other_ecdsa_verify(publics[kind], digest, size,
							 signature, half),
					1);
			assert_int_equal(
				verify->class->verify(verify, digest, size, signature, length),
				CKR_OK);
			/* Without the zero that both begin with, it is still r and s. */
			if (signature[0] == 0 && signature[half] == 0) {
				memcpy(cut, signature + 1, half - 1);
				memcpy(cut + half - 1, signature + half + 1, half - 1);
				assert_int_equal(verify->class->verify(
							 verify, digest, size, cut, 2 * (half - 1)),
					CKR_OK);
				shorter++;
			}
		}
		/* The first of P-521's 66 bytes is 0 or 1. */
		assert_true(shorter > 0 || key_recipes[kind].bits != 521);
		digest[3] ^= 1;
		assert_int_equal(verify->class->verify(verify, digest, 64, signature, 2 * half),
			CKR_SIGNATURE_INVALID);
		digest[3] ^= 1;
		assert_int_equal(verify->class->verify(verify, digest, 64, signature, 2 * half - 1),
			CKR_SIGNATURE_LEN_RANGE);
		assert_int_equal(verify->class->verify(verify, digest, 64, signature, 2 * half + 2),
			CKR_SIGNATURE_LEN_RANGE);
		assert_int_equal(verify->class->verify(verify, digest, 64, signature, 2 * half - 2),
			CKR_SIGNATURE_INVALID);
		assert_int_equal(verify->class->verify(verify, digest, 64, signature, 0),
			CKR_SIGNATURE_LEN_RANGE);
		memset(signature, 0, sizeof(signature));
		assert_int_equal(verify->class->verify(verify, digest, 64, signature, 2 * half),
			CKR_SIGNATURE_INVALID);
		memset(signature, 0xff, sizeof(signature));
		assert_int_equal(verify->class->verify(verify, digest, 64, signature, 2 * half),
			CKR_SIGNATURE_INVALID);
		operation_free(sign);
		operation_free(verify);
	}
}

/* RFC 8032, 7.1, tests 1 to 3. */
static void ed25519_signs_what_the_rfc_signs(void **state)
{
	static const struct {
		const char *seed, *message, *signature; /* hexadecimal; the message in bytes */
		size_t length;
	} rows[] = {
		{"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "",
			"e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
			"5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
			0},
		{"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "\x72",
			"92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
			"085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
			1},
		{"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", "\xaf\x82",
			"6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
			"18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
			2},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		long seed_length, signature_length;
		uint8_t *seed = OPENSSL_hexstr2buf(rows[i].seed, &seed_length);
		const uint8_t *message = (const uint8_t *)rows[i].message;
		uint8_t *expected = OPENSSL_hexstr2buf(rows[i].signature, &signature_length);
		struct attributes *object = NULL, *changed = NULL;
		CK_ATTRIBUTE value = {CKA_VALUE, seed, 32};
		struct key *key = NULL;
		struct operation *sign, *verify;
		uint8_t signature[64];
		size_t length = sizeof(signature);

		assert_int_equal(key_object(keys[KEY_ED25519], true, &object), CKR_OK);
		assert_int_equal(attributes_new(object, &value, 1, &changed), CKR_OK);
		assert_int_equal(key_decode(crypto, changed, &key), CKR_OK);
		sign = prepare(key, OPERATION_SIGN, CKM_EDDSA, NULL, 0);
		verify = prepare(key, OPERATION_VERIFY, CKM_EDDSA, NULL, 0);
		/* Twice: the operation is used again. */
		for (int again = 0; again < 2; again++) {
			memset(signature, 0, sizeof(signature));
			assert_int_equal(
				sign->class->run(sign, message, rows[i].length, signature, &length),
				CKR_OK);
			assert_int_equal(length, 64);
			assert_memory_equal(signature, expected, 64);
			assert_int_equal(verify->class->verify(
						 verify, message, rows[i].length, signature, 64),
				CKR_OK);
			signature[10] ^= 1;
			assert_int_equal(verify->class->verify(
						 verify, message, rows[i].length, signature, 64),
				CKR_SIGNATURE_INVALID);
			assert_int_equal(verify->class->verify(
						 verify, message, rows[i].length, signature, 63),
				CKR_SIGNATURE_LEN_RANGE);
		}
		operation_free(sign);
		operation_free(verify);
		key_unref(key);
		attributes_free(object);
		attributes_free(changed);
		OPENSSL_free(seed);
		OPENSSL_free(expected);
	}
}

#define PLAIN(type)                                                                                \
	{                                                                                          \
		type, NULL, 0                                                                      \
	}
#define WITH(type, params)                                                                         \
	{                                                                                          \
		type, &params, sizeof(params)                                                      \
	}

static void refuses_wrong_mechanisms(void **state)
{
	static CK_RSA_PKCS_PSS_PARAMS good_pss = {CKM_SHA256, CKG_MGF1_SHA256, 32};
	static CK_RSA_PKCS_PSS_PARAMS no_hash = {CKM_MD5, CKG_MGF1_SHA256, 32};
	static CK_RSA_PKCS_PSS_PARAMS no_mgf = {CKM_SHA256, 0, 32};
	/* A digest, but not one of RSA's. */
	static CK_RSA_PKCS_PSS_PARAMS streebog_pss = {CKM_GOSTR3411_12_256, 0, 32};
	static CK_RSA_PKCS_OAEP_PARAMS streebog_oaep = {
		CKM_GOSTR3411_12_256, 0, CKZ_DATA_SPECIFIED, NULL, 0};
	static CK_RSA_PKCS_PSS_PARAMS long_salt = {CKM_SHA256, CKG_MGF1_SHA256, 223};
	static CK_RSA_PKCS_PSS_PARAMS endless_salt = {CKM_SHA256, CKG_MGF1_SHA256, ~0UL};
	static CK_RSA_PKCS_OAEP_PARAMS good_oaep = {
		CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL, 0};
	static CK_RSA_PKCS_OAEP_PARAMS no_label = {
		CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL, 5};
	static CK_RSA_PKCS_OAEP_PARAMS no_oaep_hash = {
		CKM_MD5, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL, 0};
	static CK_EDDSA_PARAMS pure = {CK_FALSE, 0, NULL}, hashed = {CK_TRUE, 0, NULL};
	static const struct {
		enum key_kind kind;
		enum operation_purpose purpose;
		CK_MECHANISM mechanism;
		CK_RV rv;
	} rows[] = {
		{KEY_P256, OPERATION_SIGN, PLAIN(CKM_RSA_PKCS), CKR_KEY_TYPE_INCONSISTENT},
		{KEY_RSA_2048, OPERATION_SIGN, PLAIN(CKM_ECDSA), CKR_KEY_TYPE_INCONSISTENT},
		{KEY_ED25519, OPERATION_SIGN, PLAIN(CKM_ECDSA), CKR_KEY_TYPE_INCONSISTENT},
		{KEY_P256, OPERATION_SIGN, PLAIN(CKM_EDDSA), CKR_KEY_TYPE_INCONSISTENT},
		{KEY_P256, OPERATION_DECRYPT, PLAIN(CKM_ECDSA), CKR_MECHANISM_INVALID},
		{KEY_P256, OPERATION_SIGN, PLAIN(CKM_ECDSA_SHA256), CKR_MECHANISM_INVALID},
		{KEY_RSA_2048, OPERATION_SIGN, WITH(CKM_RSA_PKCS_OAEP, good_oaep),
			CKR_MECHANISM_INVALID},
		{KEY_RSA_2048, OPERATION_DECRYPT, WITH(CKM_RSA_PKCS_PSS, good_pss),
			CKR_MECHANISM_INVALID},
		{KEY_RSA_2048, OPERATION_SIGN, {CKM_RSA_PKCS, &good_pss, 8},
			CKR_MECHANISM_PARAM_INVALID},
		{KEY_RSA_2048, OPERATION_DECRYPT, {CKM_RSA_PKCS, &good_pss, 8},
			CKR_MECHANISM_PARAM_INVALID},
		{KEY_P256, OPERATION_SIGN, {CKM_ECDSA, &good_pss, 8}, CKR_MECHANISM_PARAM_INVALID},
		{KEY_RSA_2048, OPERATION_SIGN, WITH(CKM_RSA_PKCS_PSS, good_pss), CKR_OK},
		{KEY_RSA_2048, OPERATION_SIGN, PLAIN(CKM_RSA_PKCS_PSS),
			CKR_MECHANISM_PARAM_INVALID},
		{KEY_RSA_2048, OPERATION_SIGN, {CKM_RSA_PKCS_PSS, NULL, sizeof(good_pss)},
			CKR_MECHANISM_PARAM_INVALID},
		{KEY_RSA_2048, OPERATION_SIGN, {CKM_RSA_PKCS_PSS, &good_pss, 8},
			CKR_MECHANISM_PARAM_INVALID},
		{KEY_RSA_2048, OPERATION_SIGN, WITH(CKM_RSA_PKCS_PSS, no_hash),
			CKR_MECHANISM_PARAM_INVALID},
		{KEY_RSA_2048, OPERATION_SIGN, WITH(CKM_RSA_PKCS_PSS, streebog_pss),
			CKR_MECHANISM_PARAM_INVALID},
		{KEY_RSA_2048, OPERATION_DECRYPT, WITH(CKM_RSA_PKCS_OAEP, streebog_oaep),
			CKR_MECHANISM_PARAM_INVALID},
		{KEY_RSA_2048, OPERATION_SIGN, WITH(CKM_RSA_PKCS_PSS, no_mgf),
			CKR_MECHANISM_PARAM_INVALID},
		{KEY_RSA_2048, OPERATION_SIGN, WITH(CKM_RSA_PKCS_PSS, long_salt),
			CKR_MECHANISM_PARAM_INVALID},
		{KEY_RSA_2048, OPERATION_VERIFY, WITH(CKM_RSA_PKCS_PSS, endless_salt),
			CKR_MECHANISM_PARAM_INVALID},
		{KEY_RSA_2048, OPERATION_DECRYPT, WITH(CKM_RSA_PKCS_OAEP, good_oaep), CKR_OK},
		{KEY_RSA_2048, OPERATION_DECRYPT, PLAIN(CKM_RSA_PKCS_OAEP),
			CKR_MECHANISM_PARAM_INVALID},
		{KEY_RSA_2048, OPERATION_DECRYPT, WITH(CKM_RSA_PKCS_OAEP, no_label),
			CKR_MECHANISM_PARAM_INVALID},
		{KEY_RSA_2048, OPERATION_DECRYPT, WITH(CKM_RSA_PKCS_OAEP, no_oaep_hash),
			CKR_MECHANISM_PARAM_INVALID},
		{KEY_ED25519, OPERATION_SIGN, WITH(CKM_EDDSA, pure), CKR_OK},
		{KEY_ED25519, OPERATION_SIGN, WITH(CKM_EDDSA, hashed), CKR_MECHANISM_PARAM_INVALID},
		{KEY_ED25519, OPERATION_SIGN, {CKM_EDDSA, &pure, 3}, CKR_MECHANISM_PARAM_INVALID},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct operation *operation = NULL;
		CK_RV rv = key_prepare(
			keys[rows[i].kind], rows[i].purpose, &rows[i].mechanism, &operation);

		if (rv != rows[i].rv || (rv != CKR_OK && operation != NULL))
			fail_msg("row %zu: 0x%lx, not 0x%lx", i, rv, rows[i].rv);
		operation_free(operation);
	}
}

static void inputs_have_their_lengths(void **state)
{
	struct operation *rsa = prepare(keys[KEY_RSA_2048], OPERATION_SIGN, CKM_RSA_PKCS, NULL, 0);
	struct operation *verify =
		prepare(keys[KEY_RSA_2048], OPERATION_VERIFY, CKM_RSA_PKCS, NULL, 0);
	uint8_t in[300], out[512];
	size_t length = sizeof(out);

	(void)state;
	fill(in, sizeof(in), 1);
	assert_int_equal(rsa->class->run(rsa, in, 246, out, &length), CKR_DATA_LEN_RANGE);
	assert_int_equal(rsa->class->run(rsa, in, 245, out, &length), CKR_OK);
	assert_int_equal(verify->class->verify(verify, in, 245, out, 256), CKR_OK);
	assert_int_equal(verify->class->verify(verify, in, 246, out, 256), CKR_DATA_LEN_RANGE);
	assert_int_equal(verify->class->verify(verify, in, 244, out, 256), CKR_SIGNATURE_INVALID);
	assert_int_equal(verify->class->verify(verify, in, 245, out, 257), CKR_SIGNATURE_LEN_RANGE);
	operation_free(rsa);
	operation_free(verify);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rsa_pkcs1_is_everybodys),
		cmocka_unit_test(rsa_pss_is_everybodys),
		cmocka_unit_test(rsa_raw_is_the_primitive),
		cmocka_unit_test(rsa_oaep_is_everybodys),
		cmocka_unit_test(ecdsa_is_everybodys),
		cmocka_unit_test(ed25519_signs_what_the_rfc_signs),
		cmocka_unit_test(refuses_wrong_mechanisms),
		cmocka_unit_test(inputs_have_their_lengths),
	};

	return cmocka_run_group_tests_name("key_operation", tests, set_up, tear_down);
}
