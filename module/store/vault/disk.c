#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "module/store/vault/disk.h"

/*
 * Mutexes
 */

struct sqlite3_mutex {
	pthread_mutex_t mutex;
	_Atomic pid_t owner; /* the process that this mutex is good for; DISK_RENEWING meanwhile */
	bool recursive;
};

#define DISK_RENEWING ((pid_t)-1)
#define DISK_STATIC   12 /* SQLITE_MUTEX_STATIC_MAIN (2) to _VFS3 (13) */

static struct sqlite3_mutex static_mutexes[DISK_STATIC];

static int mutex_make(struct sqlite3_mutex *mutex)
{
	pthread_mutexattr_t attributes;
	int failed;

	if (pthread_mutexattr_init(&attributes) != 0)
		return SQLITE_NOMEM;
	failed = pthread_mutexattr_settype(
		&attributes, mutex->recursive ? PTHREAD_MUTEX_RECURSIVE : PTHREAD_MUTEX_NORMAL);
	failed |= pthread_mutex_init(&mutex->mutex, &attributes);
	pthread_mutexattr_destroy(&attributes);
	return failed != 0 ? SQLITE_NOMEM : SQLITE_OK;
}

/* After a fork the first user makes the mutex anew; whoever held it does not exist here. */
static void mutex_renew(struct sqlite3_mutex *mutex)
{
	pid_t self = getpid(), owner = atomic_load_explicit(&mutex->owner, memory_order_acquire);

	while (owner != self) {
		if (owner != DISK_RENEWING &&
			atomic_compare_exchange_strong(&mutex->owner, &owner, DISK_RENEWING)) {
			(void)mutex_make(mutex);
			atomic_store_explicit(&mutex->owner, self, memory_order_release);
			return;
		}
		sched_yield();
		owner = atomic_load_explicit(&mutex->owner, memory_order_acquire);
	}
}

static int mutex_init(void)
{
	for (size_t i = 0; i < DISK_STATIC; i++) {
		if (mutex_make(&static_mutexes[i]) != SQLITE_OK)
			return SQLITE_NOMEM;
		atomic_store(&static_mutexes[i].owner, getpid());
	}
	return SQLITE_OK;
}

static int mutex_end(void)
{
	return SQLITE_OK;
}

static sqlite3_mutex *mutex_alloc(int type)
{
	struct sqlite3_mutex *mutex;

	if (type >= SQLITE_MUTEX_STATIC_MASTER)
		return type - SQLITE_MUTEX_STATIC_MASTER < DISK_STATIC
			       ? &static_mutexes[type - SQLITE_MUTEX_STATIC_MASTER]
			       : NULL;
	mutex = calloc(1, sizeof(*mutex));
	if (mutex == NULL)
		return NULL;
	mutex->recursive = type == SQLITE_MUTEX_RECURSIVE;
	if (mutex_make(mutex) != SQLITE_OK) {
		free(mutex);
		return NULL;
	}
	atomic_init(&mutex->owner, getpid());
	return mutex;
}

static void mutex_free(sqlite3_mutex *mutex)
{
	pthread_mutex_destroy(&mutex->mutex);
	free(mutex);
}

static void mutex_enter(sqlite3_mutex *mutex)
{
	mutex_renew(mutex);
	pthread_mutex_lock(&mutex->mutex);
}

static int mutex_try(sqlite3_mutex *mutex)
{
	mutex_renew(mutex);
	return pthread_mutex_trylock(&mutex->mutex) == 0 ? SQLITE_OK : SQLITE_BUSY;
}

static void mutex_leave(sqlite3_mutex *mutex)
{
	pthread_mutex_unlock(&mutex->mutex);
}

static const sqlite3_mutex_methods mutex_methods = {
	.xMutexInit = mutex_init,
	.xMutexEnd = mutex_end,
	.xMutexAlloc = mutex_alloc,
	.xMutexFree = mutex_free,
	.xMutexEnter = mutex_enter,
	.xMutexTry = mutex_try,
	.xMutexLeave = mutex_leave,
};

/*
 * Files
 */

struct disk_file {
	sqlite3_file base;
	int lock; /* the descriptor whose open file description holds the locks; -1: never locked */
	int level;          /* SQLITE_LOCK_* */
	sqlite3_file *real; /* behind this structure, of the VFS "unix-none" */
};

/* SQLite's places (https://sqlite.org/fileformat2.html, 1.2.1: the lock-byte page). */
enum {
	LOCK_PENDING = 0x40000000,
	LOCK_RESERVED = LOCK_PENDING + 1,
	LOCK_SHARED = LOCK_PENDING + 2
};
#define LOCK_SHARED_SIZE 510

static int file_lock(const struct disk_file *file, short type, off_t start, off_t length)
{
	struct flock lock = {
		.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};

	while (fcntl(file->lock, F_OFD_SETLK, &lock) != 0) {
		if (errno == EINTR)
			continue;
		return errno == EAGAIN || errno == EACCES ? SQLITE_BUSY : SQLITE_IOERR_LOCK;
	}
	return SQLITE_OK;
}

static int lock_shared(struct disk_file *file)
{
	int rc = file_lock(file, F_RDLCK, LOCK_PENDING, 1);

	if (rc != SQLITE_OK)
		return rc;
	rc = file_lock(file, F_RDLCK, LOCK_SHARED, LOCK_SHARED_SIZE);
	if (file_lock(file, F_UNLCK, LOCK_PENDING, 1) != SQLITE_OK && rc == SQLITE_OK)
		rc = SQLITE_IOERR_UNLOCK;
	return rc;
}

static int lock_exclusive(struct disk_file *file)
{
	int rc;

	if (file->level < SQLITE_LOCK_PENDING) {
		rc = file_lock(file, F_WRLCK, LOCK_PENDING, 1);
		if (rc != SQLITE_OK)
			return rc;
		/* Stays when readers are still there: no new ones come, and the next try goes on from here. */
		file->level = SQLITE_LOCK_PENDING;
	}
	return file_lock(file, F_WRLCK, LOCK_SHARED, LOCK_SHARED_SIZE);
}

static int disk_lock(sqlite3_file *base, int level)
{
	struct disk_file *file = (struct disk_file *)base;
	int rc;

	if (file->level >= level)
		return SQLITE_OK;
	if (level == SQLITE_LOCK_SHARED)
		rc = lock_shared(file);
	else if (level == SQLITE_LOCK_RESERVED)
		rc = file_lock(file, F_WRLCK, LOCK_RESERVED, 1);
	else
		rc = lock_exclusive(file);
	if (rc == SQLITE_OK)
		file->level = level;
	return rc;
}

static int disk_unlock(sqlite3_file *base, int level)
{
	struct disk_file *file = (struct disk_file *)base;
	int rc = SQLITE_OK;

	if (file->level <= level)
		return SQLITE_OK;
	if (file->level > SQLITE_LOCK_SHARED) {
		if (level == SQLITE_LOCK_SHARED)
			rc = file_lock(file, F_RDLCK, LOCK_SHARED, LOCK_SHARED_SIZE);
		if (rc == SQLITE_OK)
			rc = file_lock(file, F_UNLCK, LOCK_PENDING, 2);
	}
	if (rc == SQLITE_OK && level == SQLITE_LOCK_NONE)
		rc = file_lock(file, F_UNLCK, LOCK_SHARED, LOCK_SHARED_SIZE);
	if (rc != SQLITE_OK)
		return SQLITE_IOERR_UNLOCK;
	file->level = level;
	return SQLITE_OK;
}

static int disk_check_reserved(sqlite3_file *base, int *out)
{
	struct disk_file *file = (struct disk_file *)base;
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = LOCK_RESERVED, .l_len = 1};

	if (file->level > SQLITE_LOCK_SHARED) {
		*out = 1;
		return SQLITE_OK;
	}
	if (fcntl(file->lock, F_OFD_GETLK, &lock) != 0)
		return SQLITE_IOERR_CHECKRESERVEDLOCK;
	*out = lock.l_type != F_UNLCK;
	return SQLITE_OK;
}

static sqlite3_file *real_file(sqlite3_file *base)
{
	return ((struct disk_file *)base)->real;
}

static int disk_close(sqlite3_file *base)
{
	struct disk_file *file = (struct disk_file *)base;
	int rc = file->real->pMethods->xClose(file->real);

	if (file->lock >= 0)
		close(file->lock);
	file->lock = -1;
	return rc;
}

static int disk_read(sqlite3_file *base, void *data, int length, sqlite3_int64 at)
{
	return real_file(base)->pMethods->xRead(real_file(base), data, length, at);
}

/* SQLite knows ENOSPC of a write; there is no room either past a quota, a limit, or when the disk says so later. */
static int no_room(int rc)
{
	bool full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;

	return (rc & 0xff) == SQLITE_IOERR && full ? SQLITE_FULL : rc;
}

static int disk_write(sqlite3_file *base, const void *data, int length, sqlite3_int64 at)
{
	return no_room(real_file(base)->pMethods->xWrite(real_file(base), data, length, at));
}

static int disk_truncate(sqlite3_file *base, sqlite3_int64 size)
{
	return no_room(real_file(base)->pMethods->xTruncate(real_file(base), size));
}

static int disk_sync(sqlite3_file *base, int flags)
{
	return no_room(real_file(base)->pMethods->xSync(real_file(base), flags));
}

static int disk_size(sqlite3_file *base, sqlite3_int64 *out)
{
	return real_file(base)->pMethods->xFileSize(real_file(base), out);
}

static int disk_control(sqlite3_file *base, int code, void *argument)
{
	return real_file(base)->pMethods->xFileControl(real_file(base), code, argument);
}

static int disk_sector(sqlite3_file *base)
{
	return real_file(base)->pMethods->xSectorSize(real_file(base));
}

static int disk_device(sqlite3_file *base)
{
	return real_file(base)->pMethods->xDeviceCharacteristics(real_file(base));
}

/* Version 1: no shared memory, so a database in WAL mode can't be opened through this VFS. */
static const sqlite3_io_methods disk_methods = {
	.iVersion = 1,
	.xClose = disk_close,
	.xRead = disk_read,
	.xWrite = disk_write,
	.xTruncate = disk_truncate,
	.xSync = disk_sync,
	.xFileSize = disk_size,
	.xLock = disk_lock,
	.xUnlock = disk_unlock,
	.xCheckReservedLock = disk_check_reserved,
	.xFileControl = disk_control,
	.xSectorSize = disk_sector,
	.xDeviceCharacteristics = disk_device,
};

bool disk_is_own(const struct stat *st)
{
	return S_ISREG(st->st_mode) && (st->st_mode & (S_IWGRP | S_IWOTH)) == 0 &&
	       (geteuid() == 0 || st->st_uid == geteuid() || st->st_uid == 0);
}

/*
 * SQLite's open(2). A journal is replayed into the vault without any question, so whose it is has to be asked
 * of the very file that was opened. A pipe must not hold the host up either.
 */
static int open_own(const char *path, int flags, int mode)
{
	int fd = open(path, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, mode);
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) == 0 && (disk_is_own(&st) || S_ISDIR(st.st_mode) || S_ISCHR(st.st_mode)))
		return fd;
	close(fd);
	errno = EINVAL; /* not one of those after which SQLite tries something else */
	return -1;
}

static bool is_journal(const char *name)
{
	static const char suffix[] = "-journal";
	size_t length = strlen(name), end = sizeof(suffix) - 1;

	return length > end && strcmp(name + length - end, suffix) == 0;
}

/*
 * A journal may name a super-journal, which SQLite deletes when it is done with it: any file that its writer
 * wants gone. Several databases are never written together here, so there are no super-journals, and nothing
 * but a journal is ever looked for or deleted.
 */
static int disk_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
	sqlite3_vfs *real = vfs->pAppData;

	*out = 0;
	return is_journal(name) ? real->xAccess(real, name, flags, out) : SQLITE_OK;
}

static int disk_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
	sqlite3_vfs *real = vfs->pAppData;

	return is_journal(name) ? real->xDelete(real, name, sync) : SQLITE_IOERR_DELETE;
}

static int disk_open(
	sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags, int *out_flags)
{
	struct disk_file *file = (struct disk_file *)base;
	sqlite3_vfs *real = vfs->pAppData;
	int rc, given = 0;

	*file = (struct disk_file){.lock = -1, .real = (sqlite3_file *)(file + 1)};
	if ((flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_MAIN_JOURNAL)) == 0)
		return SQLITE_CANTOPEN;
	rc = real->xOpen(real, name, file->real, flags, &given);
	if (rc != SQLITE_OK)
		return rc;
	if ((flags & SQLITE_OPEN_MAIN_DB) != 0) {
		file->lock =
			open_own(name, (given & SQLITE_OPEN_READONLY) != 0 ? O_RDONLY : O_RDWR, 0);
		if (file->lock < 0) {
			file->real->pMethods->xClose(file->real);
			return SQLITE_CANTOPEN;
		}
	}
	if (out_flags != NULL)
		*out_flags = given;
	file->base.pMethods = &disk_methods;
	return SQLITE_OK;
}

static sqlite3_vfs disk_vfs;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool is_set_up;

static void set_up(void)
{
	sqlite3_vfs *real;

	/*
	 * A connection is used under its vault's own mutex. No statistics: each would take a mutex. No URIs:
	 * a path is a path.
	 */
	if (sqlite3_config(SQLITE_CONFIG_MULTITHREAD) != SQLITE_OK ||
		sqlite3_config(SQLITE_CONFIG_MUTEX, &mutex_methods) != SQLITE_OK ||
		sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) != SQLITE_OK ||
		sqlite3_config(SQLITE_CONFIG_URI, 0) != SQLITE_OK ||
		sqlite3_initialize() != SQLITE_OK)
		return;
	real = sqlite3_vfs_find("unix-none");
	if (real == NULL ||
		real->xSetSystemCall(real, "open", (sqlite3_syscall_ptr)open_own) != SQLITE_OK)
		return;
	disk_vfs = *real; /* temporary names, randomness, time: as they are, they keep no state */
	disk_vfs.pNext = NULL;
	disk_vfs.zName = DISK_VFS;
	disk_vfs.pAppData = real;
	disk_vfs.szOsFile = (int)sizeof(struct disk_file) + real->szOsFile;
	disk_vfs.xOpen = disk_open;
	disk_vfs.xAccess = disk_access;
	disk_vfs.xDelete = disk_delete;
	is_set_up = sqlite3_vfs_register(&disk_vfs, 0) == SQLITE_OK;
}

bool disk_set_up(void)
{
	return pthread_once(&once, set_up) == 0 && is_set_up;
}
