#include <string.h>

#include "module/store/vault/column.h"

bool column_exact(sqlite3_stmt *statement, int column, uint8_t *out, size_t size)
{
	bool is_blob = sqlite3_column_type(statement, column) == SQLITE_BLOB;
	const void *blob = is_blob ? sqlite3_column_blob(statement, column) : NULL;

	if (blob == NULL || (size_t)sqlite3_column_bytes(statement, column) != size) {
		memset(out, 0, size);
		return false;
	}
	memcpy(out, blob, size);
	return true;
}

bool column_blob(sqlite3_stmt *statement, int column, const uint8_t **out, size_t *length)
{
	static const uint8_t nothing[1];
	bool is_blob = sqlite3_column_type(statement, column) == SQLITE_BLOB;
	const uint8_t *blob = is_blob ? sqlite3_column_blob(statement, column) : NULL;

	*length = blob != NULL ? (size_t)sqlite3_column_bytes(statement, column) : 0;
	*out = blob != NULL ? blob : nothing;
	return is_blob;
}

uint64_t column_number(sqlite3_stmt *statement, int column)
{
	return (uint64_t)sqlite3_column_int64(statement, column);
}

void column_bind_blob(sqlite3_stmt *statement, int place, const void *data, size_t length)
{
	sqlite3_bind_blob64(statement, place, length > 0 ? data : "", length, SQLITE_STATIC);
}

void column_bind_number(sqlite3_stmt *statement, int place, uint64_t number)
{
	sqlite3_bind_int64(statement, place, (sqlite3_int64)number);
}
