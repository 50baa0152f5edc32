/*
 * mozilla: the profiles of Firefox and its relatives, which all keep them alike: a folder with profiles.ini, and
 * a folder for each profile with an NSS database in it.
 */
#ifndef PODPIS_WORKPLACE_MOZILLA_H
#define PODPIS_WORKPLACE_MOZILLA_H

#include <stdbool.h>

#include "module/support/error.h"

struct mozilla_profile {
	char name[256]; /* "" when it has none */
	char folder[4096];
	bool there;    /* the folder is */
	bool standard; /* Default=1 */
};

typedef void mozilla_visit(void *context, const struct mozilla_profile *profile);

/* Each profile that root/profiles.ini names; none when there is no such file. */
bool mozilla_profiles(const char *root, mozilla_visit *visit, void *context, struct error *err);

/* The process that uses the profile, or 0. */
long mozilla_holder(const char *folder);

#endif
