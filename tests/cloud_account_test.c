#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "module/support/cloud_account.h"
#include "tests/folder.h"

static char *folder;

static int setup(void **state)
{
	(void)state;
	folder = folder_make();
	return setenv("XDG_STATE_HOME", folder, 1);
}

static int teardown(void **state)
{
	(void)state;
	folder_remove(folder);
	return 0;
}

/* Of pairs "key=value", the last NULL. */
static bool open_account(const char *const *pairs, struct cloud_account **out, struct error *err)
{
	struct config_pair list[12];
	struct config_section section = {.kind = CONFIG_SLOT, .name = strdup("s"), .pairs = list};
	bool ok;

	for (; pairs[section.count] != NULL; section.count++) {
		char *key = strdup(pairs[section.count]), *equals = strchr(key, '=');

		*equals = '\0';
		list[section.count] = (struct config_pair){.key = key, .value = equals + 1};
	}
	ok = cloud_account_open(&section, out, err);
	for (size_t i = 0; i < section.count; i++)
		free(list[i].key);
	free(section.name);
	return ok;
}

#define OPEN(out, err, ...) open_account((const char *const[]){__VA_ARGS__, NULL}, out, err)

static void test_account(void **state)
{
	struct cloud_account *account = NULL;
	char path[512], line[65] = "";
	struct stat info;
	json_t *json = NULL;
	FILE *pipe;
	int lock;

	(void)state;
	assert_true(OPEN(&account, NULL, "url=https://s.example/csc/v2/", "login=basic",
		"username=ivanov", "password-file=/p", "signatures=7"));
	assert_string_equal(account->url, "https://s.example/csc/v2");
	assert_int_equal(account->version, 2);
	assert_int_equal(account->login, CLOUD_LOGIN_BASIC);
	assert_int_equal(account->signatures, 7);
	assert_string_equal(account->password_file, "/p");
	assert_null(account->credential);
	assert_false(cloud_account_needs_person(account));
	pipe = popen("printf 'https://s.example/csc/v2\\nbasic\\n\\nivanov\\n' | sha256sum", "r");
	assert_non_null(fgets(line, sizeof(line), pipe));
	pclose(pipe);
	assert_string_equal(account->key, line);
	assert_true(tokens_lock(account->tokens, NULL, &lock, NULL));
	assert_true(tokens_load(account->tokens, &json, NULL));
	assert_true(tokens_save(account->tokens, json, NULL));
	tokens_wipe(json);
	close(lock);
	snprintf(path, sizeof(path), "%s/podpis/cloud/%s.json", folder, account->key);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	cloud_account_close(account);
	assert_true(
		OPEN(&account, NULL, "url=https://s.example/csc/v2", "login=basic", "username=u"));
	assert_true(cloud_account_needs_person(account));
	cloud_account_close(account);
	cloud_account_close(NULL);
}

/* Where others could put tokens of theirs, none are read, and none are left. */
static void test_folder_of_many(void **state)
{
	struct cloud_account *account = NULL;
	char path[512];
	struct error err = {0};
	json_t *json = NULL;
	int lock;

	(void)state;
	assert_true(OPEN(&account, NULL, "url=https://s.example/csc/v2", "login=none"));
	assert_true(tokens_lock(account->tokens, NULL, &lock, NULL));
	close(lock);
	snprintf(path, sizeof(path), "%s/podpis/cloud", folder);
	assert_int_equal(chmod(path, 0770), 0);
	assert_false(tokens_load(account->tokens, &json, &err));
	assert_int_equal(err.code, ERROR_WORKPLACE);
	assert_null(json);
	err = (struct error){0};
	assert_false(tokens_lock(account->tokens, NULL, &lock, &err));
	assert_int_equal(err.code, ERROR_WORKPLACE);
	assert_int_equal(chmod(path, 0700), 0);
	assert_true(tokens_load(account->tokens, &json, &err));
	tokens_wipe(json);
	cloud_account_close(account);
}

static bool when_asked(const void *asked)
{
	return ++*(unsigned *)(uintptr_t)asked > 1;
}

/* Whoever waits for another's renewal can be told to end. */
static void test_wait_for_lock(void **state)
{
	struct cloud_account *account = NULL;
	unsigned asked = 0;
	const struct interrupt interrupt = {when_asked, &asked};
	int first, second;

	(void)state;
	assert_true(OPEN(&account, NULL, "url=https://s.example/csc/v2", "login=none"));
	assert_true(tokens_lock(account->tokens, NULL, &first, NULL));
	assert_false(tokens_lock(account->tokens, &interrupt, &second, NULL));
	assert_int_equal(asked, 2);
	close(first);
	assert_true(tokens_lock(account->tokens, &interrupt, &second, NULL));
	close(second);
	cloud_account_close(account);
}

/* Whatever makes it another account makes another key; how often it may sign at once does not. */
static void test_key(void **state)
{
	static const char *const variants[][6] = {
		{"url=https://s.example/csc/v2", "client-id=a"},
		{"url=https://s.example/csc/v1", "client-id=a"},
		{"url=https://s.example/csc/v2", "client-id=b"},
		{"url=https://s.example/csc/v2", "client-id=a", "username=u"},
		{"url=https://s.example/csc/v2", "client-id=a", "credential=u"},
		{"url=https://s.example/csc/v2", "client-id=a", "login=client",
			"client-secret-file=/f"},
	};
	char keys[6][CLOUD_ACCOUNT_KEY];
	struct cloud_account *account = NULL;

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		assert_true(open_account(variants[i], &account, NULL));
		memcpy(keys[i], account->key, sizeof(keys[i]));
		cloud_account_close(account);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(keys[i], keys[k]);
	}
	assert_true(OPEN(&account, NULL, "url=https://s.example/csc/v2", "client-id=a",
		"login=oauth2code", "signatures=3"));
	assert_true(cloud_account_needs_person(account));
	assert_string_equal(account->key, keys[0]);
	cloud_account_close(account);
}

static void test_wrong(void **state)
{
	static const struct {
		const char *pairs[4];
		const char *says;
	} wrong[] = {
		{{"login=none"}, "url is missing"},
		{{"url=http://s.example/csc/v2", "login=none"}, "not an https address"},
		{{"url=https://s.example/csc/v2?x", "login=none"}, "not an https address"},
		{{"url=https://s.example/csc", "login=none"}, "/v1 or /v2"},
		{{"url=https://s.example/csc/v3", "login=none"}, "/v1 or /v2"},
		{{"url=https://s.example/csc/v2"}, "needs client-id"},
		{{"url=https://s.example/csc/v2", "login=basic", "password-file=/p"},
			"needs username"},
		{{"url=https://s.example/csc/v2", "login=external"}, "needs bearer-command"},
		{{"url=https://s.example/csc/v2", "login=other"}, "no login 'other'"},
		{{"url=https://s.example/csc/v2", "login=none", "signatures=0"},
			"signatures is a number"},
		{{"url=https://s.example/csc/v2", "login=none", "signatures=-1"},
			"signatures is a number"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct cloud_account *account = NULL;
		struct error err = {0};

		assert_false(open_account(wrong[i].pairs, &account, &err));
		assert_null(account);
		assert_int_equal(err.code, ERROR_USAGE);
		assert_non_null(strstr(err.message, wrong[i].says));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_account),
		cmocka_unit_test(test_folder_of_many),
		cmocka_unit_test(test_wait_for_lock),
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_wrong),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
