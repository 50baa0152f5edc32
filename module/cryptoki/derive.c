#include "module/cryptoki/derive.h"

#include <stdlib.h>
#include <string.h>

#include "module/cryptoki/module.h"
#include "module/crypto/key.h"

#define DERIVE_MAX 65536 /* bytes of a derived secret */

static const struct {
	CK_ULONG kdf;
	CK_MECHANISM_TYPE hash;
} functions[] = {
	{CKD_NULL, MECHANISM_NONE},
	{CKD_SHA1_KDF, CKM_SHA_1},
	{CKD_SHA224_KDF, CKM_SHA224},
	{CKD_SHA256_KDF, CKM_SHA256},
	{CKD_SHA384_KDF, CKM_SHA384},
	{CKD_SHA512_KDF, CKM_SHA512},
};

struct derive_secret {
	uint8_t *data;
	size_t length;
};

static CK_RV derive_share(struct session *session, const struct object *base,
	const CK_ECDH1_DERIVE_PARAMS *parameter, struct derive_secret *out)
{
	struct token *token = session_token(session);
	struct key *key = NULL;
	CK_RV rv;

	if (!shelf_has(base->id))
		return token->class->derive(token, base->id, parameter->pPublicData,
			parameter->ulPublicDataLen, &out->data, &out->length);
	rv = key_decode(session->module->crypto, base->attributes, &key);
	if (rv == CKR_OK)
		rv = key_derive(key, parameter->pPublicData, parameter->ulPublicDataLen, &out->data,
			&out->length);
	key_unref(key);
	return rv;
}

/* ANSI X9.63 / SEC 1, 3.6.1: Hash(Z || counter || SharedInfo), as often as it takes. */
static CK_RV derive_hash(struct session *session, CK_MECHANISM_TYPE mechanism,
	const struct derive_secret *z, const CK_ECDH1_DERIVE_PARAMS *parameter, uint8_t *out,
	size_t length)
{
	uint8_t digest[HASH_SIZE_MAX];
	struct hash *hash = NULL;
	CK_RV rv = hash_new(session->module->crypto, mechanism, &hash);

	for (uint32_t counter = 1; rv == CKR_OK && length > 0; counter++) {
		uint8_t number[] = {(uint8_t)(counter >> 24), (uint8_t)(counter >> 16),
			(uint8_t)(counter >> 8), (uint8_t)counter};
		size_t taken = hash_of(hash)->size < length ? hash_of(hash)->size : length;
		rv = counter > 1 ? hash_restart(hash) : CKR_OK;
		if (rv == CKR_OK)
			rv = hash_update(hash, z->data, z->length);
		if (rv == CKR_OK)
			rv = hash_update(hash, number, sizeof(number));
		if (rv == CKR_OK)
			rv = hash_update(hash, parameter->pSharedData, parameter->ulSharedDataLen);
		if (rv == CKR_OK)
			rv = hash_final(hash, digest);
		if (rv == CKR_OK)
			memcpy(out, digest, taken);
		out += taken;
		length -= taken;
	}
	explicit_bzero(digest, sizeof(digest));
	hash_free(hash);
	return rv;
}

CK_RV derive_ecdh(struct session *session, const struct object *base,
	const CK_ECDH1_DERIVE_PARAMS *parameter, uint8_t **out, CK_ULONG *length)
{
	struct derive_secret z = {NULL, 0};
	size_t function = 0, functions_count = sizeof(functions) / sizeof(functions[0]);
	uint8_t *secret = NULL;
	CK_RV rv;

	while (function < functions_count && functions[function].kdf != parameter->kdf)
		function++;
	if (function == functions_count)
		return CKR_MECHANISM_PARAM_INVALID;
	CK_MECHANISM_TYPE hash = functions[function].hash;
	/* CKD_NULL takes no shared data. */
	if (hash == MECHANISM_NONE && parameter->ulSharedDataLen != 0)
		return CKR_MECHANISM_PARAM_INVALID;
	rv = derive_share(session, base, parameter, &z);
	if (rv != CKR_OK)
		return rv;
	size_t wanted = *length != 0 ? *length : z.length;
	if (wanted > DERIVE_MAX || (hash == MECHANISM_NONE && wanted > z.length)) {
		rv = CKR_TEMPLATE_INCONSISTENT;
		goto out;
	}
	secret = calloc(1, wanted);
	if (secret == NULL) {
		rv = CKR_HOST_MEMORY;
		goto out;
	}
	if (hash == MECHANISM_NONE)
		memcpy(secret, z.data + z.length - wanted, wanted);
	else
		rv = derive_hash(session, hash, &z, parameter, secret, wanted);
	if (rv != CKR_OK)
		goto out;
	*out = secret;
	*length = wanted;
	secret = NULL;
out:
	explicit_bzero(z.data, z.length);
	free(z.data);
	free(secret);
	return rv;
}
