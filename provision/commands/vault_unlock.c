#include "provision/commands/commands.h"

#include "provision/token_pin.h"
#include "provision/vault.h"

static const struct option options_unlock[] = {
	{"so-pin-file", "FILE", N_("the SO PIN is this file's first line"), false},
	{"new-pin-file", "FILE", N_("the PIN that the token gets is this file's first line"),
		false},
	{0},
};

static bool run(struct context *context, struct error *err)
{
	struct slot_wish wish = {
		.module_path = options_get(&context->options, "module"),
		.name = options_get(&context->options, "slot"),
	};
	struct slot slot = {0};
	bool done;

	if (!slot_open(&context->modules, &wish, &slot, err))
		return false;
	if (options_has(&context->options, "dry-run")) {
		output_json(&context->output, "token", json_string(slot.label));
		output_json(&context->output, "pin", json_string("user"));
		output_json(&context->output, "changed", json_false());
		output_text(&context->output, _("The PIN of %s would be set anew.\n"), slot.label);
		done = true;
	} else {
		done = token_pin_unlock(context, &slot, err);
	}
	slot_close(&slot);
	return done;
}

const struct command vault_unlock_command = {
	.name = "vault unlock",
	.arguments = "",
	.summary = N_("the SO sets a new PIN, also after the old one was locked"),
	.options = {options_vault_slot, options_unlock, options_dry_run},
	.run = run,
};
