/*
 * How objects come into memory: with the first search, not before; and what a login finds out about those
 * that are there already.
 */
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>
#include <sqlite3.h>

#include "tests/module_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static CK_OBJECT_CLASS data_class = CKO_DATA;

static void make(CK_SESSION_HANDLE session, const char *label, bool is_private)
{
	CK_BBOOL yes = CK_TRUE, hidden = is_private;
	CK_ATTRIBUTE templ[] = {
		{CKA_CLASS, &data_class, sizeof(data_class)},
		{CKA_TOKEN, &yes, 1},
		{CKA_PRIVATE, &hidden, 1},
		{CKA_LABEL, (char *)(uintptr_t)label, strlen(label)},
		{CKA_VALUE, "original", 8},
	};
	CK_OBJECT_HANDLE made = 0;

	assert_ok(p11->C_CreateObject(session, templ, COUNT(templ), &made));
}

static CK_ULONG shown(CK_SESSION_HANDLE session, const char *label)
{
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &data_class, sizeof(data_class)},
		{CKA_LABEL, (char *)(uintptr_t)label, strlen(label)}};
	CK_OBJECT_HANDLE found[8];
	CK_ULONG count = 0;

	assert_ok(p11->C_FindObjectsInit(session, templ, label[0] != '\0' ? 2 : 1));
	assert_ok(p11->C_FindObjects(session, found, COUNT(found), &count));
	assert_ok(p11->C_FindObjectsFinal(session));
	return count;
}

static void log_in(CK_SESSION_HANDLE session)
{
	assert_ok(p11->C_Login(session, CKU_USER, (CK_UTF8CHAR *)FIXTURE_PIN, strlen(FIXTURE_PIN)));
}

static void update(EVP_MD_CTX *digest, const void *data, size_t length)
{
	assert_int_equal(EVP_DigestUpdate(digest, data, length), 1);
}

static void update_number(EVP_MD_CTX *digest, uint64_t number)
{
	uint8_t bytes[8];

	for (int i = 7; i >= 0; i--, number >>= 8)
		bytes[i] = (uint8_t)number;
	update(digest, bytes, sizeof(bytes));
}

/*
 * Alters the value of the object with this label as somebody would who has no key: everything is made right
 * again but for the tag. Only a login can tell.
 */
static void forge(const char *label)
{
	static const char domain[] = "podpis vault 1 object";
	uint8_t uuid[16], open[512], checksum[32];
	char path[320];
	sqlite3 *db = NULL;
	sqlite3_stmt *statement = NULL;
	int64_t id = 0, version = 0;
	int length = 0;

	snprintf(path, sizeof(path), "%s/vault.db", fixture_dir());
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db,
				 "SELECT o.id, version, open, i.uuid FROM object o, identity i"
				 " WHERE instr(open, CAST(?1 AS BLOB))",
				 -1, &statement, NULL),
		SQLITE_OK);
	sqlite3_bind_text(statement, 1, label, -1, SQLITE_STATIC);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	id = sqlite3_column_int64(statement, 0);
	version = sqlite3_column_int64(statement, 1);
	length = sqlite3_column_bytes(statement, 2);
	assert_in_range(length, 1, sizeof(open));
	memcpy(open, sqlite3_column_blob(statement, 2), (size_t)length);
	memcpy(uuid, sqlite3_column_blob(statement, 3), sizeof(uuid));
	sqlite3_finalize(statement);

	uint8_t *value = memmem(open, (size_t)length, "original", 8);
	assert_non_null(value);
	memcpy(value, "forgery!", 8);
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	assert_int_equal(EVP_DigestInit_ex(digest, EVP_sha256(), NULL), 1);
	update(digest, domain, sizeof(domain));
	update(digest, uuid, sizeof(uuid));
	update_number(digest, (uint64_t)id);
	update_number(digest, (uint64_t)version);
	update_number(digest, (uint64_t)length);
	update(digest, open, (size_t)length);
	assert_int_equal(EVP_DigestFinal_ex(digest, checksum, NULL), 1);
	EVP_MD_CTX_free(digest);

	assert_int_equal(
		sqlite3_prepare_v2(db, "UPDATE object SET open = ?1, checksum = ?2 WHERE id = ?3",
			-1, &statement, NULL),
		SQLITE_OK);
	sqlite3_bind_blob(statement, 1, open, length, SQLITE_STATIC);
	sqlite3_bind_blob(statement, 2, checksum, sizeof(checksum), SQLITE_STATIC);
	sqlite3_bind_int64(statement, 3, id);
	assert_int_equal(sqlite3_step(statement), SQLITE_DONE);
	sqlite3_finalize(statement);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void fill(void)
{
	CK_SESSION_HANDLE session = fixture_user();

	make(session, "first", false);
	make(session, "second", false);
	make(session, "hidden", true);
	assert_ok(p11->C_CloseSession(session));
	fixture_restart();
}

static void private_objects_come_and_go(void **state)
{
	CK_TOKEN_INFO info;

	(void)state;
	fill();
	assert_ok(p11->C_GetTokenInfo(0, &info));
	CK_SESSION_HANDLE session = fixture_session(true);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(shown(session, ""), 2);
		assert_int_equal(shown(session, "hidden"), 0);
		log_in(session);
		assert_int_equal(shown(session, ""), 3);
		assert_int_equal(shown(session, "hidden"), 1);
		assert_ok(p11->C_Logout(session));
	}
	/* The SO sees no more than anybody. */
	assert_ok(p11->C_Login(
		session, CKU_SO, (CK_UTF8CHAR *)FIXTURE_SO_PIN, strlen(FIXTURE_SO_PIN)));
	assert_int_equal(shown(session, ""), 2);
	assert_ok(p11->C_CloseSession(session));
}

/* The first call for objects is not a search but a write: it must not lose what it has not read. */
static void a_write_comes_first(void **state)
{
	(void)state;
	fixture_restart();
	CK_SESSION_HANDLE session = fixture_user();
	make(session, "third", false);
	assert_ok(p11->C_CloseSession(session));
	fixture_restart();
	session = fixture_user();
	assert_int_equal(shown(session, ""), 4);
	assert_ok(p11->C_CloseSession(session));
}

static void a_login_finds_a_forgery(void **state)
{
	(void)state;
	fixture_restart();
	forge("second");
	CK_SESSION_HANDLE session = fixture_session(true);
	/* Its checksum is right, and more can't be known yet. */
	assert_int_equal(shown(session, "second"), 1);
	log_in(session);
	assert_int_equal(shown(session, "second"), 0);
	assert_int_equal(shown(session, ""), 3);
	make(session, "fourth", false);
	assert_int_equal(shown(session, ""), 4);
	assert_ok(p11->C_CloseSession(session));
	fixture_restart();
	/* The same without a search before the login. */
	session = fixture_user();
	assert_int_equal(shown(session, "second"), 0);
	assert_int_equal(shown(session, ""), 4);
	assert_ok(p11->C_CloseSession(session));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(private_objects_come_and_go),
		cmocka_unit_test(a_write_comes_first),
		cmocka_unit_test(a_login_finds_a_forgery),
	};
	return cmocka_run_group_tests(tests, fixture_open_token, fixture_close);
}
