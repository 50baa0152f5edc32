/*
 * new_file: a file that is whole before it has a name.
 *
 * As long as it is written it has no name at all (O_TMPFILE), so that a process which is killed leaves nothing behind.
 * To replace another file it has a name beside it for a moment; on a file system that knows no files without names it
 * has that all the time. What a process leaves that is killed then, new_file_sweep takes away. Mode 0600. Functions
 * return false with errno.
 */
#ifndef PODPIS_SUPPORT_NEW_FILE_H
#define PODPIS_SUPPORT_NEW_FILE_H

#include <limits.h>
#include <stdbool.h>

struct new_file {
	int folder, fd;            /* the folder is the caller's */
	bool hidden;               /* it has that name */
	char beside[NAME_MAX + 1]; /* nobody else's: with the file's number, or a random one */
};

/* `beside` begins the name beside: a dot first, and what tells whose it is. */
bool new_file_open(int folder, const char *beside, struct new_file *out);
/* Gives it its name. EEXIST, whatever stands there. */
bool new_file_link(struct new_file *file, const char *name);
/* The same, in place of what stands there. */
bool new_file_replace(struct new_file *file, const char *name);
/* What got no name is gone. */
void new_file_close(struct new_file *file);

/* Removes from the folder what begins with `beside` and has not been written to for a day. */
void new_file_sweep(int folder, const char *beside);

#endif
