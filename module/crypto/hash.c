#include "module/crypto/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "module/crypto/provider.h"
#include "module/gost/streebog.h"

/* DER DigestInfo up to the digest itself (RFC 8017, 9.2, note 1). */
static const uint8_t prefix_sha1[] = {
	0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14};
#define SHA2_PREFIX(name, total, arc, size)                                                        \
	static const uint8_t name[] = {0x30, total, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48,      \
		0x01, 0x65, 0x03, 0x04, 0x02, arc, 0x05, 0x00, 0x04, size}
SHA2_PREFIX(prefix_sha224, 0x2d, 0x04, 0x1c);
SHA2_PREFIX(prefix_sha256, 0x31, 0x01, 0x20);
SHA2_PREFIX(prefix_sha384, 0x41, 0x02, 0x30);
SHA2_PREFIX(prefix_sha512, 0x51, 0x03, 0x40);

static const struct hash_info hashes[] = {
	{CKM_SHA_1, CKG_MGF1_SHA1, "SHA1", 20, prefix_sha1, sizeof(prefix_sha1)},
	{CKM_SHA224, CKG_MGF1_SHA224, "SHA2-224", 28, prefix_sha224, sizeof(prefix_sha224)},
	{CKM_SHA256, CKG_MGF1_SHA256, "SHA2-256", 32, prefix_sha256, sizeof(prefix_sha256)},
	{CKM_SHA384, CKG_MGF1_SHA384, "SHA2-384", 48, prefix_sha384, sizeof(prefix_sha384)},
	{CKM_SHA512, CKG_MGF1_SHA512, "SHA2-512", 64, prefix_sha512, sizeof(prefix_sha512)},
	{CKM_GOSTR3411_12_256, 0, NULL, 32, NULL, 0},
	{CKM_GOSTR3411_12_512, 0, NULL, 64, NULL, 0},
};

#define HASHES (sizeof(hashes) / sizeof(hashes[0]))

struct hash {
	struct crypto *crypto;
	const struct hash_info *info;
	EVP_MD *md; /* NULL: Streebog */
	EVP_MD_CTX *running;
	struct streebog streebog;
};

const struct hash_info *hash_info_at(size_t i)
{
	return i < HASHES ? &hashes[i] : NULL;
}

const struct hash_info *hash_info(CK_MECHANISM_TYPE mechanism)
{
	for (size_t i = 0; i < HASHES; i++) {
		if (hashes[i].mechanism == mechanism)
			return &hashes[i];
	}
	return NULL;
}

const struct hash_info *hash_of(const struct hash *hash)
{
	return hash->info;
}

/* A session keeps its hash, so that this is fetched once a session, not once a digest. */
static CK_RV hash_fetch(struct hash *hash)
{
	char name[32];

	if (hash->info->name == NULL)
		return CKR_OK;
	snprintf(name, sizeof(name), PROVIDER_PREFIX "%s", hash->info->name);
	hash->md = EVP_MD_fetch(crypto_libctx(hash->crypto), name, PROVIDER_QUERY);
	hash->running = EVP_MD_CTX_new();
	if (hash->md == NULL || hash->running == NULL)
		return crypto_failed(hash->crypto, hash->info->name, CKR_FUNCTION_FAILED);
	return CKR_OK;
}

CK_RV hash_new(struct crypto *crypto, CK_MECHANISM_TYPE mechanism, struct hash **out)
{
	const struct hash_info *info = hash_info(mechanism);
	struct hash *hash;
	CK_RV rv;

	if (info == NULL)
		return CKR_MECHANISM_INVALID;
	hash = calloc(1, sizeof(*hash));
	if (hash == NULL)
		return CKR_HOST_MEMORY;
	hash->crypto = crypto;
	hash->info = info;
	rv = hash_fetch(hash);
	if (rv == CKR_OK)
		rv = hash_restart(hash);
	if (rv != CKR_OK) {
		hash_free(hash);
		return rv;
	}
	*out = hash;
	return CKR_OK;
}

CK_RV hash_restart(struct hash *hash)
{
	if (hash->md == NULL)
		streebog_init(&hash->streebog, hash->info->size);
	else if (EVP_DigestInit_ex2(hash->running, hash->md, NULL) != 1)
		return crypto_failed(hash->crypto, hash->info->name, CKR_FUNCTION_FAILED);
	return CKR_OK;
}

CK_RV hash_update(struct hash *hash, const void *data, size_t length)
{
	if (hash->md == NULL)
		streebog_update(&hash->streebog, data, length);
	else if (EVP_DigestUpdate(hash->running, data, length) != 1)
		return crypto_failed(hash->crypto, hash->info->name, CKR_FUNCTION_FAILED);
	return CKR_OK;
}

CK_RV hash_final(struct hash *hash, uint8_t *out)
{
	if (hash->md == NULL)
		streebog_final(&hash->streebog, out);
	else if (EVP_DigestFinal_ex(hash->running, out, NULL) != 1)
		return crypto_failed(hash->crypto, hash->info->name, CKR_FUNCTION_FAILED);
	return CKR_OK;
}

void hash_free(struct hash *hash)
{
	if (hash == NULL)
		return;
	EVP_MD_CTX_free(hash->running);
	EVP_MD_free(hash->md);
	explicit_bzero(&hash->streebog, sizeof(hash->streebog));
	free(hash);
}
