/*
 * folder: a temporary folder of a test's own, under $TMPDIR, removed with what is in it.
 */
#ifndef PODPIS_TESTS_FOLDER_H
#define PODPIS_TESTS_FOLDER_H

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static inline char *folder_make(void)
{
	const char *base = getenv("TMPDIR");
	char *path = NULL;

	if (asprintf(&path, "%s/podpis-test-XXXXXX", base != NULL ? base : "/tmp") < 0 ||
		mkdtemp(path) == NULL)
		abort();
	return path;
}

/* The path of a name in the folder; the caller frees. */
static inline char *folder_path(const char *folder, const char *name)
{
	char *path = NULL;

	if (asprintf(&path, "%s/%s", folder, name) < 0)
		abort();
	return path;
}

/* Writes a file and returns its path; the caller frees. */
static inline char *folder_write(
	const char *folder, const char *name, const void *data, size_t length)
{
	char *path = folder_path(folder, name);
	FILE *file = fopen(path, "wb");

	if (file == NULL || fwrite(data, 1, length, file) != length || fclose(file) != 0)
		abort();
	return path;
}

static inline int folder_remove_one(
	const char *path, const struct stat *status, int kind, struct FTW *walk)
{
	(void)status;
	(void)kind;
	(void)walk;
	return remove(path);
}

/* Removes the folder and frees its path. */
static inline void folder_remove(char *folder)
{
	nftw(folder, folder_remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(folder);
}

#endif
