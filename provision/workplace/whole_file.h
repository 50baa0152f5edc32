/*
 * whole_file: text files of the person's, changed so that they are the old or the new one at every moment.
 */
#ifndef PODPIS_WORKPLACE_WHOLE_FILE_H
#define PODPIS_WORKPLACE_WHOLE_FILE_H

#include <sys/types.h>

#include "module/support/buffer.h"
#include "module/support/error.h"

/* LibreOffice keeps pictures in its settings. */
#define WHOLE_FILE_MAX (16 << 20)

/* Makes the folders that `path` is in, mode 0700; `made` (may be NULL) is called with each that was not there. */
bool whole_file_folders(const char *path, void (*made)(void *context, const char *folder),
	void *context, struct error *err);

/* Appends the file. *there false: there is none, which is no error. */
bool whole_file_read(const char *path, struct buffer *text, bool *there, struct error *err);

/*
 * Replaces the file, through a symbolic link if it is one. `mode` 0: the mode that the file has (0600 for a new
 * one). When it returns true, the file survives a power cut. Not for two at a time: what
 * is written beside it, PATH.podpis, has always the same name, so that what a killed process leaves is used next.
 */
bool whole_file_write(
	const char *path, const void *data, size_t length, mode_t mode, struct error *err);

/* A rename is durable when its folder is on the disk. */
void whole_file_sync(const char *path);

#endif
