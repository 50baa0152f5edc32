#include "provision/commands/commands.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "provision/vault.h"

static const struct option options_restore[] = {
	{"pin-file", "FILE", N_("the backup's PIN is this file's first line"), false},
	{"so", NULL, N_("opens the backup with its SO PIN"), false},
	{"so-pin-file", "FILE", N_("the backup's SO PIN is this file's first line"), false},
	{"replace", NULL, N_("gives up the objects that the vault holds"), false},
	{0},
};

static bool restore(
	struct context *context, struct vault *vault, const char *path, struct error *err)
{
	bool so = options_has(&context->options, "so"), done;
	struct secret *pin = NULL;
	char prompt[256];
	CK_FLAGS flags = 0;
	CK_RV rv;

	snprintf(prompt, sizeof(prompt),
		so ? _("SO PIN of the backup %s") : _("PIN of the backup %s"), path);
	if (!pin_get(&context->pins, &context->options, so ? PIN_SO : PIN_USER, prompt, &pin, err))
		return false;
	if (options_has(&context->options, "replace"))
		flags |= PODPIS_VAULT_REPLACE;
	if (options_has(&context->options, "dry-run"))
		flags |= PODPIS_VAULT_DRY_RUN;
	rv = vault->functions->restore(vault->slot.id, path, so ? CKU_SO : CKU_USER, pin->data,
		(CK_ULONG)pin->length, flags, &vault->report);
	done = vault_answered(context, vault, rv, path, err);
	secret_free(pin);
	return done;
}

static bool run(struct context *context, struct error *err)
{
	const char *given = context->options.arguments[0];
	char *path = realpath(given, NULL);
	bool dry = options_has(&context->options, "dry-run"), done;
	struct vault vault = {.functions = NULL};

	if (path == NULL)
		return error_set(err, ERROR_USAGE, "%s: %s", given, strerror(errno));
	done = vault_find(context, &vault, err) && restore(context, &vault, path, err);
	if (done) {
		output_json(&context->output, "backup", json_string(path));
		output_json(&context->output, "written", json_boolean(!dry));
		output_text(&context->output,
			dry ? _("%s: %lu objects would be restored from %s.\n")
			    : _("%s: %lu objects are restored from %s; the PINs are the "
				"backup's.\n"),
			vault.slot.description, vault.report.objects, path);
	}
	vault_close(&vault);
	free(path);
	return done;
}

const struct command vault_restore_command = {
	.name = "vault restore",
	.arguments = "FILE",
	.summary = N_("makes the vault what a backup is, wholly or not at all"),
	.options = {options_vault_slot, options_restore, options_dry_run},
	.minimum = 1,
	.maximum = 1,
	.run = run,
};
