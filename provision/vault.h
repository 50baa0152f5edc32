/*
 * vault: what only a vault of Podpis's own module can do, through the module's vendor interface
 * (module/podpis-vault.h), never through its file.
 */
#ifndef PODPIS_PROVISION_VAULT_H
#define PODPIS_PROVISION_VAULT_H

#include "provision/context.h"

#include "module/podpis-vault.h"

/* A vault slot, and what the last call said of it. Start with zeros; free with vault_close. */
struct vault {
	struct slot
		slot; /* found, not opened; label and serial empty when the vault can't be read */
	const PODPIS_VAULT_FUNCTIONS *functions;
	PODPIS_VAULT_REPORT report;
	json_t *findings; /* texts */
};

/* --slot and --module: each command says itself what its PINs are. */
extern const struct option options_vault_slot[];

/*
 * The slot of --slot and --module, else the only one there is. Not opened, perhaps not initialised, nor readable.
 * ERROR_USAGE when it is no vault.
 */
bool vault_find(struct context *context, struct vault *out, struct error *err);
void vault_close(struct vault *vault);

/*
 * What a call answered: true for CKR_OK; else says why, `path` (or NULL) being the file that it was about. The
 * findings are shown, a line each.
 */
bool vault_answered(struct context *context, struct vault *vault, CK_RV rv, const char *path,
	struct error *err);

#endif
