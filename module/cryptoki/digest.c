#include "module/cryptoki/digest.h"

#include "module/cryptoki/argument.h"
#include "module/cryptoki/module.h"
#include "module/cryptoki/object.h"
#include "module/crypto/hash.h"

void digest_end(struct digest *digest)
{
	digest->active = false;
	digest->started = false;
	digest->asked = false;
}

void digest_free(struct digest *digest)
{
	hash_free(digest->hash);
	*digest = (struct digest){.active = false};
}

static CK_RV digest_leave(struct digest *digest, CK_RV rv)
{
	if (rv != CKR_BUFFER_TOO_SMALL)
		digest_end(digest);
	return rv;
}

CK_RV digest_init(struct session *session, const CK_MECHANISM *mechanism)
{
	struct digest *digest = &session->digest;
	const struct mechanism *row = NULL;
	CK_RV rv;

	if (mechanism == NULL) {
		rv = digest->active ? CKR_OK : CKR_ARGUMENTS_BAD;
		digest_end(digest);
		return rv;
	}
	if (digest->active)
		return CKR_OPERATION_ACTIVE;
	rv = mechanism_find(session->module, mechanism, CKF_DIGEST, &row);
	if (rv != CKR_OK)
		return rv;
	if (digest->hash != NULL && hash_of(digest->hash)->mechanism == row->hash) {
		rv = hash_restart(digest->hash);
	} else {
		hash_free(digest->hash);
		digest->hash = NULL;
		rv = hash_new(session->module->crypto, row->hash, &digest->hash);
	}
	digest->active = rv == CKR_OK;
	return rv;
}

/* CKR_OK with `*done` for a size query. */
static CK_RV digest_room(
	const struct digest *digest, const uint8_t *out, CK_ULONG *out_length, bool *done)
{
	CK_ULONG needed = hash_of(digest->hash)->size;
	CK_RV rv = out != NULL && *out_length < needed ? CKR_BUFFER_TOO_SMALL : CKR_OK;

	*out_length = needed;
	*done = out == NULL;
	return rv;
}

CK_RV digest_whole(struct session *session, const uint8_t *data, CK_ULONG length, uint8_t *out,
	CK_ULONG *out_length)
{
	struct digest *digest = &session->digest;
	bool done = false;
	CK_RV rv;

	if (!digest->active)
		return CKR_OPERATION_NOT_INITIALIZED;
	if (digest->started)
		return digest_leave(digest, CKR_OPERATION_ACTIVE);
	digest->asked = true;
	if (out_length == NULL || !argument_is_bytes(data, length))
		return digest_leave(digest, CKR_ARGUMENTS_BAD);
	rv = digest_room(digest, out, out_length, &done);
	if (rv == CKR_OK && done)
		return CKR_OK;
	if (rv == CKR_OK)
		rv = hash_update(digest->hash, data, length);
	if (rv == CKR_OK)
		rv = hash_final(digest->hash, out);
	return digest_leave(digest, rv);
}

CK_RV digest_update(struct session *session, const uint8_t *data, CK_ULONG length)
{
	struct digest *digest = &session->digest;
	CK_RV rv = CKR_ARGUMENTS_BAD;

	if (!digest->active)
		return CKR_OPERATION_NOT_INITIALIZED;
	digest->started = true;
	if (argument_is_bytes(data, length))
		rv = hash_update(digest->hash, data, length);
	return rv == CKR_OK ? CKR_OK : digest_leave(digest, rv);
}

CK_RV digest_key(struct session *session, CK_OBJECT_HANDLE key)
{
	struct digest *digest = &session->digest;
	struct object *object = NULL;
	CK_RV rv;

	if (!digest->active)
		return CKR_OPERATION_NOT_INITIALIZED;
	digest->started = true;
	rv = object_lookup(session, key, &object);
	if (rv != CKR_OK)
		return digest_leave(digest, CKR_KEY_HANDLE_INVALID);
	const CK_ATTRIBUTE *value = attributes_find(object->attributes, CKA_VALUE);
	if (value == NULL ||
		attributes_ulong(object->attributes, CKA_CLASS, CKO_DATA) != CKO_SECRET_KEY)
		rv = CKR_KEY_INDIGESTIBLE;
	else
		rv = hash_update(digest->hash, value->pValue, value->ulValueLen);
	object_unref(object);
	return rv == CKR_OK ? CKR_OK : digest_leave(digest, rv);
}

CK_RV digest_final(struct session *session, uint8_t *out, CK_ULONG *out_length)
{
	struct digest *digest = &session->digest;
	bool done = false;
	CK_RV rv;

	if (!digest->active)
		return CKR_OPERATION_NOT_INITIALIZED;
	if (digest->asked && !digest->started)
		return digest_leave(digest, CKR_OPERATION_ACTIVE);
	if (out_length == NULL)
		return digest_leave(digest, CKR_ARGUMENTS_BAD);
	rv = digest_room(digest, out, out_length, &done);
	if (rv == CKR_OK && done)
		return CKR_OK;
	if (rv == CKR_OK)
		rv = hash_final(digest->hash, out);
	return digest_leave(digest, rv);
}
