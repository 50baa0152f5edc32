#include "asn1/message_digest.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "asn1/algorithm.h"
#include "module/gost/streebog.h"

/* OpenSSL's context, or (NULL) Streebog, which it does not have. */
struct message_digest {
	EVP_MD_CTX *context;
	struct streebog streebog;
	size_t size;
};

struct message_digest *message_digest_new(const char *name, struct error *err)
{
	struct message_digest *digest = calloc(1, sizeof(*digest));
	EVP_MD *md = NULL;

	if (digest == NULL) {
		error_set(err, ERROR_FAILED, "out of memory");
		return NULL;
	}
	if (strcmp(name, STREEBOG_256) == 0 || strcmp(name, STREEBOG_512) == 0) {
		digest->size = strcmp(name, STREEBOG_256) == 0 ? 32 : 64;
		streebog_init(&digest->streebog, digest->size);
		return digest;
	}
	digest->context = EVP_MD_CTX_new();
	if (digest->context == NULL) {
		error_set(err, ERROR_FAILED, "out of memory");
		goto fail;
	}
	ERR_set_mark();
	md = EVP_MD_fetch(NULL, name, NULL);
	ERR_pop_to_mark();
	if (md == NULL || EVP_DigestInit_ex2(digest->context, md, NULL) != 1) {
		error_set(err, ERROR_FAILED, "the digest %s is not available", name);
		goto fail;
	}
	EVP_MD_free(md);
	return digest;
fail:
	EVP_MD_free(md);
	message_digest_free(digest);
	return NULL;
}

void message_digest_free(struct message_digest *digest)
{
	if (digest == NULL)
		return;
	EVP_MD_CTX_free(digest->context);
	free(digest);
}

bool message_digest_update(
	struct message_digest *digest, const void *data, size_t length, struct error *err)
{
	if (digest->context == NULL) {
		streebog_update(&digest->streebog, data, length);
		return true;
	}
	return EVP_DigestUpdate(digest->context, data, length) == 1 ||
	       error_set(err, ERROR_FAILED, "the digest failed");
}

bool message_digest_finish(struct message_digest *digest, uint8_t value[MESSAGE_DIGEST_MAX],
	size_t *length, struct error *err)
{
	uint8_t made[EVP_MAX_MD_SIZE];
	unsigned size = 0;

	if (digest->context == NULL) {
		streebog_final(&digest->streebog, value);
		*length = digest->size;
		return true;
	}
	if (EVP_DigestFinal_ex(digest->context, made, &size) != 1)
		return error_set(err, ERROR_FAILED, "the digest failed");
	memcpy(value, made, size);
	*length = size;
	return true;
}

bool algorithm_digest(const char *name, const void *data, size_t length, uint8_t value[64],
	size_t *value_length, struct error *err)
{
	struct message_digest *digest = message_digest_new(name, err);
	bool done = digest != NULL && message_digest_update(digest, data, length, err) &&
		    message_digest_finish(digest, value, value_length, err);

	message_digest_free(digest);
	return done;
}
