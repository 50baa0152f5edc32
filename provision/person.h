/*
 * person: whose certificate it will be, field by field, each checked without asking anybody.
 *
 * Fields have the names of person.ini and of the application's JSON. Values are kept in one form: blanks
 * squeezed, SNILS eleven digits, birth date YYYY-MM-DD, phone +digits, region "77 Москва".
 */
#ifndef PODPIS_PROVISION_PERSON_H
#define PODPIS_PROVISION_PERSON_H

#include <jansson.h>

#include "module/support/buffer.h"
#include "module/support/error.h"
#include "provision/options.h"

enum person_field {
	PERSON_SURNAME,
	PERSON_GIVEN_NAME,
	PERSON_PATRONYMIC,
	PERSON_BIRTH_DATE,
	PERSON_INN,
	PERSON_SNILS,
	PERSON_OGRN,
	PERSON_INN_LE,
	PERSON_ORGANISATION,
	PERSON_DEPARTMENT,
	PERSON_TITLE,
	PERSON_COUNTRY,
	PERSON_REGION,
	PERSON_LOCALITY,
	PERSON_STREET,
	PERSON_EMAIL,
	PERSON_PHONE,
	PERSON_FIELD_COUNT,
};

struct person {
	char *values[PERSON_FIELD_COUNT]; /* NULL: not given */
};

struct person_field_info {
	const char *name;  /* "given-name" */
	const char *label; /* English, for gettext */
	const char *example;
};

const struct person_field_info *person_field_info(enum person_field field);
/* False when no field has that name. */
bool person_field_by_name(const char *name, enum person_field *out);

void person_clear(struct person *person);

/* Sets or (NULL, "") removes; nothing is checked. False without memory. */
bool person_set(struct person *person, enum person_field field, const char *value);

/* Reads person.ini: `name = value` lines, no section. Fields that are there already are replaced. */
bool person_read(struct person *person, const char *path, struct error *err);
/* Takes the fields that were given as options (--inn 7707…). */
bool person_from_options(struct person *person, const struct options *options, struct error *err);
extern const struct option options_person[]; /* data, and an option a field */

/*
 * Brings every field into its form and checks it, and that those in `required` (bits 1 << field) are there.
 * Appends a line "field: rule" to `problems` for each that is wrong; false when there are any.
 */
bool person_check(struct person *person, unsigned required, struct buffer *problems);

/* One field: NULL when it is right (then it is in its form), else the rule that it breaks, translated. */
const char *person_check_field(enum person_field field, char **value);

/* "Иванов Иван Иванович". NULL without memory. */
char *person_full_name(const struct person *person);

json_t *person_json(const struct person *person);
/* Unknown members are ignored; ERROR_FAILED for a known one that is not a text. */
bool person_from_json(struct person *person, const json_t *object, struct error *err);

#endif
