/*
 * credential_kind: the kinds of keys that credentials have: what makes them, and what the service says of them.
 */
#ifndef PODPIS_SANDBOX_CREDENTIAL_KIND_H
#define PODPIS_SANDBOX_CREDENTIAL_KIND_H

#include "tests/sandbox/credential.h"

struct credential_kind {
	const char *name;
	enum credential_key type;
	const char *parameters; /* OpenSSL's name of the curve, or the GOST set's */
	unsigned bits;
	const char *curve_oid;
	const char *algorithms[6]; /* that the service then offers: OIDs */
};

/* NULL: there is none of that name. */
const struct credential_kind *credential_kind_find(const char *name);

#endif
