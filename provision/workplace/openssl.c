#include "provision/workplace/openssl.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/conf.h>
#include <openssl/crypto.h>
#include <openssl/err.h>

#include "module/support/buffer.h"
#include "provision/i18n.h"
#include "provision/workplace/application.h"

/* Is there a pkcs11.so in that folder of OpenSSL's? */
static bool has(int folder)
{
	const char *name = OPENSSL_info(folder);
	char *path = name != NULL ? place_text("%s/pkcs11.so", name) : NULL;
	bool there = path != NULL && access(path, R_OK) == 0;

	free(path);
	return there;
}

/* As OpenSSL reads a section: without the default section's values, which NCONF_get_string would add. */
static const char *value_of(const CONF *config, const char *section, const char *name)
{
	STACK_OF(CONF_VALUE) *values = NCONF_get_section(config, section);

	for (int i = 0; i < sk_CONF_VALUE_num(values); i++) {
		const CONF_VALUE *value = sk_CONF_VALUE_value(values, i);

		if (strcmp(value->name, name) == 0)
			return value->value;
	}
	return NULL;
}

static const char *section_of(
	const CONF *config, const char *section, const char *name, const char *otherwise)
{
	const char *value = value_of(config, section, name);

	return value != NULL ? value : otherwise;
}

/* A provider that is activated by name keeps OpenSSL from activating its default one by itself. */
static bool activates_any(const CONF *config, const char *providers)
{
	STACK_OF(CONF_VALUE) *values = NCONF_get_section(config, providers);

	for (int i = 0; i < sk_CONF_VALUE_num(values); i++)
		if (value_of(config, sk_CONF_VALUE_value(values, i)->value, "activate") != NULL)
			return true;
	return false;
}

static void add_engine(struct buffer *text, const CONF *config, const char *all, const char *module)
{
	const char *engines = section_of(config, all, "engines", "podpis_engines");

	buffer_printf(text,
		"engines = %s\n[%s]\npkcs11 = podpis_engine\n[podpis_engine]\n"
		"engine_id = pkcs11\nMODULE_PATH = %s\ninit = 0\n",
		engines, engines, module);
}

/* Not ended by an exit handler: an inner module that tears itself down at exit, as SoftHSM does, is gone by then. */
static void add_provider(
	struct buffer *text, const CONF *config, const char *all, const char *module)
{
	const char *providers = section_of(config, all, "providers", "podpis_providers");
	const char *fallback = section_of(config, providers, "default", "podpis_default");

	buffer_printf(text,
		"providers = %s\n[%s]\ndefault = %s\npkcs11 = podpis_provider\n[podpis_provider]\n"
		"pkcs11-module-path = %s\npkcs11-module-quirks = no-deinit\nactivate = 1\n",
		providers, providers, fallback, module);
	if (!activates_any(config, providers))
		buffer_printf(text, "[%s]\nactivate = 1\n", fallback);
}

/*
 * The two ways have a file each: an engine takes the keys of a provider for its own, and OpenSSL crashes where both
 * are configured.
 */
static const struct way {
	const char *file;
	int folder; /* of OpenSSL's, where pkcs11.so is */
	void (*add)(struct buffer *text, const CONF *config, const char *all, const char *module);
	const char *options; /* of the command that uses it */
} ways[] = {
	[OPENSSL_ENGINE] = {"openssl.cnf", OPENSSL_INFO_ENGINES_DIR, add_engine,
		" -engine pkcs11 -keyform engine"},
	[OPENSSL_PROVIDER] = {"openssl-provider.cnf", OPENSSL_INFO_MODULES_DIR, add_provider, ""},
};

#define WAYS (sizeof(ways) / sizeof(ways[0]))

char *openssl_fragment(const char *system, const char *module, enum openssl_way way)
{
	struct buffer text = BUFFER_INIT(64 * 1024);
	CONF *config = NCONF_new(NULL);
	const char *all;
	char *whole;

	if (config == NULL)
		return NULL;
	buffer_printf(&text, "# OpenSSL with Podpis, by podpis setup.\n");
	if (access(system, R_OK) == 0)
		buffer_printf(&text, ".include %s\n", system);
	/* One that is not understood has no sections to add to; doctor names the line. */
	if (NCONF_load(config, system, NULL) != 1)
		ERR_clear_error();
	all = section_of(config, "default", "openssl_conf", "podpis_openssl");
	buffer_printf(&text, "[default]\nopenssl_conf = %s\n[%s]\n", all, all);
	ways[way].add(&text, config, all, module);
	whole = buffer_ok(&text) ? strdup(buffer_text(&text)) : NULL;
	NCONF_free(config);
	buffer_free(&text);
	return whole;
}

static bool add_place(
	struct places *places, const char *config_home, const char *module, enum openssl_way way)
{
	const char *folder = OPENSSL_info(OPENSSL_INFO_CONFIG_DIR);
	char *system = place_text("%s/openssl.cnf", folder != NULL ? folder : "/etc/ssl");
	struct place *place = places_add(
		places, "openssl", PLACE_LINES, "%s/podpis/%s", config_home, ways[way].file);

	if (place != NULL && system != NULL) {
		place->text = openssl_fragment(system, module, way);
		place->hint = place_text(_("for one command: OPENSSL_CONF=%s openssl …%s"),
			place->path, ways[way].options);
	}
	free(system);
	return place != NULL && place->text != NULL && place->hint != NULL;
}

bool openssl_places(struct places *places, const char *module, bool asked, struct error *err)
{
	char *config = place_config_home();
	size_t before = places->count;
	bool done = true;

	for (size_t i = 0; i < WAYS && done; i++) {
		if (!has(ways[i].folder))
			continue;
		done = config != NULL ? add_place(places, config, module, (enum openssl_way)i) ||
						error_set(err, ERROR_FAILED, _("out of memory"))
				      : error_set(err, ERROR_WORKPLACE,
						_("there is no place for podpis/openssl.cnf"));
	}
	if (done && asked && places->count == before)
		done = error_set(err, ERROR_WORKPLACE,
			_("openssl: neither the engine pkcs11 nor pkcs11-provider is installed "
			  "(Debian's package libengine-pkcs11-openssl)"));
	free(config);
	return done;
}
