/*
 * One vault, used at once by two copies of the module in one process and by several processes: nothing is lost,
 * and everybody sees at the next search what others have written.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/module_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define THREADS      4  /* of each copy */
#define OBJECTS      12 /* of each thread */
#define PROCESSES    4
#define TURNS        5 /* of each process */

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_OBJECT_CLASS data_class = CKO_DATA;

static CK_RV create(CK_FUNCTION_LIST_3_0 *module, CK_SESSION_HANDLE session, const char *label,
	CK_OBJECT_HANDLE *object)
{
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &data_class, sizeof(data_class)}, {CKA_TOKEN, &yes, 1},
		{CKA_PRIVATE, strlen(label) % 2 == 0 ? &yes : &no, 1},
		{CKA_LABEL, (char *)(uintptr_t)label, strlen(label)},
		{CKA_VALUE, (char *)(uintptr_t)label, strlen(label)}};

	return module->C_CreateObject(session, templ, COUNT(templ), object);
}

/* How many data objects with this label there are; any label: NULL. */
static CK_RV count_found(
	CK_FUNCTION_LIST_3_0 *module, CK_SESSION_HANDLE session, const char *label, CK_ULONG *count)
{
	CK_OBJECT_HANDLE found[256];
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &data_class, sizeof(data_class)},
		{CKA_LABEL, (char *)(uintptr_t)label, label != NULL ? strlen(label) : 0}};
	CK_RV rv = module->C_FindObjectsInit(session, templ, label != NULL ? 2 : 1);

	if (rv == CKR_OK)
		rv = module->C_FindObjects(session, found, COUNT(found), count);
	if (rv == CKR_OK)
		rv = module->C_FindObjectsFinal(session);
	return rv;
}

static CK_RV open_and_log_in(CK_FUNCTION_LIST_3_0 *module, CK_SESSION_HANDLE *session)
{
	CK_RV rv =
		module->C_OpenSession(0, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, session);

	if (rv == CKR_OK)
		rv = module->C_Login(
			*session, CKU_USER, (CK_UTF8CHAR *)FIXTURE_PIN, strlen(FIXTURE_PIN));
	return rv == CKR_USER_ALREADY_LOGGED_IN ? CKR_OK : rv;
}

struct worker {
	pthread_t thread;
	CK_FUNCTION_LIST_3_0 *module;
	unsigned number;
	CK_RV rv;
};

static void *work(void *argument)
{
	struct worker *worker = argument;
	CK_FUNCTION_LIST_3_0 *module = worker->module;
	CK_OBJECT_HANDLE object;
	CK_SESSION_HANDLE session = 0;
	CK_TOKEN_INFO info;
	CK_ULONG count = 0;
	char label[64];

	worker->rv = open_and_log_in(module, &session);
	for (unsigned i = 0; i < OBJECTS && worker->rv == CKR_OK; i++) {
		snprintf(label, sizeof(label), "worker-%u-%u", worker->number, i);
		worker->rv = create(module, session, label, &object);
		if (worker->rv == CKR_OK)
			worker->rv = module->C_GetTokenInfo(0, &info);
		if (worker->rv == CKR_OK)
			worker->rv = count_found(module, session, label, &count);
		if (worker->rv == CKR_OK && count != 1)
			worker->rv = CKR_GENERAL_ERROR;
		if (worker->rv == CKR_OK && i % 3 == 2)
			worker->rv = module->C_DestroyObject(session, object);
	}
	return NULL;
}

static void check_all(CK_FUNCTION_LIST_3_0 *module)
{
	CK_SESSION_HANDLE session = 0;
	CK_ULONG count = 0;
	char label[64];

	assert_ok(open_and_log_in(module, &session));
	for (unsigned number = 0; number < 2 * THREADS; number++) {
		for (unsigned i = 0; i < OBJECTS; i++) {
			snprintf(label, sizeof(label), "worker-%u-%u", number, i);
			assert_ok(count_found(module, session, label, &count));
			if (count != (i % 3 != 2))
				fail_msg("%s: %lu", label, count);
		}
	}
	assert_ok(count_found(module, session, NULL, &count));
	assert_int_equal(count, 2 * THREADS * (OBJECTS - OBJECTS / 3));
}

static void copy_file(const char *from, const char *to)
{
	char block[65536];
	ssize_t got;
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_EXCL, 0700);

	assert_true(in >= 0 && out >= 0);
	while ((got = read(in, block, sizeof(block))) > 0)
		assert_int_equal(write(out, block, (size_t)got), got);
	assert_int_equal(got, 0);
	close(in);
	assert_int_equal(close(out), 0);
}

static void two_copies(void **state)
{
	char *first_path = strdup(getenv("PODPIS_TEST_MODULE")), path[320];
	struct worker workers[2 * THREADS];

	(void)state;
	snprintf(path, sizeof(path), "%s/other.so", fixture_dir());
	copy_file(first_path, path);
	setenv("PODPIS_TEST_MODULE", path, 1);
	CK_FUNCTION_LIST_3_0 *other = fixture_load();
	setenv("PODPIS_TEST_MODULE", first_path, 1);
	free(first_path);
	assert_ptr_not_equal(other, p11);
	assert_ok(other->C_Initialize(NULL));
	for (unsigned i = 0; i < COUNT(workers); i++) {
		workers[i] = (struct worker){.number = i, .module = i % 2 == 0 ? p11 : other};
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (unsigned i = 0; i < COUNT(workers); i++)
		assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
	for (unsigned i = 0; i < COUNT(workers); i++)
		assert_ok(workers[i].rv);
	check_all(p11);
	check_all(other);
	assert_ok(other->C_Finalize(NULL));
	/* The copy that is left still has its locks, and its objects. */
	check_all(p11);
	fixture_restart();
	check_all(p11);
	assert_ok(p11->C_Finalize(NULL));
}

/* Waits for its turn, sees what all before it have made, makes one more. */
static int take_turns(unsigned number, int in, int out)
{
	CK_OBJECT_HANDLE object;
	CK_SESSION_HANDLE session = 0;
	CK_ULONG count = 0;
	CK_RV rv = p11->C_Initialize(NULL);
	char label[64], before;

	if (rv == CKR_OK)
		rv = open_and_log_in(p11, &session);
	for (unsigned turn = 0; turn < TURNS && rv == CKR_OK; turn++) {
		if (read(in, &before, 1) != 1)
			return 2;
		snprintf(label, sizeof(label), "turn-%d", before);
		rv = count_found(p11, session, label, &count);
		if (rv == CKR_OK && count != (before > 0)) {
			fprintf(stderr, "process %u does not see %s\n", number, label);
			return 3;
		}
		snprintf(label, sizeof(label), "turn-%d", ++before);
		if (rv == CKR_OK)
			rv = create(p11, session, label, &object);
		if (write(out, &before, 1) != 1)
			return 4;
	}
	if (rv != CKR_OK)
		fprintf(stderr, "process %u: 0x%lx\n", number, rv);
	return rv == CKR_OK ? 0 : 5;
}

static void several_processes(void **state)
{
	pid_t children[PROCESSES];
	int pipes[PROCESSES][2], status;
	char turn = 0;

	(void)state;
	for (unsigned i = 0; i < PROCESSES; i++)
		assert_int_equal(pipe(pipes[i]), 0);
	for (unsigned i = 0; i < PROCESSES; i++) {
		children[i] = fork();
		assert_true(children[i] >= 0);
		if (children[i] == 0) {
			/* Whoever fails must not leave the others waiting: they see the pipe close. */
			for (unsigned k = 0; k < PROCESSES; k++) {
				if (k != i)
					close(pipes[k][0]);
				if (k != (i + 1) % PROCESSES)
					close(pipes[k][1]);
			}
			_exit(take_turns(i, pipes[i][0], pipes[(i + 1) % PROCESSES][1]));
		}
	}
	for (unsigned i = 1; i < PROCESSES; i++)
		close(pipes[i][1]);
	for (unsigned i = 1; i < PROCESSES; i++)
		close(pipes[i][0]);
	assert_int_equal(write(pipes[0][1], &turn, 1), 1);
	close(pipes[0][1]);
	for (unsigned i = 0; i < PROCESSES; i++) {
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(read(pipes[0][0], &turn, 1), 1);
	assert_int_equal(turn, PROCESSES * TURNS);
	close(pipes[0][0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_copies),
		cmocka_unit_test(several_processes),
	};

	return cmocka_run_group_tests_name("copies", tests, fixture_open_token, fixture_close);
}
