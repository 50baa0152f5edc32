/* The token store, through the module, with a module inside that misbehaves (misbehaving_module.c). */
#include "tests/reader_fixture.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define THEIR_ERROR  (CKR_VENDOR_DEFINED | 0x123)
#define SLOT_SECOND  0x10000 /* its second */

static CK_ULONG list(bool present, CK_SLOT_ID *slots, CK_ULONG room)
{
	CK_ULONG there = 0;
	assert_ok(p11->C_GetSlotList(present, NULL, &there));
	assert_true(there <= room);
	assert_ok(p11->C_GetSlotList(present, slots, &there));
	return there;
}

/* ---- what works goes through */

static void nothing_is_loaded_by_c_initialize(void **state)
{
	(void)state;
	int initialized = reader_count("misbehaving_initialized");
	fixture_restart();
	assert_int_equal(reader_count("misbehaving_initialized"), initialized);
	assert_true(reader_vault_lives());
	assert_int_equal(reader_count("misbehaving_initialized"), initialized);
	assert_true(reader_is_present(SLOT));
	assert_int_equal(reader_count("misbehaving_initialized"), initialized + 1);
}

static void slot_is_ours_token_is_theirs(void **state)
{
	CK_SLOT_INFO slot;
	CK_TOKEN_INFO token;

	(void)state;
	assert_ok(p11->C_GetSlotInfo(SLOT, &slot));
	assert_memory_equal(slot.slotDescription, "reader        ", 14);
	assert_int_equal(slot.flags, CKF_HW_SLOT | CKF_REMOVABLE_DEVICE | CKF_TOKEN_PRESENT);
	assert_ok(p11->C_GetTokenInfo(SLOT, &token));
	assert_memory_equal(token.label, "theirs          ", 16);
	assert_int_equal(token.ulMaxPinLen, 77);
}

static void sessions_and_slots_are_mapped_nothing_else(void **state)
{
	CK_MECHANISM_TYPE type = 0;
	CK_MECHANISM_INFO mechanism_info;
	CK_SESSION_INFO info;
	CK_ULONG count_ = 1, value[2] = {0, 0}, length = 9;
	CK_OBJECT_HANDLE object = 0;
	CK_MECHANISM mechanism = {CKM_VENDOR_DEFINED | 8, NULL, 0};
	CK_BYTE data[8] = "abcdefg", out[8] = "";
	CK_ATTRIBUTE attribute = {CKA_VENDOR_DEFINED | 5, value, sizeof(value)};

	(void)state;
	assert_ok(p11->C_GetMechanismList(SLOT, &type, &count_));
	assert_int_equal(type, CKM_VENDOR_DEFINED | 7);
	assert_ok(p11->C_GetMechanismInfo(SLOT, type, &mechanism_info));
	assert_int_equal(mechanism_info.ulMinKeySize, 40);
	assert_int_equal(mechanism_info.ulMaxKeySize, type);

	CK_SESSION_HANDLE session = reader_open();
	assert_ok(p11->C_GetSessionInfo(session, &info));
	assert_int_equal(info.slotID, SLOT);
	assert_int_equal(info.state, CKS_RO_USER_FUNCTIONS);
	assert_int_equal(info.ulDeviceError, 99);
	assert_ok(p11->C_GetAttributeValue(session, 4711, &attribute, 1));
	assert_int_equal(value[0], CKA_VENDOR_DEFINED | 5);
	assert_int_equal(value[1], 4711);
	assert_ok(p11->C_GenerateKey(session, &mechanism, NULL, 0, &object));
	assert_int_equal(object, CKM_VENDOR_DEFINED | 8);
	assert_ok(p11->C_WrapKey(session, &mechanism, 3, 14, NULL, &length));
	assert_int_equal(length, 3014);
	assert_rv(p11->C_WrapKey(session, &mechanism, 3, 14, out, &length), THEIR_ERROR);
	assert_ok(p11->C_GetOperationState(session, out, &length));
	assert_ok(p11->C_SetOperationState(session, out, length, 11, 12));
	assert_rv(p11->C_SetOperationState(session, out, length, 12, 11), THEIR_ERROR);
	length = sizeof(out);
	assert_ok(p11->C_SignMessage(session, NULL, 0, data, 7, out, &length));
	assert_memory_equal(out, "gfedcba", 7);
	assert_ok(p11->C_LoginUser(session, CKU_USER, NULL, 0, (CK_UTF8CHAR *)"name", 4));
	/* A reader with keys of its own asks for the PIN: none is passed. */
	assert_ok(p11->C_Login(session, CKU_USER, NULL, 0));
	/* What the module lacks. */
	assert_rv(p11->C_SignInit(session, &mechanism, 1), CKR_FUNCTION_NOT_SUPPORTED);
	assert_rv(p11->C_MessageSignFinal(session), CKR_FUNCTION_NOT_SUPPORTED);
	assert_ok(p11->C_CloseSession(session));
	assert_rv(p11->C_CloseSession(session), CKR_SESSION_HANDLE_INVALID);
	assert_rv(p11->C_GetAttributeValue(session, 1, &attribute, 1), CKR_SESSION_HANDLE_INVALID);
}

static void the_hosts_flags_are_handed_on(void **state)
{
	CK_C_INITIALIZE_ARGS arguments = {
		.flags = CKF_OS_LOCKING_OK | CKF_LIBRARY_CANT_CREATE_OS_THREADS};

	(void)state;
	assert_true(reader_is_present(SLOT));
	const CK_FLAGS *flags = (const CK_FLAGS *)reader_counter("misbehaving_flags");
	assert_non_null(flags);
	assert_int_equal(*flags, CKF_OS_LOCKING_OK);
	assert_ok(p11->C_Finalize(NULL));
	assert_ok(p11->C_Initialize(&arguments));
	assert_true(reader_is_present(SLOT));
	assert_int_equal(*flags, arguments.flags);
}

static void close_all_closes_only_ours(void **state)
{
	CK_SESSION_HANDLE theirs = 0, ours[3];
	CK_FUNCTION_LIST *functions = NULL;
	CK_SESSION_INFO info;
	CK_C_GetFunctionList get;

	(void)state;
	for (size_t i = 0; i < COUNT(ours); i++)
		ours[i] = reader_open();
	void *library = dlopen(getenv("PODPIS_TEST_INNER"), RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
	*(void **)&get = dlsym(library, "C_GetFunctionList");
	assert_ok(get(&functions));
	assert_ok(functions->C_OpenSession(40, CKF_SERIAL_SESSION, NULL, NULL, &theirs));
	assert_ok(p11->C_CloseAllSessions(SLOT));
	for (size_t i = 0; i < COUNT(ours); i++)
		assert_rv(p11->C_GetSessionInfo(ours[i], &info), CKR_SESSION_HANDLE_INVALID);
	assert_ok(functions->C_GetSessionInfo(theirs, &info));
	dlclose(library);
}

/* ---- which token */

static void the_uri_names_one_token(void **state)
{
	CK_SLOT_ID slots[4];
	CK_SESSION_HANDLE session = 0;
	CK_BYTE byte;

	(void)state;
	reader_tell("slots=3");
	reader_configure("token = pkcs11:serial=1");
	assert_int_equal(list(false, slots, COUNT(slots)), 2);
	session = reader_open();
	assert_ok(p11->C_GenerateRandom(session, &byte, 1));
	/* In another reader. */
	reader_tell("slots=3 token-in=0");
	assert_true(reader_is_present(SLOT));
	assert_ok(reader_open_rv(SLOT, &session));
	/* Another one in its place: no session, so that no PIN gets there. */
	reader_tell("slots=3 token-in=0 serial=2");
	assert_false(reader_is_present(SLOT));
	assert_rv(reader_open_rv(SLOT, &session), CKR_TOKEN_NOT_PRESENT);
	assert_int_equal(list(true, slots, COUNT(slots)), 1);
	reader_tell("slots=3");
	assert_ok(reader_open_rv(SLOT, &session));
}

static void new_readers_get_slots_of_their_own(void **state)
{
	CK_SLOT_ID slots[5];

	(void)state;
	assert_int_equal(list(false, slots, COUNT(slots)), 2);
	reader_tell("slots=3");
	assert_int_equal(list(false, slots, COUNT(slots)), 4);
	assert_int_equal(slots[0], SLOT);
	assert_int_equal(slots[1], SLOT_SECOND);
	assert_int_equal(slots[2], 2 * SLOT_SECOND);
	assert_int_equal(slots[3], VAULT);
	assert_false(reader_is_present(SLOT));
	assert_true(reader_is_present(2 * SLOT_SECOND));
	/* They stay when the readers go. */
	reader_tell("slots=1");
	assert_int_equal(list(false, slots, COUNT(slots)), 4);
	assert_true(reader_is_present(SLOT));
	assert_false(reader_is_present(2 * SLOT_SECOND));
}

static void two_slots_share_one_module(void **state)
{
	char more[600];
	int initialized = reader_count("misbehaving_initialized"),
	    finalized = reader_count("misbehaving_finalized");

	(void)state;
	snprintf(more, sizeof(more),
		"[slot again]\nstore = token\nmodule = %s/link.so\ntoken = pkcs11:serial=1\n",
		fixture_dir());
	char path[300];
	snprintf(path, sizeof(path), "%s/link.so", fixture_dir());
	assert_int_equal(symlink(getenv("PODPIS_TEST_INNER"), path), 0);
	reader_configure(more);
	CK_SESSION_HANDLE first = reader_open(), second = 0;
	assert_ok(reader_open_rv(1, &second));
	assert_int_not_equal(first, second);
	assert_int_equal(reader_count("misbehaving_initialized"), initialized + 1);
	assert_ok(p11->C_CloseAllSessions(1));
	CK_SESSION_INFO info;
	assert_ok(p11->C_GetSessionInfo(first, &info));
	assert_int_equal(info.slotID, SLOT);
	fixture_restart();
	assert_int_equal(reader_count("misbehaving_finalized"), finalized + 1);
	assert_int_equal(unlink(path), 0);
}

/* ---- modules that can't be used */

static void a_module_that_fails_leaves_the_others_alone(void **state)
{
	static const char *const ways[] = {"fail", "abort"};
	CK_SLOT_ID slots[4];
	CK_SESSION_HANDLE session;

	(void)state;
	for (size_t i = 0; i < COUNT(ways); i++) {
		reader_tell(ways[i]);
		fixture_restart();
		assert_int_equal(list(false, slots, COUNT(slots)), 2);
		assert_int_equal(list(true, slots, COUNT(slots)), 1);
		assert_int_equal(slots[0], VAULT);
		assert_true(reader_vault_lives());
		assert_rv(reader_open_rv(SLOT, &session), CKR_DEVICE_ERROR);
		/* The next use recovers. */
		reader_tell("");
		assert_ok(reader_open_rv(SLOT, &session));
	}
}

/* Takes as long as the module's patience. */
static void a_module_that_hangs_leaves_the_others_alone(void **state)
{
	(void)state;
	reader_tell("hang");
	fixture_restart();
	assert_false(reader_is_present(SLOT));
	assert_true(reader_vault_lives());
	/* It is not waited for again at once. */
	reader_tell("");
	assert_false(reader_is_present(SLOT));
	fixture_restart();
	assert_true(reader_is_present(SLOT));
}

static void what_is_no_module_is_named(void **state)
{
	static const struct {
		const char *module, *cause;
	} rows[] = {
		{"/nonexistent/module.so", "No such file"},
		{"libm.so.6", "no C_GetFunctionList"},
		{"copy.so", "it is Podpis itself"},
		{"self.so", "it is Podpis itself"},
		{"p11-kit-proxy.so", "proxy"},
	};
	char path[300], text[1000], line[1000];

	(void)state;
	snprintf(path, sizeof(path), "%s/self.so", fixture_dir());
	assert_int_equal(symlink(getenv("PODPIS_TEST_MODULE"), path), 0);
	snprintf(text, sizeof(text), "cp %s %s/copy.so", getenv("PODPIS_TEST_MODULE"),
		fixture_dir());
	assert_int_equal(system(text), 0);
	for (size_t i = 0; i < COUNT(rows); i++) {
		bool ours = strcmp(rows[i].cause, "it is Podpis itself") == 0, found = false;
		snprintf(text, sizeof(text), "[slot bad]\nstore = token\nmodule = %s%s%s\n",
			ours ? fixture_dir() : "", ours ? "/" : "", rows[i].module);
		fixture_configure(text);
		fixture_restart();
		assert_false(reader_is_present(SLOT));
		snprintf(path, sizeof(path), "%s/log", fixture_dir());
		FILE *file = fopen(path, "r");
		assert_non_null(file);
		while (fgets(line, sizeof(line), file) != NULL)
			found = found || (strstr(line, rows[i].module) != NULL &&
						 strstr(line, rows[i].cause) != NULL);
		fclose(file);
		if (!found)
			fail_msg("%s: not told", rows[i].module);
	}
}

static void a_module_that_calls_back_gets_an_answer(void **state)
{
	(void)state;
	reader_tell("calls-back");
	fixture_restart();
	assert_true(reader_is_present(SLOT));
}

/* ---- whose the module is */

static CK_FUNCTION_LIST *host_loads(void)
{
	CK_FUNCTION_LIST *functions = NULL;
	CK_C_GetFunctionList get;
	void *library = dlopen(getenv("PODPIS_TEST_INNER"), RTLD_NOW | RTLD_LOCAL);

	assert_non_null(library);
	*(void **)&get = dlsym(library, "C_GetFunctionList");
	assert_ok(get(&functions));
	dlclose(library);
	return functions;
}

static void the_hosts_module_is_not_finalized(void **state)
{
	CK_FUNCTION_LIST *host = host_loads();
	CK_INFO info;

	(void)state;
	assert_ok(p11->C_Finalize(NULL));
	assert_ok(host->C_Initialize(NULL));
	assert_ok(p11->C_Initialize(NULL));
	CK_SESSION_HANDLE session = reader_open();
	fixture_restart();
	assert_ok(host->C_GetInfo(&info));
	/* The host ends it while we use it: sessions are gone, the next use recovers. */
	session = reader_open();
	assert_ok(host->C_Finalize(NULL));
	CK_BYTE byte;
	assert_rv(p11->C_GenerateRandom(session, &byte, 1), CKR_SESSION_HANDLE_INVALID);
	assert_rv(p11->C_CloseSession(session), CKR_SESSION_HANDLE_INVALID);
	session = reader_open();
	assert_ok(p11->C_GenerateRandom(session, &byte, 1));
	/* Found out by a slot's function. */
	assert_ok(host->C_Finalize(NULL));
	assert_true(reader_is_present(SLOT));
	/* Now it is ours to end. */
	int finalized = reader_count("misbehaving_finalized");
	fixture_restart();
	assert_int_equal(reader_count("misbehaving_finalized"), finalized + 1);
}

static void a_child_starts_clean(void **state)
{
	CK_SESSION_HANDLE session = reader_open();
	int status = -1, initialized = reader_count("misbehaving_initialized");
	CK_BYTE byte;

	(void)state;
	pid_t child = fork();
	if (child == 0) {
		bool good =
			p11->C_GenerateRandom(session, &byte, 1) == CKR_CRYPTOKI_NOT_INITIALIZED &&
			p11->C_Initialize(NULL) == CKR_OK &&
			p11->C_GenerateRandom(session, &byte, 1) == CKR_SESSION_HANDLE_INVALID &&
			reader_open_rv(SLOT, &session) == CKR_OK &&
			p11->C_GenerateRandom(session, &byte, 1) == CKR_OK &&
			reader_count("misbehaving_initialized") == initialized + 1;
		_exit(good ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_ok(p11->C_GenerateRandom(session, &byte, 1));
}

/* ---- tokens come and go */

static void a_removed_token_takes_its_sessions_along(void **state)
{
	CK_SESSION_HANDLE session = reader_open(), second = reader_open();
	CK_BYTE byte;

	(void)state;
	reader_tell("removed");
	assert_rv(p11->C_GenerateRandom(session, &byte, 1), CKR_DEVICE_REMOVED);
	reader_tell("");
	assert_rv(p11->C_GenerateRandom(session, &byte, 1), CKR_SESSION_HANDLE_INVALID);
	/* The module gives both its handles anew: the old ones must not come back to life. */
	CK_SESSION_HANDLE fresh[] = {reader_open(), reader_open()};
	for (size_t i = 0; i < COUNT(fresh); i++)
		assert_ok(p11->C_GenerateRandom(fresh[i], &byte, 1));
	assert_rv(p11->C_GenerateRandom(session, &byte, 1), CKR_SESSION_HANDLE_INVALID);
	assert_rv(p11->C_GenerateRandom(second, &byte, 1), CKR_SESSION_HANDLE_INVALID);
}

static void events_are_told_once(void **state)
{
	CK_SLOT_ID slot = 99;

	(void)state;
	assert_rv(p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL), CKR_NO_EVENT);
	reader_tell("none");
	assert_ok(p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL));
	assert_int_equal(slot, SLOT);
	assert_false(reader_is_present(SLOT));
	assert_rv(p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL), CKR_NO_EVENT);
	reader_tell("");
	assert_ok(p11->C_WaitForSlotEvent(0, &slot, NULL));
	assert_int_equal(slot, SLOT);
}

static void *wait_for_event(void *context)
{
	CK_SLOT_ID slot;
	*(CK_RV *)context = p11->C_WaitForSlotEvent(0, &slot, NULL);
	return NULL;
}

static void finalize_ends_the_wait(void **state)
{
	CK_RV rv = CKR_OK;
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, wait_for_event, &rv), 0);
	/* The thread may come after it, too: the answer is the same. */
	assert_ok(p11->C_Finalize(NULL));
	pthread_join(thread, NULL);
	assert_rv(rv, CKR_CRYPTOKI_NOT_INITIALIZED);
	assert_ok(p11->C_Initialize(NULL));
}

/* ---- a real one */

#define SOFTHSM "/usr/lib/softhsm/libsofthsm2.so"

static void configure_softhsm(const char *tokens)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/softhsm.conf", fixture_dir());
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file, "directories.tokendir = %s\nlog.level = ERROR\n", tokens);
	assert_int_equal(fclose(file), 0);
	setenv("SOFTHSM2_CONF", path, 1);
	fixture_configure(
		"[slot soft]\nstore = token\nmodule = " SOFTHSM "\n"
		"[slot same]\nstore = token\nmodule = " SOFTHSM "\ntoken = pkcs11:token=soft\n"
		"[slot absent]\nstore = token\nmodule = " SOFTHSM
		"\ntoken = pkcs11:token=nobody\n");
	fixture_restart();
}

static void init_softhsm(void)
{
	CK_UTF8CHAR label[32];
	CK_SESSION_HANDLE session = 0;

	memset(label, ' ', sizeof(label));
	memcpy(label, "soft", 4);
	assert_ok(p11->C_InitToken(SLOT, (CK_UTF8CHAR *)FIXTURE_SO_PIN, 8, label));
	assert_ok(p11->C_OpenSession(
		SLOT, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session));
	assert_ok(p11->C_Login(session, CKU_SO, (CK_UTF8CHAR *)FIXTURE_SO_PIN, 8));
	assert_ok(p11->C_InitPIN(session, (CK_UTF8CHAR *)FIXTURE_PIN, 6));
	assert_ok(p11->C_CloseSession(session));
}

static CK_RV sign_rv(CK_SESSION_HANDLE session)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE templ = {CKA_CLASS, &class, sizeof(class)};
	CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
	CK_BYTE digest[32] = {1}, signature[64];
	CK_ULONG length = sizeof(signature), found = 0;
	CK_OBJECT_HANDLE key = 0;
	CK_RV rv = p11->C_FindObjectsInit(session, &templ, 1);

	if (rv == CKR_OK)
		rv = p11->C_FindObjects(session, &key, 1, &found);
	if (rv == CKR_OK)
		rv = p11->C_FindObjectsFinal(session);
	if (rv == CKR_OK)
		rv = found == 1 ? p11->C_SignInit(session, &mechanism, key) : CKR_KEY_CHANGED;
	return rv != CKR_OK ? rv : p11->C_Sign(session, digest, sizeof(digest), signature, &length);
}

/* SoftHSM alone would not see the token any more, and not say so (quirks.c). */
static void softhsm_comes_back(void **state)
{
	char path[300], away[300];
	CK_SESSION_HANDLE session = 0;
	CK_SESSION_INFO info;
	CK_RV rv = CKR_OK;

	(void)state;
	if (access(SOFTHSM, R_OK) != 0)
		skip();
	snprintf(path, sizeof(path), "%s/tokens", fixture_dir());
	snprintf(away, sizeof(away), "%s/away", fixture_dir());
	assert_int_equal(mkdir(path, 0700), 0);
	configure_softhsm(path);
	assert_true(reader_is_present(SLOT));
	init_softhsm();
	session = fixture_user();
	fixture_generate(session, FIXTURE_P256, true, NULL, 0);
	for (int i = 0; i < 3; i++) {
		assert_ok(sign_rv(session));
		/* Left to itself, through another slot. */
		CK_SESSION_HANDLE idle;
		assert_ok(reader_open_rv(1, &idle));
		assert_int_equal(rename(path, away), 0);
		/* A search may find nothing for a moment; then the token is known to be gone. */
		for (int tries = 0; tries < 5000; tries++)
			if ((rv = sign_rv(session)) != CKR_KEY_CHANGED)
				break;
		assert_rv(rv, CKR_DEVICE_REMOVED);
		assert_rv(p11->C_GetSessionInfo(session, &info), CKR_SESSION_HANDLE_INVALID);
		assert_false(reader_is_present(SLOT));
		assert_int_not_equal(reader_open_rv(SLOT, &session), CKR_OK);
		assert_int_equal(rename(away, path), 0);
		session = fixture_user();
	}
	/* Looking for a token that is not there ends nobody's sessions. */
	assert_false(reader_is_present(2));
	assert_ok(sign_rv(session));
	assert_ok(p11->C_CloseSession(session));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(nothing_is_loaded_by_c_initialize, reader_before),
		cmocka_unit_test_setup(slot_is_ours_token_is_theirs, reader_before),
		cmocka_unit_test_setup(sessions_and_slots_are_mapped_nothing_else, reader_before),
		cmocka_unit_test_setup(the_hosts_flags_are_handed_on, reader_before),
		cmocka_unit_test_setup(close_all_closes_only_ours, reader_before),
		cmocka_unit_test_setup(the_uri_names_one_token, reader_before),
		cmocka_unit_test_setup(new_readers_get_slots_of_their_own, reader_before),
		cmocka_unit_test_setup(two_slots_share_one_module, reader_before),
		cmocka_unit_test_setup(a_module_that_fails_leaves_the_others_alone, reader_before),
		cmocka_unit_test_setup(a_module_that_hangs_leaves_the_others_alone, reader_before),
		cmocka_unit_test_setup(what_is_no_module_is_named, reader_before),
		cmocka_unit_test_setup(a_module_that_calls_back_gets_an_answer, reader_before),
		cmocka_unit_test_setup(the_hosts_module_is_not_finalized, reader_before),
		cmocka_unit_test_setup(a_child_starts_clean, reader_before),
		cmocka_unit_test_setup(a_removed_token_takes_its_sessions_along, reader_before),
		cmocka_unit_test_setup(events_are_told_once, reader_before),
		cmocka_unit_test_setup(finalize_ends_the_wait, reader_before),
		cmocka_unit_test(softhsm_comes_back),
	};
	return cmocka_run_group_tests(tests, reader_set_up, fixture_close);
}
