#include "provision/named_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "module/support/folder.h"
#include "module/support/new_file.h"
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

bool named_file_is_stdout(const char *path)
{
	return path != NULL && strcmp(path, "-") == 0;
}

bool named_file_write(const char *path, const void *data, size_t length, unsigned mode,
	bool replace, struct error *err)
{
	struct new_file file = {.fd = -1};
	const char *name;
	int folder;
	bool done;

	if (named_file_is_stdout(path))
		return folder_write_all(STDOUT_FILENO, data, length) ||
		       error_set(err, ERROR_FAILED, _("%s can't be written: %s"),
			       _("standard output"), strerror(errno));
	folder = open_folder(path, &name);
	done = folder >= 0 && new_file_open(folder, ".podpis", &file) &&
	       folder_write_all(file.fd, data, length) && fchmod(file.fd, (mode_t)mode) == 0 &&
	       fsync(file.fd) == 0 &&
	       (replace ? new_file_replace(&file, name) : new_file_link(&file, name));
	if (done)
		fsync(folder);
	else if (errno == EEXIST)
		error_set(err, ERROR_USAGE, _("%s is there already (--force replaces it)"), path);
	else
		error_set(err, ERROR_FAILED, _("%s can't be written: %s"), path, strerror(errno));
	new_file_close(&file);
	if (folder >= 0)
		close(folder);
	return done;
}
