/*
 * What somebody can do to a vault's file who can write it and has no PIN: a bit in every column of every table,
 * in the bytes around a row, rows exchanged, copied from another vault, brought back from an older state. Each
 * time it is named in the log, what was altered is not shown, and everything else in the vault goes on working.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <sqlite3.h>

#include "tests/module_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* In the order in which they are made: the i-th has the id i + 1. */
static const struct {
	const char *label;
	bool is_private, is_key;
} objects[] = {
	{"first", false, false},
	{"second", false, false},
	{"third", false, false},
	{"hidden first", true, false},
	{"hidden second", true, false},
	{"public key", false, true},
	{"private key", true, true},
};
#define OBJECTS COUNT(objects)
#define ID_MASK ((1ull << 40) - 1) /* of a handle; above it is a private object's login */

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_OBJECT_CLASS data_class = CKO_DATA;

/* What a case does beyond being named. */
enum effect {
	LOCKS_USER = 1, /* the user's login is refused */
	LOCKS_SO = 2,
	STOPS_WRITING = 4,  /* nothing can be written */
	STOPS_CHANGING = 8, /* objects that are there can't be changed */
};

static const char *path_of(const char *name)
{
	static char path[4][320];
	static unsigned next;

	next = (next + 1) % 4;
	snprintf(path[next], sizeof(path[next]), "%s/%s", fixture_dir(), name);
	return path[next];
}

static uint8_t *read_file(const char *name, size_t *length)
{
	FILE *file = fopen(path_of(name), "r");
	struct stat st;

	assert_non_null(file);
	assert_int_equal(fstat(fileno(file), &st), 0);
	uint8_t *data = malloc((size_t)st.st_size + 1);
	assert_non_null(data);
	*length = fread(data, 1, (size_t)st.st_size, file);
	assert_int_equal(*length, st.st_size);
	data[*length] = '\0';
	fclose(file);
	return data;
}

static void write_file(const char *name, const uint8_t *data, size_t length)
{
	int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, length), length);
	assert_int_equal(close(fd), 0);
}

static void copy_file(const char *from, const char *to)
{
	size_t length;
	uint8_t *data = read_file(from, &length);

	write_file(to, data, length);
	free(data);
}

/* The vault as it was, not in use, and an empty log. */
static void restore(void)
{
	copy_file("whole.db", "vault.db");
	unlink(path_of("vault.db-journal"));
	write_file("log", NULL, 0);
}

static sqlite3 *open_database(void)
{
	sqlite3 *db = NULL;
	char text[512];

	assert_int_equal(sqlite3_open(path_of("vault.db"), &db), SQLITE_OK);
	snprintf(text, sizeof(text),
		"ATTACH '%s' AS older; ATTACH '%s' AS other; PRAGMA ignore_check_constraints = ON",
		path_of("older.db"), path_of("other.db"));
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	return db;
}

static void sql(const char *text)
{
	sqlite3 *db = open_database();
	char *error = NULL;

	if (sqlite3_exec(db, text, NULL, NULL, &error) != SQLITE_OK)
		fail_msg("%s: %s", text, error);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static bool is_logged(const char *word)
{
	size_t length;
	char *log = (char *)read_file("log", &length);
	bool found = strstr(log, word) != NULL;

	free(log);
	return found;
}

/* The object's handle, 0 when it is not shown. */
static CK_OBJECT_HANDLE find(CK_SESSION_HANDLE session, size_t i)
{
	CK_ATTRIBUTE templ[] = {
		{CKA_LABEL, (char *)(uintptr_t)objects[i].label, strlen(objects[i].label)}};
	CK_OBJECT_HANDLE found[2] = {0};
	CK_ULONG count = 0;

	assert_ok(p11->C_FindObjectsInit(session, templ, 1));
	assert_ok(p11->C_FindObjects(session, found, 2, &count));
	assert_ok(p11->C_FindObjectsFinal(session));
	assert_true(count <= 1);
	return found[0];
}

/* Is exactly the object there, with the value it was made with? */
static bool is_shown(CK_SESSION_HANDLE session, size_t i)
{
	const size_t length = strlen(objects[i].label);
	CK_OBJECT_HANDLE found = find(session, i);
	char value[64];

	if (found == 0)
		return false;
	assert_int_equal(found & ID_MASK, i + 1);
	if (!objects[i].is_key) {
		assert_int_equal(
			fixture_get(session, found, CKA_VALUE, value, sizeof(value)), length);
		assert_memory_equal(value, objects[i].label, length);
	}
	return true;
}

static CK_RV create(CK_SESSION_HANDLE session, const char *label, bool is_private)
{
	CK_ATTRIBUTE templ[] = {
		{CKA_CLASS, &data_class, sizeof(data_class)},
		{CKA_TOKEN, &yes, 1},
		{CKA_PRIVATE, is_private ? &yes : &no, 1},
		{CKA_LABEL, (char *)(uintptr_t)label, strlen(label)},
		{CKA_VALUE, (char *)(uintptr_t)label, strlen(label)},
	};
	CK_OBJECT_HANDLE object;

	return p11->C_CreateObject(session, templ, COUNT(templ), &object);
}

static CK_RV log_in(CK_SESSION_HANDLE session, CK_USER_TYPE user)
{
	const char *pin = user == CKU_SO ? FIXTURE_SO_PIN : FIXTURE_PIN;

	return p11->C_Login(session, user, (CK_UTF8CHAR *)(uintptr_t)pin, strlen(pin));
}

/* Every public object, and with a login every private one, but for those named in `lost` (a bit each). */
static void check_shown(const char *name, CK_SESSION_HANDLE session, bool logged_in, unsigned lost)
{
	for (size_t i = 0; i < OBJECTS; i++) {
		bool expected = (lost >> i & 1) == 0 && (logged_in || !objects[i].is_private);

		if (is_shown(session, i) != expected)
			fail_msg("%s: %s is %s%s", name, objects[i].label,
				expected ? "lost" : "shown", logged_in ? ", logged in" : "");
	}
}

/* Writes as far as the case lets: a new object, and a change to one that is not lost. */
static void check_writing(
	const char *name, CK_SESSION_HANDLE session, unsigned lost, unsigned effects)
{
	CK_ATTRIBUTE change[] = {{CKA_APPLICATION, "changed", 7}};
	CK_OBJECT_HANDLE target = 1;
	CK_RV rv = create(session, "new", false);

	if (rv != ((effects & STOPS_WRITING) != 0 ? CKR_DEVICE_ERROR : CKR_OK))
		fail_msg("%s: a new object: 0x%lx", name, rv);
	while ((lost >> (target - 1) & 1) != 0)
		target++;
	rv = p11->C_SetAttributeValue(session, target, change, 1);
	if (rv != ((effects & (STOPS_WRITING | STOPS_CHANGING)) != 0 ? CKR_DEVICE_ERROR : CKR_OK))
		fail_msg("%s: a change: 0x%lx", name, rv);
}

static void check_login(const char *name, CK_SESSION_HANDLE session, CK_USER_TYPE user, bool locked)
{
	CK_RV rv = log_in(session, user);

	if (rv != (locked ? CKR_DEVICE_ERROR : CKR_OK))
		fail_msg("%s: the %s's login: 0x%lx", name, user == CKU_SO ? "SO" : "user", rv);
}

/* The vault has been altered: opens it, and checks that this is named `word`, and harms nothing else. */
static void check(const char *name, const char *word, unsigned lost, unsigned effects)
{
	bool user_locked = (effects & LOCKS_USER) != 0;

	assert_ok(p11->C_Initialize(NULL));
	CK_SESSION_HANDLE session = fixture_session(true);
	/* What only a key can tell may be shown before there is one. */
	for (size_t i = 0; i < OBJECTS; i++)
		if ((lost >> i & 1) == 0 && !objects[i].is_private && !is_shown(session, i))
			fail_msg("%s: %s is lost", name, objects[i].label);
	check_login(name, session, CKU_USER, user_locked);
	if (user_locked)
		check_login(name, session, CKU_SO, false);
	check_shown(name, session, !user_locked, lost);
	check_writing(name, session, lost, effects);
	if (!is_logged(word))
		fail_msg("%s: the log does not name \"%s\"", name, word);
	if ((effects & LOCKS_SO) != 0) {
		assert_ok(p11->C_Logout(session));
		check_login(name, session, CKU_SO, true);
	}
	assert_ok(p11->C_Finalize(NULL));
}

/* A vault, an older state of it, and another vault, as files in the folder; the module is not initialised. */
static int make_vaults(void **state)
{
	CK_ATTRIBUTE change[] = {{CKA_APPLICATION, "older", 5}};
	CK_UTF8CHAR label[32];

	fixture_open_token(state);
	memset(label, ' ', sizeof(label));
	for (int i = 0; i < 2; i++) {
		CK_SESSION_HANDLE session = fixture_user();
		for (size_t k = 0; k < OBJECTS && !objects[k].is_key; k++)
			assert_ok(create(session, objects[k].label, objects[k].is_private));
		struct fixture_pair pair = fixture_generate(session, FIXTURE_P256, true, NULL, 0);
		CK_ATTRIBUTE name[] = {{CKA_LABEL, "public key", 10}};
		assert_ok(p11->C_SetAttributeValue(session, pair.public_key, name, 1));
		name[0] = (CK_ATTRIBUTE){CKA_LABEL, "private key", 11};
		assert_ok(p11->C_SetAttributeValue(session, pair.private_key, name, 1));
		assert_ok(p11->C_CloseSession(session));
		if (i == 1)
			break;
		copy_file("vault.db", "other.db");
		assert_ok(p11->C_Finalize(NULL));
		assert_int_equal(unlink(path_of("vault.db")), 0);
		assert_ok(p11->C_Initialize(NULL));
		fixture_make_token();
	}
	copy_file("vault.db", "older.db");
	CK_SESSION_HANDLE session = fixture_user();
	for (size_t i = 0; i < 5; i++)
		assert_ok(p11->C_SetAttributeValue(session, find(session, i), change, 1));
	/* The PINs stay what they were, their wraps don't. */
	assert_ok(p11->C_SetPIN(session, (CK_UTF8CHAR *)FIXTURE_PIN, strlen(FIXTURE_PIN),
		(CK_UTF8CHAR *)FIXTURE_PIN, strlen(FIXTURE_PIN)));
	assert_ok(p11->C_Logout(session));
	assert_ok(log_in(session, CKU_SO));
	assert_ok(p11->C_SetPIN(session, (CK_UTF8CHAR *)FIXTURE_SO_PIN, strlen(FIXTURE_SO_PIN),
		(CK_UTF8CHAR *)FIXTURE_SO_PIN, strlen(FIXTURE_SO_PIN)));
	assert_ok(p11->C_Finalize(NULL));
	copy_file("vault.db", "whole.db");
	char setting[320];
	snprintf(setting, sizeof(setting), "error:%s", path_of("log"));
	setenv("PODPIS_LOG", setting, 1);
	return 0;
}

/* What an altered row of a table means. */
static void expect(
	const char *table, sqlite3_int64 row, const char **word, unsigned *lost, unsigned *effects)
{
	static char object[32];

	*lost = *effects = 0;
	if (strcmp(table, "identity") == 0) {
		*word = "identity";
	} else if (strcmp(table, "vault") == 0) {
		*word = "the root";
		*effects = STOPS_WRITING;
	} else if (strcmp(table, "pin") == 0) {
		*word = row == CKU_SO ? "SO's wrapped key" : "user's wrapped key";
		*effects = row == CKU_SO ? LOCKS_SO : LOCKS_USER;
	} else if (strcmp(table, "page") == 0) {
		*word = "page 0";
		*effects = STOPS_CHANGING;
	} else {
		assert_string_equal(table, "object");
		snprintf(object, sizeof(object), "object %lld", row);
		*word = object;
		*lost = 1U << (row - 1);
	}
}

struct column {
	char table[16], name[16];
	bool key; /* the row's id */
	sqlite3_int64 row;
};

static size_t list_columns(struct column *out, size_t max)
{
	sqlite3 *db = open_database();
	sqlite3_stmt *tables = NULL, *rows = NULL;
	char text[128];
	size_t count = 0;

	assert_int_equal(sqlite3_prepare_v2(db,
				 "SELECT t.name, c.name, c.pk FROM sqlite_schema AS t, "
				 "pragma_table_info(t.name) AS c",
				 -1, &tables, NULL),
		SQLITE_OK);
	while (sqlite3_step(tables) == SQLITE_ROW) {
		snprintf(text, sizeof(text), "SELECT rowid FROM %s",
			(const char *)sqlite3_column_text(tables, 0));
		assert_int_equal(sqlite3_prepare_v2(db, text, -1, &rows, NULL), SQLITE_OK);
		while (sqlite3_step(rows) == SQLITE_ROW) {
			assert_true(count < max);
			struct column *column = &out[count++];
			snprintf(column->table, sizeof(column->table), "%s",
				(const char *)sqlite3_column_text(tables, 0));
			snprintf(column->name, sizeof(column->name), "%s",
				(const char *)sqlite3_column_text(tables, 1));
			column->key = sqlite3_column_int(tables, 2) != 0;
			column->row = sqlite3_column_int64(rows, 0);
		}
		sqlite3_finalize(rows);
	}
	sqlite3_finalize(tables);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return count;
}

/* Flips one bit of a value; an empty one gets a byte. `place` is 0 (first byte) to 2 (last). */
static void flip(const struct column *column, int place)
{
	sqlite3 *db = open_database();
	sqlite3_stmt *get = NULL, *put = NULL;
	uint8_t value[2048] = {0};
	char text[128];

	sqlite3_snprintf(sizeof(text), text, "SELECT %s FROM %s WHERE rowid = %lld", column->name,
		column->table, column->row);
	assert_int_equal(sqlite3_prepare_v2(db, text, -1, &get, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(get), SQLITE_ROW);
	sqlite3_snprintf(sizeof(text), text, "UPDATE %s SET %s = ?1 WHERE rowid = %lld",
		column->table, column->name, column->row);
	assert_int_equal(sqlite3_prepare_v2(db, text, -1, &put, NULL), SQLITE_OK);
	if (sqlite3_column_type(get, 0) == SQLITE_INTEGER) {
		/* Not a neighbour's id. */
		sqlite3_bind_int64(put, 1, sqlite3_column_int64(get, 0) ^ (column->key ? 64 : 1));
	} else {
		int length = sqlite3_column_bytes(get, 0);
		assert_true(length <= (int)sizeof(value));
		if (length > 0)
			memcpy(value, sqlite3_column_blob(get, 0), (size_t)length);
		else
			length = 1;
		value[place == 0 ? 0 : place == 1 ? length / 2 : length - 1] ^= 1;
		sqlite3_bind_blob(put, 1, value, length, SQLITE_TRANSIENT);
	}
	sqlite3_finalize(get);
	assert_int_equal(sqlite3_step(put), SQLITE_DONE);
	assert_int_equal(sqlite3_changes(db), 1);
	sqlite3_finalize(put);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* Every column of every table; of the objects one of each kind, all of them with PODPIS_FULL. */
static void a_flipped_bit(void **state)
{
	struct column columns[128];
	const char *word;
	char name[128];
	unsigned lost, effects;
	bool full = getenv("PODPIS_FULL") != NULL;

	(void)state;
	restore();
	size_t count = list_columns(columns, COUNT(columns));
	assert_int_equal(count, 3 + 10 + 2 * 8 + 4 + OBJECTS * 6);
	for (size_t i = 0; i < count; i++) {
		const struct column *column = &columns[i];
		if (!full && strcmp(column->table, "object") == 0 && column->row != 2 &&
			column->row != 4 && column->row != 7)
			continue;
		for (int place = full ? 0 : 1; place <= (full ? 2 : 1); place++) {
			restore();
			flip(column, place);
			expect(column->table, column->row, &word, &lost, &effects);
			sqlite3_snprintf(sizeof(name), name, "%s.%s of row %lld", column->table,
				column->name, column->row);
			check(name, word, lost, effects);
		}
	}
}

/* Offset of a blob in the database's file; it stands there once. */
static size_t place_of(const uint8_t *file, size_t length, const char *query)
{
	sqlite3 *db = open_database();
	sqlite3_stmt *get = NULL;
	const uint8_t *found;

	assert_int_equal(sqlite3_prepare_v2(db, query, -1, &get, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(get), SQLITE_ROW);
	found = memmem(
		file, length, sqlite3_column_blob(get, 0), (size_t)sqlite3_column_bytes(get, 0));
	assert_non_null(found);
	sqlite3_finalize(get);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return (size_t)(found - file);
}

/*
 * The bytes that SQLite keeps before a row's values: lengths, id, types. What a flipped bit there does is
 * SQLite's to say; the other objects are there whatever it is, and an object that is not the same is named.
 */
static void a_flipped_bit_around_a_row(void **state)
{
	static const struct {
		const char *query;
		size_t lost; /* number of the object that this may harm */
	} rows[] = {
		{"SELECT open FROM object WHERE id = 1", 1},
		{"SELECT open FROM object WHERE id = 2", 2},
		{"SELECT open FROM object WHERE id = 6", 6},
		{"SELECT entries FROM page WHERE number = 0", 0},
		{"SELECT salt FROM pin WHERE role = 1", 0},
		{"SELECT uuid FROM vault", 0},
		{"SELECT uuid FROM identity", 0},
	};
	size_t length;

	(void)state;
	restore();
	uint8_t *file = read_file("whole.db", &length);
	for (size_t n = 0; n < COUNT(rows); n++) {
		restore();
		size_t place = place_of(file, length, rows[n].query);
		for (size_t bit = 0; bit < 12 * 8; bit++) {
			uint8_t *byte = &file[place - 12 + bit / 8], before = *byte;
			restore();
			*byte ^= (uint8_t)(1U << bit % 8);
			write_file("vault.db", file, length);
			*byte = before;
			assert_ok(p11->C_Initialize(NULL));
			CK_SESSION_HANDLE session = fixture_session(false);
			for (size_t i = 0; i < OBJECTS; i++)
				if (!objects[i].is_private && !is_shown(session, i) &&
					(i + 1 != rows[n].lost || !is_logged("object ")))
					fail_msg("%s, bit %zu: %s is lost", rows[n].query, bit,
						objects[i].label);
			assert_ok(p11->C_Finalize(NULL));
		}
	}
	free(file);
}

static void rows_exchanged(void **state)
{
	(void)state;
	restore();
	sql("UPDATE object SET id = 99 WHERE id = 1; UPDATE object SET id = 1 WHERE id = 2;"
	    "UPDATE object SET id = 2 WHERE id = 99");
	check("two objects", "object 1", 3, 0);
	restore();
	sql("UPDATE pin SET role = 9 WHERE role = 0; UPDATE pin SET role = 0 WHERE role = 1;"
	    "UPDATE pin SET role = 1 WHERE role = 9");
	assert_ok(p11->C_Initialize(NULL));
	CK_SESSION_HANDLE session = fixture_session(true);
	check_shown("two PINs", session, false, 0);
	check_login("two PINs", session, CKU_USER, true);
	check_login("two PINs", session, CKU_SO, true);
	assert_true(is_logged("user's wrapped key"));
	assert_ok(p11->C_Finalize(NULL));
}

/* One row alone, from another vault of the same objects or from an older state of this one. */
static void a_row_from_elsewhere(void **state)
{
	static const struct {
		const char *table;
		sqlite3_int64 row;
		bool older; /* differs from its older state */
	} rows[] = {
		{"identity", 1, false},
		{"vault", 1, true},
		{"pin", CKU_SO, true},
		{"pin", CKU_USER, true},
		{"page", 0, true},
		{"object", 1, true},
		{"object", 4, true},
		{"object", 7, false},
	};
	const char *word;
	char text[256];
	unsigned lost, effects;

	(void)state;
	for (size_t i = 0; i < 2 * COUNT(rows); i++) {
		const char *table = rows[i / 2].table, *source = i % 2 == 0 ? "other" : "older";
		if (i % 2 == 1 && !rows[i / 2].older)
			continue;
		restore();
		snprintf(text, sizeof(text),
			"REPLACE INTO main.%s SELECT * FROM %s.%s WHERE rowid = %lld", table,
			source, table, rows[i / 2].row);
		sql(text);
		expect(table, rows[i / 2].row, &word, &lost, &effects);
		/* An older root is whole in itself: what it lists is not what stands there. */
		if (strcmp(table, "vault") == 0 && i % 2 == 1) {
			word = "page 0";
			effects = LOCKS_USER | LOCKS_SO;
			assert_ok(p11->C_Initialize(NULL));
			CK_SESSION_HANDLE session = fixture_session(true);
			check_shown(text, session, false, 0);
			check_login(text, session, CKU_USER, true);
			assert_true(is_logged("page 0"));
			assert_true(is_logged("user's wrapped key"));
			assert_ok(p11->C_Finalize(NULL));
			continue;
		}
		check(text, word, lost, effects);
	}
}

/* Rows that are not there any more, and rows that nobody listed. */
static void rows_lost_and_added(void **state)
{
	static const char *const tables[] = {"identity", "vault", "pin", "page", "object"};
	const char *word;
	char text[128];
	unsigned lost, effects;

	(void)state;
	for (size_t i = 0; i < COUNT(tables); i++) {
		sqlite3_int64 row = strcmp(tables[i], "page") == 0 ? 0 : 1;
		restore();
		snprintf(text, sizeof(text), "DELETE FROM %s WHERE rowid = %lld", tables[i], row);
		sql(text);
		expect(tables[i], row, &word, &lost, &effects);
		check(text, word, lost, effects);
	}
	restore();
	sql("INSERT INTO object SELECT 50, version, open, sealed, checksum, tag FROM object WHERE "
	    "id = 1");
	check("a copy", "object 50", 0, 0);
	/* Larger than anything that a vault holds. */
	restore();
	sql("UPDATE object SET open = zeroblob(8000000) WHERE id = 2");
	check("a huge row", "object 2", 2, 0);
}

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
		restore();
		sql(schemas[i]);
		assert_ok(p11->C_Initialize(NULL));
		if (p11->C_GetTokenInfo(0, &info) != CKR_DEVICE_ERROR)
			fail_msg("%s: is taken", schemas[i]);
		assert_true(is_logged("its tables are not a vault's"));
		assert_ok(p11->C_Finalize(NULL));
	}
}

static void put64(uint8_t *out, uint64_t value)
{
	for (int i = 7; i >= 0; i--, value >>= 8)
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
	restore();
	sqlite3 *db = open_database();
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
	check_shown("forged pages", session, false, 0);
	char *log = (char *)read_file("log", &length);
	for (const char *at = log; (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	assert_in_range(lines, 100, 300);
	assert_true(is_logged("there is more that is damaged"));
	free(log);
	check_login("forged pages", session, CKU_USER, false);
	check_shown("forged pages", session, true, 0);
	assert_true(is_logged("the root was not written by this vault"));
	assert_ok(p11->C_Finalize(NULL));
}

static void put32(uint8_t *out, size_t value)
{
	for (int i = 3; i >= 0; i--, value >>= 8)
		out[i] = (uint8_t)value;
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
	restore();
	write_file("precious", (const uint8_t *)"precious", 8);
	uint8_t *file = read_file("vault.db", &size);
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
	write_file("vault.db-journal", journal, 532 + length);
	check("a journal that names a file", "", 0, 0);
	assert_int_equal(access(path_of("precious"), F_OK), 0);
	free(file);

	/* One that others can write is not replayed at all, nor is a pipe waited for. */
	restore();
	write_file("vault.db-journal", journal, 532 + length);
	assert_int_equal(chmod(path_of("vault.db-journal"), 0666), 0);
	for (int i = 0; i < 2; i++) {
		CK_TOKEN_INFO info;
		assert_ok(p11->C_Initialize(NULL));
		assert_rv(p11->C_GetTokenInfo(0, &info), CKR_DEVICE_ERROR);
		assert_true(is_logged("vault.db-journal"));
		assert_ok(p11->C_Finalize(NULL));
		restore();
		assert_int_equal(mkfifo(path_of("vault.db-journal"), 0600), 0);
	}
	restore();
}

static int end(void **state)
{
	unsetenv("PODPIS_LOG");
	return fixture_close(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flipped_bit),
		cmocka_unit_test(a_flipped_bit_around_a_row),
		cmocka_unit_test(rows_exchanged),
		cmocka_unit_test(a_row_from_elsewhere),
		cmocka_unit_test(rows_lost_and_added),
		cmocka_unit_test(a_schema_of_others),
		cmocka_unit_test(a_file_without_end),
		cmocka_unit_test(a_journal_of_others),
	};

	return cmocka_run_group_tests_name("damage", tests, make_vaults, end);
}
