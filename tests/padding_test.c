#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "module/crypto/padding.h"
#include "tests/key_maker.h"

static struct log *silence;
static struct crypto *crypto;
static struct key *ours;
static EVP_PKEY *theirs; /* its public part, in OpenSSL's default context */

static int set_up(void **state)
{
	uint8_t *der = NULL;
	const uint8_t *p;
	size_t length = 0;

	(void)state;
	silence = log_new("error:/dev/null", "padding_test", LOG_LEVEL_ERROR);
	crypto_settle();
	if (crypto_new(silence, &crypto) != CKR_OK ||
		key_make(crypto, KEY_RSA_2048, &ours) != CKR_OK ||
		key_public_info(ours, &der, &length) != CKR_OK)
		return -1;
	p = der;
	theirs = d2i_PUBKEY(NULL, &p, (long)length);
	free(der);
	return theirs != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	key_unref(ours);
	EVP_PKEY_free(theirs);
	crypto_free(crypto);
	log_free(silence);
	return 0;
}

static struct operation *prepare(enum operation_purpose purpose, CK_MECHANISM_TYPE type)
{
	CK_MECHANISM mechanism = {type, NULL, 0};
	struct operation *operation = NULL;

	assert_int_equal(key_prepare(ours, purpose, &mechanism, &operation), CKR_OK);
	return operation;
}

static void other_encrypt(const uint8_t *in, size_t in_length, uint8_t *out, size_t *length)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(theirs, NULL);

	assert_int_equal(EVP_PKEY_encrypt_init(context), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING), 1);
	assert_int_equal(EVP_PKEY_encrypt(context, out, length, in, in_length), 1);
	EVP_PKEY_CTX_free(context);
}

static void rsa_pkcs1_decrypts(void **state)
{
	struct operation *decrypt = prepare(OPERATION_DECRYPT, CKM_RSA_PKCS);
	struct operation *encrypt = prepare(OPERATION_ENCRYPT, CKM_RSA_PKCS);
	uint8_t text[256], sealed[512], opened[512];

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)(i * 7);
	for (size_t size = 0; size <= 256 - 11; size += size == 0 ? 1 : 35) {
		size_t length = sizeof(sealed), out = sizeof(opened);

		other_encrypt(text, size, sealed, &length);
		assert_int_equal(
			decrypt->class->run(decrypt, sealed, length, opened, &out), CKR_OK);
		assert_int_equal(out, size);
		assert_memory_equal(opened, text, size);
		length = sizeof(sealed);
		assert_int_equal(encrypt->class->run(encrypt, text, size, sealed, &length), CKR_OK);
		out = sizeof(opened);
		assert_int_equal(
			decrypt->class->run(decrypt, sealed, length, opened, &out), CKR_OK);
		assert_int_equal(out, size);
		assert_memory_equal(opened, text, size);
	}
	operation_free(decrypt);
	operation_free(encrypt);
}

/* Blocks with every kind of wrong padding: none is told from a right one. */
static void a_wrong_padding_is_not_told(void **state)
{
	struct operation *decrypt = prepare(OPERATION_DECRYPT, CKM_RSA_PKCS);
	struct operation *raw = prepare(OPERATION_ENCRYPT, CKM_RSA_X_509);
	size_t lengths[40], distinct = 0;

	(void)state;
	for (size_t i = 0; i < 40; i++) {
		uint8_t block[256], sealed[512], first[512], second[512];
		size_t length = sizeof(sealed), a = sizeof(first), b = sizeof(second);

		memset(block, 0x55, sizeof(block));
		block[0] = 0;
		block[1] = 2;
		if (i == 0)
			block[1] = 1; /* a signature's padding */
		else if (i < 9)
			block[1 + i] = 0; /* too short */
		else if (i == 9)
			block[0] = 1; /* and still below the modulus */
		else
			block[100] = (uint8_t)(0x40 + i); /* no end */
		if (i < 10)
			block[200] = i == 9 ? 0 : block[200];
		if (i == 0)
			block[50] = 0;
		assert_int_equal(raw->class->run(raw, block, 256, sealed, &length), CKR_OK);
		assert_int_equal(decrypt->class->run(decrypt, sealed, length, first, &a), CKR_OK);
		assert_true(a <= 256 - 11);
		/* Asked again it says the same, as a true message would. */
		assert_int_equal(decrypt->class->run(decrypt, sealed, length, second, &b), CKR_OK);
		assert_int_equal(a, b);
		assert_memory_equal(first, second, a);
		/* And it is not what stands in the block. */
		if (a >= 8)
			assert_memory_not_equal(first, block + 256 - a, a);
		lengths[i] = a;
	}
	for (size_t i = 1; i < 40; i++)
		distinct += lengths[i] != lengths[i - 1];
	assert_true(distinct > 30);
	/* The shortest right one, eight bytes before the zero, is right. */
	{
		uint8_t block[256], sealed[512], opened[512];
		size_t length = sizeof(sealed), size = sizeof(opened);

		memset(block, 0x55, sizeof(block));
		block[0] = 0;
		block[1] = 2;
		block[10] = 0;
		assert_int_equal(raw->class->run(raw, block, 256, sealed, &length), CKR_OK);
		assert_int_equal(
			decrypt->class->run(decrypt, sealed, length, opened, &size), CKR_OK);
		assert_int_equal(size, 245);
		assert_memory_equal(opened, block + 11, 245);
	}
	operation_free(decrypt);
	operation_free(raw);
}

/* The same key and ciphertext give the same false message for ever; another of either gives another. */
static void false_messages_depend_on_key_and_ciphertext(void **state)
{
	uint8_t secret[PADDING_SECRET], other[PADDING_SECRET], exponent[256] = {1};
	uint8_t block[256] = {0}, ciphertext[256] = {0}, a[256], b[256];
	size_t a_length = 0, b_length = 0, same = 0;

	(void)state;
	assert_int_equal(padding_secret(crypto, exponent, sizeof(exponent), secret), CKR_OK);
	exponent[255] = 1;
	assert_int_equal(padding_secret(crypto, exponent, sizeof(exponent), other), CKR_OK);
	assert_memory_not_equal(secret, other, sizeof(secret));
	for (int i = 0; i < 50; i++) {
		ciphertext[7] = (uint8_t)i;
		assert_int_equal(
			padding_remove(crypto, secret, ciphertext, block, 256, a, &a_length),
			CKR_OK);
		assert_int_equal(
			padding_remove(crypto, other, ciphertext, block, 256, b, &b_length),
			CKR_OK);
		assert_true(a_length <= 245 && b_length <= 245);
		same += a_length == b_length;
		/* Behind the message stands nothing. */
		for (size_t k = a_length; k < 256; k++)
			assert_int_equal(a[k], 0);
	}
	assert_true(same < 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rsa_pkcs1_decrypts),
		cmocka_unit_test(a_wrong_padding_is_not_told),
		cmocka_unit_test(false_messages_depend_on_key_and_ciphertext),
	};

	return cmocka_run_group_tests_name("padding", tests, set_up, tear_down);
}
