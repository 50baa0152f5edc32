#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "module/store/vault/record.h"
#include "module/store/vault/seal.h"
#include "module/support/secret.h"

#define GCM_TAG 16

static const char aad_attribute[] = "podpis vault 1 attribute"; /* with its NUL */
#define AAD_SIZE (sizeof(aad_attribute) + SEAL_UUID + 8 + 4)

struct seal {
	struct crypto *crypto;
	uint8_t uuid[SEAL_UUID];
	struct secret *keys; /* token key, sealing key */
	EVP_CIPHER *cipher;
	EVP_MAC_CTX *mac; /* keyed once, duplicated for each tag */
};

static CK_RV derive(struct crypto *crypto, const uint8_t key[SEAL_KEY], const char *purpose,
	uint8_t out[SEAL_KEY])
{
	EVP_KDF *kdf = EVP_KDF_fetch(crypto_libctx(crypto), "HKDF", NULL);
	EVP_KDF_CTX *ctx = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
	int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_octet_string(
			OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)key, SEAL_KEY),
		OSSL_PARAM_construct_octet_string(
			OSSL_KDF_PARAM_INFO, (void *)(uintptr_t)purpose, strlen(purpose)),
		OSSL_PARAM_construct_end(),
	};
	CK_RV rv = CKR_OK;

	if (ctx == NULL || EVP_KDF_derive(ctx, out, SEAL_KEY, params) != 1)
		rv = crypto_failed(crypto, "vault: deriving a key", CKR_GENERAL_ERROR);
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return rv;
}

static CK_RV make_mac(struct seal *seal, const uint8_t key[SEAL_KEY])
{
	EVP_MAC *mac = EVP_MAC_fetch(crypto_libctx(seal->crypto), "HMAC", NULL);
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};
	CK_RV rv = CKR_OK;

	seal->mac = mac != NULL ? EVP_MAC_CTX_new(mac) : NULL;
	if (seal->mac == NULL || EVP_MAC_init(seal->mac, key, SEAL_KEY, params) != 1)
		rv = crypto_failed(seal->crypto, "vault: HMAC", CKR_GENERAL_ERROR);
	EVP_MAC_free(mac);
	return rv;
}

CK_RV seal_new(struct crypto *crypto, const uint8_t uuid[SEAL_UUID],
	const uint8_t token_key[SEAL_KEY], struct seal **out)
{
	struct seal *seal = calloc(1, sizeof(*seal));
	uint8_t key[SEAL_KEY];
	CK_RV rv = CKR_HOST_MEMORY;

	if (seal == NULL)
		return rv;
	seal->crypto = crypto;
	memcpy(seal->uuid, uuid, SEAL_UUID);
	seal->keys = secret_new(NULL, 2 * SEAL_KEY);
	if (seal->keys == NULL)
		goto out;
	memcpy(seal->keys->data, token_key, SEAL_KEY);
	rv = derive(crypto, token_key, "podpis vault 1 seal", seal->keys->data + SEAL_KEY);
	if (rv != CKR_OK)
		goto out;
	rv = derive(crypto, token_key, "podpis vault 1 tag", key);
	if (rv == CKR_OK)
		rv = make_mac(seal, key);
	OPENSSL_cleanse(key, sizeof(key));
	if (rv != CKR_OK)
		goto out;
	seal->cipher = EVP_CIPHER_fetch(crypto_libctx(crypto), "AES-256-GCM", NULL);
	if (seal->cipher == NULL)
		rv = crypto_failed(crypto, "vault: AES-256-GCM", CKR_GENERAL_ERROR);
out:
	if (rv == CKR_OK)
		*out = seal;
	else
		seal_free(seal);
	return rv;
}

void seal_free(struct seal *seal)
{
	if (seal == NULL)
		return;
	EVP_MAC_CTX_free(seal->mac);
	EVP_CIPHER_free(seal->cipher);
	secret_free(seal->keys);
	free(seal);
}

const uint8_t *seal_token_key(const struct seal *seal)
{
	return seal->keys->data;
}

const uint8_t *seal_uuid(const struct seal *seal)
{
	return seal->uuid;
}

CK_RV seal_tag(struct seal *seal, const uint8_t checksum[SEAL_CHECKSUM], uint8_t out[SEAL_TAG])
{
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_dup(seal->mac);
	uint8_t full[SEAL_CHECKSUM];
	size_t size = 0;
	CK_RV rv = CKR_OK;

	if (ctx == NULL || EVP_MAC_update(ctx, checksum, SEAL_CHECKSUM) != 1 ||
		EVP_MAC_final(ctx, full, &size, sizeof(full)) != 1 || size != sizeof(full))
		rv = crypto_failed(seal->crypto, "vault: HMAC", CKR_GENERAL_ERROR);
	else
		memcpy(out, full, SEAL_TAG);
	EVP_MAC_CTX_free(ctx);
	return rv;
}

CK_RV seal_check(
	struct seal *seal, const uint8_t checksum[SEAL_CHECKSUM], const uint8_t tag[SEAL_TAG])
{
	uint8_t right[SEAL_TAG];
	CK_RV rv = seal_tag(seal, checksum, right);

	if (rv != CKR_OK)
		return rv;
	return CRYPTO_memcmp(right, tag, SEAL_TAG) == 0 ? CKR_OK : CKR_DEVICE_ERROR;
}

/* OpenSSL counts in ints; what is sealed is far below (ATTRIBUTES_VALUE_MAX). */
static CK_RV gcm_close(struct crypto *crypto, const EVP_CIPHER *cipher, const uint8_t *key,
	const uint8_t *aad, size_t aad_length, const uint8_t *in, size_t length, uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t *text = out + SEAL_NONCE;
	int size = 0, rest = 0;
	CK_RV rv = crypto_random(crypto, out, SEAL_NONCE);

	if (rv != CKR_OK)
		goto out;
	if (ctx == NULL || length > INT_MAX ||
		EVP_EncryptInit_ex2(ctx, cipher, key, out, NULL) != 1 ||
		EVP_EncryptUpdate(ctx, NULL, &size, aad, (int)aad_length) != 1 ||
		EVP_EncryptUpdate(ctx, text, &size, in, (int)length) != 1 ||
		(size_t)size != length || EVP_EncryptFinal_ex(ctx, text + size, &rest) != 1 ||
		rest != 0 ||
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, GCM_TAG, text + length) != 1)
		rv = crypto_failed(crypto, "vault: sealing", CKR_GENERAL_ERROR);
out:
	EVP_CIPHER_CTX_free(ctx);
	return rv;
}

static CK_RV gcm_open(struct crypto *crypto, const EVP_CIPHER *cipher, const uint8_t *key,
	const uint8_t *aad, size_t aad_length, const uint8_t *in, size_t length, uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = NULL;
	int size = 0, rest = 0;
	size_t plain;
	CK_RV rv = CKR_DEVICE_ERROR;

	if (length < SEAL_OVERHEAD || length > INT_MAX)
		return rv;
	plain = length - SEAL_OVERHEAD;
	ERR_set_mark();
	ctx = EVP_CIPHER_CTX_new();
	if (ctx == NULL || EVP_DecryptInit_ex2(ctx, cipher, key, in, NULL) != 1 ||
		EVP_DecryptUpdate(ctx, NULL, &size, aad, (int)aad_length) != 1 ||
		EVP_DecryptUpdate(ctx, out, &size, in + SEAL_NONCE, (int)plain) != 1 ||
		(size_t)size != plain ||
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, GCM_TAG,
			(void *)(uintptr_t)(in + SEAL_NONCE + plain)) != 1) {
		OPENSSL_cleanse(out, plain);
		rv = crypto_failed(crypto, "vault: opening a seal", CKR_GENERAL_ERROR);
	} else if (EVP_DecryptFinal_ex(ctx, out + size, &rest) != 1) {
		/* Not OpenSSL's failure but an answer: wrong key, or not what was sealed. */
		OPENSSL_cleanse(out, plain);
		ERR_pop_to_mark();
	} else {
		ERR_pop_to_mark();
		rv = CKR_OK;
	}
	EVP_CIPHER_CTX_free(ctx);
	return rv;
}

static void attribute_aad(
	const struct seal *seal, uint64_t id, uint32_t type, uint8_t out[AAD_SIZE])
{
	memcpy(out, aad_attribute, sizeof(aad_attribute));
	out += sizeof(aad_attribute);
	memcpy(out, seal->uuid, SEAL_UUID);
	record_put64(out + SEAL_UUID, id);
	record_put32(out + SEAL_UUID + 8, type);
}

CK_RV seal_close(struct seal *seal, uint64_t id, uint32_t type, const uint8_t *value, size_t length,
	struct buffer *out)
{
	uint8_t aad[AAD_SIZE];
	uint8_t *to = buffer_extend(out, length + SEAL_OVERHEAD);

	if (to == NULL)
		return CKR_HOST_MEMORY;
	attribute_aad(seal, id, type, aad);
	return gcm_close(seal->crypto, seal->cipher, seal->keys->data + SEAL_KEY, aad, sizeof(aad),
		value, length, to);
}

CK_RV seal_open(struct seal *seal, uint64_t id, uint32_t type, const uint8_t *sealed, size_t length,
	uint8_t *out)
{
	uint8_t aad[AAD_SIZE];

	attribute_aad(seal, id, type, aad);
	return gcm_open(seal->crypto, seal->cipher, seal->keys->data + SEAL_KEY, aad, sizeof(aad),
		sealed, length, out);
}

typedef CK_RV gcm_function(struct crypto *crypto, const EVP_CIPHER *cipher, const uint8_t *key,
	const uint8_t *aad, size_t aad_length, const uint8_t *in, size_t length, uint8_t *out);

/* With a key that is used once. */
static CK_RV gcm_once(gcm_function *function, struct crypto *crypto, const uint8_t *key,
	const uint8_t *aad, size_t aad_length, const uint8_t *in, size_t length, uint8_t *out)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(crypto_libctx(crypto), "AES-256-GCM", NULL);
	CK_RV rv;

	if (cipher == NULL)
		return crypto_failed(crypto, "vault: AES-256-GCM", CKR_GENERAL_ERROR);
	rv = function(crypto, cipher, key, aad, aad_length, in, length, out);
	EVP_CIPHER_free(cipher);
	return rv;
}

CK_RV seal_wrap(struct crypto *crypto, const uint8_t key[SEAL_KEY], const uint8_t *aad,
	size_t aad_length, const uint8_t *in, size_t length, uint8_t *out)
{
	return gcm_once(gcm_close, crypto, key, aad, aad_length, in, length, out);
}

CK_RV seal_unwrap(struct crypto *crypto, const uint8_t key[SEAL_KEY], const uint8_t *aad,
	size_t aad_length, const uint8_t *in, size_t length, uint8_t *out)
{
	return gcm_once(gcm_open, crypto, key, aad, aad_length, in, length, out);
}
