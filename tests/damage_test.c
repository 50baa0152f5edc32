/*
 * Single rows of a vault that was altered: a bit in every column of every table, in the bytes around a row, rows
 * exchanged, copied from another vault, brought back from an older state, lost and added.
 */
#include "tests/damaged_vault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

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
	sqlite3 *db = damage_database();
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
	sqlite3 *db = damage_database();
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
	damage_restore();
	size_t count = list_columns(columns, COUNT(columns));
	assert_int_equal(count, 3 + 10 + 2 * 8 + 4 + DAMAGE_OBJECTS * 6);
	for (size_t i = 0; i < count; i++) {
		const struct column *column = &columns[i];
		if (!full && strcmp(column->table, "object") == 0 && column->row != 2 &&
			column->row != 4 && column->row != 7)
			continue;
		for (int place = full ? 0 : 1; place <= (full ? 2 : 1); place++) {
			damage_restore();
			flip(column, place);
			expect(column->table, column->row, &word, &lost, &effects);
			sqlite3_snprintf(sizeof(name), name, "%s.%s of row %lld", column->table,
				column->name, column->row);
			damage_check(name, word, lost, effects);
		}
	}
}

/* Offset of a blob in the database's file; it stands there once. */
static size_t place_of(const uint8_t *file, size_t length, const char *query)
{
	sqlite3 *db = damage_database();
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
	damage_restore();
	uint8_t *file = damage_read("whole.db", &length);
	for (size_t n = 0; n < COUNT(rows); n++) {
		damage_restore();
		size_t place = place_of(file, length, rows[n].query);
		for (size_t bit = 0; bit < 12 * 8; bit++) {
			uint8_t *byte = &file[place - 12 + bit / 8], before = *byte;
			damage_restore();
			*byte ^= (uint8_t)(1U << bit % 8);
			damage_write("vault.db", file, length);
			*byte = before;
			assert_ok(p11->C_Initialize(NULL));
			CK_SESSION_HANDLE session = fixture_session(false);
			for (size_t i = 0; i < DAMAGE_OBJECTS; i++)
				if (!damage_objects[i].is_private && !damage_is_shown(session, i) &&
					(i + 1 != rows[n].lost || !damage_is_logged("object ")))
					fail_msg("%s, bit %zu: %s is lost", rows[n].query, bit,
						damage_objects[i].label);
			assert_ok(p11->C_Finalize(NULL));
		}
	}
	free(file);
}

static void rows_exchanged(void **state)
{
	(void)state;
	damage_restore();
	damage_sql("UPDATE object SET id = 99 WHERE id = 1; UPDATE object SET id = 1 WHERE id = 2;"
		   "UPDATE object SET id = 2 WHERE id = 99");
	damage_check("two objects", "object 1", 3, 0);
	damage_restore();
	damage_sql("UPDATE pin SET role = 9 WHERE role = 0; UPDATE pin SET role = 0 WHERE role = 1;"
		   "UPDATE pin SET role = 1 WHERE role = 9");
	assert_ok(p11->C_Initialize(NULL));
	CK_SESSION_HANDLE session = fixture_session(true);
	damage_check_shown("two PINs", session, false, 0);
	damage_check_login("two PINs", session, CKU_USER, true);
	damage_check_login("two PINs", session, CKU_SO, true);
	assert_true(damage_is_logged("user's wrapped key"));
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
		damage_restore();
		snprintf(text, sizeof(text),
			"REPLACE INTO main.%s SELECT * FROM %s.%s WHERE rowid = %lld", table,
			source, table, rows[i / 2].row);
		damage_sql(text);
		expect(table, rows[i / 2].row, &word, &lost, &effects);
		/* An older root is whole in itself: what it lists is not what stands there. */
		if (strcmp(table, "vault") == 0 && i % 2 == 1) {
			word = "page 0";
			effects = LOCKS_USER | LOCKS_SO;
			assert_ok(p11->C_Initialize(NULL));
			CK_SESSION_HANDLE session = fixture_session(true);
			damage_check_shown(text, session, false, 0);
			damage_check_login(text, session, CKU_USER, true);
			assert_true(damage_is_logged("page 0"));
			assert_true(damage_is_logged("user's wrapped key"));
			assert_ok(p11->C_Finalize(NULL));
			continue;
		}
		damage_check(text, word, lost, effects);
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
		damage_restore();
		snprintf(text, sizeof(text), "DELETE FROM %s WHERE rowid = %lld", tables[i], row);
		damage_sql(text);
		expect(tables[i], row, &word, &lost, &effects);
		damage_check(text, word, lost, effects);
	}
	damage_restore();
	damage_sql("INSERT INTO object SELECT 50, version, open, sealed, checksum, tag FROM object "
		   "WHERE "
		   "id = 1");
	damage_check("a copy", "object 50", 0, 0);
	/* Larger than anything that a vault holds. */
	damage_restore();
	damage_sql("UPDATE object SET open = zeroblob(8000000) WHERE id = 2");
	damage_check("a huge row", "object 2", 2, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flipped_bit),
		cmocka_unit_test(a_flipped_bit_around_a_row),
		cmocka_unit_test(rows_exchanged),
		cmocka_unit_test(a_row_from_elsewhere),
		cmocka_unit_test(rows_lost_and_added),
	};

	return cmocka_run_group_tests_name("damage", tests, damage_make_vaults, damage_end);
}
