/*
 * settings: podpis.conf as `podpis setup` writes it: sections are added, nothing that is there is changed.
 */
#ifndef PODPIS_WORKPLACE_SETTINGS_H
#define PODPIS_WORKPLACE_SETTINGS_H

#include "module/support/buffer.h"
#include "module/support/config.h"

struct setting {
	const char *key, *value; /* a NULL value: left out */
};

/*
 * Makes sure that there is a section of that kind and name with these settings (ended by a NULL key).
 * What has to be added is appended to `added`. A section that says otherwise is ERROR_USAGE, with the key.
 */
bool settings_ensure(const struct config *config, enum config_kind kind, const char *name,
	const struct setting *settings, struct buffer *added, struct error *err);

/*
 * Waits until no other podpis changes the file, whose folder is made. The lock, to be closed, falls with the
 * process and those that it started. What is to be added has to be found out under it.
 */
bool settings_lock(const char *path, int *lock, struct error *err);

/* The file's text, if it is there, with `added` at its end. */
bool settings_join(
	const char *path, const struct buffer *added, struct buffer *text, struct error *err);

/* Writes the file: mode 0600, whole or not at all. A symbolic link stays one. */
bool settings_write(const char *path, const struct buffer *text, struct error *err);

#endif
