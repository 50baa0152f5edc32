#include "module/cryptoki/object.h"

#include <stdlib.h>
#include <string.h>

#include "module/cryptoki/certificate.h"
#include "module/cryptoki/module.h"
#include "module/crypto/hash.h"
#include "module/crypto/key.h"

#define OBJECT_ID_MASK (((CK_OBJECT_HANDLE)1 << OBJECT_ID_BITS) - 1)

/* The login's number, where handles carry it. */
static CK_OBJECT_HANDLE object_mark(struct session *session)
{
	CK_OBJECT_HANDLE epoch = session->slot->epoch;
	return epoch << OBJECT_ID_BITS & ~SHELF_BIT;
}

CK_OBJECT_HANDLE object_handle(struct session *session, const struct object *object)
{
	if (object->id > OBJECT_ID_MASK || !attributes_bool(object->attributes, CKA_PRIVATE, false))
		return object->id;
	return object->id | object_mark(session);
}

CK_RV object_lookup(struct session *session, CK_OBJECT_HANDLE handle, struct object **out)
{
	struct token *token = session_token(session);
	struct object *object = NULL;
	uint64_t id = handle;

	if (handle == CK_INVALID_HANDLE)
		return CKR_OBJECT_HANDLE_INVALID;
	if (shelf_has(handle))
		return shelf_get(&session->slot->shelf, handle, out);
	if ((handle & ~OBJECT_ID_MASK) == object_mark(session))
		id = handle & OBJECT_ID_MASK;
	CK_RV rv = token->class->get(token, id, &object);
	if (rv != CKR_OK)
		return rv;
	if (object_handle(session, object) != handle) {
		object_unref(object);
		return CKR_OBJECT_HANDLE_INVALID;
	}
	*out = object;
	return CKR_OK;
}

static bool object_is_so(struct session *session)
{
	return session->slot->user == CKU_SO;
}

/* Does the object keep this attribute to itself? */
static bool object_hides(const struct attributes *object, const struct attribute_rule *rule)
{
	return rule != NULL && (rule->flags & ATTRIBUTE_SECRET) != 0 &&
	       (attributes_bool(object, CKA_SENSITIVE, true) ||
		       !attributes_bool(object, CKA_EXTRACTABLE, false));
}

/* One entry of C_GetAttributeValue (PKCS #11 v3.0, 5.7.5). */
static CK_RV object_give(CK_ATTRIBUTE *entry, const CK_ATTRIBUTE *value)
{
	if (entry->pValue == NULL) {
		entry->ulValueLen = value->ulValueLen;
		return CKR_OK;
	}
	if (entry->ulValueLen < value->ulValueLen) {
		entry->ulValueLen = CK_UNAVAILABLE_INFORMATION;
		return CKR_BUFFER_TOO_SMALL;
	}
	if (value->ulValueLen > 0)
		memcpy(entry->pValue, value->pValue, value->ulValueLen);
	entry->ulValueLen = value->ulValueLen;
	return CKR_OK;
}

struct object_reader {
	struct session *session;
	struct object *object;
	CK_OBJECT_CLASS class;
	CK_KEY_TYPE key_type;
	struct attributes *secrets; /* what the store revealed */
};

static CK_RV object_read(struct object_reader *reader, CK_ATTRIBUTE *entry)
{
	const struct attributes *attributes = reader->object->attributes;
	const struct attribute_rule *rule =
		attribute_rule_find(entry->type, reader->class, reader->key_type);
	const CK_ATTRIBUTE *value = attributes_find(attributes, entry->type);
	struct token *token = session_token(reader->session);
	CK_ATTRIBUTE otherwise;
	CK_RV rv = CKR_ATTRIBUTE_TYPE_INVALID;

	if (object_hides(attributes, rule)) {
		rv = CKR_ATTRIBUTE_SENSITIVE;
	} else if (value != NULL) {
		return object_give(entry, value);
	} else if (rule != NULL && (rule->flags & ATTRIBUTE_SECRET) != 0 &&
		   !shelf_has(reader->object->id)) {
		rv = CKR_OK;
		if (reader->secrets == NULL)
			rv = token->class->reveal(token, reader->object->id, &reader->secrets);
		if (rv == CKR_OK)
			value = attributes_find(reader->secrets, entry->type);
		if (value != NULL)
			return object_give(entry, value);
		if (rv == CKR_OK)
			rv = CKR_ATTRIBUTE_TYPE_INVALID;
	} else if (rule != NULL && attribute_default(rule, &otherwise)) {
		return object_give(entry, &otherwise);
	}
	entry->ulValueLen = CK_UNAVAILABLE_INFORMATION;
	return rv;
}

/* Entries of one C_GetAttributeValue: more than anybody asks, few enough to tell a length from rubbish. */
#define OBJECT_VALUES_MAX 65536

CK_RV object_get_values(
	struct session *session, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE *templ, CK_ULONG count)
{
	struct object_reader reader = {.session = session};
	CK_RV rv, result = CKR_OK;

	if (templ == NULL || count > OBJECT_VALUES_MAX)
		return CKR_ARGUMENTS_BAD;
	rv = object_lookup(session, handle, &reader.object);
	if (rv != CKR_OK)
		return rv;
	const struct attributes *attributes = reader.object->attributes;
	reader.class = attributes_ulong(attributes, CKA_CLASS, CK_UNAVAILABLE_INFORMATION);
	reader.key_type = attributes_ulong(attributes, CKA_KEY_TYPE, CK_UNAVAILABLE_INFORMATION);
	/* All entries are answered; of several errors, any may be told. */
	for (CK_ULONG i = 0; i < count; i++) {
		rv = object_read(&reader, &templ[i]);
		if (rv != CKR_OK)
			result = rv;
	}
	attributes_free(reader.secrets);
	object_unref(reader.object);
	return result;
}

/* Rights to change or destroy what is there; `permission` is CKA_MODIFIABLE and the like. */
static CK_RV object_may_touch(
	struct session *session, const struct object *object, CK_ATTRIBUTE_TYPE permission)
{
	if (!attributes_bool(object->attributes, permission, true))
		return CKR_ACTION_PROHIBITED;
	if (!shelf_has(object->id) && !session_is_rw(session))
		return CKR_SESSION_READ_ONLY;
	return CKR_OK;
}

CK_RV object_set_values(struct session *session, CK_OBJECT_HANDLE handle,
	const CK_ATTRIBUTE *changes, CK_ULONG count)
{
	struct token *token = session_token(session);
	struct object *object = NULL, *changed = NULL;
	struct attributes *attributes = NULL;
	CK_RV rv = object_lookup(session, handle, &object);

	if (rv != CKR_OK)
		return rv;
	rv = object_may_touch(session, object, CKA_MODIFIABLE);
	if (rv == CKR_OK)
		rv = template_check_change(
			object->attributes, changes, count, false, object_is_so(session));
	if (rv != CKR_OK)
		goto out;
	if (!shelf_has(handle)) {
		rv = token->class->change(token, object->id, changes, count, &changed);
		goto out;
	}
	rv = attributes_new(object->attributes, changes, count, &attributes);
	if (rv == CKR_OK)
		rv = shelf_change(&session->slot->shelf, handle, attributes);
out:
	object_unref(changed);
	object_unref(object);
	return rv;
}

CK_RV object_get_size(struct session *session, CK_OBJECT_HANDLE handle, CK_ULONG *out)
{
	struct object *object = NULL;
	CK_RV rv;

	if (out == NULL)
		return CKR_ARGUMENTS_BAD;
	rv = object_lookup(session, handle, &object);
	if (rv == CKR_OK)
		*out = attributes_size(object->attributes);
	object_unref(object);
	return rv;
}

CK_RV object_may_write(struct session *session, const struct draft *draft)
{
	CK_USER_TYPE user = session->slot->user;
	bool token = draft_bool(draft, CKA_TOKEN), private = draft_bool(draft, CKA_PRIVATE);

	if (token && !session_is_rw(session))
		return CKR_SESSION_READ_ONLY;
	if (token && draft->class == CKO_SECRET_KEY)
		return CKR_TEMPLATE_INCONSISTENT;
	if (token && draft->class == CKO_PRIVATE_KEY && !private && user == SLOT_USER_NONE)
		return CKR_TEMPLATE_INCONSISTENT;
	if (draft_bool(draft, CKA_ALWAYS_AUTHENTICATE) && !private)
		return CKR_TEMPLATE_INCONSISTENT;
	if (private && user != CKU_USER)
		return CKR_USER_NOT_LOGGED_IN;
	return CKR_OK;
}

/* Takes `attributes`. A logout that happens meanwhile comes before this or takes the new object away, too. */
static CK_RV object_shelve(
	struct session *session, struct attributes *attributes, CK_OBJECT_HANDLE *out)
{
	struct slot *slot = session->slot;
	bool private = attributes_bool(attributes, CKA_PRIVATE, false);
	CK_RV rv = CKR_USER_NOT_LOGGED_IN;

	pthread_mutex_lock(&slot->mutex);
	if (private && slot->user != CKU_USER)
		attributes_free(attributes);
	else
		rv = shelf_add(&slot->shelf, session->handle, attributes, out);
	pthread_mutex_unlock(&slot->mutex);
	return rv;
}

#define PLACE_MAX 2 /* a key pair */

/* Small RSA keys are for a session's own use (old peers, test tools), never kept. */
#define OBJECT_RSA_KEPT 2048 /* bits */

static CK_RV object_check_size(const struct draft *draft)
{
	const CK_ATTRIBUTE *modulus = draft_find(draft, CKA_MODULUS);
	const CK_ULONG kept = OBJECT_RSA_KEPT / 8;
	/* Without leading zeros (ATTRIBUTE_NUMBER), so that the length tells, and the first bit. */
	bool small =
		modulus != NULL &&
		(modulus->ulValueLen < kept ||
			(modulus->ulValueLen == kept && *(const uint8_t *)modulus->pValue < 0x80));

	return small && draft_bool(draft, CKA_TOKEN) ? CKR_KEY_SIZE_RANGE : CKR_OK;
}

CK_RV object_place(struct session *session, struct draft *const drafts[], size_t count,
	CK_OBJECT_HANDLE handles[])
{
	struct token *token = session_token(session);
	struct attributes *sets[PLACE_MAX] = {NULL}, *stored[PLACE_MAX];
	struct object *objects[PLACE_MAX] = {NULL};
	size_t places[PLACE_MAX], on_token = 0;
	CK_RV rv = CKR_OK;

	for (size_t i = 0; i < count && rv == CKR_OK; i++) {
		rv = object_check_size(drafts[i]);
		if (rv == CKR_OK)
			rv = draft_finish(drafts[i], &sets[i]);
		if (rv == CKR_OK && draft_bool(drafts[i], CKA_TOKEN)) {
			stored[on_token] = sets[i];
			places[on_token++] = i;
		}
	}
	if (rv == CKR_OK && on_token > 0)
		rv = token->class->create(token, stored, on_token, objects);
	for (size_t i = 0; i < on_token && rv == CKR_OK; i++)
		handles[places[i]] = object_handle(session, objects[i]);
	for (size_t i = 0; i < count && rv == CKR_OK; i++) {
		if (draft_bool(drafts[i], CKA_TOKEN))
			continue;
		rv = object_shelve(session, sets[i], &handles[i]);
		sets[i] = NULL;
	}
	/* Without memory for the session object: nothing half-made. */
	for (size_t i = 0; i < on_token && rv != CKR_OK; i++)
		if (objects[i] != NULL)
			token->class->remove(token, objects[i]->id);
	for (size_t i = 0; i < count; i++) {
		attributes_free(sets[i]);
		object_unref(objects[i]);
	}
	return rv;
}

static bool object_is_same(const CK_ATTRIBUTE *a, const CK_ATTRIBUTE *b)
{
	return a->ulValueLen == b->ulValueLen && memcmp(a->pValue, b->pValue, a->ulValueLen) == 0;
}

CK_RV object_add_key(
	struct draft *draft, const struct key *key, struct attributes **encoded, uint8_t **info)
{
	const CK_ATTRIBUTE *given = draft_find(draft, CKA_PUBLIC_KEY_INFO);
	size_t length = 0;
	CK_RV rv = key_encode(key, draft->class == CKO_PRIVATE_KEY, encoded);

	for (size_t i = 0; rv == CKR_OK && i < (*encoded)->count; i++) {
		const CK_ATTRIBUTE *value = &(*encoded)->list[i];
		/* A curve has two names: the application's is kept. */
		if (value->type == CKA_EC_PARAMS && draft_find(draft, CKA_EC_PARAMS) != NULL)
			continue;
		/* Both parts of a new pair may name the parameter set: it is one. */
		if (value->type == CKA_GOSTR3410_PARAMS && draft_find(draft, value->type) != NULL &&
			!object_is_same(draft_find(draft, value->type), value)) {
			rv = CKR_TEMPLATE_INCONSISTENT;
			break;
		}
		if (attribute_rule_find(value->type, draft->class, draft->key_type) != NULL)
			rv = draft_set(draft, value->type, value->pValue, value->ulValueLen);
	}
	if (rv == CKR_OK)
		rv = key_public_info(key, info, &length);
	if (rv == CKR_OK && given != NULL && given->ulValueLen != 0 &&
		(given->ulValueLen != length || memcmp(given->pValue, *info, length) != 0))
		rv = CKR_ATTRIBUTE_VALUE_INVALID;
	if (rv == CKR_OK)
		rv = draft_set(draft, CKA_PUBLIC_KEY_INFO, *info, length);
	return rv;
}

CK_RV object_add_check_value(
	struct session *session, struct draft *draft, uint8_t check[OBJECT_CHECK_SIZE])
{
	const CK_ATTRIBUTE *value = draft_find(draft, CKA_VALUE);
	const CK_ATTRIBUTE *given = draft_find(draft, CKA_CHECK_VALUE);
	uint8_t digest[HASH_SIZE_MAX];
	struct hash *hash = NULL;
	CK_RV rv;

	/* Given empty: there shall be none (PKCS #11 v3.0, 4.6.2 and 4.10.2). */
	if (value == NULL || value->ulValueLen == 0 || (given != NULL && given->ulValueLen == 0))
		return CKR_OK;
	rv = hash_new(session->module->crypto, CKM_SHA_1, &hash);
	if (rv == CKR_OK)
		rv = hash_update(hash, value->pValue, value->ulValueLen);
	if (rv == CKR_OK)
		rv = hash_final(hash, digest);
	hash_free(hash);
	if (rv != CKR_OK)
		return rv;
	memcpy(check, digest, OBJECT_CHECK_SIZE);
	if (given != NULL && (given->ulValueLen != OBJECT_CHECK_SIZE ||
				     memcmp(given->pValue, check, OBJECT_CHECK_SIZE) != 0))
		return CKR_ATTRIBUTE_VALUE_INVALID;
	return draft_set(draft, CKA_CHECK_VALUE, check, OBJECT_CHECK_SIZE);
}

/* What is computed for a created object; see object_add_key for `encoded` and `info`. */
struct object_parts {
	struct attributes *given, *encoded;
	struct key *key;
	uint8_t *info;
	uint8_t check[OBJECT_CHECK_SIZE];
	CK_ULONG length;
};

static CK_RV object_compute(
	struct session *session, struct draft *draft, struct object_parts *parts)
{
	CK_RV rv = CKR_OK;

	if (draft->class == CKO_PUBLIC_KEY || draft->class == CKO_PRIVATE_KEY) {
		rv = draft_finish(draft, &parts->given);
		if (rv == CKR_OK)
			rv = key_decode(session->module->crypto, parts->given, &parts->key);
		if (rv == CKR_OK)
			rv = object_add_key(draft, parts->key, &parts->encoded, &parts->info);
	} else if (draft->class == CKO_SECRET_KEY) {
		parts->length = draft_find(draft, CKA_VALUE)->ulValueLen;
		rv = draft_set(draft, CKA_VALUE_LEN, &parts->length, sizeof(parts->length));
	}
	if (rv == CKR_OK && (draft->class == CKO_CERTIFICATE || draft->class == CKO_SECRET_KEY))
		rv = object_add_check_value(session, draft, parts->check);
	return rv;
}

CK_RV object_create(
	struct session *session, const CK_ATTRIBUTE *templ, CK_ULONG count, CK_OBJECT_HANDLE *out)
{
	struct object_parts parts = {.given = NULL};
	struct draft draft, *drafts[] = {&draft};
	CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
	CK_RV rv;

	if (out == NULL || templ == NULL)
		return CKR_ARGUMENTS_BAD;
	rv = draft_begin(&draft, DRAFT_CREATED, 0, 0, templ, count, object_is_so(session));
	if (rv == CKR_OK && draft.class == CKO_CERTIFICATE)
		rv = certificate_fill(&draft);
	if (rv == CKR_OK)
		rv = draft_check_complete(&draft, DRAFT_CREATED);
	if (rv == CKR_OK)
		rv = draft_complete(&draft, session->module->crypto);
	if (rv == CKR_OK)
		rv = object_may_write(session, &draft);
	if (rv == CKR_OK)
		rv = object_compute(session, &draft, &parts);
	if (rv == CKR_OK)
		rv = object_place(session, drafts, 1, &handle);
	if (rv == CKR_OK)
		*out = handle;
	attributes_free(parts.given);
	attributes_free(parts.encoded);
	key_unref(parts.key);
	free(parts.info);
	return rv;
}

CK_RV object_copy(struct session *session, CK_OBJECT_HANDLE handle, const CK_ATTRIBUTE *templ,
	CK_ULONG count, CK_OBJECT_HANDLE *out)
{
	struct token *token = session_token(session);
	struct draft draft = {.count = 0}, *drafts[] = {&draft};
	struct attributes *secrets = NULL;
	struct object *object = NULL;
	CK_OBJECT_HANDLE copy = CK_INVALID_HANDLE;
	CK_RV rv;

	if (out == NULL)
		return CKR_ARGUMENTS_BAD;
	rv = object_lookup(session, handle, &object);
	if (rv != CKR_OK)
		return rv;
	draft.class = attributes_ulong(object->attributes, CKA_CLASS, CK_UNAVAILABLE_INFORMATION);
	draft.key_type =
		attributes_ulong(object->attributes, CKA_KEY_TYPE, CK_UNAVAILABLE_INFORMATION);
	if (!attributes_bool(object->attributes, CKA_COPYABLE, true))
		rv = CKR_ACTION_PROHIBITED;
	if (rv == CKR_OK)
		rv = template_check_change(
			object->attributes, templ, count, true, object_is_so(session));
	if (rv == CKR_OK)
		rv = draft_set_all(&draft, object->attributes);
	for (CK_ULONG i = 0; i < count && rv == CKR_OK; i++)
		rv = draft_set(&draft, templ[i].type, templ[i].pValue, templ[i].ulValueLen);
	if (rv == CKR_OK)
		rv = object_may_write(session, &draft);
	if (rv == CKR_OK && draft.class == CKO_PRIVATE_KEY && !shelf_has(handle))
		rv = token->class->reveal(token, object->id, &secrets);
	if (rv == CKR_OK && secrets != NULL)
		rv = draft_set_all(&draft, secrets);
	if (rv == CKR_OK)
		rv = draft_complete(&draft, session->module->crypto);
	if (rv == CKR_OK)
		rv = object_place(session, drafts, 1, &copy);
	if (rv == CKR_OK)
		*out = copy;
	attributes_free(secrets);
	object_unref(object);
	return rv;
}

CK_RV object_destroy(struct session *session, CK_OBJECT_HANDLE handle)
{
	struct token *token = session_token(session);
	struct object *object = NULL;
	CK_RV rv = object_lookup(session, handle, &object);

	if (rv != CKR_OK)
		return rv;
	rv = object_may_touch(session, object, CKA_DESTROYABLE);
	if (rv == CKR_OK)
		rv = shelf_has(handle) ? shelf_remove(&session->slot->shelf, handle)
				       : token->class->remove(token, object->id);
	object_unref(object);
	return rv;
}
