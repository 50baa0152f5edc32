/*
 * place: where an application looks for PKCS#11 modules, and what has to stand there.
 *
 * A place is a piece of text in a file: a file of our own, a line at the beginning, a line before the last one of
 * a file that has to have a frame (XML), a paragraph of an NSS database's pkcs11.txt, or a member of Firefox's
 * policies.json. Each application's file (firefox.c, p11kit.c …) names its places; setup, --undo and
 * doctor all work by them.
 */
#ifndef PODPIS_WORKPLACE_PLACE_H
#define PODPIS_WORKPLACE_PLACE_H

#include <stddef.h>
#include <sys/types.h>

#include "module/support/error.h"
#include "provision/workplace/record.h"

enum place_syntax { PLACE_LINES, PLACE_FRAMED, PLACE_P11KIT, PLACE_NSS, PLACE_POLICY };

struct place {
	const char *application; /* as --for names it */
	enum place_syntax syntax;
	char *path;     /* NULL: nothing is to be done, but the hint to be given */
	char *text;     /* what has to stand in the file, lines; PLACE_POLICY: the module's path */
	char *database; /* PLACE_NSS: the folder of the database */
	const char *
		frame; /* PLACE_FRAMED: the file without anything in it, ending in the line that closes it */
	mode_t mode; /* of a new file; 0: 0600 */
	bool front;  /* at the file's beginning */
	char *busy;  /* why it can't be changed now, or NULL */
	char *never; /* why it can't work, and what does, or NULL */
	char *hint;  /* what a person has to know to use it, or NULL */
};

#define PLACES_MAX 64

struct places {
	size_t count;
	struct place list[PLACES_MAX];
};

/*
 * All places for this module, of the applications in `wanted` (comma-separated; NULL: those that are there).
 * ERROR_USAGE names what is no application. The caller frees with places_clear, also after a failure.
 */
bool places_find(struct places *places, const char *module, const char *wanted, struct error *err);
void places_clear(struct places *places);

/* Adds a place, `path` formatted; for the applications' files. NULL: no memory, or too many. */
struct place *places_add(struct places *places, const char *application, enum place_syntax syntax,
	const char *format, ...) __attribute__((format(printf, 4, 5)));
/* A formatted text for one of its members; NULL without memory. */
char *place_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

enum place_state {
	PLACE_ABSENT,
	PLACE_THERE,
	PLACE_OTHER, /* a Podpis of another path: view.other */
	PLACE_TWICE, /* more than one: view.other is the other's path, or the other file */
};

struct place_view {
	enum place_state state;
	char other[4096];
};

bool place_look(
	const struct place *place, const char *module, struct place_view *view, struct error *err);

/* Puts the text there, as the record will say. The database is made where there is none. */
bool place_add(const struct place *place, struct record *record, struct error *err);

/*
 * Takes an entry of the kind "text" back. *left true: what stands there now is not what was put there, and stays.
 */
bool place_take_back(const json_t *entry, bool *left, struct error *err);

/* $HOME; NULL when not set. */
const char *place_home(void);
/* $XDG_CONFIG_HOME or ~/.config; NULL without a home. The caller frees. */
char *place_config_home(void);
/* Do both paths lead to one file? */
bool place_same_file(const char *a, const char *b);
/* Is that a file of this product? By its name: what it is, nobody can know without loading it. */
bool place_is_podpis(const char *library);

#endif
