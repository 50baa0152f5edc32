/*
 * profile: kinds of certificates: which fields an application needs, what the certificate's subject holds, and
 * the PKCS#10 that it takes at an authority which does not dictate one.
 *
 * A profile is a file, NAME.ini (podpis-profile(5)): the person's own in $XDG_CONFIG_HOME/podpis/profiles, else
 * one of those that are installed (beside the build folder's tool, those of the source). Its name comes from a
 * command line, a journal or an authority, and never leads out of these folders.
 */
#ifndef PODPIS_PROVISION_PROFILE_H
#define PODPIS_PROVISION_PROFILE_H

#include "asn1/extension.h"
#include "asn1/name.h"
#include "provision/person.h"

#define PROFILE_NAME_MAX  64 /* bytes, of a name */
#define PROFILE_WORDS_MAX 16 /* in a list of words */

/* Where a subject attribute's value comes from: a person_field, or one of these. */
enum { PROFILE_FULL_NAME = PERSON_FIELD_COUNT, PROFILE_GIVEN_AND_PATRONYMIC };

struct profile_attribute {
	char oid[64];
	bool forbidden; /* else it has a source */
	int source;
};

/* Plain data, without anything to free. */
struct profile {
	char name[PROFILE_NAME_MAX + 1];
	char summary[256], russian[256]; /* "": none */
	char file[1024];                 /* where it was read */
	unsigned identifications;        /* bits 1 << enum identification_kind */
	size_t key_count;
	char keys[PROFILE_WORDS_MAX][32]; /* kinds ("ec:P-256") or whole families ("ec") */

	unsigned required, forbidden;         /* bits 1 << enum person_field */
	unsigned digits[PERSON_FIELD_COUNT];  /* that the number has to have; 0: as any */
	unsigned longest[PERSON_FIELD_COUNT]; /* characters; 0: as any */

	size_t attribute_count;
	struct profile_attribute attributes[NAME_ATTRIBUTES_MAX]; /* in the subject's order */

	unsigned key_usage; /* KEY_USAGE_ bits; 0: the extension is left out */
	size_t purpose_count, policy_count;
	char purposes[PROFILE_WORDS_MAX][64], policies[PROFILE_WORDS_MAX][64];
	char sign_tool[801]; /* "": left out */
	bool identification_kind, email_name;
	unsigned
		key_months; /* of privateKeyUsagePeriod, from the day of the request on; 0: left out */
};

/* ERROR_USAGE lists the profiles, or names a broken one's file, line and cause. */
bool profile_find(const char *name, struct profile *out, struct error *err);

/* One file. ERROR_USAGE names file, line and cause; ERROR_WORKPLACE: it is not there. */
bool profile_read(const char *path, const char *name, struct profile *out, struct error *err);

/* The names of all that there are, sorted; free with profile_names_free. NULL without memory. */
char **profile_names(size_t *count);
void profile_names_free(char **names, size_t count);

/* "in-person", "signature", "biometric" to identificationKind and back. ERROR_USAGE lists them. */
bool profile_identification(const char *name, enum identification_kind *out, struct error *err);

/* Does such a certificate go with this identification and this kind of key (NULL: no key here)? ERROR_USAGE. */
bool profile_takes(const struct profile *profile, enum identification_kind identification,
	const char *key, struct error *err);

/* person_check, and what only this profile asks for. */
bool profile_check(const struct profile *profile, struct person *person, struct buffer *problems);

/*
 * Appends a line for each attribute of the subject that is right here, but longer than RFC 5280 allows, so that
 * some programs will refuse the certificate.
 */
void profile_warnings(
	const struct profile *profile, const struct person *person, struct buffer *warnings);

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
