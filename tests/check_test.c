/* What a check of a vault finds: what was done to the file is named, row by row; a whole vault has no findings. */
#include <fcntl.h>

#include <openssl/sha.h>

#include "tests/vault_fixture.h"

/* The row of the data object that is not private, in SQL. */
#define OPEN "instr(open, CAST('open' AS BLOB)) > 0"

static const PODPIS_VAULT_FUNCTIONS *vault;
static struct findings findings;

static int open_filled(void **state)
{
	fixture_open_token(state);
	vault = vault_functions(p11);
	CK_SESSION_HANDLE session = fixture_user();
	fixture_generate(session, FIXTURE_P256, true, NULL, 0);
	make_data(session, "open\x1b[2J", false);
	make_data(session, "hidden", true);
	assert_ok(p11->C_CloseSession(session));
	copy_file(in_folder("vault.db"), in_folder("whole.db"));
	return 0;
}

static CK_RV check(void)
{
	return vault->check(0, findings_begin(&findings));
}

/* The same with somebody logged in. */
static CK_RV check_tags(void)
{
	CK_SESSION_HANDLE session = fixture_user();
	CK_RV rv = check();

	assert_ok(p11->C_CloseSession(session));
	return rv;
}

static void expect_finding(CK_RV rv, const char *text)
{
	assert_int_equal(rv, CKR_PODPIS_DAMAGED);
	if (strstr(findings.text, text) == NULL)
		fail_msg("not found: %s; but: %s", text, findings.text);
}

static int make_whole(void **state)
{
	(void)state;
	copy_file(in_folder("whole.db"), in_folder("vault.db"));
	return 0;
}

static void whole(void **state)
{
	(void)state;
	assert_ok(check());
	assert_int_equal(findings.report.objects, 4);
	assert_int_equal(findings.report.findings, 0);
	assert_false(findings.report.tags);
	assert_ok(check_tags());
	assert_true(findings.report.tags);
	assert_string_equal(findings.text, "");
}

/* One thing done to the file, and what is said of it. */
static void named(void **state)
{
	static const struct {
		const char *sql, *finding;
	} cases[] = {
		{"UPDATE object SET open = CAST(replace(open, 'open', 'oxen') AS BLOB) WHERE " OPEN,
			"(data \"oxen?[2J\") is damaged"},
		{"UPDATE object SET sealed = randomblob(length(sealed)) WHERE length(open) = 0",
			"is damaged"},
		{"UPDATE object SET version = version + 1 WHERE " OPEN, "is damaged"},
		{"DELETE FROM object WHERE " OPEN, "is missing"},
		{"INSERT INTO object SELECT 77, version, open, sealed, checksum, tag FROM object "
		 "LIMIT 1",
			"object 77"},
		{"INSERT INTO object SELECT 7777, version, open, sealed, checksum, tag FROM object "
		 "LIMIT 1",
			"objects of page 60: put there from outside"},
		{"INSERT INTO page SELECT 9, entries, checksum, tag FROM page",
			"the row of page 9: put there from outside"},
		{"UPDATE page SET entries = substr(entries, 18)",
			"page 0 (objects 0 to 127) is damaged"},
		{"DELETE FROM page", "page 0"},
		{"UPDATE vault SET label = randomblob(32)", "the root is damaged"},
		{"DELETE FROM vault", "the root is damaged"},
		{"UPDATE identity SET uuid = randomblob(16)", "the identity is damaged"},
		{"DELETE FROM vault; DELETE FROM identity", "both the identity and the root"},
		{"UPDATE pin SET tries = 3 WHERE role = 1",
			"the user's wrapped key or PIN counter"},
		{"DELETE FROM pin WHERE role = 0", "the SO's wrapped key is missing"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		make_whole(state);
		tamper("vault.db", cases[i].sql);
		expect_finding(check(), cases[i].finding);
		assert_true(findings.report.findings > 0);
		assert_null(strchr(findings.text, '\x1b'));
	}
}

/* A forger makes the checksum right; the tag takes the key. */
static void forged(void **state)
{
	static const uint8_t domain[] = "podpis vault 1 tries";
	uint8_t digest[32], input[sizeof(domain) + 32 + 4];
	char sql[256], hex[65];
	sqlite3_stmt *statement = NULL;
	sqlite3 *db = NULL;

	/* The count of tries is the one thing without a tag, and is believed with a checksum. */
	(void)state;
	assert_int_equal(sqlite3_open(in_folder("vault.db"), &db), SQLITE_OK);
	assert_int_equal(
		sqlite3_prepare_v2(db, "SELECT user FROM vault", -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	memcpy(input, domain, sizeof(domain));
	memcpy(input + sizeof(domain), sqlite3_column_blob(statement, 0), 32);
	memcpy(input + sizeof(domain) + 32, "\0\0\0\5", 4);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	SHA256(input, sizeof(input), digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	snprintf(
		sql, sizeof(sql), "UPDATE pin SET tries = 5, checksum = x'%s' WHERE role = 1", hex);
	tamper("vault.db", sql);
	assert_ok(check());

	/* An object under another's checksum and tag: found by the checksum. A wrong tag: only by one who has the key. */
	make_whole(state);
	tamper("vault.db", "UPDATE object SET tag = zeroblob(16) WHERE " OPEN);
	expect_finding(check(), "is not the one last written");
	make_whole(state);
	tamper("vault.db", "UPDATE vault SET tag = zeroblob(16)");
	assert_ok(check());
	expect_finding(check_tags(), "the root was not written by this vault");
}

static void overwrite(long at, const void *bytes, size_t length)
{
	int fd = open(in_folder("vault.db"), O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, length, at), length);
	close(fd);
}

/* What SQLite itself can't make sense of. */
static void not_a_database(void **state)
{
	(void)state;
	overwrite(60, "\0\0\0\2", 4);
	assert_rv(check(), CKR_PODPIS_FORMAT);
	assert_non_null(strstr(findings.text, "has format 2"));
	overwrite(68, "ABCD", 4);
	assert_rv(check(), CKR_PODPIS_NOT_A_VAULT);
	make_whole(state);
	assert_int_equal(truncate(in_folder("vault.db"), 3 * 4096), 0);
	assert_rv(check(), CKR_PODPIS_DAMAGED);
	assert_non_null(strstr(findings.text, "was cut short"));
	assert_int_equal(truncate(in_folder("vault.db"), 50), 0);
	assert_rv(check(), CKR_PODPIS_NOT_A_VAULT);
	make_whole(state);
	tamper("vault.db", "DROP TABLE object");
	assert_rv(check(), CKR_DEVICE_ERROR);
	assert_non_null(strstr(findings.text, "can't be opened"));
	make_whole(state);
	overwrite(4096, "not a page of a tree", 20);
	assert_rv(check(), CKR_PODPIS_DAMAGED);
	assert_true(findings.report.findings > 0);
}

/* An unreadable file is no damage. */
static void in_the_way(void **state)
{
	(void)state;
	assert_int_equal(chmod(in_folder("vault.db"), 0666), 0);
	assert_rv(check(), CKR_DEVICE_ERROR);
	assert_non_null(strstr(findings.text, "can't be opened"));
	assert_int_equal(chmod(in_folder("vault.db"), 0600), 0);
	assert_ok(check());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(whole, make_whole),
		cmocka_unit_test_setup(named, make_whole),
		cmocka_unit_test_setup(forged, make_whole),
		cmocka_unit_test_setup(not_a_database, make_whole),
		cmocka_unit_test_setup(in_the_way, make_whole),
	};

	return cmocka_run_group_tests(tests, open_filled, fixture_close);
}
