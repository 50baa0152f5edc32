/*
 * reader_fixture: two slots, "reader", of a module that misbehaves when it is told to (misbehaving_module.c), and
 * "vault", which shall live whatever that does.
 */
#ifndef PODPIS_TESTS_READER_FIXTURE_H
#define PODPIS_TESTS_READER_FIXTURE_H

#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/module_fixture.h"

#define SLOT  0 /* the misbehaving module's first */
#define VAULT 1

/* What the module does wrong from now on: words, "" for nothing. */
static inline void reader_tell(const char *words)
{
	char path[300];

	snprintf(path, sizeof(path), "%s.new", getenv("MISBEHAVING"));
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(words, file);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(rename(path, getenv("MISBEHAVING")), 0);
}

/* A counter of the module inside, if this process has it. */
static inline atomic_int *reader_counter(const char *name)
{
	void *library = dlopen(getenv("PODPIS_TEST_INNER"), RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
	void *symbol = library != NULL ? dlsym(library, name) : NULL;

	if (library != NULL)
		dlclose(library);
	return symbol;
}

static inline int reader_count(const char *name)
{
	atomic_int *found = reader_counter(name);
	return found != NULL ? *found : 0;
}

static inline void reader_configure(const char *more)
{
	char text[2000];

	snprintf(text, sizeof(text),
		"[slot reader]\nstore = token\nmodule = %s\n%s\n"
		"[slot vault]\nstore = vault\npath = %s/vault.db\n",
		getenv("PODPIS_TEST_INNER"), more, fixture_dir());
	fixture_configure(text);
	fixture_restart();
}

static inline int reader_set_up(void **state)
{
	char path[300];

	fixture_open(state);
	snprintf(path, sizeof(path), "%s/misbehaving", fixture_dir());
	setenv("MISBEHAVING", path, 1);
	reader_tell("");
	/* What is wrong on purpose need not be read. */
	snprintf(path, sizeof(path), "debug:%s/log", fixture_dir());
	setenv("PODPIS_LOG", path, 1);
	return 0;
}

static inline int reader_before(void **state)
{
	(void)state;
	reader_tell("");
	reader_configure("");
	return 0;
}

static inline CK_RV reader_open_rv(CK_SLOT_ID slot, CK_SESSION_HANDLE *session)
{
	return p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, session);
}

static inline CK_SESSION_HANDLE reader_open(void)
{
	CK_SESSION_HANDLE session = 0;
	assert_ok(reader_open_rv(SLOT, &session));
	return session;
}

static inline bool reader_is_present(CK_SLOT_ID slot)
{
	CK_SLOT_INFO info;
	assert_ok(p11->C_GetSlotInfo(slot, &info));
	return (info.flags & CKF_TOKEN_PRESENT) != 0;
}

static inline bool reader_vault_lives(void)
{
	CK_TOKEN_INFO info;
	return reader_is_present(VAULT) && p11->C_GetTokenInfo(VAULT, &info) == CKR_OK;
}

#endif
