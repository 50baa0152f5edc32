/*
 * options: the command line, by tables.
 *
 * Only long options (and -h): `--name value`, `--name=value`, `--flag`; `--` ends them. Options and
 * arguments may stand in any order. No abbreviations: a script keeps its meaning when an option is added.
 * Values point into argv.
 */
#ifndef PODPIS_PROVISION_OPTIONS_H
#define PODPIS_PROVISION_OPTIONS_H

#include <stddef.h>

#include "module/support/error.h"

struct option {
	const char *name;     /* without dashes; NULL ends a table */
	const char *argument; /* what usage calls the value ("FILE"); NULL: a flag */
	const char *help;     /* English, for gettext */
	bool repeated;        /* may be given several times */
};

#define OPTIONS_MAX           64
#define OPTIONS_ARGUMENTS_MAX 64
#define OPTIONS_TABLES_MAX    8

struct option_value {
	const struct option *option;
	const char *value; /* "" for a flag */
};

struct options {
	size_t count;
	struct option_value list[OPTIONS_MAX];
	size_t argument_count;
	const char *arguments[OPTIONS_ARGUMENTS_MAX];
};

/* Tables that several commands share. */
extern const struct option options_common[];    /* json, help */
extern const struct option options_dry_run[];   /* dry-run */
extern const struct option options_authority[]; /* authority */
extern const struct option options_slot[];      /* slot, module, pin-file */
extern const struct option options_signer[];    /* signer, signer-module, signer-pin-file */

/*
 * Reads `argc` words (without the command's name) by `tables`, ended by a NULL. ERROR_USAGE names an unknown
 * option, a value that is missing or too much, an option given twice.
 */
bool options_parse(struct options *options, const struct option *const *tables, int argc,
	char *const *argv, struct error *err);

/* The (last) value, or NULL when the option was not given. */
const char *options_get(const struct options *options, const char *name);
bool options_has(const struct options *options, const char *name);

/* Walks through a repeated option: start with *cursor 0; NULL after the last. */
const char *options_next(const struct options *options, const char *name, size_t *cursor);

/* Is this one of the values that a repeated option was given? */
bool options_names(const struct options *options, const char *name, const char *value);

#endif
