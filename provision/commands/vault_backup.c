#include "provision/commands/commands.h"

#include <sys/stat.h>

#include "provision/vault.h"

static bool back_up(
	struct context *context, struct vault *vault, const char *path, struct error *err)
{
	struct stat st;
	CK_RV rv;

	if (!options_has(&context->options, "dry-run"))
		rv = vault->functions->backup(vault->slot.id, path, &vault->report);
	else if (lstat(path, &st) == 0)
		rv = CKR_PODPIS_FILE_EXISTS;
	else
		rv = vault->functions->check(vault->slot.id, &vault->report);
	/* What is damaged is the vault. */
	return vault_answered(context, vault, rv, rv == CKR_PODPIS_DAMAGED ? NULL : path, err);
}

static bool run(struct context *context, struct error *err)
{
	const char *path = context->options.arguments[0];
	bool dry = options_has(&context->options, "dry-run"), done;
	struct vault vault = {.functions = NULL};

	done = vault_find(context, &vault, err) && back_up(context, &vault, path, err);
	if (done) {
		output_json(&context->output, "backup", json_string(path));
		output_json(&context->output, "written", json_boolean(!dry));
		output_text(&context->output,
			dry ? _("%s: %lu objects would be backed up to %s.\n")
			    : _("%s: %lu objects are backed up to %s.\n"),
			vault.slot.description, vault.report.objects, path);
	}
	vault_close(&vault);
	return done;
}

const struct command vault_backup_command = {
	.name = "vault backup",
	.arguments = "FILE",
	.summary = N_("writes the vault to a new file, whatever else is at work with it"),
	.options = {options_vault_slot, options_dry_run},
	.minimum = 1,
	.maximum = 1,
	.run = run,
};
