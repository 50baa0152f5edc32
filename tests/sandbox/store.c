#include "tests/sandbox/store.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "module/support/folder.h"

struct store {
	char *dir;
	int lock;
	sqlite3 *db;
	int64_t offset; /* of the clock, ms */
	int64_t frozen; /* the time that it stands at; 0: it runs */
	bool failed;
	bool open; /* a transaction is */
};

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value BLOB NOT NULL);"
	"CREATE TABLE IF NOT EXISTS accounts ("
	" login TEXT PRIMARY KEY, role TEXT NOT NULL, salt BLOB NOT NULL, hash BLOB NOT NULL,"
	" person TEXT NOT NULL, place INTEGER NOT NULL);"
	/* A login is what one code or password gave: it ends as a whole. */
	"CREATE TABLE IF NOT EXISTS logins ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL,"
	" ended INTEGER NOT NULL DEFAULT 0, grant TEXT);" /* NULL: to the cabinet */
	"CREATE TABLE IF NOT EXISTS tokens ("
	" hash BLOB PRIMARY KEY, kind TEXT NOT NULL, login INTEGER REFERENCES logins,"
	" application TEXT, expires INTEGER NOT NULL, used INTEGER NOT NULL DEFAULT 0);"
	"CREATE TABLE IF NOT EXISTS pages (" /* a login page that a browser has before it */
	" hash BLOB PRIMARY KEY, redirect_uri TEXT NOT NULL, state TEXT NOT NULL,"
	" challenge TEXT NOT NULL, expires INTEGER NOT NULL, grant TEXT);"
	"CREATE TABLE IF NOT EXISTS codes ("
	" hash BLOB PRIMARY KEY, account TEXT NOT NULL, redirect_uri TEXT NOT NULL,"
	" challenge TEXT NOT NULL, expires INTEGER NOT NULL, login INTEGER, grant TEXT);"
	"CREATE TABLE IF NOT EXISTS applications ("
	" number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, account TEXT NOT NULL "
	"REFERENCES accounts,"
	" filed_by TEXT NOT NULL, state TEXT NOT NULL, since INTEGER NOT NULL, due INTEGER,"
	" reason TEXT, fields TEXT NOT NULL DEFAULT '[]', body BLOB NOT NULL, request BLOB, spki "
	"BLOB,"
	" signature BLOB, signer BLOB, profile TEXT NOT NULL, identification TEXT NOT NULL,"
	" created INTEGER NOT NULL, updated INTEGER NOT NULL, certificate BLOB,"
	" attempts INTEGER NOT NULL DEFAULT 0, portal_account TEXT, face INTEGER, statement BLOB);"
	"CREATE INDEX IF NOT EXISTS applications_due ON applications (due) WHERE due IS NOT NULL;"
	"CREATE TABLE IF NOT EXISTS events ("
	" number INTEGER PRIMARY KEY AUTOINCREMENT, application TEXT NOT NULL, time INTEGER NOT "
	"NULL,"
	" state TEXT NOT NULL, note TEXT NOT NULL);"
	"CREATE TABLE IF NOT EXISTS documents ("
	" application TEXT NOT NULL, id TEXT NOT NULL, title TEXT NOT NULL, media_type TEXT NOT "
	"NULL,"
	" form INTEGER NOT NULL, signer TEXT NOT NULL, hash BLOB NOT NULL, body BLOB NOT NULL,"
	" altered BLOB, signature BLOB, place INTEGER NOT NULL, PRIMARY KEY (application, id));"
	"CREATE TABLE IF NOT EXISTS certificates ("
	" hash BLOB PRIMARY KEY, serial BLOB NOT NULL UNIQUE, der BLOB NOT NULL, spki BLOB NOT "
	"NULL,"
	" account TEXT NOT NULL, application TEXT NOT NULL, not_after INTEGER NOT NULL,"
	" revoked INTEGER, reason INTEGER);"
	"CREATE TABLE IF NOT EXISTS identifications ("
	" hash BLOB PRIMARY KEY, application TEXT NOT NULL, redirect_uri TEXT NOT NULL,"
	" state TEXT NOT NULL, challenge TEXT NOT NULL, expires INTEGER NOT NULL,"
	" account TEXT, face INTEGER, code BLOB, code_expires INTEGER, taken INTEGER NOT NULL "
	"DEFAULT 0);"
	"CREATE TABLE IF NOT EXISTS idempotency ("
	" account TEXT NOT NULL, key TEXT NOT NULL, fingerprint BLOB NOT NULL,"
	" application TEXT NOT NULL, PRIMARY KEY (account, key));"
	/* The cloud signing service: its keys, and what it was allowed to sign with them. */
	"CREATE TABLE IF NOT EXISTS credentials ("
	" id TEXT PRIMARY KEY, account TEXT NOT NULL REFERENCES accounts, specification TEXT NOT "
	"NULL,"
	" key BLOB NOT NULL, certificate BLOB NOT NULL, wrong_pins INTEGER NOT NULL DEFAULT 0,"
	" wrong_otps INTEGER NOT NULL DEFAULT 0, otp TEXT, otp_expires INTEGER NOT NULL DEFAULT 0,"
	" signatures INTEGER NOT NULL DEFAULT 0);"
	"CREATE TABLE IF NOT EXISTS authorizations ("
	" hash BLOB PRIMARY KEY, credential TEXT NOT NULL REFERENCES credentials, account TEXT NOT "
	"NULL,"
	" signatures INTEGER NOT NULL, hashes TEXT, hash_algorithm TEXT, expires INTEGER NOT NULL);"
	"CREATE TABLE IF NOT EXISTS nonces (" /* of HTTP digest */
	" hash BLOB PRIMARY KEY, expires INTEGER NOT NULL, count INTEGER NOT NULL);"
	"CREATE TABLE IF NOT EXISTS deferred (" /* milliseconds */
	" hash BLOB PRIMARY KEY, account TEXT NOT NULL, due INTEGER NOT NULL,"
	" expires INTEGER NOT NULL, answer TEXT NOT NULL);";

static void complain(struct store *store, const char *what)
{
	fprintf(stderr, "podpis-sandbox: state: %s: %s\n", what, sqlite3_errmsg(store->db));
	store->failed = true;
}

static bool execute(struct store *store, const char *sql)
{
	if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK)
		return true;
	complain(store, sql);
	return false;
}

static bool lock_dir(struct store *store, struct error *err)
{
	char *path = NULL;
	bool ok = false;

	if (mkdir(store->dir, 0700) != 0 && errno != EEXIST)
		return error_set(err, ERROR_FAILED, "%s: %s", store->dir, strerror(errno));
	if (asprintf(&path, "%s/lock", store->dir) < 0)
		return error_set(err, ERROR_FAILED, "out of memory");
	store->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (store->lock < 0)
		error_set(err, ERROR_FAILED, "%s: %s", path, strerror(errno));
	else if (flock(store->lock, LOCK_EX | LOCK_NB) != 0)
		error_set(err, ERROR_FAILED, "%s is in use by another sandbox", store->dir);
	else
		ok = true;
	free(path);
	return ok;
}

bool store_open(const char *dir, struct store **out, struct error *err)
{
	struct store *store = calloc(1, sizeof *store);
	struct buffer value = BUFFER_INIT(64);
	char *path = NULL;

	if (store == NULL || (store->dir = realpath(dir, NULL)) == NULL) {
		if (store != NULL && mkdir(dir, 0700) == 0)
			store->dir = realpath(dir, NULL);
		if (store == NULL || store->dir == NULL) {
			free(store);
			return error_set(err, ERROR_FAILED, "%s: %s", dir, strerror(errno));
		}
	}
	store->lock = -1;
	if (!lock_dir(store, err))
		goto failed;
	if (asprintf(&path, "%s/state.db", store->dir) < 0) {
		path = NULL;
		error_set(err, ERROR_FAILED, "out of memory");
		goto failed;
	}
	mode_t mask = umask(077);
	int status = sqlite3_open_v2(path, &store->db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX, NULL);
	if (status == SQLITE_OK) {
		execute(store, "PRAGMA journal_mode = WAL");
		execute(store, "PRAGMA synchronous = FULL");
		execute(store, "PRAGMA foreign_keys = ON");
		execute(store, "BEGIN IMMEDIATE");
		execute(store, schema);
		execute(store, "COMMIT");
	}
	umask(mask);
	if (status != SQLITE_OK || store->failed) {
		error_set(err, ERROR_FAILED, "%s: %s", path, sqlite3_errmsg(store->db));
		goto failed;
	}
	if (store_get(store, "clock", &value))
		store->offset = strtoll(buffer_text(&value), NULL, 10);
	buffer_free(&value);
	free(path);
	*out = store;
	return true;

failed:
	free(path);
	store_close(store);
	return false;
}

void store_close(struct store *store)
{
	if (store == NULL)
		return;
	sqlite3_close(store->db);
	if (store->lock >= 0)
		close(store->lock);
	free(store->dir);
	free(store);
}

const char *store_dir(const struct store *store)
{
	return store->dir;
}

void store_begin(struct store *store)
{
	store->failed = false;
	store->open = execute(store, "BEGIN IMMEDIATE");
}

bool store_commit(struct store *store)
{
	bool ok = !store->failed && store->open && execute(store, "COMMIT");

	if (!ok)
		store_rollback(store);
	store->open = false;
	return ok;
}

void store_rollback(struct store *store)
{
	if (store->open)
		sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	store->open = false;
}

bool store_failed(const struct store *store)
{
	return store->failed;
}

static sqlite3_stmt *prepare(
	struct store *store, const char *sql, const char *types, va_list arguments)
{
	sqlite3_stmt *statement = NULL;

	if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) != SQLITE_OK) {
		complain(store, sql);
		return NULL;
	}
	for (int i = 0; types[i] != '\0'; i++) {
		const void *data;
		size_t length;

		switch (types[i]) {
		case 's':
			data = va_arg(arguments, const char *);
			sqlite3_bind_text(statement, i + 1, data, -1, SQLITE_TRANSIENT);
			break;
		case 'b':
			data = va_arg(arguments, const void *);
			length = va_arg(arguments, size_t);
			sqlite3_bind_blob64(statement, i + 1, data, length, SQLITE_TRANSIENT);
			break;
		default:
			sqlite3_bind_int64(statement, i + 1, va_arg(arguments, int64_t));
		}
	}
	return statement;
}

int store_run(struct store *store, const char *sql, const char *types, ...)
{
	va_list arguments;
	sqlite3_stmt *statement;

	va_start(arguments, types);
	statement = prepare(store, sql, types, arguments);
	va_end(arguments);
	if (statement == NULL)
		return 0;
	int status = sqlite3_step(statement);
	if (status != SQLITE_DONE && status != SQLITE_ROW)
		complain(store, sql);
	sqlite3_finalize(statement);
	return sqlite3_changes(store->db);
}

sqlite3_stmt *store_query(struct store *store, const char *sql, const char *types, ...)
{
	va_list arguments;
	sqlite3_stmt *statement;

	va_start(arguments, types);
	statement = prepare(store, sql, types, arguments);
	va_end(arguments);
	return statement;
}

bool store_next(struct store *store, sqlite3_stmt **query)
{
	if (*query == NULL)
		return false;
	int status = sqlite3_step(*query);
	if (status == SQLITE_ROW)
		return true;
	if (status != SQLITE_DONE)
		complain(store, sqlite3_sql(*query));
	store_end(query);
	return false;
}

void store_end(sqlite3_stmt **query)
{
	sqlite3_finalize(*query);
	*query = NULL;
}

const char *store_text(sqlite3_stmt *query, int column)
{
	const unsigned char *text = sqlite3_column_text(query, column);

	return text != NULL ? (const char *)text : "";
}

bool store_blob(sqlite3_stmt *query, int column, struct buffer *out)
{
	const void *data = sqlite3_column_blob(query, column);

	return buffer_append(out, data, (size_t)sqlite3_column_bytes(query, column));
}

bool store_equals(sqlite3_stmt *query, int column, const void *data, size_t length)
{
	const void *value = sqlite3_column_blob(query, column);

	return value != NULL && (size_t)sqlite3_column_bytes(query, column) == length &&
	       CRYPTO_memcmp(value, data, length) == 0;
}

int64_t store_number(
	struct store *store, int64_t otherwise, const char *sql, const char *types, ...)
{
	va_list arguments;
	sqlite3_stmt *query;

	va_start(arguments, types);
	query = prepare(store, sql, types, arguments);
	va_end(arguments);
	if (store_next(store, &query)) {
		if (sqlite3_column_type(query, 0) != SQLITE_NULL)
			otherwise = sqlite3_column_int64(query, 0);
		store_end(&query);
	}
	return otherwise;
}

bool store_get(struct store *store, const char *name, struct buffer *out)
{
	sqlite3_stmt *query =
		store_query(store, "SELECT value FROM settings WHERE name = ?", "s", name);
	bool found = store_next(store, &query) && store_blob(query, 0, out);

	store_end(&query);
	return found;
}

void store_put(struct store *store, const char *name, const void *value, size_t length)
{
	store_run(store,
		"INSERT INTO settings VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = "
		"excluded.value",
		"sb", name, value, length);
}

int64_t store_now(const struct store *store)
{
	struct timespec now;

	if (store->frozen != 0)
		return store->frozen;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 + store->offset;
}

int64_t store_seconds(const struct store *store)
{
	return store_now(store) / 1000;
}

void store_advance(struct store *store, int64_t milliseconds)
{
	char text[32];

	store->offset += milliseconds;
	store->frozen += store->frozen != 0 ? milliseconds : 0;
	int length = snprintf(text, sizeof text, "%lld", (long long)store->offset);
	store_put(store, "clock", text, (size_t)length);
}

void store_freeze(struct store *store, bool freeze)
{
	store->frozen = 0;
	if (freeze)
		store->frozen = store_now(store);
}

bool store_write_file(struct store *store, const char *name, const void *data, size_t length,
	unsigned mode, struct error *err)
{
	char *path = NULL, *temporary = NULL;
	const char *slash = strchr(name, '/');
	bool ok = false;
	int fd = -1;

	if (slash != NULL) {
		if (asprintf(&path, "%s/%.*s", store->dir, (int)(slash - name), name) < 0)
			return error_set(err, ERROR_FAILED, "out of memory");
		if (mkdir(path, 0700) != 0 && errno != EEXIST) {
			error_set(err, ERROR_FAILED, "%s: %s", path, strerror(errno));
			free(path);
			return false;
		}
		free(path);
		path = NULL;
	}
	if (asprintf(&path, "%s/%s", store->dir, name) < 0) {
		path = NULL;
		goto out;
	}
	if (asprintf(&temporary, "%s.new", path) < 0) {
		temporary = NULL;
		goto out;
	}
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, (mode_t)mode);
	ok = fd >= 0 && fchmod(fd, (mode_t)mode) == 0 && folder_write_all(fd, data, length) &&
	     fsync(fd) == 0 && rename(temporary, path) == 0;
out:
	if (!ok)
		error_set(err, ERROR_FAILED, "%s: %s", path != NULL ? path : name, strerror(errno));
	if (fd >= 0)
		close(fd);
	free(temporary);
	free(path);
	return ok;
}
