#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "provision/workplace/whole_file.h"
#include "tests/folder.h"

static char *folder;

static int setup(void **state)
{
	(void)state;
	folder = folder_make();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	folder_remove(folder);
	return 0;
}

static void expect(const char *path, const char *wanted, mode_t mode)
{
	struct buffer text = BUFFER_INIT(1000);
	struct stat status;
	bool there = false;

	assert_true(whole_file_read(path, &text, &there, NULL));
	assert_true(there);
	assert_string_equal(buffer_text(&text), wanted);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, mode);
	buffer_free(&text);
}

static void test_write(void **state)
{
	char *path = folder_path(folder, "file"), *link = folder_path(folder, "link");
	struct stat status;

	(void)state;
	assert_true(whole_file_write(path, "one", 3, 0, NULL));
	expect(path, "one", 0600);
	assert_int_equal(chmod(path, 0640), 0);
	assert_true(whole_file_write(path, "two", 3, 0, NULL));
	expect(path, "two", 0640);
	assert_true(whole_file_write(path, "", 0, 0644, NULL));
	expect(path, "", 0644);
	/* Through a link, which stays one. */
	assert_int_equal(symlink("file", link), 0);
	assert_true(whole_file_write(link, "three", 5, 0, NULL));
	expect(path, "three", 0644);
	assert_int_equal(lstat(link, &status), 0);
	assert_true(S_ISLNK(status.st_mode));
	free(path);
	free(link);
}

static void test_left_by_a_killed(void **state)
{
	char *path = folder_path(folder, "file"), *left = folder_path(folder, "file.podpis");
	char *other = folder_path(folder, "other");

	(void)state;
	assert_true(whole_file_write(other, "kept", 4, 0, NULL));
	/* Also one that was set as a trap. */
	assert_int_equal(symlink(other, left), 0);
	assert_true(whole_file_write(path, "new", 3, 0, NULL));
	expect(path, "new", 0600);
	expect(other, "kept", 0600);
	assert_int_not_equal(access(left, F_OK), 0);
	free(path);
	free(left);
	free(other);
}

static void count(void *context, const char *path)
{
	(void)path;
	++*(int *)context;
}

static void test_folders(void **state)
{
	char *path = folder_path(folder, "a/b/c");
	struct error err = {0};
	struct buffer text = BUFFER_INIT(10);
	bool there = true;
	int made = 0;

	(void)state;
	assert_true(whole_file_read(path, &text, &there, &err));
	assert_false(there);
	assert_true(whole_file_folders(path, count, &made, &err));
	assert_int_equal(made, 2);
	assert_true(whole_file_folders(path, count, &made, &err));
	assert_int_equal(made, 2);
	assert_true(whole_file_write(path, "x", 1, 0, &err));
	free(path);
	/* A file where a folder is to be. */
	path = folder_path(folder, "a/b/c/d");
	assert_false(whole_file_write(path, "x", 1, 0, &err));
	assert_int_equal(err.code, ERROR_FAILED);
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_write, setup, teardown),
		cmocka_unit_test_setup_teardown(test_left_by_a_killed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_folders, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
