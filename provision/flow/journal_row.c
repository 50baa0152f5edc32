/*
 * The journal's rows: an application's columns, written with the event that says why, and read; declared in journal.h.
 */
#include "provision/flow/journal_private.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "provision/i18n.h"

enum column_type { TEXT, NUMBER, BLOB, STATE };

/* The row's columns after the id, in the order of the statement's parameters. */
static const struct {
	const char *name;
	enum column_type type;
	size_t offset;
} columns[] = {
#define COLUMN(name, type)                                                                         \
	{                                                                                          \
#name, type, offsetof(struct journal_application, name)                            \
	}
	COLUMN(authority, TEXT),
	COLUMN(remote_id, TEXT),
	COLUMN(account, TEXT),
	COLUMN(fingerprint, TEXT),
	COLUMN(profile, TEXT),
	COLUMN(identification, TEXT),
	COLUMN(person, TEXT),
	COLUMN(holder, TEXT),
	COLUMN(state, STATE),
	COLUMN(remote_state, STATE),
	COLUMN(words, TEXT),
	COLUMN(reason, TEXT),
	COLUMN(fields, TEXT),
	COLUMN(documents, TEXT),
	COLUMN(actions, NUMBER),
	COLUMN(poll, NUMBER),
	COLUMN(next_poll, NUMBER),
	COLUMN(slot_uri, TEXT),
	COLUMN(key_spec, TEXT),
	COLUMN(label, TEXT),
	COLUMN(key_reserved, BLOB),
	COLUMN(key_id, BLOB),
	COLUMN(spki, BLOB),
	COLUMN(key_uri, TEXT),
	COLUMN(signer_uri, TEXT),
	COLUMN(signer_sha256, BLOB),
	COLUMN(request, BLOB),
	COLUMN(subject, BLOB),
	COLUMN(application, BLOB),
	COLUMN(signature, BLOB),
	COLUMN(certificates, TEXT),
	COLUMN(certificate_sha256, BLOB),
	COLUMN(not_after, NUMBER),
	COLUMN(installed, NUMBER),
	COLUMN(acknowledged, NUMBER),
	COLUMN(created, NUMBER),
	COLUMN(updated, NUMBER),
	COLUMN(renews, NUMBER),
#undef COLUMN
};
#define COLUMN_COUNT (sizeof(columns) / sizeof(columns[0]))

void journal_row_declare(struct buffer *sql)
{
	static const char *const types[] = {"TEXT", "INTEGER", "BLOB", "TEXT"};

	for (size_t i = 0; i < COLUMN_COUNT; i++)
		buffer_printf(sql, ", %s %s", columns[i].name, types[columns[i].type]);
}

static void *member(const struct journal_application *application, size_t column)
{
	return (char *)(uintptr_t)application + columns[column].offset;
}

static bool bind(struct journal *journal, sqlite3_stmt *statement, int position,
	const struct journal_application *application, size_t column, struct error *err)
{
	const void *value = member(application, column);
	const struct journal_blob *blob = value;
	int rc = SQLITE_OK;

	switch (columns[column].type) {
	case TEXT:
		rc = sqlite3_bind_text(
			statement, position, *(char *const *)value, -1, SQLITE_STATIC);
		break;
	case NUMBER:
		rc = sqlite3_bind_int64(statement, position, *(const int64_t *)value);
		break;
	case BLOB:
		rc = blob->data == NULL ? sqlite3_bind_null(statement, position)
					: sqlite3_bind_blob64(statement, position, blob->data,
						  blob->length, SQLITE_STATIC);
		break;
	case STATE:
		rc = sqlite3_bind_text(statement, position,
			flow_state_info(*(const enum flow_state *)value)->name, -1, SQLITE_STATIC);
		break;
	}
	return rc == SQLITE_OK || journal_fail(journal, err);
}

static bool fetch(sqlite3_stmt *statement, int position, struct journal_application *application,
	size_t column, struct error *err)
{
	void *value = member(application, column);
	const char *text;
	bool good = true;

	switch (columns[column].type) {
	case TEXT:
		good = journal_text(value, (const char *)sqlite3_column_text(statement, position));
		break;
	case NUMBER:
		*(int64_t *)value = sqlite3_column_int64(statement, position);
		break;
	case BLOB:
		good = journal_bytes(value, sqlite3_column_blob(statement, position),
			(size_t)sqlite3_column_bytes(statement, position));
		break;
	case STATE:
		text = (const char *)sqlite3_column_text(statement, position);
		if (text == NULL || !flow_state_by_name(text, value))
			return error_set(err, ERROR_FAILED, _("the journal: there is no state %s"),
				text != NULL ? text : "NULL");
		break;
	}
	return good || error_set(err, ERROR_FAILED, _("out of memory"));
}

bool journal_text(char **out, const char *value)
{
	char *copy = NULL;

	if (value != NULL) {
		copy = strdup(value);
		if (copy == NULL)
			return false;
	}
	free(*out);
	*out = copy;
	return true;
}

bool journal_bytes(struct journal_blob *out, const void *data, size_t length)
{
	uint8_t *copy = NULL;

	if (data != NULL) {
		copy = malloc(length > 0 ? length : 1);
		if (copy == NULL)
			return false;
		memcpy(copy, data, length);
	}
	free(out->data);
	out->data = copy;
	out->length = copy != NULL ? length : 0;
	return true;
}

void journal_application_clear(struct journal_application *application)
{
	for (size_t i = 0; i < COLUMN_COUNT; i++) {
		void *value = member(application, i);

		if (columns[i].type == TEXT)
			free(*(char **)value);
		else if (columns[i].type == BLOB)
			free(((struct journal_blob *)value)->data);
	}
	*application = (struct journal_application){0};
}

static bool add_event(struct journal *journal, int64_t id, int64_t at, const char *kind,
	const char *detail, struct error *err)
{
	sqlite3_stmt *statement = journal_prepare(journal,
		"INSERT INTO events(application, at, kind, detail) VALUES(?1, ?2, ?3, ?4)", err);

	if (statement == NULL)
		return false;
	sqlite3_bind_int64(statement, 1, id);
	sqlite3_bind_int64(statement, 2, at);
	sqlite3_bind_text(statement, 3, kind, -1, SQLITE_STATIC);
	sqlite3_bind_text(statement, 4, detail, -1, SQLITE_STATIC);
	return journal_finish(journal, statement, err);
}

/* Writes all columns; `sql` is the statement's text, whose last parameter is the id when there is one. */
static bool write_row(struct journal *journal, const char *sql,
	const struct journal_application *application, struct error *err)
{
	sqlite3_stmt *statement = journal_prepare(journal, sql, err);

	if (statement == NULL)
		return false;
	for (size_t i = 0; i < COLUMN_COUNT; i++) {
		if (!bind(journal, statement, (int)i + 1, application, i, err)) {
			sqlite3_finalize(statement);
			return false;
		}
	}
	if (sqlite3_bind_parameter_count(statement) > (int)COLUMN_COUNT)
		sqlite3_bind_int64(statement, (int)COLUMN_COUNT + 1, application->id);
	return journal_finish(journal, statement, err);
}

bool journal_add(struct journal *journal, struct journal_application *application,
	const char *event, const char *detail, struct error *err)
{
	struct buffer sql = BUFFER_INIT(8192);
	int64_t id = 0;
	bool good = false;

	application->created = application->updated = (int64_t)time(NULL);
	buffer_append_text(&sql, "INSERT INTO applications(");
	for (size_t i = 0; i < COLUMN_COUNT; i++)
		buffer_printf(&sql, "%s%s", i > 0 ? ", " : "", columns[i].name);
	buffer_append_text(&sql, ") VALUES(?1");
	for (size_t i = 1; i < COLUMN_COUNT; i++)
		buffer_printf(&sql, ", ?%zu", i + 1);
	buffer_append_text(&sql, ")");
	if (!buffer_ok(&sql)) {
		error_set(err, ERROR_FAILED, _("out of memory"));
		goto out;
	}
	if (!journal_execute(journal, "BEGIN IMMEDIATE", err))
		goto out;
	good = write_row(journal, buffer_text(&sql), application, err);
	if (good) {
		id = sqlite3_last_insert_rowid(journal->db);
		good = add_event(journal, id, application->created, event, detail, err);
	}
	good = journal_end(journal, good, err);
	if (good)
		application->id = id;
out:
	buffer_free(&sql);
	return good;
}

bool journal_answer(struct journal *journal, struct journal_application *application,
	const char *event, const char *detail, struct journal_step *step, const char *answer,
	struct error *err)
{
	struct buffer sql = BUFFER_INIT(8192);
	bool good = false;

	application->updated = (int64_t)time(NULL);
	buffer_append_text(&sql, "UPDATE applications SET ");
	for (size_t i = 0; i < COLUMN_COUNT; i++)
		buffer_printf(&sql, "%s%s = ?%zu", i > 0 ? ", " : "", columns[i].name, i + 1);
	buffer_printf(&sql, " WHERE id = ?%zu", COLUMN_COUNT + 1);
	if (!buffer_ok(&sql)) {
		error_set(err, ERROR_FAILED, _("out of memory"));
		goto out;
	}
	if (!journal_execute(journal, "BEGIN IMMEDIATE", err))
		goto out;
	good = write_row(journal, buffer_text(&sql), application, err) &&
	       (event == NULL || add_event(journal, application->id, application->updated, event,
					 detail, err)) &&
	       (step == NULL || journal_step_end(journal, step, answer, err));
	good = journal_end(journal, good, err);
out:
	buffer_free(&sql);
	return good;
}

bool journal_save(struct journal *journal, struct journal_application *application,
	const char *event, const char *detail, struct error *err)
{
	return journal_answer(journal, application, event, detail, NULL, NULL, err);
}

bool journal_load(struct journal *journal, int64_t id, struct journal_application *application,
	struct error *err)
{
	struct journal_application row = {.id = id};
	struct buffer sql = BUFFER_INIT(8192);
	sqlite3_stmt *statement = NULL;
	bool done = false;
	int rc;

	buffer_append_text(&sql, "SELECT ");
	for (size_t i = 0; i < COLUMN_COUNT; i++)
		buffer_printf(&sql, "%s%s", i > 0 ? ", " : "", columns[i].name);
	buffer_append_text(&sql, " FROM applications WHERE id = ?1");
	statement = buffer_ok(&sql) ? journal_prepare(journal, buffer_text(&sql), err) : NULL;
	if (statement == NULL)
		goto out;
	sqlite3_bind_int64(statement, 1, id);
	rc = sqlite3_step(statement);
	if (rc != SQLITE_ROW) {
		if (rc == SQLITE_DONE)
			error_set(
				err, ERROR_USAGE, _("there is no application %lld"), (long long)id);
		else
			journal_fail(journal, err);
		goto out;
	}
	for (size_t i = 0; i < COLUMN_COUNT; i++) {
		if (!fetch(statement, (int)i, &row, i, err))
			goto out;
	}
	journal_application_clear(application);
	*application = row;
	row = (struct journal_application){0};
	done = true;
out:
	journal_application_clear(&row);
	sqlite3_finalize(statement);
	buffer_free(&sql);
	return done;
}
