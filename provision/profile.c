#include "provision/profile.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "asn1/characters.h"
#include "provision/i18n.h"

static const struct {
	const char *name;
	enum identification_kind kind;
} identifications[] = {
	{"in-person", IDENTIFICATION_IN_PERSON},
	{"signature", IDENTIFICATION_SIGNATURE},
	{"biometric", IDENTIFICATION_BIOMETRIC},
};

/* The field that an attribute is called by. CN is of several, whatever the profile. */
static const struct {
	const char *key;
	enum person_field field;
} fields[] = {
	{"SN", PERSON_SURNAME},
	{"GN", PERSON_GIVEN_NAME},
	{"C", PERSON_COUNTRY},
	{"ST", PERSON_REGION},
	{"L", PERSON_LOCALITY},
	{"street", PERSON_STREET},
	{"O", PERSON_ORGANISATION},
	{"OU", PERSON_DEPARTMENT},
	{"title", PERSON_TITLE},
	{"OGRN", PERSON_OGRN},
	{"OGRNIP", PERSON_OGRN},
	{"INNLE", PERSON_INN_LE},
	{"SNILS", PERSON_SNILS},
	{"INN", PERSON_INN},
	{"emailAddress", PERSON_EMAIL},
};

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

/* "ec" takes "ec:P-256". */
static bool key_fits(const char *allowed, const char *key)
{
	size_t length = strlen(allowed);

	return strncmp(allowed, key, length) == 0 && (key[length] == '\0' || key[length] == ':');
}

bool profile_takes(const struct profile *profile, enum identification_kind identification,
	const char *key, struct error *err)
{
	struct buffer names = BUFFER_INIT(1024);

	if ((profile->identifications & 1U << identification) == 0)
		return error_set(err, ERROR_USAGE,
			_("the profile %s is not for this kind of identification"), profile->name);
	if (key == NULL)
		return true;
	for (size_t i = 0; i < profile->key_count; i++) {
		if (key_fits(profile->keys[i], key)) {
			buffer_free(&names);
			return true;
		}
		buffer_printf(&names, "%s%s", i > 0 ? ", " : "", profile->keys[i]);
	}
	error_set(err, ERROR_USAGE, _("the profile %s is not for keys of the kind %s; for: %s"),
		profile->name, key, buffer_text(&names));
	buffer_free(&names);
	return false;
}

static void __attribute__((format(printf, 3, 4)))
complain(struct buffer *problems, enum person_field field, const char *format, ...)
{
	char rule[256];
	va_list ap;

	va_start(ap, format);
	vsnprintf(rule, sizeof(rule), format, ap);
	va_end(ap);
	buffer_printf(problems, "%s%s: %s", problems->length > 0 ? "\n" : "",
		person_field_info(field)->name, rule);
}

bool profile_check(const struct profile *profile, struct person *person, struct buffer *problems)
{
	bool good = person_check(person, profile->required, problems);

	for (size_t i = 0; i < PERSON_FIELD_COUNT; i++) {
		enum person_field field = (enum person_field)i;
		const char *value = person->values[i];
		size_t count = 0;

		if (value == NULL || person_check_field(field, &person->values[i]) != NULL)
			continue;
		value = person->values[i];
		characters_count(value, strlen(value), &count);
		if ((profile->forbidden & 1U << i) != 0)
			complain(problems, field, _("the profile %s is without it"), profile->name);
		else if (profile->digits[i] != 0 && strlen(value) != profile->digits[i])
			complain(problems, field, _("the profile %s wants %u digits"),
				profile->name, profile->digits[i]);
		else if (profile->longest[i] != 0 && count > profile->longest[i])
			complain(problems, field, _("the profile %s wants %u characters at most"),
				profile->name, profile->longest[i]);
		else
			continue;
		good = false;
	}
	return good;
}

static const struct profile_attribute *attribute_of(const struct profile *profile, const char *oid)
{
	for (size_t i = 0; i < profile->attribute_count; i++) {
		if (strcmp(profile->attributes[i].oid, oid) == 0)
			return &profile->attributes[i];
	}
	return NULL;
}

bool profile_forbids(const struct profile *profile, const char *oid)
{
	const struct profile_attribute *attribute = attribute_of(profile, oid);

	return attribute != NULL && attribute->forbidden;
}

const char *profile_attribute_name(const char *oid)
{
	const struct name_type *type = name_type_by_oid(oid);

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]) && type != NULL; i++) {
		if (strcmp(fields[i].key, type->key) == 0)
			return person_field_info(fields[i].field)->name;
	}
	return type != NULL ? type->key : oid;
}

static char *value_of(const struct person *person, int source)
{
	const char *given = person->values[PERSON_GIVEN_NAME];
	const char *patronymic = person->values[PERSON_PATRONYMIC];
	char *text = NULL;

	if (source == PROFILE_FULL_NAME)
		return person_full_name(person);
	if (source != PROFILE_GIVEN_AND_PATRONYMIC)
		return person->values[source] != NULL ? strdup(person->values[source]) : NULL;
	if (given == NULL || asprintf(&text, "%s%s%s", given, patronymic != NULL ? " " : "",
				     patronymic != NULL ? patronymic : "") < 0)
		return NULL;
	return text;
}

char *profile_attribute_value(
	const struct profile *profile, const struct person *person, const char *oid)
{
	const struct profile_attribute *attribute = attribute_of(profile, oid);

	return attribute != NULL && !attribute->forbidden ? value_of(person, attribute->source)
							  : NULL;
}

void profile_warnings(
	const struct profile *profile, const struct person *person, struct buffer *warnings)
{
	for (size_t i = 0; i < profile->attribute_count; i++) {
		const struct name_type *type = name_type_by_oid(profile->attributes[i].oid);
		char *value = profile_attribute_value(profile, person, profile->attributes[i].oid);
		size_t count = 0;

		if (type != NULL && value != NULL && type->bound != 0 &&
			characters_count(value, strlen(value), &count) && count > type->bound)
			buffer_printf(warnings,
				_("%s%s has %zu characters; RFC 5280 allows %u, and some programs "
				  "refuse more"),
				warnings->length > 0 ? "\n" : "", type->key, count, type->bound);
		free(value);
	}
}

static bool make_subject(const struct profile *profile, const struct person *person,
	struct name *subject, struct error *err)
{
	for (size_t i = 0; i < profile->attribute_count; i++) {
		const struct profile_attribute *attribute = &profile->attributes[i];
		char *value;
		bool added;

		if (attribute->forbidden)
			continue;
		value = value_of(person, attribute->source);
		if (value == NULL)
			continue;
		added = name_add(subject, attribute->oid, value, err);
		free(value);
		if (!added)
			return false;
	}
	return true;
}

/* Adds the extension that was encoded, and makes room for the next. */
static bool add(struct extensions *list, const char *oid, bool critical, bool encoded,
	struct buffer *value, struct error *err)
{
	bool done = encoded && extensions_add(list, oid, critical, value->data, value->length, err);

	buffer_reset(value);
	return done;
}

static bool add_oids(struct extensions *list, const char *oid,
	bool (*encode)(const char *const *, size_t, struct buffer *, struct error *),
	const char (*oids)[64], size_t count, struct buffer *value, struct error *err)
{
	const char *pointers[PROFILE_WORDS_MAX];

	for (size_t i = 0; i < count; i++)
		pointers[i] = oids[i];
	return count == 0 || add(list, oid, false, encode(pointers, count, value, err), value, err);
}

static bool encode_period(unsigned months, struct buffer *value, struct error *err)
{
	time_t now = time(NULL);
	struct tm end;

	if (gmtime_r(&now, &end) == NULL)
		return error_set(err, ERROR_FAILED, _("the clock is wrong"));
	end.tm_mon += (int)months;
	return key_period_encode(now, timegm(&end), value, err);
}

static bool make_extensions(const struct profile *profile, const struct person *person,
	enum identification_kind identification, struct extensions *list, struct error *err)
{
	const char *email = person->values[PERSON_EMAIL];
	struct buffer value = BUFFER_INIT(8192);
	bool done;

	done = (profile->key_usage == 0 ||
		       add(list, OID_KEY_USAGE, true,
			       key_usage_encode(profile->key_usage, &value, err), &value, err)) &&
	       add_oids(list, OID_EXT_KEY_USAGE, oid_list_encode, profile->purposes,
		       profile->purpose_count, &value, err) &&
	       add_oids(list, OID_CERTIFICATE_POLICIES, policies_encode, profile->policies,
		       profile->policy_count, &value, err) &&
	       (!profile->email_name || email == NULL ||
		       add(list, OID_SUBJECT_ALT_NAME, false, email_name_encode(email, &value, err),
			       &value, err)) &&
	       (profile->sign_tool[0] == '\0' ||
		       add(list, OID_SUBJECT_SIGN_TOOL, false,
			       sign_tool_encode(profile->sign_tool, &value, err), &value, err)) &&
	       (!profile->identification_kind ||
		       add(list, OID_IDENTIFICATION_KIND, false,
			       identification_kind_encode(identification, &value, err), &value,
			       err)) &&
	       (profile->key_months == 0 ||
		       add(list, OID_PRIVATE_KEY_USAGE_PERIOD, false,
			       encode_period(profile->key_months, &value, err), &value, err));
	buffer_free(&value);
	return done;
}

bool profile_request(const struct profile *profile, const struct person *person,
	enum identification_kind identification, struct name *subject,
	struct extensions *extensions, struct error *err)
{
	struct name name = {0};
	struct extensions list = {0};
	bool done = make_subject(profile, person, &name, err) &&
		    make_extensions(profile, person, identification, &list, err);

	if (done) {
		*subject = name;
		*extensions = list;
	} else {
		name_clear(&name);
		extensions_clear(&list);
	}
	return done;
}
