/*
 * table: what the vault's SQLite database holds: its schema, statements, transactions, and whether it moved.
 *
 * The connection is opened at need and kept; it is opened anew when another file stands at the path. One
 * thread at a time uses a table (the vault's disk mutex); only table_moved may be asked by any thread at
 * any time: it costs a stat and a read of four bytes.
 *
 * Durable: rollback journal (TRUNCATE) with synchronous=FULL. Every commit is on the disk when it returns,
 * and a process killed at any point leaves a journal that the next reader rolls back. WAL is not used: it
 * needs a shared-memory file whose locks are the process's, and a writable folder even for readers.
 *
 * Errors are logged here with SQLite's code: CKR_TOKEN_WRITE_PROTECTED, CKR_DEVICE_MEMORY (disk full),
 * CKR_HOST_MEMORY, CKR_FUNCTION_FAILED (another's lock past its deadline), CKR_DEVICE_ERROR (anything else).
 */
#ifndef PODPIS_STORE_VAULT_TABLE_H
#define PODPIS_STORE_VAULT_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

#include "module/support/log.h"
#include "module/support/pkcs11.h"

#define TABLE_MAGIC   0x50445056 /* "PDPV", SQLite's application_id */
#define TABLE_VERSION 1          /* of the format: SQLite's user_version */

struct table;

/* No file is touched yet. `path` is copied; a relative one is made absolute. NULL without memory. */
struct table *table_new(struct log *log, const char *path);
void table_free(struct table *table); /* NULL is fine; no transaction is open */

/* What statements there are: one constant for each text in table.c. */
enum table_statement {
	TABLE_BEGIN_READ,
	TABLE_BEGIN_WRITE,
	TABLE_COMMIT,
	TABLE_ROLLBACK,
	TABLE_APPLICATION,
	TABLE_FORMAT,
	TABLE_SCHEMA,
	TABLE_IDENTITY_GET,
	TABLE_IDENTITY_PUT,
	TABLE_ROOT_GET,
	TABLE_ROOT_PUT,
	TABLE_PIN_GET,
	TABLE_PIN_PUT,
	TABLE_PIN_DELETE,
	TABLE_PAGE_GET,
	TABLE_PAGE_NUMBERS,
	TABLE_PAGE_PUT,
	TABLE_PAGE_DELETE,
	TABLE_OBJECT_NUMBERS,
	TABLE_OBJECT_GET,
	TABLE_OBJECT_FORTH,
	TABLE_OBJECT_BACK,
	TABLE_OBJECT_PUT,
	TABLE_OBJECT_DELETE,
	TABLE_CLEAR_OBJECTS,
	TABLE_CLEAR_PAGES,
	TABLE_CLEAR_PINS,
	TABLE_INTEGRITY,
	TABLE_STATEMENTS,
};

enum table_access {
	TABLE_READ,   /* sees one state of the vault */
	TABLE_WRITE,  /* alone */
	TABLE_CREATE, /* alone; makes file, folder and tables where they are not there */
};

/*
 * Starts a transaction. *present is false where there is no vault yet (no file, or nothing in it); then with
 * TABLE_READ and TABLE_WRITE no transaction was started.
 */
CK_RV table_begin(struct table *table, enum table_access access, bool *present);
CK_RV table_commit(struct table *table); /* rolled back when it fails */
void table_rollback(struct table *table);

/* Is the file another than the one last noted? */
bool table_moved(struct table *table);
/* The state that the running transaction sees is known now: table_moved is false until something changes. */
void table_note(struct table *table);
/* The next table_moved is true. */
void table_forget(struct table *table);

/* No file of this size holds more rows. */
uint64_t table_rows_max(const struct table *table);

/* Drops the connection with all that SQLite remembers: what follows is read from the file. No transaction is open. */
void table_disconnect(struct table *table);

/* May the file be written, as far as its mode tells? */
bool table_read_only(struct table *table);

/* A statement, ready to be bound; NULL (logged) when it can't be prepared. Reset by table_done. */
sqlite3_stmt *table_statement(struct table *table, enum table_statement which);
void table_done(sqlite3_stmt *statement);
/* Runs a statement that gives no rows, and resets it. */
CK_RV table_run(struct table *table, sqlite3_stmt *statement, const char *what);
/* Logs SQLite's last failure and maps it. */
CK_RV table_failed(struct table *table, const char *what, int rc);
/* SQLite can't read what stands here; what stands elsewhere is another matter. */
bool table_is_damage(int rc);

/* The file, to be read: inside a transaction what stands there is the state that the transaction sees. */
int table_file(const struct table *table);

const char *table_path(const struct table *table);
struct log *table_log(const struct table *table);

#endif
