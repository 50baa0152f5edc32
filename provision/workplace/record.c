#include "provision/workplace/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "module/support/config.h"
#include "module/support/folder.h"
#include "provision/i18n.h"
#include "provision/workplace/whole_file.h"

#define RECORD_NAME "workplace.json"
#define RECORD_MAX  (1 << 20)

bool record_open(struct record *record, struct error *err)
{
	struct buffer text = BUFFER_INIT(RECORD_MAX);
	json_t *json = NULL, *entries;
	bool there = false, done = false;

	*record = (struct record){.folder = config_state_dir()};
	if (record->folder == NULL) {
		error_set(err, ERROR_WORKPLACE,
			_("there is no place for the record: neither XDG_STATE_HOME nor HOME is "
			  "set"));
		goto out;
	}
	if (!folder_read(record->folder, RECORD_NAME, &text, &there, err))
		goto out;
	json = there ? json_loadb(
			       (const char *)text.data, text.length, JSON_REJECT_DUPLICATES, NULL)
		     : json_object();
	entries = json_object_get(json, "entries");
	if (json_is_array(entries))
		record->entries = json_incref(entries);
	else if (!there)
		record->entries = json_array();
	done = record->entries != NULL ||
	       error_set(err, ERROR_FAILED, _("%s/%s is not a record of podpis setup"),
		       record->folder, RECORD_NAME);
out:
	json_decref(json);
	buffer_free(&text);
	if (!done)
		record_close(record);
	return done;
}

void record_close(struct record *record)
{
	json_decref(record->entries);
	free(record->folder);
	*record = (struct record){0};
}

static bool save(const struct record *record, struct error *err)
{
	json_t *json;
	char *text, *path = NULL;
	bool done;

	if (json_array_size(record->entries) == 0)
		return folder_remove(record->folder, RECORD_NAME, err);
	json = json_pack("{s:i, s:O}", "version", 1, "entries", record->entries);
	text = json_dumps(json, JSON_INDENT(1));
	if (text == NULL || asprintf(&path, "%s/" RECORD_NAME, record->folder) < 0) {
		path = NULL;
		done = error_set(err, ERROR_FAILED, _("out of memory"));
	} else {
		done = folder_make(record->folder, err) &&
		       whole_file_write(path, text, strlen(text), 0600, err);
	}
	free(path);
	free(text);
	json_decref(json);
	return done;
}

bool record_add(struct record *record, json_t *entry, struct error *err)
{
	json_t *other;
	size_t i;

	if (entry == NULL)
		return error_set(err, ERROR_FAILED, _("out of memory"));
	json_array_foreach(record->entries, i, other)
	{
		if (json_equal(entry, other)) {
			json_decref(entry);
			return true;
		}
	}
	if (json_array_append_new(record->entries, entry) != 0)
		return error_set(err, ERROR_FAILED, _("out of memory"));
	if (save(record, err))
		return true;
	json_array_remove(record->entries, json_array_size(record->entries) - 1);
	return false;
}

bool record_remove(struct record *record, size_t index, struct error *err)
{
	json_array_remove(record->entries, index);
	return save(record, err);
}

const json_t *record_find(
	const struct record *record, const char *kind, const char *path, size_t *index)
{
	for (size_t i = json_array_size(record->entries); i-- > 0;) {
		const json_t *entry = json_array_get(record->entries, i);

		if (strcmp(record_text(entry, "kind"), kind) == 0 &&
			strcmp(record_text(entry, "path"), path) == 0) {
			*index = i;
			return entry;
		}
	}
	return NULL;
}

const char *record_text(const json_t *entry, const char *member)
{
	const char *text = json_string_value(json_object_get(entry, member));

	return text != NULL ? text : "";
}
