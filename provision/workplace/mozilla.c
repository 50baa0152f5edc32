#include "provision/workplace/mozilla.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "module/support/ini.h"
#include "provision/workplace/place.h"

struct reader {
	const char *root;
	mozilla_visit *visit;
	void *context;
	struct mozilla_profile
		profile; /* that is being read; folder: as it is written, "" for none */
	bool relative;
};

/* They hold a POSIX lock on that file while they use the profile. */
long mozilla_holder(const char *folder)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char *path = place_text("%s/.parentlock", folder);
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
	struct mozilla_profile *profile = &reader->profile;
	char *folder = reader->relative ? place_text("%s/%s", reader->root, profile->folder)
					: strdup(profile->folder);

	if (profile->folder[0] != '\0' && folder != NULL &&
		strlen(folder) < sizeof(profile->folder)) {
		strcpy(profile->folder, folder);
		profile->there = access(folder, F_OK) == 0;
		reader->visit(reader->context, profile);
	}
	free(folder);
	*profile = (struct mozilla_profile){.standard = false};
	reader->relative = true;
}

static bool on_line(void *context, const struct ini_line *line, struct error *err)
{
	struct reader *reader = context;
	struct mozilla_profile *profile = &reader->profile;

	(void)err;
	if (line->key == NULL)
		finish_profile(reader);
	else if (strncmp(line->section, "Profile", 7) != 0)
		return true;
	else if (strcmp(line->key, "Name") == 0)
		snprintf(profile->name, sizeof(profile->name), "%s", line->value);
	else if (strcmp(line->key, "Path") == 0)
		snprintf(profile->folder, sizeof(profile->folder), "%s", line->value);
	else if (strcmp(line->key, "IsRelative") == 0)
		reader->relative = strcmp(line->value, "0") != 0;
	else if (strcmp(line->key, "Default") == 0)
		profile->standard = strcmp(line->value, "1") == 0;
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

bool mozilla_profiles(const char *root, mozilla_visit *visit, void *context, struct error *err)
{
	struct reader reader = {.root = root, .visit = visit, .context = context, .relative = true};
	char *list = place_text("%s/profiles.ini", root);
	bool done = true;

	if (list != NULL && access(list, F_OK) == 0) {
		done = ini_read_on(list, on_line, on_complaint, &reader, err);
		if (done)
			finish_profile(&reader);
	}
	free(list);
	return done;
}
