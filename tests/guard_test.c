/*
 * Wrong PINs: ten lock, whoever tries and from however many processes; every process sees the same flags; what
 * one role locks, the other opens.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/module_fixture.h"

#define PROCESSES 6
#define TRIES     10 /* that lock */

static CK_RV log_in(CK_SESSION_HANDLE session, CK_USER_TYPE user, const char *pin)
{
	return p11->C_Login(session, user, (CK_UTF8CHAR *)(uintptr_t)pin, strlen(pin));
}

static CK_FLAGS flags(void)
{
	CK_TOKEN_INFO info;

	assert_ok(p11->C_GetTokenInfo(0, &info));
	return info.flags &
	       (CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED |
		       CKF_SO_PIN_COUNT_LOW | CKF_SO_PIN_FINAL_TRY | CKF_SO_PIN_LOCKED);
}

/* A process that tries a wrong PIN until it is locked out. Returns how often the PIN was called wrong. */
static int guess(CK_USER_TYPE user)
{
	CK_SESSION_HANDLE session = 0;
	int wrong = 0;
	CK_RV rv = p11->C_Initialize(NULL);

	if (rv == CKR_OK)
		rv = p11->C_OpenSession(
			0, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session);
	if (rv != CKR_OK)
		return 100;
	while ((rv = log_in(session, user, "wrong")) == CKR_PIN_INCORRECT)
		wrong++;
	return rv == CKR_PIN_LOCKED ? wrong : 101;
}

/* All at once. The module is not initialised here meanwhile, so that the children can. */
static int guess_in_processes(CK_USER_TYPE user)
{
	pid_t children[PROCESSES];
	int status, wrong = 0;

	for (unsigned i = 0; i < PROCESSES; i++) {
		children[i] = fork();
		assert_true(children[i] >= 0);
		if (children[i] == 0)
			_exit(guess(user));
	}
	for (unsigned i = 0; i < PROCESSES; i++) {
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_true(WIFEXITED(status));
		assert_in_range(WEXITSTATUS(status), 0, TRIES);
		wrong += WEXITSTATUS(status);
	}
	return wrong;
}

/* A child tries once; the flags here change without a new C_Initialize. */
static void others_tries_are_seen(void **state)
{
	int status;

	(void)state;
	assert_int_equal(flags(), 0);
	for (int tries = 1; tries <= 3; tries++) {
		pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			CK_SESSION_HANDLE session = 0;
			CK_RV rv = p11->C_Initialize(NULL);
			if (rv == CKR_OK)
				rv = p11->C_OpenSession(
					0, CKF_SERIAL_SESSION, NULL, NULL, &session);
			if (rv == CKR_OK)
				rv = log_in(session, CKU_USER, "wrong");
			_exit(rv == CKR_PIN_INCORRECT ? 0 : 1);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
		assert_int_equal(flags(), CKF_USER_PIN_COUNT_LOW);
	}
	CK_SESSION_HANDLE session = fixture_user();
	assert_int_equal(flags(), 0);
	assert_ok(p11->C_CloseSession(session));
}

static void nine_are_not_ten(void **state)
{
	(void)state;
	CK_SESSION_HANDLE session = fixture_session(true);
	for (int tries = 1; tries < TRIES; tries++) {
		assert_rv(log_in(session, CKU_USER, "wrong"), CKR_PIN_INCORRECT);
		assert_int_equal(flags(),
			tries < TRIES - 1 ? CKF_USER_PIN_COUNT_LOW
					  : CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY);
	}
	assert_ok(log_in(session, CKU_USER, FIXTURE_PIN));
	assert_int_equal(flags(), 0);
	assert_ok(p11->C_CloseSession(session));
}

static void ten_lock_the_user(void **state)
{
	static CK_UTF8CHAR new_pin[] = "new-pin";

	(void)state;
	assert_ok(p11->C_Finalize(NULL));
	assert_int_equal(guess_in_processes(CKU_USER), TRIES);
	assert_ok(p11->C_Initialize(NULL));
	assert_int_equal(flags(), CKF_USER_PIN_LOCKED);
	CK_SESSION_HANDLE session = fixture_session(true);
	assert_rv(log_in(session, CKU_USER, FIXTURE_PIN), CKR_PIN_LOCKED);
	assert_rv(p11->C_SetPIN(session, (CK_UTF8CHAR *)FIXTURE_PIN, strlen(FIXTURE_PIN), new_pin,
			  sizeof(new_pin) - 1),
		CKR_PIN_LOCKED);
	assert_ok(log_in(session, CKU_SO, FIXTURE_SO_PIN));
	assert_ok(p11->C_InitPIN(session, new_pin, sizeof(new_pin) - 1));
	assert_ok(p11->C_Logout(session));
	assert_int_equal(flags(), 0);
	assert_ok(log_in(session, CKU_USER, (char *)new_pin));
	assert_ok(p11->C_CloseSession(session));
}

static void ten_lock_the_so(void **state)
{
	CK_UTF8CHAR label[32];

	(void)state;
	assert_ok(p11->C_Finalize(NULL));
	assert_int_equal(guess_in_processes(CKU_SO), TRIES);
	assert_ok(p11->C_Initialize(NULL));
	assert_int_equal(flags(), CKF_SO_PIN_LOCKED);
	CK_SESSION_HANDLE session = fixture_session(true);
	assert_rv(log_in(session, CKU_SO, FIXTURE_SO_PIN), CKR_PIN_LOCKED);
	/* The user goes on. */
	assert_ok(log_in(session, CKU_USER, "new-pin"));
	assert_ok(p11->C_CloseSession(session));
	/* Nobody empties what he can't open. */
	memset(label, ' ', sizeof(label));
	assert_rv(p11->C_InitToken(0, (CK_UTF8CHAR *)FIXTURE_SO_PIN, strlen(FIXTURE_SO_PIN), label),
		CKR_PIN_LOCKED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(others_tries_are_seen),
		cmocka_unit_test(nine_are_not_ten),
		cmocka_unit_test(ten_lock_the_user),
		cmocka_unit_test(ten_lock_the_so),
	};

	return cmocka_run_group_tests_name("guard", tests, fixture_open_token, fixture_close);
}
