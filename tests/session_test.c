/* Sessions, their states and handles, and logins. */
#include <string.h>

#include "tests/module_fixture.h"

#define PIN    (CK_UTF8CHAR *)FIXTURE_PIN, strlen(FIXTURE_PIN)
#define SO_PIN (CK_UTF8CHAR *)FIXTURE_SO_PIN, strlen(FIXTURE_SO_PIN)

static CK_STATE state_of(CK_SESSION_HANDLE session)
{
	CK_SESSION_INFO info;
	assert_ok(p11->C_GetSessionInfo(session, &info));
	assert_int_equal(info.slotID, 0);
	return info.state;
}

static void opening(void **state)
{
	CK_SESSION_HANDLE session = 0;
	CK_TOKEN_INFO info;

	(void)state;
	assert_rv(p11->C_OpenSession(0, CKF_RW_SESSION, NULL, NULL, &session),
		CKR_SESSION_PARALLEL_NOT_SUPPORTED);
	assert_rv(p11->C_OpenSession(77, CKF_SERIAL_SESSION, NULL, NULL, &session),
		CKR_SLOT_ID_INVALID);
	assert_rv(p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, NULL), CKR_ARGUMENTS_BAD);
	CK_SESSION_HANDLE ro = fixture_session(false), rw = fixture_session(true);
	assert_true(ro != 0 && rw != 0 && ro != rw);
	assert_int_equal(state_of(ro), CKS_RO_PUBLIC_SESSION);
	assert_int_equal(state_of(rw), CKS_RW_PUBLIC_SESSION);
	assert_ok(p11->C_GetTokenInfo(0, &info));
	assert_int_equal(info.ulSessionCount, 2);
	assert_int_equal(info.ulRwSessionCount, 1);
	assert_ok(p11->C_CloseSession(ro));
	assert_rv(p11->C_CloseSession(ro), CKR_SESSION_HANDLE_INVALID);
	assert_rv(p11->C_CloseSession(0), CKR_SESSION_HANDLE_INVALID);
	assert_rv(p11->C_CloseSession((CK_SESSION_HANDLE)-1), CKR_SESSION_HANDLE_INVALID);
	assert_rv(p11->C_GetSessionInfo(rw, NULL), CKR_ARGUMENTS_BAD);
	/* A closed session's handle does not become another's. */
	CK_SESSION_HANDLE again = fixture_session(false);
	assert_int_not_equal(again, ro);
	assert_ok(p11->C_CloseAllSessions(0));
	assert_rv(p11->C_CloseSession(rw), CKR_SESSION_HANDLE_INVALID);
	assert_rv(p11->C_CloseSession(again), CKR_SESSION_HANDLE_INVALID);
	assert_ok(p11->C_GetTokenInfo(0, &info));
	assert_int_equal(info.ulSessionCount + info.ulRwSessionCount, 0);
}

static void user_login(void **state)
{
	CK_SESSION_HANDLE ro = fixture_session(false), rw = fixture_session(true);
	CK_UTF8CHAR name[] = "somebody";

	(void)state;
	assert_rv(p11->C_Login(ro, 3, PIN), CKR_USER_TYPE_INVALID);
	assert_rv(p11->C_Login(ro, CKU_USER, NULL, 0), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_Login(ro, CKU_USER, NULL, 6), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_Login(ro, CKU_USER, (CK_UTF8CHAR *)"654321", 6), CKR_PIN_INCORRECT);
	assert_rv(p11->C_Logout(ro), CKR_USER_NOT_LOGGED_IN);
	assert_rv(p11->C_LoginUser(ro, CKU_USER, PIN, name, 8), CKR_FUNCTION_NOT_SUPPORTED);
	assert_ok(p11->C_LoginUser(ro, CKU_USER, PIN, NULL, 0));
	assert_rv(p11->C_Login(rw, CKU_USER, PIN), CKR_USER_ALREADY_LOGGED_IN);
	assert_rv(p11->C_Login(rw, CKU_SO, SO_PIN), CKR_USER_ANOTHER_ALREADY_LOGGED_IN);
	assert_int_equal(state_of(ro), CKS_RO_USER_FUNCTIONS);
	assert_int_equal(state_of(rw), CKS_RW_USER_FUNCTIONS);
	/* Later sessions, too; closing one of them logs nobody out. */
	CK_SESSION_HANDLE later = fixture_session(false);
	assert_int_equal(state_of(later), CKS_RO_USER_FUNCTIONS);
	assert_ok(p11->C_CloseSession(ro));
	assert_int_equal(state_of(rw), CKS_RW_USER_FUNCTIONS);
	assert_ok(p11->C_Logout(later));
	assert_int_equal(state_of(rw), CKS_RW_PUBLIC_SESSION);
	assert_ok(p11->C_Login(rw, CKU_USER, PIN));
	/* Closing the last does. */
	assert_ok(p11->C_CloseAllSessions(0));
	rw = fixture_session(true);
	assert_int_equal(state_of(rw), CKS_RW_PUBLIC_SESSION);
	assert_ok(p11->C_CloseSession(rw));
}

static void so_login(void **state)
{
	CK_SESSION_HANDLE ro = fixture_session(false), rw = fixture_session(true), other = 0;
	CK_UTF8CHAR label[32];

	(void)state;
	memset(label, ' ', sizeof(label));
	assert_rv(p11->C_Login(rw, CKU_SO, SO_PIN), CKR_SESSION_READ_ONLY_EXISTS);
	assert_rv(p11->C_Login(ro, CKU_SO, SO_PIN), CKR_SESSION_READ_ONLY_EXISTS);
	assert_ok(p11->C_CloseSession(ro));
	assert_rv(p11->C_InitPIN(rw, PIN), CKR_USER_NOT_LOGGED_IN);
	assert_ok(p11->C_Login(rw, CKU_SO, SO_PIN));
	assert_int_equal(state_of(rw), CKS_RW_SO_FUNCTIONS);
	assert_rv(p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &other),
		CKR_SESSION_READ_WRITE_SO_EXISTS);
	assert_rv(p11->C_Login(rw, CKU_USER, PIN), CKR_USER_ANOTHER_ALREADY_LOGGED_IN);
	assert_rv(p11->C_InitToken(0, SO_PIN, label), CKR_SESSION_EXISTS);
	assert_ok(p11->C_CloseSession(rw));
}

static void pin_changes(void **state)
{
	CK_UTF8CHAR next[] = "abcdef";
	CK_SESSION_HANDLE ro = fixture_session(false), rw = fixture_session(true);

	(void)state;
	assert_rv(p11->C_SetPIN(ro, PIN, next, 6), CKR_SESSION_READ_ONLY);
	assert_rv(p11->C_SetPIN(rw, next, 6, next, 6), CKR_PIN_INCORRECT);
	assert_rv(p11->C_SetPIN(rw, NULL, 0, next, 6), CKR_ARGUMENTS_BAD);
	assert_ok(p11->C_SetPIN(rw, PIN, next, 6));
	assert_ok(p11->C_Login(rw, CKU_USER, next, 6));
	assert_ok(p11->C_SetPIN(rw, next, 6, PIN));
	assert_ok(p11->C_CloseAllSessions(0));
}

/* The SO changes his own PIN, and nobody else's; only he sets the user's. */
static void so_pin_changes(void **state)
{
	CK_UTF8CHAR next[] = "next so pin";
	CK_SESSION_HANDLE rw = fixture_session(true);

	(void)state;
	assert_ok(p11->C_Login(rw, CKU_USER, PIN));
	assert_rv(p11->C_InitPIN(rw, PIN), CKR_USER_NOT_LOGGED_IN);
	assert_rv(p11->C_SetPIN(rw, SO_PIN, next, 11), CKR_PIN_INCORRECT);
	assert_ok(p11->C_Logout(rw));
	assert_ok(p11->C_Login(rw, CKU_SO, SO_PIN));
	assert_rv(p11->C_SetPIN(rw, PIN, next, 11), CKR_PIN_INCORRECT);
	assert_ok(p11->C_SetPIN(rw, SO_PIN, next, 11));
	/* The login goes on. */
	assert_int_equal(state_of(rw), CKS_RW_SO_FUNCTIONS);
	assert_ok(p11->C_InitPIN(rw, PIN));
	assert_ok(p11->C_Logout(rw));
	assert_rv(p11->C_Login(rw, CKU_SO, SO_PIN), CKR_PIN_INCORRECT);
	assert_ok(p11->C_Login(rw, CKU_SO, next, 11));
	assert_ok(p11->C_SetPIN(rw, next, 11, SO_PIN));
	assert_ok(p11->C_Logout(rw));
	assert_ok(p11->C_Login(rw, CKU_USER, PIN));
	assert_ok(p11->C_CloseSession(rw));
}

static void token_init_arguments(void **state)
{
	CK_UTF8CHAR label[32];

	(void)state;
	memset(label, ' ', sizeof(label));
	assert_rv(p11->C_InitToken(0, NULL, 8, label), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_InitToken(0, SO_PIN, NULL), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_InitToken(5, SO_PIN, label), CKR_SLOT_ID_INVALID);
	assert_rv(p11->C_InitToken(0, PIN, label), CKR_PIN_INCORRECT);
}

static void unsupported_functions(void **state)
{
	CK_SESSION_HANDLE session = fixture_session(false);
	CK_ULONG length = 0;
	CK_BYTE byte = 0;

	(void)state;
	assert_rv(p11->C_GetFunctionStatus(session), CKR_FUNCTION_NOT_PARALLEL);
	assert_rv(p11->C_CancelFunction(session), CKR_FUNCTION_NOT_PARALLEL);
	assert_rv(p11->C_MessageSignInit(session, NULL, 0), CKR_FUNCTION_NOT_SUPPORTED);
	assert_rv(p11->C_MessageSignInit(session + 1, NULL, 0), CKR_SESSION_HANDLE_INVALID);
	assert_rv(p11->C_WrapKey(session, NULL, 0, 0, NULL, &length), CKR_FUNCTION_NOT_SUPPORTED);
	assert_rv(p11->C_GetOperationState(session, NULL, &length), CKR_OPERATION_NOT_INITIALIZED);
	assert_rv(p11->C_SetOperationState(session, &byte, 1, 0, 0), CKR_SAVED_STATE_INVALID);
	assert_ok(p11->C_CloseSession(session));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opening),
		cmocka_unit_test(user_login),
		cmocka_unit_test(so_login),
		cmocka_unit_test(pin_changes),
		cmocka_unit_test(so_pin_changes),
		cmocka_unit_test(token_init_arguments),
		cmocka_unit_test(unsupported_functions),
	};
	return cmocka_run_group_tests(tests, fixture_open_token, fixture_close);
}
