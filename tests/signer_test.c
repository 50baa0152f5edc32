#include "tests/asn1_support.h"

#include <openssl/ecdsa.h>

#include "asn1/signer.h"

static const uint8_t data[] = "what is signed";

/* The token's form of what OpenSSL signed: r || s. */
static size_t to_pkcs11(const struct buffer *der, size_t half, uint8_t raw[132])
{
	const uint8_t *at = der->data;
	ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &at, (long)der->length);

	assert_non_null(signature);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(signature), raw, (int)half), half);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(signature), raw + half, (int)half), half);
	ECDSA_SIG_free(signature);
	return 2 * half;
}

static void ecdsa_as_openssl(void **state)
{
	static const struct {
		enum signature_algorithm algorithm;
		size_t half;
	} rows[] = {
		{SIGNATURE_ECDSA_SHA256, 32},
		{SIGNATURE_ECDSA_SHA384, 48},
		{SIGNATURE_ECDSA_SHA512, 66},
	};
	struct buffer theirs = BUFFER_INIT(1024), ours = BUFFER_INIT(1024);
	uint8_t raw[132];
	struct error err;
	size_t i, round;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct test_key key = test_key_new(rows[i].algorithm);

		/* Often enough that halves with high bits and with leading zeros come by. */
		for (round = 0; round < 100; round++) {
			buffer_reset(&theirs);
			buffer_reset(&ours);
			assert_true(test_key_sign(&key, data, sizeof(data), &theirs, &err));
			assert_done(signature_from_pkcs11(rows[i].algorithm, raw,
					    to_pkcs11(&theirs, rows[i].half, raw), &ours, &err),
				&err);
			assert_bytes(&ours, theirs.data, theirs.length);
		}
		test_key_free(&key);
	}
	buffer_free(&theirs);
	buffer_free(&ours);
}

static void ecdsa_edges(void **state)
{
	static const uint8_t small[] = {0, 0, 0, 1, 0, 0, 0x80, 0},
			     zero[] = {0, 0, 0, 0, 0, 0, 0, 1},
			     expected[] = {
				     0x30, 0x08, 0x02, 0x01, 0x01, 0x02, 0x03, 0x00, 0x80, 0x00};
	uint8_t large[134] = {1};
	struct buffer out = BUFFER_INIT(1024);
	struct error err;

	(void)state;
	assert_done(signature_from_pkcs11(SIGNATURE_ECDSA_SHA256, small, 8, &out, &err), &err);
	assert_bytes(&out, expected, sizeof(expected));
	buffer_reset(&out);
	assert_refused(signature_from_pkcs11(SIGNATURE_ECDSA_SHA256, zero, 8, &out, &err), &err,
		"whose r is zero");
	assert_refused(signature_from_pkcs11(SIGNATURE_ECDSA_SHA256, large, 2, &out, &err), &err,
		"whose s is zero");
	assert_refused(signature_from_pkcs11(SIGNATURE_ECDSA_SHA256, small, 7, &out, &err), &err,
		"7 bytes is not two equal halves");
	assert_refused(signature_from_pkcs11(SIGNATURE_ECDSA_SHA256, small, 0, &out, &err), &err,
		"0 bytes is not two equal halves");
	assert_refused(
		signature_from_pkcs11(SIGNATURE_ECDSA_SHA512, large, sizeof(large), &out, &err),
		&err, "134 bytes is not two equal halves");
	assert_int_equal(out.length, 0);
	buffer_free(&out);
}

static void others_are_copied(void **state)
{
	uint8_t bytes[256];
	struct buffer out = BUFFER_INIT(1024);
	struct error err;

	(void)state;
	memset(bytes, 0xa5, sizeof(bytes));
	assert_done(signature_from_pkcs11(SIGNATURE_RSA_SHA256, bytes, 256, &out, &err), &err);
	assert_bytes(&out, bytes, 256);
	buffer_reset(&out);
	assert_done(signature_from_pkcs11(SIGNATURE_ED25519, bytes, 64, &out, &err), &err);
	assert_bytes(&out, bytes, 64);
	buffer_reset(&out);
	assert_refused(signature_from_pkcs11(SIGNATURE_ED25519, bytes, 63, &out, &err), &err,
		"64 bytes, this one 63");
	assert_refused(
		signature_from_pkcs11(SIGNATURE_RSA_SHA256, bytes, 0, &out, &err), &err, "empty");
	buffer_free(&out);
}

static void verifies(void **state)
{
	static const enum signature_algorithm all[] = {SIGNATURE_RSA_SHA256, SIGNATURE_RSA_SHA384,
		SIGNATURE_RSA_SHA512, SIGNATURE_ECDSA_SHA256, SIGNATURE_ECDSA_SHA384,
		SIGNATURE_ECDSA_SHA512, SIGNATURE_ED25519};
	struct buffer signature = BUFFER_INIT(1024);
	struct error err;
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct test_key key = test_key_new(all[i]);

		buffer_reset(&signature);
		assert_true(test_key_sign(&key, data, sizeof(data), &signature, &err));
		assert_done(signature_verify(all[i], key.spki, key.spki_length, data, sizeof(data),
				    signature.data, signature.length, &err),
			&err);
		assert_refused(signature_verify(all[i], key.spki, key.spki_length, data,
				       sizeof(data) - 1, signature.data, signature.length, &err),
			&err, "the signature does not match");
		assert_refused(signature_verify(all[i], key.spki, key.spki_length, data,
				       sizeof(data), signature.data, signature.length - 1, &err),
			&err, "the signature does not match");
		/* No other algorithm takes it. */
		for (j = 0; j < sizeof(all) / sizeof(all[0]); j++)
			if (j != i)
				assert_false(signature_verify(all[j], key.spki, key.spki_length,
					data, sizeof(data), signature.data, signature.length,
					&err));
		signature.data[signature.length / 2] ^= 0x10;
		assert_refused(signature_verify(all[i], key.spki, key.spki_length, data,
				       sizeof(data), signature.data, signature.length, &err),
			&err, "the signature does not match");
		assert_int_equal(err.code, ERROR_FAILED);
		test_key_free(&key);
	}
	buffer_free(&signature);
}

static void refuses_wrong_keys(void **state)
{
	struct test_key ec = test_key_new(SIGNATURE_ECDSA_SHA256),
			ed = test_key_new(SIGNATURE_ED25519);
	struct buffer signature = BUFFER_INIT(1024);
	struct error err;

	(void)state;
	assert_true(test_key_sign(&ec, data, sizeof(data), &signature, &err));
	assert_refused(signature_verify(SIGNATURE_ECDSA_SHA256, ed.spki, ed.spki_length, data,
			       sizeof(data), signature.data, signature.length, &err),
		&err, "the signature is ECDSA with SHA-256, the key is ED25519");
	/* A point that is not on the curve */
	ec.spki[ec.spki_length - 1] ^= 1;
	assert_refused(signature_verify(SIGNATURE_ECDSA_SHA256, ec.spki, ec.spki_length, data,
			       sizeof(data), signature.data, signature.length, &err),
		&err, "the public key is not valid");
	assert_refused(signature_verify((enum signature_algorithm)99, ec.spki, ec.spki_length, data,
			       sizeof(data), signature.data, signature.length, &err),
		&err, "unknown signature algorithm");
	test_key_free(&ec);
	test_key_free(&ed);
	buffer_free(&signature);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ecdsa_as_openssl),
		cmocka_unit_test(ecdsa_edges),
		cmocka_unit_test(others_are_copied),
		cmocka_unit_test(verifies),
		cmocka_unit_test(refuses_wrong_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
