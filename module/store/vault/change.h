/*
 * change: token objects written, changed and removed, each call one durable transaction.
 *
 * An object's tag is made with a key that only a login gives, so without one nothing is written, public
 * objects included: CKR_USER_NOT_LOGGED_IN.
 */
#ifndef PODPIS_STORE_VAULT_CHANGE_H
#define PODPIS_STORE_VAULT_CHANGE_H

#include "module/store/vault/vault.h"

/* The functions of struct token_class, as store.h describes them. */
CK_RV change_create(struct token *token, struct attributes *const attributes[], size_t count,
	struct object *objects[]);
CK_RV change_attributes(struct token *token, uint64_t id, const CK_ATTRIBUTE *changes,
	CK_ULONG count, struct object **out);
CK_RV change_remove(struct token *token, uint64_t id);

#endif
