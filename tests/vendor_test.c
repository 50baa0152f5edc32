/* The vendor interface: how it is found, and what it answers to calls that can't be right. */
#include "tests/vault_fixture.h"

static const PODPIS_VAULT_FUNCTIONS *vault;

static int open_empty(void **state)
{
	fixture_open(state);
	vault = vault_functions(p11);
	return 0;
}

static void found_by_name_alone(void **state)
{
	CK_UTF8CHAR name[] = PODPIS_VAULT_INTERFACE;
	CK_VERSION own = {1, 0}, other = {1, 1};
	CK_INTERFACE list[8], *interface = NULL;
	CK_ULONG count = 8, found = 0;

	(void)state;
	assert_ok(p11->C_GetInterface(name, NULL, &interface, 0));
	assert_ptr_equal(interface->pFunctionList, vault);
	assert_int_equal(vault->version.major, 1);
	assert_rv(p11->C_GetInterface(name, &other, &interface, 0), CKR_ARGUMENTS_BAD);
	/* Who names none means the standard's, also with a version that only this one has. */
	assert_ok(p11->C_GetInterface(NULL, NULL, &interface, 0));
	assert_ptr_equal(interface->pFunctionList, p11);
	assert_rv(p11->C_GetInterface(NULL, &own, &interface, 0), CKR_ARGUMENTS_BAD);
	assert_ok(p11->C_GetInterfaceList(list, &count));
	assert_ptr_equal(list[0].pFunctionList, p11);
	for (CK_ULONG i = 0; i < count; i++)
		found += list[i].pFunctionList == vault;
	assert_int_equal(found, 1);
}

static void arguments(void **state)
{
	CK_UTF8CHAR pin[] = FIXTURE_PIN;
	struct findings findings;
	PODPIS_VAULT_REPORT *report = findings_begin(&findings);

	(void)state;
	assert_rv(vault->check(0, NULL), CKR_ARGUMENTS_BAD);
	assert_rv(vault->backup(0, NULL, report), CKR_ARGUMENTS_BAD);
	assert_rv(vault->backup(0, "x", NULL), CKR_ARGUMENTS_BAD);
	assert_rv(vault->restore(0, NULL, CKU_USER, pin, 6, 0, report), CKR_ARGUMENTS_BAD);
	assert_rv(vault->restore(0, "x", CKU_USER, NULL, 0, 0, report), CKR_ARGUMENTS_BAD);
	assert_rv(vault->restore(0, "x", CKU_USER, pin, 6, 4, report), CKR_ARGUMENTS_BAD);
	assert_rv(vault->restore(0, "x", CKU_CONTEXT_SPECIFIC, pin, 6, 0, report),
		CKR_USER_TYPE_INVALID);
	assert_rv(vault->check(7, report), CKR_SLOT_ID_INVALID);
	assert_string_equal(findings.text, "");
}

static void no_vault_yet(void **state)
{
	struct findings findings;

	(void)state;
	assert_rv(vault->check(0, findings_begin(&findings)), CKR_TOKEN_NOT_RECOGNIZED);
	assert_rv(vault->backup(0, in_folder("backup"), findings_begin(&findings)),
		CKR_TOKEN_NOT_RECOGNIZED);
	assert_int_equal(access(in_folder("backup"), F_OK), -1);
}

static void broken_slot(void **state)
{
	struct findings findings;

	(void)state;
	fixture_configure("[slot first]\nstore = nothing-of-the-kind\n");
	fixture_restart();
	assert_rv(vault->check(0, findings_begin(&findings)), CKR_TOKEN_NOT_PRESENT);
	fixture_configure_module("");
	fixture_restart();
}

static void sessions_hinder_a_restore(void **state)
{
	CK_UTF8CHAR pin[] = FIXTURE_PIN, label[32] = "token";
	struct findings findings;

	(void)state;
	assert_ok(p11->C_InitToken(0, pin, 6, label));
	CK_SESSION_HANDLE session = fixture_session(false);
	assert_rv(vault->restore(
			  0, in_folder("none"), CKU_USER, pin, 6, 0, findings_begin(&findings)),
		CKR_SESSION_EXISTS);
	assert_ok(p11->C_CloseSession(session));
	assert_rv(vault->restore(
			  0, in_folder("none"), CKU_USER, pin, 6, 0, findings_begin(&findings)),
		CKR_PODPIS_FILE);
	assert_non_null(strstr(findings.text, "No such file"));
}

static void through_the_gate(void **state)
{
	struct findings findings;

	(void)state;
	assert_ok(p11->C_Finalize(NULL));
	assert_rv(vault->check(0, findings_begin(&findings)), CKR_CRYPTOKI_NOT_INITIALIZED);
	assert_rv(vault->backup(0, "x", findings_begin(&findings)), CKR_CRYPTOKI_NOT_INITIALIZED);
	assert_ok(p11->C_Initialize(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(found_by_name_alone),
		cmocka_unit_test(arguments),
		cmocka_unit_test(no_vault_yet),
		cmocka_unit_test(broken_slot),
		cmocka_unit_test(sessions_hinder_a_restore),
		cmocka_unit_test(through_the_gate),
	};

	return cmocka_run_group_tests(tests, open_empty, fixture_close);
}
