#include <stdlib.h>
#include <string.h>

#include <openssl/conf.h>

#include "provision/i18n.h"
#include "provision/workplace/check.h"

/*
 * An ENGINE that is the host's default for what the module needs stands below OpenSSL's providers, where the module
 * can't keep it out (docs/architecture.md). libp11's does no harm.
 */
static const char *const taken[] = {"ALL", "RSA", "EC", "RAND", "DIGESTS", "CIPHERS", "PKEY"};

static bool takes(const char *algorithms)
{
	for (size_t length; *algorithms != '\0';
		algorithms += length + (algorithms[length] == ',')) {
		algorithms += strspn(algorithms, " \t");
		length = strcspn(algorithms, ",");
		for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
			if (strncmp(algorithms, taken[i], strlen(taken[i])) == 0)
				return true;
	}
	return false;
}

static const char *text_of(const CONF *config, const char *section, const char *name)
{
	const char *text = section != NULL ? NCONF_get_string(config, section, name) : NULL;

	return text;
}

static size_t look(struct checks *checks, const CONF *config, const char *file)
{
	const char *all = NCONF_get_string(config, NULL, "openssl_conf");
	const char *list = text_of(config, all, "engines");
	STACK_OF(CONF_VALUE) *engines = list != NULL ? NCONF_get_section(config, list) : NULL;
	size_t found = 0;

	for (int i = 0; i < sk_CONF_VALUE_num(engines); i++) {
		const CONF_VALUE *value = sk_CONF_VALUE_value(engines, i);
		const char *algorithms = text_of(config, value->value, "default_algorithms");
		const char *id = text_of(config, value->value, "engine_id");

		if (algorithms == NULL || !takes(algorithms) ||
			strcmp(id != NULL ? id : value->name, "pkcs11") == 0)
			continue;
		found++;
		check_row(checks, "engine", file, VERDICT_WRONG,
			_("take default_algorithms out of that section"),
			_("[%s] makes the engine %s OpenSSL's default for %s: it would see what "
			  "the module "
			  "computes, and its failures are the module's"),
			value->value, id != NULL ? id : value->name, algorithms);
	}
	return found;
}

void check_engines(struct checks *checks)
{
	char *file = CONF_get1_default_config_file();
	CONF *config = NCONF_new(NULL);
	long line = 0;

	if (file == NULL || config == NULL) {
		check_row(checks, "engine", "openssl.cnf", VERDICT_WRONG, NULL, _("out of memory"));
	} else if (NCONF_load(config, file, &line) != 1) {
		check_row(checks, "engine", file, line > 0 ? VERDICT_WRONG : VERDICT_NOTE, NULL,
			line > 0 ? _("OpenSSL does not understand line %ld") : _("it is not there"),
			line);
	} else if (look(checks, config, file) == 0) {
		check_row(checks, "engine", file, VERDICT_FINE, NULL,
			_("no engine stands in the module's way"));
	}
	NCONF_free(config);
	OPENSSL_free(file);
}
