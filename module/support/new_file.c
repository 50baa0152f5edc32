#include "module/support/new_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define STALE_SECONDS (24 * 60 * 60)

/* A file without a name gets one through /proc, which a host may not have. */
static int open_unnamed(int folder)
{
	if (access("/proc/self/fd", X_OK) == 0)
		return openat(folder, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	errno = EOPNOTSUPP;
	return -1;
}

static int open_hidden(int folder, const char *name)
{
	return openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

static bool name_beside(struct new_file *file, const char *beside, unsigned long long number)
{
	int length = snprintf(file->beside, sizeof(file->beside), "%s-%llx", beside, number);

	if ((size_t)length < sizeof(file->beside))
		return true;
	errno = ENAMETOOLONG;
	return false;
}

bool new_file_open(int folder, const char *beside, struct new_file *out)
{
	struct new_file file = {.folder = folder, .fd = open_unnamed(folder)};
	unsigned long long number;
	struct stat status;
	bool named;

	if (file.fd >= 0) {
		/* No other file has the number while this one has it. */
		named = fstat(file.fd, &status) == 0 && name_beside(&file, beside, status.st_ino);
		if (!named) {
			int error = errno;

			close(file.fd);
			errno = error;
			return false;
		}
	} else if (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT) {
		/* By chance, not by process: other machines write here, too. */
		if (getentropy(&number, sizeof(number)) != 0 || !name_beside(&file, beside, number))
			return false;
		file.fd = open_hidden(folder, file.beside);
		file.hidden = file.fd >= 0;
	}
	if (file.fd < 0)
		return false;
	*out = file;
	return true;
}

bool new_file_link(struct new_file *file, const char *name)
{
	char self[64];

	/* A file system without links (a stick's) may rename in this way, one that can't has links. */
	if (file->hidden &&
		renameat2(file->folder, file->beside, file->folder, name, RENAME_NOREPLACE) == 0) {
		file->hidden = false;
		return true;
	}
	if (file->hidden)
		return (errno == EINVAL || errno == ENOSYS) &&
		       linkat(file->folder, file->beside, file->folder, name, 0) == 0;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", file->fd);
	return linkat(AT_FDCWD, self, file->folder, name, AT_SYMLINK_FOLLOW) == 0;
}

/* link() does not replace, rename() does. */
bool new_file_replace(struct new_file *file, const char *name)
{
	if (!file->hidden) {
		unlinkat(file->folder, file->beside, 0);
		file->hidden = new_file_link(file, file->beside);
	}
	if (!file->hidden || renameat(file->folder, file->beside, file->folder, name) != 0)
		return false;
	file->hidden = false;
	return true;
}

void new_file_close(struct new_file *file)
{
	if (file->hidden)
		unlinkat(file->folder, file->beside, 0);
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
	file->hidden = false;
}

static bool is_beside(const char *name, const char *beside)
{
	size_t length = strlen(beside);

	return strncmp(name, beside, length) == 0 && name[length] == '-' &&
	       name[length + 1] != '\0' &&
	       name[length + 1 + strspn(name + length + 1, "0123456789abcdef")] == '\0';
}

void new_file_sweep(int folder, const char *beside)
{
	int again = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = again >= 0 ? fdopendir(again) : NULL;
	time_t now = time(NULL);
	struct dirent *entry;
	struct stat status;

	while (list != NULL && (entry = readdir(list)) != NULL)
		if (is_beside(entry->d_name, beside) &&
			fstatat(folder, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
			status.st_mtime < now - STALE_SECONDS)
			unlinkat(folder, entry->d_name, 0);
	if (list != NULL)
		closedir(list);
	else if (again >= 0)
		close(again);
}
