/* Random bytes, and seeds that applications give. */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/module_fixture.h"

static void random_bytes(void **state)
{
	CK_SESSION_HANDLE session = fixture_session(false);
	CK_BYTE a[32] = {0}, b[32] = {0};

	(void)state;
	assert_ok(p11->C_GenerateRandom(session, a, sizeof(a)));
	assert_ok(p11->C_GenerateRandom(session, b, sizeof(b)));
	assert_memory_not_equal(a, b, sizeof(a));
	assert_ok(p11->C_GenerateRandom(session, NULL, 0));
	assert_rv(p11->C_GenerateRandom(session, NULL, 1), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_GenerateRandom(session, a, (CK_ULONG)-1), CKR_ARGUMENTS_BAD);
	assert_ok(p11->C_CloseSession(session));
}

/* Through several of the session's stocks, requests of all sizes between each other. */
static void bytes_are_given_once(void **state)
{
	static const CK_BYTE zeros[16];
	CK_SESSION_HANDLE session = fixture_session(false);
	CK_BYTE drawn[200][16], other[1000];

	(void)state;
	for (size_t i = 0; i < 200; i++) {
		assert_ok(p11->C_GenerateRandom(session, other, i * 5));
		memset(drawn[i], 0, sizeof(drawn[i]));
		assert_ok(p11->C_GenerateRandom(session, drawn[i], sizeof(drawn[i])));
		assert_memory_not_equal(drawn[i], zeros, sizeof(zeros));
		for (size_t k = 0; k < i; k++)
			assert_memory_not_equal(drawn[i], drawn[k], sizeof(drawn[i]));
	}
	assert_ok(p11->C_CloseSession(session));
}

/* A child that was made past the fork handlers still takes the parent's module for its own. */
static void processes_share_no_bytes(void **state)
{
	CK_SESSION_HANDLE session = fixture_session(false);
	CK_BYTE ours[16], theirs[16];
	int pipes[2], status = -1;

	(void)state;
	assert_ok(p11->C_GenerateRandom(session, ours, sizeof(ours)));
	assert_int_equal(pipe(pipes), 0);
	pid_t child = _Fork();
	assert_true(child >= 0);
	if (child == 0) {
		CK_RV rv = p11->C_GenerateRandom(session, theirs, sizeof(theirs));
		if (rv == CKR_OK && write(pipes[1], theirs, sizeof(theirs)) == sizeof(theirs))
			_exit(0);
		_exit(1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(read(pipes[0], theirs, sizeof(theirs)), sizeof(theirs));
	assert_ok(p11->C_GenerateRandom(session, ours, sizeof(ours)));
	assert_memory_not_equal(ours, theirs, sizeof(ours));
	close(pipes[0]);
	close(pipes[1]);
	assert_ok(p11->C_CloseSession(session));
}

/* The same seed twice does not give the same bytes twice: it is mixed in, it replaces nothing. */
static void seeds(void **state)
{
	CK_SESSION_HANDLE session = fixture_session(false);
	CK_BYTE seed[48] = {1}, a[32] = {0}, b[32] = {0};

	(void)state;
	assert_ok(p11->C_SeedRandom(session, seed, sizeof(seed)));
	assert_ok(p11->C_GenerateRandom(session, a, sizeof(a)));
	assert_ok(p11->C_SeedRandom(session, seed, sizeof(seed)));
	assert_ok(p11->C_GenerateRandom(session, b, sizeof(b)));
	assert_memory_not_equal(a, b, sizeof(a));
	assert_ok(p11->C_SeedRandom(session, NULL, 0));
	assert_rv(p11->C_SeedRandom(session, NULL, 1), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_SeedRandom(session, seed, (CK_ULONG)-1), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_SeedRandom(0, seed, sizeof(seed)), CKR_SESSION_HANDLE_INVALID);
	assert_ok(p11->C_CloseSession(session));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_bytes),
		cmocka_unit_test(bytes_are_given_once),
		cmocka_unit_test(processes_share_no_bytes),
		cmocka_unit_test(seeds),
	};
	return cmocka_run_group_tests(tests, fixture_open_token, fixture_close);
}
