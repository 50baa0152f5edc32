#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "asn1/spki.h"
#include "module/crypto/key_private.h"
#include "module/crypto/provider.h"

#define BITS_MIN 1024
#define BITS_MAX 4096

/* The numbers of an RSA key, in Cryptoki's and in OpenSSL's names. The first two are the public ones. */
enum {
	MODULUS,
	EXPONENT,
	PRIVATE_EXPONENT,
	PRIME_1,
	PRIME_2,
	EXPONENT_1,
	EXPONENT_2,
	COEFFICIENT,
	NUMBERS
};

static const struct {
	CK_ATTRIBUTE_TYPE type;
	const char *param;
} numbers[NUMBERS] = {
	[MODULUS] = {CKA_MODULUS, OSSL_PKEY_PARAM_RSA_N},
	[EXPONENT] = {CKA_PUBLIC_EXPONENT, OSSL_PKEY_PARAM_RSA_E},
	[PRIVATE_EXPONENT] = {CKA_PRIVATE_EXPONENT, OSSL_PKEY_PARAM_RSA_D},
	[PRIME_1] = {CKA_PRIME_1, OSSL_PKEY_PARAM_RSA_FACTOR1},
	[PRIME_2] = {CKA_PRIME_2, OSSL_PKEY_PARAM_RSA_FACTOR2},
	[EXPONENT_1] = {CKA_EXPONENT_1, OSSL_PKEY_PARAM_RSA_EXPONENT1},
	[EXPONENT_2] = {CKA_EXPONENT_2, OSSL_PKEY_PARAM_RSA_EXPONENT2},
	[COEFFICIENT] = {CKA_COEFFICIENT, OSSL_PKEY_PARAM_RSA_COEFFICIENT1},
};

/* d * e = 1 modulo p - 1, without which a signature would not verify. */
static bool inverts(const BIGNUM *d, const BIGNUM *e, const BIGNUM *prime, BN_CTX *context)
{
	BIGNUM *less = BN_CTX_get(context), *product = BN_CTX_get(context);

	return product != NULL && BN_sub(less, prime, BN_value_one()) &&
	       BN_mod_mul(product, d, e, less, context) && BN_is_one(product);
}

/*
 * Do the numbers belong together? Cheap on purpose, since keys are decoded at every login: products, no
 * tests of primality. Fills in the CRT numbers that are missing where the primes are there.
 */
static CK_RV check_private(BIGNUM *n[NUMBERS], BN_CTX *context)
{
	BIGNUM *product = BN_CTX_get(context), *less = BN_CTX_get(context),
	       *two = BN_CTX_get(context);
	CK_RV rv = CKR_TEMPLATE_INCONSISTENT;

	if (two == NULL)
		return CKR_HOST_MEMORY;
	if (n[PRIME_1] == NULL || n[PRIME_2] == NULL) {
		/* Without primes the only way to see it is to use it: (2^d)^e = 2. */
		for (size_t i = PRIME_1; i < NUMBERS; i++) {
			if (n[i] != NULL)
				return CKR_TEMPLATE_INCOMPLETE;
		}
		if (!BN_set_word(two, 2) || !BN_is_odd(n[MODULUS]) ||
			!BN_mod_exp_mont_consttime(
				product, two, n[PRIVATE_EXPONENT], n[MODULUS], context, NULL) ||
			!BN_mod_exp(product, product, n[EXPONENT], n[MODULUS], context) ||
			BN_cmp(product, two) != 0)
			return CKR_TEMPLATE_INCONSISTENT;
		return CKR_OK;
	}
	if (!BN_mul(product, n[PRIME_1], n[PRIME_2], context) || BN_cmp(product, n[MODULUS]) != 0 ||
		BN_is_one(n[PRIME_1]) || BN_is_one(n[PRIME_2]) || !BN_is_odd(n[PRIME_1]) ||
		!BN_is_odd(n[PRIME_2]) ||
		!inverts(n[PRIVATE_EXPONENT], n[EXPONENT], n[PRIME_1], context) ||
		!inverts(n[PRIVATE_EXPONENT], n[EXPONENT], n[PRIME_2], context))
		return rv;
	for (size_t i = 0; i < 2; i++) {
		if (n[EXPONENT_1 + i] != NULL) {
			if (!inverts(n[EXPONENT_1 + i], n[EXPONENT], n[PRIME_1 + i], context))
				return rv;
			continue;
		}
		n[EXPONENT_1 + i] = BN_new();
		if (n[EXPONENT_1 + i] == NULL || !BN_sub(less, n[PRIME_1 + i], BN_value_one()) ||
			!BN_mod(n[EXPONENT_1 + i], n[PRIVATE_EXPONENT], less, context))
			return CKR_HOST_MEMORY;
	}
	if (n[COEFFICIENT] == NULL) {
		n[COEFFICIENT] = BN_mod_inverse(NULL, n[PRIME_2], n[PRIME_1], context);
		return n[COEFFICIENT] != NULL ? CKR_OK : CKR_TEMPLATE_INCONSISTENT;
	}
	if (!BN_mod_mul(product, n[COEFFICIENT], n[PRIME_2], n[PRIME_1], context) ||
		!BN_is_one(product))
		return rv;
	return CKR_OK;
}

static CK_RV rsa_decode(struct key *key, const struct attributes *object, bool private_part)
{
	BIGNUM *n[NUMBERS] = {NULL};
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	BN_CTX *context = BN_CTX_secure_new_ex(crypto_libctx(key->crypto));
	CK_RV rv = CKR_HOST_MEMORY;

	if (builder == NULL || context == NULL)
		goto out;
	BN_CTX_start(context);
	for (size_t i = 0; i < (private_part ? NUMBERS : PRIVATE_EXPONENT); i++) {
		const CK_ATTRIBUTE *attribute = attributes_find(object, numbers[i].type);

		if (attribute == NULL || attribute->ulValueLen == 0)
			continue;
		rv = CKR_ATTRIBUTE_VALUE_INVALID;
		if (attribute->ulValueLen > BITS_MAX / 8 + 1)
			goto out;
		rv = CKR_HOST_MEMORY;
		n[i] = i < PRIVATE_EXPONENT ? BN_new() : BN_secure_new();
		if (n[i] == NULL ||
			BN_bin2bn(attribute->pValue, (int)attribute->ulValueLen, n[i]) == NULL)
			goto out;
		if (i >= PRIVATE_EXPONENT)
			BN_set_flags(n[i], BN_FLG_CONSTTIME);
	}
	rv = CKR_TEMPLATE_INCOMPLETE;
	if (n[MODULUS] == NULL || n[EXPONENT] == NULL ||
		(private_part && n[PRIVATE_EXPONENT] == NULL))
		goto out;
	rv = CKR_KEY_SIZE_RANGE;
	key->bits = (size_t)BN_num_bits(n[MODULUS]);
	if (key->bits < BITS_MIN || key->bits > BITS_MAX)
		goto out;
	rv = CKR_ATTRIBUTE_VALUE_INVALID;
	if (!BN_is_odd(n[MODULUS]) || !BN_is_odd(n[EXPONENT]) || BN_is_one(n[EXPONENT]) ||
		BN_num_bits(n[EXPONENT]) > 64)
		goto out;
	rv = private_part ? check_private(n, context) : CKR_OK;
	if (rv != CKR_OK)
		goto out;
	rv = CKR_HOST_MEMORY;
	for (size_t i = 0; i < NUMBERS; i++) {
		if (n[i] != NULL && OSSL_PARAM_BLD_push_BN(builder, numbers[i].param, n[i]) != 1)
			goto out;
	}
	rv = key_from_builder(key, private_part, builder);
out:
	OSSL_PARAM_BLD_free(builder);
	for (size_t i = 0; i < NUMBERS; i++)
		BN_clear_free(n[i]);
	if (context != NULL) {
		BN_CTX_end(context);
		BN_CTX_free(context);
	}
	return rv;
}

static CK_RV rsa_generate(struct key *key, const struct attributes *public_template)
{
	const CK_ATTRIBUTE *exponent = attributes_find(public_template, CKA_PUBLIC_EXPONENT);
	CK_ULONG bits = attributes_ulong(public_template, CKA_MODULUS_BITS, 0);
	EVP_PKEY_CTX *context = NULL;
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params = NULL;
	BIGNUM *e = BN_new();
	CK_RV rv = CKR_HOST_MEMORY;

	if (e == NULL || builder == NULL)
		goto out;
	rv = CKR_TEMPLATE_INCOMPLETE;
	if (bits == 0)
		goto out;
	rv = CKR_KEY_SIZE_RANGE;
	if (bits < BITS_MIN || bits > BITS_MAX)
		goto out;
	rv = CKR_HOST_MEMORY;
	if (exponent == NULL || exponent->ulValueLen == 0) {
		if (!BN_set_word(e, 65537))
			goto out;
	} else if (exponent->ulValueLen > 16 ||
		   BN_bin2bn(exponent->pValue, (int)exponent->ulValueLen, e) == NULL) {
		rv = CKR_ATTRIBUTE_VALUE_INVALID;
		goto out;
	}
	rv = CKR_ATTRIBUTE_VALUE_INVALID;
	/* OpenSSL's public operation takes at most 64 bits. */
	if (!BN_is_odd(e) || BN_is_one(e) || BN_num_bits(e) > 64)
		goto out;
	rv = CKR_HOST_MEMORY;
	if (OSSL_PARAM_BLD_push_size_t(builder, OSSL_PKEY_PARAM_RSA_BITS, bits) != 1 ||
		OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) != 1)
		goto out;
	params = OSSL_PARAM_BLD_to_param(builder);
	if (params == NULL)
		goto out;
	context = key_context_of_type(key->crypto, key->class);
	if (context == NULL || EVP_PKEY_keygen_init(context) != 1 ||
		EVP_PKEY_CTX_set_params(context, params) != 1 ||
		EVP_PKEY_generate(context, &key->pkey) != 1) {
		rv = crypto_failed(key->crypto, "RSA key generation", CKR_FUNCTION_FAILED);
		goto out;
	}
	key->bits = bits;
	rv = CKR_OK;
out:
	EVP_PKEY_CTX_free(context);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(builder);
	BN_free(e);
	return rv;
}

static CK_RV rsa_encode(const struct key *key, bool private_part, struct attributes **out)
{
	CK_KEY_TYPE type = CKK_RSA;
	CK_ULONG bits = key->bits;
	CK_ATTRIBUTE list[NUMBERS + 2];
	CK_ULONG count = 0;
	size_t first;
	CK_RV rv = CKR_OK;

	list[count++] = (CK_ATTRIBUTE){CKA_KEY_TYPE, &type, sizeof(type)};
	if (!private_part)
		list[count++] = (CK_ATTRIBUTE){CKA_MODULUS_BITS, &bits, sizeof(bits)};
	first = count;
	for (size_t i = 0; i < (private_part ? NUMBERS : PRIVATE_EXPONENT) && rv == CKR_OK; i++) {
		uint8_t *bytes;
		size_t length;

		rv = key_number(key, numbers[i].param, 0, &bytes, &length);
		if (rv == CKR_OK)
			list[count++] = (CK_ATTRIBUTE){numbers[i].type, bytes, length};
	}
	if (rv == CKR_OK)
		rv = attributes_new(NULL, list, count, out);
	for (size_t i = first; i < count; i++) {
		explicit_bzero(list[i].pValue, list[i].ulValueLen);
		free(list[i].pValue);
	}
	return rv;
}

static bool rsa_public_info(const struct key *key, struct buffer *der, struct error *err)
{
	uint8_t *modulus = NULL, *exponent = NULL;
	size_t modulus_length, exponent_length;
	bool ok;

	ok = key_number(key, OSSL_PKEY_PARAM_RSA_N, 0, &modulus, &modulus_length) == CKR_OK &&
	     key_number(key, OSSL_PKEY_PARAM_RSA_E, 0, &exponent, &exponent_length) == CKR_OK;
	ok = ok ? spki_encode_rsa(modulus, modulus_length, exponent, exponent_length, der, err)
		: error_set(err, ERROR_FAILED, "the key does not tell its modulus");
	free(modulus);
	free(exponent);
	return ok;
}

const struct key_class key_class_rsa = {
	.type = CKK_RSA,
	.name = PROVIDER_RSA,
	.generation = CKM_RSA_PKCS_KEY_PAIR_GEN,
	.decode = rsa_decode,
	.generate = rsa_generate,
	.encode = rsa_encode,
	.public_info = rsa_public_info,
};
