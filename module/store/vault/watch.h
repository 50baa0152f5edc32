/*
 * watch: did the vault's file move? A look costs a stat and a read of four bytes.
 *
 * One thread at a time uses a watch (the table's user); only watch_moved may be asked by any thread at any time.
 */
#ifndef PODPIS_STORE_VAULT_WATCH_H
#define PODPIS_STORE_VAULT_WATCH_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#define WATCH_COUNTER 4 /* bytes of SQLite's file change counter, which every commit moves */

/* A state of the file at the path, as far as it can be told from outside. */
struct watch_state {
	bool present;
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec changed; /* the inode: also what chmod does */
	uint8_t counter[WATCH_COUNTER];
};

struct watch {
	const char *path; /* the caller's */

	pthread_rwlock_t lock; /* what follows: watch_moved reads it beside a running transaction */
	int fd;                /* of the file whose counter is read; -1: none */
	dev_t device;
	ino_t inode;
	struct watch_state noted;
	bool known; /* `noted` counts */
};

/* `path` must outlive the watch. False without memory. */
bool watch_init(struct watch *watch, const char *path);
void watch_free(struct watch *watch);

/* Watches this open file, which becomes the watch's; no other is open. */
void watch_file(struct watch *watch, int fd, const struct stat *st);
void watch_close(struct watch *watch); /* forgets it, and what was noted */
bool watch_is_file(const struct watch *watch, const struct stat *st);

void watch_look(struct watch *watch, struct watch_state *out);
/* Does the path, in this state, still lead to the file that is open? */
bool watch_stands(const struct watch *watch, const struct watch_state *state);

/* Is the file in another state than the one last noted? */
bool watch_moved(struct watch *watch);
void watch_note(struct watch *watch, const struct watch_state *state);
void watch_forget(struct watch *watch); /* the next watch_moved is true */
/*
 * After a commit of a transaction that began in the state `begun`: notes `after` when nobody else has written, so
 * that what the caller has in memory is what stands in the file; else the next look finds that it moved.
 */
void watch_note_commit(
	struct watch *watch, const struct watch_state *begun, const struct watch_state *after);

#endif
