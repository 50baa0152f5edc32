#include "provision/flow/journal_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "module/support/buffer.h"
#include "module/support/config.h"
#include "module/support/folder.h"
#include "provision/i18n.h"

#define JOURNAL_VERSION 1
#define BUSY_MS         20000

enum column_type { TEXT, NUMBER, BLOB, STATE };

/* The row's columns after the id, in the order of the statement's parameters. */
static const struct {
	const char *name;
	enum column_type type;
	size_t offset;
} columns[] = {
#define COLUMN(name, type)                                                                         \
	{                                                                                          \
#name, type, offsetof(struct journal_application, name)                            \
	}
	COLUMN(authority, TEXT),
	COLUMN(remote_id, TEXT),
	COLUMN(account, TEXT),
	COLUMN(fingerprint, TEXT),
	COLUMN(profile, TEXT),
	COLUMN(identification, TEXT),
	COLUMN(person, TEXT),
	COLUMN(holder, TEXT),
	COLUMN(state, STATE),
	COLUMN(remote_state, STATE),
	COLUMN(words, TEXT),
	COLUMN(reason, TEXT),
	COLUMN(fields, TEXT),
	COLUMN(documents, TEXT),
	COLUMN(actions, NUMBER),
	COLUMN(poll, NUMBER),
	COLUMN(next_poll, NUMBER),
	COLUMN(slot_uri, TEXT),
	COLUMN(key_spec, TEXT),
	COLUMN(label, TEXT),
	COLUMN(key_reserved, BLOB),
	COLUMN(key_id, BLOB),
	COLUMN(spki, BLOB),
	COLUMN(key_uri, TEXT),
	COLUMN(signer_uri, TEXT),
	COLUMN(signer_sha256, BLOB),
	COLUMN(request, BLOB),
	COLUMN(application, BLOB),
	COLUMN(signature, BLOB),
	COLUMN(certificates, TEXT),
	COLUMN(certificate_sha256, BLOB),
	COLUMN(not_after, NUMBER),
	COLUMN(installed, NUMBER),
	COLUMN(acknowledged, NUMBER),
	COLUMN(created, NUMBER),
	COLUMN(updated, NUMBER),
#undef COLUMN
};
#define COLUMN_COUNT (sizeof(columns) / sizeof(columns[0]))

/* Events are only ever added: the triggers hold everybody to it. */
static const char schema_tail[] =
	"CREATE TABLE events(id INTEGER PRIMARY KEY, application INTEGER NOT NULL REFERENCES "
	"applications(id),"
	" at INTEGER NOT NULL, kind TEXT NOT NULL, detail TEXT);"
	"CREATE INDEX events_application ON events(application);"
	"CREATE TRIGGER events_stay BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are "
	"not changed'); END;"
	"CREATE TRIGGER events_last BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are "
	"not removed'); END;"
	"CREATE TABLE steps(id INTEGER PRIMARY KEY, application INTEGER NOT NULL REFERENCES "
	"applications(id),"
	" name TEXT NOT NULL, idempotency_key TEXT NOT NULL UNIQUE, payload BLOB, begun INTEGER "
	"NOT NULL,"
	" ended INTEGER, answer TEXT);"
	"CREATE INDEX steps_application ON steps(application, name);"
	"CREATE INDEX applications_remote ON applications(authority, remote_id);"
	"CREATE INDEX applications_fingerprint ON applications(fingerprint);";

bool journal_fail(const struct journal *journal, struct error *err)
{
	return error_set(err, ERROR_FAILED, _("the journal: %s"),
		journal->db != NULL ? sqlite3_errmsg(journal->db) : _("out of memory"));
}

bool journal_execute(struct journal *journal, const char *sql, struct error *err)
{
	return sqlite3_exec(journal->db, sql, NULL, NULL, NULL) == SQLITE_OK ||
	       journal_fail(journal, err);
}

sqlite3_stmt *journal_prepare(struct journal *journal, const char *sql, struct error *err)
{
	sqlite3_stmt *statement = NULL;

	if (sqlite3_prepare_v2(journal->db, sql, -1, &statement, NULL) != SQLITE_OK)
		journal_fail(journal, err);
	return statement;
}

/* Runs a statement that gives no row, and ends it. */
bool journal_finish(struct journal *journal, sqlite3_stmt *statement, struct error *err)
{
	bool done = sqlite3_step(statement) == SQLITE_DONE || journal_fail(journal, err);

	sqlite3_finalize(statement);
	return done;
}

bool journal_end(struct journal *journal, bool good, struct error *err)
{
	if (good && journal_execute(journal, "COMMIT", err))
		return true;
	sqlite3_exec(journal->db, "ROLLBACK", NULL, NULL, NULL);
	return false;
}

static bool create_schema(struct journal *journal, struct error *err)
{
	struct buffer sql = BUFFER_INIT(8192);
	bool done;

	buffer_append_text(&sql, "CREATE TABLE applications(id INTEGER PRIMARY KEY AUTOINCREMENT");
	for (size_t i = 0; i < COLUMN_COUNT; i++) {
		static const char *const types[] = {"TEXT", "INTEGER", "BLOB", "TEXT"};

		buffer_printf(&sql, ", %s %s", columns[i].name, types[columns[i].type]);
	}
	buffer_printf(&sql, ");%s PRAGMA user_version = %d", schema_tail, JOURNAL_VERSION);
	done = buffer_ok(&sql) ? journal_execute(journal, buffer_text(&sql), err)
			       : error_set(err, ERROR_FAILED, _("out of memory"));
	buffer_free(&sql);
	return done;
}

static bool read_number(
	struct journal *journal, const char *sql, int64_t *number, struct error *err)
{
	sqlite3_stmt *statement = journal_prepare(journal, sql, err);
	bool done;

	if (statement == NULL)
		return false;
	done = sqlite3_step(statement) == SQLITE_ROW || journal_fail(journal, err);
	if (done)
		*number = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return done;
}

/*
 * A journal of SQLite's beside the database can name any file as its "super-journal", which SQLite then deletes: so
 * nobody else may be able to put one there, nor to write the database.
 */
static bool check_own(const char *path, const struct stat *st, struct error *err)
{
	if ((st->st_uid == geteuid() || st->st_uid == 0) &&
		(st->st_mode & (S_IWGRP | S_IWOTH)) == 0)
		return true;
	return error_set(err, ERROR_WORKPLACE,
		_("%s: somebody else may write it, which the journal can't have: it has to be "
		  "yours, and chmod go-w"),
		path);
}

static bool check_directory(const char *path, struct error *err)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return error_set(err, ERROR_FAILED, "%s: %s", path, strerror(errno));
	return check_own(path, &st, err);
}

/* Made with the right mode before SQLite gives its own files that mode, too. */
static bool make_file(const char *path, struct error *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct stat st;
	bool done;

	if (fd < 0)
		return error_set(err, ERROR_FAILED, "%s: %s", path, strerror(errno));
	done = fstat(fd, &st) == 0 ? check_own(path, &st, err)
				   : error_set(err, ERROR_FAILED, "%s: %s", path, strerror(errno));
	close(fd);
	return done;
}

static bool open_database(struct journal *journal, const char *path, struct error *err)
{
	int64_t version = 0;

	if (sqlite3_open_v2(path, &journal->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX,
		    NULL) != SQLITE_OK)
		return journal_fail(journal, err);
	sqlite3_extended_result_codes(journal->db, 1);
	sqlite3_busy_timeout(journal->db, BUSY_MS);
	if (!journal_execute(journal,
		    "PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL; PRAGMA foreign_keys "
		    "= ON;"
		    "PRAGMA trusted_schema = OFF",
		    err) ||
		!read_number(journal, "PRAGMA user_version", &version, err))
		return false;
	if (version == 0) {
		bool good;

		if (!journal_execute(journal, "BEGIN IMMEDIATE", err))
			return false;
		good = read_number(journal, "PRAGMA user_version", &version, err) &&
		       (version != 0 || create_schema(journal, err));
		if (!journal_end(journal, good, err) ||
			!read_number(journal, "PRAGMA user_version", &version, err))
			return false;
	}
	if (version != JOURNAL_VERSION)
		return error_set(err, ERROR_FAILED,
			_("%s was written by a newer podpis (version %lld of the journal)"), path,
			(long long)version);
	return true;
}

static bool open_in(const char *directory, bool look, struct journal **out, struct error *err)
{
	struct journal *journal = calloc(1, sizeof(*journal));
	char *path = NULL;
	bool done = false;

	if (journal == NULL || asprintf(&path, "%s/journal.db", directory) < 0) {
		path = NULL;
		error_set(err, ERROR_FAILED, _("out of memory"));
		goto out;
	}
	if (asprintf(&journal->lock_path, "%s/journal.lock", directory) < 0) {
		journal->lock_path = NULL;
		error_set(err, ERROR_FAILED, _("out of memory"));
		goto out;
	}
	if (look && access(path, F_OK) != 0 && errno == ENOENT) {
		if (!open_database(journal, ":memory:", err))
			goto out;
	} else if (!folder_make(directory, err) || !check_directory(directory, err) ||
		   !make_file(path, err) || !open_database(journal, path, err)) {
		goto out;
	}
	*out = journal;
	journal = NULL;
	done = true;
out:
	free(path);
	journal_close(journal);
	return done;
}

bool journal_open_at(const char *directory, struct journal **out, struct error *err)
{
	return open_in(directory, false, out, err);
}

static bool open_usual(bool look, struct journal **out, struct error *err)
{
	char *directory = config_state_dir();
	bool done;

	if (directory == NULL)
		return error_set(err, ERROR_WORKPLACE,
			_("there is no place for the journal: neither XDG_STATE_HOME nor HOME is "
			  "set"));
	done = open_in(directory, look, out, err);
	free(directory);
	return done;
}

bool journal_open(struct journal **out, struct error *err)
{
	return open_usual(false, out, err);
}

bool journal_look(struct journal **out, struct error *err)
{
	return open_usual(true, out, err);
}

void journal_close(struct journal *journal)
{
	if (journal == NULL)
		return;
	sqlite3_close(journal->db);
	free(journal->lock_path);
	free(journal);
}

/* Open-file-description locks, a byte an application: they fall with the process, and only then. */
static bool lock_byte(
	struct journal *journal, int64_t id, int command, int *lock, bool *busy, struct error *err)
{
	struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = id, .l_len = 1};
	int fd = open(journal->lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), got;

	*busy = false;
	if (fd < 0)
		return error_set(err, ERROR_FAILED, "%s: %s", journal->lock_path, strerror(errno));
	do
		got = fcntl(fd, command, &range);
	while (got != 0 && errno == EINTR);
	if (got == 0) {
		*lock = fd;
		return true;
	}
	*busy = errno == EAGAIN || errno == EACCES;
	error_set(err, ERROR_FAILED, "%s: %s", journal->lock_path, strerror(errno));
	close(fd);
	return false;
}

bool journal_try_lock(struct journal *journal, int64_t id, int *lock, struct error *err)
{
	struct error problem = {0};
	bool busy;

	if (lock_byte(journal, id, F_OFD_SETLK, lock, &busy, &problem))
		return true;
	if (!busy)
		return error_set(err, problem.code, "%s", problem.message);
	*lock = -1;
	return true;
}

bool journal_lock(struct journal *journal, int64_t id, int *lock, bool *waited, struct error *err)
{
	int fd = -1;
	bool busy;

	if (!journal_try_lock(journal, id, &fd, err))
		return false;
	if (waited != NULL)
		*waited = fd < 0;
	if (fd < 0 && !lock_byte(journal, id, F_OFD_SETLKW, &fd, &busy, err))
		return false;
	*lock = fd;
	return true;
}

void journal_unlock(int lock)
{
	if (lock >= 0)
		close(lock);
}

static void *member(const struct journal_application *application, size_t column)
{
	return (char *)(uintptr_t)application + columns[column].offset;
}

static bool bind(struct journal *journal, sqlite3_stmt *statement, int position,
	const struct journal_application *application, size_t column, struct error *err)
{
	const void *value = member(application, column);
	const struct journal_blob *blob = value;
	int rc = SQLITE_OK;

	switch (columns[column].type) {
	case TEXT:
		rc = sqlite3_bind_text(
			statement, position, *(char *const *)value, -1, SQLITE_STATIC);
		break;
	case NUMBER:
		rc = sqlite3_bind_int64(statement, position, *(const int64_t *)value);
		break;
	case BLOB:
		rc = blob->data == NULL ? sqlite3_bind_null(statement, position)
					: sqlite3_bind_blob64(statement, position, blob->data,
						  blob->length, SQLITE_STATIC);
		break;
	case STATE:
		rc = sqlite3_bind_text(statement, position,
			flow_state_info(*(const enum flow_state *)value)->name, -1, SQLITE_STATIC);
		break;
	}
	return rc == SQLITE_OK || journal_fail(journal, err);
}

static bool fetch(sqlite3_stmt *statement, int position, struct journal_application *application,
	size_t column, struct error *err)
{
	void *value = member(application, column);
	const char *text;
	bool good = true;

	switch (columns[column].type) {
	case TEXT:
		good = journal_text(value, (const char *)sqlite3_column_text(statement, position));
		break;
	case NUMBER:
		*(int64_t *)value = sqlite3_column_int64(statement, position);
		break;
	case BLOB:
		good = journal_bytes(value, sqlite3_column_blob(statement, position),
			(size_t)sqlite3_column_bytes(statement, position));
		break;
	case STATE:
		text = (const char *)sqlite3_column_text(statement, position);
		if (text == NULL || !flow_state_by_name(text, value))
			return error_set(err, ERROR_FAILED, _("the journal: there is no state %s"),
				text != NULL ? text : "NULL");
		break;
	}
	return good || error_set(err, ERROR_FAILED, _("out of memory"));
}

bool journal_text(char **out, const char *value)
{
	char *copy = NULL;

	if (value != NULL) {
		copy = strdup(value);
		if (copy == NULL)
			return false;
	}
	free(*out);
	*out = copy;
	return true;
}

bool journal_bytes(struct journal_blob *out, const void *data, size_t length)
{
	uint8_t *copy = NULL;

	if (data != NULL) {
		copy = malloc(length > 0 ? length : 1);
		if (copy == NULL)
			return false;
		memcpy(copy, data, length);
	}
	free(out->data);
	out->data = copy;
	out->length = copy != NULL ? length : 0;
	return true;
}

void journal_application_clear(struct journal_application *application)
{
	for (size_t i = 0; i < COLUMN_COUNT; i++) {
		void *value = member(application, i);

		if (columns[i].type == TEXT)
			free(*(char **)value);
		else if (columns[i].type == BLOB)
			free(((struct journal_blob *)value)->data);
	}
	*application = (struct journal_application){0};
}

static bool add_event(struct journal *journal, int64_t id, int64_t at, const char *kind,
	const char *detail, struct error *err)
{
	sqlite3_stmt *statement = journal_prepare(journal,
		"INSERT INTO events(application, at, kind, detail) VALUES(?1, ?2, ?3, ?4)", err);

	if (statement == NULL)
		return false;
	sqlite3_bind_int64(statement, 1, id);
	sqlite3_bind_int64(statement, 2, at);
	sqlite3_bind_text(statement, 3, kind, -1, SQLITE_STATIC);
	sqlite3_bind_text(statement, 4, detail, -1, SQLITE_STATIC);
	return journal_finish(journal, statement, err);
}

/* Writes all columns; `sql` is the statement's text, whose last parameter is the id when there is one. */
static bool write_row(struct journal *journal, const char *sql,
	const struct journal_application *application, struct error *err)
{
	sqlite3_stmt *statement = journal_prepare(journal, sql, err);

	if (statement == NULL)
		return false;
	for (size_t i = 0; i < COLUMN_COUNT; i++) {
		if (!bind(journal, statement, (int)i + 1, application, i, err)) {
			sqlite3_finalize(statement);
			return false;
		}
	}
	if (sqlite3_bind_parameter_count(statement) > (int)COLUMN_COUNT)
		sqlite3_bind_int64(statement, (int)COLUMN_COUNT + 1, application->id);
	return journal_finish(journal, statement, err);
}

bool journal_add(struct journal *journal, struct journal_application *application,
	const char *event, const char *detail, struct error *err)
{
	struct buffer sql = BUFFER_INIT(8192);
	int64_t id = 0;
	bool good = false;

	application->created = application->updated = (int64_t)time(NULL);
	buffer_append_text(&sql, "INSERT INTO applications(");
	for (size_t i = 0; i < COLUMN_COUNT; i++)
		buffer_printf(&sql, "%s%s", i > 0 ? ", " : "", columns[i].name);
	buffer_append_text(&sql, ") VALUES(?1");
	for (size_t i = 1; i < COLUMN_COUNT; i++)
		buffer_printf(&sql, ", ?%zu", i + 1);
	buffer_append_text(&sql, ")");
	if (!buffer_ok(&sql)) {
		error_set(err, ERROR_FAILED, _("out of memory"));
		goto out;
	}
	if (!journal_execute(journal, "BEGIN IMMEDIATE", err))
		goto out;
	good = write_row(journal, buffer_text(&sql), application, err);
	if (good) {
		id = sqlite3_last_insert_rowid(journal->db);
		good = add_event(journal, id, application->created, event, detail, err);
	}
	good = journal_end(journal, good, err);
	if (good)
		application->id = id;
out:
	buffer_free(&sql);
	return good;
}

bool journal_answer(struct journal *journal, struct journal_application *application,
	const char *event, const char *detail, struct journal_step *step, const char *answer,
	struct error *err)
{
	struct buffer sql = BUFFER_INIT(8192);
	bool good = false;

	application->updated = (int64_t)time(NULL);
	buffer_append_text(&sql, "UPDATE applications SET ");
	for (size_t i = 0; i < COLUMN_COUNT; i++)
		buffer_printf(&sql, "%s%s = ?%zu", i > 0 ? ", " : "", columns[i].name, i + 1);
	buffer_printf(&sql, " WHERE id = ?%zu", COLUMN_COUNT + 1);
	if (!buffer_ok(&sql)) {
		error_set(err, ERROR_FAILED, _("out of memory"));
		goto out;
	}
	if (!journal_execute(journal, "BEGIN IMMEDIATE", err))
		goto out;
	good = write_row(journal, buffer_text(&sql), application, err) &&
	       (event == NULL || add_event(journal, application->id, application->updated, event,
					 detail, err)) &&
	       (step == NULL || journal_step_end(journal, step, answer, err));
	good = journal_end(journal, good, err);
out:
	buffer_free(&sql);
	return good;
}

bool journal_save(struct journal *journal, struct journal_application *application,
	const char *event, const char *detail, struct error *err)
{
	return journal_answer(journal, application, event, detail, NULL, NULL, err);
}

bool journal_load(struct journal *journal, int64_t id, struct journal_application *application,
	struct error *err)
{
	struct journal_application row = {.id = id};
	struct buffer sql = BUFFER_INIT(8192);
	sqlite3_stmt *statement = NULL;
	bool done = false;
	int rc;

	buffer_append_text(&sql, "SELECT ");
	for (size_t i = 0; i < COLUMN_COUNT; i++)
		buffer_printf(&sql, "%s%s", i > 0 ? ", " : "", columns[i].name);
	buffer_append_text(&sql, " FROM applications WHERE id = ?1");
	statement = buffer_ok(&sql) ? journal_prepare(journal, buffer_text(&sql), err) : NULL;
	if (statement == NULL)
		goto out;
	sqlite3_bind_int64(statement, 1, id);
	rc = sqlite3_step(statement);
	if (rc != SQLITE_ROW) {
		if (rc == SQLITE_DONE)
			error_set(
				err, ERROR_USAGE, _("there is no application %lld"), (long long)id);
		else
			journal_fail(journal, err);
		goto out;
	}
	for (size_t i = 0; i < COLUMN_COUNT; i++) {
		if (!fetch(statement, (int)i, &row, i, err))
			goto out;
	}
	journal_application_clear(application);
	*application = row;
	row = (struct journal_application){0};
	done = true;
out:
	journal_application_clear(&row);
	sqlite3_finalize(statement);
	buffer_free(&sql);
	return done;
}
