/*
 * load: from the file into memory, only what changed: readings (reading.h) are applied, logins begin and end.
 *
 * What is damaged is named in the log, is not shown, and keeps nothing else from working.
 */
#ifndef PODPIS_STORE_VAULT_LOAD_H
#define PODPIS_STORE_VAULT_LOAD_H

#include "module/store/vault/vault.h"

/* How much of the vault has to be in memory. Objects wait for the first who asks for them. */
enum load_extent {
	LOAD_STATUS, /* label, PINs, whether there is a vault at all */
	LOAD_OBJECTS /* the objects, too */
};

/* Makes memory what the file is now; almost free when the file did not move. Neither lock is held. */
CK_RV load_refresh(struct vault *vault, enum load_extent extent);

/* The same inside a transaction that sees the vault. `disk` is held, `memory` is not. */
CK_RV load_inside(struct vault *vault, enum load_extent extent);

/* Reads and checks everything anew; the report is told, not the log. `disk` is held, inside a transaction. */
CK_RV load_all(struct vault *vault, struct vault_report *report);

/*
 * Begins a login, whose keys check every tag: of what memory holds, where that is what the file is, else of
 * what is read anew. seal and login are taken when it succeeds. CKR_PIN_INCORRECT when another vault stands
 * there meanwhile. `disk` is held, inside a transaction.
 */
CK_RV load_login(
	struct vault *vault, struct seal *seal, CK_USER_TYPE user, struct vault_login *login);

/* Ends the login, if there is one. Neither lock is held. */
void load_logout(struct vault *vault);

/* Everything out of memory: there is no vault, or (status) none that can be used. `disk` is held, `memory` is not. */
void load_nothing(struct vault *vault, CK_RV status);
/* The same where the file is not there; told when it was. */
void load_gone(struct vault *vault);

#endif
