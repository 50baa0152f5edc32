/* The token store, called by exit handlers, when the module inside has come to its end. */
#include "tests/reader_fixture.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static bool late; /* in the child: for call_late */

/* Registered before anything is loaded, so run after whatever the module inside has for its end. */
static void call_late(void)
{
	CK_SESSION_HANDLE session = 0;
	int finalized, initialized;
	bool good;

	if (!late)
		return;
	finalized = reader_count("misbehaving_finalized");
	initialized = reader_count("misbehaving_initialized");
	good = reader_open_rv(SLOT, &session) != CKR_OK &&
	       p11->C_CloseAllSessions(SLOT) == CKR_OK && p11->C_Finalize(NULL) == CKR_OK &&
	       p11->C_Initialize(NULL) == CKR_OK && reader_open_rv(SLOT, &session) != CKR_OK &&
	       reader_count("misbehaving_finalized") == finalized &&
	       reader_count("misbehaving_initialized") == initialized;
	_exit(good ? 0 : 1);
}

static void a_module_that_ended_is_not_called(void **state)
{
	CK_SESSION_HANDLE session = 0;
	int status = -1;

	(void)state;
	pid_t child = fork();
	if (child == 0) {
		late = p11->C_Initialize(NULL) == CKR_OK &&
		       reader_open_rv(SLOT, &session) == CKR_OK;
		exit(2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_module_that_ended_is_not_called, reader_before),
	};

	if (atexit(call_late) != 0)
		return 1;
	return cmocka_run_group_tests_name("token_exit", tests, reader_set_up, fixture_close);
}
