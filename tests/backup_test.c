/* Backups made and restored: complete or not there, checked before anything is given up, seen by who is at work. */
#include <dirent.h>

#include "tests/vault_fixture.h"

#define WRONG "654321"

static const PODPIS_VAULT_FUNCTIONS *vault;
static struct findings findings;

/* A vault with two objects, backed up; then a third. */
static int open_backed_up(void **state)
{
	fixture_open_token(state);
	vault = vault_functions(p11);
	CK_SESSION_HANDLE session = fixture_user();
	make_data(session, "open", false);
	make_data(session, "hidden", true);
	assert_ok(vault->backup(0, in_folder("backup.db"), findings_begin(&findings)));
	make_data(session, "later", false);
	assert_ok(p11->C_CloseSession(session));
	copy_file(in_folder("vault.db"), in_folder("whole.db"));
	return 0;
}

static int make_whole(void **state)
{
	(void)state;
	copy_file(in_folder("whole.db"), in_folder("vault.db"));
	return 0;
}

static CK_RV restore(const char *name, const char *pin, CK_FLAGS flags)
{
	return vault->restore(0, in_folder(name), CKU_USER, (CK_UTF8CHAR *)(uintptr_t)pin,
		strlen(pin), flags, findings_begin(&findings));
}

static CK_ULONG count_in_vault(const char *label)
{
	CK_SESSION_HANDLE session = fixture_user();
	CK_ULONG count = count_data(p11, session, label);

	assert_ok(p11->C_CloseSession(session));
	return count;
}

/* What a backup that came to nothing would leave: a hidden file. */
static bool left_behind(void)
{
	DIR *folder = opendir(fixture_dir());
	struct dirent *entry;
	bool found = false;

	assert_non_null(folder);
	while ((entry = readdir(folder)) != NULL)
		found = found || (entry->d_name[0] == '.' && strlen(entry->d_name) > 2);
	closedir(folder);
	return found;
}

static int number(const char *name, const char *sql)
{
	sqlite3_stmt *statement = NULL;
	sqlite3 *db = NULL;
	int value;

	assert_int_equal(sqlite3_open(in_folder(name), &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	value = sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return value;
}

#define USER_TRIES "SELECT tries FROM pin WHERE role = 1"

static void a_new_file(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(stat(in_folder("backup.db"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_rv(vault->backup(0, in_folder("backup.db"), findings_begin(&findings)),
		CKR_PODPIS_FILE_EXISTS);
	assert_rv(vault->backup(0, in_folder("none/backup.db"), findings_begin(&findings)),
		CKR_PODPIS_FILE);
	assert_non_null(strstr(findings.text, "No such file"));
	assert_rv(vault->backup(0, in_folder(""), findings_begin(&findings)), CKR_PODPIS_FILE);
	/* A link that leads nowhere is something that stands there, too. */
	assert_int_equal(symlink("nowhere", in_folder("link.db")), 0);
	assert_rv(vault->backup(0, in_folder("link.db"), findings_begin(&findings)),
		CKR_PODPIS_FILE_EXISTS);
	assert_int_equal(unlink(in_folder("link.db")), 0);
	assert_false(left_behind());
}

static void of_a_whole_vault_only(void **state)
{
	(void)state;
	tamper("vault.db", "UPDATE object SET version = 9");
	assert_rv(vault->backup(0, in_folder("new.db"), findings_begin(&findings)),
		CKR_PODPIS_DAMAGED);
	assert_int_equal(findings.report.findings, 3);
	assert_int_equal(access(in_folder("new.db"), F_OK), -1);
	assert_false(left_behind());
}

static void given_up_only_when_told(void **state)
{
	(void)state;
	assert_rv(restore("backup.db", FIXTURE_PIN, 0), CKR_PODPIS_NOT_EMPTY);
	assert_non_null(strstr(findings.text, "holds 3 objects"));
	assert_int_equal(count_in_vault(NULL), 3);
	assert_ok(restore("backup.db", FIXTURE_PIN, PODPIS_VAULT_REPLACE | PODPIS_VAULT_DRY_RUN));
	assert_int_equal(count_in_vault(NULL), 3);
	assert_ok(restore("backup.db", FIXTURE_PIN, PODPIS_VAULT_REPLACE));
	assert_int_equal(findings.report.objects, 2);
	assert_true(findings.report.tags);
	assert_int_equal(count_in_vault(NULL), 2);
	assert_int_equal(count_in_vault("hidden"), 1);
	assert_int_equal(count_in_vault("later"), 0);
}

/* Into a slot without a vault; then it is the same token in another place. */
static void into_nothing(void **state)
{
	CK_TOKEN_INFO first, second;

	(void)state;
	assert_ok(p11->C_GetTokenInfo(0, &first));
	assert_int_equal(unlink(in_folder("vault.db")), 0);
	assert_rv(restore("backup.db", WRONG, 0), CKR_PIN_INCORRECT);
	assert_int_equal(access(in_folder("vault.db"), F_OK), -1);
	assert_ok(restore("backup.db", FIXTURE_PIN, 0));
	assert_ok(p11->C_GetTokenInfo(0, &second));
	assert_memory_equal(first.serialNumber, second.serialNumber, sizeof(first.serialNumber));
	assert_memory_equal(first.label, second.label, sizeof(first.label));
	assert_int_equal(count_in_vault(NULL), 2);
}

/* Handles are ids: what an application holds must never come to mean another object. */
static void ids_are_not_used_again(void **state)
{
	(void)state;
	int next = number("vault.db", "SELECT next FROM vault");
	int generation = number("vault.db", "SELECT generation FROM vault");
	assert_true(number("backup.db", "SELECT next FROM vault") < next);
	assert_ok(restore("backup.db", FIXTURE_PIN, PODPIS_VAULT_REPLACE));
	assert_int_equal(number("vault.db", "SELECT next FROM vault"), next);
	assert_true(number("vault.db", "SELECT generation FROM vault") > generation);
	CK_SESSION_HANDLE session = fixture_user();
	assert_true(make_data(session, "new", false) >= (CK_OBJECT_HANDLE)next);
	assert_ok(p11->C_CloseSession(session));
	assert_ok(vault->check(0, findings_begin(&findings)));
}

/* A restore is no way around the counter of the vault that it would replace. */
static void wrong_pins_count(void **state)
{
	(void)state;
	assert_rv(restore("backup.db", WRONG, PODPIS_VAULT_DRY_RUN), CKR_PIN_INCORRECT);
	assert_rv(restore("backup.db", WRONG, PODPIS_VAULT_REPLACE), CKR_PIN_INCORRECT);
	assert_int_equal(number("vault.db", USER_TRIES), 2);
	assert_ok(restore("backup.db", FIXTURE_PIN, PODPIS_VAULT_REPLACE | PODPIS_VAULT_DRY_RUN));
	assert_int_equal(number("vault.db", USER_TRIES), 0);
}

/* Tries of the SO PIN since the backup was made are not forgotten with the user's. */
static void other_counters_stay(void **state)
{
	CK_SESSION_HANDLE session = fixture_session(true);

	(void)state;
	assert_rv(p11->C_Login(session, CKU_SO, (CK_UTF8CHAR *)WRONG, 6), CKR_PIN_INCORRECT);
	assert_rv(p11->C_Login(session, CKU_SO, (CK_UTF8CHAR *)WRONG, 6), CKR_PIN_INCORRECT);
	assert_ok(p11->C_CloseSession(session));
	assert_ok(restore("backup.db", FIXTURE_PIN, PODPIS_VAULT_REPLACE));
	assert_int_equal(number("vault.db", "SELECT tries FROM pin WHERE role = 0"), 2);
	assert_ok(vault->restore(0, in_folder("backup.db"), CKU_SO, (CK_UTF8CHAR *)FIXTURE_SO_PIN,
		strlen(FIXTURE_SO_PIN), PODPIS_VAULT_REPLACE, findings_begin(&findings)));
	assert_int_equal(number("vault.db", "SELECT tries FROM pin WHERE role = 0"), 0);
}

static void damaged_backups(void **state)
{
	static const char *const changes[] = {
		"UPDATE object SET version = 9",
		"DELETE FROM object WHERE id = (SELECT min(id) FROM object)",
		"UPDATE vault SET label = zeroblob(32)",
		"UPDATE identity SET uuid = zeroblob(16)",
		"UPDATE pin SET n = 2048 WHERE role = 1",
		"INSERT INTO object SELECT 999, version, open, sealed, checksum, tag FROM object "
		"LIMIT 1",
		/* These take the key to be found. */
		"UPDATE vault SET tag = zeroblob(16)",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		copy_file(in_folder("backup.db"), in_folder("damaged.db"));
		tamper("damaged.db", changes[i]);
		assert_rv(restore("damaged.db", FIXTURE_PIN, PODPIS_VAULT_REPLACE),
			CKR_PODPIS_DAMAGED);
		assert_true(findings.report.findings > 0);
		assert_int_equal(count_in_vault(NULL), 3);
	}
	assert_int_equal(truncate(in_folder("damaged.db"), 4096), 0);
	assert_rv(restore("damaged.db", FIXTURE_PIN, PODPIS_VAULT_REPLACE), CKR_PODPIS_DAMAGED);
	assert_int_equal(truncate(in_folder("damaged.db"), 0), 0);
	assert_rv(restore("damaged.db", FIXTURE_PIN, PODPIS_VAULT_REPLACE), CKR_PODPIS_NOT_A_VAULT);
	assert_rv(
		restore("podpis.conf", FIXTURE_PIN, PODPIS_VAULT_REPLACE), CKR_PODPIS_NOT_A_VAULT);
	assert_rv(restore("vault.db", FIXTURE_PIN, PODPIS_VAULT_REPLACE), CKR_PODPIS_FILE);
	copy_file(in_folder("backup.db"), in_folder("damaged.db"));
	tamper("damaged.db", "PRAGMA user_version = 2");
	assert_rv(restore("damaged.db", FIXTURE_PIN, PODPIS_VAULT_REPLACE), CKR_PODPIS_FORMAT);
	assert_int_equal(count_in_vault(NULL), 3);
}

/* That is what a backup is for. */
static void over_a_damaged_vault(void **state)
{
	(void)state;
	tamper("vault.db", "DELETE FROM vault; DELETE FROM identity; DELETE FROM page");
	assert_rv(restore("backup.db", FIXTURE_PIN, 0), CKR_PODPIS_NOT_EMPTY);
	assert_ok(restore("backup.db", FIXTURE_PIN, PODPIS_VAULT_REPLACE));
	assert_int_equal(count_in_vault(NULL), 2);
	assert_ok(vault->check(0, findings_begin(&findings)));
}

/*
 * Another process is logged in. The same vault's backup leaves it so, and shows what was restored; another
 * vault's ends its login, and lets it log in anew.
 */
static void seen_by_others(void **state)
{
	CK_FUNCTION_LIST_3_0 *other = other_copy();
	CK_SESSION_HANDLE session = 0;
	CK_UTF8CHAR label[32] = "second";
	CK_SESSION_INFO info;

	(void)state;
	assert_ok(
		other->C_OpenSession(0, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session));
	assert_ok(other->C_Login(session, CKU_USER, (CK_UTF8CHAR *)FIXTURE_PIN, 6));
	assert_int_equal(count_data(other, session, NULL), 3);
	assert_ok(restore("backup.db", FIXTURE_PIN, PODPIS_VAULT_REPLACE));
	assert_int_equal(count_data(other, session, NULL), 2);
	assert_int_equal(count_data(other, session, "hidden"), 1);
	assert_ok(other->C_GetSessionInfo(session, &info));
	assert_int_equal(info.state, CKS_RW_USER_FUNCTIONS);

	/* Another vault, the first one's place taken by it. */
	assert_int_equal(unlink(in_folder("vault.db")), 0);
	assert_ok(
		p11->C_InitToken(0, (CK_UTF8CHAR *)FIXTURE_SO_PIN, strlen(FIXTURE_SO_PIN), label));
	assert_ok(vault->backup(0, in_folder("second.db"), findings_begin(&findings)));
	make_whole(state);
	assert_ok(other->C_Logout(session));
	assert_ok(other->C_Login(session, CKU_USER, (CK_UTF8CHAR *)FIXTURE_PIN, 6));
	assert_ok(vault->restore(0, in_folder("second.db"), CKU_SO, (CK_UTF8CHAR *)FIXTURE_SO_PIN,
		strlen(FIXTURE_SO_PIN), PODPIS_VAULT_REPLACE, findings_begin(&findings)));
	assert_int_equal(count_data(other, session, NULL), 0);
	assert_ok(other->C_GetSessionInfo(session, &info));
	assert_int_equal(info.state, CKS_RW_PUBLIC_SESSION);
	assert_ok(restore("backup.db", FIXTURE_PIN, 0));
	assert_int_equal(count_data(other, session, "open"), 1);
	assert_int_equal(count_data(other, session, "hidden"), 0);
	assert_ok(other->C_Login(session, CKU_USER, (CK_UTF8CHAR *)FIXTURE_PIN, 6));
	assert_int_equal(count_data(other, session, "hidden"), 1);
	assert_ok(other->C_Finalize(NULL));
}

/* Thousands of objects, pages that are full and pages with holes. */
static void many(void **state)
{
	CK_SESSION_HANDLE session = fixture_user();
	char label[16];

	(void)state;
	for (int i = 0; i < 400; i++) {
		snprintf(label, sizeof(label), "object %d", i);
		CK_OBJECT_HANDLE object = make_data(session, label, i % 3 == 0);
		if (i % 7 == 0)
			assert_ok(p11->C_DestroyObject(session, object));
	}
	CK_ULONG count = count_data(p11, session, NULL);
	assert_ok(vault->backup(0, in_folder("many.db"), findings_begin(&findings)));
	assert_true(findings.report.tags); /* somebody is logged in */
	assert_ok(p11->C_CloseSession(session));
	assert_int_equal(findings.report.objects, count);
	assert_int_equal(unlink(in_folder("vault.db")), 0);
	assert_ok(restore("many.db", FIXTURE_PIN, 0));
	assert_int_equal(count_in_vault(NULL), count);
	assert_int_equal(count_in_vault("object 398"), 1);
	assert_int_equal(count_in_vault("object 7"), 0);
	assert_ok(vault->check(0, findings_begin(&findings)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_new_file, make_whole),
		cmocka_unit_test_setup(of_a_whole_vault_only, make_whole),
		cmocka_unit_test_setup(given_up_only_when_told, make_whole),
		cmocka_unit_test_setup(into_nothing, make_whole),
		cmocka_unit_test_setup(ids_are_not_used_again, make_whole),
		cmocka_unit_test_setup(wrong_pins_count, make_whole),
		cmocka_unit_test_setup(other_counters_stay, make_whole),
		cmocka_unit_test_setup(damaged_backups, make_whole),
		cmocka_unit_test_setup(over_a_damaged_vault, make_whole),
		cmocka_unit_test_setup(seen_by_others, make_whole),
		cmocka_unit_test_setup(many, make_whole),
	};

	return cmocka_run_group_tests(tests, open_backed_up, fixture_close);
}
