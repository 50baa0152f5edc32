/* The gate: forks, C_Finalize under calls, and those who wait behind it. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/module_fixture.h"

static CK_SESSION_HANDLE parents_session;

static int use_after_fork(void)
{
	CK_SESSION_INFO info;
	CK_SESSION_HANDLE session = 0;
	CK_BYTE random[8];

	if (p11->C_GetSessionInfo(parents_session, &info) != CKR_CRYPTOKI_NOT_INITIALIZED ||
		p11->C_Finalize(NULL) != CKR_CRYPTOKI_NOT_INITIALIZED)
		return 1;
	if (p11->C_Initialize(NULL) != CKR_OK ||
		p11->C_Initialize(NULL) != CKR_CRYPTOKI_ALREADY_INITIALIZED)
		return 2;
	/* Clean: nobody's sessions. */
	if (p11->C_GetSessionInfo(parents_session, &info) != CKR_SESSION_HANDLE_INVALID)
		return 3;
	if (p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &session) != CKR_OK ||
		p11->C_GenerateRandom(session, random, sizeof(random)) != CKR_OK)
		return 4;
	pid_t grandchild = fork();
	if (grandchild == 0)
		_exit(p11->C_GetInfo(NULL) == CKR_CRYPTOKI_NOT_INITIALIZED ? 0 : 1);
	int status = -1;
	if (waitpid(grandchild, &status, 0) != grandchild || status != 0)
		return 5;
	return p11->C_Finalize(NULL) == CKR_OK ? 0 : 6;
}

static void forked(void **state)
{
	CK_SESSION_INFO info;

	(void)state;
	parents_session = fixture_session(true);
	fixture_in_child(use_after_fork);
	fixture_in_child(use_after_fork);
	assert_ok(p11->C_GetSessionInfo(parents_session, &info));
	assert_ok(p11->C_CloseSession(parents_session));
}

static CK_RV sign(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
	CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
	CK_BYTE data[32] = {1}, signature[64];
	CK_ULONG length = sizeof(signature);
	CK_RV rv = p11->C_SignInit(session, &ecdsa, key);

	return rv == CKR_OK ? p11->C_Sign(session, data, sizeof(data), signature, &length) : rv;
}

static atomic_bool enough;

/* The parent's threads: they hold locks at whatever moment the fork comes. */
static void *sign_until_enough(void *argument)
{
	CK_OBJECT_HANDLE *key = argument;
	CK_SESSION_HANDLE session = fixture_session(false);
	CK_RV rv = CKR_OK;

	while (rv == CKR_OK && !atomic_load(&enough))
		rv = sign(session, *key);
	p11->C_CloseSession(session);
	return (void *)(uintptr_t)rv;
}

static int sign_in_child(void)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE templ = {CKA_CLASS, &class, sizeof(class)};
	CK_SESSION_HANDLE session = 0;
	CK_OBJECT_HANDLE key = 0;
	CK_ULONG found = 0;

	if (p11->C_Initialize(NULL) != CKR_OK ||
		p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &session) != CKR_OK)
		return 1;
	if (p11->C_FindObjectsInit(session, &templ, 1) != CKR_OK ||
		p11->C_FindObjects(session, &key, 1, &found) != CKR_OK || found != 0)
		return 2;
	/* The parent's login is not the child's. */
	if (p11->C_FindObjectsFinal(session) != CKR_OK ||
		p11->C_Login(session, CKU_USER, (CK_UTF8CHAR *)FIXTURE_PIN, strlen(FIXTURE_PIN)) !=
			CKR_OK)
		return 3;
	if (p11->C_FindObjectsInit(session, &templ, 1) != CKR_OK ||
		p11->C_FindObjects(session, &key, 1, &found) != CKR_OK || found != 1 ||
		p11->C_FindObjectsFinal(session) != CKR_OK)
		return 4;
	return sign(session, key) == CKR_OK && p11->C_Finalize(NULL) == CKR_OK ? 0 : 5;
}

static void forked_while_signing(void **state)
{
#ifdef __SANITIZE_ADDRESS__
	/* GCC 12's AddressSanitizer does not hold its allocator's locks over a fork: a child may wait for ever. */
	skip();
#endif
	CK_SESSION_HANDLE session = fixture_user();
	struct fixture_pair pair = fixture_generate(session, FIXTURE_P256, true, NULL, 0);
	pthread_t threads[2];
	void *rv = NULL;

	(void)state;
	atomic_store(&enough, false);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, sign_until_enough, &pair.private_key), 0);
	for (int i = 0; i < 5; i++) {
		fixture_in_child(sign_in_child);
		assert_ok(sign(session, pair.private_key));
	}
	atomic_store(&enough, true);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(threads[i], &rv), 0);
		assert_int_equal((uintptr_t)rv, CKR_OK);
	}
	assert_ok(p11->C_CloseSession(session));
}

static void *wait_for_event(void *argument)
{
	CK_SLOT_ID slot = 99;

	(void)argument;
	return (void *)(uintptr_t)p11->C_WaitForSlotEvent(0, &slot, NULL);
}

static void waiting_is_ended_by_finalize(void **state)
{
	pthread_t threads[3];
	CK_SLOT_ID slot = 0;
	void *rv = NULL;

	(void)state;
	assert_rv(p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL), CKR_NO_EVENT);
	assert_rv(p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, NULL, NULL), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, &slot), CKR_ARGUMENTS_BAD);
	/* Whether a thread is in already or comes too late, the answer is the same. */
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, wait_for_event, NULL), 0);
	assert_ok(p11->C_Finalize(NULL));
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(pthread_join(threads[i], &rv), 0);
		assert_int_equal((uintptr_t)rv, CKR_CRYPTOKI_NOT_INITIALIZED);
	}
	assert_ok(p11->C_Initialize(NULL));
}

static void *call_until_closed(void *argument)
{
	CK_RV rv = CKR_OK;
	CK_BYTE random[16];

	(void)argument;
	while (rv != CKR_CRYPTOKI_NOT_INITIALIZED) {
		CK_SESSION_HANDLE session = 0;
		CK_TOKEN_INFO info;
		rv = p11->C_GetTokenInfo(0, &info);
		if (rv == CKR_OK)
			rv = p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &session);
		if (rv == CKR_OK)
			rv = p11->C_GenerateRandom(session, random, sizeof(random));
		if (rv == CKR_OK)
			rv = p11->C_CloseSession(session);
		if (rv != CKR_OK && rv != CKR_CRYPTOKI_NOT_INITIALIZED)
			return (void *)(uintptr_t)rv;
	}
	return NULL;
}

static void finalize_under_calls(void **state)
{
	pthread_t threads[4];
	void *rv = NULL;

	(void)state;
	for (int round = 0; round < 10; round++) {
		for (size_t i = 0; i < 4; i++)
			assert_int_equal(
				pthread_create(&threads[i], NULL, call_until_closed, NULL), 0);
		assert_ok(p11->C_Finalize(NULL));
		for (size_t i = 0; i < 4; i++) {
			assert_int_equal(pthread_join(threads[i], &rv), 0);
			assert_int_equal((uintptr_t)rv, 0);
		}
		assert_ok(p11->C_Initialize(NULL));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forked),
		cmocka_unit_test(forked_while_signing),
		cmocka_unit_test(waiting_is_ended_by_finalize),
		cmocka_unit_test(finalize_under_calls),
	};
	return cmocka_run_group_tests(tests, fixture_open_token, fixture_close);
}
