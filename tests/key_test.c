#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "tests/key_maker.h"

static struct log *silence;
static struct crypto *crypto;
static struct key *keys[KEY_KINDS];

static int set_up(void **state)
{
	(void)state;
	silence = log_new("error:/dev/null", "key_test", LOG_LEVEL_ERROR);
	crypto_settle();
	if (crypto_new(silence, &crypto) != CKR_OK)
		return -1;
	for (int kind = 0; kind < KEY_KINDS; kind++) {
		if (key_make(crypto, (enum key_kind)kind, &keys[kind]) != CKR_OK)
			return -1;
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (int kind = 0; kind < KEY_KINDS; kind++)
		key_unref(keys[kind]);
	crypto_free(crypto);
	log_free(silence);
	return 0;
}

/* The object of a part of a key, with one attribute changed; `change` NULL leaves it as it is. */
static struct attributes *part_of(enum key_kind kind, bool private_part, const CK_ATTRIBUTE *change)
{
	struct attributes *object = NULL, *changed = NULL;

	assert_int_equal(key_object(keys[kind], private_part, &object), CKR_OK);
	assert_int_equal(attributes_new(object, change, change != NULL ? 1 : 0, &changed), CKR_OK);
	attributes_free(object);
	return changed;
}

/* What decoding such an object answers. */
static CK_RV decode_changed(enum key_kind kind, bool private_part, CK_ATTRIBUTE_TYPE type,
	const void *value, size_t length)
{
	CK_ATTRIBUTE change = {type, (void *)(uintptr_t)value, length};
	struct attributes *object = part_of(kind, private_part, &change);
	struct key *key = NULL;
	CK_RV rv = key_decode(crypto, object, &key);

	if (rv != CKR_OK)
		assert_null(key);
	key_unref(key);
	attributes_free(object);
	return rv;
}

static void survives_encoding_and_decoding(void **state)
{
	(void)state;
	for (int kind = 0; kind < KEY_KINDS; kind++) {
		const struct key_recipe *recipe = &key_recipes[kind];
		struct key *decoded[2] = {NULL, NULL};

		assert_int_equal(key_type(keys[kind]), recipe->type);
		assert_int_equal(key_bits(keys[kind]), recipe->bits);
		for (int part = 0; part < 2; part++) {
			struct attributes *object = part_of((enum key_kind)kind, part == 1, NULL);
			struct attributes *again = NULL;

			assert_int_equal(attributes_ulong(object, CKA_KEY_TYPE, 99), recipe->type);
			assert_int_equal(key_decode(crypto, object, &decoded[part]), CKR_OK);
			assert_int_equal(key_type(decoded[part]), recipe->type);
			assert_int_equal(key_bits(decoded[part]), recipe->bits);
			assert_int_equal(key_object(decoded[part], part == 1, &again), CKR_OK);
			assert_int_equal(again->count, object->count);
			assert_true(attributes_match(again, object->list, object->count));
			attributes_free(object);
			attributes_free(again);
		}
		assert_int_equal(key_sign_and_verify(decoded[1], decoded[0], recipe->raw), CKR_OK);
		/* A public key gives no private part away, and does nothing private. */
		{
			struct attributes *none = NULL;

			assert_int_not_equal(key_encode(decoded[0], true, &none), CKR_OK);
			assert_null(none);
			assert_int_equal(key_sign_and_verify(decoded[0], decoded[0], recipe->raw),
				CKR_KEY_FUNCTION_NOT_PERMITTED);
		}
		key_unref(decoded[0]);
		key_unref(decoded[1]);
	}
	key_unref(NULL);
}

static void shapes_are_cryptokis(void **state)
{
	struct attributes *object = part_of(KEY_P256, false, NULL);
	const CK_ATTRIBUTE *point = attributes_find(object, CKA_EC_POINT);
	struct attributes *rsa;

	(void)state;
	assert_int_equal(point->ulValueLen, 67);
	assert_memory_equal(point->pValue, "\x04\x41\x04", 3);
	/* A bare point is taken, too. */
	assert_int_equal(decode_changed(KEY_P256, false, CKA_EC_POINT,
				 (const uint8_t *)point->pValue + 2, 65),
		CKR_OK);
	attributes_free(object);
	object = part_of(KEY_P521, false, NULL);
	point = attributes_find(object, CKA_EC_POINT);
	assert_int_equal(point->ulValueLen, 136);
	assert_memory_equal(point->pValue, "\x04\x81\x85\x04", 4);
	attributes_free(object);
	object = part_of(KEY_ED25519, false, NULL);
	point = attributes_find(object, CKA_EC_POINT);
	assert_int_equal(point->ulValueLen, 34);
	assert_int_equal(decode_changed(KEY_ED25519, false, CKA_EC_POINT,
				 (const uint8_t *)point->pValue + 2, 32),
		CKR_OK);
	attributes_free(object);
	/* edwards25519 by its name. */
	assert_int_equal(decode_changed(KEY_ED25519, true, CKA_EC_PARAMS,
				 "\x13\x0c"
				 "edwards25519",
				 14),
		CKR_OK);
	rsa = part_of(KEY_RSA_2048, true, NULL);
	assert_int_equal(attributes_find(rsa, CKA_MODULUS)->ulValueLen, 256);
	assert_memory_equal(attributes_find(rsa, CKA_PUBLIC_EXPONENT)->pValue, "\x01\x00\x01", 3);
	assert_int_equal(attributes_find(rsa, CKA_PUBLIC_EXPONENT)->ulValueLen, 3);
	assert_non_null(attributes_find(rsa, CKA_COEFFICIENT));
	attributes_free(rsa);
}

/* The private part of one key with the public part of another is no key. */
static void parts_must_belong_together(void **state)
{
	static const CK_ATTRIBUTE_TYPE numbers[] = {CKA_MODULUS, CKA_PRIVATE_EXPONENT, CKA_PRIME_1,
		CKA_PRIME_2, CKA_EXPONENT_1, CKA_EXPONENT_2, CKA_COEFFICIENT};
	struct key *others[KEY_KINDS] = {NULL};
	struct attributes *other;
	const CK_ATTRIBUTE *theirs;

	(void)state;
	for (int kind = 0; kind < KEY_KINDS; kind++)
		assert_int_equal(key_make(crypto, (enum key_kind)kind, &others[kind]), CKR_OK);
	assert_int_equal(key_object(others[KEY_RSA_2048], true, &other), CKR_OK);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		theirs = attributes_find(other, numbers[i]);
		assert_int_equal(decode_changed(KEY_RSA_2048, true, numbers[i], theirs->pValue,
					 theirs->ulValueLen),
			CKR_TEMPLATE_INCONSISTENT);
	}
	attributes_free(other);
	assert_int_equal(decode_changed(KEY_RSA_2048, true, CKA_PUBLIC_EXPONENT, "\x01\x00\x03", 3),
		CKR_TEMPLATE_INCONSISTENT);
	for (int kind = KEY_P256; kind < KEY_KINDS; kind++) {
		assert_int_equal(key_object(others[kind], false, &other), CKR_OK);
		theirs = attributes_find(other, CKA_EC_POINT);
		assert_int_equal(decode_changed((enum key_kind)kind, true, CKA_EC_POINT,
					 theirs->pValue, theirs->ulValueLen),
			CKR_TEMPLATE_INCONSISTENT);
		attributes_free(other);
		/* Its own point is right. */
		assert_int_equal(key_object(keys[kind], false, &other), CKR_OK);
		theirs = attributes_find(other, CKA_EC_POINT);
		assert_int_equal(decode_changed((enum key_kind)kind, true, CKA_EC_POINT,
					 theirs->pValue, theirs->ulValueLen),
			CKR_OK);
		attributes_free(other);
		key_unref(others[kind]);
	}
	key_unref(others[KEY_RSA_2048]);
}

/* The CRT numbers may be missing, all or some; the primes only both. */
static void rsa_numbers_may_be_missing(void **state)
{
	static const CK_ATTRIBUTE_TYPE crt[] = {
		CKA_EXPONENT_1, CKA_EXPONENT_2, CKA_COEFFICIENT, CKA_PRIME_1, CKA_PRIME_2};
	struct attributes *object = part_of(KEY_RSA_2048, true, NULL), *less = NULL;
	CK_ATTRIBUTE empty[5];
	struct key *key = NULL;

	(void)state;
	for (CK_ULONG i = 0; i < 5; i++)
		empty[i] = (CK_ATTRIBUTE){crt[i], NULL, 0};
	assert_int_equal(attributes_new(object, empty, 3, &less), CKR_OK);
	assert_int_equal(key_decode(crypto, less, &key), CKR_OK);
	assert_int_equal(key_sign_and_verify(key, keys[KEY_RSA_2048], CKM_RSA_PKCS), CKR_OK);
	attributes_free(less);
	key_unref(key);
	assert_int_equal(attributes_new(object, empty, 5, &less), CKR_OK);
	assert_int_equal(key_decode(crypto, less, &key), CKR_OK);
	assert_int_equal(key_sign_and_verify(key, keys[KEY_RSA_2048], CKM_RSA_PKCS), CKR_OK);
	attributes_free(less);
	key_unref(key);
	assert_int_equal(attributes_new(object, empty, 4, &less), CKR_OK);
	key = NULL;
	assert_int_not_equal(key_decode(crypto, less, &key), CKR_OK);
	assert_null(key);
	attributes_free(less);
	/* With the primes gone, a wrong private exponent is still found. */
	empty[0] = (CK_ATTRIBUTE){CKA_PRIVATE_EXPONENT, (void *)(uintptr_t) "\x01\x23\x45", 3};
	for (CK_ULONG i = 1; i < 5; i++)
		empty[i] = (CK_ATTRIBUTE){crt[i], NULL, 0};
	assert_int_equal(attributes_new(object, empty, 5, &less), CKR_OK);
	attributes_free(object);
	object = less;
	empty[0] = (CK_ATTRIBUTE){crt[0], NULL, 0};
	assert_int_equal(attributes_new(object, empty, 5, &less), CKR_OK);
	assert_int_equal(key_decode(crypto, less, &key), CKR_TEMPLATE_INCONSISTENT);
	attributes_free(less);
	attributes_free(object);
}

static void refuses_what_is_no_key(void **state)
{
	static const CK_OBJECT_CLASS data = CKO_DATA;
	static const CK_KEY_TYPE dsa = CKK_DSA;
	uint8_t bytes[600], off[67];
	struct attributes *object = part_of(KEY_P256, false, NULL);
	struct {
		enum key_kind kind;
		bool private_part;
		CK_ATTRIBUTE_TYPE type;
		const void *value;
		size_t length;
		CK_RV rv;
	} rows[] = {
		{KEY_P256, true, CKA_CLASS, &data, sizeof(data), CKR_TEMPLATE_INCOMPLETE},
		{KEY_P256, true, CKA_KEY_TYPE, &dsa, sizeof(dsa), CKR_ATTRIBUTE_VALUE_INVALID},
		{KEY_P256, true, CKA_KEY_TYPE, &dsa, 1, CKR_ATTRIBUTE_VALUE_INVALID},
		{KEY_P256, true, CKA_EC_PARAMS, "\x06\x05\x2b\x81\x04\x00\x0a", 7,
			CKR_CURVE_NOT_SUPPORTED},
		{KEY_P256, true, CKA_EC_PARAMS, "", 0, CKR_CURVE_NOT_SUPPORTED},
		{KEY_P256, true, CKA_VALUE, "", 0, CKR_TEMPLATE_INCOMPLETE},
		{KEY_P256, true, CKA_VALUE, "\0\0\0", 3, CKR_ATTRIBUTE_VALUE_INVALID},
		{KEY_P256, true, CKA_VALUE, bytes, 32, CKR_ATTRIBUTE_VALUE_INVALID},
		{KEY_P256, true, CKA_VALUE, bytes, 600, CKR_ATTRIBUTE_VALUE_INVALID},
		{KEY_P256, true, CKA_VALUE, "\x01", 1, CKR_OK},
		{KEY_P256, false, CKA_EC_POINT, off, sizeof(off), CKR_ATTRIBUTE_VALUE_INVALID},
		{KEY_P256, false, CKA_EC_POINT, off, 66, CKR_ATTRIBUTE_VALUE_INVALID},
		{KEY_P256, false, CKA_EC_POINT, "\0", 1, CKR_ATTRIBUTE_VALUE_INVALID},
		{KEY_P256, false, CKA_EC_POINT, "", 0, CKR_TEMPLATE_INCOMPLETE},
		{KEY_P384, false, CKA_EC_POINT, off, sizeof(off), CKR_ATTRIBUTE_VALUE_INVALID},
		{KEY_ED25519, true, CKA_VALUE, bytes, 31, CKR_ATTRIBUTE_VALUE_INVALID},
		{KEY_ED25519, true, CKA_VALUE, bytes, 33, CKR_ATTRIBUTE_VALUE_INVALID},
		{KEY_ED25519, true, CKA_VALUE, "", 0, CKR_TEMPLATE_INCOMPLETE},
		{KEY_ED25519, true, CKA_EC_PARAMS, "\x06\x03\x2b\x65\x71", 5,
			CKR_CURVE_NOT_SUPPORTED},
		{KEY_ED25519, false, CKA_EC_POINT, bytes, 33, CKR_ATTRIBUTE_VALUE_INVALID},
		{KEY_RSA_2048, false, CKA_MODULUS, bytes, 127, CKR_KEY_SIZE_RANGE},
		{KEY_RSA_2048, false, CKA_MODULUS, bytes, 128, CKR_OK},
		{KEY_RSA_2048, false, CKA_MODULUS, bytes, 256, CKR_OK},
		{KEY_RSA_2048, false, CKA_MODULUS, bytes, 513, CKR_KEY_SIZE_RANGE},
		{KEY_RSA_2048, false, CKA_MODULUS, bytes, 600, CKR_ATTRIBUTE_VALUE_INVALID},
		{KEY_RSA_2048, false, CKA_MODULUS, "", 0, CKR_TEMPLATE_INCOMPLETE},
		{KEY_RSA_2048, false, CKA_PUBLIC_EXPONENT, "\x01\x00\x00", 3,
			CKR_ATTRIBUTE_VALUE_INVALID},
		{KEY_RSA_2048, false, CKA_PUBLIC_EXPONENT, "\x01", 1, CKR_ATTRIBUTE_VALUE_INVALID},
		{KEY_RSA_2048, false, CKA_PUBLIC_EXPONENT, bytes, 9, CKR_ATTRIBUTE_VALUE_INVALID},
		{KEY_RSA_2048, true, CKA_PRIVATE_EXPONENT, "", 0, CKR_TEMPLATE_INCOMPLETE},
		{KEY_RSA_2048, true, CKA_PRIVATE_EXPONENT, "\0", 1, CKR_TEMPLATE_INCONSISTENT},
		{KEY_RSA_2048, true, CKA_PRIME_1, "\x01", 1, CKR_TEMPLATE_INCONSISTENT},
		{KEY_RSA_2048, true, CKA_PRIME_1, bytes, 512, CKR_TEMPLATE_INCONSISTENT},
	};

	(void)state;
	memset(bytes, 0xff, sizeof(bytes));
	memcpy(off, attributes_find(object, CKA_EC_POINT)->pValue, sizeof(off));
	off[66] ^= 1; /* not on the curve any more */
	attributes_free(object);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CK_RV rv = decode_changed(rows[i].kind, rows[i].private_part, rows[i].type,
			rows[i].value, rows[i].length);

		if (rv != rows[i].rv)
			fail_msg("row %zu: 0x%lx, not 0x%lx", i, rv, rows[i].rv);
	}
}

static CK_RV generate(CK_MECHANISM_TYPE mechanism, const CK_ATTRIBUTE *asked, CK_ULONG count)
{
	struct attributes *templ = NULL;
	struct key *key = NULL;
	CK_RV rv;

	assert_int_equal(attributes_new(NULL, asked, count, &templ), CKR_OK);
	rv = key_generate(crypto, mechanism, templ, &key);
	attributes_free(templ);
	if (rv != CKR_OK)
		assert_null(key);
	key_unref(key);
	return rv;
}

static void generates_what_is_asked(void **state)
{
	static CK_ULONG bits[] = {512, 1023, 2048, 4097, 8192};
	static uint8_t large[17];
	CK_ATTRIBUTE rsa[2] = {{CKA_MODULUS_BITS, &bits[2], sizeof(bits[2])},
		{CKA_PUBLIC_EXPONENT, (void *)(uintptr_t) "\x01\x00\x01", 3}};
	CK_ATTRIBUTE curve = {CKA_EC_PARAMS, (void *)(uintptr_t) "\x06\x05\x2b\x81\x04\x00\x0a", 7};

	(void)state;
	assert_int_equal(generate(CKM_RSA_PKCS_KEY_PAIR_GEN, rsa, 2), CKR_OK);
	/* PKCS11's own examples give the exponent in four bytes. */
	rsa[1] = (CK_ATTRIBUTE){CKA_PUBLIC_EXPONENT, (void *)(uintptr_t) "\0\x01\x00\x01", 4};
	assert_int_equal(generate(CKM_RSA_PKCS_KEY_PAIR_GEN, rsa, 2), CKR_OK);
	rsa[1] = (CK_ATTRIBUTE){CKA_PUBLIC_EXPONENT, (void *)(uintptr_t) "\x03", 1};
	assert_int_equal(generate(CKM_RSA_PKCS_KEY_PAIR_GEN, rsa, 2), CKR_OK);
	rsa[1] = (CK_ATTRIBUTE){CKA_PUBLIC_EXPONENT, (void *)(uintptr_t) "\x01", 1};
	assert_int_equal(generate(CKM_RSA_PKCS_KEY_PAIR_GEN, rsa, 2), CKR_ATTRIBUTE_VALUE_INVALID);
	rsa[1] = (CK_ATTRIBUTE){CKA_PUBLIC_EXPONENT, (void *)(uintptr_t) "\x01\x00\x02", 3};
	assert_int_equal(generate(CKM_RSA_PKCS_KEY_PAIR_GEN, rsa, 2), CKR_ATTRIBUTE_VALUE_INVALID);
	memset(large, 1, sizeof(large));
	rsa[1] = (CK_ATTRIBUTE){CKA_PUBLIC_EXPONENT, large, sizeof(large)};
	assert_int_equal(generate(CKM_RSA_PKCS_KEY_PAIR_GEN, rsa, 2), CKR_ATTRIBUTE_VALUE_INVALID);
	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
		rsa[0].pValue = &bits[i];
		if (bits[i] != 2048)
			assert_int_equal(
				generate(CKM_RSA_PKCS_KEY_PAIR_GEN, rsa, 1), CKR_KEY_SIZE_RANGE);
	}
	assert_int_equal(generate(CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0), CKR_TEMPLATE_INCOMPLETE);
	assert_int_equal(generate(CKM_EC_KEY_PAIR_GEN, NULL, 0), CKR_TEMPLATE_INCOMPLETE);
	assert_int_equal(generate(CKM_EC_KEY_PAIR_GEN, &curve, 1), CKR_CURVE_NOT_SUPPORTED);
	assert_int_equal(generate(CKM_EC_EDWARDS_KEY_PAIR_GEN, &curve, 1), CKR_CURVE_NOT_SUPPORTED);
	assert_int_equal(generate(CKM_DSA_KEY_PAIR_GEN, &curve, 1), CKR_MECHANISM_INVALID);
}

/* SubjectPublicKeyInfo is what OpenSSL's own decoder reads, with the same key in it. */
static void public_info_is_everybodys(void **state)
{
	(void)state;
	for (int kind = 0; kind < KEY_KINDS; kind++) {
		struct attributes *object = part_of((enum key_kind)kind, false, NULL);
		const CK_ATTRIBUTE *point = attributes_find(object, CKA_EC_POINT);
		const CK_ATTRIBUTE *modulus = attributes_find(object, CKA_MODULUS);
		const uint8_t *p;
		uint8_t *der = NULL, *again = NULL, bytes[600];
		size_t length = 0, size = 0;
		EVP_PKEY *pkey;
		BIGNUM *n = NULL;

		assert_int_equal(key_public_info(keys[kind], &der, &length), CKR_OK);
		p = der;
		pkey = d2i_PUBKEY(NULL, &p, (long)length);
		assert_non_null(pkey);
		assert_ptr_equal(p, der + length);
		assert_int_equal(i2d_PUBKEY(pkey, &again), length);
		assert_memory_equal(again, der, length);
		if (modulus != NULL) {
			assert_int_equal(EVP_PKEY_get_bn_param(pkey, "n", &n), 1);
			assert_int_equal(BN_bn2bin(n, bytes), modulus->ulValueLen);
			assert_memory_equal(bytes, modulus->pValue, modulus->ulValueLen);
			BN_free(n);
		} else {
			assert_int_equal(EVP_PKEY_get_octet_string_param(
						 pkey, "pub", bytes, sizeof(bytes), &size),
				1);
			assert_memory_equal(
				(const uint8_t *)point->pValue + point->ulValueLen - size, bytes,
				size);
		}
		OPENSSL_free(again);
		EVP_PKEY_free(pkey);
		free(der);
		attributes_free(object);
	}
}

static void derives_the_same_on_both_sides(void **state)
{
	(void)state;
	for (int kind = KEY_P256; kind <= KEY_P521; kind++) {
		struct key *other = NULL;
		struct attributes *mine = part_of((enum key_kind)kind, false, NULL), *theirs = NULL;
		const CK_ATTRIBUTE *my_point = attributes_find(mine, CKA_EC_POINT), *their_point;
		uint8_t *a = NULL, *b = NULL, off[200];
		size_t a_length = 0, b_length = 0, head = kind == KEY_P521 ? 3 : 2;

		assert_int_equal(key_make(crypto, (enum key_kind)kind, &other), CKR_OK);
		assert_int_equal(key_object(other, false, &theirs), CKR_OK);
		their_point = attributes_find(theirs, CKA_EC_POINT);
		assert_int_equal(key_derive(keys[kind], their_point->pValue,
					 their_point->ulValueLen, &a, &a_length),
			CKR_OK);
		assert_int_equal(a_length, (key_recipes[kind].bits + 7) / 8);
		/* The other side gives the bare point. */
		assert_int_equal(key_derive(other, (const uint8_t *)my_point->pValue + head,
					 my_point->ulValueLen - head, &b, &b_length),
			CKR_OK);
		assert_int_equal(b_length, a_length);
		assert_memory_equal(a, b, a_length);
		free(a);
		free(b);
		a = NULL;
		memcpy(off, their_point->pValue, their_point->ulValueLen);
		off[their_point->ulValueLen - 1] ^= 1;
		assert_int_equal(
			key_derive(keys[kind], off, their_point->ulValueLen, &a, &a_length),
			CKR_MECHANISM_PARAM_INVALID);
		assert_int_equal(
			key_derive(keys[kind], off, 5, &a, &a_length), CKR_MECHANISM_PARAM_INVALID);
		assert_null(a);
		attributes_free(mine);
		attributes_free(theirs);
		key_unref(other);
	}
}

/* NIST's CAVP, ECC CDH primitive, P-256, count 0. */
static void derives_what_nist_derives(void **state)
{
	static const uint8_t number[] = {0x7d, 0x7d, 0xc5, 0xf7, 0x1e, 0xb2, 0x9d, 0xda, 0xf8, 0x0d,
		0x62, 0x14, 0x63, 0x2e, 0xea, 0xe0, 0x3d, 0x90, 0x58, 0xaf, 0x1f, 0xb6, 0xd2, 0x2e,
		0xd8, 0x0b, 0xad, 0xb6, 0x2b, 0xc1, 0xa5, 0x34};
	static const uint8_t peer[] = {0x04, 0x70, 0x0c, 0x48, 0xf7, 0x7f, 0x56, 0x58, 0x4c, 0x5c,
		0xc6, 0x32, 0xca, 0x65, 0x64, 0x0d, 0xb9, 0x1b, 0x6b, 0xac, 0xce, 0x3a, 0x4d, 0xf6,
		0xb4, 0x2c, 0xe7, 0xcc, 0x83, 0x88, 0x33, 0xd2, 0x87, 0xdb, 0x71, 0xe5, 0x09, 0xe3,
		0xfd, 0x9b, 0x06, 0x0d, 0xdb, 0x20, 0xba, 0x5c, 0x51, 0xdc, 0xc5, 0x94, 0x8d, 0x46,
		0xfb, 0xf6, 0x40, 0xdf, 0xe0, 0x44, 0x17, 0x82, 0xca, 0xb8, 0x5f, 0xa4, 0xac};
	static const uint8_t expected[] = {0x46, 0xfc, 0x62, 0x10, 0x64, 0x20, 0xff, 0x01, 0x2e,
		0x54, 0xa4, 0x34, 0xfb, 0xdd, 0x2d, 0x25, 0xcc, 0xc5, 0x85, 0x20, 0x60, 0x56, 0x1e,
		0x68, 0x04, 0x0d, 0xd7, 0x77, 0x89, 0x97, 0xbd, 0x7b};
	CK_ATTRIBUTE value = {CKA_VALUE, (void *)(uintptr_t)number, sizeof(number)};
	struct attributes *object = part_of(KEY_P256, true, &value);
	struct key *key = NULL;
	uint8_t *secret = NULL;
	size_t length = 0;

	(void)state;
	assert_int_equal(key_decode(crypto, object, &key), CKR_OK);
	assert_int_equal(key_derive(key, peer, sizeof(peer), &secret, &length), CKR_OK);
	assert_int_equal(length, sizeof(expected));
	assert_memory_equal(secret, expected, sizeof(expected));
	free(secret);
	key_unref(key);
	attributes_free(object);
}

static void others_do_not_derive(void **state)
{
	uint8_t *secret = NULL;
	size_t length = 0;
	struct attributes *object = part_of(KEY_P256, false, NULL);
	const CK_ATTRIBUTE *point = attributes_find(object, CKA_EC_POINT);
	struct key *public_key = NULL;

	(void)state;
	assert_int_equal(key_decode(crypto, object, &public_key), CKR_OK);
	assert_int_equal(key_derive(public_key, point->pValue, point->ulValueLen, &secret, &length),
		CKR_KEY_FUNCTION_NOT_PERMITTED);
	assert_int_equal(
		key_derive(keys[KEY_RSA_2048], point->pValue, point->ulValueLen, &secret, &length),
		CKR_KEY_TYPE_INCONSISTENT);
	assert_int_equal(
		key_derive(keys[KEY_ED25519], point->pValue, point->ulValueLen, &secret, &length),
		CKR_KEY_TYPE_INCONSISTENT);
	assert_null(secret);
	key_unref(public_key);
	attributes_free(object);
}

static void *sign_many(void *context)
{
	CK_RV rv = CKR_OK;

	for (int i = 0; i < 20 && rv == CKR_OK; i++) {
		for (int kind = 0; kind < KEY_KINDS && rv == CKR_OK; kind++) {
			struct key *key = key_ref(keys[kind]);

			rv = key_sign_and_verify(key, key, key_recipes[kind].raw);
			key_unref(key);
		}
	}
	*(CK_RV *)context = rv;
	return NULL;
}

static void threads_share_keys(void **state)
{
	pthread_t threads[4];
	CK_RV results[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, sign_many, &results[i]), 0);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(results[i], CKR_OK);
	}
}

/* A key may go while an operation still uses it. */
static void an_operation_keeps_its_key(void **state)
{
	CK_MECHANISM raw = {CKM_ECDSA, NULL, 0};
	struct operation *sign = NULL;
	struct key *key = NULL;
	uint8_t signature[64] = {0};
	size_t length = sizeof(signature);

	(void)state;
	assert_int_equal(key_make(crypto, KEY_P256, &key), CKR_OK);
	assert_int_equal(key_prepare(key, OPERATION_SIGN, &raw, &sign), CKR_OK);
	key_unref(key);
	assert_int_equal(sign->class->run(sign, signature, 32, signature, &length), CKR_OK);
	operation_free(sign);
	operation_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(survives_encoding_and_decoding),
		cmocka_unit_test(shapes_are_cryptokis),
		cmocka_unit_test(parts_must_belong_together),
		cmocka_unit_test(rsa_numbers_may_be_missing),
		cmocka_unit_test(refuses_what_is_no_key),
		cmocka_unit_test(generates_what_is_asked),
		cmocka_unit_test(public_info_is_everybodys),
		cmocka_unit_test(derives_the_same_on_both_sides),
		cmocka_unit_test(derives_what_nist_derives),
		cmocka_unit_test(others_do_not_derive),
		cmocka_unit_test(threads_share_keys),
		cmocka_unit_test(an_operation_keeps_its_key),
	};

	return cmocka_run_group_tests_name("key", tests, set_up, tear_down);
}
