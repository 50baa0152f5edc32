/*
 * connection: the vault's file, opened by SQLite as a file that others may have written (disk.h).
 *
 * Folder and file are made with modes 0700 and 0600. Files that are not this user's own, or that others may
 * write, are refused; so is one that is replaced while it is opened. Errors are logged here; which they are,
 * table.h tells.
 */
#ifndef PODPIS_STORE_VAULT_CONNECTION_H
#define PODPIS_STORE_VAULT_CONNECTION_H

#include <stdbool.h>

#include <sqlite3.h>

#include "module/store/vault/watch.h"
#include "module/support/log.h"
#include "module/support/pkcs11.h"

#define CONNECTION_WAIT 2000 /* ms for another's lock, to begin with */

struct connection {
	struct log *log;
	char *path;
	sqlite3 *db; /* NULL: nothing is open */
	bool read_only;
	struct watch watch;
};

/* No file is touched yet. `path` is copied; a relative one is made absolute. False without memory. */
bool connection_init(struct connection *connection, struct log *log, const char *path);
void connection_free(struct connection *connection);

/*
 * The file that stands at the path now; *present is false where none does. With `create` one is made, with its
 * folders.
 */
CK_RV connection_find(struct connection *connection, bool create, struct stat *st, bool *present);
/* Is what connection_find has found what is open, and may it be written as before? */
bool connection_fits(const struct connection *connection, const struct stat *st);
/* Opens what connection_find has found; nothing is open. */
CK_RV connection_open(struct connection *connection, const struct stat *st);
void connection_close(struct connection *connection); /* all statements are finalised */

/* Logs SQLite's last failure and maps it. */
CK_RV connection_failed(struct connection *connection, const char *what, int rc);

#endif
