/*
 * guard: who gets in: C_InitToken, C_Login, C_Logout, C_InitPIN, C_SetPIN (PKCS #11 v3.0, 5.5 and 5.6).
 *
 * A PIN is counted as wrong in a durable transaction before it is tried, and forgiven in another one after
 * it proved right. So neither a killed process nor a hundred at once get more than PIN_TRIES tries; where
 * the count can't be written there is no login. No lock is held while scrypt runs or an answer waits.
 */
#ifndef PODPIS_STORE_VAULT_GUARD_H
#define PODPIS_STORE_VAULT_GUARD_H

#include "module/store/vault/vault.h"

/* The functions of struct token_class, as store.h describes them. */
CK_RV guard_init(struct token *token, const uint8_t *so_pin, size_t length, const char label[32]);
CK_RV guard_login(struct token *token, CK_USER_TYPE user, const uint8_t *pin, size_t length);
void guard_logout(struct token *token);
CK_RV guard_init_pin(struct token *token, const uint8_t *pin, size_t length);
CK_RV guard_set_pin(struct token *token, CK_USER_TYPE user, const uint8_t *old_pin,
	size_t old_length, const uint8_t *new_pin, size_t new_length);

/* Empties the vault's tables, inside a transaction, for another vault that follows. */
CK_RV guard_clear(const struct row_context *rows);

/*
 * Tries a PIN on a backup's wrapped key. When the backup is of the vault that stands here, the try counts here, as
 * one at a login does, and a PIN that opens this vault's own token key is forgiven; else a wrong one is answered as
 * slowly as can be. A role that was locked when the backup was made stays locked. The caller frees *seal.
 */
CK_RV guard_try_backup(struct vault *vault, struct vault *backup, CK_USER_TYPE role,
	const uint8_t *pin, size_t length, struct seal **seal);

#endif
