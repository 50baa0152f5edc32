/* Random bytes, and seeds that applications give. */
#include <string.h>

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
		cmocka_unit_test(seeds),
	};
	return cmocka_run_group_tests(tests, fixture_open_token, fixture_close);
}
