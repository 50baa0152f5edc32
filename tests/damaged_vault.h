/*
 * damaged_vault: a vault that somebody has altered who can write its file and has no PIN, and what still has to
 * hold: the damage is named in the log, what was altered is not shown, everything else goes on working.
 *
 * Names of files are names in the fixture's folder: vault.db, as it was before in whole.db, an older state of it in
 * older.db, another vault of the same objects in other.db. The module is not initialised between the cases.
 */
#ifndef PODPIS_TESTS_DAMAGED_VAULT_H
#define PODPIS_TESTS_DAMAGED_VAULT_H

#include <stdint.h>

#include <sqlite3.h>

#include "tests/module_fixture.h"

/* In the order in which they are made: the i-th has the id i + 1. */
#define DAMAGE_OBJECTS 7
struct damage_object {
	const char *label;
	bool is_private, is_key;
};
extern const struct damage_object damage_objects[DAMAGE_OBJECTS];

/* What a case does beyond being named. */
enum effect {
	LOCKS_USER = 1, /* the user's login is refused */
	LOCKS_SO = 2,
	STOPS_WRITING = 4,  /* nothing can be written */
	STOPS_CHANGING = 8, /* objects that are there can't be changed */
};

/* For a group of tests: makes the files, and removes all. */
int damage_make_vaults(void **state);
int damage_end(void **state);

const char *damage_path(const char *name); /* one of four buffers, in turn */
/* The caller frees; a NUL follows. */
uint8_t *damage_read(const char *name, size_t *length);
void damage_write(const char *name, const uint8_t *data, size_t length);

/* The vault as it was, not in use, and an empty log. */
void damage_restore(void);
/* The vault's database, with "older" and "other" attached. */
sqlite3 *damage_database(void);
/* Runs statements in it. */
void damage_sql(const char *text);

bool damage_is_logged(const char *word);
/* Is exactly the object there, with the value it was made with? */
bool damage_is_shown(CK_SESSION_HANDLE session, size_t i);

/* The vault has been altered: opens it, and checks that this is named `word`, and harms nothing else. */
void damage_check(const char *name, const char *word, unsigned lost, unsigned effects);
/* Every public object, and with a login every private one, but for those named in `lost` (a bit each). */
void damage_check_shown(const char *name, CK_SESSION_HANDLE session, bool logged_in, unsigned lost);
void damage_check_login(
	const char *name, CK_SESSION_HANDLE session, CK_USER_TYPE user, bool locked);

#endif
