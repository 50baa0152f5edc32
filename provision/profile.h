/*
 * profile: kinds of certificates: which fields an application needs, what the certificate may hold, and the
 * PKCS#10 that it takes at an authority which does not dictate one.
 */
#ifndef PODPIS_PROVISION_PROFILE_H
#define PODPIS_PROVISION_PROFILE_H

#include "asn1/extension.h"
#include "asn1/name.h"
#include "provision/person.h"

struct profile_attribute {
	const char *oid;
	enum person_field field;
};

struct profile {
	const char *name;    /* "individual" */
	const char *summary; /* English, for gettext */
	unsigned required;   /* bits 1 << enum person_field */
	const char *const
		*forbidden; /* OIDs that its certificate's subject must not have; NULL-ended */
};

/* ERROR_USAGE lists the profiles. */
bool profile_find(const char *name, const struct profile **out, struct error *err);

/* "in-person", "signature", "biometric" to identificationKind and back. ERROR_USAGE lists them. */
bool profile_identification(const char *name, enum identification_kind *out, struct error *err);

/* Subject and extensions of the request for that person. */
bool profile_request(const struct profile *profile, const struct person *person,
	enum identification_kind identification, struct name *subject,
	struct extensions *extensions, struct error *err);

/* The person's field that a subject attribute comes from; false for CN, GN and what is not the person's. */
bool profile_attribute_field(const char *oid, enum person_field *field);
/* What the person's certificate has to have in that attribute, or NULL (nothing to say). Caller frees. */
char *profile_attribute_value(const struct person *person, const char *oid);

#endif
