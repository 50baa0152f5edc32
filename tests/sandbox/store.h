/*
 * store: the sandbox's state on disk: one SQLite database, and the sandbox's clock.
 *
 * Whatever is answered was committed before, so that the state after a SIGKILL is the one that was last
 * told. Statements don't report errors one by one: a failure is printed, remembered until the transaction
 * ends, and makes store_commit fail (and the request a 500).
 *
 * The letters of `types` say what follows, a parameter each: s text (NULL: null), i int64_t, b bytes
 * (pointer, size_t; NULL: null).
 */
#ifndef PODPIS_SANDBOX_STORE_H
#define PODPIS_SANDBOX_STORE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "module/support/buffer.h"
#include "module/support/error.h"

struct store;

/* Makes the folder (0700) and the database (0600) where there are none; one sandbox a folder. */
bool store_open(const char *dir, struct store **out, struct error *err);
void store_close(struct store *store);
const char *store_dir(const struct store *store);

void store_begin(struct store *store);
bool store_commit(struct store *store);
void store_rollback(struct store *store);
bool store_failed(const struct store *store);

/* Runs a statement that answers nothing; returns how many rows it changed. */
int store_run(struct store *store, const char *sql, const char *types, ...);

/* A query: step it with store_next until that is false, or end it early with store_end. NULL: failed. */
sqlite3_stmt *store_query(struct store *store, const char *sql, const char *types, ...);
bool store_next(struct store *store, sqlite3_stmt **query);
void store_end(sqlite3_stmt **query);

/* Columns of the present row. Text is "" for null; valid until the next step. */
const char *store_text(sqlite3_stmt *query, int column);
bool store_blob(sqlite3_stmt *query, int column, struct buffer *out);
/* The column holds exactly these bytes; takes the same time wherever they differ. */
bool store_equals(sqlite3_stmt *query, int column, const void *data, size_t length);

/* One value of one row; `otherwise` when there is no row or it is null. */
int64_t store_number(
	struct store *store, int64_t otherwise, const char *sql, const char *types, ...);

/* Named values: keys, certificates, ports, the clock. */
bool store_get(struct store *store, const char *name, struct buffer *out);
void store_put(struct store *store, const char *name, const void *value, size_t length);

/* The sandbox's time: the system's, moved by what the tests asked for. Milliseconds and seconds since 1970. */
int64_t store_now(const struct store *store);
int64_t store_seconds(const struct store *store);
void store_advance(struct store *store, int64_t milliseconds);
/* Stops the clock, so that one request sees one time; false: lets it run again. */
void store_freeze(struct store *store, bool freeze);

/* Writes a file in the folder by renaming, with this mode; `name` may hold one folder, which is made. */
bool store_write_file(struct store *store, const char *name, const void *data, size_t length,
	unsigned mode, struct error *err);

#endif
