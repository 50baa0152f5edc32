/* Searches, session objects' lives, and profiles. */
#include <string.h>

#include "tests/module_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static CK_OBJECT_CLASS data_class = CKO_DATA;
static CK_BBOOL yes = CK_TRUE;

static CK_ULONG find(CK_SESSION_HANDLE session, CK_ATTRIBUTE *templ, CK_ULONG count,
	CK_OBJECT_HANDLE *out, CK_ULONG max)
{
	CK_ULONG found = 0;

	assert_ok(p11->C_FindObjectsInit(session, templ, count));
	assert_ok(p11->C_FindObjects(session, out, max, &found));
	assert_ok(p11->C_FindObjectsFinal(session));
	return found;
}

static void searching(void **state)
{
	CK_SESSION_HANDLE session = fixture_user();
	CK_OBJECT_HANDLE made[6], found[16];
	CK_ULONG count = 0;

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		CK_BBOOL token = i % 2 == 0;
		CK_ATTRIBUTE templ[] = {{CKA_CLASS, &data_class, sizeof(data_class)},
			{CKA_TOKEN, &token, 1}, {CKA_LABEL, "name", 4},
			{CKA_APPLICATION, "app", i < 3 ? 3 : 0}};
		assert_ok(p11->C_CreateObject(session, templ, 4, &made[i]));
	}
	CK_ATTRIBUTE label = {CKA_LABEL, "name", 4}, application = {CKA_APPLICATION, "app", 3};
	CK_ATTRIBUTE both[] = {{CKA_LABEL, "name", 4}, {CKA_APPLICATION, "", 0}};
	CK_ATTRIBUTE on_token[] = {{CKA_LABEL, "name", 4}, {CKA_TOKEN, &yes, 1}};
	CK_ATTRIBUTE dated[] = {{CKA_LABEL, "name", 4}, {CKA_START_DATE, "", 0}};
	assert_int_equal(find(session, &label, 1, found, 16), 6);
	assert_int_equal(find(session, &application, 1, found, 16), 3);
	assert_int_equal(find(session, both, 2, found, 16), 3);
	assert_int_equal(find(session, on_token, 2, found, 16), 3);
	/* Data objects have no dates, not even empty ones. */
	assert_int_equal(find(session, dated, 2, found, 16), 0);
	label.ulValueLen = 3;
	assert_int_equal(find(session, &label, 1, found, 16), 0);
	label.ulValueLen = 4;

	/* In parts, each once. */
	assert_ok(p11->C_FindObjectsInit(session, &label, 1));
	assert_rv(p11->C_FindObjectsInit(session, &label, 1), CKR_OPERATION_ACTIVE);
	assert_ok(p11->C_FindObjects(session, found, 4, &count));
	assert_int_equal(count, 4);
	assert_ok(p11->C_FindObjects(session, found + 4, 12, &count));
	assert_int_equal(count, 2);
	for (size_t i = 0; i < 6; i++)
		for (size_t k = 0; k < i; k++)
			assert_int_not_equal(found[i], found[k]);
	assert_ok(p11->C_FindObjects(session, found, 4, &count));
	assert_int_equal(count, 0);
	assert_rv(p11->C_FindObjects(session, NULL, 4, &count), CKR_ARGUMENTS_BAD);
	assert_ok(p11->C_FindObjectsFinal(session));
	assert_rv(p11->C_FindObjectsFinal(session), CKR_OPERATION_NOT_INITIALIZED);
	assert_rv(p11->C_FindObjects(session, found, 4, &count), CKR_OPERATION_NOT_INITIALIZED);
	assert_rv(p11->C_FindObjectsInit(session, NULL, 1), CKR_ARGUMENTS_BAD);

	/* Session objects are seen by other sessions, and go with theirs. */
	CK_SESSION_HANDLE other = fixture_session(false);
	assert_int_equal(find(other, &label, 1, found, 16), 6);
	assert_ok(p11->C_CloseSession(session));
	assert_int_equal(find(other, &label, 1, found, 16), 3);
	assert_ok(p11->C_CloseSession(other));
	session = fixture_user();
	assert_int_equal(find(session, &label, 1, found, 16), 3);
	for (size_t i = 0; i < 3; i++)
		assert_ok(p11->C_DestroyObject(session, found[i]));
	assert_ok(p11->C_CloseSession(session));
}

static void classes_that_there_are_none_of(void **state)
{
	static CK_OBJECT_CLASS classes[] = {
		0xce534351, 0xce534353, 0xce534354, 0xb, CKO_HW_FEATURE};
	CK_SESSION_HANDLE session = fixture_session(false);
	CK_OBJECT_HANDLE found[4];

	(void)state;
	for (size_t i = 0; i < COUNT(classes); i++) {
		CK_ATTRIBUTE class = {CKA_CLASS, &classes[i], sizeof(classes[i])};
		assert_int_equal(find(session, &class, 1, found, 4), 0);
	}
	assert_ok(p11->C_CloseSession(session));
}

static void profiles(void **state)
{
	CK_OBJECT_CLASS profile = CKO_PROFILE;
	CK_ATTRIBUTE class = {CKA_CLASS, &profile, sizeof(profile)}, label = {CKA_LABEL, "x", 1};
	CK_SESSION_HANDLE session = fixture_user();
	CK_OBJECT_HANDLE found[8], copy = 0;
	CK_ULONG ids = 0;

	(void)state;
	assert_int_equal(find(session, &class, 1, found, 8), 3);
	for (size_t i = 0; i < 3; i++) {
		assert_true(fixture_get_bool(session, found[i], CKA_TOKEN));
		ids |= 1UL << fixture_get_ulong(session, found[i], CKA_PROFILE_ID);
		assert_rv(p11->C_DestroyObject(session, found[i]), CKR_ACTION_PROHIBITED);
		assert_rv(p11->C_SetAttributeValue(session, found[i], &label, 1),
			CKR_ACTION_PROHIBITED);
		assert_rv(p11->C_CopyObject(session, found[i], NULL, 0, &copy),
			CKR_ACTION_PROHIBITED);
	}
	assert_int_equal(ids, 1UL << CKP_BASELINE_PROVIDER | 1UL << CKP_AUTHENTICATION_TOKEN |
				      1UL << CKP_PUBLIC_CERTIFICATES_TOKEN);
	assert_ok(p11->C_CloseSession(session));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(searching),
		cmocka_unit_test(classes_that_there_are_none_of),
		cmocka_unit_test(profiles),
	};
	return cmocka_run_group_tests(tests, fixture_open_token, fixture_close);
}
