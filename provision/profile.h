/*
 * profile: kinds of certificates: which fields an application needs, what the certificate's subject holds, and
 * the PKCS#10 that it takes at an authority which does not dictate one.
 */
#ifndef PODPIS_PROVISION_PROFILE_H
#define PODPIS_PROVISION_PROFILE_H

#include "asn1/extension.h"
#include "asn1/name.h"
#include "provision/person.h"

struct profile {
	const char *name;    /* "individual" */
	const char *summary; /* English, for gettext */
	unsigned bit;        /* in the table of attributes */
	unsigned required;   /* bits 1 << enum person_field */
	unsigned ogrn;       /* digits that `ogrn` has to have; 0: it is not certified */
};

/* ERROR_USAGE lists the profiles. */
bool profile_find(const char *name, const struct profile **out, struct error *err);

/* "in-person", "signature", "biometric" to identificationKind and back. ERROR_USAGE lists them. */
bool profile_identification(const char *name, enum identification_kind *out, struct error *err);

/* person_check, and what only this profile asks for. */
bool profile_check(const struct profile *profile, struct person *person, struct buffer *problems);

/* Subject and extensions of the request for that person. */
bool profile_request(const struct profile *profile, const struct person *person,
	enum identification_kind identification, struct name *subject,
	struct extensions *extensions, struct error *err);

/* Is this attribute one that the subject of such a certificate must not have? Unknown ones may be there. */
bool profile_forbids(const struct profile *profile, const char *oid);

/* What a person calls a subject attribute with --accept: the field's name, else the attribute's key, else the OID. */
const char *profile_attribute_name(const char *oid);

/* What the certificate has to have in that attribute, or NULL (nothing to say). Caller frees. */
char *profile_attribute_value(
	const struct profile *profile, const struct person *person, const char *oid);

#endif
