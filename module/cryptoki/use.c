#include "module/cryptoki/use.h"

#include <string.h>

#include "module/cryptoki/argument.h"
#include "module/cryptoki/module.h"
#include "module/cryptoki/object.h"
#include "module/crypto/key.h"

/* What each purpose asks of the mechanism and of the key. */
static const struct {
	CK_FLAGS flag;
	CK_OBJECT_CLASS class;
	CK_ATTRIBUTE_TYPE permission;
	CK_RV too_long; /* the answer to more input than can be taken */
} purposes[] = {
	[OPERATION_SIGN] = {CKF_SIGN, CKO_PRIVATE_KEY, CKA_SIGN, CKR_DATA_LEN_RANGE},
	[OPERATION_VERIFY] = {CKF_VERIFY, CKO_PUBLIC_KEY, CKA_VERIFY, CKR_DATA_LEN_RANGE},
	[OPERATION_ENCRYPT] = {CKF_ENCRYPT, CKO_PUBLIC_KEY, CKA_ENCRYPT, CKR_DATA_LEN_RANGE},
	[OPERATION_DECRYPT] = {CKF_DECRYPT, CKO_PRIVATE_KEY, CKA_DECRYPT,
		CKR_ENCRYPTED_DATA_LEN_RANGE},
	[OPERATION_SIGN_RECOVER] = {CKF_SIGN_RECOVER, CKO_PRIVATE_KEY, CKA_SIGN_RECOVER,
		CKR_DATA_LEN_RANGE},
	[OPERATION_VERIFY_RECOVER] = {CKF_VERIFY_RECOVER, CKO_PUBLIC_KEY, CKA_VERIFY_RECOVER,
		CKR_SIGNATURE_LEN_RANGE},
};

static void use_drop(struct use *use)
{
	operation_free(use->operation);
	hash_free(use->hash);
	object_unref(use->key);
	use->operation = NULL;
	use->hash = NULL;
	use->key = NULL;
	use->mechanism = NULL;
}

void use_end(struct use *use)
{
	use->active = false;
	use->started = false;
	use->asked = false;
	use->unproved = false;
	buffer_free(&use->data);
	use->data = BUFFER_INIT(0);
}

void use_free(struct use *use)
{
	use_end(use);
	use_drop(use);
	*use = (struct use){.active = false};
}

CK_RV use_leave(struct use *use, CK_RV rv)
{
	if (rv != CKR_BUFFER_TOO_SMALL)
		use_end(use);
	return rv;
}

/* Parameters without pointers can be compared by their bytes, and so be kept. */
static bool use_can_keep(const struct mechanism *row, const CK_MECHANISM *mechanism)
{
	return (row->parameter == MECHANISM_NO_PARAMETER || row->parameter == MECHANISM_PSS ||
		       mechanism->ulParameterLen == 0) &&
	       mechanism->ulParameterLen <= USE_PARAMETER_MAX;
}

static bool use_fits(const struct use *use, const CK_MECHANISM *mechanism, const struct object *key,
	unsigned long epoch)
{
	return use->operation != NULL && use->key == key && use->epoch == epoch &&
	       use->mechanism->type == mechanism->mechanism &&
	       use_can_keep(use->mechanism, mechanism) &&
	       use->parameter_length == mechanism->ulParameterLen &&
	       (use->parameter_length == 0 ||
		       memcmp(use->parameter, mechanism->pParameter, use->parameter_length) == 0);
}

static CK_RV use_check_key(
	const struct attributes *key, enum operation_purpose purpose, const struct mechanism *row)
{
	CK_OBJECT_CLASS class = attributes_ulong(key, CKA_CLASS, CK_UNAVAILABLE_INFORMATION);
	CK_KEY_TYPE type = attributes_ulong(key, CKA_KEY_TYPE, CK_UNAVAILABLE_INFORMATION);

	if (type == CK_UNAVAILABLE_INFORMATION)
		return CKR_KEY_HANDLE_INVALID;
	if (type != row->key_type)
		return CKR_KEY_TYPE_INCONSISTENT;
	if (class != purposes[purpose].class ||
		!attributes_bool(key, purposes[purpose].permission, false))
		return CKR_KEY_FUNCTION_NOT_PERMITTED;
	return mechanism_is_allowed(key, row->type) ? CKR_OK : CKR_MECHANISM_INVALID;
}

/* Private keys of the token are the store's to use; all others are decoded here. */
static CK_RV use_prepare(struct session *session, const struct object *object,
	enum operation_purpose purpose, const CK_MECHANISM *raw, struct operation **out)
{
	struct token *token = session_token(session);
	struct key *key = NULL;
	CK_RV rv;

	if (purposes[purpose].class == CKO_PRIVATE_KEY && !shelf_has(object->id))
		return token->class->prepare(token, object->id, purpose, raw, out);
	rv = key_decode(session->module->crypto, object->attributes, &key);
	if (rv == CKR_OK)
		rv = key_prepare(key, purpose, raw, out);
	key_unref(key);
	return rv;
}

static CK_RV use_renew(struct session *session, struct use *use, enum operation_purpose purpose,
	const CK_MECHANISM *mechanism, struct object *key)
{
	const struct mechanism *row = NULL;
	CK_MECHANISM raw = *mechanism;
	CK_RV rv;

	rv = mechanism_find(session->module, mechanism, purposes[purpose].flag, &row);
	if (rv == CKR_OK && !mechanism_is_for(session_token(session)->class, row))
		rv = CKR_MECHANISM_INVALID;
	if (rv == CKR_OK)
		rv = use_check_key(key->attributes, purpose, row);
	if (rv != CKR_OK)
		return rv;
	use_drop(use);
	raw.mechanism = row->raw;
	rv = use_prepare(session, key, purpose, &raw, &use->operation);
	if (rv == CKR_OK && row->hash != MECHANISM_NONE)
		rv = hash_new(session->module->crypto, row->hash, &use->hash);
	if (rv != CKR_OK) {
		use_drop(use);
		return rv;
	}
	use->purpose = purpose;
	use->mechanism = row;
	use->key = object_ref(key);
	use->always_authenticate = purposes[purpose].class == CKO_PRIVATE_KEY &&
				   attributes_bool(key->attributes, CKA_ALWAYS_AUTHENTICATE, false);
	use->is_private = attributes_bool(key->attributes, CKA_PRIVATE, false);
	use->parameter_length = mechanism->ulParameterLen;
	if (use_can_keep(row, mechanism) && mechanism->ulParameterLen != 0)
		memcpy(use->parameter, mechanism->pParameter, mechanism->ulParameterLen);
	return CKR_OK;
}

CK_RV use_init(struct session *session, struct use *use, enum operation_purpose purpose,
	const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE handle)
{
	struct object *key = NULL;
	CK_RV rv;

	if (mechanism == NULL) {
		rv = use->active ? CKR_OK : CKR_ARGUMENTS_BAD;
		use_end(use);
		return rv;
	}
	if (use->active)
		return CKR_OPERATION_ACTIVE;
	rv = object_lookup(session, handle, &key);
	if (rv == CKR_OBJECT_HANDLE_INVALID) {
		/* What the token can't do is told first: it is why there is no such key. */
		const struct mechanism *row = NULL;
		rv = mechanism_find(session->module, mechanism, purposes[purpose].flag, &row);
		return rv != CKR_OK ? rv : CKR_KEY_HANDLE_INVALID;
	}
	if (rv != CKR_OK)
		return rv;
	unsigned long epoch = session->slot->epoch;
	if (use_fits(use, mechanism, key, epoch)) {
		if (use->hash != NULL)
			rv = hash_restart(use->hash);
	} else {
		rv = use_renew(session, use, purpose, mechanism, key);
		use->epoch = epoch;
	}
	object_unref(key);
	if (rv != CKR_OK)
		return rv;
	use->operation->cancelled = &session->cancels;
	use->active = true;
	use->unproved = use->always_authenticate;
	return CKR_OK;
}

CK_RV use_enter(struct use *use, const struct use_data *data)
{
	bool others;

	if (!use->active)
		return CKR_OPERATION_NOT_INITIALIZED;
	others = data != NULL ? use->started : use->asked && !use->started;
	if (others)
		return use_leave(use, CKR_OPERATION_ACTIVE);
	use->asked = use->asked || data != NULL;
	return CKR_OK;
}

CK_RV use_check_login(struct session *session, const struct use *use)
{
	if (use->unproved || (use->is_private && use->epoch != session->slot->epoch))
		return CKR_USER_NOT_LOGGED_IN;
	return CKR_OK;
}

CK_RV use_update(struct use *use, const uint8_t *data, CK_ULONG length)
{
	if (!argument_is_bytes(data, length))
		return CKR_ARGUMENTS_BAD;
	use->started = true;
	if (use->hash != NULL)
		return hash_update(use->hash, data, length);
	if (use->data.limit == 0) {
		size_t limit = use->operation->input_max;
		use->data = BUFFER_INIT(limit < USE_DATA_MAX ? limit : USE_DATA_MAX);
	}
	if (length > use->data.limit - use->data.length)
		return purposes[use->purpose].too_long;
	return buffer_append(&use->data, data, length) ? CKR_OK : CKR_HOST_MEMORY;
}

/* The digest of what was hashed, in the shape that the raw mechanism wants. */
static CK_RV use_digest(struct use *use, struct use_input *out)
{
	const struct hash_info *info = hash_of(use->hash);
	size_t prefix = use->mechanism->input == MECHANISM_DIGESTINFO ? info->prefix_size : 0;
	CK_RV rv = hash_final(use->hash, out->digest + prefix);

	if (prefix > 0)
		memcpy(out->digest, info->prefix, prefix);
	out->data = out->digest;
	out->length = prefix + info->size;
	return rv;
}

CK_RV use_take(struct use *use, const struct use_data *data, struct use_input *out)
{
	CK_RV rv = CKR_OK;

	if (data != NULL && !argument_is_bytes(data->bytes, data->length))
		return CKR_ARGUMENTS_BAD;
	if (use->hash != NULL) {
		if (data != NULL)
			rv = hash_update(use->hash, data->bytes, data->length);
		return rv == CKR_OK ? use_digest(use, out) : rv;
	}
	if (data != NULL && data->length > use->operation->input_max)
		return purposes[use->purpose].too_long;
	out->data = data != NULL ? data->bytes : use->data.data;
	out->length = data != NULL ? data->length : use->data.length;
	return CKR_OK;
}

CK_RV use_finish(struct session *session, struct use *use, const struct use_data *data, bool exact,
	use_run *run, uint8_t *out, CK_ULONG *length)
{
	struct use_input input;
	CK_RV rv = use_enter(use, data);

	if (rv != CKR_OK)
		return rv;
	if (length == NULL)
		return use_leave(use, CKR_ARGUMENTS_BAD);
	if (out == NULL || (exact && *length < use->operation->output_max)) {
		*length = use->operation->output_max;
		return out == NULL ? CKR_OK : CKR_BUFFER_TOO_SMALL;
	}
	rv = use_check_login(session, use);
	if (rv == CKR_OK)
		rv = use_take(use, data, &input);
	if (rv == CKR_OK)
		rv = run(use, &input, out, length);
	return use_leave(use, rv);
}
