/*
 * A disk that is full, a file or a folder that may not be written, a folder that goes away, a file that is replaced:
 * the answer says which it is, and what was acknowledged is there afterwards.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/module_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NOBODY       65534

static CK_BBOOL yes = CK_TRUE;
static CK_OBJECT_CLASS data_class = CKO_DATA;
static char value[16384];

static const char *path_of(const char *name)
{
	static char path[2][320];
	static unsigned next;

	next = (next + 1) % 2;
	snprintf(path[next], sizeof(path[next]), "%s/%s", fixture_dir(), name);
	return path[next];
}

static CK_RV create(CK_SESSION_HANDLE session, const char *label)
{
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &data_class, sizeof(data_class)}, {CKA_TOKEN, &yes, 1},
		{CKA_PRIVATE, &yes, 1}, {CKA_LABEL, (char *)(uintptr_t)label, strlen(label)},
		{CKA_VALUE, value, sizeof(value)}};
	CK_OBJECT_HANDLE object;

	return p11->C_CreateObject(session, templ, COUNT(templ), &object);
}

static CK_ULONG count_objects(CK_SESSION_HANDLE session)
{
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &data_class, sizeof(data_class)}};
	CK_OBJECT_HANDLE found[64];
	CK_ULONG count = 0;

	assert_ok(p11->C_FindObjectsInit(session, templ, 1));
	assert_ok(p11->C_FindObjects(session, found, COUNT(found), &count));
	assert_ok(p11->C_FindObjectsFinal(session));
	return count;
}

/* The vault opens anew, and has so many objects, and takes one more, which goes again. */
static void check_whole(CK_ULONG count)
{
	CK_ATTRIBUTE templ[] = {{CKA_LABEL, "one more", 8}};
	CK_OBJECT_HANDLE object = 0;
	CK_ULONG found = 0;

	fixture_restart();
	CK_SESSION_HANDLE session = fixture_user();
	assert_int_equal(count_objects(session), count);
	assert_ok(create(session, "one more"));
	assert_ok(p11->C_FindObjectsInit(session, templ, 1));
	assert_ok(p11->C_FindObjects(session, &object, 1, &found));
	assert_ok(p11->C_FindObjectsFinal(session));
	assert_int_equal(found, 1);
	assert_ok(p11->C_DestroyObject(session, object));
	assert_ok(p11->C_CloseSession(session));
}

/* Files may not grow beyond what they are: as on a disk that is full, write(2) fails. */
static void allow_growth(bool allowed, off_t size)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = allowed ? limit.rlim_max : (rlim_t)size;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void the_file_can_not_grow(void **state)
{
	struct stat st;
	CK_ULONG made = 0;
	char label[32];
	CK_RV rv;

	(void)state;
	CK_SESSION_HANDLE session = fixture_user();
	assert_ok(create(session, "before"));
	assert_int_equal(stat(path_of("vault.db"), &st), 0);
	signal(SIGXFSZ, SIG_IGN);
	allow_growth(false, st.st_size + 100000);
	do {
		snprintf(label, sizeof(label), "object-%lu", made);
		rv = create(session, label);
	} while (rv == CKR_OK && ++made < 40);
	assert_rv(rv, CKR_DEVICE_MEMORY);
	assert_in_range(made, 1, 39);
	/* Reading, and what needs no room, goes on. */
	assert_int_equal(count_objects(session), made + 1);
	assert_rv(create(session, "still full"), CKR_DEVICE_MEMORY);
	allow_growth(true, 0);
	assert_ok(create(session, "after"));
	assert_ok(p11->C_CloseSession(session));
	check_whole(made + 2);
}

/* The same on a disk that really is full: a small one of our own, where we may mount it. */
static void a_full_disk(void **state)
{
	char text[400], label[32];
	CK_ULONG made = 0;
	CK_RV rv = CKR_OK;

	(void)state;
	assert_int_equal(mkdir(path_of("small"), 0700), 0);
	if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
		mount("none", path_of("small"), "tmpfs", 0, "size=320k,mode=0700") != 0)
		skip();
	snprintf(text, sizeof(text), "[slot small]\nstore = vault\npath = %s\n",
		path_of("small/vault.db"));
	fixture_configure(text);
	fixture_restart();
	fixture_make_token();
	CK_SESSION_HANDLE session = fixture_user();
	while (made < 40) {
		snprintf(label, sizeof(label), "object-%lu", made);
		rv = create(session, label);
		if (rv != CKR_OK)
			break;
		made++;
	}
	assert_rv(rv, CKR_DEVICE_MEMORY);
	assert_in_range(made, 1, 39);
	assert_int_equal(count_objects(session), made);
	assert_int_equal(mount(NULL, path_of("small"), NULL, MS_REMOUNT, "size=640k,mode=0700"), 0);
	assert_ok(create(session, "after"));
	assert_ok(p11->C_CloseSession(session));
	check_whole(made + 1);
	fixture_configure_module("");
	fixture_restart();
	assert_int_equal(umount(path_of("small")), 0);
}

/* Not even a PIN can be counted: then there is no login. */
static void no_room_for_the_count(void **state)
{
	(void)state;
	fixture_restart();
	CK_SESSION_HANDLE session = fixture_session(true);
	allow_growth(false, 0);
	CK_RV rv = p11->C_Login(session, CKU_USER, (CK_UTF8CHAR *)FIXTURE_PIN, strlen(FIXTURE_PIN));
	allow_growth(true, 0);
	assert_rv(rv, CKR_DEVICE_MEMORY);
	assert_ok(p11->C_CloseSession(session));
}

/* Gives the vault to this user; its journal, if there is one. */
static void give_to(uid_t user)
{
	assert_int_equal(chown(fixture_dir(), user, user), 0);
	assert_int_equal(chown(path_of("vault.db"), user, user), 0);
	assert_true(chown(path_of("vault.db-journal"), user, user) == 0 || errno == ENOENT);
}

/* As root, whom modes don't stop, what follows is done by nobody. Returns the child's exit status. */
static int as_nobody(int (*act)(void))
{
	bool root = geteuid() == 0;
	int status;

	assert_ok(p11->C_Finalize(NULL));
	if (root)
		give_to(NOBODY);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		if (root && (setgroups(0, NULL) != 0 || setgid(NOBODY) != 0 || setuid(NOBODY) != 0))
			_exit(99);
		_exit(p11->C_Initialize(NULL) == CKR_OK ? act() : 98);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (root)
		give_to(0);
	assert_ok(p11->C_Initialize(NULL));
	return WEXITSTATUS(status);
}

/* What can be done with a vault that can be read only: look. 0, or which step is not as it should be. */
static int look_only(void)
{
	CK_SESSION_HANDLE session = 0, other = 0;
	CK_TOKEN_INFO info;
	CK_RV rv;

	if (p11->C_GetTokenInfo(0, &info) != CKR_OK || (info.flags & CKF_TOKEN_INITIALIZED) == 0)
		return 1;
	if (p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &session) != CKR_OK)
		return 2;
	if (p11->C_OpenSession(0, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &other) !=
		CKR_OK)
		return 3;
	rv = p11->C_Login(session, CKU_USER, (CK_UTF8CHAR *)FIXTURE_PIN, strlen(FIXTURE_PIN));
	return rv == CKR_TOKEN_WRITE_PROTECTED ? 0 : 4;
}

static void a_file_that_can_be_read_only(void **state)
{
	CK_ULONG count;

	(void)state;
	CK_SESSION_HANDLE session = fixture_user();
	count = count_objects(session);
	assert_ok(p11->C_CloseSession(session));
	assert_int_equal(chmod(path_of("vault.db"), 0400), 0);
	assert_int_equal(as_nobody(look_only), 0);
	assert_int_equal(chmod(path_of("vault.db"), 0600), 0);
	check_whole(count);
}

/* SQLite needs its journal beside the file. Where it is there already, nothing is missing. */
static int log_in_all_the_same(void)
{
	CK_SESSION_HANDLE session = 0;

	if (p11->C_OpenSession(0, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session) !=
		CKR_OK)
		return 1;
	if (p11->C_Login(session, CKU_USER, (CK_UTF8CHAR *)FIXTURE_PIN, strlen(FIXTURE_PIN)) !=
		CKR_OK)
		return 2;
	return create(session, "in a read-only folder") == CKR_OK ? 0 : 3;
}

static void a_folder_that_can_be_read_only(void **state)
{
	CK_ULONG count;

	(void)state;
	CK_SESSION_HANDLE session = fixture_user();
	count = count_objects(session);
	assert_ok(p11->C_CloseSession(session));
	assert_int_equal(chmod(fixture_dir(), 0500), 0);
	assert_int_equal(as_nobody(log_in_all_the_same), 0);
	assert_int_equal(chmod(fixture_dir(), 0700), 0);
	assert_int_equal(unlink(path_of("vault.db-journal")), 0);
	assert_int_equal(chmod(fixture_dir(), 0500), 0);
	assert_int_equal(as_nobody(look_only), 0);
	assert_int_equal(chmod(fixture_dir(), 0700), 0);
	check_whole(count + 1);
}

static void a_folder_that_goes_away(void **state)
{
	char away[330];
	CK_OBJECT_HANDLE object;
	CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
	CK_TOKEN_INFO info;
	CK_ULONG count;

	(void)state;
	CK_SESSION_HANDLE session = fixture_user();
	struct fixture_pair pair = fixture_generate(session, FIXTURE_P256, true, NULL, 0);
	count = count_objects(session);
	snprintf(away, sizeof(away), "%s-away", fixture_dir());
	assert_int_equal(rename(fixture_dir(), away), 0);
	assert_rv(create(session, "into nothing"), CKR_DEVICE_REMOVED);
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &data_class, sizeof(data_class)}};
	assert_rv(p11->C_FindObjectsInit(session, templ, 1), CKR_DEVICE_REMOVED);
	assert_int_equal(p11->C_SignInit(session, &mechanism, pair.private_key) == CKR_OK, 0);
	assert_ok(p11->C_GetTokenInfo(0, &info));
	assert_int_equal(info.flags & CKF_TOKEN_INITIALIZED, 0);
	/* Nothing came to stand there in its place. */
	assert_int_equal(access(fixture_dir(), F_OK), -1);
	assert_int_equal(rename(away, fixture_dir()), 0);
	/* It is as it was; the login went with it. */
	assert_ok(p11->C_Logout(session));
	assert_ok(p11->C_Login(session, CKU_USER, (CK_UTF8CHAR *)FIXTURE_PIN, strlen(FIXTURE_PIN)));
	assert_int_equal(count_objects(session), count);
	assert_ok(p11->C_DestroyObject(session, pair.public_key));
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE key[] = {{CKA_CLASS, &class, sizeof(class)}};
	CK_ULONG found = 0;
	assert_ok(p11->C_FindObjectsInit(session, key, 1));
	assert_ok(p11->C_FindObjects(session, &object, 1, &found));
	assert_ok(p11->C_FindObjectsFinal(session));
	assert_int_equal(found, 1);
	assert_ok(p11->C_DestroyObject(session, object));
	assert_ok(p11->C_CloseSession(session));
	check_whole(count);
}

static void copy_file(const char *from, const char *to)
{
	char block[65536];
	ssize_t got;
	int in = open(path_of(from), O_RDONLY),
	    out = open(path_of(to), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(in >= 0 && out >= 0);
	while ((got = read(in, block, sizeof(block))) > 0)
		assert_int_equal(write(out, block, (size_t)got), got);
	close(in);
	assert_int_equal(close(out), 0);
}

/* An older copy is put in its place while it is open: from then on that is the vault. */
static void a_file_that_is_replaced(void **state)
{
	CK_ULONG count;

	(void)state;
	CK_SESSION_HANDLE session = fixture_user();
	count = count_objects(session);
	copy_file("vault.db", "older.db");
	assert_ok(create(session, "newer"));
	assert_int_equal(count_objects(session), count + 1);
	assert_int_equal(rename(path_of("older.db"), path_of("vault.db")), 0);
	assert_int_equal(count_objects(session), count);
	assert_ok(create(session, "into the older one"));
	assert_int_equal(count_objects(session), count + 1);
	assert_ok(p11->C_CloseSession(session));
	check_whole(count + 1);

	/* Something else in its place is not opened, nor written. */
	static const char *const others[] = {"", "not a vault", "SQLite format 3"};
	copy_file("vault.db", "whole.db");
	for (size_t i = 0; i < COUNT(others); i++) {
		session = fixture_user();
		int fd = open(path_of("other.db"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
		assert_int_equal(write(fd, others[i], strlen(others[i])), strlen(others[i]));
		close(fd);
		assert_int_equal(rename(path_of("other.db"), path_of("vault.db")), 0);
		CK_RV rv = create(session, "nowhere");
		assert_true(rv == CKR_DEVICE_REMOVED || rv == CKR_DEVICE_ERROR);
		struct stat st;
		assert_int_equal(stat(path_of("vault.db"), &st), 0);
		assert_int_equal(st.st_size, strlen(others[i]));
		copy_file("whole.db", "other.db");
		assert_int_equal(rename(path_of("other.db"), path_of("vault.db")), 0);
		assert_ok(p11->C_CloseSession(session));
	}
	/* Nor through a link, or where others may write. */
	CK_TOKEN_INFO info;
	assert_int_equal(rename(path_of("vault.db"), path_of("elsewhere.db")), 0);
	assert_int_equal(symlink("elsewhere.db", path_of("vault.db")), 0);
	assert_rv(p11->C_GetTokenInfo(0, &info), CKR_DEVICE_ERROR);
	assert_int_equal(rename(path_of("elsewhere.db"), path_of("vault.db")), 0);
	assert_ok(p11->C_GetTokenInfo(0, &info));
	assert_int_equal(chmod(path_of("vault.db"), 0620), 0);
	assert_rv(p11->C_GetTokenInfo(0, &info), CKR_DEVICE_ERROR);
	assert_int_equal(chmod(path_of("vault.db"), 0600), 0);
	check_whole(count + 1);
}

static int open_quietly(void **state)
{
	fixture_open_token(state);
	setenv("PODPIS_LOG", "error:/dev/null", 1);
	fixture_restart();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_file_can_not_grow),
		cmocka_unit_test(a_full_disk),
		cmocka_unit_test(no_room_for_the_count),
		cmocka_unit_test(a_file_that_can_be_read_only),
		cmocka_unit_test(a_folder_that_can_be_read_only),
		cmocka_unit_test(a_folder_that_goes_away),
		cmocka_unit_test(a_file_that_is_replaced),
	};

	return cmocka_run_group_tests_name("disk", tests, open_quietly, fixture_close);
}
