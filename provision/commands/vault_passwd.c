#include "provision/commands/commands.h"

#include "provision/token_pin.h"
#include "provision/vault.h"

static const struct option options_passwd[] = {
	{"so", NULL, N_("changes the SO PIN"), false},
	{"pin-file", "FILE", N_("the PIN is this file's first line"), false},
	{"so-pin-file", "FILE", N_("the SO PIN is this file's first line"), false},
	{"new-pin-file", "FILE", N_("the new one is this file's first line"), false},
	{0},
};

static bool run(struct context *context, struct error *err)
{
	bool so = options_has(&context->options, "so"), done;
	struct slot_wish wish = {
		.module_path = options_get(&context->options, "module"),
		.name = options_get(&context->options, "slot"),
	};
	struct slot slot = {0};

	if (!slot_open(&context->modules, &wish, &slot, err))
		return false;
	if (options_has(&context->options, "dry-run")) {
		output_json(&context->output, "token", json_string(slot.label));
		output_json(&context->output, "pin", json_string(so ? "so" : "user"));
		output_json(&context->output, "changed", json_false());
		output_text(&context->output,
			so ? _("The SO PIN of %s would be changed.\n")
			   : _("The PIN of %s would be changed.\n"),
			slot.label);
		done = true;
	} else {
		done = token_pin_change(context, &slot, so, err);
	}
	slot_close(&slot);
	return done;
}

const struct command vault_passwd_command = {
	.name = "vault passwd",
	.arguments = "",
	.summary = N_("changes a token's PIN, or with --so its SO PIN"),
	.options = {options_vault_slot, options_passwd, options_dry_run},
	.run = run,
};
