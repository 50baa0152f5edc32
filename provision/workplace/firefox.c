#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "module/support/ini.h"
#include "provision/i18n.h"
#include "provision/workplace/application.h"
#include "provision/workplace/nss.h"

/* Where profiles.ini is, from the home; one that is packed with its own system can't load a library of this one. */
static const struct {
	const char *folder;
	const char *packed;
} roots[] = {
	{".mozilla/firefox", NULL},
	{".config/mozilla/firefox", NULL},
	{"snap/firefox/common/.mozilla/firefox", "snap"},
	{".var/app/org.mozilla.firefox/.mozilla/firefox", "flatpak"},
};

struct reader {
	struct places *places;
	const char *module, *root, *packed;
	char path[4096]; /* of the profile that is being read; "" for none */
	bool relative;
	bool full;
};

/* Firefox holds a POSIX lock on that file while it uses the profile. */
static long holder(const char *profile)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char *path = place_text("%s/.parentlock", profile);
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	long process = 0;

	if (fd >= 0 && fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK)
		process = (long)lock.l_pid;
	if (fd >= 0)
		close(fd);
	free(path);
	return process;
}

static void finish_profile(struct reader *reader)
{
	char *folder = reader->relative ? place_text("%s/%s", reader->root, reader->path)
					: strdup(reader->path);
	struct place *place;
	long process;

	if (reader->path[0] != '\0' && folder != NULL && access(folder, F_OK) == 0) {
		place = nss_place(reader->places, "firefox", folder, reader->module);
		reader->full = place == NULL || reader->full;
		process = holder(folder);
		if (place != NULL && reader->packed != NULL)
			place->never = place_text(
				_("Firefox from a %s can't load a library of this system; the one "
				  "that the "
				  "system's package manager installs, or Mozilla's own, can"),
				reader->packed);
		else if (place != NULL && process != 0)
			place->busy = place_text(_("Firefox is running (process %ld)"), process);
	}
	free(folder);
	reader->path[0] = '\0';
	reader->relative = true;
}

static bool on_line(void *context, const struct ini_line *line, struct error *err)
{
	struct reader *reader = context;

	(void)err;
	if (line->key == NULL)
		finish_profile(reader);
	else if (strncmp(line->section, "Profile", 7) == 0 && strcmp(line->key, "Path") == 0)
		snprintf(reader->path, sizeof(reader->path), "%s", line->value);
	else if (strncmp(line->section, "Profile", 7) == 0 && strcmp(line->key, "IsRelative") == 0)
		reader->relative = strcmp(line->value, "0") != 0;
	return true;
}

static bool on_complaint(
	void *context, const struct ini_line *line, const char *cause, struct error *err)
{
	(void)context;
	(void)line;
	(void)cause;
	(void)err;
	return true;
}

bool firefox_places(struct places *places, const char *module, bool asked, struct error *err)
{
	const char *home = place_home();
	bool done = true;

	(void)asked;
	for (size_t i = 0; done && home != NULL && i < sizeof(roots) / sizeof(roots[0]); i++) {
		char *root = place_text("%s/%s", home, roots[i].folder);
		char *list = root != NULL ? place_text("%s/profiles.ini", root) : NULL;
		struct reader reader = {.places = places,
			.module = module,
			.root = root,
			.packed = roots[i].packed,
			.relative = true};

		if (list != NULL && access(list, F_OK) == 0) {
			done = ini_read_on(list, on_line, on_complaint, &reader, err);
			if (done)
				finish_profile(&reader);
		}
		if (done && reader.full)
			done = error_set(err, ERROR_FAILED, _("%s: too many profiles"), list);
		free(list);
		free(root);
	}
	return done;
}
