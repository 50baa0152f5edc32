#include "provision/workplace/workplace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "provision/i18n.h"
#include "provision/installed.h"
#include "provision/workplace/nss.h"
#include "provision/workplace/policy.h"
#include "provision/workplace/whole_file.h"

bool workplace_module(char **path, struct error *err)
{
	char *named = installed_find(INSTALLED_MODULE),
	     *real = named != NULL ? realpath(named, NULL) : NULL;
	bool done = real != NULL;

	if (done)
		*path = real;
	else
		error_set(err, ERROR_WORKPLACE, "%s: %s",
			named != NULL ? named : "podpis-pkcs11.so", strerror(errno));
	free(named);
	return done;
}

/* One row, for a person and in the JSON. `result` is the JSON's word, `text` the person's. */
static void tell(struct context *context, json_t *rows, const struct place *place,
	const char *result, const char *text)
{
	if (place->path != NULL)
		output_text(
			&context->output, "%s: %s: %s\n", place->application, place->path, text);
	else
		output_text(&context->output, "%s: %s\n", place->application, text);
	json_array_append_new(
		rows, json_pack("{s:s, s:s*, s:s, s:s}", "application", place->application, "file",
			      place->path, "result", result, "text", text));
}

/* A text that an earlier setup put there for a module that was elsewhere. */
static bool replace_own(const struct place *place, struct record *record, struct error *err)
{
	size_t index = 0;
	const json_t *entry = record_find(record, "text", place->path, &index);
	bool left = false;

	if (entry == NULL || strstr(record_text(entry, "text"), place->text) != NULL)
		return true;
	return place_take_back(entry, &left, err) && (left || record_remove(record, index, err));
}

struct sum {
	size_t busy, changed;
	struct error failure;
};

static void fail_row(struct context *context, json_t *rows, const struct place *place,
	const struct error *cause, struct sum *sum)
{
	tell(context, rows, place, "failed", cause->message);
	if (sum->failure.code == ERROR_NONE)
		sum->failure = *cause;
}

static void register_one(struct context *context, const struct place *place, const char *module,
	struct record *record, json_t *rows, struct sum *sum)
{
	bool dry = options_has(&context->options, "dry-run");
	struct place_view view;
	struct error cause = {0};
	char text[4400];

	if (place->path == NULL || place->never != NULL) {
		tell(context, rows, place, place->path == NULL ? "hint" : "impossible",
			place->path == NULL ? place->hint : place->never);
		return;
	}
	if (!place_look(place, module, &view, &cause)) {
		fail_row(context, rows, place, &cause, sum);
		return;
	}
	if (view.state == PLACE_THERE) {
		tell(context, rows, place, "there", _("Podpis is there already"));
		return;
	}
	if (place->busy != NULL) {
		snprintf(text, sizeof(text), _("not changed: %s"), place->busy);
		tell(context, rows, place, "busy", text);
		sum->busy++;
		return;
	}
	if (dry) {
		tell(context, rows, place, "missing", _("Podpis would be added"));
		return;
	}
	if (!replace_own(place, record, &cause) || !place_look(place, module, &view, &cause)) {
		fail_row(context, rows, place, &cause, sum);
	} else if (view.state != PLACE_ABSENT) {
		snprintf(text, sizeof(text),
			_("not changed: there is another Podpis, %s; podpis doctor explains"),
			view.other);
		tell(context, rows, place, "other", text);
	} else if (!place_add(place, record, &cause)) {
		fail_row(context, rows, place, &cause, sum);
	} else {
		tell(context, rows, place, "added", _("Podpis is added"));
		sum->changed++;
	}
}

bool workplace_register(
	struct context *context, struct places *places, struct record *record, struct error *err)
{
	json_t *rows = json_array();
	struct sum sum = {.busy = 0};
	char *module = NULL;

	if (rows == NULL || !workplace_module(&module, err)) {
		json_decref(rows);
		return false;
	}
	for (size_t i = 0; i < places->count; i++) {
		const struct place *place = &places->list[i];

		register_one(context, place, module, record, rows, &sum);
		if (place->path != NULL && place->hint != NULL)
			output_text(&context->output, "   %s\n", place->hint);
	}
	output_json(&context->output, "workplace", rows);
	free(module);
	if (sum.failure.code != ERROR_NONE) {
		*err = sum.failure;
		return false;
	}
	return sum.busy == 0 || error_set(err, ERROR_PERSON,
					_("close what is running, and run podpis setup again: %zu "
					  "files are to be changed"),
					sum.busy);
}

static const struct place *place_of(const struct places *places, const char *path)
{
	for (size_t i = 0; i < places->count; i++) {
		const struct place *place = &places->list[i];

		if ((place->path != NULL && strcmp(place->path, path) == 0) ||
			(place->database != NULL && strcmp(place->database, path) == 0))
			return place;
	}
	return NULL;
}

/* *left: something of it stays, since it is the person's by now. */
static bool undo_entry(const json_t *entry, bool *left, struct error *err)
{
	const char *kind = record_text(entry, "kind"), *path = record_text(entry, "path");
	bool removed = false;

	if (strcmp(kind, "text") == 0)
		return place_take_back(entry, left, err);
	if (strcmp(kind, "anchor") == 0)
		return !nss_holds_sha256(path, record_text(entry, "sha256")) ||
		       nss_forget(path, record_text(entry, "nickname"), err);
	if (strcmp(kind, "database") == 0) {
		if (!nss_remove_empty(path, &removed, err))
			return false;
		*left = !removed;
		return true;
	}
	if (strcmp(kind, "folder") == 0)
		*left = rmdir(path) != 0 && errno != ENOENT;
	return true;
}

bool workplace_undo(struct context *context, struct record *record, struct error *err)
{
	bool dry = options_has(&context->options, "dry-run");
	json_t *rows = json_array();
	struct places places = {0};
	struct sum sum = {.busy = 0};
	char *module = NULL;

	/* Where the module is gone already, what is recorded can be taken back all the same. */
	if (workplace_module(&module, NULL))
		places_find(&places, module, NULL, NULL);
	for (size_t i = json_array_size(record->entries); i-- > 0;) {
		json_t *entry = json_incref(json_array_get(record->entries, i));
		const char *path = record_text(entry, "path");
		const struct place *place = place_of(&places, path);
		struct place row = {
			.application = record_text(entry, "kind"), .path = (char *)(uintptr_t)path};
		struct error cause = {0};
		bool left = false;

		if (place != NULL && place->busy != NULL) {
			tell(context, rows, &row, "busy", place->busy);
			sum.busy++;
		} else if (dry) {
			tell(context, rows, &row, "recorded", _("would be taken back"));
		} else if (!undo_entry(entry, &left, &cause) || !record_remove(record, i, &cause)) {
			fail_row(context, rows, &row, &cause, &sum);
		} else {
			tell(context, rows, &row, left ? "left" : "removed",
				left ? _("stays: it holds what others put there")
				     : _("taken back"));
		}
		json_decref(entry);
	}
	output_json(&context->output, "undone", rows);
	places_clear(&places);
	free(module);
	if (sum.failure.code != ERROR_NONE) {
		*err = sum.failure;
		return false;
	}
	return sum.busy == 0 ||
	       error_set(err, ERROR_PERSON, _("close what is running, and run it again"));
}

static bool clear_library(const struct place *place, const char *library, struct error *err)
{
	struct buffer text = BUFFER_INIT(WHOLE_FILE_MAX), rest = BUFFER_INIT(WHOLE_FILE_MAX);
	bool there = false,
	     done = whole_file_read(place->path, &text, &there, err) &&
		    ((place->syntax == PLACE_NSS
				     ? nss_without(buffer_text(&text), library, &rest)
				     : policy_without(buffer_text(&text), library, &rest)) ||
			    error_set(err, ERROR_FAILED, _("%s stays as it is"), place->path)) &&
		    whole_file_write(place->path, rest.data, rest.length, 0, err);

	buffer_free(&text);
	buffer_free(&rest);
	return done;
}

bool workplace_mend(
	const struct place *place, const char *module, struct record *record, struct error *err)
{
	struct place_view view;
	size_t index = 0;

	/* Each round takes one library out, however often it is there. */
	for (unsigned round = 0; round < 16; round++) {
		if (!place_look(place, module, &view, err))
			return false;
		if (view.state == PLACE_THERE)
			return true;
		if (view.state == PLACE_ABSENT)
			return place_add(place, record, err);
		if (record_find(record, "text", place->path, &index) != NULL &&
			!record_remove(record, index, err))
			return false;
		if (place->syntax == PLACE_NSS || place->syntax == PLACE_POLICY) {
			if (!clear_library(place, view.other, err))
				return false;
		} else if (unlink(place->path) != 0) {
			return error_set(err, ERROR_FAILED,
				_("%s is registered in a file that is not the person's: %s"),
				view.other, strerror(errno));
		}
	}
	return error_set(err, ERROR_FAILED, _("%s stays as it is"), place->path);
}
