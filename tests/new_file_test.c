/* A file without a name until it is whole: killed at any moment, by many at once, and where there are no such files. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "module/support/new_file.h"
#include "tests/folder.h"

#define PROCESSES 4
#define ROUNDS    200

static char *path;
static int folder;

static int setup(void **state)
{
	(void)state;
	path = folder_make();
	folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return folder >= 0 ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	close(folder);
	folder_remove(path);
	return 0;
}

static unsigned entries(void)
{
	DIR *list = opendir(path);
	unsigned count = 0;

	while (list != NULL && readdir(list) != NULL)
		count++;
	closedir(list);
	return count - 2; /* . and .. */
}

static bool holds(const char *name, const char *text)
{
	char read_back[64] = "";
	int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW);
	ssize_t length = fd >= 0 ? read(fd, read_back, sizeof(read_back) - 1) : -1;

	if (fd >= 0)
		close(fd);
	return length == (ssize_t)strlen(text) && strcmp(read_back, text) == 0;
}

/* errno's code, or 0. */
static int put(const char *name, const char *text, bool replace)
{
	struct new_file file;
	int error = 0;

	if (!new_file_open(folder, ".beside", &file))
		return errno;
	if (write(file.fd, text, strlen(text)) != (ssize_t)strlen(text) ||
		!(replace ? new_file_replace(&file, name) : new_file_link(&file, name)))
		error = errno;
	new_file_close(&file);
	return error;
}

static int in_child(int (*run)(void))
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0)
		_exit(run());
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

/* Also without files that have no name, where each case is the same. */
static int names_and_replaces(void)
{
	if (put("one", "first", false) != 0 || !holds("one", "first"))
		return 1;
	if (put("one", "second", false) != EEXIST || !holds("one", "first"))
		return 2;
	if (put("one", "third", true) != 0 || !holds("one", "third"))
		return 3;
	if (mkdirat(folder, "occupied", 0700) != 0 || put("occupied", "x", true) != EISDIR)
		return 4;
	if (put("no/such", "x", true) != ENOENT || entries() != 2)
		return 5;
	return unlinkat(folder, "one", 0) == 0 && unlinkat(folder, "occupied", AT_REMOVEDIR) == 0
		       ? 0
		       : 6;
}

static void test_names(void **state)
{
	char longest[NAME_MAX + 2] = "";
	struct new_file file;
	struct stat status;

	(void)state;
	assert_int_equal(names_and_replaces(), 0);
	assert_int_equal(put("mode", "", false), 0);
	assert_int_equal(fstatat(folder, "mode", &status, 0), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	memset(longest, 'n', NAME_MAX + 1);
	assert_false(new_file_open(folder, longest, &file));
	assert_int_equal(errno, ENAMETOOLONG);
	assert_int_equal(unlinkat(folder, "mode", 0), 0);
}

static int dies(void)
{
	struct new_file file;

	if (!new_file_open(folder, ".beside", &file) || write(file.fd, "half", 4) != 4)
		return 1;
	raise(SIGKILL);
	return 1;
}

static void test_killed(void **state)
{
	int status = in_child(dies);

	(void)state;
	assert_true(WIFSIGNALED(status));
	assert_int_equal(entries(), 0);
}

static int replaces_again_and_again(void)
{
	char text[64];

	for (int i = 0; i < ROUNDS; i++) {
		snprintf(text, sizeof(text), "%d of %ld", i, (long)getpid());
		if (put("shared", text, true) != 0)
			return 1;
	}
	return 0;
}

static void test_many(void **state)
{
	pid_t children[PROCESSES];
	int status;

	(void)state;
	for (int i = 0; i < PROCESSES; i++) {
		children[i] = fork();
		if (children[i] == 0)
			_exit(replaces_again_and_again());
	}
	for (int i = 0; i < PROCESSES; i++) {
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(entries(), 1);
	assert_int_equal(unlinkat(folder, "shared", 0), 0);
}

/* From here on this process has no O_TMPFILE, as on a file system without. */
static bool forbid_unnamed(void)
{
	struct sock_filter rules[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_TMPFILE & ~O_DIRECTORY, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(rules) / sizeof(rules[0]), rules};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

#define FORBIDDEN 77 /* seccomp is */

static int with_a_name(void)
{
	struct new_file file;

	if (!forbid_unnamed())
		return FORBIDDEN;
	if (!new_file_open(folder, ".beside", &file) || !file.hidden || entries() != 1)
		return 10;
	new_file_close(&file);
	if (entries() != 0)
		return 11;
	return names_and_replaces();
}

static void test_without(void **state)
{
	int status = in_child(with_a_name);

	(void)state;
	if (WIFEXITED(status) && WEXITSTATUS(status) == FORBIDDEN)
		skip();
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_without),
	};

	return cmocka_run_group_tests_name("new_file", tests, setup, teardown);
}
