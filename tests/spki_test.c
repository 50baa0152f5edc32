#include "tests/asn1_support.h"

#include <openssl/core_names.h>

#include "asn1/oid.h"
#include "asn1/spki.h"

static const struct {
	enum signature_algorithm algorithm;
	enum spki_type type;
	unsigned bits;
	const char *curve;
} keys[] = {
	{SIGNATURE_RSA_SHA256, SPKI_RSA, 2048, NULL},
	{SIGNATURE_ECDSA_SHA256, SPKI_EC, 256, "1.2.840.10045.3.1.7"},
	{SIGNATURE_ECDSA_SHA384, SPKI_EC, 384, "1.3.132.0.34"},
	{SIGNATURE_ECDSA_SHA512, SPKI_EC, 521, "1.3.132.0.35"},
	{SIGNATURE_ED25519, SPKI_ED25519, 256, NULL},
};

#define KEYS (sizeof(keys) / sizeof(keys[0]))

static size_t number(EVP_PKEY *key, const char *name, uint8_t bytes[1024])
{
	BIGNUM *value = NULL;
	int length;

	assert_int_equal(EVP_PKEY_get_bn_param(key, name, &value), 1);
	length = BN_bn2bin(value, bytes);
	BN_free(value);
	return (size_t)length;
}

/* As PKCS #11 gives it: `wrapped` in an OCTET STRING, or bare. */
static size_t ec_point(EVP_PKEY *key, bool wrapped, uint8_t bytes[1024])
{
	uint8_t point[256];
	size_t length, header = 0;

	assert_int_equal(EVP_PKEY_get_octet_string_param(
				 key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &length),
		1);
	if (wrapped) {
		bytes[header++] = 0x04;
		if (length > 127)
			bytes[header++] = 0x81;
		bytes[header++] = (uint8_t)length;
	}
	memcpy(bytes + header, point, length);
	return header + length;
}

static void encode(const struct test_key *key, size_t row, bool wrapped, struct buffer *der)
{
	struct buffer parameters = BUFFER_INIT(64);
	uint8_t first[1024], second[1024];
	size_t first_length, second_length;
	struct error err;

	buffer_reset(der);
	switch (keys[row].type) {
	case SPKI_RSA:
		first_length = number(key->key, OSSL_PKEY_PARAM_RSA_N, first);
		second_length = number(key->key, OSSL_PKEY_PARAM_RSA_E, second);
		assert_done(spki_encode_rsa(first, first_length, second, second_length, der, &err),
			&err);
		break;
	case SPKI_EC:
		assert_done(oid_encode(keys[row].curve, &parameters, &err), &err);
		first_length = ec_point(key->key, wrapped, first);
		assert_done(spki_encode_ec(parameters.data, parameters.length, first, first_length,
				    der, &err),
			&err);
		break;
	case SPKI_ED25519:
		first_length = ec_point(key->key, wrapped, first);
		assert_done(spki_encode_ed25519(first, first_length, der, &err), &err);
		break;
	case SPKI_GOST:
		fail(); /* tests/gost_engine_test.c has these */
	}
	buffer_free(&parameters);
}

static void same_as_openssl(void **state)
{
	struct buffer der = BUFFER_INIT(BUFFER_MAX);
	size_t i, wrapped;

	(void)state;
	for (i = 0; i < KEYS; i++) {
		struct test_key key = test_key_new(keys[i].algorithm);

		for (wrapped = 0; wrapped < 2; wrapped++) {
			encode(&key, i, wrapped == 1, &der);
			assert_bytes(&der, key.spki, key.spki_length);
		}
		test_key_free(&key);
	}
	buffer_free(&der);
}

static void reads_openssl(void **state)
{
	uint8_t bytes[1024], identifier[20], expected[EVP_MAX_MD_SIZE];
	struct buffer parameters = BUFFER_INIT(64);
	struct spki spki = {0};
	struct error err;
	X509_PUBKEY *pubkey;
	const uint8_t *bits;
	int bits_length;
	size_t i, size;

	(void)state;
	for (i = 0; i < KEYS; i++) {
		struct test_key key = test_key_new(keys[i].algorithm);

		assert_done(spki_decode(key.spki, key.spki_length, &spki, &err), &err);
		assert_int_equal(spki.type, keys[i].type);
		assert_int_equal(spki.bits, keys[i].bits);
		assert_int_equal(spki_signature_algorithm(&spki), keys[i].algorithm);
		if (spki.type == SPKI_RSA) {
			assert_int_equal(
				spki.modulus_length, number(key.key, OSSL_PKEY_PARAM_RSA_N, bytes));
			assert_memory_equal(spki.modulus, bytes, spki.modulus_length);
			assert_int_equal(spki.exponent_length,
				number(key.key, OSSL_PKEY_PARAM_RSA_E, bytes));
			assert_memory_equal(spki.exponent, bytes, spki.exponent_length);
		} else {
			assert_int_equal(spki.point_length, ec_point(key.key, false, bytes));
			assert_memory_equal(spki.point, bytes, spki.point_length);
		}
		if (spki.type == SPKI_EC) {
			buffer_reset(&parameters);
			assert_done(oid_encode(keys[i].curve, &parameters, &err), &err);
			assert_int_equal(spki.parameters_length, parameters.length);
			assert_memory_equal(spki.parameters, parameters.data, parameters.length);
		}
		spki_clear(&spki);
		/* RFC 5280, 4.2.1.2 (1) */
		pubkey = NULL;
		assert_int_equal(X509_PUBKEY_set(&pubkey, key.key), 1);
		assert_int_equal(
			X509_PUBKEY_get0_param(NULL, &bits, &bits_length, NULL, pubkey), 1);
		assert_int_equal(EVP_Q_digest(NULL, "SHA1", NULL, bits, (size_t)bits_length,
					 expected, &size),
			1);
		assert_done(spki_key_identifier(key.spki, key.spki_length, identifier, &err), &err);
		assert_memory_equal(identifier, expected, 20);
		X509_PUBKEY_free(pubkey);
		test_key_free(&key);
	}
	buffer_free(&parameters);
}

/* Leading zeros of PKCS #11 big integers are not a part of the number. */
static void drops_leading_zeros(void **state)
{
	struct test_key key = test_key_new(SIGNATURE_RSA_SHA256);
	uint8_t modulus[1024] = {0}, exponent[1024] = {0};
	struct buffer der = BUFFER_INIT(BUFFER_MAX);
	size_t modulus_length, exponent_length;
	struct error err;

	(void)state;
	modulus_length = number(key.key, OSSL_PKEY_PARAM_RSA_N, modulus + 0);
	memmove(modulus + 3, modulus, modulus_length);
	memset(modulus, 0, 3);
	exponent_length = number(key.key, OSSL_PKEY_PARAM_RSA_E, exponent);
	memmove(exponent + 1, exponent, exponent_length);
	exponent[0] = 0;
	assert_done(spki_encode_rsa(
			    modulus, modulus_length + 3, exponent, exponent_length + 1, &der, &err),
		&err);
	assert_bytes(&der, key.spki, key.spki_length);
	buffer_free(&der);
	test_key_free(&key);
}

static void compares(void **state)
{
	static const uint8_t unknown[] = {
		0x30, 0x0a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x71, 0x03, 0x01, 0x00};
	struct test_key one = test_key_new(SIGNATURE_ED25519),
			two = test_key_new(SIGNATURE_ED25519),
			ec = test_key_new(SIGNATURE_ECDSA_SHA256);

	(void)state;
	assert_true(spki_equal(one.spki, one.spki_length, one.spki, one.spki_length));
	assert_false(spki_equal(one.spki, one.spki_length, two.spki, two.spki_length));
	assert_false(spki_equal(one.spki, one.spki_length, ec.spki, ec.spki_length));
	assert_false(spki_equal(one.spki, one.spki_length, unknown, sizeof(unknown)));
	assert_false(spki_equal(unknown, sizeof(unknown), one.spki, one.spki_length));
	assert_true(spki_equal(unknown, sizeof(unknown), unknown, sizeof(unknown)));
	assert_false(spki_equal(unknown, 0, unknown, 0));
	test_key_free(&one);
	test_key_free(&two);
	test_key_free(&ec);
}

static void says_what_is_wrong(void **state)
{
	static const uint8_t secp256k1[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a};
	static const uint8_t p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
	static const uint8_t explicit[] = {0x30, 0x00};
	static const uint8_t ed448[] = {
		0x30, 0x0a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x71, 0x03, 0x01, 0x00};
	struct test_key ec = test_key_new(SIGNATURE_ECDSA_SHA256),
			rsa = test_key_new(SIGNATURE_RSA_SHA256),
			ed = test_key_new(SIGNATURE_ED25519);
	struct buffer der = BUFFER_INIT(BUFFER_MAX);
	uint8_t bytes[1024] = {0};
	struct spki spki = {0};
	struct error err;
	size_t length;

	(void)state;
	length = ec_point(ec.key, false, bytes);
	assert_refused(spki_encode_ec(secp256k1, sizeof(secp256k1), bytes, length, &der, &err),
		&err, "the curve 1.3.132.0.10 (secp256k1) is not supported");
	assert_refused(spki_encode_ec(explicit, sizeof(explicit), bytes, length, &der, &err), &err,
		"the curve is not named by its OID");
	assert_refused(spki_encode_ec(p256, sizeof(p256), bytes, length - 1, &der, &err), &err,
		"not a point of P-256, which is 04 and 64 bytes");
	bytes[0] = 2;
	assert_refused(spki_encode_ec(p256, sizeof(p256), bytes, 33, &der, &err), &err,
		"a compressed point");
	assert_refused(spki_encode_ed25519(bytes, 31, &der, &err), &err, "32 bytes, this one 31");
	assert_refused(
		spki_encode_rsa(bytes, 256, bytes, 0, &der, &err), &err, "modulus: not an odd");
	memset(bytes, 0xff, 256);
	assert_refused(
		spki_encode_rsa(bytes, 256, bytes + 300, 1, &der, &err), &err, "publicExponent: ");
	assert_refused(spki_encode_rsa(bytes, 64, bytes, 1, &der, &err), &err, "modulus: ");
	assert_int_equal(der.length, 0);
	assert_refused(spki_decode(ed448, sizeof(ed448), &spki, &err), &err,
		"keys of the type 1.3.101.113 (Ed448) are not supported");
	assert_refused(
		spki_decode(ed.spki, ed.spki_length - 1, &spki, &err), &err, "beyond the end");
	/* RSA's NULL: 05 00 to 04 00 */
	rsa.spki[test_find(rsa.spki, 30, "\x05\x00", 2)] = 0x04;
	assert_refused(spki_decode(rsa.spki, rsa.spki_length, &spki, &err), &err,
		"parameters: those of an RSA key must be NULL");
	ed.spki[3] = 0x03;
	assert_refused(spki_decode(ed.spki, ed.spki_length, &spki, &err), &err, "public key: ");
	assert_null(spki.memory);
	test_key_free(&ec);
	test_key_free(&rsa);
	test_key_free(&ed);
}

struct mutant {
	const struct test_key *key;
	struct buffer again;
};

/* A key that is taken is written again in the same bytes. */
static void try_mutant(const uint8_t *data, size_t length, void *context)
{
	struct mutant *mutant = context;
	struct spki spki = {0};
	struct error err;

	assert_false(spki_equal(data, length, mutant->key->spki, mutant->key->spki_length));
	if (!spki_decode(data, length, &spki, &err)) {
		assert_non_null(strstr(err.message, "public key: "));
		return;
	}
	buffer_reset(&mutant->again);
	if (spki.type == SPKI_RSA)
		assert_done(spki_encode_rsa(spki.modulus, spki.modulus_length, spki.exponent,
				    spki.exponent_length, &mutant->again, &err),
			&err);
	else if (spki.type == SPKI_EC)
		assert_done(spki_encode_ec(spki.parameters, spki.parameters_length, spki.point,
				    spki.point_length, &mutant->again, &err),
			&err);
	else
		assert_done(
			spki_encode_ed25519(spki.point, spki.point_length, &mutant->again, &err),
			&err);
	assert_bytes(&mutant->again, data, length);
	spki_clear(&spki);
}

static void mutants(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < KEYS; i++) {
		struct test_key key = test_key_new(keys[i].algorithm);
		struct mutant mutant = {.key = &key, .again = BUFFER_INIT(BUFFER_MAX)};
		struct buffer der = BUFFER_INIT(BUFFER_MAX);

		assert_true(buffer_append(&der, key.spki, key.spki_length));
		test_mutate(&der, 2000, try_mutant, &mutant);
		buffer_free(&der);
		buffer_free(&mutant.again);
		test_key_free(&key);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_as_openssl),
		cmocka_unit_test(reads_openssl),
		cmocka_unit_test(drops_leading_zeros),
		cmocka_unit_test(compares),
		cmocka_unit_test(says_what_is_wrong),
		cmocka_unit_test(mutants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
