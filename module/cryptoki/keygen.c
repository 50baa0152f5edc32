#include "module/cryptoki/keygen.h"

#include <stdlib.h>
#include <string.h>

#include "module/cryptoki/argument.h"
#include "module/cryptoki/derive.h"
#include "module/cryptoki/module.h"
#include "module/cryptoki/object.h"
#include "module/crypto/key.h"

/* PKCS #11 v3.0, 4.9: what a key born here says of itself. */
static void keygen_mark(struct draft *draft)
{
	draft_set_bool(draft, CKA_LOCAL, true);
	draft_set_bool(draft, CKA_ALWAYS_SENSITIVE, draft_bool(draft, CKA_SENSITIVE));
	draft_set_bool(draft, CKA_NEVER_EXTRACTABLE,
		draft_find(draft, CKA_EXTRACTABLE) != NULL && !draft_bool(draft, CKA_EXTRACTABLE));
}

static CK_RV keygen_draft(struct session *session, struct draft *draft, CK_OBJECT_CLASS class,
	const struct mechanism *row, struct keygen_template templ)
{
	bool so = session->slot->user == CKU_SO;
	CK_RV rv = draft_begin(
		draft, DRAFT_GENERATED, class, row->key_type, templ.list, templ.count, so);

	if (rv == CKR_OK)
		rv = draft_check_complete(draft, DRAFT_GENERATED);
	if (rv == CKR_OK)
		rv = draft_complete(draft, session->module->crypto);
	if (rv == CKR_OK)
		rv = object_may_write(session, draft);
	if (rv == CKR_OK)
		rv = draft_set(draft, CKA_KEY_GEN_MECHANISM, &row->type, sizeof(row->type));
	if (rv == CKR_OK)
		keygen_mark(draft);
	return rv;
}

/* The store makes the pair where keys are born inside: both parts are then the token's. */
static CK_RV keygen_inside(struct session *session, const CK_MECHANISM *mechanism,
	struct draft *const drafts[2], CK_OBJECT_HANDLE handles[2])
{
	struct token *token = session_token(session);
	struct attributes *sets[2] = {NULL};
	struct object *pair[2] = {NULL};
	CK_RV rv = draft_finish(drafts[0], &sets[0]);

	if (rv == CKR_OK)
		rv = draft_finish(drafts[1], &sets[1]);
	if (rv == CKR_OK)
		rv = token->class->generate(token, mechanism, sets[0], sets[1], pair);
	for (size_t i = 0; i < 2; i++) {
		if (rv == CKR_OK)
			handles[i] = object_handle(session, pair[i]);
		object_unref(pair[i]);
		attributes_free(sets[i]);
	}
	return rv;
}

/* FIPS 186-4, B.3.1: 2^16 < e. Smaller ones are for a session's own use, as small moduli are (object_place). */
static CK_RV keygen_check_exponent(struct draft *const drafts[2])
{
	const CK_ATTRIBUTE *exponent = draft_find(drafts[0], CKA_PUBLIC_EXPONENT);
	bool small = exponent != NULL && exponent->ulValueLen > 0 && exponent->ulValueLen <= 2;

	return small && (draft_bool(drafts[0], CKA_TOKEN) || draft_bool(drafts[1], CKA_TOKEN))
		       ? CKR_ATTRIBUTE_VALUE_INVALID
		       : CKR_OK;
}

static CK_RV keygen_here(struct session *session, const CK_MECHANISM *mechanism,
	struct draft *const drafts[2], CK_OBJECT_HANDLE handles[2])
{
	struct attributes *request = NULL, *encoded[2] = {NULL};
	uint8_t *info[2] = {NULL};
	struct key *key = NULL;
	CK_RV rv = keygen_check_exponent(drafts);

	if (rv == CKR_OK)
		rv = draft_finish(drafts[0], &request);
	if (rv == CKR_OK)
		rv = key_generate(session->module->crypto, mechanism->mechanism, request, &key);
	for (size_t i = 0; i < 2 && rv == CKR_OK; i++)
		rv = object_add_key(drafts[i], key, &encoded[i], &info[i]);
	/* The curve is written for the private key as the application wrote it for the public one. */
	const CK_ATTRIBUTE *curve = draft_find(drafts[0], CKA_EC_PARAMS);
	if (rv == CKR_OK && curve != NULL)
		rv = draft_set(drafts[1], curve->type, curve->pValue, curve->ulValueLen);
	if (rv == CKR_OK)
		rv = object_place(session, drafts, 2, handles);
	for (size_t i = 0; i < 2; i++) {
		attributes_free(encoded[i]);
		free(info[i]);
	}
	attributes_free(request);
	key_unref(key);
	return rv;
}

CK_RV keygen_pair(struct session *session, const CK_MECHANISM *mechanism,
	struct keygen_template public_templ, struct keygen_template private_templ,
	CK_OBJECT_HANDLE *public_out, CK_OBJECT_HANDLE *private_out)
{
	struct token *token = session_token(session);
	const struct mechanism *row = NULL;
	struct draft public_draft, private_draft;
	struct draft *drafts[] = {&public_draft, &private_draft};
	CK_OBJECT_HANDLE handles[2] = {CK_INVALID_HANDLE, CK_INVALID_HANDLE};
	CK_RV rv;

	if (public_out == NULL || private_out == NULL)
		return CKR_ARGUMENTS_BAD;
	rv = mechanism_find(session->module, mechanism, CKF_GENERATE_KEY_PAIR, &row);
	if (rv == CKR_OK)
		rv = keygen_draft(session, &public_draft, CKO_PUBLIC_KEY, row, public_templ);
	if (rv == CKR_OK)
		rv = keygen_draft(session, &private_draft, CKO_PRIVATE_KEY, row, private_templ);
	if (rv != CKR_OK)
		return rv;
	if (token->class->generate != NULL && draft_bool(&private_draft, CKA_TOKEN) &&
		draft_bool(&public_draft, CKA_TOKEN))
		rv = keygen_inside(session, mechanism, drafts, handles);
	else
		rv = keygen_here(session, mechanism, drafts, handles);
	if (rv != CKR_OK)
		return rv;
	*public_out = handles[0];
	*private_out = handles[1];
	return CKR_OK;
}

CK_RV keygen_secret(
	const CK_MECHANISM *mechanism, struct keygen_template templ, const CK_OBJECT_HANDLE *out)
{
	if (mechanism == NULL || out == NULL || !argument_is_template(templ.list, templ.count))
		return CKR_ARGUMENTS_BAD;
	return CKR_MECHANISM_INVALID;
}

static CK_RV keygen_derive_check(const struct attributes *base, const struct mechanism *row)
{
	if (attributes_ulong(base, CKA_CLASS, CKO_DATA) != CKO_PRIVATE_KEY)
		return CKR_KEY_HANDLE_INVALID;
	if (attributes_ulong(base, CKA_KEY_TYPE, CK_UNAVAILABLE_INFORMATION) != row->key_type)
		return CKR_KEY_TYPE_INCONSISTENT;
	if (!attributes_bool(base, CKA_DERIVE, false))
		return CKR_KEY_FUNCTION_NOT_PERMITTED;
	return mechanism_is_allowed(base, row->type) ? CKR_OK : CKR_MECHANISM_INVALID;
}

/* PKCS #11 v3.0, 4.10: what a derived secret says of itself. */
static void keygen_derive_mark(struct draft *draft, const struct attributes *base)
{
	draft_set_bool(draft, CKA_ALWAYS_SENSITIVE,
		attributes_bool(base, CKA_ALWAYS_SENSITIVE, false) &&
			draft_bool(draft, CKA_SENSITIVE));
	draft_set_bool(draft, CKA_NEVER_EXTRACTABLE,
		attributes_bool(base, CKA_NEVER_EXTRACTABLE, false) &&
			!draft_bool(draft, CKA_EXTRACTABLE));
}

CK_RV keygen_derive(struct session *session, const CK_MECHANISM *mechanism,
	CK_OBJECT_HANDLE base_handle, struct keygen_template templ, CK_OBJECT_HANDLE *out)
{
	const struct mechanism *row = NULL;
	struct object *base = NULL;
	struct draft draft, *drafts[] = {&draft};
	CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
	uint8_t check[OBJECT_CHECK_SIZE];
	uint8_t *secret = NULL;
	CK_ULONG length = 0;
	CK_RV rv;

	if (out == NULL)
		return CKR_ARGUMENTS_BAD;
	rv = mechanism_find(session->module, mechanism, CKF_DERIVE, &row);
	if (rv != CKR_OK)
		return rv;
	rv = object_lookup(session, base_handle, &base);
	if (rv != CKR_OK)
		return rv == CKR_OBJECT_HANDLE_INVALID ? CKR_KEY_HANDLE_INVALID : rv;
	rv = keygen_derive_check(base->attributes, row);
	if (rv == CKR_OK)
		rv = draft_begin(&draft, DRAFT_DERIVED, CKO_SECRET_KEY, CKK_GENERIC_SECRET,
			templ.list, templ.count, session->slot->user == CKU_SO);
	if (rv == CKR_OK)
		rv = draft_complete(&draft, session->module->crypto);
	if (rv == CKR_OK)
		rv = object_may_write(session, &draft);
	if (rv != CKR_OK)
		goto out;
	const CK_ATTRIBUTE *wanted = draft_find(&draft, CKA_VALUE_LEN);
	length = wanted != NULL ? attribute_ulong(wanted) : 0;
	rv = derive_ecdh(session, base, mechanism->pParameter, &secret, &length);
	if (rv == CKR_OK)
		rv = draft_set(&draft, CKA_VALUE, secret, length);
	if (rv == CKR_OK)
		rv = draft_set(&draft, CKA_VALUE_LEN, &length, sizeof(length));
	if (rv == CKR_OK)
		rv = object_add_check_value(session, &draft, check);
	if (rv != CKR_OK)
		goto out;
	keygen_derive_mark(&draft, base->attributes);
	rv = object_place(session, drafts, 1, &handle);
	if (rv == CKR_OK)
		*out = handle;
out:
	if (secret != NULL)
		explicit_bzero(secret, length);
	free(secret);
	object_unref(base);
	return rv;
}
