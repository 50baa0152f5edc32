/*
 * object: C_CreateObject and its family, for objects of the token and of the session (PKCS #11 v3.0, 5.7).
 *
 * A handle is a store's id, or a shelf's (shelf.h): the same for all sessions of a slot, for as long as the
 * object lives. Handles of the token's private objects end with the login, and the next one has others
 * (5.6.10): they carry its number in the bits above OBJECT_ID_BITS. The sessions given are locked.
 */
#ifndef PODPIS_CRYPTOKI_OBJECT_H
#define PODPIS_CRYPTOKI_OBJECT_H

#include "module/cryptoki/session.h"
#include "module/cryptoki/template.h"

struct key;

#define OBJECT_ID_BITS 40 /* ids that need more are handles as they are */

/* The handle of an object that was found or made: valid in this login. */
CK_OBJECT_HANDLE object_handle(struct session *session, const struct object *object);

/* The object behind a handle; the caller unrefs. CKR_OBJECT_HANDLE_INVALID, also for what may not be seen. */
CK_RV object_lookup(struct session *session, CK_OBJECT_HANDLE handle, struct object **out);

/* Values of an object, secret ones only where they may be shown. */
CK_RV object_get_values(
	struct session *session, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE *templ, CK_ULONG count);
CK_RV object_set_values(struct session *session, CK_OBJECT_HANDLE handle,
	const CK_ATTRIBUTE *changes, CK_ULONG count);
CK_RV object_get_size(struct session *session, CK_OBJECT_HANDLE handle, CK_ULONG *out);

CK_RV object_create(
	struct session *session, const CK_ATTRIBUTE *templ, CK_ULONG count, CK_OBJECT_HANDLE *out);
CK_RV object_copy(struct session *session, CK_OBJECT_HANDLE handle, const CK_ATTRIBUTE *templ,
	CK_ULONG count, CK_OBJECT_HANDLE *out);
CK_RV object_destroy(struct session *session, CK_OBJECT_HANDLE handle);

/*
 * May this session make or change such an object? CKR_SESSION_READ_ONLY, CKR_USER_NOT_LOGGED_IN;
 * CKR_TEMPLATE_INCONSISTENT for a secret key on the token, and for a private key there that no login would
 * have a hand in.
 */
CK_RV object_may_write(struct session *session, const struct draft *draft);

/* Puts finished drafts where CKA_TOKEN says: those of the token together or not at all. CKR_KEY_SIZE_RANGE. */
CK_RV object_place(struct session *session, struct draft *const drafts[], size_t count,
	CK_OBJECT_HANDLE handles[]);

/*
 * Gives a draft its key's own attributes; what they point to lies in *encoded and *info, which the caller
 * frees (attributes_free, free) after the draft was placed.
 */
CK_RV object_add_key(
	struct draft *draft, const struct key *key, struct attributes **encoded, uint8_t **info);

/* CKA_CHECK_VALUE of a certificate or a secret: the first bytes of the value's SHA-1. */
#define OBJECT_CHECK_SIZE 3
CK_RV object_add_check_value(
	struct session *session, struct draft *draft, uint8_t check[OBJECT_CHECK_SIZE]);

#endif
