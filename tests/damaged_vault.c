#include "tests/damaged_vault.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ID_MASK      ((1ull << 40) - 1) /* of a handle; above it is a private object's login */

const struct damage_object damage_objects[DAMAGE_OBJECTS] = {
	{"first", false, false},
	{"second", false, false},
	{"third", false, false},
	{"hidden first", true, false},
	{"hidden second", true, false},
	{"public key", false, true},
	{"private key", true, true},
};

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_OBJECT_CLASS data_class = CKO_DATA;

const char *damage_path(const char *name)
{
	static char path[4][320];
	static unsigned next;

	next = (next + 1) % 4;
	snprintf(path[next], sizeof(path[next]), "%s/%s", fixture_dir(), name);
	return path[next];
}

uint8_t *damage_read(const char *name, size_t *length)
{
	FILE *file = fopen(damage_path(name), "r");
	struct stat st;

	assert_non_null(file);
	assert_int_equal(fstat(fileno(file), &st), 0);
	uint8_t *data = malloc((size_t)st.st_size + 1);
	assert_non_null(data);
	*length = fread(data, 1, (size_t)st.st_size, file);
	assert_int_equal(*length, st.st_size);
	data[*length] = '\0';
	fclose(file);
	return data;
}

void damage_write(const char *name, const uint8_t *data, size_t length)
{
	int fd = open(damage_path(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, length), length);
	assert_int_equal(close(fd), 0);
}

static void copy_file(const char *from, const char *to)
{
	size_t length;
	uint8_t *data = damage_read(from, &length);

	damage_write(to, data, length);
	free(data);
}

void damage_restore(void)
{
	copy_file("whole.db", "vault.db");
	unlink(damage_path("vault.db-journal"));
	damage_write("log", NULL, 0);
}

sqlite3 *damage_database(void)
{
	sqlite3 *db = NULL;
	char text[512];

	assert_int_equal(sqlite3_open(damage_path("vault.db"), &db), SQLITE_OK);
	snprintf(text, sizeof(text),
		"ATTACH '%s' AS older; ATTACH '%s' AS other; PRAGMA ignore_check_constraints = ON",
		damage_path("older.db"), damage_path("other.db"));
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	return db;
}

void damage_sql(const char *text)
{
	sqlite3 *db = damage_database();
	char *error = NULL;

	if (sqlite3_exec(db, text, NULL, NULL, &error) != SQLITE_OK)
		fail_msg("%s: %s", text, error);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

bool damage_is_logged(const char *word)
{
	size_t length;
	char *log = (char *)damage_read("log", &length);
	bool found = strstr(log, word) != NULL;

	free(log);
	return found;
}

/* The object's handle, 0 when it is not shown. */
static CK_OBJECT_HANDLE find(CK_SESSION_HANDLE session, size_t i)
{
	CK_ATTRIBUTE templ[] = {{CKA_LABEL, (char *)(uintptr_t)damage_objects[i].label,
		strlen(damage_objects[i].label)}};
	CK_OBJECT_HANDLE found[2] = {0};
	CK_ULONG count = 0;

	assert_ok(p11->C_FindObjectsInit(session, templ, 1));
	assert_ok(p11->C_FindObjects(session, found, 2, &count));
	assert_ok(p11->C_FindObjectsFinal(session));
	assert_true(count <= 1);
	return found[0];
}

bool damage_is_shown(CK_SESSION_HANDLE session, size_t i)
{
	const size_t length = strlen(damage_objects[i].label);
	CK_OBJECT_HANDLE found = find(session, i);
	char value[64];

	if (found == 0)
		return false;
	assert_int_equal(found & ID_MASK, i + 1);
	if (!damage_objects[i].is_key) {
		assert_int_equal(
			fixture_get(session, found, CKA_VALUE, value, sizeof(value)), length);
		assert_memory_equal(value, damage_objects[i].label, length);
	}
	return true;
}

static CK_RV create(CK_SESSION_HANDLE session, const char *label, bool is_private)
{
	CK_ATTRIBUTE templ[] = {
		{CKA_CLASS, &data_class, sizeof(data_class)},
		{CKA_TOKEN, &yes, 1},
		{CKA_PRIVATE, is_private ? &yes : &no, 1},
		{CKA_LABEL, (char *)(uintptr_t)label, strlen(label)},
		{CKA_VALUE, (char *)(uintptr_t)label, strlen(label)},
	};
	CK_OBJECT_HANDLE object;

	return p11->C_CreateObject(session, templ, COUNT(templ), &object);
}

static CK_RV log_in(CK_SESSION_HANDLE session, CK_USER_TYPE user)
{
	const char *pin = user == CKU_SO ? FIXTURE_SO_PIN : FIXTURE_PIN;

	return p11->C_Login(session, user, (CK_UTF8CHAR *)(uintptr_t)pin, strlen(pin));
}

void damage_check_shown(const char *name, CK_SESSION_HANDLE session, bool logged_in, unsigned lost)
{
	for (size_t i = 0; i < DAMAGE_OBJECTS; i++) {
		bool expected =
			(lost >> i & 1) == 0 && (logged_in || !damage_objects[i].is_private);

		if (damage_is_shown(session, i) != expected)
			fail_msg("%s: %s is %s%s", name, damage_objects[i].label,
				expected ? "lost" : "shown", logged_in ? ", logged in" : "");
	}
}

/* Writes as far as the case lets: a new object, and a change to one that is not lost. */
static void check_writing(
	const char *name, CK_SESSION_HANDLE session, unsigned lost, unsigned effects)
{
	CK_ATTRIBUTE change[] = {{CKA_APPLICATION, "changed", 7}};
	CK_OBJECT_HANDLE target = 1;
	CK_RV rv = create(session, "new", false);

	if (rv != ((effects & STOPS_WRITING) != 0 ? CKR_DEVICE_ERROR : CKR_OK))
		fail_msg("%s: a new object: 0x%lx", name, rv);
	while ((lost >> (target - 1) & 1) != 0)
		target++;
	rv = p11->C_SetAttributeValue(session, target, change, 1);
	if (rv != ((effects & (STOPS_WRITING | STOPS_CHANGING)) != 0 ? CKR_DEVICE_ERROR : CKR_OK))
		fail_msg("%s: a change: 0x%lx", name, rv);
}

void damage_check_login(const char *name, CK_SESSION_HANDLE session, CK_USER_TYPE user, bool locked)
{
	CK_RV rv = log_in(session, user);

	if (rv != (locked ? CKR_DEVICE_ERROR : CKR_OK))
		fail_msg("%s: the %s's login: 0x%lx", name, user == CKU_SO ? "SO" : "user", rv);
}

void damage_check(const char *name, const char *word, unsigned lost, unsigned effects)
{
	bool user_locked = (effects & LOCKS_USER) != 0;

	assert_ok(p11->C_Initialize(NULL));
	CK_SESSION_HANDLE session = fixture_session(true);
	/* What only a key can tell may be shown before there is one. */
	for (size_t i = 0; i < DAMAGE_OBJECTS; i++)
		if ((lost >> i & 1) == 0 && !damage_objects[i].is_private &&
			!damage_is_shown(session, i))
			fail_msg("%s: %s is lost", name, damage_objects[i].label);
	damage_check_login(name, session, CKU_USER, user_locked);
	if (user_locked)
		damage_check_login(name, session, CKU_SO, false);
	damage_check_shown(name, session, !user_locked, lost);
	check_writing(name, session, lost, effects);
	if (!damage_is_logged(word))
		fail_msg("%s: the log does not name \"%s\"", name, word);
	if ((effects & LOCKS_SO) != 0) {
		assert_ok(p11->C_Logout(session));
		damage_check_login(name, session, CKU_SO, true);
	}
	assert_ok(p11->C_Finalize(NULL));
}

int damage_make_vaults(void **state)
{
	CK_ATTRIBUTE change[] = {{CKA_APPLICATION, "older", 5}};
	CK_UTF8CHAR label[32];

	fixture_open_token(state);
	memset(label, ' ', sizeof(label));
	for (int i = 0; i < 2; i++) {
		CK_SESSION_HANDLE session = fixture_user();
		for (size_t k = 0; k < DAMAGE_OBJECTS && !damage_objects[k].is_key; k++)
			assert_ok(create(
				session, damage_objects[k].label, damage_objects[k].is_private));
		struct fixture_pair pair = fixture_generate(session, FIXTURE_P256, true, NULL, 0);
		CK_ATTRIBUTE name[] = {{CKA_LABEL, "public key", 10}};
		assert_ok(p11->C_SetAttributeValue(session, pair.public_key, name, 1));
		name[0] = (CK_ATTRIBUTE){CKA_LABEL, "private key", 11};
		assert_ok(p11->C_SetAttributeValue(session, pair.private_key, name, 1));
		assert_ok(p11->C_CloseSession(session));
		if (i == 1)
			break;
		copy_file("vault.db", "other.db");
		assert_ok(p11->C_Finalize(NULL));
		assert_int_equal(unlink(damage_path("vault.db")), 0);
		assert_ok(p11->C_Initialize(NULL));
		fixture_make_token();
	}
	copy_file("vault.db", "older.db");
	CK_SESSION_HANDLE session = fixture_user();
	for (size_t i = 0; i < 5; i++)
		assert_ok(p11->C_SetAttributeValue(session, find(session, i), change, 1));
	/* The PINs stay what they were, their wraps don't. */
	assert_ok(p11->C_SetPIN(session, (CK_UTF8CHAR *)FIXTURE_PIN, strlen(FIXTURE_PIN),
		(CK_UTF8CHAR *)FIXTURE_PIN, strlen(FIXTURE_PIN)));
	assert_ok(p11->C_Logout(session));
	assert_ok(log_in(session, CKU_SO));
	assert_ok(p11->C_SetPIN(session, (CK_UTF8CHAR *)FIXTURE_SO_PIN, strlen(FIXTURE_SO_PIN),
		(CK_UTF8CHAR *)FIXTURE_SO_PIN, strlen(FIXTURE_SO_PIN)));
	assert_ok(p11->C_Finalize(NULL));
	copy_file("vault.db", "whole.db");
	char setting[320];
	snprintf(setting, sizeof(setting), "error:%s", damage_path("log"));
	setenv("PODPIS_LOG", setting, 1);
	return 0;
}

int damage_end(void **state)
{
	unsetenv("PODPIS_LOG");
	return fixture_close(state);
}
