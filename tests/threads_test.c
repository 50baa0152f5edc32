/*
 * Eight threads in one module: each with a session of its own, all with one login; while others log in and out;
 * and while C_Finalize and C_Initialize happen around them. Meant for ThreadSanitizer as much as for itself.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "tests/module_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define THREADS      8
#define ROUNDS       24

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_OBJECT_CLASS data_class = CKO_DATA, private_class = CKO_PRIVATE_KEY;

/* What may be answered while the login comes and goes, or the module does. */
static const CK_RV no_login[] = {CKR_OK, CKR_USER_NOT_LOGGED_IN, CKR_OBJECT_HANDLE_INVALID,
	CKR_KEY_HANDLE_INVALID, CKR_OPERATION_NOT_INITIALIZED, CKR_USER_ALREADY_LOGGED_IN,
	CKR_CRYPTOKI_NOT_INITIALIZED, CKR_SESSION_HANDLE_INVALID};
#define ALWAYS_OK 1

struct worker {
	pthread_t thread;
	unsigned number;
	size_t allowed; /* of no_login, from the start */
	CK_SESSION_HANDLE session;
	const char *failed; /* what was answered otherwise than allowed */
	CK_RV answer;
};

static atomic_uint signatures;

static bool ok(struct worker *worker, const char *what, CK_RV rv)
{
	for (size_t i = 0; i < worker->allowed; i++)
		if (rv == no_login[i])
			return rv == CKR_OK;
	if (worker->failed == NULL) {
		worker->failed = what;
		worker->answer = rv;
	}
	return false;
}

#define OK(call) ok(worker, #call, (call))

static CK_OBJECT_HANDLE find_key(struct worker *worker)
{
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &private_class, sizeof(private_class)}};
	CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
	CK_ULONG count = 0;

	if (!OK(p11->C_FindObjectsInit(worker->session, templ, 1)))
		return key;
	OK(p11->C_FindObjects(worker->session, &key, 1, &count));
	OK(p11->C_FindObjectsFinal(worker->session));
	return count == 1 ? key : CK_INVALID_HANDLE;
}

static void sign(struct worker *worker)
{
	CK_MECHANISM mechanism = {CKM_ECDSA_SHA256, NULL, 0};
	CK_BYTE data[] = "data", signature[64];
	CK_ULONG length = sizeof(signature);
	CK_OBJECT_HANDLE key = find_key(worker);

	if (key == CK_INVALID_HANDLE)
		return;
	if (OK(p11->C_SignInit(worker->session, &mechanism, key)) &&
		OK(p11->C_Sign(worker->session, data, sizeof(data), signature, &length)))
		atomic_fetch_add(&signatures, 1);
}

static void come_and_go(struct worker *worker, CK_BBOOL *on_token)
{
	char label[32];
	CK_ULONG length = (CK_ULONG)snprintf(label, sizeof(label), "thread-%u", worker->number);
	CK_OBJECT_HANDLE object = CK_INVALID_HANDLE, found[2];
	CK_ULONG count = 0;
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &data_class, sizeof(data_class)},
		{CKA_TOKEN, on_token, 1}, {CKA_LABEL, label, length},
		{CKA_PRIVATE, worker->number % 2 == 0 ? &yes : &no, 1}, {CKA_VALUE, label, length}};

	if (!OK(p11->C_CreateObject(worker->session, templ, COUNT(templ), &object)))
		return;
	if (OK(p11->C_FindObjectsInit(worker->session, templ, 3))) {
		OK(p11->C_FindObjects(worker->session, found, 2, &count));
		OK(p11->C_FindObjectsFinal(worker->session));
		if (worker->allowed == ALWAYS_OK && (count != 1 || found[0] != object))
			ok(worker, "the new object is not found", CKR_GENERAL_ERROR);
	}
	OK(p11->C_SetAttributeValue(worker->session, object, &templ[4], 1));
	OK(p11->C_DestroyObject(worker->session, object));
}

static void look_around(struct worker *worker)
{
	CK_TOKEN_INFO token;
	CK_SESSION_INFO session;
	CK_SLOT_ID slots[4];
	CK_ULONG count = COUNT(slots);

	OK(p11->C_GetTokenInfo(0, &token));
	OK(p11->C_GetSessionInfo(worker->session, &session));
	OK(p11->C_GetSlotList(CK_TRUE, slots, &count));
}

static void work(struct worker *worker)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		sign(worker);
		look_around(worker);
		come_and_go(worker, &no);
		if (i % 4 == 0)
			come_and_go(worker, &yes);
	}
}

static void open_session(struct worker *worker)
{
	OK(p11->C_OpenSession(
		0, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &worker->session));
}

static void *work_in_session(void *argument)
{
	struct worker *worker = argument;

	open_session(worker);
	work(worker);
	OK(p11->C_CloseSession(worker->session));
	return NULL;
}

static void *log_in_and_out(void *argument)
{
	struct worker *worker = argument;

	open_session(worker);
	for (unsigned i = 0; i < 6; i++) {
		OK(p11->C_Login(worker->session, CKU_USER, (CK_UTF8CHAR *)FIXTURE_PIN,
			strlen(FIXTURE_PIN)));
		sign(worker);
		OK(p11->C_Logout(worker->session));
	}
	OK(p11->C_CloseSession(worker->session));
	return NULL;
}

static void *finalize_and_initialize(void *argument)
{
	struct worker *worker = argument;

	for (unsigned i = 0; i < 6; i++) {
		open_session(worker);
		OK(p11->C_Login(worker->session, CKU_USER, (CK_UTF8CHAR *)FIXTURE_PIN,
			strlen(FIXTURE_PIN)));
		sign(worker);
		OK(p11->C_Finalize(NULL));
		OK(p11->C_Initialize(NULL));
	}
	return NULL;
}

/* Sessions of their own die with the module: each round a new one. */
static void *work_anew(void *argument)
{
	struct worker *worker = argument;

	for (unsigned i = 0; i < 4; i++) {
		open_session(worker);
		work(worker);
	}
	return NULL;
}

static void run(void *(*first)(void *), void *(*others)(void *), size_t allowed)
{
	struct worker workers[THREADS];

	atomic_store(&signatures, 0);
	for (unsigned i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){.number = i, .allowed = allowed};
		assert_int_equal(pthread_create(&workers[i].thread, NULL, i == 0 ? first : others,
					 &workers[i]),
			0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
	for (unsigned i = 0; i < THREADS; i++)
		if (workers[i].failed != NULL)
			fail_msg("%s: 0x%lx", workers[i].failed, workers[i].answer);
	assert_true(atomic_load(&signatures) > 0);
}

static void each_with_its_session(void **state)
{
	(void)state;
	CK_SESSION_HANDLE session = fixture_user();
	run(work_in_session, work_in_session, ALWAYS_OK);
	assert_int_equal(atomic_load(&signatures), THREADS * ROUNDS);
	assert_ok(p11->C_CloseSession(session));
}

static void while_one_logs_in_and_out(void **state)
{
	(void)state;
	run(log_in_and_out, work_in_session, COUNT(no_login));
	assert_ok(p11->C_CloseAllSessions(0));
}

static void while_one_finalizes(void **state)
{
	(void)state;
	run(finalize_and_initialize, work_anew, COUNT(no_login));
	CK_SESSION_HANDLE session = fixture_user();
	assert_ok(p11->C_CloseSession(session));
}

static atomic_bool logged_out;

/* Makes private session objects until it is told that nobody is logged in. */
static void *make_private_objects(void *argument)
{
	struct worker *worker = argument;
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &data_class, sizeof(data_class)}, {CKA_TOKEN, &no, 1},
		{CKA_PRIVATE, &yes, 1}};
	CK_OBJECT_HANDLE object;

	while (!atomic_load(&logged_out) &&
		OK(p11->C_CreateObject(worker->session, templ, COUNT(templ), &object)))
		continue;
	return NULL;
}

/* A logout takes the private objects away, those too that are being made while it happens. */
static void no_private_object_outlives_the_login(void **state)
{
	CK_ATTRIBUTE templ[] = {
		{CKA_CLASS, &data_class, sizeof(data_class)}, {CKA_PRIVATE, &yes, 1}};
	struct worker workers[2];
	CK_OBJECT_HANDLE found[1];
	CK_ULONG count = 0;

	(void)state;
	for (int i = 0; i < 16; i++) {
		CK_SESSION_HANDLE session = fixture_user();
		atomic_store(&logged_out, false);
		for (size_t k = 0; k < COUNT(workers); k++) {
			workers[k] = (struct worker){
				.allowed = COUNT(no_login), .session = fixture_session(true)};
			assert_int_equal(pthread_create(&workers[k].thread, NULL,
						 make_private_objects, &workers[k]),
				0);
		}
		assert_ok(p11->C_Logout(session));
		atomic_store(&logged_out, true);
		for (size_t k = 0; k < COUNT(workers); k++) {
			assert_int_equal(pthread_join(workers[k].thread, NULL), 0);
			assert_null(workers[k].failed);
		}
		assert_ok(p11->C_FindObjectsInit(session, templ, COUNT(templ)));
		assert_ok(p11->C_FindObjects(session, found, 1, &count));
		assert_ok(p11->C_FindObjectsFinal(session));
		assert_int_equal(count, 0);
		assert_ok(p11->C_CloseAllSessions(0));
	}
}

static int make_key(void **state)
{
	fixture_open_token(state);
	CK_SESSION_HANDLE session = fixture_user();
	fixture_generate(session, FIXTURE_P256, true, NULL, 0);
	assert_ok(p11->C_CloseSession(session));
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_with_its_session),
		cmocka_unit_test(while_one_logs_in_and_out),
		cmocka_unit_test(while_one_finalizes),
		cmocka_unit_test(no_private_object_outlives_the_login),
	};

	return cmocka_run_group_tests_name("threads", tests, make_key, fixture_close);
}
