#include "module/support/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "module/support/new_file.h"

#define NAMES_MAX 4096

/* mkdir -p, in place: with the folders above the last slash, or with the whole path. */
static bool make_all(char *path, bool whole)
{
	bool ok = true;
	int error = 0;

	for (char *at = path; ok && at != NULL && *at != '\0';) {
		at = strchr(at + 1, '/');
		if (at == NULL && !whole)
			break;
		if (at != NULL)
			*at = '\0';
		ok = mkdir(path, 0700) == 0 || errno == EEXIST;
		error = errno;
		ok = ok ||
		     access(path, F_OK) == 0; /* some tell something else first: EROFS, EISDIR */
		if (at != NULL)
			*at = '/';
	}
	errno = error;
	return ok;
}

bool folder_make(const char *path, struct error *err)
{
	char *copy = strdup(path);
	bool ok = copy != NULL && make_all(copy, true);

	if (!ok)
		error_set(err, ERROR_FAILED, "the folder %s can't be made: %s", path,
			copy != NULL ? strerror(errno) : "out of memory");
	free(copy);
	return ok;
}

bool folder_make_above(const char *path)
{
	char *copy = strdup(path);
	bool ok = copy != NULL && make_all(copy, false);
	int error = errno;

	free(copy);
	errno = error;
	return ok;
}

bool folder_check_own(const char *path, struct error *err)
{
	struct stat status;

	if (stat(path, &status) != 0)
		return errno == ENOENT || errno == ENOTDIR ||
		       error_set(err, ERROR_FAILED, "%s: %s", path, strerror(errno));
	if ((status.st_uid == geteuid() || status.st_uid == 0) &&
		(status.st_mode & (S_IWGRP | S_IWOTH)) == 0)
		return true;
	return error_set(err, ERROR_WORKPLACE,
		"%s: somebody else may write it; it has to be yours, and chmod go-w", path);
}

bool folder_write_all(int fd, const void *data, size_t length)
{
	const uint8_t *at = data;

	while (length > 0) {
		ssize_t done = write(fd, at, length);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0) {
			errno = done < 0 ? errno : EIO;
			return false;
		}
		at += done;
		length -= (size_t)done;
	}
	return true;
}

bool folder_write(
	const char *path, const char *name, const void *data, size_t length, struct error *err)
{
	struct new_file file = {.fd = -1};
	char *beside = NULL;
	int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = false;

	if (folder < 0 || asprintf(&beside, ".%s.podpis", name) < 0) {
		beside = NULL;
		goto out;
	}
	ok = new_file_open(folder, beside, &file) && folder_write_all(file.fd, data, length) &&
	     fsync(file.fd) == 0 && new_file_replace(&file, name) && fsync(folder) == 0;
out:
	if (!ok)
		error_set(err, ERROR_FAILED, "%s/%s can't be written: %s", path, name,
			strerror(errno));
	new_file_close(&file);
	if (ok)
		new_file_sweep(folder, beside);
	if (folder >= 0)
		close(folder);
	free(beside);
	return ok;
}

bool folder_read(
	const char *path, const char *name, struct buffer *out, bool *there, struct error *err)
{
	uint8_t block[8192];
	char *full = NULL;
	struct stat status;
	ssize_t got;
	bool ok = false;
	int fd;

	if (asprintf(&full, "%s/%s", path, name) < 0)
		return error_set(err, ERROR_FAILED, "out of memory");
	fd = open(full, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
		*there = false;
		ok = true;
		goto out;
	}
	if (fd < 0 || fstat(fd, &status) != 0) {
		error_set(err, ERROR_FAILED, "%s can't be read: %s", full, strerror(errno));
		goto out;
	}
	if (!S_ISREG(status.st_mode)) {
		error_set(err, ERROR_FAILED, "%s is not a file", full);
		goto out;
	}
	while ((got = read(fd, block, sizeof(block))) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			error_set(err, ERROR_FAILED, "%s can't be read: %s", full, strerror(errno));
			goto out;
		}
		if (!buffer_append(out, block, (size_t)got)) {
			error_set(
				err, ERROR_FAILED, "%s is larger than %zu bytes", full, out->limit);
			goto out;
		}
	}
	*there = true;
	ok = true;
out:
	explicit_bzero(block, sizeof(block));
	if (fd >= 0)
		close(fd);
	free(full);
	return ok;
}

bool folder_remove(const char *path, const char *name, struct error *err)
{
	char *full = NULL;
	bool ok;

	if (asprintf(&full, "%s/%s", path, name) < 0)
		return error_set(err, ERROR_FAILED, "out of memory");
	ok = unlink(full) == 0 || errno == ENOENT || errno == ENOTDIR ||
	     error_set(err, ERROR_FAILED, "%s can't be removed: %s", full, strerror(errno));
	free(full);
	return ok;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

bool folder_names(const char *path, bool folders, char ***names, size_t *count, struct error *err)
{
	char **list = NULL;
	size_t length = 0;
	struct dirent *entry;
	struct stat status;
	bool ok = false;
	DIR *directory;

	directory = opendir(path);
	if (directory == NULL && errno != ENOENT)
		return error_set(err, ERROR_FAILED, "%s can't be read: %s", path, strerror(errno));
	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		char **longer;

		if (entry->d_name[0] == '.' ||
			fstatat(dirfd(directory), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) !=
				0 ||
			(folders ? !S_ISDIR(status.st_mode) : !S_ISREG(status.st_mode)))
			continue;
		longer = length < NAMES_MAX ? reallocarray(list, length + 1, sizeof(*list)) : NULL;
		if (longer == NULL) {
			error_set(err, ERROR_FAILED, "%s holds too much", path);
			goto out;
		}
		list = longer;
		list[length] = strdup(entry->d_name);
		if (list[length] == NULL) {
			error_set(err, ERROR_FAILED, "out of memory");
			goto out;
		}
		length++;
	}
	if (length > 0)
		qsort(list, length, sizeof(*list), compare);
	*names = list;
	*count = length;
	ok = true;
out:
	if (directory != NULL)
		closedir(directory);
	if (!ok)
		folder_names_free(list, length);
	return ok;
}

void folder_names_free(char **names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
}
