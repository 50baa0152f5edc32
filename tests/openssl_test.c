#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/conf.h>

#include "provision/workplace/openssl.h"
#include "tests/folder.h"

#define MODULE "/m/podpis-pkcs11.so"

/* The value at the end of a path through the sections, beginning with the default one; NULL: there is none. */
static const char *walk(const CONF *config, const char *const *path)
{
	const char *section = "default";

	for (; *path != NULL && section != NULL; path++) {
		STACK_OF(CONF_VALUE) *values = NCONF_get_section(config, section);

		section = NULL;
		for (int i = 0; i < sk_CONF_VALUE_num(values); i++)
			if (strcmp(sk_CONF_VALUE_value(values, i)->name, *path) == 0)
				section = sk_CONF_VALUE_value(values, i)->value;
	}
	return section;
}

static void test_fragment(void **state)
{
	static const struct {
		const char *system; /* the system's file; NULL: there is none */
		enum openssl_way way;
		const char *path[5], *value;
	} cases[] = {
		{NULL, OPENSSL_ENGINE, {"openssl_conf", "engines", "pkcs11", "MODULE_PATH"},
			MODULE},
		{NULL, OPENSSL_ENGINE, {"openssl_conf", "providers"}, NULL},
		{NULL, OPENSSL_PROVIDER,
			{"openssl_conf", "providers", "pkcs11", "pkcs11-module-path"}, MODULE},
		{NULL, OPENSSL_PROVIDER, {"openssl_conf", "providers", "default", "activate"}, "1"},
		{NULL, OPENSSL_PROVIDER, {"openssl_conf", "engines"}, NULL},
		/* What the administrator set holds; another pkcs11 does not. */
		{"openssl_conf = a\n[a]\nssl_conf = s\nengines = e\n[s]\nall = t\n[t]\n"
		 "MinProtocol = TLSv1.2\n[e]\ngost = g\npkcs11 = p\n[g]\nengine_id = gost\n[p]\n"
		 "MODULE_PATH = /other.so\n",
			OPENSSL_ENGINE, {"openssl_conf", "ssl_conf", "all", "MinProtocol"},
			"TLSv1.2"},
		{"openssl_conf = a\n[a]\nengines = e\n[e]\ngost = g\npkcs11 = p\n[g]\n"
		 "engine_id = gost\n[p]\nMODULE_PATH = /other.so\n",
			OPENSSL_ENGINE, {"openssl_conf", "engines", "gost", "engine_id"}, "gost"},
		{"openssl_conf = a\n[a]\nengines = e\n[e]\npkcs11 = p\n[p]\nMODULE_PATH = "
		 "/other.so\n",
			OPENSSL_ENGINE, {"openssl_conf", "engines", "pkcs11", "MODULE_PATH"},
			MODULE},
		/* As Debian has it: the default provider is listed, and not activated by name. */
		{"openssl_conf = a\n[a]\nproviders = p\n[p]\ndefault = d\n[d]\n# activate = 1\n",
			OPENSSL_PROVIDER, {"openssl_conf", "providers", "default", "activate"},
			"1"},
		/* Somebody chose others: the default one stays away. */
		{"openssl_conf = a\n[a]\nproviders = p\n[p]\nfips = f\ndefault = d\n[d]\n[f]\n"
		 "activate = 1\n",
			OPENSSL_PROVIDER, {"openssl_conf", "providers", "default", "activate"},
			NULL},
		{"openssl_conf = a\n[a]\nproviders = p\n[p]\nfips = f\n[f]\nactivate = 1\n",
			OPENSSL_PROVIDER, {"openssl_conf", "providers", "pkcs11", "activate"}, "1"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *folder = folder_make(), *system = folder_path(folder, "system.cnf");
		CONF *config = NCONF_new(NULL);

		if (cases[i].system != NULL)
			free(folder_write(
				folder, "system.cnf", cases[i].system, strlen(cases[i].system)));
		char *text = openssl_fragment(system, MODULE, cases[i].way);
		assert_non_null(text);
		char *path = folder_write(folder, "openssl.cnf", text, strlen(text));
		assert_int_equal(NCONF_load(config, path, NULL), 1);
		const char *value = walk(config, cases[i].path);
		if (cases[i].value == NULL)
			assert_null(value);
		else
			assert_string_equal(value, cases[i].value);
		NCONF_free(config);
		free(path);
		free(text);
		free(system);
		folder_remove(folder);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fragment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
