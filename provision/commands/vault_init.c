#include "provision/commands/commands.h"

#include "provision/token_pin.h"
#include "provision/vault.h"

static const struct option options_init[] = {
	{"label", "TEXT", N_("the token's label; Podpis when not given"), false},
	{"pin-file", "FILE", N_("the PIN that the token gets is this file's first line"), false},
	{"so-pin-file", "FILE",
		N_("the same for the SO PIN; a file that is not there is made with a random one"),
		false},
	{"replace", NULL, N_("an initialised token, too: everything in it goes; takes its SO PIN"),
		false},
	{0},
};

static bool run(struct context *context, struct error *err)
{
	const char *label = options_get(&context->options, "label");
	bool replace = options_has(&context->options, "replace");
	struct slot_wish wish = {
		.module_path = options_get(&context->options, "module"),
		.name = options_get(&context->options, "slot"),
		.uninitialised = true,
	};
	struct slot slot = {0};

	if (label == NULL)
		label = "Podpis";
	if (!slot_find(&context->modules, &wish, &slot, err))
		return false;
	/* Without a user PIN it was interrupted, and is finished. */
	if ((slot.flags & CKF_TOKEN_INITIALIZED) != 0 &&
		(slot.flags & CKF_USER_PIN_INITIALIZED) != 0 && !replace)
		return error_set(err, ERROR_USAGE,
			_("the token %s is initialised already; --replace empties it"), slot.label);
	if (!options_has(&context->options, "dry-run"))
		return token_pin_initialise(context, &slot, label, replace, err);
	output_json(&context->output, "token", json_string(label));
	output_json(&context->output, "token_initialised", json_false());
	output_text(&context->output, _("The token in %s would be initialised as %s.\n"),
		slot.description, label);
	return true;
}

const struct command vault_init_command = {
	.name = "vault init",
	.arguments = "",
	.summary = N_("initialises a token: label, SO PIN and PIN"),
	.options = {options_vault_slot, options_init, options_dry_run},
	.run = run,
};
