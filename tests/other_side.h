/*
 * other_side: what a module's signatures and ciphertexts are held against: OpenSSL's default context, which knows nothing of
 * the module's. OpenSSL's results: 1 is fine.
 */
#ifndef PODPIS_TESTS_OTHER_SIDE_H
#define PODPIS_TESTS_OTHER_SIDE_H

#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

/* The other side's verification (or, with `sign`, signature) over a digest or block. */
static inline int other_rsa(EVP_PKEY *pkey, bool sign, int padding, const char *digest, int salt,
	const uint8_t *in, size_t in_length, uint8_t *signature, size_t *length)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(pkey, NULL);
	int result = 0;

	assert_int_equal(sign ? EVP_PKEY_sign_init(context) : EVP_PKEY_verify_init(context), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, padding), 1);
	if (digest != NULL) {
		EVP_MD *md = EVP_MD_fetch(NULL, digest, NULL);

		assert_int_equal(EVP_PKEY_CTX_set_signature_md(context, md), 1);
		EVP_MD_free(md);
	}
	if (padding == RSA_PKCS1_PSS_PADDING)
		assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(context, salt), 1);
	result = sign ? EVP_PKEY_sign(context, signature, length, in, in_length)
		      : EVP_PKEY_verify(context, signature, *length, in, in_length);
	EVP_PKEY_CTX_free(context);
	return result;
}

static inline int other_encrypt(EVP_PKEY *pkey, int padding, const char *oaep, const char *mgf,
	const char *label, const uint8_t *in, size_t in_length, uint8_t *out, size_t *length)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(pkey, NULL);
	int result;

	assert_int_equal(EVP_PKEY_encrypt_init(context), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, padding), 1);
	if (oaep != NULL) {
		assert_int_equal(EVP_PKEY_CTX_set_rsa_oaep_md_name(context, oaep, NULL), 1);
		assert_int_equal(EVP_PKEY_CTX_set_rsa_mgf1_md_name(context, mgf, NULL), 1);
		if (label != NULL)
			assert_int_equal(EVP_PKEY_CTX_set0_rsa_oaep_label(context,
						 OPENSSL_strdup(label), (int)strlen(label)),
				1);
	}
	result = EVP_PKEY_encrypt(context, out, length, in, in_length);
	EVP_PKEY_CTX_free(context);
	return result;
}

static inline int other_ecdsa_verify(
	EVP_PKEY *pkey, const uint8_t *digest, size_t size, const uint8_t *signature, size_t half)
{
	ECDSA_SIG *pair = ECDSA_SIG_new();
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(pkey, NULL);
	uint8_t *der = NULL;
	int length, result;

	assert_int_equal(ECDSA_SIG_set0(pair, BN_bin2bn(signature, (int)half, NULL),
				 BN_bin2bn(signature + half, (int)half, NULL)),
		1);
	length = i2d_ECDSA_SIG(pair, &der);
	assert_int_equal(EVP_PKEY_verify_init(context), 1);
	result = EVP_PKEY_verify(context, der, (size_t)length, digest, size);
	EVP_PKEY_CTX_free(context);
	ECDSA_SIG_free(pair);
	OPENSSL_free(der);
	return result;
}

#endif
