#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "module/support/opener.h"
#include "tests/folder.h"

static char *folder, path[512];

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

/* In front of the others, so that it is the one that is found. */
static void install(const char *script)
{
	char file[300];

	snprintf(file, sizeof(file), "%s/xdg-open", folder);
	FILE *out = fopen(file, "w");
	assert_non_null(out);
	fputs(script, out);
	fclose(out);
	assert_int_equal(chmod(file, 0700), 0);
	snprintf(path, sizeof(path), "%s:/usr/bin:/bin", folder);
	setenv("PATH", path, 1);
}

/*
 * It gets the address, whatever the shell would make of it, and nothing that is ours. It stays in the foreground until
 * the test has heard of it, and nobody waits for it.
 */
static void test_started(void **state)
{
	static const char url[] = "https://s.example/a?b='$(id)'&c=\"`d`\"";
	char fifo[300], heard[1024] = "";
	size_t length = 0;
	ssize_t got;
	int fd;

	(void)state;
	snprintf(fifo, sizeof(fifo), "%s/fifo", folder);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	setenv("PODPIS_PIN", "secret-pin", 1);
	setenv("FIFO", fifo, 1);
	install("#!/bin/sh\nexec >\"$FIFO\"\nprintf '%s\\n' \"$1\"\nenv | grep PODPIS_\n"
		"ls /proc/self/fd | wc -l\n");
	fd = open("/dev/null", O_RDONLY);
	assert_int_equal(opener_start(url), 0);
	close(fd);
	fd = open(fifo, O_RDONLY);
	while ((got = read(fd, heard + length, sizeof(heard) - 1 - length)) > 0)
		length += (size_t)got;
	close(fd);
	assert_memory_equal(heard, url, strlen(url));
	/* Its own three, and the folder that it lists; in a pipe. */
	assert_string_equal(heard + strlen(url), "\n4\n");
}

static void test_not_there(void **state)
{
	(void)state;
	setenv("PATH", "/nonexistent", 1);
	assert_int_equal(opener_start("https://s.example/"), ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_started),
		cmocka_unit_test(test_not_there),
	};

	return cmocka_run_group_tests_name("opener", tests, setup, teardown);
}
