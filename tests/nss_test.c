#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <openssl/sha.h>
#include <sqlite3.h>

#include "provision/workplace/nss.h"
#include "provision/workplace/whole_file.h"
#include "tests/folder.h"

#define INTERNAL                                                                                   \
	"library=\nname=NSS Internal PKCS #11 "                                                    \
	"Module\nparameters=configdir='sql:/podpis-pkcs11.so'\n"                                   \
	"NSS=Flags=internal,critical\n\n"

static void test_look(void **state)
{
	static const struct {
		const char *text;
		enum place_state state;
		const char *other;
	} cases[] = {
		{"", PLACE_ABSENT, ""},
		{INTERNAL, PLACE_ABSENT, ""},
		{INTERNAL "library=/m/podpis-pkcs11.so\nname=Podpis\n\n", PLACE_THERE,
			"/m/podpis-pkcs11.so"},
		{"name=P\nlibrary=/m/podpis-pkcs11.so", PLACE_THERE, "/m/podpis-pkcs11.so"},
		{INTERNAL "library=/old/podpis-pkcs11.so\nname=Podpis\n\n", PLACE_OTHER,
			"/old/podpis-pkcs11.so"},
		{INTERNAL "library=/m/other.so\nname=Podpis\n\n", PLACE_ABSENT, ""},
		{"library=/m/podpis-pkcs11.so\nname=a\n\n" INTERNAL
		 "library=/old/podpis-pkcs11.so\nname=b\n\n",
			PLACE_TWICE, "/old/podpis-pkcs11.so"},
		{"library=/old/podpis-pkcs11.so\n\n\n\nlibrary=/m/podpis-pkcs11.so\n", PLACE_TWICE,
			"/old/podpis-pkcs11.so"},
		{"library=/m/podpis-pkcs11.so\n\nlibrary=/m/podpis-pkcs11.so\n\n", PLACE_TWICE,
			"/m/podpis-pkcs11.so"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct place_view view;

		nss_look(cases[i].text, "/m/podpis-pkcs11.so", &view);
		assert_int_equal(view.state, cases[i].state);
		assert_string_equal(view.other, cases[i].other);
	}
}

static void test_without(void **state)
{
	struct buffer out = BUFFER_INIT(1000);

	(void)state;
	assert_true(nss_without(
		INTERNAL "library=/a\nname=A\n\nlibrary=/b\nname=B\n\nlibrary=/a\n", "/a", &out));
	assert_string_equal(buffer_text(&out), INTERNAL "library=/b\nname=B\n\n");
	buffer_reset(&out);
	assert_true(nss_without(INTERNAL, "/a", &out));
	assert_string_equal(buffer_text(&out), INTERNAL);
	buffer_free(&out);
}

static void execute(const char *folder, const char *name, const char *sql)
{
	char *path = folder_path(folder, name);
	sqlite3 *database = NULL;

	assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
	assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(database);
	free(path);
}

/* Databases as NSS makes them, as far as they are read here. */
static void make_database(const char *folder, const char *text)
{
	char *path = folder_path(folder, "pkcs11.txt");

	execute(folder, "cert9.db",
		"CREATE TABLE nssPublic (id PRIMARY KEY UNIQUE ON CONFLICT ABORT, a0, a11)");
	execute(folder, "key4.db",
		"CREATE TABLE nssPrivate (id PRIMARY KEY UNIQUE ON CONFLICT ABORT, a0, a11)");
	assert_true(whole_file_write(path, text, strlen(text), 0, NULL));
	free(path);
}

static void test_holds(void **state)
{
	char *folder = folder_make(), text[2 * SHA256_DIGEST_LENGTH + 1];
	uint8_t sum[SHA256_DIGEST_LENGTH];

	(void)state;
	assert_false(nss_there(folder));
	assert_false(nss_holds(folder, (const uint8_t *)"cert", 4));
	make_database(folder, INTERNAL);
	assert_true(nss_there(folder));
	/* A trust object with such a value is no certificate. */
	execute(folder, "cert9.db",
		"INSERT INTO nssPublic VALUES (1, x'CE534353', CAST('cert' AS BLOB))");
	assert_false(nss_holds(folder, (const uint8_t *)"cert", 4));
	execute(folder, "cert9.db",
		"INSERT INTO nssPublic VALUES (2, x'00000001', CAST('cert' AS BLOB))");
	assert_true(nss_holds(folder, (const uint8_t *)"cert", 4));
	assert_false(nss_holds(folder, (const uint8_t *)"cerT", 4));
	SHA256((const uint8_t *)"cert", 4, sum);
	for (size_t i = 0; i < sizeof(sum); i++)
		snprintf(text + 2 * i, 3, "%02x", sum[i]);
	assert_true(nss_holds_sha256(folder, text));
	text[0] = text[0] == '0' ? '1' : '0';
	assert_false(nss_holds_sha256(folder, text));
	folder_remove(folder);
}

static void test_remove_empty(void **state)
{
	static const struct {
		const char *text, *file, *sql;
		bool removed;
	} cases[] = {
		{INTERNAL, "cert9.db", "SELECT 1", true},
		{INTERNAL, "cert9.db", "INSERT INTO nssPublic VALUES (1, x'00000001', x'00')",
			false},
		{INTERNAL, "key4.db", "INSERT INTO nssPrivate VALUES (1, x'00000003', x'00')",
			false},
		{INTERNAL "library=/b\nname=B\n\n", "cert9.db", "SELECT 1", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *folder = folder_make();
		bool removed = !cases[i].removed;

		make_database(folder, cases[i].text);
		execute(folder, cases[i].file, cases[i].sql);
		assert_true(nss_remove_empty(folder, &removed, NULL));
		assert_int_equal(removed, cases[i].removed);
		assert_int_equal(nss_there(folder), !cases[i].removed);
		folder_remove(folder);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_look),
		cmocka_unit_test(test_without),
		cmocka_unit_test(test_holds),
		cmocka_unit_test(test_remove_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
