#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "provision/workplace/record.h"
#include "provision/workplace/whole_file.h"
#include "tests/folder.h"

static char *folder, *file;

static int setup(void **state)
{
	(void)state;
	folder = folder_make();
	setenv("XDG_STATE_HOME", folder, 1);
	file = folder_path(folder, "podpis/workplace.json");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(file);
	folder_remove(folder);
	return 0;
}

static void add(struct record *record, const char *kind, const char *path, const char *text)
{
	struct error err = {0};

	if (!record_add(record,
		    json_pack("{s:s, s:s, s:s}", "kind", kind, "path", path, "text", text), &err))
		fail_msg("%s", err.message);
}

static void test_entries(void **state)
{
	struct record record;
	size_t index = 99;

	(void)state;
	assert_true(record_open(&record, NULL));
	assert_int_not_equal(access(file, F_OK), 0);
	add(&record, "text", "/a", "one");
	add(&record, "text", "/a", "one");
	add(&record, "text", "/a", "two");
	add(&record, "folder", "/a", "");
	record_close(&record);

	/* It is on the disk after each, once each, and found from the newest. */
	assert_true(record_open(&record, NULL));
	assert_int_equal(json_array_size(record.entries), 3);
	assert_string_equal(record_text(record_find(&record, "text", "/a", &index), "text"), "two");
	assert_int_equal(index, 1);
	assert_null(record_find(&record, "text", "/b", &index));
	assert_string_equal(record_text(json_array_get(record.entries, 0), "nothing"), "");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(access(file, F_OK), 0);
		assert_true(record_remove(&record, 0, NULL));
	}
	assert_int_not_equal(access(file, F_OK), 0);
	record_close(&record);
}

static void test_damaged(void **state)
{
	static const char *const texts[] = {
		"", "{", "[]", "{\"entries\": 1}", "{\"entries\": [], \"entries\": []}"};
	struct record record;

	(void)state;
	assert_true(whole_file_folders(file, NULL, NULL, NULL));
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct error err = {0};

		assert_true(whole_file_write(file, texts[i], strlen(texts[i]), 0, NULL));
		assert_false(record_open(&record, &err));
		assert_non_null(strstr(err.message, "workplace.json"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_entries, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
