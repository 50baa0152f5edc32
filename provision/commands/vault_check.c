#include "provision/commands/commands.h"

#include "provision/vault.h"

static const struct option options_check[] = {
	{"pin-file", "FILE", N_("the PIN is this file's first line; with it the tags are checked"),
		false},
	{"tags", NULL, N_("checks the tags, too: asks for the PIN"), false},
	{0},
};

/* A login that fails by the damage that is looked for is no reason not to look. */
static bool log_in(struct context *context, struct vault *vault, struct error *err)
{
	struct slot_wish wish = {
		.module_path = options_get(&context->options, "module"),
		.name = vault->slot.description,
	};
	struct slot opened;
	struct error cause = {0};

	/* A login's try is written down: with --dry-run only what can be seen without is looked at. */
	if (options_has(&context->options, "dry-run") ||
		(!options_has(&context->options, "tags") &&
			!pin_given(&context->pins, &context->options, PIN_USER)))
		return true;
	if (slot_open(&context->modules, &wish, &opened, &cause)) {
		slot_close(&vault->slot);
		vault->slot = opened;
		if (slot_login_with(
			    &vault->slot, &context->pins, &context->options, PIN_USER, &cause))
			return true;
	}
	if (cause.code == ERROR_PIN || cause.code == ERROR_PERSON || cause.code == ERROR_USAGE) {
		*err = cause;
		return false;
	}
	output_progress(&context->output, _("The tags are not checked: %s."), cause.message);
	return true;
}

static bool run(struct context *context, struct error *err)
{
	struct vault vault = {.functions = NULL};
	bool done;

	done = vault_find(context, &vault, err) && log_in(context, &vault, err) &&
	       vault_answered(context, &vault, vault.functions->check(vault.slot.id, &vault.report),
		       NULL, err);
	if (done)
		output_text(&context->output,
			vault.report.tags ? _("%s: %lu objects, checksums and tags are right.\n")
					  : _("%s: %lu objects, checksums are right; --tags checks "
					      "the tags, too.\n"),
			vault.slot.description, vault.report.objects);
	vault_close(&vault);
	return done;
}

const struct command vault_check_command = {
	.name = "vault check",
	.arguments = "",
	.summary = N_("reads the whole vault anew and names what is damaged"),
	.options = {options_vault_slot, options_check, options_dry_run},
	.run = run,
};
