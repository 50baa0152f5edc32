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

enum {
	INDIVIDUAL = 1 << 0,
	ORGANISATION = 1 << 1,
	ENTREPRENEUR = 1 << 2,
	ANY = INDIVIDUAL | ORGANISATION | ENTREPRENEUR,
};

#define ALWAYS                                                                                     \
	(BIT(PERSON_SURNAME) | BIT(PERSON_GIVEN_NAME) | BIT(PERSON_INN) | BIT(PERSON_SNILS) |      \
		BIT(PERSON_COUNTRY) | BIT(PERSON_REGION) | BIT(PERSON_EMAIL))

static const struct profile profiles[] = {
	{"individual", N_("a natural person, without an organisation"), INDIVIDUAL, ALWAYS, 0},
	{"organisation", N_("the head of a legal person"), ORGANISATION,
		ALWAYS | BIT(PERSON_ORGANISATION) | BIT(PERSON_TITLE) | BIT(PERSON_LOCALITY) |
			BIT(PERSON_OGRN) | BIT(PERSON_INN_LE),
		13},
	{"entrepreneur", N_("a sole trader"), ENTREPRENEUR, ALWAYS | BIT(PERSON_OGRN), 15},
};
#define PROFILE_COUNT (sizeof(profiles) / sizeof(profiles[0]))

static const struct {
	const char *name;
	enum identification_kind kind;
} identifications[] = {
	{"in-person", IDENTIFICATION_IN_PERSON},
	{"signature", IDENTIFICATION_SIGNATURE},
	{"biometric", IDENTIFICATION_BIOMETRIC},
};

/* Values that are put together from several fields. */
enum { FULL_NAME = PERSON_FIELD_COUNT, GIVEN_AND_PATRONYMIC };

/* The subject, in this order. A street is the organisation's; a person's is nobody's business. */
static const struct {
	const char *oid;
	int source; /* enum person_field, or one of the above */
	unsigned profiles;
} attributes[] = {
	{OID_CN, FULL_NAME, INDIVIDUAL | ENTREPRENEUR},
	{OID_CN, PERSON_ORGANISATION, ORGANISATION},
	{OID_SN, PERSON_SURNAME, ANY},
	{OID_GN, GIVEN_AND_PATRONYMIC, ANY},
	{OID_C, PERSON_COUNTRY, ANY},
	{OID_ST, PERSON_REGION, ANY},
	{OID_L, PERSON_LOCALITY, ANY},
	{OID_STREET, PERSON_STREET, ORGANISATION},
	{OID_O, PERSON_ORGANISATION, ORGANISATION},
	{OID_OU, PERSON_DEPARTMENT, ORGANISATION},
	{OID_TITLE, PERSON_TITLE, ORGANISATION},
	{OID_OGRN, PERSON_OGRN, ORGANISATION},
	{OID_OGRNIP, PERSON_OGRN, ENTREPRENEUR},
	{OID_INNLE, PERSON_INN_LE, ORGANISATION},
	{OID_SNILS, PERSON_SNILS, ANY},
	{OID_INN, PERSON_INN, ANY},
	{OID_EMAIL, PERSON_EMAIL, ANY},
};
#define ATTRIBUTE_COUNT (sizeof(attributes) / sizeof(attributes[0]))

bool profile_find(const char *name, const struct profile **out, struct error *err)
{
	struct buffer names = BUFFER_INIT(256);

	for (size_t i = 0; i < PROFILE_COUNT; i++) {
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

bool profile_check(const struct profile *profile, struct person *person, struct buffer *problems)
{
	const char *ogrn;
	bool good = person_check(person, profile->required, problems);

	ogrn = person->values[PERSON_OGRN];
	if (profile->ogrn == 0 || ogrn == NULL || strlen(ogrn) == profile->ogrn ||
		(strlen(ogrn) != 13 && strlen(ogrn) != 15))
		return good;
	buffer_printf(problems, "%s%s: %s", problems->length > 0 ? "\n" : "",
		person_field_info(PERSON_OGRN)->name,
		profile->ogrn == 13 ? _("an organisation has an OGRN of 13 digits")
				    : _("a sole trader has an OGRNIP of 15 digits"));
	return false;
}

bool profile_forbids(const struct profile *profile, const char *oid)
{
	bool known = false;

	for (size_t i = 0; i < ATTRIBUTE_COUNT; i++) {
		if (strcmp(attributes[i].oid, oid) != 0)
			continue;
		known = true;
		if ((attributes[i].profiles & profile->bit) != 0)
			return false;
	}
	/* An address in a person's certificate is unusual, not wrong. */
	return known && strcmp(oid, OID_STREET) != 0;
}

const char *profile_attribute_name(const char *oid)
{
	const struct name_type *type = name_type_by_oid(oid);

	if (strcmp(oid, OID_GN) == 0)
		return person_field_info(PERSON_GIVEN_NAME)->name;
	for (size_t i = 0; i < ATTRIBUTE_COUNT && strcmp(oid, OID_CN) != 0; i++) {
		if (strcmp(attributes[i].oid, oid) == 0)
			return person_field_info((enum person_field)attributes[i].source)->name;
	}
	return type != NULL ? type->key : oid;
}

static char *value_of(const struct person *person, int source)
{
	const char *given = person->values[PERSON_GIVEN_NAME];
	const char *patronymic = person->values[PERSON_PATRONYMIC];
	char *text = NULL;

	if (source == FULL_NAME)
		return person_full_name(person);
	if (source != GIVEN_AND_PATRONYMIC)
		return person->values[source] != NULL ? strdup(person->values[source]) : NULL;
	if (given == NULL || asprintf(&text, "%s%s%s", given, patronymic != NULL ? " " : "",
				     patronymic != NULL ? patronymic : "") < 0)
		return NULL;
	return text;
}

char *profile_attribute_value(
	const struct profile *profile, const struct person *person, const char *oid)
{
	for (size_t i = 0; i < ATTRIBUTE_COUNT; i++) {
		if (strcmp(attributes[i].oid, oid) == 0 &&
			(attributes[i].profiles & profile->bit) != 0)
			return value_of(person, attributes[i].source);
	}
	return NULL;
}

static bool make_subject(const struct profile *profile, const struct person *person,
	struct name *subject, struct error *err)
{
	for (size_t i = 0; i < ATTRIBUTE_COUNT; i++) {
		char *value;
		bool added;

		if ((attributes[i].profiles & profile->bit) == 0)
			continue;
		value = value_of(person, attributes[i].source);
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
