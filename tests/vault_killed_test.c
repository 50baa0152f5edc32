/*
 * A process at work in a vault is killed with SIGKILL, again and again: 50 times, 500 with PODPIS_FULL. It tells
 * through a pipe what it is about to do and what was acknowledged to it. Each time the vault opens, has every
 * object that was acknowledged as it was, none half, the PIN that was acknowledged, and has forgotten no wrong PIN.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include "tests/module_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define OBJECTS      64
#define KEYS_FROM    40 /* from this number on objects are key pairs */

enum deed { LOGIN, CREATE, CHANGE, DESTROY, KEYS, PIN, WRONG_PIN };

/* One message: what is about to be done, or (done) was. */
struct message {
	enum deed deed;
	bool done;
	unsigned object, version;
};

/* What is in the vault, as far as acknowledged. Objects go by their numbers; version 0: not there. */
static struct {
	unsigned versions[OBJECTS];
	unsigned pin;   /* which one it is */
	unsigned tries; /* wrong PINs in a row */
} vault;

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_OBJECT_CLASS data_class = CKO_DATA;
static unsigned seed;
static char log_path[320];

static unsigned any(unsigned below)
{
	return (unsigned)rand_r(&seed) % below;
}

static CK_ULONG print_pin(unsigned number, char out[32])
{
	return (CK_ULONG)snprintf(out, 32, "pin-number-%u", number);
}

/* A value that tells object and version, of 10 bytes to 20 KB: some go beyond a database page. */
static CK_ULONG make_value(unsigned object, unsigned version, char out[20480])
{
	CK_ULONG length = object % 3 == 0 ? 20480 : object % 3 == 1 ? 3000 : 10;

	for (CK_ULONG i = 0; i < length; i++)
		out[i] = (char)(object * 31 + version * 7 + i);
	return length;
}

static CK_ULONG print_label(unsigned object, char out[32])
{
	return (CK_ULONG)snprintf(out, 32, "object-%u", object);
}

/* How many objects have the number's label; `objects` takes two. */
static CK_ULONG find(CK_SESSION_HANDLE session, unsigned object, CK_OBJECT_HANDLE objects[3])
{
	char label[32];
	CK_ATTRIBUTE templ[] = {{CKA_LABEL, label, print_label(object, label)}};
	CK_ULONG count = 0;

	assert_ok(p11->C_FindObjectsInit(session, templ, 1));
	assert_ok(p11->C_FindObjects(session, objects, 3, &count));
	assert_ok(p11->C_FindObjectsFinal(session));
	return count;
}

/*
 * The one who is killed
 */

static int pipe_end;

static void tell(const struct message *message)
{
	if (write(pipe_end, message, sizeof(*message)) != (ssize_t)sizeof(*message))
		_exit(1);
}

/* What goes wrong here is seen by the other side: a deed that is never done, and an exit. */
static void must(CK_RV rv, CK_RV expected)
{
	if (rv == expected)
		return;
	fprintf(stderr, "killed: answered 0x%lx, not 0x%lx\n", rv, expected);
	_exit(2);
}

static CK_RV create(CK_SESSION_HANDLE session, unsigned object)
{
	static char value[20480];
	char label[32];
	CK_OBJECT_HANDLE handle;
	CK_ATTRIBUTE templ[] = {
		{CKA_CLASS, &data_class, sizeof(data_class)},
		{CKA_TOKEN, &yes, 1},
		{CKA_PRIVATE, object % 2 == 0 ? &yes : &no, 1},
		{CKA_LABEL, label, print_label(object, label)},
		{CKA_VALUE, value, make_value(object, 1, value)},
	};

	return p11->C_CreateObject(session, templ, COUNT(templ), &handle);
}

static CK_RV make_keys(CK_SESSION_HANDLE session, unsigned object)
{
	static CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
	CK_MECHANISM mechanism = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
	CK_OBJECT_HANDLE public_key, private_key;
	char label[32];
	CK_ATTRIBUTE templ[] = {{CKA_TOKEN, &yes, 1},
		{CKA_LABEL, label, print_label(object, label)},
		{CKA_EC_PARAMS, p256, sizeof(p256)}};

	return p11->C_GenerateKeyPair(
		session, &mechanism, templ, 3, templ, 2, &public_key, &private_key);
}

static CK_RV change(CK_SESSION_HANDLE session, unsigned object, unsigned version)
{
	static char value[20480];
	CK_OBJECT_HANDLE handles[3];
	CK_ATTRIBUTE templ[] = {{CKA_VALUE, value, make_value(object, version, value)}};

	if (find(session, object, handles) != 1)
		return CKR_OBJECT_HANDLE_INVALID;
	return p11->C_SetAttributeValue(session, handles[0], templ, 1);
}

static CK_RV destroy(CK_SESSION_HANDLE session, unsigned object)
{
	CK_OBJECT_HANDLE handles[3];
	CK_ULONG count = find(session, object, handles);

	return count == 1 ? p11->C_DestroyObject(session, handles[0]) : CKR_OBJECT_HANDLE_INVALID;
}

static CK_RV change_pin(CK_SESSION_HANDLE session, unsigned from)
{
	char old[32], new[32];
	CK_ULONG old_length = print_pin(from, old), new_length = print_pin(from + 1, new);

	return p11->C_SetPIN(
		session, (CK_UTF8CHAR *)old, old_length, (CK_UTF8CHAR *)new, new_length);
}

static CK_RV try_wrong_pin(CK_SESSION_HANDLE session)
{
	static CK_UTF8CHAR wrong[] = "wrong";

	return p11->C_SetPIN(session, wrong, 5, wrong, 5);
}

static struct message choose(void)
{
	unsigned dice = any(40), object = any(OBJECTS), version = vault.versions[object];

	if (dice == 0)
		return (struct message){.deed = PIN, .version = vault.pin};
	if (dice == 1 && vault.tries < 2)
		return (struct message){.deed = WRONG_PIN};
	if (object >= KEYS_FROM && version == 0)
		return (struct message){.deed = KEYS, .object = object, .version = 1};
	object %= KEYS_FROM;
	version = vault.versions[object];
	return (struct message){.deed = version == 0 ? CREATE
					: dice < 20  ? CHANGE
						     : DESTROY,
		.object = object,
		.version = version + 1};
}

static CK_RV act(CK_SESSION_HANDLE session, const struct message *message)
{
	char pin[32];

	switch (message->deed) {
	case LOGIN:
		return p11->C_Login(
			session, CKU_USER, (CK_UTF8CHAR *)pin, print_pin(vault.pin, pin));
	case CREATE:
		return create(session, message->object);
	case CHANGE:
		return change(session, message->object, message->version);
	case DESTROY:
		return destroy(session, message->object);
	case KEYS:
		return make_keys(session, message->object);
	case PIN:
		return change_pin(session, message->version);
	case WRONG_PIN:
		return try_wrong_pin(session);
	}
	return CKR_GENERAL_ERROR;
}

/* What an acknowledged deed means. */
static void learn(const struct message *message)
{
	switch (message->deed) {
	case LOGIN:
		vault.tries = 0;
		break;
	case CREATE:
	case KEYS:
	case CHANGE:
		vault.versions[message->object] = message->version;
		break;
	case DESTROY:
		vault.versions[message->object] = 0;
		break;
	case PIN:
		vault.pin = message->version + 1;
		vault.tries = 0;
		break;
	case WRONG_PIN:
		vault.tries++;
		break;
	}
}

static __attribute__((noreturn)) void work(void)
{
	struct message message = {.deed = LOGIN};

	must(p11->C_Initialize(NULL), CKR_OK);
	CK_SESSION_HANDLE session = fixture_session(true);
	for (;;) {
		message.done = false;
		tell(&message);
		must(act(session, &message),
			message.deed == WRONG_PIN ? CKR_PIN_INCORRECT : CKR_OK);
		message.done = true;
		tell(&message);
		learn(&message);
		message = choose();
	}
}

/*
 * The one who looks
 */

static unsigned read_tries(void)
{
	char path[320];
	sqlite3 *db = NULL;
	sqlite3_stmt *get = NULL;

	snprintf(path, sizeof(path), "%s/vault.db", fixture_dir());
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(
		sqlite3_prepare_v2(db, "SELECT tries FROM pin WHERE role = 1", -1, &get, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_step(get), SQLITE_ROW);
	unsigned tries = (unsigned)sqlite3_column_int(get, 0);
	sqlite3_finalize(get);
	sqlite3_close(db);
	return tries;
}

/* `begun` is the deed that was under way, if there was one. */
static void check_pin(CK_SESSION_HANDLE session, const struct message *begun)
{
	bool counts = begun != NULL &&
		      (begun->deed == LOGIN || begun->deed == PIN || begun->deed == WRONG_PIN);
	bool forgives = begun != NULL && (begun->deed == LOGIN || begun->deed == PIN);
	unsigned tries = read_tries();
	char pin[32];
	CK_RV rv;

	if (tries != vault.tries && !(counts && tries == vault.tries + 1) &&
		!(forgives && tries == 0))
		fail_msg("%u wrong PINs on the disk, %u were acknowledged", tries, vault.tries);
	rv = p11->C_Login(session, CKU_USER, (CK_UTF8CHAR *)pin, print_pin(vault.pin, pin));
	if (rv == CKR_PIN_INCORRECT && begun != NULL && begun->deed == PIN) {
		vault.pin++;
		rv = p11->C_Login(session, CKU_USER, (CK_UTF8CHAR *)pin, print_pin(vault.pin, pin));
	}
	assert_ok(rv);
	assert_int_equal(read_tries(), 0);
	vault.tries = 0;
}

/* The version that stands there; 0: it is not there. */
static unsigned read_version(CK_SESSION_HANDLE session, unsigned object, unsigned max)
{
	static char value[20481], right[20480];
	CK_OBJECT_HANDLE handles[3];
	CK_ULONG count = find(session, object, handles);

	if (count == 0)
		return 0;
	if (object >= KEYS_FROM) {
		if (count != 2)
			fail_msg("half of key pair %u", object);
		return 1;
	}
	assert_int_equal(count, 1);
	CK_ULONG length = fixture_get(session, handles[0], CKA_VALUE, value, sizeof(value));
	for (unsigned version = max; version > 0; version--)
		if (length == make_value(object, version, right) &&
			memcmp(value, right, length) == 0)
			return version;
	fail_msg("object %u is half of something", object);
	return 0;
}

static CK_ULONG count_all(CK_SESSION_HANDLE session)
{
	CK_OBJECT_HANDLE handles[2 * OBJECTS];
	CK_ATTRIBUTE templ[] = {{CKA_TOKEN, &yes, 1}};
	CK_ULONG count = 0, others = 0;

	assert_ok(p11->C_FindObjectsInit(session, templ, 1));
	assert_ok(p11->C_FindObjects(session, handles, COUNT(handles), &count));
	assert_ok(p11->C_FindObjectsFinal(session));
	for (CK_ULONG i = 0; i < count; i++) {
		CK_ULONG class = fixture_get_ulong(session, handles[i], CKA_CLASS);
		others += class == CKO_PUBLIC_KEY || class == CKO_PROFILE;
	}
	return count - others;
}

static void check_objects(CK_SESSION_HANDLE session, const struct message *begun)
{
	CK_ULONG there = 0;

	for (unsigned object = 0; object < OBJECTS; object++) {
		bool open = begun != NULL && begun->object == object &&
			    (begun->deed == CREATE || begun->deed == CHANGE ||
				    begun->deed == DESTROY || begun->deed == KEYS);
		unsigned known = vault.versions[object];
		unsigned version = read_version(session, object, known + 1);
		unsigned other = !open ? known : begun->deed == DESTROY ? 0 : begun->version;

		if (version != known && version != other)
			fail_msg("object %u has version %u, not %u", object, version, known);
		vault.versions[object] = version;
		there += version != 0;
	}
	assert_int_equal(count_all(session), there);
}

/* Kills after so many messages and microseconds; *begun is true when *last was not acknowledged. */
static void kill_one(unsigned after, unsigned wait, bool *begun, struct message *last)
{
	struct timespec moment = {0, (long)wait * 1000};
	struct message message;
	int ends[2], status;

	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		close(ends[0]);
		pipe_end = ends[1];
		seed += (unsigned)getpid();
		work();
	}
	close(ends[1]);
	*begun = false;
	while (read(ends[0], &message, sizeof(message)) == (ssize_t)sizeof(message)) {
		*begun = !message.done;
		*last = message;
		if (message.done)
			learn(&message);
		if (after-- == 0) {
			nanosleep(&moment, NULL);
			kill(child, SIGKILL);
		}
	}
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		fail_msg("ended by itself: %d", status);
}

static void killed(void **state)
{
	unsigned rounds = getenv("PODPIS_FULL") != NULL ? 500 : 50, open = 0;
	struct message last;
	bool begun;
	struct stat st;

	(void)state;
	seed = (unsigned)time(NULL);
	printf("seed %u\n", seed);
	for (unsigned round = 0; round < rounds; round++) {
		kill_one(any(16), any(4000), &begun, &last);
		open += begun;
		assert_ok(p11->C_Initialize(NULL));
		CK_SESSION_HANDLE session = fixture_session(true);
		check_pin(session, begun ? &last : NULL);
		check_objects(session, begun ? &last : NULL);
		assert_ok(p11->C_Finalize(NULL));
		assert_int_equal(stat(log_path, &st), 0);
		if (st.st_size != 0)
			fail_msg("the module logged something: %s", log_path);
	}
	printf("%u kills, %u of them in the middle of something\n", rounds, open);
	assert_true(open > rounds / 4);
}

static int make_vault(void **state)
{
	char setting[336], pin[32];

	fixture_open_token(state);
	CK_SESSION_HANDLE session = fixture_session(true);
	assert_ok(p11->C_SetPIN(session, (CK_UTF8CHAR *)FIXTURE_PIN, strlen(FIXTURE_PIN),
		(CK_UTF8CHAR *)pin, print_pin(0, pin)));
	assert_ok(p11->C_Finalize(NULL));
	snprintf(log_path, sizeof(log_path), "%s/log", fixture_dir());
	snprintf(setting, sizeof(setting), "error:%s", log_path);
	setenv("PODPIS_LOG", setting, 1);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(killed)};

	return cmocka_run_group_tests_name("vault_killed", tests, make_vault, fixture_close);
}
