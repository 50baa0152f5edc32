#include "provision/flow/journal_private.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "provision/i18n.h"

bool journal_make_key(char text[JOURNAL_KEY_SIZE], struct error *err)
{
	unsigned char b[16];

	if (RAND_bytes(b, sizeof(b)) != 1)
		return error_set(err, ERROR_FAILED, _("no random numbers"));
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	snprintf(text, JOURNAL_KEY_SIZE,
		"%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
		b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
		b[15]);
	return true;
}

bool journal_step_find(struct journal *journal, int64_t application, const char *name,
	struct journal_step *out, bool *found, struct error *err)
{
	sqlite3_stmt *statement = journal_prepare(journal,
		"SELECT id, idempotency_key, payload FROM steps"
		" WHERE application = ?1 AND name = ?2 AND ended IS NULL ORDER BY id DESC",
		err);
	bool done = false;
	int rc;

	*found = false;
	if (statement == NULL)
		return false;
	sqlite3_bind_int64(statement, 1, application);
	sqlite3_bind_text(statement, 2, name, -1, SQLITE_STATIC);
	rc = sqlite3_step(statement);
	if (rc == SQLITE_DONE) {
		done = true;
	} else if (rc != SQLITE_ROW) {
		journal_fail(journal, err);
	} else {
		out->id = sqlite3_column_int64(statement, 0);
		out->repeated = true;
		done = journal_text(&out->name, name) &&
		       journal_text(&out->idempotency_key,
			       (const char *)sqlite3_column_text(statement, 1)) &&
		       journal_bytes(&out->payload, sqlite3_column_blob(statement, 2),
			       (size_t)sqlite3_column_bytes(statement, 2));
		*found = done;
		if (!done)
			error_set(err, ERROR_FAILED, _("out of memory"));
	}
	sqlite3_finalize(statement);
	return done;
}

bool journal_step_begin(struct journal *journal, int64_t application, const char *name,
	const uint8_t *payload, size_t length, struct journal_step *out, struct error *err)
{
	struct journal_step step = {0};
	sqlite3_stmt *statement;
	char uuid[JOURNAL_KEY_SIZE];
	bool found = false, done = false;

	if (!journal_step_find(journal, application, name, &step, &found, err))
		goto out;
	if (!found) {
		if (!journal_make_key(uuid, err))
			goto out;
		statement = journal_prepare(journal,
			"INSERT INTO steps(application, name, idempotency_key, payload, begun)"
			" VALUES(?1, ?2, ?3, ?4, ?5)",
			err);
		if (statement == NULL)
			goto out;
		sqlite3_bind_int64(statement, 1, application);
		sqlite3_bind_text(statement, 2, name, -1, SQLITE_STATIC);
		sqlite3_bind_text(statement, 3, uuid, -1, SQLITE_STATIC);
		if (payload != NULL)
			sqlite3_bind_blob64(statement, 4, payload, length, SQLITE_STATIC);
		sqlite3_bind_int64(statement, 5, (int64_t)time(NULL));
		if (!journal_finish(journal, statement, err))
			goto out;
		step.id = sqlite3_last_insert_rowid(journal->db);
		if (!journal_text(&step.name, name) || !journal_text(&step.idempotency_key, uuid) ||
			!journal_bytes(&step.payload, payload, length)) {
			error_set(err, ERROR_FAILED, _("out of memory"));
			goto out;
		}
	}
	*out = step;
	step = (struct journal_step){0};
	done = true;
out:
	journal_step_clear(&step);
	return done;
}

bool journal_step_pending(struct journal *journal, int64_t application, const char *name,
	bool *pending, struct error *err)
{
	struct journal_step step = {0};
	bool done = journal_step_find(journal, application, name, &step, pending, err);

	journal_step_clear(&step);
	return done;
}

bool journal_step_end(
	struct journal *journal, struct journal_step *step, const char *answer, struct error *err)
{
	sqlite3_stmt *statement = journal_prepare(
		journal, "UPDATE steps SET ended = ?2, answer = ?3 WHERE id = ?1", err);

	if (statement == NULL)
		return false;
	sqlite3_bind_int64(statement, 1, step->id);
	sqlite3_bind_int64(statement, 2, (int64_t)time(NULL));
	sqlite3_bind_text(statement, 3, answer, -1, SQLITE_STATIC);
	return journal_finish(journal, statement, err);
}

bool journal_step_drop(
	struct journal *journal, int64_t application, const char *name, struct error *err)
{
	sqlite3_stmt *statement = journal_prepare(journal,
		"UPDATE steps SET ended = ?3, answer = 'given up'"
		" WHERE application = ?1 AND name = ?2 AND ended IS NULL",
		err);

	if (statement == NULL)
		return false;
	sqlite3_bind_int64(statement, 1, application);
	sqlite3_bind_text(statement, 2, name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(statement, 3, (int64_t)time(NULL));
	return journal_finish(journal, statement, err);
}

void journal_step_clear(struct journal_step *step)
{
	free(step->name);
	free(step->idempotency_key);
	free(step->payload.data);
	*step = (struct journal_step){0};
}
