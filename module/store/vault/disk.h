/*
 * disk: SQLite's way to the disk, fit for a guest in somebody else's process.
 *
 * SQLite's own unix locks are POSIX record locks, which belong to the process: as soon as a second copy of
 * the module in the same process (or the host itself) closes the file, they are gone. The VFS "podpis"
 * keeps SQLite's locking protocol and its places in the file, so that every other SQLite program respects
 * it, but takes the locks as open-file-description locks (fcntl_locking(2)): they belong to one open file
 * and fall only with it.
 *
 * The mutexes that SQLite is given survive fork: in a child, a mutex that a vanished thread of the parent
 * held is as new. So a child can open a vault of its own although the parent was at work when it forked.
 * A child never touches what the parent opened.
 *
 * Vault and journal are input that others may have written: only regular files that are this user's or
 * root's, and that nobody else may write, are opened (disk_is_own), and nothing but a journal is deleted.
 */
#ifndef PODPIS_STORE_VAULT_DISK_H
#define PODPIS_STORE_VAULT_DISK_H

#include <stdbool.h>
#include <sys/stat.h>

#define DISK_VFS "podpis"

/* Sets this copy of SQLite up, once. False when SQLite refuses (no memory). */
bool disk_set_up(void);

/* A regular file of this user's or root's that nobody else may write; root takes any user's. */
bool disk_is_own(const struct stat *st);

#endif
