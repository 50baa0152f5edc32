#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

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

/*
 * openssl.cnf is not edited: what every program on the machine reads is not ours to change. The fragment reads
 * it, so that it may stand in its place.
 */
static char *fragment(const char *module, bool engine, bool provider)
{
	struct buffer text = BUFFER_INIT(64 * 1024);
	const char *folder = OPENSSL_info(OPENSSL_INFO_CONFIG_DIR);
	char *whole, *path = place_text("%s/openssl.cnf", folder != NULL ? folder : "/etc/ssl");

	buffer_printf(&text, "# OpenSSL with Podpis, by podpis setup.\n");
	if (path != NULL && access(path, R_OK) == 0)
		buffer_printf(&text, ".include %s\n", path);
	buffer_printf(&text, "[default]\nopenssl_conf = podpis_openssl\n[podpis_openssl]\n%s%s",
		engine ? "engines = podpis_engines\n" : "",
		provider ? "providers = podpis_providers\n" : "");
	if (engine)
		buffer_printf(&text,
			"[podpis_engines]\npkcs11 = podpis_engine\n[podpis_engine]\nengine_id = "
			"pkcs11\n"
			"MODULE_PATH = %s\ninit = 0\n",
			module);
	if (provider)
		buffer_printf(&text,
			"[podpis_providers]\ndefault = podpis_default\npkcs11 = "
			"podpis_pkcs11\n[podpis_default]\n"
			"activate = 1\n[podpis_pkcs11]\npkcs11-module-path = %s\nactivate = 1\n",
			module);
	whole = buffer_ok(&text) && path != NULL ? strdup(buffer_text(&text)) : NULL;
	free(path);
	buffer_free(&text);
	return whole;
}

bool openssl_places(struct places *places, const char *module, bool asked, struct error *err)
{
	bool engine = has(OPENSSL_INFO_ENGINES_DIR), provider = has(OPENSSL_INFO_MODULES_DIR);
	char *config = place_config_home();
	struct place *place = NULL;

	if (!engine && !provider) {
		free(config);
		return !asked || error_set(err, ERROR_WORKPLACE,
					 _("openssl: neither the engine pkcs11 nor pkcs11-provider "
					   "is installed "
					   "(Debian's package libengine-pkcs11-openssl)"));
	}
	if (config != NULL)
		place = places_add(places, "openssl", PLACE_LINES, "%s/podpis/openssl.cnf", config);
	free(config);
	if (place == NULL)
		return error_set(
			err, ERROR_WORKPLACE, _("there is no place for podpis/openssl.cnf"));
	place->text = fragment(module, engine, provider);
	place->hint = place_text(_("for one command: OPENSSL_CONF=%s openssl …"), place->path);
	return place->text != NULL || error_set(err, ERROR_FAILED, _("out of memory"));
}
