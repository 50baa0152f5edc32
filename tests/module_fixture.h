/*
 * module_fixture: the module as an application meets it, with a vault of its own, for the unit tests of
 * module/cryptoki. The module is opened by its path (PODPIS_TEST_MODULE), nothing of it is linked.
 *
 * Everything lies in a temporary folder that fixture_close removes.
 */
#ifndef PODPIS_TESTS_MODULE_FIXTURE_H
#define PODPIS_TESTS_MODULE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "module/support/pkcs11.h"

#define FIXTURE_PIN    "123456"
#define FIXTURE_SO_PIN "87654321"
#define FIXTURE_LABEL  "fixture"

extern CK_FUNCTION_LIST_3_0 *p11;

/* A group's setup and teardown. fixture_open: module loaded and initialised, slot 0 an empty file. */
int fixture_open(void **state);
/* The same, with the token initialised, the user's PIN set; nobody logged in. */
int fixture_open_token(void **state);
int fixture_close(void **state);

/* Initialises the token in slot 0 and sets the user's PIN. */
void fixture_make_token(void);

/* The folder, and a configuration to take effect with the next C_Initialize. */
const char *fixture_dir(void);
void fixture_configure(const char *text);
/* The folder's configuration with `module_lines` in [module]. */
void fixture_configure_module(const char *module_lines);
/* C_Finalize and C_Initialize. */
void fixture_restart(void);
/* Opens the module's functions anew, without C_Initialize. */
CK_FUNCTION_LIST_3_0 *fixture_load(void);

/* Runs `story` in a forked child; it has to end with 0. */
void fixture_in_child(int (*story)(void));

CK_SESSION_HANDLE fixture_session(bool rw);
/* A read-write session with the user logged in; the caller closes it (which logs out, if it is the last). */
CK_SESSION_HANDLE fixture_user(void);

/* What a key generation gives. */
struct fixture_pair {
	CK_OBJECT_HANDLE public_key, private_key;
};
enum fixture_kind { FIXTURE_RSA, FIXTURE_P256, FIXTURE_P384, FIXTURE_ED25519 };
/* `token`: on the token, else in the session. All uses are allowed; `more` are private attributes on top. */
struct fixture_pair fixture_generate(CK_SESSION_HANDLE session, enum fixture_kind kind, bool token,
	const CK_ATTRIBUTE *more, CK_ULONG count);

CK_ULONG fixture_get_ulong(
	CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type);
bool fixture_get_bool(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type);
/* Returns the length. */
CK_ULONG fixture_get(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
	void *out, CK_ULONG size);

#define assert_rv(call, expected) assert_int_equal((call), (expected))
#define assert_ok(call)           assert_rv((call), CKR_OK)

#endif
