#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "provision/named_file.h"

static char folder[] = "/tmp/podpis-named-file-XXXXXX";

static const char *in(const char *name, char path[128])
{
	snprintf(path, 128, "%s/%s", folder, name);
	return path;
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

static size_t entries(void)
{
	DIR *open = opendir(folder);
	size_t count = 0;

	assert_non_null(open);
	while (readdir(open) != NULL)
		count++;
	closedir(open);
	return count - 2; /* . and .. */
}

static void assert_holds(const char *path, const char *text)
{
	struct buffer read = BUFFER_INIT(1024);
	struct error err = {0};

	assert_true(named_file_read(path, &read, &err));
	assert_string_equal(buffer_text(&read), text);
	buffer_free(&read);
}

static void writes_once(void **state)
{
	struct error err = {0};
	struct stat status;
	char path[128];

	(void)state;
	in("one", path);
	assert_true(named_file_write(path, "first", 5, 0640, false, &err));
	assert_holds(path, "first");
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0640);
	assert_int_equal(named_file_mode(path), 0640);
	assert_false(named_file_write(path, "second", 6, 0600, false, &err));
	assert_int_equal(err.code, ERROR_USAGE);
	assert_non_null(strstr(err.message, "there already"));
	assert_holds(path, "first");
	assert_true(named_file_write(path, "third", 5, 0600, true, &err));
	assert_holds(path, "third");
	/* Nothing beside it, whatever happened. */
	assert_int_equal(entries(), 1);
	unlink(path);
}

static void a_link_is_not_followed(void **state)
{
	char link[128], target[128];
	struct error err = {0};

	(void)state;
	in("target", target);
	assert_int_equal(symlink(target, in("link", link)), 0);
	assert_false(named_file_write(link, "x", 1, 0600, false, &err));
	assert_int_not_equal(access(target, F_OK), 0);
	assert_true(named_file_write(link, "x", 1, 0600, true, &err));
	assert_int_not_equal(access(target, F_OK), 0);
	unlink(link);
}

static void says_why_not(void **state)
{
	struct buffer small = BUFFER_INIT(2);
	uint8_t digest[MESSAGE_DIGEST_MAX];
	struct error err = {0};
	char path[128];
	size_t length;

	(void)state;
	assert_false(named_file_write(in("none/file", path), "x", 1, 0600, false, &err));
	assert_non_null(strstr(err.message, "No such file"));
	assert_false(named_file_write(folder, "x", 1, 0600, false, &err));
	snprintf(path, sizeof(path), "%s/", folder);
	assert_false(named_file_write(path, "x", 1, 0600, true, &err));
	assert_false(named_file_digest(folder, "SHA256", digest, &length, &err));
	assert_int_equal(err.code, ERROR_USAGE);
	assert_non_null(strstr(err.message, "Is a directory"));
	assert_true(named_file_write(in("long", path), "long", 4, 0600, false, &err));
	assert_false(named_file_read(path, &small, &err));
	assert_non_null(strstr(err.message, "larger than 2 bytes"));
	assert_true(named_file_digest(path, "SHA256", digest, &length, &err));
	assert_int_equal(length, 32);
	unlink(path);
	buffer_free(&small);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_once),
		cmocka_unit_test(a_link_is_not_followed),
		cmocka_unit_test(says_why_not),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
