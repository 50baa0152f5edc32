/*
 * column: the values of a row, out of a statement that stands on one and into one that will write it.
 *
 * A file that others wrote may hold anything anywhere: SQLite gives columns no type.
 */
#ifndef PODPIS_STORE_VAULT_COLUMN_H
#define PODPIS_STORE_VAULT_COLUMN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

/* A column of exactly `size` bytes; zeroes and false where it is anything else. */
bool column_exact(sqlite3_stmt *statement, int column, uint8_t *out, size_t size);
/* A blob of any size, none included; false where it is anything else. Valid until the statement moves. */
bool column_blob(sqlite3_stmt *statement, int column, const uint8_t **out, size_t *length);
uint64_t column_number(sqlite3_stmt *statement, int column);

/* Places count from 1. `data` must stay until the statement has run. */
void column_bind_blob(sqlite3_stmt *statement, int place, const void *data, size_t length);
void column_bind_number(sqlite3_stmt *statement, int place, uint64_t number);

#endif
