/*
 * backup: a vault written to another file, and a vault made what such a file is (docs/vault-format.md, "Backups").
 *
 * A backup is a vault file: a copy, byte for byte, taken inside a transaction. Restoring copies its rows into the
 * slot's vault in one transaction, which other programs see as any other change: wraps, label and objects are the
 * backup's; the numbers that may never go back (the next id, the generation) and the wrong PINs that were counted
 * since are the greater of both, so the root is signed anew, and takes the backup's PIN.
 */
#ifndef PODPIS_STORE_VAULT_BACKUP_H
#define PODPIS_STORE_VAULT_BACKUP_H

#include "module/store/vault/vault.h"

/* The functions of struct vault_class. */
CK_RV backup_make(struct token *token, const char *path, struct vault_report *report);
CK_RV backup_restore(struct token *token, const char *path, CK_USER_TYPE user, const uint8_t *pin,
	size_t length, CK_FLAGS flags, struct vault_report *report);

#endif
