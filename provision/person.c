#include "provision/person.h"

#include <stdlib.h>
#include <string.h>

#include "module/support/ini.h"
#include "provision/i18n.h"

static const struct person_field_info fields[PERSON_FIELD_COUNT] = {
	[PERSON_SURNAME] = {"surname", N_("Surname"), "Иванов"},
	[PERSON_GIVEN_NAME] = {"given-name", N_("Given name"), "Иван"},
	[PERSON_PATRONYMIC] = {"patronymic", N_("Patronymic"), "Иванович"},
	[PERSON_BIRTH_DATE] = {"birth-date", N_("Birth date"), "1985-02-28"},
	[PERSON_INN] = {"inn", N_("INN"), "500100732259"},
	[PERSON_SNILS] = {"snils", N_("SNILS"), "112-233-445 95"},
	[PERSON_OGRN] = {"ogrn", N_("OGRN or OGRNIP"), "1027700132195"},
	[PERSON_INN_LE] = {"inn-le", N_("INN of the organisation"), "7707083893"},
	[PERSON_ORGANISATION] = {"organisation", N_("Organisation"), "ООО «Ромашка»"},
	[PERSON_DEPARTMENT] = {"department", N_("Department"), "Бухгалтерия"},
	[PERSON_TITLE] = {"title", N_("Title"), "Бухгалтер"},
	[PERSON_COUNTRY] = {"country", N_("Country"), "RU"},
	[PERSON_REGION] = {"region", N_("Region"), "77 Москва"},
	[PERSON_LOCALITY] = {"locality", N_("Locality"), "Москва"},
	[PERSON_STREET] = {"street", N_("Street"), "ул. Лесная, д. 1"},
	[PERSON_EMAIL] = {"email", N_("E-mail"), "ivanov@example.ru"},
	[PERSON_PHONE] = {"phone", N_("Phone"), "+79001234567"},
};

const struct option options_person[] = {
	{"data", "FILE", N_("person.ini: the person's fields, name = value"), false},
	{"surname", "TEXT", N_("surname"), false},
	{"given-name", "TEXT", N_("given name"), false},
	{"patronymic", "TEXT", N_("patronymic"), false},
	{"birth-date", "DATE", N_("birth date, YYYY-MM-DD"), false},
	{"inn", "NUMBER", N_("INN, 12 digits"), false},
	{"snils", "NUMBER", N_("SNILS, 11 digits"), false},
	{"ogrn", "NUMBER", N_("OGRN, 13 digits, or OGRNIP, 15"), false},
	{"inn-le", "NUMBER", N_("the organisation's INN, 10 digits"), false},
	{"organisation", "TEXT", N_("organisation"), false},
	{"department", "TEXT", N_("department"), false},
	{"title", "TEXT", N_("title"), false},
	{"country", "CODE", N_("country, two letters; RU when not given"), false},
	{"region", "TEXT", N_("region: its code, or code and name"), false},
	{"locality", "TEXT", N_("locality"), false},
	{"street", "TEXT", N_("street and house"), false},
	{"email", "ADDRESS", N_("e-mail address"), false},
	{"phone", "NUMBER", N_("phone, +7…"), false},
	{0},
};

const struct person_field_info *person_field_info(enum person_field field)
{
	return &fields[field];
}

bool person_field_by_name(const char *name, enum person_field *out)
{
	for (size_t i = 0; i < PERSON_FIELD_COUNT; i++) {
		if (strcmp(fields[i].name, name) == 0) {
			*out = (enum person_field)i;
			return true;
		}
	}
	return false;
}

void person_clear(struct person *person)
{
	for (size_t i = 0; i < PERSON_FIELD_COUNT; i++)
		free(person->values[i]);
	*person = (struct person){0};
}

bool person_set(struct person *person, enum person_field field, const char *value)
{
	char *copy = NULL;

	if (value != NULL && value[0] != '\0') {
		copy = strdup(value);
		if (copy == NULL)
			return false;
	}
	free(person->values[field]);
	person->values[field] = copy;
	return true;
}

struct reading {
	struct person *person;
	bool seen[PERSON_FIELD_COUNT];
};

static bool take_line(void *context, const struct ini_line *line, struct error *err)
{
	struct reading *reading = context;
	enum person_field field;

	if (line->key == NULL || line->section[0] != '\0')
		return error_set(err, ERROR_USAGE, _("%s:%u: person.ini has no sections"),
			line->file, line->number);
	if (!person_field_by_name(line->key, &field))
		return error_set(err, ERROR_USAGE, _("%s:%u: there is no field %s"), line->file,
			line->number, line->key);
	if (reading->seen[field])
		return error_set(err, ERROR_USAGE, _("%s:%u: %s is given twice"), line->file,
			line->number, line->key);
	reading->seen[field] = true;
	return person_set(reading->person, field, line->value) ||
	       error_set(err, ERROR_FAILED, _("out of memory"));
}

bool person_read(struct person *person, const char *path, struct error *err)
{
	struct reading reading = {.person = person};

	if (ini_read(path, take_line, &reading, err))
		return true;
	/* A missing file is the person's mistake here, not the workplace's. */
	if (err != NULL && err->code == ERROR_WORKPLACE)
		err->code = ERROR_USAGE;
	return false;
}

bool person_from_options(struct person *person, const struct options *options, struct error *err)
{
	const char *path = options_get(options, "data");

	if (path != NULL && !person_read(person, path, err))
		return false;
	for (size_t i = 0; i < PERSON_FIELD_COUNT; i++) {
		const char *value = options_get(options, fields[i].name);

		if (value != NULL && !person_set(person, (enum person_field)i, value))
			return error_set(err, ERROR_FAILED, _("out of memory"));
	}
	return true;
}

bool person_check(struct person *person, unsigned required, struct buffer *problems)
{
	bool good = true;

	for (size_t i = 0; i < PERSON_FIELD_COUNT; i++) {
		const char *rule = NULL;

		if (person->values[i] != NULL)
			rule = person_check_field((enum person_field)i, &person->values[i]);
		else if ((required & 1U << i) != 0)
			rule = _("is missing");
		if (rule != NULL) {
			good = false;
			buffer_printf(problems, "%s%s: %s", problems->length > 0 ? "\n" : "",
				fields[i].name, rule);
		}
	}
	return good;
}

char *person_full_name(const struct person *person)
{
	static const enum person_field parts[] = {
		PERSON_SURNAME, PERSON_GIVEN_NAME, PERSON_PATRONYMIC};
	struct buffer name = BUFFER_INIT(4096);
	char *text;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		const char *value = person->values[parts[i]];

		if (value != NULL)
			buffer_printf(&name, "%s%s", name.length > 0 ? " " : "", value);
	}
	text = buffer_ok(&name) ? strdup(buffer_text(&name)) : NULL;
	buffer_free(&name);
	return text;
}

json_t *person_json(const struct person *person)
{
	json_t *object = json_object();

	for (size_t i = 0; i < PERSON_FIELD_COUNT && object != NULL; i++) {
		if (person->values[i] != NULL && json_object_set_new(object, fields[i].name,
							 json_string(person->values[i])) != 0) {
			json_decref(object);
			object = NULL;
		}
	}
	return object;
}

bool person_from_json(struct person *person, const json_t *object, struct error *err)
{
	for (size_t i = 0; i < PERSON_FIELD_COUNT; i++) {
		const json_t *value = json_object_get(object, fields[i].name);

		if (value == NULL || json_is_null(value))
			continue;
		if (!json_is_string(value))
			return error_set(
				err, ERROR_FAILED, _("the field %s is not a text"), fields[i].name);
		if (!person_set(person, (enum person_field)i, json_string_value(value)))
			return error_set(err, ERROR_FAILED, _("out of memory"));
	}
	return true;
}
