/*
 * vault_fixture: the vendor interface of the module under test, a second copy of the module, which shares nothing
 * with the first but the vault's file (so it stands for another process), and the vault's file opened from outside.
 */
#ifndef PODPIS_TESTS_VAULT_FIXTURE_H
#define PODPIS_TESTS_VAULT_FIXTURE_H

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "tests/module_fixture.h"

#include "module/podpis-vault.h"

/* The findings of a call, a line each. */
struct findings {
	char text[4096];
	PODPIS_VAULT_REPORT report;
};

static inline void findings_keep(void *context, const char *finding)
{
	struct findings *findings = context;
	size_t length = strlen(findings->text);

	snprintf(findings->text + length, sizeof(findings->text) - length, "%s\n", finding);
}

/* Empty, ready for a call. */
static inline PODPIS_VAULT_REPORT *findings_begin(struct findings *findings)
{
	*findings = (struct findings){.report = {.tell = findings_keep, .context = findings}};
	return &findings->report;
}

static inline const PODPIS_VAULT_FUNCTIONS *vault_functions(CK_FUNCTION_LIST_3_0 *functions)
{
	CK_UTF8CHAR name[] = PODPIS_VAULT_INTERFACE;
	CK_VERSION version = {1, 0};
	CK_INTERFACE *interface = NULL;

	assert_ok(functions->C_GetInterface(name, &version, &interface, 0));
	return interface->pFunctionList;
}

/* A file in the fixture's folder; valid until the next call but three. */
static inline const char *in_folder(const char *name)
{
	static char paths[4][512];
	static unsigned turn;
	char *path = paths[turn++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", fixture_dir(), name);
	return path;
}

static inline void copy_file(const char *from, const char *to)
{
	char piece[4096];
	size_t got;
	FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");

	assert_non_null(in);
	assert_non_null(out);
	while ((got = fread(piece, 1, sizeof(piece), in)) > 0)
		assert_int_equal(fwrite(piece, 1, got, out), got);
	fclose(in);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(chmod(to, 0600), 0);
}

/* SQL into a vault file, as somebody would who can write it. */
static inline void tamper(const char *name, const char *sql)
{
	char *message = NULL;
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(in_folder(name), &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s: %s", sql, message);
	sqlite3_close(db);
}

/* Another copy of the module, initialised. */
static inline CK_FUNCTION_LIST_3_0 *other_copy(void)
{
	CK_INTERFACE *interface = NULL;
	CK_C_GetInterface get = NULL;
	void *library;

	copy_file(getenv("PODPIS_TEST_MODULE"), in_folder("other.so"));
	library = dlopen(in_folder("other.so"), RTLD_NOW | RTLD_LOCAL);
	if (library == NULL)
		fail_msg("%s", dlerror());
	*(void **)&get = dlsym(library, "C_GetInterface");
	assert_non_null(get);
	assert_ok(get(NULL, NULL, &interface, 0));
	CK_FUNCTION_LIST_3_0 *functions = interface->pFunctionList;
	assert_ptr_not_equal(functions, p11);
	assert_ok(functions->C_Initialize(NULL));
	return functions;
}

/* A data object with this label; the user is logged in. */
static inline CK_OBJECT_HANDLE make_data(CK_SESSION_HANDLE session, const char *label, bool private)
{
	CK_OBJECT_CLASS class = CKO_DATA;
	CK_BBOOL yes = CK_TRUE, hidden = private;
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &class, sizeof(class)}, {CKA_TOKEN, &yes, 1},
		{CKA_PRIVATE, &hidden, 1}, {CKA_LABEL, (void *)(uintptr_t)label, strlen(label)},
		{CKA_VALUE, (void *)(uintptr_t)label, strlen(label)}};
	CK_OBJECT_HANDLE object = 0;

	assert_ok(p11->C_CreateObject(session, templ, sizeof(templ) / sizeof(templ[0]), &object));
	return object;
}

/* How many objects with this label a copy of the module shows; NULL: data objects of any. */
static inline CK_ULONG count_data(
	CK_FUNCTION_LIST_3_0 *functions, CK_SESSION_HANDLE session, const char *label)
{
	CK_OBJECT_CLASS class = CKO_DATA;
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &class, sizeof(class)},
		{CKA_LABEL, (void *)(uintptr_t)label, label != NULL ? strlen(label) : 0}};
	CK_OBJECT_HANDLE objects[1024];
	CK_ULONG count = 0;

	assert_ok(functions->C_FindObjectsInit(session, templ, label != NULL ? 2 : 1));
	assert_ok(functions->C_FindObjects(session, objects, 1024, &count));
	assert_ok(functions->C_FindObjectsFinal(session));
	return count;
}

#endif
