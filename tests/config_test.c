#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "module/support/config.h"
#include "tests/folder.h"

static char *folder;

static int set_up(void **state)
{
	char *path;

	(void)state;
	folder = folder_make();
	unsetenv("PODPIS_CONFIG");
	setenv("HOME", folder, 1);
	path = folder_path(folder, "c");
	setenv("XDG_CONFIG_HOME", path, 1);
	free(path);
	path = folder_path(folder, "d");
	setenv("XDG_DATA_HOME", path, 1);
	free(path);
	unsetenv("XDG_STATE_HOME");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	folder_remove(folder);
	return 0;
}

static struct config *load(const char *text)
{
	char *path = folder_write(folder, "podpis.conf", text, strlen(text));
	struct config *config = config_load(path);

	assert_non_null(config);
	free(path);
	return config;
}

static void assert_path(const char *value, const char *start, const char *rest)
{
	char *path = folder_path(start, rest);

	assert_non_null(value);
	assert_string_equal(value, path);
	free(path);
}

static void sections_in_order(void **state)
{
	struct config *config =
		load("[slot vault]\nstore = vault\npath = ~/v.db\n\n"
		     "[slot  my  token ]\r\nstore=token\nmodule = libx.so\n"
		     "token = pkcs11:serial=3b5f8c2e\n"
		     "[slot cloud]\nstore = cloud\nurl = https://x/csc/v2\nlogin = none\n"
		     "ca-file = ca/tls.pem\n"
		     "[module]\nsha1 = no\n"
		     "[authority centre]\nprotocol = cabinet\nurl = https://y/api\n"
		     "ca-file = /etc/ca.pem\nanchors = ./a.pem\n"
		     "[authority post]\nprotocol = file\nfolder = out\n");
	const struct config_section *section;

	(void)state;
	assert_null(config->problem);
	assert_int_equal(config->count, 6);
	for (size_t i = 0; i < config->count; i++) {
		if (config->sections[i].problem != NULL)
			fail_msg("%s", config->sections[i].problem);
	}
	assert_path(config->path, folder, "podpis.conf");
	assert_string_equal(config->sections[0].name, "vault");
	assert_int_equal(config->sections[0].line, 1);
	assert_path(config_get(&config->sections[0], "path"), folder, "v.db");
	assert_int_equal(config->sections[0].pairs[1].line, 3);
	section = config_find(config, CONFIG_SLOT, "my token");
	assert_ptr_equal(section, &config->sections[1]);
	assert_string_equal(config_get(section, "module"), "libx.so");
	assert_string_equal(config_get(section, "token"), "pkcs11:serial=3b5f8c2e");
	assert_null(config_get(section, "path"));
	assert_path(config_get(&config->sections[2], "ca-file"), folder, "ca/tls.pem");
	section = config_find(config, CONFIG_MODULE, "");
	assert_string_equal(config_get(section, "sha1"), "no");
	section = config_find(config, CONFIG_AUTHORITY, "centre");
	assert_string_equal(config_get(section, "ca-file"), "/etc/ca.pem");
	assert_path(config_get(section, "anchors"), folder, "./a.pem");
	assert_path(
		config_get(config_find(config, CONFIG_AUTHORITY, "post"), "folder"), folder, "out");
	assert_null(config_find(config, CONFIG_AUTHORITY, "vault"));
	config_free(config);
}

/* One broken section: its problem has this text, and the sound one behind it is there. */
static void a_broken_section_stays_alone(void **state)
{
	static const struct {
		const char *text, *problem;
	} rows[] = {
		{"[slot a]\nstore = vault\npaht = x\n", ":3: unknown key 'paht'"},
		{"[slot a]\nstore = vault\nstore = vault\n", ":3: the key is there twice"},
		{"[slot a]\npath = x\n", ":1: the section lacks the key 'store'"},
		{"[slot a]\nstore = safe\n", ":2: unknown store 'safe'"},
		{"[slot a]\nstore = token\n", ":1: the section lacks the key 'module'"},
		{"[slot a]\nstore = token\nmodule = x.so\ntoken = x\n", ":4: not a PKCS#11 URI"},
		{"[slot a]\nstore = token\nmodule = x.so\ntoken = pkcs11:object=k\n",
			":4: the URI has an attribute other than"},
		{"[slot a]\nstore = token\nmodule = x.so\nprobe = maybe\n",
			":4: no value of this key: 'maybe'"},
		{"[slot a]\nstore = vault\nmodule = x.so\n", ":3: the section's kind has no use"},
		{"[slot a]\nstore = cloud\nlogin = none\n", ":1: the section lacks the key 'url'"},
		{"[slot a]\nstore = cloud\nurl = u\nlogin = maybe\n",
			":4: no value of this key: 'maybe'"},
		{"[slot a]\nstore = vault\npath =\n", ":3: no value for the key 'path'"},
		{"[slot a]\nstore = vault\nwhat is this\n", ":3: neither a comment"},
		{"[slot a]\nstore = vault\n\xff\n", ":3: not UTF-8"},
		{"[slot ../a]\nstore = vault\n", ":1: the section lacks the key 'path'"},
		{"[slot]\nstore = vault\n", ":1: the section needs a name"},
		{"[slot sound]\nstore = safe\n[slot sound]\n", ":2: unknown store"},
		{"[authority a]\nurl = x\n", ":1: the section lacks the key 'protocol'"},
		{"[authority a]\nprotocol = post\n", ":2: unknown protocol 'post'"},
		{"[authority a]\nprotocol = file\n", ":1: the section lacks the key 'folder'"},
		{"[module]\nsha1 = never\n", ":2: no value of this key: 'never'"},
		{"[module x]\nsha1 = no\n", ":1: the section has no name"},
		{"[slot 0123456789012345678901234567890123456789012345678901234567890123456789]\n",
			":1: the name is longer"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config *config;
		const struct config_section *last;
		char *text = NULL;

		assert_true(asprintf(&text, "%s[slot last]\nstore = vault\npath = /v.db\n",
				    rows[i].text) > 0);
		config = load(text);
		free(text);
		assert_null(config->problem);
		if (config->sections[0].problem == NULL ||
			strstr(config->sections[0].problem, rows[i].problem) == NULL)
			fail_msg("row %zu: %s", i, config->sections[0].problem);
		assert_memory_equal(
			config->sections[0].problem, config->path, strlen(config->path));
		last = &config->sections[config->count - 1];
		assert_string_equal(last->name, "last");
		assert_null(last->problem);
		assert_string_equal(config_get(last, "path"), "/v.db");
		config_free(config);
	}
}

static void the_second_of_a_name_is_broken(void **state)
{
	struct config *config =
		load("[slot a]\nstore=vault\npath=/1\n[authority a]\nprotocol=file\n"
		     "folder=/f\n[slot  a]\nstore=vault\npath=/2\n");

	(void)state;
	assert_int_equal(config->count, 3);
	assert_null(config->sections[0].problem);
	assert_null(config->sections[1].problem);
	assert_non_null(strstr(config->sections[2].problem, ":7: a second section 'slot a'"));
	assert_string_equal(config_get(config_find(config, CONFIG_SLOT, "a"), "path"), "/1");
	config_free(config);
}

/* What belongs to no section is the file's problem; sections behind it are read all the same. */
static void problems_of_the_file(void **state)
{
	static const struct {
		const char *text, *problem;
	} rows[] = {
		{"[slto a]\nstore = vault\nwhatever\n", ":1: unknown section 'slto a'"},
		{"store = vault\n", ":1: a key before the first section 'store'"},
		{"[slot a\nstore = vault\n", ":1: a section's line ends with ]"},
		{"nonsense\n", ":1: neither a comment"},
		{"[]\nx = y\n", ":1: a section needs a name"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config *config = load(rows[i].text);
		char *text = NULL;

		/* Nor does a slot that was never meant come up in its place. */
		assert_int_equal(config->count, 0);
		assert_non_null(config->problem);
		config_free(config);
		assert_true(asprintf(&text, "%s[slot b]\nstore = vault\n", rows[i].text) > 0);
		config = load(text);
		free(text);
		if (config->problem == NULL || strstr(config->problem, rows[i].problem) == NULL)
			fail_msg("row %zu: %s", i, config->problem);
		assert_int_equal(config->count, 1);
		assert_string_equal(config->sections[0].name, "b");
		assert_null(config->sections[0].problem);
		config_free(config);
	}
}

static void too_many_sections(void **state)
{
	char text[300 * 16] = "";
	struct config *config;

	(void)state;
	for (int i = 0; i < 300; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "[slot %d]\n", i);
	config = load(text);
	assert_non_null(strstr(config->problem, ":257: more than 256 sections"));
	assert_int_equal(config->count, 256);
	config_free(config);
}

static void assert_default_vault(const struct config *config)
{
	char *path = folder_path(folder, "d/podpis/vault.db");

	assert_null(config->problem);
	assert_string_equal(
		config_get(config_find(config, CONFIG_SLOT, "vault"), "store"), "vault");
	assert_string_equal(config_get(config_find(config, CONFIG_SLOT, "vault"), "path"), path);
	assert_int_equal(config_find(config, CONFIG_SLOT, "vault")->line, 0);
	free(path);
}

static void without_a_file_there_is_a_vault(void **state)
{
	struct config *config;
	char *path;

	(void)state;
	if (access("/etc/podpis/podpis.conf", F_OK) == 0)
		skip();
	path = config_path();
	assert_path(path, folder, "c/podpis/podpis.conf");
	free(path);
	config = config_load(NULL);
	assert_int_equal(config->count, 1);
	assert_null(config->path);
	assert_default_vault(config);
	config_free(config);
	/* An empty name is none. */
	setenv("PODPIS_CONFIG", "", 1);
	config = config_load(NULL);
	assert_default_vault(config);
	config_free(config);
	unsetenv("PODPIS_CONFIG");
	/* A file without slots says nothing about slots. */
	config = load("[authority a]\nprotocol = file\nfolder = /f\n");
	assert_int_equal(config->count, 2);
	assert_default_vault(config);
	config_free(config);
}

static void a_vault_lies_where_vaults_lie(void **state)
{
	struct config *config = load("[slot work]\nstore = vault\n");

	(void)state;
	assert_path(config_get(&config->sections[0], "path"), folder, "d/podpis/work.db");
	config_free(config);
}

static void a_named_file_must_be_there(void **state)
{
	char *path = folder_path(folder, "none.conf");
	struct config *config;

	(void)state;
	setenv("PODPIS_CONFIG", path, 1);
	config = config_load(NULL);
	assert_non_null(strstr(config->problem, path));
	assert_int_equal(config->count, 0);
	assert_null(config->path);
	config_free(config);
	unsetenv("PODPIS_CONFIG");
	config = config_load(path);
	assert_non_null(strstr(config->problem, path));
	config_free(config);
	config = config_load(folder);
	assert_non_null(strstr(config->problem, folder));
	assert_int_equal(config->count, 0);
	config_free(config);
	free(path);
}

static void folders_of_the_specification(void **state)
{
	char *path;

	(void)state;
	path = config_data_dir();
	assert_path(path, folder, "d/podpis");
	free(path);
	path = config_state_dir();
	assert_path(path, folder, ".local/state/podpis");
	free(path);
	/* A relative path is to be ignored. */
	setenv("XDG_STATE_HOME", "state", 1);
	path = config_state_dir();
	assert_path(path, folder, ".local/state/podpis");
	free(path);
	unsetenv("XDG_STATE_HOME");
	/* Without HOME the user database knows. */
	unsetenv("HOME");
	path = config_state_dir();
	assert_non_null(path);
	assert_int_equal(path[0], '/');
	free(path);
	setenv("HOME", folder, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sections_in_order),
		cmocka_unit_test(a_broken_section_stays_alone),
		cmocka_unit_test(the_second_of_a_name_is_broken),
		cmocka_unit_test(problems_of_the_file),
		cmocka_unit_test(too_many_sections),
		cmocka_unit_test(without_a_file_there_is_a_vault),
		cmocka_unit_test(a_vault_lies_where_vaults_lie),
		cmocka_unit_test(a_named_file_must_be_there),
		cmocka_unit_test(folders_of_the_specification),
	};

	return cmocka_run_group_tests_name("config", tests, set_up, tear_down);
}
