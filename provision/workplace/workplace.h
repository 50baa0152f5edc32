/*
 * workplace: registers the module in the places of the applications, and takes that back.
 */
#ifndef PODPIS_WORKPLACE_WORKPLACE_H
#define PODPIS_WORKPLACE_WORKPLACE_H

#include "provision/context.h"
#include "provision/workplace/place.h"

/* The path of Podpis's own module, as applications are told it. ERROR_WORKPLACE: it is not there. */
bool workplace_module(char **path, struct error *err);

/*
 * Registers the module wherever it is missing, a row for each place (and the JSON array "workplace"). With
 * --dry-run it only says so. ERROR_PERSON when something has to be closed first, or the first failure; all else
 * is done then.
 */
bool workplace_register(
	struct context *context, struct places *places, struct record *record, struct error *err);

/* Takes back everything that the record has. ERROR_PERSON: something has to be closed first; the rest is done. */
bool workplace_undo(struct context *context, struct record *record, struct error *err);

/*
 * Makes a place right whose text is another Podpis's, one that is gone, or there twice: what is wrong is taken
 * out, and the right text put in.
 */
bool workplace_mend(
	const struct place *place, const char *module, struct record *record, struct error *err);

#endif
