#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "provision/flow/journal.h"

static char folder[128];

static struct journal *open_journal(void)
{
	struct journal *journal = NULL;
	struct error err = {0};

	if (!journal_open_at(folder, &journal, &err))
		fail_msg("%s", err.message);
	return journal;
}

static int setup(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "%s/podpis-journal-XXXXXX",
		getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
	if (mkdtemp(folder) == NULL)
		return -1;
	strcat(folder, "/state");
	return 0;
}

static int teardown(void **state)
{
	char command[256];

	(void)state;
	*strrchr(folder, '/') = '\0';
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static int64_t add(struct journal *journal, const char *remote, const char *fingerprint)
{
	struct journal_application row = {0};
	struct error err = {0};
	int64_t id;

	row.state = STATE_PROCESSING;
	row.remote_state = STATE_PROCESSING;
	row.poll = 1;
	assert_true(journal_text(&row.authority, "centre") &&
		    journal_text(&row.remote_id, remote) &&
		    journal_text(&row.fingerprint, fingerprint) &&
		    journal_bytes(&row.request, "\0\1\2", 3));
	if (!journal_add(journal, &row, "drafted", NULL, &err))
		fail_msg("%s", err.message);
	id = row.id;
	journal_application_clear(&row);
	return id;
}

static void test_modes(void **state)
{
	struct journal *journal = open_journal();
	char path[160];
	struct stat st;

	(void)state;
	assert_int_equal(stat(folder, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	snprintf(path, sizeof(path), "%s/journal.db", folder);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	journal_close(journal);
}

static void test_round_trip(void **state)
{
	struct journal *journal = open_journal();
	struct journal_application row = {0};
	struct journal_event *events = NULL;
	struct error err = {0};
	size_t count = 0;
	int64_t id = add(journal, "a1b2c3d4", "f");

	(void)state;
	journal_close(journal);
	journal = open_journal();
	assert_true(journal_load(journal, id, &row, &err));
	assert_string_equal(row.remote_id, "a1b2c3d4");
	assert_int_equal(row.state, STATE_PROCESSING);
	assert_int_equal(row.poll, 1);
	assert_int_equal(row.request.length, 3);
	assert_memory_equal(row.request.data, "\0\1\2", 3);
	assert_null(row.signature.data);
	assert_null(row.words);
	assert_true(row.created > 0);
	row.state = STATE_RETURNED;
	assert_true(journal_text(&row.reason, "ИНН"));
	assert_true(journal_save(journal, &row, "refreshed", "returned", &err));
	assert_true(journal_save(journal, &row, NULL, NULL, &err));
	journal_application_clear(&row);
	assert_true(journal_load(journal, id, &row, &err));
	assert_int_equal(row.state, STATE_RETURNED);
	assert_string_equal(row.reason, "ИНН");
	journal_application_clear(&row);
	assert_true(journal_events(journal, id, &events, &count, &err));
	assert_int_equal(count, 2);
	assert_string_equal(events[0].kind, "drafted");
	assert_string_equal(events[1].detail, "returned");
	journal_events_free(events, count);
	assert_false(journal_load(journal, 999, &row, &err));
	assert_int_equal(err.code, ERROR_USAGE);
	journal_close(journal);
}

static void test_find(void **state)
{
	struct journal *journal = open_journal();
	struct error err = {0};
	int64_t first = add(journal, "a1b2c3d4", "same"), second = add(journal, "a1b2ffff", "same");
	int64_t found = -1, *ids = NULL;
	char number[24];
	size_t count = 0;

	(void)state;
	snprintf(number, sizeof(number), "%lld", (long long)second);
	assert_true(journal_find(journal, number, &found, &err));
	assert_int_equal(found, second);
	assert_true(journal_find(journal, "a1b2c3d4", &found, &err));
	assert_int_equal(found, first);
	assert_true(journal_find(journal, "a1b2c", &found, &err));
	assert_int_equal(found, first);
	assert_false(journal_find(journal, "a1b2", &found, &err));
	assert_int_equal(err.code, ERROR_USAGE);
	assert_true(journal_find(journal, "a1", &found, &err));
	assert_int_equal(found, 0);
	assert_true(journal_find(journal, "a1b2c3d4' OR 1", &found, &err));
	assert_int_equal(found, 0);
	assert_true(journal_find_fingerprint(journal, "same", &found, &err));
	assert_int_equal(found, second);
	assert_true(journal_find_remote(journal, "centre", "a1b2ffff", &found, &err));
	assert_int_equal(found, second);
	assert_true(journal_find_remote(journal, "other", "a1b2ffff", &found, &err));
	assert_int_equal(found, 0);
	assert_true(journal_ids(journal, &ids, &count, &err));
	assert_int_equal(count, 2);
	free(ids);
	journal_close(journal);
}

static void test_steps(void **state)
{
	struct journal *journal = open_journal();
	struct journal_step step = {0}, again = {0};
	struct error err = {0};
	int64_t id = add(journal, "a1b2c3d4", "f");
	bool pending = true;

	(void)state;
	assert_true(journal_step_pending(journal, id, "submit", &pending, &err));
	assert_false(pending);
	assert_true(journal_step_begin(
		journal, id, "submit", (const uint8_t *)"payload", 7, &step, &err));
	assert_false(step.repeated);
	assert_int_equal(strlen(step.idempotency_key), 36);
	/* Killed before the answer: the same key and the same payload, whatever is offered now. */
	journal_close(journal);
	journal = open_journal();
	assert_true(journal_step_begin(
		journal, id, "submit", (const uint8_t *)"other", 5, &again, &err));
	assert_true(again.repeated);
	assert_string_equal(again.idempotency_key, step.idempotency_key);
	assert_int_equal(again.payload.length, 7);
	/* Another step is another. */
	journal_step_clear(&step);
	assert_true(journal_step_begin(journal, id, "upload", NULL, 0, &step, &err));
	assert_string_not_equal(step.idempotency_key, again.idempotency_key);
	assert_true(journal_step_drop(journal, id, "upload", &err));
	assert_true(journal_step_pending(journal, id, "upload", &pending, &err));
	assert_false(pending);
	journal_step_clear(&step);
	/* Answered: the next one has a new key. */
	assert_true(journal_step_end(journal, &again, "submitted", &err));
	assert_true(journal_step_begin(journal, id, "submit", NULL, 0, &step, &err));
	assert_false(step.repeated);
	assert_string_not_equal(step.idempotency_key, again.idempotency_key);
	journal_step_clear(&step);
	journal_step_clear(&again);
	journal_close(journal);
}

static void test_events_stay(void **state)
{
	struct journal *journal = open_journal();
	char path[160];
	sqlite3 *db;

	(void)state;
	add(journal, "a1b2c3d4", "f");
	snprintf(path, sizeof(path), "%s/journal.db", folder);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_not_equal(sqlite3_exec(db, "DELETE FROM events", NULL, NULL, NULL), SQLITE_OK);
	assert_int_not_equal(
		sqlite3_exec(db, "UPDATE events SET kind = 'x'", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	journal_close(journal);
}

/* The lock of one application keeps others out, falls with its process, and leaves other applications alone. */
static void test_lock(void **state)
{
	struct journal *journal = open_journal();
	struct error err = {0};
	int lock = -1, other = -1, go[2];
	bool waited = true;
	char byte;
	pid_t child;

	(void)state;
	assert_int_equal(pipe(go), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct journal *mine = open_journal();
		int held;

		if (!journal_lock(mine, 7, &held, NULL, NULL) || write(go[1], "x", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(go[0], &byte, 1), 1);
	assert_true(journal_lock(journal, 8, &other, &waited, &err));
	assert_false(waited);
	/* A second child kills the holder; only then does the lock come. */
	if (fork() == 0) {
		usleep(100 * 1000);
		kill(child, SIGKILL);
		_exit(0);
	}
	assert_true(journal_lock(journal, 7, &lock, &waited, &err));
	assert_true(waited);
	journal_unlock(lock);
	journal_unlock(other);
	while (wait(NULL) > 0)
		;
	close(go[0]);
	close(go[1]);
	journal_close(journal);
}

/* Many processes make the journal and write into it at once. */
static void test_many(void **state)
{
	enum { PROCESSES = 6, EACH = 8 };
	struct journal *journal;
	struct error err = {0};
	int64_t *ids = NULL;
	size_t count = 0;
	int status;

	(void)state;
	for (int i = 0; i < PROCESSES; i++) {
		if (fork() == 0) {
			struct journal *mine = open_journal();

			for (int j = 0; j < EACH; j++)
				add(mine, "remote", "f");
			journal_close(mine);
			_exit(0);
		}
	}
	while (wait(&status) > 0)
		assert_int_equal(status, 0);
	journal = open_journal();
	assert_true(journal_ids(journal, &ids, &count, &err));
	assert_int_equal(count, PROCESSES * EACH);
	free(ids);
	journal_close(journal);
}

/* Looking makes nothing: not a file, not a folder. What is there is seen. */
/* Who can write the folder can have SQLite delete any file of the person's. */
static void test_others(void **state)
{
	static const struct {
		const char *name;
		mode_t wrong, right;
	} cases[] = {{"", 0770, 0755}, {"", 0707, 0700}, {"/journal.db", 0620, 0644},
		{"/journal.db", 0602, 0600}};

	(void)state;
	journal_close(open_journal());
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct journal *journal = NULL;
		struct error err = {0};
		char path[160];

		snprintf(path, sizeof(path), "%s%s", folder, cases[i].name);
		assert_int_equal(chmod(path, cases[i].wrong), 0);
		assert_false(journal_open_at(folder, &journal, &err));
		assert_int_equal(err.code, ERROR_WORKPLACE);
		assert_non_null(strstr(err.message, path));
		assert_null(journal);
		assert_int_equal(chmod(path, cases[i].right), 0);
		journal_close(open_journal());
	}
}

static void execute(const char *sql)
{
	char path[160];
	sqlite3 *db = NULL;

	snprintf(path, sizeof(path), "%s/journal.db", folder);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

/* Of each older version: it gets what it lacks, and keeps what it has; a newer one is left alone. */
static void test_versions(void **state)
{
	static const char *const backwards[] = {
		"ALTER TABLE applications DROP COLUMN renews; PRAGMA user_version = 2",
		"ALTER TABLE applications DROP COLUMN renews;"
		"ALTER TABLE applications DROP COLUMN subject; PRAGMA user_version = 1",
	};
	struct journal *journal = open_journal();
	int64_t id = add(journal, "remote-of-before", "print-of-before");
	struct error err = {0};

	(void)state;
	journal_close(journal);
	for (size_t i = 0; i < sizeof(backwards) / sizeof(backwards[0]); i++) {
		struct journal_application row = {0};

		execute(backwards[i]);
		journal = open_journal();
		assert_true(journal_load(journal, id, &row, &err));
		assert_string_equal(row.remote_id, "remote-of-before");
		assert_int_equal(row.renews, 0);
		assert_int_equal(row.subject.length, 0);
		assert_true(journal_bytes(&row.subject, "name", 4));
		row.renews = 7;
		assert_true(journal_save(journal, &row, "test", NULL, &err));
		journal_application_clear(&row);
		journal_close(journal);
		journal = open_journal();
		assert_true(journal_load(journal, id, &row, &err));
		assert_int_equal(row.subject.length, 4);
		assert_int_equal(row.renews, 7);
		row.subject.length = 0;
		assert_true(journal_save(journal, &row, "test", NULL, &err));
		journal_application_clear(&row);
		journal_close(journal);
	}
	execute("PRAGMA user_version = 99");
	assert_false(journal_open_at(folder, &journal, &err));
	assert_non_null(strstr(err.message, "newer podpis (version 99"));
}

static void test_look(void **state)
{
	struct journal *journal = NULL;
	struct error err = {0};
	int64_t *ids = NULL;
	size_t count = 9;
	char home[160];

	(void)state;
	snprintf(home, sizeof(home), "%s-look", folder);
	setenv("XDG_STATE_HOME", home, 1);
	if (!journal_look(&journal, &err))
		fail_msg("%s", err.message);
	assert_true(journal_ids(journal, &ids, &count, &err));
	assert_int_equal(count, 0);
	free(ids);
	journal_close(journal);
	assert_int_not_equal(access(home, F_OK), 0);
	assert_true(journal_open(&journal, &err));
	add(journal, "2026-7", "print");
	journal_close(journal);
	assert_true(journal_look(&journal, &err));
	assert_true(journal_ids(journal, &ids, &count, &err));
	assert_int_equal(count, 1);
	free(ids);
	journal_close(journal);
	unsetenv("XDG_STATE_HOME");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_modes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_others, setup, teardown),
		cmocka_unit_test_setup_teardown(test_versions, setup, teardown),
		cmocka_unit_test_setup_teardown(test_look, setup, teardown),
		cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
		cmocka_unit_test_setup_teardown(test_find, setup, teardown),
		cmocka_unit_test_setup_teardown(test_steps, setup, teardown),
		cmocka_unit_test_setup_teardown(test_events_stay, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lock, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
