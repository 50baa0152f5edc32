#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "module/support/folder.h"

static char base[128], folder[160];

static int setup(void **state)
{
	const char *under = getenv("TMPDIR");

	(void)state;
	snprintf(base, sizeof(base), "%.80s/podpis-folder-XXXXXX", under != NULL ? under : "/tmp");
	if (mkdtemp(base) == NULL)
		return -1;
	snprintf(folder, sizeof(folder), "%s/a/b", base);
	return 0;
}

static int teardown(void **state)
{
	char command[200];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", base);
	return system(command);
}

static char *path_of(const char *name)
{
	static char path[600];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void test_make(void **state)
{
	struct stat st;
	char below[700];

	(void)state;
	assert_true(folder_make(folder, NULL));
	assert_true(folder_make(folder, NULL));
	assert_int_equal(stat(folder, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_true(folder_write(folder, "file", "x", 1, NULL));
	snprintf(below, sizeof(below), "%s/below", path_of("file"));
	assert_false(folder_make(below, NULL));
}

static void test_make_above(void **state)
{
	char name[700];

	(void)state;
	snprintf(name, sizeof(name), "%s/c/d/file", base);
	assert_true(folder_make_above(name));
	assert_int_equal(access(name, F_OK), -1);
	*strrchr(name, '/') = '\0';
	assert_int_equal(access(name, F_OK), 0);
	assert_true(folder_make_above("/"));
	assert_true(folder_make_above("bare-name"));
	assert_int_equal(access("bare-name", F_OK), -1);
	snprintf(name, sizeof(name), "%s/below/it", path_of("file"));
	assert_false(folder_make_above(name));
	assert_int_equal(errno, ENOTDIR);
}

static void test_write_and_read(void **state)
{
	struct buffer data = BUFFER_INIT(16);
	struct error err = {0};
	struct stat st;
	bool there = false;
	mode_t before = umask(0);

	(void)state;
	assert_true(folder_write(folder, "one", "a\0b", 3, &err));
	umask(before);
	assert_int_equal(stat(path_of("one"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_true(folder_read(folder, "one", &data, &there, &err));
	assert_true(there);
	assert_int_equal(data.length, 3);
	assert_memory_equal(data.data, "a\0b", 3);
	/* In place of the old one, whatever it was. */
	assert_int_equal(chmod(path_of("one"), 0444), 0);
	assert_true(folder_write(folder, "one", "new", 3, &err));
	assert_int_equal(stat(path_of("one"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	buffer_reset(&data);
	assert_true(folder_read(folder, "none", &data, &there, &err));
	assert_false(there);
	assert_true(folder_read("/nonexistent", "none", &data, &there, &err));
	assert_false(there);
	assert_false(folder_write("/nonexistent", "none", "x", 1, &err));
	buffer_free(&data);
}

static void test_links_and_devices(void **state)
{
	struct buffer data = BUFFER_INIT(1024);
	struct error err = {0};
	bool there = false;

	(void)state;
	assert_true(folder_write(folder, "target", "old", 3, NULL));
	assert_int_equal(symlink("target", path_of("link")), 0);
	assert_false(folder_read(folder, "link", &data, &there, &err));
	/* Writing takes the link's place and leaves what it leads to. */
	assert_true(folder_write(folder, "link", "new", 3, &err));
	assert_true(folder_read(folder, "target", &data, &there, &err));
	assert_string_equal(buffer_text(&data), "old");
	assert_int_equal(mkfifo(path_of("pipe"), 0600), 0);
	assert_false(folder_read(folder, "pipe", &data, &there, &err));
	assert_int_equal(mkdir(path_of("folder"), 0700), 0);
	assert_false(folder_read(folder, "folder", &data, &there, &err));
	buffer_free(&data);
}

static void test_too_large(void **state)
{
	struct buffer data = BUFFER_INIT(4);
	struct error err = {0};
	bool there = false;

	(void)state;
	assert_true(folder_write(folder, "large", "12345", 5, NULL));
	assert_false(folder_read(folder, "large", &data, &there, &err));
	assert_non_null(strstr(err.message, "larger than 4 bytes"));
	buffer_free(&data);
}

static unsigned hidden(void)
{
	DIR *list = opendir(folder);
	struct dirent *entry;
	unsigned count = 0;

	assert_non_null(list);
	while ((entry = readdir(list)) != NULL)
		count += entry->d_name[0] == '.' && strcmp(entry->d_name, ".") != 0 &&
			 strcmp(entry->d_name, "..") != 0;
	closedir(list);
	return count;
}

/* What a killed process left is gone with the next writing, a day later; nobody else's is. */
static void test_leftovers(void **state)
{
	static const char *const names[] = {".swept.podpis-1f", ".swept.podpis-20",
		".swept.podpis-", ".swept.swp", ".swept.podpis-text", ".other.podpis-1f"};
	struct timespec old[2] = {
		{.tv_sec = time(NULL) - 2 * 86400}, {.tv_sec = time(NULL) - 2 * 86400}};
	int fd;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		fd = open(path_of(names[i]), O_WRONLY | O_CREAT, 0600);
		assert_true(fd >= 0);
		assert_int_equal(i != 1 ? futimens(fd, old) : 0, 0);
		close(fd);
	}
	assert_true(folder_write(folder, "swept", "x", 1, NULL));
	assert_int_not_equal(access(path_of(names[0]), F_OK), 0);
	for (size_t i = 1; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(unlink(path_of(names[i])), 0);
	assert_int_equal(hidden(), 0);
}

/* When writing fails the old content is still whole, and nothing is left beside it. */
static void test_failure_leaves_nothing(void **state)
{
	char **names = NULL, name[300];
	struct error err = {0};
	size_t before = 0, after = 0;

	(void)state;
	assert_true(folder_names(folder, false, &names, &before, &err));
	folder_names_free(names, before);
	memset(name, 'n', 255);
	name[255] = '\0';
	assert_false(folder_write(folder, name, "x", 1, &err));
	assert_int_equal(err.code, ERROR_FAILED);
	assert_true(folder_names(folder, false, &names, &after, &err));
	folder_names_free(names, after);
	assert_int_equal(before, after);
	/* Onto a folder, which rename(2) refuses. */
	assert_int_equal(mkdir(path_of("occupied"), 0700), 0);
	assert_false(folder_write(folder, "occupied", "x", 1, &err));
	assert_int_equal(hidden(), 0);
}

/* What others may write is not believed; what is not there is nobody's. */
static void test_check_own(void **state)
{
	struct error err = {0};
	char *path = NULL;

	(void)state;
	assert_true(asprintf(&path, "%s/own", base) > 0);
	assert_true(folder_check_own(path, &err));
	assert_true(folder_make(path, &err));
	assert_true(folder_check_own(path, &err));
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(chmod(path, i == 0 ? 0770 : 0702), 0);
		assert_false(folder_check_own(path, &err));
		assert_int_equal(err.code, ERROR_WORKPLACE);
		assert_non_null(strstr(err.message, "chmod go-w"));
	}
	assert_int_equal(chmod(path, 0755), 0);
	assert_true(folder_check_own(path, &err));
	free(path);
}

static void test_names(void **state)
{
	char **names = NULL, other[200];
	struct error err = {0};
	size_t count = 0;

	(void)state;
	snprintf(other, sizeof(other), "%s/names", base);
	assert_true(folder_make(other, NULL));
	assert_true(folder_names(other, false, &names, &count, &err));
	assert_int_equal(count, 0);
	folder_names_free(names, count);
	assert_true(folder_write(other, "b", "", 0, NULL) &&
		    folder_write(other, "a", "", 0, NULL) &&
		    folder_write(other, ".hidden", "", 0, NULL));
	snprintf(other, sizeof(other), "%s/names/folder", base);
	assert_true(folder_make(other, NULL));
	snprintf(other, sizeof(other), "%s/names/link", base);
	assert_int_equal(symlink("a", other), 0);
	snprintf(other, sizeof(other), "%s/names", base);
	assert_true(folder_names(other, false, &names, &count, &err));
	assert_int_equal(count, 2);
	assert_string_equal(names[0], "a");
	assert_string_equal(names[1], "b");
	folder_names_free(names, count);
	assert_true(folder_names(other, true, &names, &count, &err));
	assert_int_equal(count, 1);
	assert_string_equal(names[0], "folder");
	folder_names_free(names, count);
	assert_true(folder_remove(other, "a", &err));
	assert_true(folder_remove(other, "a", &err));
	assert_false(folder_remove(other, "folder", &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_make),
		cmocka_unit_test(test_make_above),
		cmocka_unit_test(test_write_and_read),
		cmocka_unit_test(test_links_and_devices),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_leftovers),
		cmocka_unit_test(test_failure_leaves_nothing),
		cmocka_unit_test(test_check_own),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("folder", tests, setup, teardown);
}
