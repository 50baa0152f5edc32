/*
 * Where profiles are, declared in profile.h: the person's own, then those that are installed.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "module/support/config.h"
#include "provision/i18n.h"
#include "provision/installed.h"
#include "provision/profile.h"

#define PROFILES_MAX 256
#define ENDING       ".ini"

static bool is_name(const char *name)
{
	size_t length = strlen(name);

	return length > 0 && length <= PROFILE_NAME_MAX &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}

/* The folders, the first that has it counts; each the caller's to free, NULL without memory or home. */
static char *own_folder(void)
{
	char *home = config_home_dir(), *path = NULL;

	if (home != NULL && asprintf(&path, "%s/profiles", home) < 0)
		path = NULL;
	free(home);
	return path;
}

static char *shipped_folder(void)
{
	return installed_find(INSTALLED_PROFILES);
}

static char *(*const folders[])(void) = {own_folder, shipped_folder};
#define FOLDER_COUNT (sizeof(folders) / sizeof(folders[0]))

/* `*there`: a file of that name was found; *err says what is wrong with it. */
static bool find_in(
	const char *folder, const char *name, struct profile *out, bool *there, struct error *err)
{
	struct error why = {0};
	char *path = NULL;
	bool done;

	if (asprintf(&path, "%s/%s" ENDING, folder, name) < 0)
		return error_set(err, ERROR_FAILED, _("out of memory"));
	done = profile_read(path, name, out, &why);
	*there = done || why.code != ERROR_WORKPLACE;
	if (!done && *there)
		error_set(err, why.code, "%s", why.message);
	free(path);
	return done;
}

static bool list_them(const char *name, struct error *err)
{
	struct buffer text = BUFFER_INIT(600);
	size_t count = 0;
	char **names = profile_names(&count);

	for (size_t i = 0; i < count; i++)
		buffer_printf(&text, "%s%s", i > 0 ? ", " : "", names[i]);
	error_set(err, ERROR_USAGE, _("there is no profile %s; there is: %s"), name,
		buffer_text(&text));
	profile_names_free(names, count);
	buffer_free(&text);
	return false;
}

bool profile_find(const char *name, struct profile *out, struct error *err)
{
	bool there = false, done = false;

	for (size_t i = 0; i < FOLDER_COUNT && !there && is_name(name); i++) {
		char *folder = folders[i]();

		if (folder != NULL)
			done = find_in(folder, name, out, &there, err);
		free(folder);
	}
	return done || (there ? false : list_them(name, err));
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list_folder(const char *path, char **names, size_t *count)
{
	DIR *folder = opendir(path);
	struct dirent *entry;

	while (folder != NULL && (entry = readdir(folder)) != NULL && *count < PROFILES_MAX) {
		size_t length = strlen(entry->d_name);
		bool known = false;
		char *name;

		if (length <= strlen(ENDING) ||
			strcmp(entry->d_name + length - strlen(ENDING), ENDING) != 0)
			continue;
		name = strndup(entry->d_name, length - strlen(ENDING));
		for (size_t i = 0; i < *count && name != NULL; i++)
			known = known || strcmp(names[i], name) == 0;
		if (name != NULL && !known && is_name(name))
			names[(*count)++] = name;
		else
			free(name);
	}
	if (folder != NULL)
		closedir(folder);
}

char **profile_names(size_t *count)
{
	char **names = calloc(PROFILES_MAX, sizeof(*names));

	*count = 0;
	for (size_t i = 0; i < FOLDER_COUNT && names != NULL; i++) {
		char *folder = folders[i]();

		if (folder != NULL)
			list_folder(folder, names, count);
		free(folder);
	}
	if (names != NULL)
		qsort(names, *count, sizeof(*names), compare);
	return names;
}

void profile_names_free(char **names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
}
