#include "provision/workplace/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "module/support/folder.h"
#include "provision/i18n.h"
#include "provision/workplace/whole_file.h"

static bool plain(const char *value)
{
	return strpbrk(value, "\r\n") == NULL;
}

bool settings_ensure(const struct config *config, enum config_kind kind, const char *name,
	const struct setting *settings, struct buffer *added, struct error *err)
{
	static const char *const kinds[] = {[CONFIG_SLOT] = "slot",
		[CONFIG_AUTHORITY] = "authority",
		[CONFIG_MODULE] = "module"};
	const struct config_section *section = config_find(config, kind, name);

	if (!plain(name) || strpbrk(name, "[]") != NULL)
		return error_set(err, ERROR_USAGE, _("%s is no name for a section"), name);
	if (section != NULL && section->line != 0) {
		for (; settings->key != NULL; settings++) {
			const char *have = config_get(section, settings->key);

			if (settings->value != NULL &&
				(have == NULL || strcmp(have, settings->value) != 0))
				return error_set(err, ERROR_USAGE,
					_("%s:%u: [%s %s] is there already, with %s = %s; change "
					  "the file to "
					  "change it"),
					config->path, section->line, kinds[kind], name,
					settings->key, have != NULL ? have : "");
		}
		return true;
	}
	buffer_printf(added, "[%s %s]\n", kinds[kind], name);
	for (; settings->key != NULL; settings++) {
		if (settings->value == NULL)
			continue;
		if (!plain(settings->value))
			return error_set(err, ERROR_USAGE,
				_("the value of %s has more than one line"), settings->key);
		buffer_printf(added, "%s = %s\n", settings->key, settings->value);
	}
	buffer_append_text(added, "\n");
	return buffer_ok(added) || error_set(err, ERROR_FAILED, _("out of memory"));
}

bool settings_lock(const char *path, int *lock, struct error *err)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash != NULL ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	bool done = false;
	int fd = -1;

	if (folder == NULL) {
		error_set(err, ERROR_FAILED, _("out of memory"));
	} else if (!folder_make_above(path)) {
		error_set(err, ERROR_FAILED, "%s: %s", folder, strerror(errno));
	} else {
		/* Programs that are started inherit it: what they do is over before the next one begins. */
		fd = open(folder, O_RDONLY | O_DIRECTORY);
		done = fd >= 0 && flock(fd, LOCK_EX) == 0;
		if (!done)
			error_set(err, ERROR_FAILED, "%s: %s", folder, strerror(errno));
	}
	if (done)
		*lock = fd;
	else if (fd >= 0)
		close(fd);
	free(folder);
	return done;
}

bool settings_join(
	const char *path, const struct buffer *added, struct buffer *text, struct error *err)
{
	if (!buffer_read_file(text, path) && errno != ENOENT && errno != ENOTDIR)
		return error_set(err, ERROR_FAILED, "%s: %s", path, strerror(errno));
	if (text->length > 0 && text->data[text->length - 1] != '\n')
		buffer_append_text(text, "\n");
	if (text->length > 1 && text->data[text->length - 2] != '\n')
		buffer_append_text(text, "\n");
	return buffer_append(text, added->data, added->length) ||
	       error_set(err, ERROR_FAILED, _("out of memory"));
}

bool settings_write(const char *name, const struct buffer *text, struct error *err)
{
	/* Who keeps the file elsewhere and links to it goes on doing so. */
	char *real = realpath(name, NULL), *temporary = NULL;
	const char *path = real != NULL ? real : name;
	bool done = false;
	int fd = -1;

	if (asprintf(&temporary, "%s.XXXXXX", path) < 0) {
		temporary = NULL;
		error_set(err, ERROR_FAILED, _("out of memory"));
		goto out;
	}
	fd = mkostemp(temporary, O_CLOEXEC); /* mode 0600 */
	done = fd >= 0 && folder_write_all(fd, text->data, text->length) && fsync(fd) == 0 &&
	       rename(temporary, path) == 0;
	if (!done)
		error_set(err, ERROR_FAILED, "%s: %s", path, strerror(errno));
	if (done)
		whole_file_sync(path);
	else if (fd >= 0)
		unlink(temporary);
out:
	if (fd >= 0)
		close(fd);
	free(temporary);
	free(real);
	return done;
}
