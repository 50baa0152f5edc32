#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "provision/workplace/settings.h"
#include "tests/folder.h"

static char *folder, *path;

static int setup(void **state)
{
	(void)state;
	folder = folder_make();
	path = folder_path(folder, "a/podpis.conf");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(path);
	folder_remove(folder);
	return 0;
}

static void append(const char *text)
{
	struct buffer added = BUFFER_INIT(1000), all = BUFFER_INIT(10000);
	struct error err = {0};

	buffer_append_text(&added, text);
	if (!settings_join(path, &added, &all, &err) || !settings_write(path, &all, &err))
		fail_msg("%s", err.message);
	buffer_free(&added);
	buffer_free(&all);
}

static void expect_text(const char *wanted)
{
	struct buffer text = BUFFER_INIT(10000);
	struct stat st;

	assert_true(buffer_read_file(&text, path));
	assert_string_equal(buffer_text(&text), wanted);
	buffer_free(&text);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void test_append(void **state)
{
	struct error err = {0};
	char *real;
	struct stat st;
	int lock = -1;

	(void)state;
	assert_true(settings_lock(path, &lock, &err));
	append("[slot a]\n");
	append("[slot b]\n");
	expect_text("[slot a]\n\n[slot b]\n");
	close(lock);
	/* Who links to it from elsewhere goes on doing so. */
	real = folder_path(folder, "real.conf");
	assert_int_equal(rename(path, real), 0);
	assert_int_equal(symlink("../real.conf", path), 0);
	append("[slot c]\n");
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	expect_text("[slot a]\n\n[slot b]\n\n[slot c]\n");
	free(real);
}

/* What is only looked at is not written; a file that is not there yet is none. */
static void test_join(void **state)
{
	struct buffer added = BUFFER_INIT(1000), all = BUFFER_INIT(1000);
	struct error err = {0};

	(void)state;
	unlink(path);
	buffer_append_text(&added, "[slot z]\n");
	assert_true(settings_join(path, &added, &all, &err));
	assert_string_equal(buffer_text(&all), "[slot z]\n");
	assert_int_not_equal(access(path, F_OK), 0);
	append("[slot a]\n\n");
	buffer_reset(&all);
	assert_true(settings_join(path, &added, &all, &err));
	assert_string_equal(buffer_text(&all), "[slot a]\n\n[slot z]\n");
	expect_text("[slot a]\n\n");
	/* A folder in its place. */
	buffer_reset(&all);
	assert_false(settings_join(folder, &added, &all, &err));
	assert_false(settings_write(folder, &added, &err));
	buffer_free(&added);
	buffer_free(&all);
	/* One empty line between sections is enough. */
	append("[slot b]\n");
	expect_text("[slot a]\n\n[slot b]\n");
}

static void test_lock(void **state)
{
	struct error err = {0};
	int lock = -1, go[2], status;
	char byte;
	pid_t child;

	(void)state;
	assert_true(settings_lock(path, &lock, &err));
	assert_int_equal(pipe(go), 0);
	child = fork();
	if (child == 0) {
		int other = -1;

		close(lock);
		_exit(settings_lock(path, &other, NULL) && write(go[1], "x", 1) == 1 ? 0 : 1);
	}
	close(go[1]);
	/* It gets the lock when this process lets go of it, not before. */
	assert_int_equal(waitpid(child, &status, WNOHANG), 0);
	assert_int_equal(fcntl(go[0], F_SETFL, O_NONBLOCK), 0);
	assert_true(read(go[0], &byte, 1) < 0);
	close(lock);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(read(go[0], &byte, 1), 1);
	close(go[0]);
	/* Beside the current folder, too. */
	assert_int_equal(chdir(folder), 0);
	assert_true(settings_lock("podpis.conf", &lock, &err));
	close(lock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_append),
		cmocka_unit_test(test_join),
		cmocka_unit_test(test_lock),
	};

	return cmocka_run_group_tests_name("settings", tests, setup, teardown);
}
