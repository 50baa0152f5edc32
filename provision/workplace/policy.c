#include "provision/workplace/policy.h"

#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "provision/i18n.h"

#define NAME "Podpis"

static const char *const way[] = {"policies", "SecurityDevices", "Add"};

#define DEPTH (sizeof(way) / sizeof(way[0]))

/* ---- where things stand in a text that is known to be JSON, no name twice */

static const char *skip_space(const char *at)
{
	return at + strspn(at, " \t\r\n");
}

/* `at` is a value's first character; the result stands behind the value. */
static const char *skip_value(const char *at)
{
	size_t depth = 0;

	do {
		if (*at == '"')
			for (at++; *at != '"' && *at != '\0'; at++)
				at += *at == '\\' && at[1] != '\0';
		else if (*at == '{' || *at == '[')
			depth++;
		else if (*at == '}' || *at == ']')
			depth--;
		at += *at != '\0';
	} while (*at != '\0' && (depth > 0 || strchr(",:}] \t\r\n", *at) == NULL));
	return at;
}

/* The member of the object that begins at `object`, from its name on; *value is its value. NULL: it has none. */
static const char *find_member(const char *object, const char *name, const char **value)
{
	size_t length = strlen(name);

	for (const char *at = skip_space(object + 1); *at == '"';
		at = skip_space(skip_value(*value)), at = skip_space(at + (*at == ','))) {
		*value = skip_space(skip_space(skip_value(at)) + 1);
		if (strncmp(at + 1, name, length) == 0 && at[1 + length] == '"')
			return at;
	}
	return NULL;
}

/* ---- what a policies.json says */

static bool parse(const char *text, json_t **root, struct error *err)
{
	json_error_t cause;

	*root = *skip_space(text) == '\0' ? json_object()
					  : json_loads(text, JSON_REJECT_DUPLICATES, &cause);
	if (*root == NULL)
		return error_set(err, ERROR_FAILED, _("it is not JSON: line %d: %s"), cause.line,
			cause.text);
	return true;
}

/*
 * How many of `way` there are, and the object at its end: the devices stand in SecurityDevices itself where neither Add
 * nor Delete is in it, as before Firefox 114. *devices is NULL when there are none yet.
 */
static bool walk(json_t *root, size_t *depth, json_t **devices, struct error *err)
{
	json_t *at = root;

	for (*depth = 0; json_is_object(at) && *depth < DEPTH; ++*depth) {
		json_t *next = json_object_get(at, way[*depth]);

		if (next == NULL)
			break;
		at = next;
	}
	if (!json_is_object(at))
		return error_set(err, ERROR_FAILED, _("\"%s\" is not an object"),
			*depth > 0 ? way[*depth - 1] : "policies.json");
	*devices = *depth == DEPTH || (*depth == DEPTH - 1 && json_object_size(at) > 0 &&
					      json_object_get(at, "Delete") == NULL)
			   ? at
			   : NULL;
	return true;
}

bool policy_look(const char *text, const char *module, struct place_view *view, struct error *err)
{
	json_t *root = NULL, *devices, *library;
	const char *name;
	size_t depth;
	bool done = parse(text, &root, err) && walk(root, &depth, &devices, err);

	*view = (struct place_view){.state = PLACE_ABSENT};
	if (!done)
		devices = NULL;
	json_object_foreach(devices, name, library)
	{
		const char *path = json_is_string(library) ? json_string_value(library) : "";
		bool same = place_same_file(path, module);

		if (strcmp(name, NAME) != 0 && !place_is_podpis(path))
			continue;
		if (view->state != PLACE_ABSENT)
			view->state = PLACE_TWICE;
		else
			view->state = same ? PLACE_THERE : PLACE_OTHER;
		if (!same || view->other[0] == '\0')
			snprintf(view->other, sizeof(view->other), "%s", path);
	}
	json_decref(root);
	return done;
}

/* ---- putting in, taking out */

/* The object at the end of `depth` members of `way`; NULL where a name is written with escapes. */
static const char *find_object(const char *text, size_t depth)
{
	const char *object = skip_space(text);

	for (size_t i = 0; object != NULL && i < depth; i++)
		if (find_member(object, way[i], &object) == NULL)
			object = NULL;
	return object;
}

bool policy_piece(
	const char *text, const char *module, size_t *offset, char **piece, struct error *err)
{
	json_t *root = NULL, *devices, *library = json_string(module);
	char *value = json_dumps(library, JSON_ENCODE_ANY | JSON_ENSURE_ASCII), *inner = NULL;
	const char *object, *after;
	size_t depth;

	*piece = NULL;
	if (value == NULL) {
		error_set(err, ERROR_FAILED, _("out of memory"));
		goto out;
	}
	if (!parse(text, &root, err) || !walk(root, &depth, &devices, err))
		goto out;
	inner = place_text("\"" NAME "\": %s", value);
	for (size_t i = DEPTH; inner != NULL && devices == NULL && i-- > depth;) {
		char *outer = place_text("\"%s\": {%s}", way[i], inner);

		free(inner);
		inner = outer;
	}
	object = find_object(text, depth);
	if (object == NULL) {
		error_set(err, ERROR_FAILED, _("its names are written with escapes"));
		goto out;
	}
	if (*object == '\0') {
		*offset = strlen(text);
		*piece = inner != NULL ? place_text("{%s}\n", inner) : NULL;
	} else {
		*offset = (size_t)(object + 1 - text);
		after = skip_space(object + 1);
		*piece = inner != NULL ? place_text("\n%*s%s%s", (int)(2 * depth + 2), "", inner,
						 *after == '}' ? "" : ",")
				       : NULL;
	}
	if (*piece == NULL)
		error_set(err, ERROR_FAILED, _("out of memory"));
out:
	free(inner);
	free(value);
	json_decref(library);
	json_decref(root);
	return *piece != NULL;
}

bool policy_without(const char *text, const char *library, struct buffer *out)
{
	json_t *root = NULL, *devices = NULL, *value;
	const char *object, *name, *at = NULL, *end;
	size_t depth = 0;
	bool found = false;

	if (!parse(text, &root, NULL) || !walk(root, &depth, &devices, NULL))
		devices = NULL;
	json_object_foreach(devices, name, value)
	{
		found = json_is_string(value) && strcmp(json_string_value(value), library) == 0;
		if (found)
			break;
	}
	object = found ? find_object(text, depth) : NULL;
	if (object != NULL)
		at = find_member(object, name, &end);
	if (at != NULL) {
		end = skip_value(end);
		if (*skip_space(end) == ',') {
			end = skip_space(end) + 1;
		} else { /* the last: the comma before it goes */
			while (at > object + 1 && isspace((unsigned char)at[-1]))
				at--;
			at -= at[-1] == ',';
		}
		buffer_append(out, text, (size_t)(at - text));
		buffer_append_text(out, end);
	}
	json_decref(root);
	return at != NULL && buffer_ok(out);
}
