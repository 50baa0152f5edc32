/*
 * A vault's file made to harm whoever opens it: a schema that runs something, more pages than anybody can read,
 * a journal that names other files.
 */
#include "tests/damaged_vault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What a schema could make SQLite do is not done: the file is not a vault's. */
static void a_schema_of_others(void **state)
{
	static const char *const schemas[] = {
		"CREATE TABLE more(id INTEGER PRIMARY KEY)",
		"CREATE INDEX more ON object(version)",
		"CREATE TRIGGER more AFTER UPDATE ON pin BEGIN UPDATE pin SET tries = 0; END",
		"CREATE VIEW more AS SELECT * FROM object",
		"CREATE VIRTUAL TABLE more USING fts4(text)",
		"ALTER TABLE object ADD COLUMN more GENERATED ALWAYS AS (hex(zeroblob(100000)))",
		"DROP TABLE page; CREATE VIEW page AS SELECT 0 AS number, 0 AS entries, 0 AS "
		"checksum, 0 AS tag",
	};
	CK_TOKEN_INFO info;

	(void)state;
	for (size_t i = 0; i < COUNT(schemas); i++) {
		damage_restore();
		damage_sql(schemas[i]);
		assert_ok(p11->C_Initialize(NULL));
		if (p11->C_GetTokenInfo(0, &info) != CKR_DEVICE_ERROR)
			fail_msg("%s: is taken", schemas[i]);
		assert_true(damage_is_logged("its tables are not a vault's"));
		assert_ok(p11->C_Finalize(NULL));
	}
}

static void put64(uint8_t *out, uint64_t value)
{
	for (int i = 7; i >= 0; i--, value >>= 8)
		out[i] = (uint8_t)value;
}

static void put32(uint8_t *out, size_t value)
{
	for (int i = 3; i >= 0; i--, value >>= 8)
		out[i] = (uint8_t)value;
}

/* SHA-256 over a text with its NUL, and what follows: docs/vault-format.md, "Checksums and tags". */
static void checksum(const char *domain, const uint8_t *data, size_t length, uint8_t out[32])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	assert_int_equal(EVP_DigestInit_ex(ctx, EVP_sha256(), NULL), 1);
	assert_int_equal(EVP_DigestUpdate(ctx, domain, strlen(domain) + 1), 1);
	assert_int_equal(EVP_DigestUpdate(ctx, data, length), 1);
	assert_int_equal(EVP_DigestFinal_ex(ctx, out, NULL), 1);
	EVP_MD_CTX_free(ctx);
}

#define FORGED 300 /* pages, each of which lists 128 objects that are not there */

static void forge_pages(sqlite3 *db, uint8_t *listed, const uint8_t uuid[16])
{
	uint8_t row[16 + 8 + 128 * 17], sum[32], tag[16] = "no key, no tag";
	sqlite3_stmt *put = NULL;

	assert_int_equal(
		sqlite3_prepare_v2(db, "INSERT INTO page VALUES(?1, ?2, ?3, ?4)", -1, &put, NULL),
		SQLITE_OK);
	memcpy(row, uuid, 16);
	for (int i = 0; i < 128; i++) {
		row[24 + i * 17] = (uint8_t)i;
		memset(row + 25 + i * 17, i, 16);
	}
	for (uint64_t number = 1; number <= FORGED; number++) {
		put64(row + 16, number);
		checksum("podpis vault 1 page", row, sizeof(row), sum);
		sqlite3_bind_int64(put, 1, (sqlite3_int64)number);
		sqlite3_bind_blob(put, 2, row + 24, 128 * 17, SQLITE_STATIC);
		sqlite3_bind_blob(put, 3, sum, sizeof(sum), SQLITE_STATIC);
		sqlite3_bind_blob(put, 4, tag, sizeof(tag), SQLITE_STATIC);
		assert_int_equal(sqlite3_step(put), SQLITE_DONE);
		sqlite3_reset(put);
		put64(listed + number * 24, number);
		memcpy(listed + number * 24 + 8, tag, sizeof(tag));
	}
	sqlite3_finalize(put);
}

/* Checksums need no key: a file can list as much as it likes. It fills neither the log nor the day. */
static void a_file_without_end(void **state)
{
	static uint8_t root[16 + 32 + 16 + 64 + (FORGED + 1) * 24];
	uint8_t sum[32], *pages = root + sizeof(root) - (FORGED + 1) * 24;
	sqlite3_stmt *get = NULL, *put = NULL;
	size_t length, lines = 0;

	(void)state;
	damage_restore();
	sqlite3 *db = damage_database();
	assert_int_equal(sqlite3_exec(db, "BEGIN", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db,
				 "SELECT uuid, label, generation, next, so, user, pages FROM vault",
				 -1, &get, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_step(get), SQLITE_ROW);
	memcpy(root, sqlite3_column_blob(get, 0), 16);
	memcpy(root + 16, sqlite3_column_blob(get, 1), 32);
	put64(root + 48, (uint64_t)sqlite3_column_int64(get, 2));
	put64(root + 56, (uint64_t)sqlite3_column_int64(get, 3));
	memcpy(root + 64, sqlite3_column_blob(get, 4), 32);
	memcpy(root + 96, sqlite3_column_blob(get, 5), 32);
	assert_int_equal(sqlite3_column_bytes(get, 6), 24);
	memcpy(pages, sqlite3_column_blob(get, 6), 24);
	sqlite3_finalize(get);
	forge_pages(db, pages, root);
	checksum("podpis vault 1 root", root, sizeof(root), sum);
	assert_int_equal(sqlite3_prepare_v2(
				 db, "UPDATE vault SET pages = ?1, checksum = ?2", -1, &put, NULL),
		SQLITE_OK);
	sqlite3_bind_blob(put, 1, pages, (FORGED + 1) * 24, SQLITE_STATIC);
	sqlite3_bind_blob(put, 2, sum, sizeof(sum), SQLITE_STATIC);
	assert_int_equal(sqlite3_step(put), SQLITE_DONE);
	sqlite3_finalize(put);
	assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);

	assert_ok(p11->C_Initialize(NULL));
	CK_SESSION_HANDLE session = fixture_session(false);
	damage_check_shown("forged pages", session, false, 0);
	char *log = (char *)damage_read("log", &length);
	for (const char *at = log; (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	assert_in_range(lines, 100, 300);
	assert_true(damage_is_logged("there is more that is damaged"));
	free(log);
	damage_check_login("forged pages", session, CKU_USER, false);
	damage_check_shown("forged pages", session, true, 0);
	assert_true(damage_is_logged("the root was not written by this vault"));
	assert_ok(p11->C_Finalize(NULL));
}

/* The user's row with another n, and its checksums made to fit. */
static void ask_for(uint64_t n)
{
	uint8_t wrap[16 + 4 + 8 + 4 + 4 + 16 + 60], tries[32 + 4] = {0}, sum[32];
	sqlite3_stmt *get = NULL, *put = NULL;
	sqlite3 *db = damage_database();

	assert_int_equal(
		sqlite3_prepare_v2(db,
			"SELECT uuid, salt, wrapped FROM identity, pin WHERE role = 1 AND r = 8 "
			"AND p = 1 AND tries = 0",
			-1, &get, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_step(get), SQLITE_ROW);
	memcpy(wrap, sqlite3_column_blob(get, 0), 16);
	put32(wrap + 16, 1);
	put64(wrap + 20, n);
	put32(wrap + 28, 8);
	put32(wrap + 32, 1);
	memcpy(wrap + 36, sqlite3_column_blob(get, 1), 16);
	memcpy(wrap + 52, sqlite3_column_blob(get, 2), 60);
	sqlite3_finalize(get);
	checksum("podpis vault 1 pin", wrap, sizeof(wrap), tries);
	checksum("podpis vault 1 tries", tries, sizeof(tries), sum);
	assert_int_equal(
		sqlite3_prepare_v2(
			db, "UPDATE pin SET n = ?1, checksum = ?2 WHERE role = 1", -1, &put, NULL),
		SQLITE_OK);
	sqlite3_bind_int64(put, 1, (sqlite3_int64)n);
	sqlite3_bind_blob(put, 2, sum, sizeof(sum), SQLITE_STATIC);
	assert_int_equal(sqlite3_step(put), SQLITE_DONE);
	sqlite3_finalize(put);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static int tries_of_user(void)
{
	sqlite3 *db = damage_database();
	sqlite3_stmt *get = NULL;
	int tries;

	assert_int_equal(
		sqlite3_prepare_v2(db, "SELECT tries FROM pin WHERE role = 1", -1, &get, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_step(get), SQLITE_ROW);
	tries = sqlite3_column_int(get, 0);
	sqlite3_finalize(get);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return tries;
}

/* A file can't make a login take a GiB of its host, nor make one cheap for a guesser. */
static void a_file_that_is_dear(void **state)
{
	static const uint64_t asked[] = {1 << 14, 1 << 18, 1 << 20, UINT64_C(1) << 62};
	char name[64];

	(void)state;
	for (size_t i = 0; i < COUNT(asked); i++) {
		damage_restore();
		ask_for(asked[i]);
		snprintf(name, sizeof(name), "asks scrypt for n = %llu,",
			(unsigned long long)asked[i]);
		damage_check(name, name, 0, LOCKS_USER);
		/* Refused before anything was tried, so nothing is counted. */
		assert_int_equal(tries_of_user(), 0);
	}
	damage_restore();
}

/*
 * A journal beside the vault is replayed by SQLite, and one that names a "super-journal" gets that deleted
 * (https://sqlite.org/fileformat2.html, 3): any file of the user's.
 */
static void a_journal_of_others(void **state)
{
	static const uint8_t magic[8] = {0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7};
	uint8_t journal[1024] = {0};
	char victim[320];
	size_t length, size;
	unsigned sum = 0;

	(void)state;
	snprintf(victim, sizeof(victim), "%s/precious", fixture_dir());
	length = strlen(victim);
	damage_restore();
	damage_write("precious", (const uint8_t *)"precious", 8);
	uint8_t *file = damage_read("vault.db", &size);
	memcpy(journal, magic, sizeof(magic));
	put32(journal + 16, size / 4096); /* pages of the database, after a sector: no records */
	put32(journal + 20, 512);
	put32(journal + 24, 4096);
	put32(journal + 512, 0x40000000 / 4096 + 1);
	memcpy(journal + 516, victim, length);
	for (size_t i = 0; i < length; i++)
		sum += (unsigned)victim[i];
	put32(journal + 516 + length, length);
	put32(journal + 520 + length, sum);
	memcpy(journal + 524 + length, magic, sizeof(magic));
	damage_write("vault.db-journal", journal, 532 + length);
	damage_check("a journal that names a file", "", 0, 0);
	assert_int_equal(access(damage_path("precious"), F_OK), 0);
	free(file);

	/* One that others can write is not replayed at all, nor is a pipe waited for. */
	damage_restore();
	damage_write("vault.db-journal", journal, 532 + length);
	assert_int_equal(chmod(damage_path("vault.db-journal"), 0666), 0);
	for (int i = 0; i < 2; i++) {
		CK_TOKEN_INFO info;
		assert_ok(p11->C_Initialize(NULL));
		assert_rv(p11->C_GetTokenInfo(0, &info), CKR_DEVICE_ERROR);
		assert_true(damage_is_logged("vault.db-journal"));
		assert_ok(p11->C_Finalize(NULL));
		damage_restore();
		assert_int_equal(mkfifo(damage_path("vault.db-journal"), 0600), 0);
	}
	damage_restore();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_schema_of_others),
		cmocka_unit_test(a_file_without_end),
		cmocka_unit_test(a_file_that_is_dear),
		cmocka_unit_test(a_journal_of_others),
	};

	return cmocka_run_group_tests_name("forged", tests, damage_make_vaults, damage_end);
}
