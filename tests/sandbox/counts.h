/*
 * counts: how often each path was asked for, and how many connections were made, since the start or the last
 * reset. In memory, for tests: a client's promises about its traffic are held against them.
 *
 * Any thread may call at any time.
 */
#ifndef PODPIS_SANDBOX_COUNTS_H
#define PODPIS_SANDBOX_COUNTS_H

#include <jansson.h>

struct counts;

struct counts *counts_new(void);
void counts_free(struct counts *counts); /* NULL is fine */

void counts_request(struct counts *counts, const char *path);
void counts_connection(struct counts *counts);
void counts_reset(struct counts *counts);

/* {"connections": N, "requests": {PATH: N}}. */
json_t *counts_list(struct counts *counts);

#endif
