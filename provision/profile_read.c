/*
 * A profile's file, declared in profile.h: read strictly.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asn1/oid.h"
#include "module/support/ini.h"
#include "provision/i18n.h"
#include "provision/profile.h"

struct reading {
	struct profile *profile;
	const struct ini_line *line;
	struct error *err;
	unsigned seen; /* keys of [profile] and [request], by their place in the table */
	bool seen_fields[PERSON_FIELD_COUNT];
};

static bool __attribute__((format(printf, 2, 3)))
wrong(struct reading *reading, const char *format, ...)
{
	char cause[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(cause, sizeof(cause), format, ap);
	va_end(ap);
	return error_set(reading->err, ERROR_USAGE, "%s:%u: %s", reading->line->file,
		reading->line->number, cause);
}

static bool take_text(struct reading *reading, char *out, size_t size)
{
	size_t length = strlen(reading->line->value);

	if (length == 0 || length >= size)
		return wrong(
			reading, _("%s has to be 1 to %zu bytes"), reading->line->key, size - 1);
	memcpy(out, reading->line->value, length + 1);
	return true;
}

/* Calls `take` for each word of the value; one at least, none twice. */
static bool each_word(struct reading *reading, bool (*take)(struct reading *, const char *word))
{
	char *text = strdup(reading->line->value), *rest = NULL, *word;
	bool done = true;
	size_t count = 0;

	if (text == NULL)
		return error_set(reading->err, ERROR_FAILED, _("out of memory"));
	for (word = strtok_r(text, " \t", &rest); word != NULL && done;
		word = strtok_r(NULL, " \t", &rest)) {
		if (++count > PROFILE_WORDS_MAX)
			done = wrong(reading, _("more than %d words"), PROFILE_WORDS_MAX);
		else
			done = take(reading, word);
	}
	free(text);
	return done && (count > 0 || wrong(reading, _("%s is empty"), reading->line->key));
}

static bool take_summary(struct reading *reading)
{
	return take_text(reading, reading->profile->summary, sizeof(reading->profile->summary));
}

static bool take_russian(struct reading *reading)
{
	return take_text(reading, reading->profile->russian, sizeof(reading->profile->russian));
}

static bool take_identification_word(struct reading *reading, const char *word)
{
	enum identification_kind kind;

	if (!profile_identification(word, &kind, NULL))
		return wrong(reading,
			_("there is no identification %s; there are: in-person, signature, "
			  "biometric"),
			word);
	reading->profile->identifications |= 1U << kind;
	return true;
}

static bool take_identifications(struct reading *reading)
{
	return each_word(reading, take_identification_word);
}

static bool take_key_word(struct reading *reading, const char *word)
{
	static const char *const families[] = {"rsa", "ec", "ed25519", "gost"};
	struct profile *profile = reading->profile;
	size_t length = strcspn(word, ":");

	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		if (strlen(families[i]) == length && strncmp(families[i], word, length) == 0 &&
			strlen(word) < sizeof(profile->keys[0])) {
			strcpy(profile->keys[profile->key_count++], word);
			return true;
		}
	}
	return wrong(reading,
		_("there is no kind of key %s; rsa, ec, ed25519, gost, or one of "
		  "them such as ec:P-256"),
		word);
}

static bool take_keys(struct reading *reading)
{
	return each_word(reading, take_key_word);
}

static bool take_usage_word(struct reading *reading, const char *word)
{
	static const char *const names[] = {"digitalSignature", "nonRepudiation", "keyEncipherment",
		"dataEncipherment", "keyAgreement"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i], word) == 0) {
			reading->profile->key_usage |= 1U << i;
			return true;
		}
	}
	return wrong(reading, _("%s is not a key usage of a person"), word);
}

static bool take_key_usage(struct reading *reading)
{
	return each_word(reading, take_usage_word);
}

static bool take_oid(struct reading *reading, const char *oid, char (*list)[64], size_t *count)
{
	if (strlen(oid) >= sizeof(list[0]) || !oid_valid(oid))
		return wrong(reading, _("%s is neither known here nor an object identifier"), oid);
	for (size_t i = 0; i < *count; i++) {
		if (strcmp(list[i], oid) == 0)
			return wrong(reading, _("%s is there twice"), oid);
	}
	strcpy(list[(*count)++], oid);
	return true;
}

static bool take_purpose_word(struct reading *reading, const char *word)
{
	static const struct {
		const char *name, *oid;
	} names[] = {
		{"clientAuth", "1.3.6.1.5.5.7.3.2"},
		{"emailProtection", "1.3.6.1.5.5.7.3.4"},
		{"smartcardLogon", "1.3.6.1.4.1.311.20.2.2"},
	};
	struct profile *profile = reading->profile;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i].name, word) == 0)
			word = names[i].oid;
	}
	return take_oid(reading, word, profile->purposes, &profile->purpose_count);
}

static bool take_purposes(struct reading *reading)
{
	return each_word(reading, take_purpose_word);
}

static bool take_policy_word(struct reading *reading, const char *word)
{
	struct profile *profile = reading->profile;
	const char *oid = means_class_oid(word);

	return take_oid(
		reading, oid != NULL ? oid : word, profile->policies, &profile->policy_count);
}

static bool take_policies(struct reading *reading)
{
	return each_word(reading, take_policy_word);
}

static bool take_sign_tool(struct reading *reading)
{
	struct buffer der = BUFFER_INIT(4096);
	struct error why = {0};
	bool done;

	if (!take_text(reading, reading->profile->sign_tool, sizeof(reading->profile->sign_tool)))
		return false;
	done = sign_tool_encode(reading->profile->sign_tool, &der, &why) ||
	       wrong(reading, "%s", why.message);
	buffer_free(&der);
	return done;
}

static bool take_flag(struct reading *reading, bool *flag)
{
	const char *value = reading->line->value;

	*flag = strcmp(value, "yes") == 0;
	return *flag || strcmp(value, "no") == 0 ||
	       wrong(reading, _("%s has to be yes or no"), reading->line->key);
}

static bool take_identification_kind(struct reading *reading)
{
	return take_flag(reading, &reading->profile->identification_kind);
}

static bool take_email_name(struct reading *reading)
{
	return take_flag(reading, &reading->profile->email_name);
}

/* 1 to `most`, decimal. */
static bool take_number(const char *text, unsigned most, unsigned *out)
{
	unsigned number = 0;

	if (text[0] == '\0' || strlen(text) > 6 || strspn(text, "0123456789") != strlen(text))
		return false;
	for (; *text != '\0'; text++)
		number = number * 10 + (unsigned)(*text - '0');
	*out = number;
	return number >= 1 && number <= most;
}

static bool take_key_months(struct reading *reading)
{
	return take_number(reading->line->value, 240, &reading->profile->key_months) ||
	       wrong(reading, _("%s has to be 1 to 240"), reading->line->key);
}

static const struct {
	const char *section, *key;
	bool (*take)(struct reading *);
} keys[] = {
	{"profile", "summary", take_summary},
	{"profile", "russian", take_russian},
	{"profile", "identification", take_identifications},
	{"profile", "keys", take_keys},
	{"request", "key-usage", take_key_usage},
	{"request", "purposes", take_purposes},
	{"request", "policies", take_policies},
	{"request", "sign-tool", take_sign_tool},
	{"request", "identification-kind", take_identification_kind},
	{"request", "email-name", take_email_name},
	{"request", "key-months", take_key_months},
};

static bool take_field_word(struct reading *reading, const char *word)
{
	struct profile *profile = reading->profile;
	enum person_field field;

	person_field_by_name(reading->line->key, &field);
	if (strcmp(word, "required") == 0)
		profile->required |= 1U << field;
	else if (strcmp(word, "forbidden") == 0)
		profile->forbidden |= 1U << field;
	else if (strncmp(word, "digits:", 7) == 0 &&
		 take_number(word + 7, 64, &profile->digits[field]))
		return true;
	else if (strncmp(word, "longest:", 8) == 0 &&
		 take_number(word + 8, 4096, &profile->longest[field]))
		return true;
	else if (strcmp(word, "optional") != 0)
		return wrong(reading,
			_("%s is not required, optional, forbidden, digits:N or longest:N"), word);
	return true;
}

static bool take_field(struct reading *reading)
{
	enum person_field field;

	if (!person_field_by_name(reading->line->key, &field))
		return wrong(reading, _("a person has no field %s"), reading->line->key);
	if (reading->seen_fields[field])
		return wrong(reading, _("%s is there twice"), reading->line->key);
	reading->seen_fields[field] = true;
	if (!each_word(reading, take_field_word))
		return false;
	return (reading->profile->required & reading->profile->forbidden) == 0 ||
	       wrong(reading, _("%s can't be both required and forbidden"), reading->line->key);
}

static bool take_source(const char *value, struct profile_attribute *attribute)
{
	enum person_field field;

	if (strcmp(value, "forbidden") == 0)
		attribute->forbidden = true;
	else if (strcmp(value, "full-name") == 0)
		attribute->source = PROFILE_FULL_NAME;
	else if (strcmp(value, "given-and-patronymic") == 0)
		attribute->source = PROFILE_GIVEN_AND_PATRONYMIC;
	else if (person_field_by_name(value, &field))
		attribute->source = (int)field;
	else
		return false;
	return true;
}

static bool take_attribute(struct reading *reading)
{
	struct profile *profile = reading->profile;
	const struct name_type *type = name_type_by_key(reading->line->key);
	const char *oid = type != NULL ? type->oid : reading->line->key;
	struct profile_attribute *attribute = &profile->attributes[profile->attribute_count];

	if (strlen(oid) >= sizeof(attribute->oid) || !oid_valid(oid))
		return wrong(reading, _("%s is neither a known attribute nor an object identifier"),
			reading->line->key);
	for (size_t i = 0; i < profile->attribute_count; i++) {
		if (strcmp(profile->attributes[i].oid, oid) == 0)
			return wrong(reading, _("%s is there twice"), reading->line->key);
	}
	if (profile->attribute_count == NAME_ATTRIBUTES_MAX)
		return wrong(reading, _("more than %d attributes"), NAME_ATTRIBUTES_MAX);
	strcpy(attribute->oid, oid);
	if (!take_source(reading->line->value, attribute))
		return wrong(reading,
			_("%s is not a field of a person, full-name, given-and-patronymic or "
			  "forbidden"),
			reading->line->value);
	profile->attribute_count++;
	return true;
}

static bool take_line(void *context, const struct ini_line *line, struct error *err)
{
	static const char *const sections[] = {"profile", "fields", "subject", "request"};
	struct reading *reading = context;
	bool known = false;

	reading->line = line;
	reading->err = err;
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		known = known || strcmp(sections[i], line->section) == 0;
	if (!known)
		return line->key == NULL
			       ? wrong(reading, _("there is no section [%s]"), line->section)
			       : wrong(reading, _("%s stands before any section"), line->key);
	if (line->key == NULL)
		return true;
	if (strcmp(line->section, "fields") == 0)
		return take_field(reading);
	if (strcmp(line->section, "subject") == 0)
		return take_attribute(reading);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (strcmp(keys[i].section, line->section) != 0 ||
			strcmp(keys[i].key, line->key) != 0)
			continue;
		if ((reading->seen & 1U << i) != 0)
			return wrong(reading, _("%s is there twice"), line->key);
		reading->seen |= 1U << i;
		return keys[i].take(reading);
	}
	return wrong(reading, _("[%s] has no key %s"), line->section, line->key);
}

/* What the file as a whole lacks. */
static bool check_whole(const struct profile *profile, struct error *err)
{
	bool named = false;

	for (size_t i = 0; i < profile->attribute_count; i++)
		named = named || !profile->attributes[i].forbidden;
	if (!named)
		return error_set(
			err, ERROR_USAGE, _("%s: the subject has no attribute"), profile->file);
	if (profile->identifications == 0)
		return error_set(
			err, ERROR_USAGE, _("%s: [profile] has no identification"), profile->file);
	if (profile->key_count == 0)
		return error_set(err, ERROR_USAGE, _("%s: [profile] has no keys"), profile->file);
	return true;
}

bool profile_read(const char *path, const char *name, struct profile *out, struct error *err)
{
	struct profile *made = calloc(1, sizeof(*made));
	struct reading reading = {.profile = made};
	bool done = false;

	if (made == NULL)
		return error_set(err, ERROR_FAILED, _("out of memory"));
	snprintf(made->name, sizeof(made->name), "%s", name);
	snprintf(made->file, sizeof(made->file), "%s", path);
	if (ini_read(path, take_line, &reading, err) && check_whole(made, err)) {
		*out = *made;
		done = true;
	}
	free(made);
	return done;
}
