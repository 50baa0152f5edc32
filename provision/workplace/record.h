/*
 * record: what `podpis setup` added to the workplace, in $XDG_STATE_HOME/podpis/workplace.json, so that --undo
 * takes back just that. An entry is written before the thing is done: one that never came about is undone
 * by doing nothing.
 */
#ifndef PODPIS_WORKPLACE_RECORD_H
#define PODPIS_WORKPLACE_RECORD_H

#include <jansson.h>

#include "module/support/error.h"

/*
 * The kinds of entries, with their members besides "kind" and "path":
 *
 *	text		"text" was put into the file; "created": the file was not there; "frame": what else was
 *			put there then; "library": it is Firefox's policies.json, and names this module
 *	anchor		the certificate "sha256" as "nickname", in the NSS database
 *	database	the NSS database was made
 *	folder		was made
 */
struct record {
	char *folder;
	json_t *entries; /* array, in the order of time */
};

bool record_open(struct record *record, struct error *err);
void record_close(struct record *record);

/* Adds the entry (its reference is taken) and writes the file; one that is equal is not added again. */
bool record_add(struct record *record, json_t *entry, struct error *err);
/* The entry at `index` has been undone. An empty record is no file. */
bool record_remove(struct record *record, size_t index, struct error *err);

/* The newest entry of that kind and path, or NULL; *index is its place. */
const json_t *record_find(
	const struct record *record, const char *kind, const char *path, size_t *index);

/* A member of an entry; "" when it is missing. */
const char *record_text(const json_t *entry, const char *member);

#endif
