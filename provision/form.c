#include "provision/form.h"

#include <stdlib.h>
#include <string.h>

#include "provision/i18n.h"

#define FORM_SIZE_MAX (256 * 1024)

void form_clear(struct form *form)
{
	for (size_t i = 0; i < form->count; i++) {
		free(form->lines[i].name);
		free(form->lines[i].label);
		free(form->lines[i].value);
	}
	*form = (struct form){0};
}

const char *form_get(const struct form *form, const char *name)
{
	for (size_t i = 0; i < form->count; i++) {
		if (strcmp(form->lines[i].name, name) == 0)
			return form->lines[i].value;
	}
	return NULL;
}

/*
 * `name (label): value`. Any other line is the form's prose. A control character could make a terminal show
 * something else than what is signed, so there is none.
 */
static bool parse_line(struct form *form, const char *line, size_t length, struct error *err)
{
	const char *end = line + length, *open, *close, *value;
	size_t name = 0;
	struct form_line *row;

	while (name < length && ((line[name] >= 'a' && line[name] <= 'z') || line[name] == '-'))
		name++;
	open = line + name;
	if (name == 0 || end - open < 2 || open[0] != ' ' || open[1] != '(')
		return true;
	open += 2;
	close = memchr(open, ')', (size_t)(end - open));
	if (close == NULL || end - close < 2 || close[1] != ':' ||
		memchr(open, '(', (size_t)(close - open)) != NULL)
		return true;
	value = close + 2;
	while (value < end && *value == ' ')
		value++;
	if (form->count == FORM_LINES_MAX)
		return error_set(err, ERROR_FAILED, _("the certificate form has too many lines"));
	row = &form->lines[form->count];
	row->name = strndup(line, name);
	row->label = strndup(open, (size_t)(close - open));
	row->value = strndup(value, (size_t)(end - value));
	form->count++;
	if (row->name == NULL || row->label == NULL || row->value == NULL)
		return error_set(err, ERROR_FAILED, _("out of memory"));
	for (size_t i = 0; i + 1 < form->count; i++) {
		if (strcmp(form->lines[i].name, row->name) == 0)
			return error_set(err, ERROR_FAILED, _("the certificate form has %s twice"),
				row->name);
	}
	return true;
}

bool form_parse(const uint8_t *data, size_t length, struct form *form, struct error *err)
{
	struct form parsed = {0};
	const char *at = (const char *)data, *end = at + length;
	json_t *text = NULL;
	bool done = false;

	/* jansson's own check of UTF-8, so that there is one judge of it. */
	if (length > FORM_SIZE_MAX || (text = json_stringn(at, length)) == NULL) {
		error_set(err, ERROR_FAILED, _("the certificate form is not UTF-8 text"));
		goto out;
	}
	for (size_t i = 0; i < length; i++) {
		if ((data[i] < 0x20 && data[i] != '\n' && data[i] != '\r' && data[i] != '\t') ||
			data[i] == 0x7f) {
			error_set(err, ERROR_FAILED,
				_("the certificate form has control characters in it"));
			goto out;
		}
	}
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t size = (size_t)((newline != NULL ? newline : end) - at);

		if (size > 0 && at[size - 1] == '\r')
			size--;
		if (!parse_line(&parsed, at, size, err))
			goto out;
		at = newline != NULL ? newline + 1 : end;
	}
	if (parsed.count == 0) {
		error_set(err, ERROR_FAILED, _("the certificate form has no fields in it"));
		goto out;
	}
	*form = parsed;
	parsed = (struct form){0};
	done = true;
out:
	json_decref(text);
	form_clear(&parsed);
	return done;
}

static bool copy(char **to, const char *from)
{
	*to = from != NULL ? strdup(from) : NULL;
	return from == NULL || *to != NULL;
}

static bool add_row(struct form_comparison *out, const char *name, const char *label,
	const char *applied, const char *certified, enum form_verdict verdict)
{
	struct form_row *row = &out->rows[out->count++];

	row->verdict = verdict;
	return copy(&row->name, name) && copy(&row->label, label) && copy(&row->applied, applied) &&
	       copy(&row->certified, certified);
}

static const char *form_label(const struct form *form, const char *name, const char *otherwise)
{
	for (size_t i = 0; i < form->count; i++) {
		if (strcmp(form->lines[i].name, name) == 0)
			return form->lines[i].label;
	}
	return otherwise;
}

static bool compare_one(const struct form *form, const char *name, const char *label,
	const char *applied, struct form_comparison *out)
{
	const char *certified = form_get(form, name);
	enum form_verdict verdict = FORM_SAME;

	if (applied == NULL && certified == NULL)
		return true;
	if (certified == NULL)
		verdict = FORM_MISSING;
	else if (applied == NULL)
		verdict = FORM_ADDED;
	else if (strcmp(applied, certified) != 0)
		verdict = FORM_DIFFERS;
	return add_row(out, name, form_label(form, name, label), applied, certified, verdict);
}

/* The form names the algorithm as well; what counts is the hash of the key. */
static bool compare_key(
	const struct form *form, const uint8_t *spki_sha256, struct form_comparison *out)
{
	static const char mark[] = "sha256:";
	const char *certified = form_get(form, "key"), *hash;
	char hex[65], applied[80];
	enum form_verdict verdict = FORM_DIFFERS;

	if (spki_sha256 == NULL)
		return certified == NULL || add_row(out, "key", form_label(form, "key", ""), NULL,
						    certified, FORM_ADDED);
	application_hex(spki_sha256, 32, hex);
	snprintf(applied, sizeof(applied), "%s%s", mark, hex);
	if (certified == NULL)
		verdict = FORM_MISSING;
	else if ((hash = strstr(certified, mark)) != NULL && strcmp(hash + strlen(mark), hex) == 0)
		verdict = FORM_SAME;
	/* Side by side the same text twice is easier to read than two ways to write it. */
	return add_row(out, "key", form_label(form, "key", _("Key")),
		verdict == FORM_SAME ? certified : applied, certified, verdict);
}

static bool is_known(const char *name)
{
	static const char *const others[] = {"profile", "identification", "key"};
	enum person_field field;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (strcmp(name, others[i]) == 0)
			return true;
	}
	return person_field_by_name(name, &field);
}

bool form_compare(const struct form *form, const struct application *application,
	const uint8_t *spki_sha256, struct form_comparison *out)
{
	static const char *const informing[] = {"issuer", "valid-for"};
	struct form_comparison made = {0};
	bool good = true;

	for (size_t i = 0; i < PERSON_FIELD_COUNT && good; i++) {
		const struct person_field_info *info = person_field_info((enum person_field)i);

		good = compare_one(
			form, info->name, _(info->label), application->person.values[i], &made);
	}
	good = good && compare_one(form, "profile", _("Profile"), application->profile, &made) &&
	       compare_one(form, "identification", _("Identification"), application->identification,
		       &made) &&
	       (application->cloud_key != NULL
			       ? compare_one(form, "key", _("Key"), application->cloud_key, &made)
			       : compare_key(form, spki_sha256, &made));
	for (size_t i = 0; i < form->count && good; i++) {
		const struct form_line *line = &form->lines[i];
		enum form_verdict verdict = FORM_ADDED;

		if (is_known(line->name))
			continue;
		for (size_t j = 0; j < sizeof(informing) / sizeof(informing[0]); j++) {
			if (strcmp(line->name, informing[j]) == 0)
				verdict = FORM_INFORMS;
		}
		good = add_row(&made, line->name, line->label, NULL, line->value, verdict);
	}
	if (good)
		*out = made;
	else
		form_comparison_clear(&made);
	return good;
}

void form_comparison_clear(struct form_comparison *comparison)
{
	for (size_t i = 0; i < comparison->count; i++) {
		free(comparison->rows[i].name);
		free(comparison->rows[i].label);
		free(comparison->rows[i].applied);
		free(comparison->rows[i].certified);
	}
	*comparison = (struct form_comparison){0};
}

size_t form_differences(const struct form_comparison *comparison)
{
	size_t count = 0;

	for (size_t i = 0; i < comparison->count; i++) {
		const struct form_row *row = &comparison->rows[i];

		count +=
			row->verdict != FORM_SAME && row->verdict != FORM_INFORMS && !row->accepted;
	}
	return count;
}
