#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "module/store/vault/connection.h"
#include "module/store/vault/disk.h"
#include "module/store/vault/record.h"
#include "module/support/folder.h"

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

bool connection_init(struct connection *connection, struct log *log, const char *path)
{
	char *folder = NULL;

	*connection = (struct connection){.log = log};
	if (path[0] == '/') {
		connection->path = strdup(path);
	} else {
		folder = getcwd(NULL, 0);
		if (folder == NULL || asprintf(&connection->path, "%s/%s", folder, path) < 0)
			connection->path = NULL;
		free(folder);
	}
	if (connection->path != NULL && watch_init(&connection->watch, connection->path))
		return true;
	free(connection->path);
	connection->path = NULL;
	return false;
}

void connection_close(struct connection *connection)
{
	sqlite3_close(connection->db);
	connection->db = NULL;
	watch_close(&connection->watch);
}

void connection_free(struct connection *connection)
{
	connection_close(connection);
	watch_free(&connection->watch);
	free(connection->path);
}

CK_RV connection_failed(struct connection *connection, const char *what, int rc)
{
	int error = connection->db != NULL ? sqlite3_system_errno(connection->db) : 0;
	CK_RV rv = CKR_DEVICE_ERROR;

	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		if (failures[i].code != (rc & 0xff) ||
			(failures[i].error != 0 && failures[i].error != error))
			continue;
		rv = failures[i].rv;
		break;
	}
	log_error(connection->log, "%s: %s: %s (SQLite %d, errno %d)", connection->path, what,
		sqlite3_errstr(rc), rc, error);
	return rv;
}

/* Other people's files are not for us, nor ours for them. */
static CK_RV check_file(struct connection *connection, const char *path, const struct stat *st)
{
	if (disk_is_own(st))
		return CKR_OK;
	if (!S_ISREG(st->st_mode))
		log_error(connection->log, "%s: not a regular file", path);
	else if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		log_error(connection->log,
			"%s: mode %03o lets others write it; a vault is used with mode 600 only",
			path, (unsigned)st->st_mode & 0777);
	else
		log_error(connection->log, "%s: belongs to user %u, not to user %u", path,
			(unsigned)st->st_uid, (unsigned)geteuid());
	return CKR_DEVICE_ERROR;
}

/* Only tells what is wrong: what is opened is asked again by the disk. */
static CK_RV check_journal(struct connection *connection)
{
	struct stat st;
	char *path = NULL;
	CK_RV rv = CKR_OK;

	if (asprintf(&path, "%s-journal", connection->path) < 0)
		return CKR_HOST_MEMORY;
	if (lstat(path, &st) == 0)
		rv = check_file(connection, path, &st);
	free(path);
	return rv;
}

static CK_RV set_up(struct connection *connection)
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
		sqlite3_limit(connection->db, limits[i].what, limits[i].value);
	for (size_t i = 0; rc == SQLITE_OK && i < sizeof(switches) / sizeof(switches[0]); i++)
		rc = sqlite3_db_config(connection->db, switches[i].what, switches[i].value, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_extended_result_codes(connection->db, 1);
	if (rc == SQLITE_OK)
		rc = sqlite3_busy_timeout(connection->db, CONNECTION_WAIT);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(connection->db, pragmas, NULL, NULL, NULL);
	return rc == SQLITE_OK ? CKR_OK : connection_failed(connection, "cannot be opened", rc);
}

static CK_RV create_file(struct connection *connection)
{
	int fd = -1, error;

	if (folder_make_above(connection->path))
		fd = open(
			connection->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0) {
		close(fd);
		return CKR_OK;
	}
	error = errno;
	/* Another process was first, or what stands there is no file: who opens it tells. */
	if (error == EEXIST)
		return CKR_OK;
	log_error(connection->log, "%s: cannot be made: %s", connection->path, strerror(error));
	if (error == EACCES || error == EPERM || error == EROFS)
		return CKR_TOKEN_WRITE_PROTECTED;
	return error == ENOSPC || error == EDQUOT ? CKR_DEVICE_MEMORY : CKR_DEVICE_ERROR;
}

static bool may_write(const struct connection *connection)
{
	return faccessat(AT_FDCWD, connection->path, W_OK, AT_EACCESS) == 0;
}

CK_RV connection_find(struct connection *connection, bool create, struct stat *st, bool *present)
{
	CK_RV rv;

	*present = false;
	for (int i = 0; lstat(connection->path, st) != 0; i++) {
		if (errno != ENOENT && errno != ENOTDIR) {
			log_error(connection->log, "%s: %s", connection->path, strerror(errno));
			return CKR_DEVICE_ERROR;
		}
		if (!create || i > 0)
			return CKR_OK;
		rv = create_file(connection);
		if (rv != CKR_OK)
			return rv;
	}
	*present = true;
	rv = check_file(connection, connection->path, st);
	return rv == CKR_OK ? check_journal(connection) : rv;
}

bool connection_fits(const struct connection *connection, const struct stat *st)
{
	return connection->db != NULL && watch_is_file(&connection->watch, st) &&
	       connection->read_only == !may_write(connection);
}

CK_RV connection_open(struct connection *connection, const struct stat *st)
{
	bool read_only = !may_write(connection);
	struct stat opened;
	int rc, fd;
	CK_RV rv;

	if (!disk_set_up()) {
		log_error(connection->log, "SQLite cannot be set up");
		return CKR_GENERAL_ERROR;
	}
	fd = open(connection->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &opened) != 0) {
		log_error(connection->log, "%s: cannot be opened: %s", connection->path,
			strerror(errno));
		if (fd >= 0)
			close(fd);
		return CKR_DEVICE_ERROR;
	}
	if (opened.st_ino != st->st_ino || opened.st_dev != st->st_dev) {
		log_error(
			connection->log, "%s: was replaced while it was opened", connection->path);
		close(fd);
		return CKR_FUNCTION_FAILED;
	}
	rc = sqlite3_open_v2(connection->path, &connection->db,
		(read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) | SQLITE_OPEN_NOMUTEX |
			SQLITE_OPEN_PRIVATECACHE,
		DISK_VFS);
	rv = rc == SQLITE_OK ? set_up(connection)
			     : connection_failed(connection, "cannot be opened", rc);
	if (rv != CKR_OK) {
		close(fd);
		connection_close(connection);
		return rv;
	}
	watch_file(&connection->watch, fd, st);
	connection->read_only = read_only;
	return CKR_OK;
}
