#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "module/support/secret.h"

static void keeps_its_bytes(void **state)
{
	static const size_t sizes[] = {0, 1, 31, 4095, 4096, 4097, 100000};
	struct secret *secret, *empty;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char *bytes = calloc(1, sizes[i] + 1);

		memset(bytes, 'k', sizes[i]);
		secret = secret_new(bytes, sizes[i]);
		empty = secret_new(NULL, sizes[i]);
		assert_non_null(secret);
		assert_non_null(empty);
		assert_int_equal(secret->length, sizes[i]);
		assert_memory_equal(secret->data, bytes, sizes[i] + 1);
		memset(bytes, 0, sizes[i]);
		assert_memory_equal(empty->data, bytes, sizes[i] + 1);
		secret_free(secret);
		secret_free(empty);
		free(bytes);
	}
	secret_free(NULL);
	assert_null(secret_new(NULL, SIZE_MAX));
}

static void compares(void **state)
{
	struct secret *a = secret_new("1234", 4), *b = secret_new("1234", 4);
	struct secret *c = secret_new("1235", 4), *d = secret_new("123", 3);

	(void)state;
	assert_true(secret_equal(a, b));
	assert_false(secret_equal(a, c));
	assert_false(secret_equal(a, d));
	secret_free(a);
	secret_free(b);
	secret_free(c);
	secret_free(d);
}

/* Freed pages are gone, not merely wiped: nothing can be read there. */
static void leaves_nothing_behind(void **state)
{
	struct secret *secret = secret_new("1234", 4);
	uint8_t *page = secret->data;
	unsigned char resident;

	(void)state;
	assert_int_equal(mincore(page, 1, &resident), 0);
	secret_free(secret);
	assert_int_not_equal(mincore(page, 1, &resident), 0);
}

/* A child sees zeros, of the same length, and may free what it inherited. */
static void children_inherit_nothing(void **state)
{
	struct secret *secret = secret_new("1234", 4);
	int status = -1;
	pid_t child;

	(void)state;
	child = fork();
	if (child == 0) {
		bool wiped = secret->length == 4 && memcmp(secret->data, "\0\0\0\0", 4) == 0;

		secret_free(secret);
		_exit(wiped ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_memory_equal(secret->data, "1234", 5);
	secret_free(secret);
}

/* Where nothing may be locked, secrets still work. */
static void works_unlocked(void **state)
{
	struct rlimit none = {0, 0};
	struct secret *secret;
	int status = -1;
	pid_t child;

	(void)state;
	child = fork();
	if (child == 0) {
		bool fine;

		setrlimit(RLIMIT_MEMLOCK, &none);
		secret = secret_new("1234", 4);
		fine = secret != NULL && memcmp(secret->data, "1234", 5) == 0;
		secret_free(secret);
		_exit(fine ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* Neither a dump nor another process sees this one, whatever the limit was; what it starts is free again. */
static void guards_a_process(void **state)
{
	struct rlimit limit;
	int status;
	pid_t child = fork();

	(void)state;
	assert_true(child >= 0);
	if (child == 0) {
		bool fine = getrlimit(RLIMIT_CORE, &limit) == 0;

		limit.rlim_cur = limit.rlim_max;
		fine = fine && setrlimit(RLIMIT_CORE, &limit) == 0 && secret_guard_process() &&
		       getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur == 0 &&
		       prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0;
		/* With the limit raised again it is still not dumped. */
		limit.rlim_cur = limit.rlim_max;
		if (!fine || setrlimit(RLIMIT_CORE, &limit) != 0)
			_exit(1);
		signal(SIGABRT, SIG_DFL);
		raise(SIGABRT);
		_exit(2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_false(WCOREDUMP(status));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_its_bytes),
		cmocka_unit_test(compares),
		cmocka_unit_test(leaves_nothing_behind),
		cmocka_unit_test(children_inherit_nothing),
		cmocka_unit_test(works_unlocked),
		cmocka_unit_test(guards_a_process),
	};

	return cmocka_run_group_tests_name("secret", tests, NULL, NULL);
}
