#include "provision/named_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "module/support/folder.h"
#include "provision/i18n.h"

#define PIECE (1u << 18) /* bytes */

static bool fail(const char *path, struct error *err)
{
	return error_set(err, ERROR_USAGE, "%s: %s", path, strerror(errno));
}

bool named_file_read(const char *path, struct buffer *out, struct error *err)
{
	if (buffer_read_file(out, path))
		return true;
	if (errno == EFBIG)
		return error_set(
			err, ERROR_USAGE, _("%s: larger than %zu bytes"), path, out->limit);
	return fail(path, err);
}

static bool digest_all(int fd, const char *path, struct message_digest *digest, struct error *err)
{
	uint8_t *piece = malloc(PIECE);
	bool done = false;
	ssize_t got;

	if (piece == NULL)
		return error_set(err, ERROR_FAILED, _("out of memory"));
	for (;;) {
		got = read(fd, piece, PIECE);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			fail(path, err);
			break;
		}
		if (got == 0) {
			done = true;
			break;
		}
		if (!message_digest_update(digest, piece, (size_t)got, err))
			break;
	}
	free(piece);
	return done;
}

bool named_file_digest(const char *path, const char *name, uint8_t digest[MESSAGE_DIGEST_MAX],
	size_t *length, struct error *err)
{
	struct message_digest *running = message_digest_new(name, err);
	bool done = false;
	int fd = -1;

	if (running == NULL)
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail(path, err);
	else
		done = digest_all(fd, path, running, err) &&
		       message_digest_finish(running, digest, length, err);
	if (fd >= 0)
		close(fd);
	message_digest_free(running);
	return done;
}

unsigned named_file_mode(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISREG(status.st_mode) ? 0600 | (status.st_mode & 0066)
								   : 0600;
}

/* Folder and name of a path; the folder is the caller's to close. */
static int open_folder(const char *path, const char **name)
{
	const char *slash = strrchr(path, '/');
	char *folder;
	int fd;

	*name = slash != NULL ? slash + 1 : path;
	if (**name == '\0') {
		errno = EISDIR;
		return -1;
	}
	folder = slash == NULL ? strdup(".") : strndup(path, (size_t)(slash - path) + 1);
	fd = folder != NULL ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	free(folder);
	return fd;
}

/*
 * A file without a name: it is gone with the process. A file system that has none of these gets a hidden
 * file, which a killed process leaves behind.
 */
static int open_unnamed(int folder, char temporary[64])
{
	int fd = openat(folder, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);

	temporary[0] = '\0';
	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT))
		return fd;
	snprintf(temporary, 64, ".podpis.%ld", (long)getpid());
	unlinkat(folder, temporary, 0);
	return openat(
		folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

static bool link_to(int folder, int fd, const char *temporary, const char *name)
{
	char self[64];

	if (temporary[0] != '\0')
		return linkat(folder, temporary, folder, name, 0) == 0;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, self, folder, name, AT_SYMLINK_FOLLOW) == 0;
}

/* link() does not replace: to replace, it gets a name beside and is renamed. */
static bool name_it(int folder, int fd, const char *temporary, const char *name, bool replace)
{
	char beside[64];

	if (!replace)
		return link_to(folder, fd, temporary, name);
	if (temporary[0] != '\0')
		return renameat(folder, temporary, folder, name) == 0;
	snprintf(beside, sizeof(beside), ".podpis.%ld", (long)getpid());
	unlinkat(folder, beside, 0);
	if (!link_to(folder, fd, temporary, beside))
		return false;
	if (renameat(folder, beside, folder, name) == 0)
		return true;
	unlinkat(folder, beside, 0);
	return false;
}

bool named_file_is_stdout(const char *path)
{
	return path != NULL && strcmp(path, "-") == 0;
}

bool named_file_write(const char *path, const void *data, size_t length, unsigned mode,
	bool replace, struct error *err)
{
	char temporary[64] = "";
	const char *name;
	int folder, fd = -1;
	bool done = false;

	if (named_file_is_stdout(path))
		return folder_write_all(STDOUT_FILENO, data, length) ||
		       error_set(err, ERROR_FAILED, _("%s can't be written: %s"),
			       _("standard output"), strerror(errno));
	folder = open_folder(path, &name);
	if (folder < 0)
		goto out;
	fd = open_unnamed(folder, temporary);
	if (fd < 0)
		goto out;
	if (!folder_write_all(fd, data, length) || fchmod(fd, (mode_t)mode) != 0 ||
		fsync(fd) != 0 || !name_it(folder, fd, temporary, name, replace))
		goto out;
	fsync(folder);
	done = true;
out:
	if (!done && errno == EEXIST)
		error_set(err, ERROR_USAGE, _("%s is there already (--force replaces it)"), path);
	else if (!done)
		error_set(err, ERROR_FAILED, _("%s can't be written: %s"), path, strerror(errno));
	if (fd >= 0 && temporary[0] != '\0')
		unlinkat(folder, temporary, 0);
	if (fd >= 0)
		close(fd);
	if (folder >= 0)
		close(folder);
	return done;
}
