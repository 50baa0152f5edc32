/*
 * profile: what a kind of certificate holds: which of the person's fields go into the subject and how they
 * are encoded, and the extensions that the PKCS#10 has to ask for. docs/authority-api.yaml, "The request".
 */
#ifndef PODPIS_SANDBOX_PROFILE_H
#define PODPIS_SANDBOX_PROFILE_H

#include <jansson.h>
#include <openssl/x509.h>
#include <stdbool.h>

/* In the order of the application's JSON. */
enum profile_field {
	FIELD_SURNAME,
	FIELD_GIVEN_NAME,
	FIELD_PATRONYMIC,
	FIELD_BIRTH_DATE,
	FIELD_INN,
	FIELD_SNILS,
	FIELD_OGRN,
	FIELD_INN_LE,
	FIELD_ORGANISATION,
	FIELD_DEPARTMENT,
	FIELD_TITLE,
	FIELD_COUNTRY,
	FIELD_REGION,
	FIELD_LOCALITY,
	FIELD_STREET,
	FIELD_EMAIL,
	FIELD_PHONE,
	PROFILE_FIELDS,
};

struct profile_field_info {
	const char *name;  /* as in person.ini */
	const char *label; /* Russian */
};

const struct profile_field_info *profile_field(enum profile_field field);

#define PROFILES 3

struct profile;
const struct profile *profile_by_name(const char *name);
const char *profile_name(unsigned index); /* below PROFILES */
/* The certificate holds it. */
bool profile_certifies(const struct profile *profile, enum profile_field field);

/* 0, 1, 3: identificationKind; -1: no such way. */
int profile_identification_kind(const char *identification);

#define PROFILE_SUBJECT_MAX    16
#define PROFILE_EXTENSIONS_MAX 8

struct profile_attribute {
	const char *oid;
	int tag;           /* universal */
	const char *field; /* that it is made of, for messages */
	char *value;       /* UTF-8 */
};

struct profile_extension {
	const char *oid;
	bool critical;
	uint8_t *der;
	size_t length;
};

struct profile_template {
	unsigned subject_count, extension_count;
	struct profile_attribute subject[PROFILE_SUBJECT_MAX];
	struct profile_extension extensions[PROFILE_EXTENSIONS_MAX];
};

/*
 * What the authority dictates for this person. False with `fields` filled ({name, reason}) when something is
 * missing or can't be written into a name.
 */
bool profile_template_make(const struct profile *profile, const json_t *person,
	const char *identification, struct profile_template *out, json_t *fields);
void profile_template_clear(struct profile_template *templ);
json_t *profile_template_json(const struct profile_template *templ);
/* With the very string types; NULL without memory. */
X509_NAME *profile_template_name(const struct profile_template *templ);

#endif
