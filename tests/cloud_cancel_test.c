/* Calls that wait for somebody else than the service, and end because another thread wants it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/cloud_fixture.h"
#include "tests/person_fixture.h"

enum { PIN, WEB, BOUND, CREDENTIALS };
static const char *const specifications[CREDENTIALS] = {
	[PIN] = "ivanov id=pin key=ec:P-256 pin=1234",
	[WEB] = "ivanov id=web mode=oauth2code",
	[BOUND] = "ivanov id=bound mode=oauth2code scal=2 key=ec:P-256",
};

static int setup(void **state)
{
	int failed = cloud_open(state, specifications, CREDENTIALS, (const char *const[]){NULL});

	person_open();
	return failed;
}

static void a_moment(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
}

static void *sign_in_thread(void *context)
{
	CK_BYTE signature[512];
	CK_ULONG length = sizeof(signature);

	return (void *)(uintptr_t)cloud_sign((CK_SESSION_HANDLE)(uintptr_t)context,
		&cloud_ecdsa_sha256, NULL, signature, &length);
}

static void *login_in_thread(void *context)
{
	return (void *)(uintptr_t)p11->C_Login(
		(CK_SESSION_HANDLE)(uintptr_t)context, CKU_USER, CLOUD_TEXT("1234"));
}

static pthread_t start(void *(*call)(void *), CK_SESSION_HANDLE session)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, call, (void *)(uintptr_t)session), 0);
	return thread;
}

static void assert_cancelled(pthread_t thread)
{
	void *answer = NULL;

	assert_int_equal(pthread_join(thread, &answer), 0);
	assert_rv((CK_RV)(uintptr_t)answer, CKR_FUNCTION_CANCELED);
}

/*
 * `call` waits at `session`, and `waits` says that it does: C_SessionCancel ends it, and then C_Finalize ends the next
 * one.
 */
static void end_both_ways(
	void *(*call)(void *), CK_SESSION_HANDLE session, bool (*waits)(void), void (*again)(void))
{
	pthread_t thread;

	for (unsigned i = 0; i < 2; i++) {
		again();
		thread = start(call, session);
		while (!waits())
			a_moment();
		assert_ok(i == 0 ? p11->C_SessionCancel(session, CKF_SIGN) : p11->C_Finalize(NULL));
		assert_cancelled(thread);
	}
	assert_ok(p11->C_Initialize(NULL));
}

/* ---- the person takes hers */

static unsigned visits;

static bool browser_is_open(void)
{
	return person_visits() > visits;
}

static void count_visits(void)
{
	visits = person_visits();
}

static void browser(void **state)
{
	(void)state;
	person_configure(2);
	person_be(PERSON_LOOKS);
	end_both_ways(login_in_thread, cloud_session(WEB), browser_is_open, count_visits);
	CK_SESSION_HANDLE session = cloud_session(BOUND);
	assert_ok(p11->C_Login(session, CKU_USER, NULL, 0));
	end_both_ways(sign_in_thread, session, browser_is_open, count_visits);
}

/* ---- a command that gives a token */

static char script[300], mark[300];

static void write_script(const char *text)
{
	FILE *out = fopen(script, "w");

	assert_non_null(out);
	fputs(text, out);
	assert_int_equal(fclose(out), 0);
}

/* It has written its number down. */
static pid_t command_runs(void)
{
	FILE *in = fopen(mark, "r");
	long number = 0;

	if (in == NULL || fscanf(in, "%ld\n", &number) != 1)
		number = 0;
	if (in != NULL)
		fclose(in);
	return (pid_t)number;
}

static bool command_waits(void)
{
	return command_runs() > 0;
}

static void forget_command(void)
{
	unlink(mark);
}

static void command(void **state)
{
	/* It says nothing, or has no more to say. */
	static const char *const endless[] = {"echo $$ >\"$MARK\"; exec sleep 600\n",
		"exec >&-; echo $$ >\"$MARK\"; exec sleep 600\n"};
	char lines[512];

	(void)state;
	snprintf(script, sizeof(script), "%s/command", fixture_dir());
	snprintf(mark, sizeof(mark), "%s/mark", fixture_dir());
	setenv("MARK", mark, 1);
	setenv("STATE", fixture_dir(), 1);
	cloud_configure_basic(2);
	cloud_refresh();
	snprintf(lines, sizeof(lines), "login = external\nbearer-command = . '%s'\n", script);
	/* The other login's token does. */
	write_script("sed -n 's/.*\"access_token\": \"\\(.*\\)\".*/\\1/p' "
		     "\"$STATE\"/podpis/cloud/*.json\n");
	cloud_configure(2, lines);
	cloud_refresh();
	for (size_t i = 0; i < sizeof(endless) / sizeof(endless[0]); i++) {
		fixture_restart();
		write_script(endless[i]);
		forget_command();
		end_both_ways(login_in_thread, cloud_session(PIN), command_waits, forget_command);
		/* It was ended, too, not left behind. */
		assert_int_equal(kill(command_runs(), 0), -1);
		assert_int_equal(errno, ESRCH);
	}
}

/* ---- another process renews the tokens */

static bool ends_with(const char *name, const char *end)
{
	size_t length = strlen(name), tail = strlen(end);

	return length > tail && strcmp(name + length - tail, end) == 0;
}

/* No tokens are there, and another one makes some: the logins' locks are taken, and let go of. */
static size_t take_locks(int locks[8])
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	struct dirent *entry;
	char path[600];
	size_t count = 0;

	snprintf(path, sizeof(path), "%s/podpis/cloud", fixture_dir());
	DIR *folder = opendir(path);
	assert_non_null(folder);
	while ((entry = readdir(folder)) != NULL) {
		snprintf(path, sizeof(path), "%s/podpis/cloud/%s", fixture_dir(), entry->d_name);
		if (ends_with(path, ".json"))
			assert_int_equal(unlink(path), 0);
		if (!ends_with(path, ".lock") || count == 8)
			continue;
		locks[count] = open(path, O_RDWR | O_CLOEXEC);
		assert_int_equal(fcntl(locks[count++], F_OFD_SETLK, &whole), 0);
	}
	closedir(folder);
	return count;
}

static void lock(void **state)
{
	void *answer = NULL;
	pthread_t thread;
	int locks[8];

	(void)state;
	cloud_configure_basic(2);
	cloud_refresh();
	CK_SESSION_HANDLE session = cloud_session(PIN);
	size_t count = take_locks(locks);
	thread = start(login_in_thread, session);
	/* Nothing shows that it waits; before it does, there is nothing to end. */
	while (pthread_tryjoin_np(thread, &answer) != 0) {
		assert_ok(p11->C_SessionCancel(session, CKF_SIGN));
		a_moment();
	}
	assert_rv((CK_RV)(uintptr_t)answer, CKR_FUNCTION_CANCELED);
	while (count > 0)
		close(locks[--count]);
	assert_ok(p11->C_Login(session, CKU_USER, CLOUD_TEXT("1234")));
	cloud_sign_and_verify(session, &cloud_ecdsa_sha256, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(browser),
		cmocka_unit_test(command),
		cmocka_unit_test(lock),
	};

	return cmocka_run_group_tests(tests, setup, cloud_close);
}
