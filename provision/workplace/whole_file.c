#include "provision/workplace/whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "module/support/folder.h"
#include "provision/i18n.h"

bool whole_file_folders(const char *path, void (*made)(void *context, const char *folder),
	void *context, struct error *err)
{
	char *folder = strdup(path);
	bool done = folder != NULL || error_set(err, ERROR_FAILED, _("out of memory"));

	for (char *at = folder; done && (at = strchr(at + 1, '/')) != NULL;) {
		*at = '\0';
		if (mkdir(folder, 0700) == 0) {
			if (made != NULL)
				made(context, folder);
		} else if (errno != EEXIST) {
			done = error_set(err, ERROR_FAILED, "%s: %s", folder, strerror(errno));
		}
		*at = '/';
	}
	free(folder);
	return done;
}

bool whole_file_read(const char *path, struct buffer *text, bool *there, struct error *err)
{
	bool read = buffer_read_file(text, path);

	if (!read && errno != ENOENT && errno != ENOTDIR)
		return error_set(err, ERROR_FAILED, "%s: %s", path, strerror(errno));
	*there = read;
	return true;
}

void whole_file_sync(const char *path)
{
	char *folder = strdup(path), *slash = folder != NULL ? strrchr(folder, '/') : NULL;
	int fd = -1;

	if (slash != NULL) {
		*slash = '\0';
		fd = open(slash == folder ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	free(folder);
}

bool whole_file_write(
	const char *name, const void *data, size_t length, mode_t mode, struct error *err)
{
	/* Who keeps the file elsewhere and links to it goes on doing so. */
	char *real = realpath(name, NULL), *temporary = NULL;
	const char *path = real != NULL ? real : name;
	struct stat status;
	bool done = false;
	int fd = -1;

	if (mode == 0)
		mode = stat(path, &status) == 0 ? status.st_mode & 0777 : 0600;
	if (asprintf(&temporary, "%s.podpis", path) < 0) {
		temporary = NULL;
		error_set(err, ERROR_FAILED, _("out of memory"));
		goto out;
	}
	unlink(temporary);
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || fchmod(fd, mode) != 0 || !folder_write_all(fd, data, length) ||
		fsync(fd) != 0 || rename(temporary, path) != 0) {
		error_set(err, ERROR_FAILED, "%s: %s", path, strerror(errno));
		if (fd >= 0)
			unlink(temporary);
		goto out;
	}
	whole_file_sync(path);
	done = true;
out:
	if (fd >= 0)
		close(fd);
	free(temporary);
	free(real);
	return done;
}
