#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "module/crypto/hash.h"
#include "module/crypto/key_private.h"
#include "module/crypto/padding.h"
#include "module/crypto/provider.h"

#define MODULUS_MAX    512 /* bytes */
#define ORDER_MAX      66  /* bytes of P-521's order */
#define DER_SIG_MAX    (2 * (ORDER_MAX + 4) + 4)
#define PKCS1_OVERHEAD 11 /* bytes that PKCS #1 v1.5 padding takes at least (RFC 8017, 9.2) */

struct key_operation {
	struct operation base;
	struct key *key;
	const struct row *row;
	EVP_PKEY_CTX *context; /* prepared, for all but Ed25519 */
	EVP_MD_CTX *prepared; /* Ed25519: copied for each signature, since a one-shot one ends it */
	EVP_MD_CTX *message;  /* the copy */
	size_t digest_size;   /* PSS: what the input has to be; else 0 */
	uint8_t secret[PADDING_SECRET]; /* PKCS #1 v1.5 decryption only */
};

/* One raw mechanism with one type of key. */
struct row {
	CK_MECHANISM_TYPE mechanism;
	CK_KEY_TYPE type;
	unsigned purposes;   /* 1 << enum operation_purpose */
	const char *padding; /* RSA: OpenSSL's pad mode */
	const struct operation_class *class;
	CK_RV (*set_up)(struct key_operation *operation, const CK_MECHANISM *mechanism);
};

#define CAN(purpose) (1u << (purpose))

/* ---- parameters of RSA mechanisms */

/* A digest that RSA's paddings know. */
static const struct hash_info *hash_of_rsa(CK_MECHANISM_TYPE mechanism)
{
	const struct hash_info *info = hash_info(mechanism);

	return info != NULL && info->mgf != 0 ? info : NULL;
}

static const struct hash_info *hash_of_mgf(CK_RSA_PKCS_MGF_TYPE mgf)
{
	const struct hash_info *info;

	for (size_t i = 0; (info = hash_info_at(i)) != NULL; i++) {
		if (info->mgf != 0 && info->mgf == mgf)
			return info;
	}
	return NULL;
}

static char *text(const char *constant)
{
	return (char *)(uintptr_t)constant; /* OSSL_PARAM does not know const */
}

static CK_RV set_params(struct key_operation *operation, OSSL_PARAM params[])
{
	if (EVP_PKEY_CTX_set_params(operation->context, params) == 1)
		return CKR_OK;
	return crypto_failed(
		operation->key->crypto, "mechanism parameters", CKR_MECHANISM_PARAM_INVALID);
}

static CK_RV set_up_padding(struct key_operation *operation, const CK_MECHANISM *mechanism)
{
	OSSL_PARAM params[2];

	if (mechanism->ulParameterLen != 0)
		return CKR_MECHANISM_PARAM_INVALID;
	params[0] = OSSL_PARAM_construct_utf8_string(
		OSSL_PKEY_PARAM_PAD_MODE, text(operation->row->padding), 0);
	params[1] = OSSL_PARAM_construct_end();
	return set_params(operation, params);
}

/* The padding of a decrypted block is taken off here, not by OpenSSL, which would tell a wrong one. */
static CK_RV set_up_unpadding(struct key_operation *operation, const CK_MECHANISM *mechanism)
{
	uint8_t *exponent = NULL;
	size_t length = 0;
	CK_RV rv = set_up_padding(operation, mechanism);

	if (rv == CKR_OK)
		rv = key_number(operation->key, OSSL_PKEY_PARAM_RSA_D, operation->base.output_max,
			&exponent, &length);
	if (rv == CKR_OK)
		rv = padding_secret(operation->key->crypto, exponent, length, operation->secret);
	if (exponent != NULL)
		explicit_bzero(exponent, length);
	free(exponent);
	return rv;
}

static CK_RV set_up_pss(struct key_operation *operation, const CK_MECHANISM *mechanism)
{
	const CK_RSA_PKCS_PSS_PARAMS *given = mechanism->pParameter;
	const struct hash_info *hash, *mgf;
	OSSL_PARAM params[5];
	size_t block =
		(operation->key->bits + 6) / 8; /* emLen of RFC 8017, 9.1.1: modBits - 1 bits */
	int salt;

	if (given == NULL || mechanism->ulParameterLen != sizeof(*given))
		return CKR_MECHANISM_PARAM_INVALID;
	hash = hash_of_rsa(given->hashAlg);
	mgf = hash_of_mgf(given->mgf);
	if (hash == NULL || mgf == NULL || given->sLen > block ||
		hash->size + given->sLen + 2 > block)
		return CKR_MECHANISM_PARAM_INVALID;
	salt = (int)given->sLen;
	params[0] = OSSL_PARAM_construct_utf8_string(
		OSSL_SIGNATURE_PARAM_PAD_MODE, text(operation->row->padding), 0);
	params[1] =
		OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, text(hash->name), 0);
	params[2] = OSSL_PARAM_construct_utf8_string(
		OSSL_SIGNATURE_PARAM_MGF1_DIGEST, text(mgf->name), 0);
	params[3] = OSSL_PARAM_construct_int(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, &salt);
	params[4] = OSSL_PARAM_construct_end();
	operation->digest_size = hash->size;
	operation->base.input_max = hash->size;
	return set_params(operation, params);
}

static CK_RV set_up_oaep(struct key_operation *operation, const CK_MECHANISM *mechanism)
{
	const CK_RSA_PKCS_OAEP_PARAMS *given = mechanism->pParameter;
	const struct hash_info *hash, *mgf;
	OSSL_PARAM params[5];
	size_t count = 0;

	if (given == NULL || mechanism->ulParameterLen != sizeof(*given))
		return CKR_MECHANISM_PARAM_INVALID;
	hash = hash_of_rsa(given->hashAlg);
	mgf = hash_of_mgf(given->mgf);
	if (hash == NULL || mgf == NULL ||
		(given->source != 0 && given->source != CKZ_DATA_SPECIFIED) ||
		(given->pSourceData == NULL && given->ulSourceDataLen != 0))
		return CKR_MECHANISM_PARAM_INVALID;
	params[count++] = OSSL_PARAM_construct_utf8_string(
		OSSL_ASYM_CIPHER_PARAM_PAD_MODE, text(operation->row->padding), 0);
	params[count++] = OSSL_PARAM_construct_utf8_string(
		OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST, text(hash->name), 0);
	params[count++] = OSSL_PARAM_construct_utf8_string(
		OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST, text(mgf->name), 0);
	if (given->ulSourceDataLen > 0)
		params[count++] =
			OSSL_PARAM_construct_octet_string(OSSL_ASYM_CIPHER_PARAM_OAEP_LABEL,
				given->pSourceData, given->ulSourceDataLen);
	params[count] = OSSL_PARAM_construct_end();
	return set_params(operation, params);
}

static CK_RV set_up_ecdsa(struct key_operation *operation, const CK_MECHANISM *mechanism)
{
	if (mechanism->ulParameterLen != 0)
		return CKR_MECHANISM_PARAM_INVALID;
	operation->base.output_max = 2 * operation->key->curve->order_size;
	return CKR_OK;
}

static CK_RV set_up_eddsa(struct key_operation *operation, const CK_MECHANISM *mechanism)
{
	const CK_EDDSA_PARAMS *given = mechanism->pParameter;

	/* Pure Ed25519 only: no prehash, no context (PKCS #11 v3.0 Current Mechanisms, 2.3.14). */
	if (mechanism->ulParameterLen != 0 &&
		(given == NULL || mechanism->ulParameterLen != sizeof(*given) || given->phFlag ||
			given->ulContextDataLen != 0))
		return CKR_MECHANISM_PARAM_INVALID;
	operation->base.output_max = 64;
	operation->base.input_max = SIZE_MAX;
	return CKR_OK;
}

/* ---- RSA */

/* Puts zero bytes in front of a raw block. */
static void pad_block(const uint8_t *in, size_t length, uint8_t *block, size_t size)
{
	memset(block, 0, size - length);
	memcpy(block + size - length, in, length);
}

static CK_RV check_rsa_input(const struct key_operation *operation, size_t length)
{
	if (operation->digest_size != 0 ? length != operation->digest_size
					: length > operation->base.input_max)
		return CKR_DATA_LEN_RANGE;
	return CKR_OK;
}

static bool is_raw(const struct key_operation *operation)
{
	return operation->row->mechanism == CKM_RSA_X_509;
}

static CK_RV rsa_sign(
	struct operation *base, const uint8_t *in, size_t length, uint8_t *out, size_t *out_length)
{
	struct key_operation *operation = (struct key_operation *)base;
	uint8_t block[MODULUS_MAX];
	size_t size = base->output_max;
	CK_RV rv = check_rsa_input(operation, length);

	if (rv != CKR_OK)
		return rv;
	if (is_raw(operation)) {
		pad_block(in, length, block, size);
		in = block;
		length = size;
	}
	if (EVP_PKEY_sign(operation->context, out, &size, in, length) != 1)
		return crypto_failed(operation->key->crypto, "RSA signature",
			is_raw(operation) ? CKR_DATA_INVALID : CKR_FUNCTION_FAILED);
	*out_length = size;
	return CKR_OK;
}

static CK_RV rsa_verify(struct operation *base, const uint8_t *in, size_t length,
	const uint8_t *signature, size_t signature_length)
{
	struct key_operation *operation = (struct key_operation *)base;
	uint8_t block[MODULUS_MAX];
	CK_RV rv = check_rsa_input(operation, length);
	int result;

	if (rv != CKR_OK)
		return rv;
	if (signature_length != base->output_max)
		return CKR_SIGNATURE_LEN_RANGE;
	if (is_raw(operation)) {
		pad_block(in, length, block, base->output_max);
		in = block;
		length = base->output_max;
	}
	result = EVP_PKEY_verify(operation->context, signature, signature_length, in, length);
	/* A wrong signature is an answer, not a fault: nothing is logged. */
	return result == 1 ? CKR_OK : CKR_SIGNATURE_INVALID;
}

static CK_RV rsa_encrypt(
	struct operation *base, const uint8_t *in, size_t length, uint8_t *out, size_t *out_length)
{
	struct key_operation *operation = (struct key_operation *)base;
	uint8_t block[MODULUS_MAX];
	size_t size = base->output_max;

	if (length > base->input_max)
		return CKR_DATA_LEN_RANGE;
	if (is_raw(operation)) {
		pad_block(in, length, block, size);
		in = block;
		length = size;
	}
	if (EVP_PKEY_encrypt(operation->context, out, &size, in, length) != 1)
		return crypto_failed(operation->key->crypto, "RSA encryption", CKR_DATA_LEN_RANGE);
	*out_length = size;
	return CKR_OK;
}

static CK_RV rsa_decrypt(
	struct operation *base, const uint8_t *in, size_t length, uint8_t *out, size_t *out_length)
{
	struct key_operation *operation = (struct key_operation *)base;
	uint8_t block[MODULUS_MAX];
	size_t size = sizeof(block);
	CK_RV rv = CKR_ENCRYPTED_DATA_INVALID;

	if (length != base->output_max)
		return CKR_ENCRYPTED_DATA_LEN_RANGE;
	/* OpenSSL fails here in constant time; what failed is neither logged nor told apart. */
	if (EVP_PKEY_decrypt(operation->context, block, &size, in, length) == 1) {
		if (operation->row->set_up == set_up_unpadding) {
			rv = padding_remove(operation->key->crypto, operation->secret, in, block,
				size, out, out_length);
		} else {
			memcpy(out, block, size);
			*out_length = size;
			rv = CKR_OK;
		}
	}
	explicit_bzero(block, sizeof(block));
	return rv;
}

/* What was signed, out of a signature. */
static CK_RV rsa_recover(
	struct operation *base, const uint8_t *in, size_t length, uint8_t *out, size_t *out_length)
{
	struct key_operation *operation = (struct key_operation *)base;
	uint8_t block[MODULUS_MAX];
	size_t size = sizeof(block);

	if (length != base->output_max)
		return CKR_SIGNATURE_LEN_RANGE;
	if (EVP_PKEY_verify_recover(operation->context, block, &size, in, length) != 1)
		return CKR_SIGNATURE_INVALID;
	memcpy(out, block, size);
	*out_length = size;
	return CKR_OK;
}

/* ---- ECDSA: OpenSSL speaks DER, Cryptoki r || s */

static CK_RV ecdsa_sign(
	struct operation *base, const uint8_t *in, size_t length, uint8_t *out, size_t *out_length)
{
	struct key_operation *operation = (struct key_operation *)base;
	int half = (int)operation->key->curve->order_size;
	uint8_t der[DER_SIG_MAX];
	const uint8_t *p = der;
	size_t size = sizeof(der);
	ECDSA_SIG *pair = NULL;
	CK_RV rv = CKR_OK;

	if (EVP_PKEY_sign(operation->context, der, &size, in, length) != 1)
		return crypto_failed(
			operation->key->crypto, "ECDSA signature", CKR_FUNCTION_FAILED);
	pair = d2i_ECDSA_SIG(NULL, &p, (long)size);
	if (pair == NULL || BN_bn2binpad(ECDSA_SIG_get0_r(pair), out, half) != half ||
		BN_bn2binpad(ECDSA_SIG_get0_s(pair), out + half, half) != half)
		rv = crypto_failed(operation->key->crypto, "ECDSA signature", CKR_FUNCTION_FAILED);
	else
		*out_length = 2 * (size_t)half;
	ECDSA_SIG_free(pair);
	return rv;
}

static CK_RV ecdsa_verify(struct operation *base, const uint8_t *in, size_t length,
	const uint8_t *signature, size_t signature_length)
{
	struct key_operation *operation = (struct key_operation *)base;
	size_t half = signature_length / 2;
	uint8_t der[DER_SIG_MAX], *p = der;
	BIGNUM *r = NULL, *s = NULL;
	ECDSA_SIG *pair = NULL;
	CK_RV rv = CKR_HOST_MEMORY;
	int size;

	/* PKCS #11 v3.0, 2.3.1: one that is to be verified may be shorter, if r and s are of one length. */
	if (half == 0 || signature_length % 2 != 0 || half > operation->key->curve->order_size)
		return CKR_SIGNATURE_LEN_RANGE;
	pair = ECDSA_SIG_new();
	r = BN_bin2bn(signature, (int)half, NULL);
	s = BN_bin2bn(signature + half, (int)half, NULL);
	if (pair == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(pair, r, s) != 1)
		goto out;
	r = s = NULL; /* the pair's now */
	size = i2d_ECDSA_SIG(pair, NULL);
	if (size < 0 || (size_t)size > sizeof(der))
		goto out;
	size = i2d_ECDSA_SIG(pair, &p);
	rv = EVP_PKEY_verify(operation->context, der, (size_t)size, in, length) == 1
		     ? CKR_OK
		     : CKR_SIGNATURE_INVALID;
out:
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(pair);
	return rv;
}

/* ---- Ed25519 */

static CK_RV eddsa_sign(
	struct operation *base, const uint8_t *in, size_t length, uint8_t *out, size_t *out_length)
{
	struct key_operation *operation = (struct key_operation *)base;
	size_t size = base->output_max;

	if (EVP_MD_CTX_copy_ex(operation->message, operation->prepared) != 1 ||
		EVP_DigestSign(operation->message, out, &size, in, length) != 1)
		return crypto_failed(
			operation->key->crypto, "Ed25519 signature", CKR_FUNCTION_FAILED);
	*out_length = size;
	return CKR_OK;
}

static CK_RV eddsa_verify(struct operation *base, const uint8_t *in, size_t length,
	const uint8_t *signature, size_t signature_length)
{
	struct key_operation *operation = (struct key_operation *)base;
	int result;

	if (signature_length != base->output_max)
		return CKR_SIGNATURE_LEN_RANGE;
	if (EVP_MD_CTX_copy_ex(operation->message, operation->prepared) != 1)
		return crypto_failed(
			operation->key->crypto, "Ed25519 signature", CKR_FUNCTION_FAILED);
	result = EVP_DigestVerify(operation->message, signature, signature_length, in, length);
	return result == 1 ? CKR_OK : CKR_SIGNATURE_INVALID;
}

static void key_operation_free(struct operation *base)
{
	struct key_operation *operation = (struct key_operation *)base;

	EVP_PKEY_CTX_free(operation->context);
	EVP_MD_CTX_free(operation->prepared);
	EVP_MD_CTX_free(operation->message);
	key_unref(operation->key);
	explicit_bzero(operation->secret, sizeof(operation->secret));
	free(operation);
}

static const struct operation_class class_rsa = {
	.run = rsa_sign, .verify = rsa_verify, .free = key_operation_free};
static const struct operation_class class_rsa_encrypt = {
	.run = rsa_encrypt, .verify = NULL, .free = key_operation_free};
static const struct operation_class class_rsa_decrypt = {
	.run = rsa_decrypt, .verify = NULL, .free = key_operation_free};
static const struct operation_class class_rsa_recover = {
	.run = rsa_recover, .verify = NULL, .free = key_operation_free};
static const struct operation_class class_ecdsa = {
	.run = ecdsa_sign, .verify = ecdsa_verify, .free = key_operation_free};
static const struct operation_class class_eddsa = {
	.run = eddsa_sign, .verify = eddsa_verify, .free = key_operation_free};

#define SIGNING    (CAN(OPERATION_SIGN) | CAN(OPERATION_VERIFY))
#define RSA_SIGNS  (SIGNING | CAN(OPERATION_SIGN_RECOVER))
#define RECOVERING CAN(OPERATION_VERIFY_RECOVER)
#define ENCRYPTING CAN(OPERATION_ENCRYPT)
#define DECRYPTING CAN(OPERATION_DECRYPT)

static const struct row rows[] = {
	{CKM_RSA_PKCS, CKK_RSA, RSA_SIGNS, OSSL_PKEY_RSA_PAD_MODE_PKCSV15, &class_rsa,
		set_up_padding},
	{CKM_RSA_PKCS, CKK_RSA, RECOVERING, OSSL_PKEY_RSA_PAD_MODE_PKCSV15, &class_rsa_recover,
		set_up_padding},
	{CKM_RSA_PKCS, CKK_RSA, ENCRYPTING, OSSL_PKEY_RSA_PAD_MODE_PKCSV15, &class_rsa_encrypt,
		set_up_padding},
	{CKM_RSA_PKCS, CKK_RSA, DECRYPTING, OSSL_PKEY_RSA_PAD_MODE_NONE, &class_rsa_decrypt,
		set_up_unpadding},
	{CKM_RSA_X_509, CKK_RSA, RSA_SIGNS, OSSL_PKEY_RSA_PAD_MODE_NONE, &class_rsa,
		set_up_padding},
	{CKM_RSA_X_509, CKK_RSA, RECOVERING, OSSL_PKEY_RSA_PAD_MODE_NONE, &class_rsa_recover,
		set_up_padding},
	{CKM_RSA_X_509, CKK_RSA, ENCRYPTING, OSSL_PKEY_RSA_PAD_MODE_NONE, &class_rsa_encrypt,
		set_up_padding},
	{CKM_RSA_X_509, CKK_RSA, DECRYPTING, OSSL_PKEY_RSA_PAD_MODE_NONE, &class_rsa_decrypt,
		set_up_padding},
	{CKM_RSA_PKCS_PSS, CKK_RSA, SIGNING, OSSL_PKEY_RSA_PAD_MODE_PSS, &class_rsa, set_up_pss},
	{CKM_RSA_PKCS_OAEP, CKK_RSA, ENCRYPTING, OSSL_PKEY_RSA_PAD_MODE_OAEP, &class_rsa_encrypt,
		set_up_oaep},
	{CKM_RSA_PKCS_OAEP, CKK_RSA, DECRYPTING, OSSL_PKEY_RSA_PAD_MODE_OAEP, &class_rsa_decrypt,
		set_up_oaep},
	{CKM_ECDSA, CKK_EC, SIGNING, NULL, &class_ecdsa, set_up_ecdsa},
	{CKM_EDDSA, CKK_EC_EDWARDS, SIGNING, NULL, &class_eddsa, set_up_eddsa},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static CK_RV find_row(CK_MECHANISM_TYPE mechanism, CK_KEY_TYPE type, enum operation_purpose purpose,
	const struct row **out)
{
	CK_RV rv = CKR_MECHANISM_INVALID;

	for (size_t i = 0; i < ROWS; i++) {
		if (rows[i].mechanism != mechanism || (rows[i].purposes & CAN(purpose)) == 0)
			continue;
		if (rows[i].type == type) {
			*out = &rows[i];
			return CKR_OK;
		}
		rv = CKR_KEY_TYPE_INCONSISTENT;
	}
	return rv;
}

/* Begins the use of the key in OpenSSL; by purpose, in the order of enum operation_purpose. */
static CK_RV begin(struct key_operation *operation, enum operation_purpose purpose)
{
	static int (*const inits[])(EVP_PKEY_CTX *) = {
		[OPERATION_SIGN] = EVP_PKEY_sign_init,
		[OPERATION_VERIFY] = EVP_PKEY_verify_init,
		[OPERATION_ENCRYPT] = EVP_PKEY_encrypt_init,
		[OPERATION_DECRYPT] = EVP_PKEY_decrypt_init,
		[OPERATION_SIGN_RECOVER] = EVP_PKEY_sign_init,
		[OPERATION_VERIFY_RECOVER] = EVP_PKEY_verify_recover_init,
	};
	OSSL_LIB_CTX *libctx = crypto_libctx(operation->key->crypto);
	EVP_PKEY *pkey = operation->key->pkey;
	int ok;

	if (operation->key->class != &key_class_ed25519) {
		operation->context = key_context(operation->key);
		ok = operation->context != NULL && inits[purpose](operation->context) == 1;
	} else {
		operation->prepared = EVP_MD_CTX_new();
		operation->message = EVP_MD_CTX_new();
		ok = operation->prepared != NULL && operation->message != NULL &&
		     (purpose == OPERATION_SIGN
				     ? EVP_DigestSignInit_ex(operation->prepared, NULL, NULL,
					       libctx, PROVIDER_QUERY, pkey, NULL)
				     : EVP_DigestVerifyInit_ex(operation->prepared, NULL, NULL,
					       libctx, PROVIDER_QUERY, pkey, NULL)) == 1;
	}
	return ok ? CKR_OK
		  : crypto_failed(
			    operation->key->crypto, "the key can't be used", CKR_FUNCTION_FAILED);
}

static bool needs_private(enum operation_purpose purpose)
{
	return purpose == OPERATION_SIGN || purpose == OPERATION_DECRYPT ||
	       purpose == OPERATION_SIGN_RECOVER;
}

CK_RV key_prepare(struct key *key, enum operation_purpose purpose, const CK_MECHANISM *mechanism,
	struct operation **out)
{
	const struct row *row;
	struct key_operation *operation;
	CK_RV rv;

	if (key->class->prepare != NULL)
		return key->class->prepare(key, purpose, mechanism, out);
	rv = find_row(mechanism->mechanism, key->class->type, purpose, &row);
	if (rv != CKR_OK)
		return rv;
	if (needs_private(purpose) && !key->has_private)
		return CKR_KEY_FUNCTION_NOT_PERMITTED;
	operation = calloc(1, sizeof(*operation));
	if (operation == NULL)
		return CKR_HOST_MEMORY;
	operation->base.class = row->class;
	operation->key = key_ref(key);
	operation->row = row;
	operation->base.output_max = (key->bits + 7) / 8;
	operation->base.input_max = operation->base.output_max;
	if (row->mechanism == CKM_RSA_PKCS && purpose != OPERATION_DECRYPT &&
		purpose != OPERATION_VERIFY_RECOVER)
		operation->base.input_max -= PKCS1_OVERHEAD;
	else if (row->type == CKK_EC)
		operation->base.input_max = HASH_SIZE_MAX;
	rv = begin(operation, purpose);
	if (rv == CKR_OK)
		rv = row->set_up(operation, mechanism);
	if (rv != CKR_OK) {
		key_operation_free(&operation->base);
		return rv;
	}
	*out = &operation->base;
	return CKR_OK;
}
