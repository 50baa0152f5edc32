#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "module/store/vault/disk.h"
#include "module/store/vault/record.h"
#include "module/store/vault/table.h"

#define WAIT_READ     2000  /* ms for another's lock */
#define WAIT_WRITE    10000 /* ms */
#define COUNTER_PLACE 24    /* of the file change counter in SQLite's header */

/* What is compared to learn whether the file moved. */
struct stamp {
	bool present;
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec changed; /* the inode: also what chmod does */
	uint8_t counter[4];      /* SQLite's, moved by every commit */
};

struct table {
	struct log *log;
	char *path;
	sqlite3 *db;
	sqlite3_stmt *statements[TABLE_STATEMENTS];
	bool read_only, writing;
	struct stamp begun; /* the state that the running transaction started from */

	pthread_rwlock_t
		watch; /* what follows; table_moved reads it beside a running transaction */
	int fd;        /* of the file whose counter is read */
	dev_t device;
	ino_t inode;
	struct stamp noted;
	bool known; /* `noted` counts */
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

/* How SQLite's failures are told; the first row that fits the code (and errno, unless 0) counts. */
static const struct {
	int code, error;
	CK_RV rv;
} failures[] = {
	{SQLITE_BUSY, 0, CKR_FUNCTION_FAILED},
	{SQLITE_FULL, 0, CKR_DEVICE_MEMORY},
	{SQLITE_IOERR, ENOSPC, CKR_DEVICE_MEMORY},
	{SQLITE_IOERR, EDQUOT, CKR_DEVICE_MEMORY},
	{SQLITE_NOMEM, 0, CKR_HOST_MEMORY},
	{SQLITE_READONLY, 0, CKR_TOKEN_WRITE_PROTECTED},
	{SQLITE_PERM, 0, CKR_TOKEN_WRITE_PROTECTED},
	{SQLITE_CANTOPEN, EACCES, CKR_TOKEN_WRITE_PROTECTED},
	{SQLITE_CANTOPEN, EPERM, CKR_TOKEN_WRITE_PROTECTED},
	{SQLITE_CANTOPEN, EROFS, CKR_TOKEN_WRITE_PROTECTED},
	{SQLITE_CANTOPEN, ENOSPC, CKR_DEVICE_MEMORY},
	{SQLITE_CANTOPEN, EDQUOT, CKR_DEVICE_MEMORY},
};

struct table *table_new(struct log *log, const char *path)
{
	struct table *table = calloc(1, sizeof(*table));
	char *folder = NULL;

	if (table == NULL)
		return NULL;
	table->log = log;
	table->fd = -1;
	if (path[0] == '/') {
		table->path = strdup(path);
	} else {
		folder = getcwd(NULL, 0);
		if (folder == NULL || asprintf(&table->path, "%s/%s", folder, path) < 0)
			table->path = NULL;
		free(folder);
	}
	if (table->path == NULL || pthread_rwlock_init(&table->watch, NULL) != 0) {
		free(table->path);
		free(table);
		return NULL;
	}
	return table;
}

void table_disconnect(struct table *table)
{
	for (size_t i = 0; i < TABLE_STATEMENTS; i++) {
		sqlite3_finalize(table->statements[i]);
		table->statements[i] = NULL;
	}
	sqlite3_close(table->db);
	table->db = NULL;
	pthread_rwlock_wrlock(&table->watch);
	if (table->fd >= 0)
		close(table->fd);
	table->fd = -1;
	table->known = false;
	pthread_rwlock_unlock(&table->watch);
}

void table_free(struct table *table)
{
	if (table == NULL)
		return;
	table_disconnect(table);
	pthread_rwlock_destroy(&table->watch);
	free(table->path);
	free(table);
}

CK_RV table_failed(struct table *table, const char *what, int rc)
{
	int error = table->db != NULL ? sqlite3_system_errno(table->db) : 0;
	CK_RV rv = CKR_DEVICE_ERROR;

	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		if (failures[i].code != (rc & 0xff) ||
			(failures[i].error != 0 && failures[i].error != error))
			continue;
		rv = failures[i].rv;
		break;
	}
	log_error(table->log, "%s: %s: %s (SQLite %d, errno %d)", table->path, what,
		sqlite3_errstr(rc), rc, error);
	return rv;
}

/* stat first, then the counter: a counter that is as expected vouches for what stat said. */
static void take_stamp(struct table *table, struct stamp *out)
{
	struct stat st;

	*out = (struct stamp){0};
	if (stat(table->path, &st) != 0)
		return;
	*out = (struct stamp){.present = true,
		.device = st.st_dev,
		.inode = st.st_ino,
		.size = st.st_size,
		.changed = st.st_ctim};
	if (table->fd >= 0 && table->device == st.st_dev && table->inode == st.st_ino &&
		pread(table->fd, out->counter, sizeof(out->counter), COUNTER_PLACE) !=
			(ssize_t)sizeof(out->counter))
		memset(out->counter, 0, sizeof(out->counter));
}

static bool stamp_equal(const struct stamp *a, const struct stamp *b)
{
	return a->present == b->present && a->device == b->device && a->inode == b->inode &&
	       a->size == b->size && a->changed.tv_sec == b->changed.tv_sec &&
	       a->changed.tv_nsec == b->changed.tv_nsec &&
	       memcmp(a->counter, b->counter, sizeof(a->counter)) == 0;
}

bool table_moved(struct table *table)
{
	struct stamp now;
	bool moved;

	pthread_rwlock_rdlock(&table->watch);
	take_stamp(table, &now);
	moved = !table->known || !stamp_equal(&now, &table->noted);
	pthread_rwlock_unlock(&table->watch);
	return moved;
}

static void note(struct table *table, const struct stamp *stamp)
{
	pthread_rwlock_wrlock(&table->watch);
	table->noted = *stamp;
	table->known = true;
	pthread_rwlock_unlock(&table->watch);
}

void table_note(struct table *table)
{
	note(table, &table->begun);
}

void table_forget(struct table *table)
{
	pthread_rwlock_wrlock(&table->watch);
	table->known = false;
	pthread_rwlock_unlock(&table->watch);
}

/* Other people's files are not for us, nor ours for them. */
static CK_RV check_file(struct table *table, const char *path, const struct stat *st)
{
	if (disk_is_own(st))
		return CKR_OK;
	if (!S_ISREG(st->st_mode))
		log_error(table->log, "%s: not a regular file", path);
	else if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		log_error(table->log,
			"%s: mode %03o lets others write it; a vault is used with mode 600 only",
			path, (unsigned)st->st_mode & 0777);
	else
		log_error(table->log, "%s: belongs to user %u, not to user %u", path,
			(unsigned)st->st_uid, (unsigned)geteuid());
	return CKR_DEVICE_ERROR;
}

/* Only tells what is wrong: what is opened is asked again by the disk. */
static CK_RV check_journal(struct table *table)
{
	struct stat st;
	char *path = NULL;
	CK_RV rv = CKR_OK;

	if (asprintf(&path, "%s-journal", table->path) < 0)
		return CKR_HOST_MEMORY;
	if (lstat(path, &st) == 0)
		rv = check_file(table, path, &st);
	free(path);
	return rv;
}

static CK_RV set_up_connection(struct table *table)
{
	/* A tampered schema must not run anything; bad cells are to be found, not followed. */
	static const struct {
		int what, value;
	} switches[] = {
		{SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
		{SQLITE_DBCONFIG_ENABLE_VIEW, 0},
		{SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
		{SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
		{SQLITE_DBCONFIG_DEFENSIVE, 1},
	};
	static const char pragmas[] = "PRAGMA journal_mode = TRUNCATE; PRAGMA synchronous = FULL;"
				      "PRAGMA secure_delete = ON; PRAGMA cell_size_check = ON;"
				      "PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0;"
				      "PRAGMA cache_size = -1024;";
	/* What no vault needs, and the largest row: two records and what stands beside them. */
	static const struct {
		int what, value;
	} limits[] = {
		{SQLITE_LIMIT_LENGTH, 2 * RECORD_MAX + 4096},
		{SQLITE_LIMIT_SQL_LENGTH, 4096},
		{SQLITE_LIMIT_COLUMN, 16},
		{SQLITE_LIMIT_EXPR_DEPTH, 16},
		{SQLITE_LIMIT_COMPOUND_SELECT, 1},
		{SQLITE_LIMIT_ATTACHED, 0},
		{SQLITE_LIMIT_TRIGGER_DEPTH, 1},
		{SQLITE_LIMIT_WORKER_THREADS, 0},
	};
	int rc = SQLITE_OK;

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		sqlite3_limit(table->db, limits[i].what, limits[i].value);
	for (size_t i = 0; rc == SQLITE_OK && i < sizeof(switches) / sizeof(switches[0]); i++)
		rc = sqlite3_db_config(table->db, switches[i].what, switches[i].value, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_extended_result_codes(table->db, 1);
	if (rc == SQLITE_OK)
		rc = sqlite3_busy_timeout(table->db, WAIT_READ);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(table->db, pragmas, NULL, NULL, NULL);
	return rc == SQLITE_OK ? CKR_OK : table_failed(table, "cannot be opened", rc);
}

static CK_RV connect_file(struct table *table, const struct stat *st)
{
	bool read_only = faccessat(AT_FDCWD, table->path, W_OK, AT_EACCESS) != 0;
	struct stat opened;
	int rc, fd;
	CK_RV rv;

	if (table->db != NULL && table->device == st->st_dev && table->inode == st->st_ino &&
		table->read_only == read_only)
		return CKR_OK;
	table_disconnect(table);
	if (!disk_set_up()) {
		log_error(table->log, "SQLite cannot be set up");
		return CKR_GENERAL_ERROR;
	}
	fd = open(table->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &opened) != 0) {
		log_error(table->log, "%s: cannot be opened: %s", table->path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return CKR_DEVICE_ERROR;
	}
	if (opened.st_ino != st->st_ino || opened.st_dev != st->st_dev) {
		log_error(table->log, "%s: was replaced while it was opened", table->path);
		close(fd);
		return CKR_FUNCTION_FAILED;
	}
	rc = sqlite3_open_v2(table->path, &table->db,
		(read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) | SQLITE_OPEN_NOMUTEX |
			SQLITE_OPEN_PRIVATECACHE,
		DISK_VFS);
	rv = rc == SQLITE_OK ? set_up_connection(table)
			     : table_failed(table, "cannot be opened", rc);
	if (rv != CKR_OK) {
		close(fd);
		table_disconnect(table);
		return rv;
	}
	pthread_rwlock_wrlock(&table->watch);
	table->fd = fd;
	table->device = st->st_dev;
	table->inode = st->st_ino;
	table->read_only = read_only;
	pthread_rwlock_unlock(&table->watch);
	return CKR_OK;
}

/* mkdir -p, each new folder 0700. */
static bool make_folders(const char *path)
{
	char *copy = strdup(path);
	bool ok = copy != NULL;
	int error = ENOMEM;

	for (char *at = copy; ok && (at = strchr(at + 1, '/')) != NULL; *at = '/') {
		*at = '\0';
		ok = mkdir(copy, 0700) == 0;
		error = errno;
		ok = ok || error == EEXIST || access(copy, F_OK) == 0;
	}
	free(copy);
	errno = error;
	return ok;
}

static CK_RV create_file(struct table *table)
{
	int fd = -1, error;

	if (make_folders(table->path))
		fd = open(table->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0) {
		close(fd);
		return CKR_OK;
	}
	error = errno;
	if (error ==
		EEXIST) /* another process was first, or something that is no file: connect tells */
		return CKR_OK;
	log_error(table->log, "%s: cannot be made: %s", table->path, strerror(error));
	if (error == EACCES || error == EPERM || error == EROFS)
		return CKR_TOKEN_WRITE_PROTECTED;
	return error == ENOSPC || error == EDQUOT ? CKR_DEVICE_MEMORY : CKR_DEVICE_ERROR;
}

sqlite3_stmt *table_statement(struct table *table, enum table_statement which)
{
	int rc;

	if (table->statements[which] == NULL) {
		rc = sqlite3_prepare_v3(table->db, sql[which], -1, SQLITE_PREPARE_PERSISTENT,
			&table->statements[which], NULL);
		if (rc != SQLITE_OK) {
			table_failed(table, sqlite3_errmsg(table->db), rc);
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
		rc = sqlite3_exec(table->db, schema[i], NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(table->db,
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
		log_error(table->log, "%s: its tables are not a vault's", table->path);
		rv = CKR_DEVICE_ERROR;
	}
	table_done(statement);
	return rv;
}

/* Reading the header also takes SQLite's shared lock, so that the stamp is of the state that is read. */
static CK_RV look_inside(struct table *table, bool *present)
{
	sqlite3_int64 application = 0, format = 0;
	CK_RV rv = number(table, TABLE_APPLICATION, &application);

	if (rv == CKR_OK)
		rv = number(table, TABLE_FORMAT, &format);
	if (rv != CKR_OK)
		return rv;
	take_stamp(table, &table->begun);
	*present = application == TABLE_MAGIC && format == TABLE_VERSION;
	if (*present || (application == 0 && format == 0 && table->begun.size == 0))
		return CKR_OK;
	if (application == TABLE_MAGIC)
		log_error(table->log, "%s: has format %lld, this version knows format %d",
			table->path, (long long)format, TABLE_VERSION);
	else
		log_error(table->log, "%s: not a vault", table->path);
	return CKR_DEVICE_ERROR;
}

/* Does the path still lead to the file that is open? */
static bool stands(const struct table *table, const struct stamp *stamp)
{
	return stamp->present && stamp->device == table->device && stamp->inode == table->inode;
}

static CK_RV open_for(struct table *table, enum table_access access, bool *present)
{
	struct stat st;
	CK_RV rv;

	*present = false;
	for (int i = 0; lstat(table->path, &st) != 0; i++) {
		if (errno != ENOENT && errno != ENOTDIR) {
			log_error(table->log, "%s: %s", table->path, strerror(errno));
			return CKR_DEVICE_ERROR;
		}
		if (access != TABLE_CREATE || i > 0) {
			table_disconnect(table);
			return CKR_OK;
		}
		rv = create_file(table);
		if (rv != CKR_OK)
			return rv;
	}
	rv = check_file(table, table->path, &st);
	if (rv == CKR_OK)
		rv = check_journal(table);
	if (rv == CKR_OK)
		rv = connect_file(table, &st);
	if (rv != CKR_OK) {
		table_disconnect(table);
		return rv;
	}
	*present = true;
	return CKR_OK;
}

CK_RV table_begin(struct table *table, enum table_access access, bool *present)
{
	bool there, write = access != TABLE_READ;
	CK_RV rv;

	*present = false;
	take_stamp(table, &table->begun);
	rv = open_for(table, access, &there);
	if (rv != CKR_OK || !there)
		return rv;
	sqlite3_busy_timeout(table->db, write ? WAIT_WRITE : WAIT_READ);
	rv = table_run(table, table_statement(table, write ? TABLE_BEGIN_WRITE : TABLE_BEGIN_READ),
		"cannot be locked");
	if (rv != CKR_OK)
		return rv;
	table->writing = write;
	rv = look_inside(table, &there);
	if (rv == CKR_OK && !stands(table, &table->begun)) {
		log_error(table->log, "%s: was replaced while it was opened", table->path);
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
	if (table->db != NULL && sqlite3_get_autocommit(table->db) == 0)
		(void)table_run(
			table, table_statement(table, TABLE_ROLLBACK), "cannot be rolled back");
}

CK_RV table_commit(struct table *table)
{
	struct stamp after;
	uint8_t next[4];
	CK_RV rv = table_run(table, table_statement(table, TABLE_COMMIT), "cannot be written");

	if (rv != CKR_OK) {
		table_rollback(table);
		return rv;
	}
	if (!table->writing)
		return CKR_OK;
	/*
	 * The lock is gone already. When the transaction started from the state that was known and the counter
	 * moved by exactly one, nobody else has written, and what the caller has in memory is what stands in
	 * the file; else the next look reads the file.
	 */
	memcpy(next, table->begun.counter, sizeof(next));
	for (int i = 3; i >= 0 && ++next[i] == 0; i--)
		continue;
	take_stamp(table, &after);
	if (!stands(table, &after)) {
		log_error(table->log, "%s: was replaced while it was written: nothing is written",
			table->path);
		table_forget(table);
		return CKR_DEVICE_ERROR;
	}
	if (table->known && stamp_equal(&table->begun, &table->noted) &&
		memcmp(after.counter, next, sizeof(next)) == 0)
		note(table, &after);
	else
		table_forget(table);
	return CKR_OK;
}

uint64_t table_rows_max(const struct table *table)
{
	/* A row has a checksum. */
	return (uint64_t)table->begun.size / 32;
}

bool table_read_only(struct table *table)
{
	return table->read_only;
}

int table_file(const struct table *table)
{
	return table->fd;
}

const char *table_path(const struct table *table)
{
	return table->path;
}

struct log *table_log(const struct table *table)
{
	return table->log;
}
