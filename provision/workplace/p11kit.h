/*
 * p11kit: p11-kit's configuration (pkcs11.conf(5)): a file NAME.module for each module, the person's over the
 * administrator's over the packages'. p11-kit ignores root's own.
 */
#ifndef PODPIS_WORKPLACE_P11KIT_H
#define PODPIS_WORKPLACE_P11KIT_H

#include "provision/workplace/place.h"

/* Looks through every folder that p11-kit reads. */
bool p11kit_look(const char *module, struct place_view *view, struct error *err);
/* The same for these folders, from the weakest: a file hides those of its name in the folders before. */
bool p11kit_look_in(char *const *folders, size_t count, const char *module, struct place_view *view,
	struct error *err);

#endif
