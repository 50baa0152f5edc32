#include "provision/profile.h"

#include <stdlib.h>
#include <string.h>

#include "provision/i18n.h"

#define OID_CN     "2.5.4.3"
#define OID_SN     "2.5.4.4"
#define OID_C      "2.5.4.6"
#define OID_L      "2.5.4.7"
#define OID_ST     "2.5.4.8"
#define OID_STREET "2.5.4.9"
#define OID_O      "2.5.4.10"
#define OID_OU     "2.5.4.11"
#define OID_TITLE  "2.5.4.12"
#define OID_GN     "2.5.4.42"
#define OID_EMAIL  "1.2.840.113549.1.9.1"
#define OID_OGRN   "1.2.643.100.1"
#define OID_SNILS  "1.2.643.100.3"
#define OID_INNLE  "1.2.643.100.4"
#define OID_OGRNIP "1.2.643.100.5"
#define OID_INN    "1.2.643.3.131.1.1"

#define BIT(field) (1U << (field))

/* An organisation's certificate says whose it is; a person's must not (docs: the profile). */
static const char *const individual_forbidden[] = {
	OID_O, OID_OU, OID_TITLE, OID_OGRN, OID_INNLE, OID_OGRNIP, NULL};

static const struct profile profiles[] = {
	{"individual", N_("a natural person, without an organisation"),
		BIT(PERSON_SURNAME) | BIT(PERSON_GIVEN_NAME) | BIT(PERSON_INN) | BIT(PERSON_SNILS) |
			BIT(PERSON_COUNTRY) | BIT(PERSON_REGION) | BIT(PERSON_EMAIL),
		individual_forbidden},
};

static const struct {
	const char *name;
	enum identification_kind kind;
} identifications[] = {
	{"in-person", IDENTIFICATION_IN_PERSON},
	{"signature", IDENTIFICATION_SIGNATURE},
	{"biometric", IDENTIFICATION_BIOMETRIC},
};

/* In the order of the individual's subject. CN and GN are put together from several fields. */
static const struct profile_attribute attributes[] = {
	{OID_CN, PERSON_FIELD_COUNT},
	{OID_SN, PERSON_SURNAME},
	{OID_GN, PERSON_FIELD_COUNT},
	{OID_C, PERSON_COUNTRY},
	{OID_ST, PERSON_REGION},
	{OID_L, PERSON_LOCALITY},
	{OID_STREET, PERSON_STREET},
	{OID_O, PERSON_ORGANISATION},
	{OID_OU, PERSON_DEPARTMENT},
	{OID_TITLE, PERSON_TITLE},
	{OID_OGRN, PERSON_OGRN},
	{OID_INNLE, PERSON_INN_LE},
	{OID_SNILS, PERSON_SNILS},
	{OID_INN, PERSON_INN},
	{OID_EMAIL, PERSON_EMAIL},
};
#define ATTRIBUTE_COUNT (sizeof(attributes) / sizeof(attributes[0]))

bool profile_find(const char *name, const struct profile **out, struct error *err)
{
	struct buffer names = BUFFER_INIT(256);

	for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++) {
		if (strcmp(profiles[i].name, name) == 0) {
			*out = &profiles[i];
			buffer_free(&names);
			return true;
		}
		buffer_printf(&names, "%s%s", i > 0 ? ", " : "", profiles[i].name);
	}
	error_set(err, ERROR_USAGE, _("there is no profile %s; there is: %s"), name,
		buffer_text(&names));
	buffer_free(&names);
	return false;
}

bool profile_identification(const char *name, enum identification_kind *out, struct error *err)
{
	for (size_t i = 0; i < sizeof(identifications) / sizeof(identifications[0]); i++) {
		if (strcmp(identifications[i].name, name) == 0) {
			*out = identifications[i].kind;
			return true;
		}
	}
	return error_set(err, ERROR_USAGE,
		_("there is no identification %s; there are: in-person, signature, biometric"),
		name);
}

bool profile_attribute_field(const char *oid, enum person_field *field)
{
	for (size_t i = 0; i < ATTRIBUTE_COUNT; i++) {
		if (strcmp(attributes[i].oid, oid) == 0 &&
			attributes[i].field != PERSON_FIELD_COUNT) {
			*field = attributes[i].field;
			return true;
		}
	}
	return false;
}

char *profile_attribute_value(const struct person *person, const char *oid)
{
	const char *given = person->values[PERSON_GIVEN_NAME];
	const char *patronymic = person->values[PERSON_PATRONYMIC];
	enum person_field field;
	char *text = NULL;

	if (strcmp(oid, OID_CN) == 0)
		return person_full_name(person);
	if (strcmp(oid, OID_GN) == 0) {
		if (given == NULL)
			return NULL;
		if (asprintf(&text, "%s%s%s", given, patronymic != NULL ? " " : "",
			    patronymic != NULL ? patronymic : "") < 0)
			return NULL;
		return text;
	}
	if (!profile_attribute_field(oid, &field) || person->values[field] == NULL)
		return NULL;
	return strdup(person->values[field]);
}

static bool is_forbidden(const struct profile *profile, const char *oid)
{
	for (const char *const *name = profile->forbidden; *name != NULL; name++) {
		if (strcmp(*name, oid) == 0)
			return true;
	}
	return false;
}

/* street is not what identifies a natural person, so it stays out of the subject that we make ourselves. */
static bool make_subject(const struct profile *profile, const struct person *person,
	struct name *subject, struct error *err)
{
	for (size_t i = 0; i < ATTRIBUTE_COUNT; i++) {
		char *value;
		bool added;

		if (is_forbidden(profile, attributes[i].oid) ||
			strcmp(attributes[i].oid, OID_STREET) == 0)
			continue;
		value = profile_attribute_value(person, attributes[i].oid);
		if (value == NULL)
			continue;
		added = name_add(subject, attributes[i].oid, value, err);
		free(value);
		if (!added)
			return false;
	}
	return true;
}

bool profile_request(const struct profile *profile, const struct person *person,
	enum identification_kind identification, struct name *subject,
	struct extensions *extensions, struct error *err)
{
	static const char *const purposes[] = {"1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.4"};
	struct name name = {0};
	struct extensions list = {0};
	struct buffer usage = BUFFER_INIT(64), purpose = BUFFER_INIT(256), tool = BUFFER_INIT(1024),
		      kind = BUFFER_INIT(16);
	bool done = false;

	if (!make_subject(profile, person, &name, err) ||
		!key_usage_encode(
			KEY_USAGE_DIGITAL_SIGNATURE | KEY_USAGE_NON_REPUDIATION, &usage, err) ||
		!oid_list_encode(purposes, 2, &purpose, err) ||
		!sign_tool_encode("Podpis", &tool, err) ||
		!identification_kind_encode(identification, &kind, err) ||
		!extensions_add(&list, OID_KEY_USAGE, true, usage.data, usage.length, err) ||
		!extensions_add(
			&list, OID_EXT_KEY_USAGE, false, purpose.data, purpose.length, err) ||
		!extensions_add(&list, OID_SUBJECT_SIGN_TOOL, false, tool.data, tool.length, err) ||
		!extensions_add(&list, OID_IDENTIFICATION_KIND, false, kind.data, kind.length, err))
		goto out;
	*subject = name;
	*extensions = list;
	name = (struct name){0};
	list = (struct extensions){0};
	done = true;
out:
	name_clear(&name);
	extensions_clear(&list);
	buffer_free(&usage);
	buffer_free(&purpose);
	buffer_free(&tool);
	buffer_free(&kind);
	return done;
}
