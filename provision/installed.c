#include "provision/installed.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
	const char *built; /* from the build folder, whose programs are all one folder deep */
	const char *installed;
} places[] = {
	[INSTALLED_MODULE] = {"module/podpis-pkcs11.so", PODPIS_MODULE_DIR "/podpis-pkcs11.so"},
	[INSTALLED_PROFILES] = {"provision/profiles", PODPIS_PROFILE_DIR},
	[INSTALLED_MESSAGES] = {"po", PODPIS_LOCALE_DIR},
};

/* Bytes of `folder` that stand before the installed one: 0 as a rule, and where it is another. */
static int root_length(const char *folder)
{
	size_t length = strlen(folder), tail = strlen(PODPIS_BINARY_DIR);

	if (length < tail || strcmp(folder + length - tail, PODPIS_BINARY_DIR) != 0)
		return 0;
	return (int)(length - tail);
}

char *installed_find(enum installed what)
{
	char folder[PATH_MAX] = "", *path = NULL, *real, *slash;
	ssize_t length = readlink("/proc/self/exe", folder, sizeof(folder) - 1);

	folder[length > 0 ? length : 0] = '\0';
	slash = strrchr(folder, '/');
	if (slash != NULL) {
		*slash = '\0';
		if (asprintf(&path, "%s/../%s", folder, places[what].built) < 0)
			return NULL;
		real = realpath(path, NULL);
		free(path);
		if (real != NULL)
			return real;
	}
	if (asprintf(&path, "%.*s%s", root_length(folder), folder, places[what].installed) < 0)
		return NULL;
	return path;
}
