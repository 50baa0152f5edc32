/*
 * journal_private: what the files of the journal share.
 */
#ifndef PODPIS_FLOW_JOURNAL_PRIVATE_H
#define PODPIS_FLOW_JOURNAL_PRIVATE_H

#include <sqlite3.h>

#include "module/support/buffer.h"
#include "provision/flow/journal.h"

struct journal {
	sqlite3 *db;
	char *lock_path;
};

/* error_set with what SQLite says. */
bool journal_fail(const struct journal *journal, struct error *err);
bool journal_execute(struct journal *journal, const char *sql, struct error *err);
sqlite3_stmt *journal_prepare(struct journal *journal, const char *sql, struct error *err);
/* Runs a statement that gives no row, and ends it. */
bool journal_finish(struct journal *journal, sqlite3_stmt *statement, struct error *err);
/* Commits when all was good, else (or when that fails) rolls back. */
bool journal_end(struct journal *journal, bool good, struct error *err);

/* Appends ", NAME TYPE" for each column of an application, as the table's declaration takes it. */
void journal_row_declare(struct buffer *sql);

#endif
