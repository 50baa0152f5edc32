#include <stdlib.h>
#include <string.h>

#include "module/store/vault/connection.h"
#include "module/store/vault/table.h"

#define WAIT_WRITE 10000 /* ms for another's lock */

struct table {
	struct connection connection;
	sqlite3_stmt *statements[TABLE_STATEMENTS];
	bool writing;
	struct watch_state begun; /* the state that the running transaction started from */
};

static const char *const sql[TABLE_STATEMENTS] = {
	[TABLE_BEGIN_READ] = "BEGIN",
	[TABLE_BEGIN_WRITE] = "BEGIN IMMEDIATE",
	[TABLE_COMMIT] = "COMMIT",
	[TABLE_ROLLBACK] = "ROLLBACK",
	[TABLE_APPLICATION] = "PRAGMA application_id",
	[TABLE_FORMAT] = "PRAGMA user_version",
	[TABLE_SCHEMA] = "SELECT sql FROM sqlite_schema ORDER BY rowid",
	[TABLE_IDENTITY_GET] = "SELECT uuid, checksum FROM identity WHERE id = 1",
	[TABLE_IDENTITY_PUT] = "REPLACE INTO identity(id, uuid, checksum) VALUES(1, ?1, ?2)",
	[TABLE_ROOT_GET] = "SELECT uuid, label, generation, next, so, user, pages, checksum, tag"
			   " FROM vault WHERE id = 1",
	[TABLE_ROOT_PUT] = "REPLACE INTO vault(id, uuid, label, generation, next, so, user, pages,"
			   " checksum, tag) VALUES(1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
	[TABLE_PIN_GET] = "SELECT n, r, p, salt, wrapped, tries, checksum FROM pin WHERE role = ?1",
	[TABLE_PIN_PUT] = "REPLACE INTO pin(role, n, r, p, salt, wrapped, tries, checksum)"
			  " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	[TABLE_PIN_DELETE] = "DELETE FROM pin WHERE role = ?1",
	[TABLE_PAGE_GET] = "SELECT entries, checksum, tag FROM page WHERE number = ?1",
	[TABLE_PAGE_NUMBERS] = "SELECT number FROM page ORDER BY number",
	[TABLE_PAGE_PUT] =
		"REPLACE INTO page(number, entries, checksum, tag) VALUES(?1, ?2, ?3, ?4)",
	[TABLE_PAGE_DELETE] = "DELETE FROM page WHERE number = ?1",
	[TABLE_OBJECT_NUMBERS] = "SELECT DISTINCT id >> 7 FROM object ORDER BY 1",
	[TABLE_OBJECT_GET] = "SELECT id, version, open, sealed, checksum, tag FROM object"
			     " WHERE id BETWEEN ?1 AND ?2 ORDER BY id",
	[TABLE_OBJECT_FORTH] = "SELECT id, version, open, sealed, checksum, tag FROM object"
			       " ORDER BY id",
	[TABLE_OBJECT_BACK] = "SELECT id, version, open, sealed, checksum, tag FROM object"
			      " ORDER BY id DESC",
	[TABLE_OBJECT_PUT] = "REPLACE INTO object(id, version, open, sealed, checksum, tag)"
			     " VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
	[TABLE_OBJECT_DELETE] = "DELETE FROM object WHERE id = ?1",
	[TABLE_CLEAR_OBJECTS] = "DELETE FROM object",
	[TABLE_CLEAR_PAGES] = "DELETE FROM page",
	[TABLE_CLEAR_PINS] = "DELETE FROM pin",
	[TABLE_INTEGRITY] = "PRAGMA integrity_check",
};

/* What a vault's sqlite_schema holds, word for word and in this order, and nothing else. */
static const char *const schema[] = {
	"CREATE TABLE identity(id INTEGER PRIMARY KEY CHECK(id = 1), uuid BLOB NOT NULL,"
	" checksum BLOB NOT NULL)",
	"CREATE TABLE vault(id INTEGER PRIMARY KEY CHECK(id = 1), uuid BLOB NOT NULL, label BLOB "
	"NOT NULL,"
	" generation INTEGER NOT NULL, next INTEGER NOT NULL, so BLOB NOT NULL, user BLOB NOT NULL,"
	" pages BLOB NOT NULL, checksum BLOB NOT NULL, tag BLOB NOT NULL)",
	"CREATE TABLE pin(role INTEGER PRIMARY KEY, n INTEGER NOT NULL, r INTEGER NOT NULL,"
	" p INTEGER NOT NULL, salt BLOB NOT NULL, wrapped BLOB NOT NULL, tries INTEGER NOT NULL,"
	" checksum BLOB NOT NULL)",
	"CREATE TABLE page(number INTEGER PRIMARY KEY, entries BLOB NOT NULL, checksum BLOB NOT "
	"NULL,"
	" tag BLOB NOT NULL)",
	"CREATE TABLE object(id INTEGER PRIMARY KEY, version INTEGER NOT NULL, open BLOB NOT NULL, "
	"sealed BLOB NOT NULL,"
	" checksum BLOB NOT NULL, tag BLOB NOT NULL)",
};
#define SCHEMA_COUNT (sizeof(schema) / sizeof(schema[0]))

struct table *table_new(struct log *log, const char *path)
{
	struct table *table = calloc(1, sizeof(*table));

	if (table == NULL || connection_init(&table->connection, log, path))
		return table;
	free(table);
	return NULL;
}

void table_disconnect(struct table *table)
{
	for (size_t i = 0; i < TABLE_STATEMENTS; i++) {
		sqlite3_finalize(table->statements[i]);
		table->statements[i] = NULL;
	}
	connection_close(&table->connection);
}

void table_free(struct table *table)
{
	if (table == NULL)
		return;
	table_disconnect(table);
	connection_free(&table->connection);
	free(table);
}

CK_RV table_failed(struct table *table, const char *what, int rc)
{
	return connection_failed(&table->connection, what, rc);
}

bool table_is_damage(int rc)
{
	return (rc & 0xff) == SQLITE_CORRUPT || rc == SQLITE_TOOBIG;
}

bool table_moved(struct table *table)
{
	return watch_moved(&table->connection.watch);
}

void table_note(struct table *table)
{
	watch_note(&table->connection.watch, &table->begun);
}

void table_forget(struct table *table)
{
	watch_forget(&table->connection.watch);
}

sqlite3_stmt *table_statement(struct table *table, enum table_statement which)
{
	int rc;

	if (table->statements[which] == NULL) {
		rc = sqlite3_prepare_v3(table->connection.db, sql[which], -1,
			SQLITE_PREPARE_PERSISTENT, &table->statements[which], NULL);
		if (rc != SQLITE_OK) {
			table_failed(table, sqlite3_errmsg(table->connection.db), rc);
			return NULL;
		}
	}
	return table->statements[which];
}

void table_done(sqlite3_stmt *statement)
{
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
}

CK_RV table_run(struct table *table, sqlite3_stmt *statement, const char *what)
{
	CK_RV rv = CKR_OK;
	int rc;

	if (statement == NULL)
		return CKR_DEVICE_ERROR;
	rc = sqlite3_step(statement);
	if (rc != SQLITE_DONE)
		rv = table_failed(table, what, rc);
	table_done(statement);
	return rv;
}

static CK_RV number(struct table *table, enum table_statement which, sqlite3_int64 *out)
{
	sqlite3_stmt *statement = table_statement(table, which);
	CK_RV rv = CKR_OK;
	int rc;

	if (statement == NULL)
		return CKR_DEVICE_ERROR;
	rc = sqlite3_step(statement);
	if (rc == SQLITE_ROW)
		*out = sqlite3_column_int64(statement, 0);
	else
		rv = table_failed(table, "cannot be read", rc);
	table_done(statement);
	return rv;
}

static CK_RV make_tables(struct table *table)
{
	int rc = SQLITE_OK;

	for (size_t i = 0; i < SCHEMA_COUNT && rc == SQLITE_OK; i++)
		rc = sqlite3_exec(table->connection.db, schema[i], NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(table->connection.db,
			"PRAGMA application_id = 0x50445056; PRAGMA user_version = 1", NULL, NULL,
			NULL);
	return rc == SQLITE_OK ? CKR_OK : table_failed(table, "tables cannot be made", rc);
}

/* A schema is a program: of others' (computed columns, virtual tables, indices) nothing is run. */
static CK_RV check_schema(struct table *table)
{
	sqlite3_stmt *statement = table_statement(table, TABLE_SCHEMA);
	const char *text;
	size_t count = 0;
	bool same = true;
	CK_RV rv = CKR_OK;
	int rc;

	if (statement == NULL)
		return CKR_DEVICE_ERROR;
	while ((rc = sqlite3_step(statement)) == SQLITE_ROW && same) {
		text = (const char *)sqlite3_column_text(statement, 0);
		same = count < SCHEMA_COUNT && text != NULL && strcmp(text, schema[count]) == 0;
		count++;
	}
	if (same && rc != SQLITE_DONE) {
		rv = table_failed(table, "cannot be read", rc);
	} else if (!same || count != SCHEMA_COUNT) {
		log_error(table->connection.log, "%s: its tables are not a vault's",
			table->connection.path);
		rv = CKR_DEVICE_ERROR;
	}
	table_done(statement);
	return rv;
}

/* Reading the header also takes SQLite's shared lock, so that what is seen from outside is the state that is read. */
static CK_RV look_inside(struct table *table, bool *present)
{
	sqlite3_int64 application = 0, format = 0;
	CK_RV rv = number(table, TABLE_APPLICATION, &application);

	if (rv == CKR_OK)
		rv = number(table, TABLE_FORMAT, &format);
	if (rv != CKR_OK)
		return rv;
	watch_look(&table->connection.watch, &table->begun);
	*present = application == TABLE_MAGIC && format == TABLE_VERSION;
	if (*present || (application == 0 && format == 0 && table->begun.size == 0))
		return CKR_OK;
	if (application == TABLE_MAGIC)
		log_error(table->connection.log,
			"%s: has format %lld, this version knows format %d", table->connection.path,
			(long long)format, TABLE_VERSION);
	else
		log_error(table->connection.log, "%s: not a vault", table->connection.path);
	return CKR_DEVICE_ERROR;
}

static CK_RV connect_file(struct table *table, bool create, bool *present)
{
	struct connection *connection = &table->connection;
	struct stat st;
	bool found;
	CK_RV rv = connection_find(connection, create, &st, &found);

	if (rv == CKR_OK && found && connection_fits(connection, &st)) {
		*present = true;
		return CKR_OK;
	}
	table_disconnect(table);
	if (rv == CKR_OK && found)
		rv = connection_open(connection, &st);
	if (rv == CKR_OK)
		*present = found;
	return rv;
}

CK_RV table_begin(struct table *table, enum table_access access, bool *present)
{
	bool there, write = access != TABLE_READ;
	CK_RV rv;

	*present = false;
	watch_look(&table->connection.watch, &table->begun);
	rv = connect_file(table, access == TABLE_CREATE, &there);
	if (rv != CKR_OK || !there)
		return rv;
	sqlite3_busy_timeout(table->connection.db, write ? WAIT_WRITE : CONNECTION_WAIT);
	rv = table_run(table, table_statement(table, write ? TABLE_BEGIN_WRITE : TABLE_BEGIN_READ),
		"cannot be locked");
	if (rv != CKR_OK)
		return rv;
	table->writing = write;
	rv = look_inside(table, &there);
	if (rv == CKR_OK && !watch_stands(&table->connection.watch, &table->begun)) {
		log_error(table->connection.log, "%s: was replaced while it was opened",
			table->connection.path);
		rv = CKR_FUNCTION_FAILED;
	} else if (rv == CKR_OK && there) {
		rv = check_schema(table);
	} else if (rv == CKR_OK && access == TABLE_CREATE) {
		rv = make_tables(table);
	} else if (rv == CKR_OK && !there) {
		table_rollback(table);
		return CKR_OK;
	}
	if (rv != CKR_OK)
		table_rollback(table);
	else
		*present = there;
	return rv;
}

void table_rollback(struct table *table)
{
	if (table->connection.db != NULL && sqlite3_get_autocommit(table->connection.db) == 0)
		(void)table_run(
			table, table_statement(table, TABLE_ROLLBACK), "cannot be rolled back");
}

CK_RV table_commit(struct table *table)
{
	struct watch_state after;
	CK_RV rv = table_run(table, table_statement(table, TABLE_COMMIT), "cannot be written");

	if (rv != CKR_OK) {
		table_rollback(table);
		return rv;
	}
	if (!table->writing)
		return CKR_OK;
	watch_look(&table->connection.watch, &after);
	if (!watch_stands(&table->connection.watch, &after)) {
		log_error(table->connection.log,
			"%s: was replaced while it was written: nothing is written",
			table->connection.path);
		table_forget(table);
		return CKR_DEVICE_ERROR;
	}
	watch_note_commit(&table->connection.watch, &table->begun, &after);
	return CKR_OK;
}

uint64_t table_rows_max(const struct table *table)
{
	/* A row has a checksum. */
	return (uint64_t)table->begun.size / 32;
}

bool table_read_only(struct table *table)
{
	return table->connection.read_only;
}

int table_file(const struct table *table)
{
	return table->connection.watch.fd;
}

const char *table_path(const struct table *table)
{
	return table->connection.path;
}

struct log *table_log(const struct table *table)
{
	return table->connection.log;
}
