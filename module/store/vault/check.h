/*
 * check: a whole vault read anew, what is wrong named.
 *
 * SQLite's own check comes first, then load_all: each row against its checksum, its place in the list above it
 * and, with a key, its tag; then rows that no list names. A file that SQLite can't open at all is told apart
 * by its first bytes: no vault, of a later format, cut short.
 */
#ifndef PODPIS_STORE_VAULT_CHECK_H
#define PODPIS_STORE_VAULT_CHECK_H

#include "module/store/vault/vault.h"

/*
 * Begins a reading transaction that has nothing from memory. CKR_TOKEN_NOT_RECOGNIZED when there is no vault;
 * CKR_PODPIS_NOT_A_VAULT, _FORMAT, _DAMAGED, CKR_DEVICE_ERROR (reported) when what is there can't be opened.
 * `disk` is held.
 */
CK_RV check_begin(struct vault *vault, struct vault_report *report);

/* Inside it: CKR_PODPIS_DAMAGED when anything is found. */
CK_RV check_read(struct vault *vault, struct vault_report *report);

/* The function of struct vault_class. */
CK_RV check_token(struct token *token, struct vault_report *report);

#endif
