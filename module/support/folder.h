/*
 * folder: files that are whole or not there: written beside, flushed, and renamed into place.
 *
 * Folders are made with mode 0700, files with 0600. Names are the caller's own or come from a directory
 * listing, never from a server.
 */
#ifndef PODPIS_SUPPORT_FOLDER_H
#define PODPIS_SUPPORT_FOLDER_H

#include <stddef.h>

#include "module/support/buffer.h"
#include "module/support/error.h"

/* Makes the folder and those above it. */
bool folder_make(const char *path, struct error *err);
/* Makes the folders above a file, none for a bare name. errno tells what was wrong. */
bool folder_make_above(const char *path);

/*
 * May nobody but the person (and root) write it? So a folder or a file of which others could change what is believed.
 * Nothing there is fine. ERROR_WORKPLACE: they may.
 */
bool folder_check_own(const char *path, struct error *err);

/* All of it, in as many pieces as it takes. errno tells what was wrong. */
bool folder_write_all(int fd, const void *data, size_t length);

/* Writes or replaces path/name; when it returns true, the file survives a power cut. */
bool folder_write(
	const char *path, const char *name, const void *data, size_t length, struct error *err);

/* Appends the file. *there false: there is none, which is no error. Symbolic links are not followed. */
bool folder_read(
	const char *path, const char *name, struct buffer *out, bool *there, struct error *err);

/* Removes path/name; no error when it is not there. */
bool folder_remove(const char *path, const char *name, struct error *err);

/*
 * The names of the regular files (or with `folders` the folders) in it, sorted, without those that begin
 * with a dot. None when the folder is not there. Free with folder_names_free.
 */
bool folder_names(const char *path, bool folders, char ***names, size_t *count, struct error *err);
void folder_names_free(char **names, size_t count);

#endif
