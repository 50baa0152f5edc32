#include "module/cryptoki/module.h"

#include <stdlib.h>
#include <string.h>

#include "module/cryptoki/gate.h"
#include "module/store/token/inner.h"

void module_pad(unsigned char *field, size_t size, const char *text)
{
	size_t length = strlen(text);

	if (length > size) {
		length = size;
		while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
			length--;
	}
	memset(field, ' ', size);
	memcpy(field, text, length);
}

static void module_destroy(struct module *module)
{
	session_table_close(&module->sessions);
	slot_table_close(&module->slots);
	inner_table_free(module->inners);
	crypto_free(module->crypto);
	config_free(module->config);
	log_free(module->log);
	free(module);
}

static void module_closing(struct module *module)
{
	atomic_store(&module->closing, true);
}

static bool module_wants_sha1(const struct config *config)
{
	const struct config_section *section = config_find(config, CONFIG_MODULE, "");
	const char *value = section != NULL ? config_get(section, "sha1") : NULL;

	return value == NULL || strcmp(value, "no") != 0;
}

static bool module_has_cloud(const struct config *config)
{
	for (size_t i = 0; i < config->count; i++) {
		const struct config_section *section = &config->sections[i];
		const char *store = config_get(section, "store");

		if (section->kind == CONFIG_SLOT && store != NULL && strcmp(store, "cloud") == 0)
			return true;
	}
	return false;
}

static CK_RV module_make(
	const struct gate_maker *maker, const struct module *parents, struct module **out)
{
	struct module *module = NULL;
	CK_RV rv = CKR_HOST_MEMORY;

	module = calloc(1, sizeof(*module));
	if (module == NULL)
		return CKR_HOST_MEMORY;
	session_table_open(&module->sessions);
	module->log = log_new(secure_getenv("PODPIS_LOG"), "podpis-pkcs11", LOG_LEVEL_ERROR);
	module->config = *maker->config;
	*maker->config = NULL;
	module->inners = inner_table_new(
		module->log, maker->flags, parents != NULL ? parents->inners : NULL);
	if (module->log == NULL || module->inners == NULL)
		goto out;
	if (module->config->problem != NULL)
		log_error(module->log, "%s", module->config->problem);
	module->sha1 = module_wants_sha1(module->config);
	rv = crypto_new(module->log, &module->crypto);
	if (rv != CKR_OK)
		goto out;
	module->environment = (struct store_environment){.log = module->log,
		.crypto = module->crypto,
		.inners = module->inners,
		.closing = &module->closing};
	rv = slot_table_open(&module->slots, module->config, &module->environment);
out:
	if (rv == CKR_OK)
		*out = module;
	else
		module_destroy(module);
	return rv;
}

/*
 * PKCS #11 v3.0, 5.4: all four mutex functions or none. Functions without CKF_OS_LOCKING_OK mean that only
 * they may be used, which neither OpenSSL nor SQLite below us can promise: CKR_CANT_LOCK.
 * CKF_LIBRARY_CANT_CREATE_OS_THREADS is always kept, the module has no threads, and handed on to others.
 */
CK_RV module_initialize(const CK_C_INITIALIZE_ARGS *arguments)
{
	struct config *config;
	struct gate_maker maker = {.make = module_make, .config = &config};
	CK_RV rv;
	bool settled;

	if (arguments != NULL) {
		int functions = (arguments->CreateMutex != NULL) +
				(arguments->DestroyMutex != NULL) + (arguments->LockMutex != NULL) +
				(arguments->UnlockMutex != NULL);
		if (arguments->pReserved != NULL || (functions != 0 && functions != 4))
			return CKR_ARGUMENTS_BAD;
		if (functions == 4 && (arguments->flags & CKF_OS_LOCKING_OK) == 0)
			return CKR_CANT_LOCK;
		maker.flags = arguments->flags & CKF_LIBRARY_CANT_CREATE_OS_THREADS;
	}
	/* The host ended OpenSSL, or this is an exit handler behind OpenSSL's own. */
	if (!crypto_alive())
		return CKR_GENERAL_ERROR;
	config = config_load(NULL);
	if (config == NULL)
		return CKR_HOST_MEMORY;
	/* What opens a cloud slot reaches OpenSSL: its configuration, which may come back to us, is read unlocked. */
	if (module_has_cloud(config))
		crypto_settle();
	settled = crypto_settled();
	if (settled)
		crypto_enter();
	rv = gate_open(&maker);
	if (settled)
		crypto_leave();
	config_free(config);
	return rv;
}

CK_RV module_finalize(const void *reserved)
{
	if (reserved != NULL)
		return CKR_ARGUMENTS_BAD;
	bool alive = crypto_settled() && crypto_alive();
	if (alive)
		crypto_enter();
	CK_RV rv = gate_close(module_closing, module_destroy);
	if (alive && crypto_alive())
		crypto_leave();
	return rv;
}

CK_RV module_info(CK_INFO *out)
{
	if (out == NULL)
		return CKR_ARGUMENTS_BAD;
	*out = (CK_INFO){.cryptokiVersion = {3, 0}};
	module_pad(out->manufacturerID, sizeof(out->manufacturerID), "Podpis");
	module_pad(
		out->libraryDescription, sizeof(out->libraryDescription), "Podpis PKCS#11 module");
	out->libraryVersion.major = (unsigned char)strtoul(PODPIS_VERSION, NULL, 10);
	out->libraryVersion.minor =
		(unsigned char)strtoul(strchr(PODPIS_VERSION, '.') + 1, NULL, 10);
	return CKR_OK;
}
