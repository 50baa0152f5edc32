/* The token store, used by several threads at once, with a module inside that blocks, or can't lock. */
#include "tests/reader_fixture.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct user {
	CK_SESSION_HANDLE session;
	CK_RV rv;
};

static void *use_once(void *context)
{
	struct user *user = context;
	CK_BYTE byte;

	user->rv = p11->C_GenerateRandom(user->session, &byte, 1);
	return NULL;
}

static void wait_until_blocked(int calls)
{
	while (reader_count("misbehaving_blocked") < calls)
		sched_yield();
}

static void a_waiting_call_holds_nobody_up(void **state)
{
	struct user user = {.session = reader_open()};
	CK_SESSION_HANDLE other = reader_open();
	CK_SESSION_INFO info;
	pthread_t thread;

	(void)state;
	int blocked = reader_count("misbehaving_blocked");
	reader_tell("block");
	assert_int_equal(pthread_create(&thread, NULL, use_once, &user), 0);
	wait_until_blocked(blocked + 1);
	assert_ok(p11->C_GetSessionInfo(user.session, &info));
	assert_ok(p11->C_GetSessionInfo(other, &info));
	assert_true(reader_vault_lives());
	assert_ok(p11->C_CloseSession(user.session));
	assert_rv(p11->C_GetSessionInfo(user.session, &info), CKR_SESSION_HANDLE_INVALID);
	reader_tell("");
	pthread_join(thread, NULL);
	assert_ok(user.rv);
}

static void *finalize(void *context)
{
	*(CK_RV *)context = p11->C_Finalize(NULL);
	return NULL;
}

static void finalize_lets_a_waiting_call_end(void **state)
{
	struct user user = {.session = reader_open()};
	CK_RV rv = CKR_GENERAL_ERROR;
	pthread_t thread, finalizing;
	CK_INFO info;

	(void)state;
	int blocked = reader_count("misbehaving_blocked"),
	    finalized = reader_count("misbehaving_finalized");
	reader_tell("block");
	assert_int_equal(pthread_create(&thread, NULL, use_once, &user), 0);
	wait_until_blocked(blocked + 1);
	assert_int_equal(pthread_create(&finalizing, NULL, finalize, &rv), 0);
	while (p11->C_GetInfo(&info) == CKR_OK)
		sched_yield();
	assert_int_equal(reader_count("misbehaving_finalized"), finalized);
	reader_tell("");
	pthread_join(thread, NULL);
	pthread_join(finalizing, NULL);
	assert_ok(user.rv);
	assert_ok(rv);
	assert_int_equal(reader_count("misbehaving_finalized"), finalized + 1);
	assert_ok(p11->C_Initialize(NULL));
}

static void *use_often(void *context)
{
	struct user *user = context;
	CK_BYTE byte;

	for (int i = 0; i < 200 && user->rv == CKR_OK; i++)
		user->rv = p11->C_GenerateRandom(user->session, &byte, 1);
	return NULL;
}

static int most_inside(void)
{
	struct user users[4];
	pthread_t threads[COUNT(users)];

	*reader_counter("misbehaving_most_inside") = 0;
	for (size_t i = 0; i < COUNT(users); i++) {
		users[i] = (struct user){.session = reader_open()};
		assert_int_equal(pthread_create(&threads[i], NULL, use_often, &users[i]), 0);
	}
	for (size_t i = 0; i < COUNT(users); i++) {
		pthread_join(threads[i], NULL);
		assert_ok(users[i].rv);
	}
	return reader_count("misbehaving_most_inside");
}

static void a_module_that_cannot_lock_is_called_in_turn(void **state)
{
	struct user users[] = {{.session = reader_open()}, {.session = reader_open()}};
	pthread_t threads[COUNT(users)];

	(void)state;
	/* Others are called by all at once. */
	reader_tell("block");
	for (size_t i = 0; i < COUNT(users); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, use_once, &users[i]), 0);
	while (reader_count("misbehaving_inside") < 2)
		sched_yield();
	reader_tell("");
	for (size_t i = 0; i < COUNT(users); i++)
		pthread_join(threads[i], NULL);
	reader_tell("cant-lock");
	fixture_restart();
	assert_true(reader_is_present(SLOT));
	assert_int_equal(most_inside(), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_waiting_call_holds_nobody_up, reader_before),
		cmocka_unit_test_setup(finalize_lets_a_waiting_call_end, reader_before),
		cmocka_unit_test_setup(a_module_that_cannot_lock_is_called_in_turn, reader_before),
	};

	return cmocka_run_group_tests_name("token_threads", tests, reader_set_up, fixture_close);
}
