/* C_Initialize and C_Finalize in every way, forks, exits, and the interfaces. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "tests/module_fixture.h"

static CK_RV mutex_create(void **mutex)
{
	(void)mutex;
	return CKR_GENERAL_ERROR;
}

static CK_RV mutex_use(void *mutex)
{
	(void)mutex;
	return CKR_GENERAL_ERROR;
}

static void arguments(void **state)
{
	static const struct {
		bool functions, half;
		CK_FLAGS flags;
		void *reserved;
		CK_RV rv;
	} cases[] = {
		{false, false, 0, NULL, CKR_OK},
		{false, false, CKF_OS_LOCKING_OK, NULL, CKR_OK},
		{false, false, CKF_LIBRARY_CANT_CREATE_OS_THREADS, NULL, CKR_OK},
		{true, false, CKF_OS_LOCKING_OK | CKF_LIBRARY_CANT_CREATE_OS_THREADS, NULL, CKR_OK},
		{true, false, 0, NULL, CKR_CANT_LOCK},
		{true, true, CKF_OS_LOCKING_OK, NULL, CKR_ARGUMENTS_BAD},
		{true, true, 0, NULL, CKR_ARGUMENTS_BAD},
		{false, false, 0, "reserved", CKR_ARGUMENTS_BAD},
	};

	(void)state;
	assert_ok(p11->C_Finalize(NULL));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CK_C_INITIALIZE_ARGS arguments = {
			.flags = cases[i].flags, .pReserved = cases[i].reserved};
		if (cases[i].functions) {
			arguments.CreateMutex = mutex_create;
			arguments.LockMutex = mutex_use;
		}
		if (cases[i].functions && !cases[i].half) {
			arguments.DestroyMutex = mutex_use;
			arguments.UnlockMutex = mutex_use;
		}
		assert_rv(p11->C_Initialize(&arguments), cases[i].rv);
		if (cases[i].rv == CKR_OK) {
			assert_rv(p11->C_Initialize(NULL), CKR_CRYPTOKI_ALREADY_INITIALIZED);
			assert_ok(p11->C_Finalize(NULL));
		}
		assert_rv(p11->C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
	}
	assert_rv(p11->C_GetInfo(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
	assert_rv(p11->C_GetSlotList(1, NULL, NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
	assert_rv(p11->C_MessageSignInit(1, NULL, 1), CKR_CRYPTOKI_NOT_INITIALIZED);
	assert_ok(p11->C_Initialize(NULL));
	assert_rv(p11->C_Finalize(&p11), CKR_ARGUMENTS_BAD);
}

static void interfaces(void **state)
{
	CK_INTERFACE list[4], *interface = NULL;
	CK_ULONG count = 0;
	CK_UTF8CHAR name[] = "PKCS 11", other[] = "PKCS 12";
	CK_VERSION v240 = {2, 40}, v30 = {3, 0}, v31 = {3, 1};
	CK_FUNCTION_LIST *functions = NULL;

	(void)state;
	assert_rv(p11->C_GetInterfaceList(NULL, NULL), CKR_ARGUMENTS_BAD);
	assert_ok(p11->C_GetInterfaceList(NULL, &count));
	assert_int_equal(count, 4);
	count = 2;
	assert_rv(p11->C_GetInterfaceList(list, &count), CKR_BUFFER_TOO_SMALL);
	assert_int_equal(count, 4);
	assert_ok(p11->C_GetInterfaceList(list, &count));
	for (CK_ULONG i = 0; i < 2; i++)
		assert_string_equal((char *)list[i].pInterfaceName, "PKCS 11");

	assert_ok(p11->C_GetInterface(NULL, NULL, &interface, 0));
	assert_ptr_equal(interface->pFunctionList, p11);
	assert_ok(p11->C_GetInterface(name, NULL, &interface, 0));
	assert_ptr_equal(interface->pFunctionList, p11);
	assert_ok(p11->C_GetInterface(name, &v30, &interface, 0));
	assert_ptr_equal(interface->pFunctionList, p11);
	assert_ok(p11->C_GetInterface(name, &v240, &interface, 0));
	assert_ok(p11->C_GetFunctionList(&functions));
	assert_ptr_equal(interface->pFunctionList, functions);
	assert_int_equal(functions->version.major, 2);
	assert_int_equal(functions->version.minor, 40);
	assert_rv(p11->C_GetInterface(name, &v31, &interface, 0), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_GetInterface(other, NULL, &interface, 0), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_GetInterface(name, NULL, &interface, CKF_INTERFACE_FORK_SAFE),
		CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_GetInterface(name, NULL, NULL, 0), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_GetFunctionList(NULL), CKR_ARGUMENTS_BAD);

	/* No hole in either table, and the same functions in both. */
	void *const *old = (void *const *)&functions->C_Initialize;
	void *const *new = (void *const *)&p11->C_Initialize;
	for (size_t i = 0; i < (sizeof(*functions) - sizeof(void *)) / sizeof(void *); i++) {
		assert_non_null(old[i]);
		assert_ptr_equal(old[i], new[i]);
	}
	for (size_t i = 0; i < (sizeof(*p11) - sizeof(void *)) / sizeof(void *); i++)
		assert_non_null(new[i]);
}

static void info(void **state)
{
	CK_INFO info;
	CK_SLOT_INFO slot;
	CK_SLOT_ID ids[4];
	CK_ULONG count = 0;

	(void)state;
	assert_ok(p11->C_GetInfo(&info));
	assert_int_equal(info.cryptokiVersion.major, 3);
	assert_memory_equal(info.manufacturerID, "Podpis                          ", 32);
	assert_rv(p11->C_GetInfo(NULL), CKR_ARGUMENTS_BAD);
	assert_ok(p11->C_GetSlotList(CK_TRUE, NULL, &count));
	assert_int_equal(count, 1);
	count = 0;
	assert_rv(p11->C_GetSlotList(CK_TRUE, ids, &count), CKR_BUFFER_TOO_SMALL);
	assert_int_equal(count, 1);
	count = 4;
	assert_ok(p11->C_GetSlotList(CK_TRUE, ids, &count));
	assert_int_equal(count, 1);
	assert_int_equal(ids[0], 0);
	assert_ok(p11->C_GetSlotInfo(0, &slot));
	assert_memory_equal(slot.slotDescription, "first     ", 10);
	assert_int_equal(slot.flags, CKF_TOKEN_PRESENT);
	assert_rv(p11->C_GetSlotInfo(1, &slot), CKR_SLOT_ID_INVALID);
	assert_rv(p11->C_GetTokenInfo(0, NULL), CKR_ARGUMENTS_BAD);
}

/* A section that can't be used keeps its slot, and the others theirs. */
static void broken_slots(void **state)
{
	char text[1024];
	CK_SLOT_ID ids[8];
	CK_ULONG count = 8;
	CK_SLOT_INFO slot;
	CK_TOKEN_INFO token;
	CK_SESSION_HANDLE session = 0;

	(void)state;
	snprintf(text, sizeof(text),
		"[slot nonsense]\nstore = drawer\n[slot good]\nstore = vault\npath = %s/good.db\n"
		"[slot spoiled]\nstore = vault\ncolour = blue\n[slot last]\nstore = vault\n"
		"path = %s/last.db\n",
		fixture_dir(), fixture_dir());
	fixture_configure(text);
	setenv("PODPIS_LOG", "error:/dev/null", 1);
	fixture_restart();
	assert_ok(p11->C_GetSlotList(CK_FALSE, ids, &count));
	assert_int_equal(count, 4);
	for (CK_ULONG i = 0; i < count; i++)
		assert_int_equal(ids[i], i);
	count = 8;
	assert_ok(p11->C_GetSlotList(CK_TRUE, ids, &count));
	assert_int_equal(count, 2);
	assert_int_equal(ids[0], 1);
	assert_int_equal(ids[1], 3);
	assert_ok(p11->C_GetSlotInfo(0, &slot));
	assert_int_equal(slot.flags & CKF_TOKEN_PRESENT, 0);
	assert_memory_equal(slot.slotDescription, "nonsense ", 9);
	assert_rv(p11->C_GetTokenInfo(0, &token), CKR_TOKEN_NOT_PRESENT);
	assert_rv(p11->C_OpenSession(2, CKF_SERIAL_SESSION, NULL, NULL, &session),
		CKR_TOKEN_NOT_PRESENT);
	assert_ok(p11->C_GetTokenInfo(3, &token));
	unsetenv("PODPIS_LOG");
	fixture_configure_module("");
	fixture_restart();
}

static void no_configuration_at_all(void **state)
{
	CK_ULONG count = 0;
	CK_TOKEN_INFO token;
	char *path = strdup(getenv("PODPIS_CONFIG"));

	(void)state;
	assert_non_null(path);
	unsetenv("PODPIS_CONFIG");
	fixture_restart();
	assert_ok(p11->C_GetSlotList(CK_TRUE, NULL, &count));
	assert_int_equal(count, 1);
	assert_ok(p11->C_GetTokenInfo(0, &token));
	assert_int_equal(token.flags & CKF_TOKEN_INITIALIZED, 0);
	setenv("PODPIS_CONFIG", path, 1);
	free(path);
	fixture_restart();
}

static void sha1_switched_off(void **state)
{
	CK_MECHANISM_TYPE list[64];
	CK_MECHANISM_INFO info;
	CK_ULONG count = 64;

	(void)state;
	assert_ok(p11->C_GetMechanismInfo(0, CKM_SHA1_RSA_PKCS, &info));
	assert_int_equal(info.flags, CKF_SIGN | CKF_VERIFY);
	assert_int_equal(info.ulMinKeySize, 1024);
	assert_rv(p11->C_GetMechanismInfo(0, CKM_AES_CBC, &info), CKR_MECHANISM_INVALID);
	fixture_configure_module("sha1 = no");
	fixture_restart();
	assert_rv(p11->C_GetMechanismInfo(0, CKM_SHA1_RSA_PKCS, &info), CKR_MECHANISM_INVALID);
	assert_ok(p11->C_GetMechanismInfo(0, CKM_SHA256_RSA_PKCS, &info));
	assert_ok(p11->C_GetMechanismList(0, list, &count));
	for (CK_ULONG i = 0; i < count; i++) {
		assert_int_not_equal(list[i], CKM_SHA1_RSA_PKCS);
		assert_int_not_equal(list[i], CKM_ECDSA_SHA1);
		assert_ok(p11->C_GetMechanismInfo(0, list[i], &info));
	}
	count = 3;
	assert_rv(p11->C_GetMechanismList(0, list, &count), CKR_BUFFER_TOO_SMALL);
	assert_true(count > 20);
	fixture_configure_module("");
	fixture_restart();
}

static int after_openssl_cleanup(void)
{
	CK_SESSION_HANDLE session = 0, other = 0;
	CK_MECHANISM digest = {CKM_SHA256, NULL, 0};
	CK_SESSION_INFO info;
	CK_BYTE out[32];
	CK_ULONG length = sizeof(out);
	CK_OBJECT_HANDLE object = 0;
	CK_ULONG count = 0;

	if (p11->C_Initialize(NULL) != CKR_OK)
		return 1;
	if (p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &session) != CKR_OK ||
		p11->C_DigestInit(session, &digest) != CKR_OK ||
		p11->C_DigestUpdate(session, out, 1) != CKR_OK)
		return 2;
	OPENSSL_cleanup();
	if (p11->C_DigestFinal(session, out, &length) != CKR_GENERAL_ERROR ||
		p11->C_DigestInit(session, &digest) != CKR_GENERAL_ERROR ||
		p11->C_GenerateRandom(session, out, 32) != CKR_GENERAL_ERROR ||
		p11->C_Login(session, CKU_USER, out, 8) != CKR_GENERAL_ERROR ||
		p11->C_FindObjectsInit(session, NULL, 0) != CKR_GENERAL_ERROR ||
		p11->C_FindObjects(session, &object, 1, &count) != CKR_OPERATION_NOT_INITIALIZED)
		return 3;
	if (p11->C_GetSessionInfo(session, &info) != CKR_OK ||
		p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &other) != CKR_OK ||
		p11->C_CloseSession(session) != CKR_OK || p11->C_CloseAllSessions(0) != CKR_OK)
		return 4;
	if (p11->C_Finalize(NULL) != CKR_OK)
		return 5;
	return p11->C_Initialize(NULL) == CKR_GENERAL_ERROR ? 0 : 6;
}

/* With everything alive that OpenSSL has a hand in: a login, a decoded key, an operation of each kind under way. */
static int after_openssl_cleanup_with_a_key(void)
{
	CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0}, digest = {CKM_SHA256, NULL, 0};
	CK_BYTE data[32] = {1}, signature[64];
	CK_ULONG length = sizeof(signature);
	CK_ATTRIBUTE label = {CKA_LABEL, data, sizeof(data)};
	CK_OBJECT_HANDLE object = 0;

	if (p11->C_Initialize(NULL) != CKR_OK)
		return 1;
	CK_SESSION_HANDLE session = fixture_user();
	struct fixture_pair pair = fixture_generate(session, FIXTURE_P256, true, NULL, 0);
	if (p11->C_SignInit(session, &ecdsa, pair.private_key) != CKR_OK ||
		p11->C_Sign(session, data, 32, signature, &length) != CKR_OK ||
		p11->C_SignInit(session, &ecdsa, pair.private_key) != CKR_OK ||
		p11->C_VerifyInit(session, &ecdsa, pair.public_key) != CKR_OK ||
		p11->C_DigestInit(session, &digest) != CKR_OK ||
		p11->C_FindObjectsInit(session, NULL, 0) != CKR_OK)
		return 2;
	OPENSSL_cleanup();
	if (p11->C_Sign(session, data, 32, signature, &length) != CKR_GENERAL_ERROR ||
		p11->C_Verify(session, data, 32, signature, 64) != CKR_GENERAL_ERROR ||
		p11->C_Digest(session, data, 32, data, &length) != CKR_GENERAL_ERROR ||
		p11->C_SignInit(session, &ecdsa, pair.private_key) != CKR_GENERAL_ERROR ||
		p11->C_GetAttributeValue(session, pair.public_key, &label, 1) !=
			CKR_GENERAL_ERROR ||
		p11->C_CopyObject(session, pair.public_key, NULL, 0, &object) !=
			CKR_GENERAL_ERROR ||
		p11->C_DestroyObject(session, pair.public_key) != CKR_GENERAL_ERROR ||
		p11->C_SetPIN(session, data, 6, data, 6) != CKR_GENERAL_ERROR)
		return 3;
	if (p11->C_FindObjectsFinal(session) != CKR_OK || p11->C_Logout(session) != CKR_OK ||
		p11->C_CloseSession(session) != CKR_OK)
		return 4;
	return p11->C_Finalize(NULL) == CKR_OK ? 0 : 5;
}

static void openssl_ended_first(void **state)
{
	(void)state;
	fixture_make_token();
	fixture_in_child(after_openssl_cleanup);
	fixture_in_child(after_openssl_cleanup_with_a_key);
}

static CK_RV at_exit_rv = CKR_GENERAL_ERROR;

static void finalize_at_exit(void)
{
	CK_SESSION_HANDLE session = 0;

	if (p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &session) == CKR_OK &&
		p11->C_CloseAllSessions(0) == CKR_OK)
		at_exit_rv = p11->C_Finalize(NULL);
	_exit(at_exit_rv == CKR_OK ? 0 : 9);
}

/* exit() proper in the child: OpenSSL's own exit handler runs before the one that was there first. */
static int finalize_in_exit_handler(void)
{
	if (atexit(finalize_at_exit) != 0 || p11->C_Initialize(NULL) != CKR_OK)
		return 1;
	exit(8);
}

static int exit_without_finalize(void)
{
	CK_SESSION_HANDLE session = 0;

	if (p11->C_Initialize(NULL) != CKR_OK ||
		p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &session) != CKR_OK)
		return 1;
	fflush(NULL);
	exit(0);
}

static void exits(void **state)
{
	(void)state;
	fixture_in_child(finalize_in_exit_handler);
	fixture_in_child(exit_without_finalize);
}

static int load_again(void)
{
	const char *path = getenv("PODPIS_TEST_MODULE");
	CK_RV (*initialize)(void *arguments) = NULL;

	for (int i = 0; i < 3; i++) {
		void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
		if (library == NULL)
			return 1;
		*(void **)&initialize = dlsym(library, "C_Initialize");
		if (initialize == NULL || initialize(NULL) != CKR_OK)
			return 2;
		/* Once unloaded while in use, as some hosts do. */
		if (i != 1 && p11->C_Finalize(NULL) != CKR_OK)
			return 3;
		if (dlclose(library) != 0)
			return 4;
		if (i == 1 && p11->C_Finalize(NULL) != CKR_OK)
			return 5;
	}
	return 0;
}

static void unloaded_and_loaded_again(void **state)
{
	(void)state;
	fixture_in_child(load_again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arguments),
		cmocka_unit_test(interfaces),
		cmocka_unit_test(info),
		cmocka_unit_test(broken_slots),
		cmocka_unit_test(no_configuration_at_all),
		cmocka_unit_test(sha1_switched_off),
		cmocka_unit_test(openssl_ended_first),
		cmocka_unit_test(exits),
		cmocka_unit_test(unloaded_and_loaded_again),
	};
	return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
