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

#define JOURNAL_VERSION 3
#define BUSY_MS         20000

/* What makes a journal of each version one of the next; the last gives the present. */
static const char *const upgrades[JOURNAL_VERSION] = {
	[1] = "ALTER TABLE applications ADD COLUMN subject BLOB; PRAGMA user_version = 2",
	[2] = "ALTER TABLE applications ADD COLUMN renews INTEGER; PRAGMA user_version = 3",
};

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
	journal_row_declare(&sql);
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
 * Made with the right mode before SQLite gives its own files that mode, too. A journal of SQLite's beside the database
 * can name any file as its "super-journal", which SQLite then deletes: so nobody else may be able to put one there,
 * nor to write the database.
 */
static bool make_file(const char *path, struct error *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return error_set(err, ERROR_FAILED, "%s: %s", path, strerror(errno));
	close(fd);
	return folder_check_own(path, err);
}

/* Makes the tables, or adds what the older ones lack, unless another process was quicker. */
static bool make_tables(struct journal *journal, struct error *err)
{
	int64_t version = 0;
	bool good;

	if (!journal_execute(journal, "BEGIN IMMEDIATE", err))
		return false;
	good = read_number(journal, "PRAGMA user_version", &version, err);
	if (good && version == 0)
		good = create_schema(journal, err);
	for (; good && version > 0 && version < JOURNAL_VERSION; version++)
		good = journal_execute(journal, upgrades[version], err);
	return journal_end(journal, good, err);
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
	if (version < JOURNAL_VERSION &&
		(!make_tables(journal, err) ||
			!read_number(journal, "PRAGMA user_version", &version, err)))
		return false;
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
	} else if (!folder_make(directory, err) || !folder_check_own(directory, err) ||
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
