#include "provision/flow/journal_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "provision/i18n.h"

#define PREFIX_MIN 4 /* characters of the authority's id that may stand for it */

/* The ids that a statement gives; it is ended. */
static bool collect(struct journal *journal, sqlite3_stmt *statement, int64_t **ids, size_t *count,
	struct error *err)
{
	int64_t *list = NULL;
	size_t used = 0;
	bool done = false;
	int rc;

	while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
		int64_t *larger = reallocarray(list, used + 1, sizeof(*list));

		if (larger == NULL) {
			error_set(err, ERROR_FAILED, _("out of memory"));
			goto out;
		}
		list = larger;
		list[used++] = sqlite3_column_int64(statement, 0);
	}
	if (rc != SQLITE_DONE) {
		journal_fail(journal, err);
		goto out;
	}
	*ids = list;
	*count = used;
	list = NULL;
	done = true;
out:
	free(list);
	sqlite3_finalize(statement);
	return done;
}

/* The first id that a query with up to two texts gives, 0 for none. */
static bool find_one(struct journal *journal, const char *sql, const char *first,
	const char *second, int64_t *id, size_t *count, struct error *err)
{
	sqlite3_stmt *statement = journal_prepare(journal, sql, err);
	int64_t *ids = NULL;

	if (statement == NULL)
		return false;
	sqlite3_bind_text(statement, 1, first, -1, SQLITE_STATIC);
	if (second != NULL)
		sqlite3_bind_text(statement, 2, second, -1, SQLITE_STATIC);
	if (!collect(journal, statement, &ids, count, err))
		return false;
	*id = *count > 0 ? ids[0] : 0;
	free(ids);
	return true;
}

bool journal_find(struct journal *journal, const char *text, int64_t *id, struct error *err)
{
	size_t count = 0;

	if (!find_one(journal,
		    "SELECT id FROM applications WHERE CAST(id AS TEXT) = ?1 OR remote_id = ?1"
		    " ORDER BY CAST(id AS TEXT) = ?1 DESC",
		    text, NULL, id, &count, err))
		return false;
	if (count > 0 || strlen(text) < PREFIX_MIN)
		return true;
	if (!find_one(journal,
		    "SELECT id FROM applications WHERE substr(remote_id, 1, length(?1)) = ?1", text,
		    NULL, id, &count, err))
		return false;
	if (count > 1)
		return error_set(
			err, ERROR_USAGE, _("%s begins the ids of several applications"), text);
	return true;
}

bool journal_find_fingerprint(
	struct journal *journal, const char *fingerprint, int64_t *id, struct error *err)
{
	size_t count;

	return find_one(journal,
		"SELECT id FROM applications WHERE fingerprint = ?1 ORDER BY id DESC", fingerprint,
		NULL, id, &count, err);
}

bool journal_find_remote(struct journal *journal, const char *authority, const char *remote_id,
	int64_t *id, struct error *err)
{
	size_t count;

	return find_one(journal,
		"SELECT id FROM applications WHERE authority = ?1 AND remote_id = ?2", authority,
		remote_id, id, &count, err);
}

bool journal_find_certificate(
	struct journal *journal, const uint8_t sha256[32], int64_t *id, struct error *err)
{
	char hex[65];
	size_t count;

	for (size_t i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02X", sha256[i]);
	return find_one(journal, "SELECT id FROM applications WHERE hex(certificate_sha256) = ?1",
		hex, NULL, id, &count, err);
}

bool journal_ids(struct journal *journal, int64_t **ids, size_t *count, struct error *err)
{
	sqlite3_stmt *statement =
		journal_prepare(journal, "SELECT id FROM applications ORDER BY id", err);

	return statement != NULL && collect(journal, statement, ids, count, err);
}

static char *copy_column(sqlite3_stmt *statement, int column)
{
	const char *text = (const char *)sqlite3_column_text(statement, column);

	return text != NULL ? strdup(text) : NULL;
}

bool journal_events(struct journal *journal, int64_t id, struct journal_event **events,
	size_t *count, struct error *err)
{
	sqlite3_stmt *statement = journal_prepare(journal,
		"SELECT id, at, kind, detail FROM events WHERE application = ?1 ORDER BY id", err);
	struct journal_event *list = NULL;
	size_t used = 0;
	bool done = false;
	int rc;

	if (statement == NULL)
		return false;
	sqlite3_bind_int64(statement, 1, id);
	while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
		struct journal_event *larger = reallocarray(list, used + 1, sizeof(*list));

		if (larger == NULL) {
			error_set(err, ERROR_FAILED, _("out of memory"));
			goto out;
		}
		list = larger;
		list[used] = (struct journal_event){
			.id = sqlite3_column_int64(statement, 0),
			.application = id,
			.at = sqlite3_column_int64(statement, 1),
			.kind = copy_column(statement, 2),
			.detail = copy_column(statement, 3),
		};
		if (list[used++].kind == NULL) {
			error_set(err, ERROR_FAILED, _("out of memory"));
			goto out;
		}
	}
	if (rc != SQLITE_DONE) {
		journal_fail(journal, err);
		goto out;
	}
	*events = list;
	*count = used;
	list = NULL;
	done = true;
out:
	if (!done)
		journal_events_free(list, used);
	sqlite3_finalize(statement);
	return done;
}

void journal_events_free(struct journal_event *events, size_t count)
{
	for (size_t i = 0; i < count && events != NULL; i++) {
		free(events[i].kind);
		free(events[i].detail);
	}
	free(events);
}
