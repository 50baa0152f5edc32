#include "provision/commands/commands.h"

#include <string.h>
#include <time.h>

#include "provision/token_view.h"

#define SLOTS_MAX 256

static const struct option options_certificates[] = {
	{"all", NULL, N_("also the authorities' certificates that stand beside them"), false},
	{"module", "FILE", N_("another PKCS#11 module than Podpis's own"), false},
	{"pin-file", "FILE",
		N_("logs in to SLOT, to see private keys, too: the PIN is this file's first line"),
		false},
	{0},
};

/* A token is logged in to only where it was named: a PIN is one token's. */
static bool show_token(
	struct context *context, const struct slot_wish *wish, json_t *list, struct error *err)
{
	struct options *options = &context->options;
	struct slot slot = {.session = CK_INVALID_HANDLE};
	json_t *object = NULL;

	if (slot_open(&context->modules, wish, &slot, err) &&
		(!options_has(options, "pin-file") ||
			slot_login_with(&slot, &context->pins, options, PIN_USER, err))) {
		output_text(&context->output, "%s%s: %s%s\n",
			output_colour(&context->output, COLOUR_BOLD), slot.description, slot.label,
			output_colour(&context->output, COLOUR_NONE));
		object = token_view(
			&context->output, &slot, options_has(options, "all"), time(NULL), err);
	}
	if (object != NULL)
		json_array_append_new(list, object);
	slot_close(&slot);
	return object != NULL;
}

/* One that can't be read is said to be so, in its place, and keeps nobody from the others. */
static void show_slot(struct context *context, CK_FUNCTION_LIST *functions, CK_SLOT_ID id,
	const char *module, json_t *list)
{
	struct error problem = {0};
	struct slot slot;
	struct slot_wish wish = {.module_path = module};

	if (!slot_describe(functions, id, &slot) || (slot.flags & CKF_TOKEN_INITIALIZED) == 0) {
		error_set(&problem, ERROR_WORKPLACE, _("there is no token in it"));
	} else {
		wish.label = slot.label;
		wish.serial = slot.serial;
		if (show_token(context, &wish, list, &problem))
			return;
	}
	output_text(&context->output, "%s: %s\n", slot.description, problem.message);
	json_array_append_new(list,
		json_pack("{s:s, s:s}", "slot", slot.description, "problem", problem.message));
}

static bool show_all(struct context *context, const char *module, json_t *list, struct error *err)
{
	CK_FUNCTION_LIST *functions;
	CK_SLOT_ID ids[SLOTS_MAX];
	CK_ULONG count = SLOTS_MAX;
	CK_RV rv;

	if (options_has(&context->options, "pin-file"))
		return error_set(err, ERROR_USAGE,
			_("a PIN is one token's: name its slot before --pin-file"));
	if (!modules_load(&context->modules, module, &functions, err))
		return false;
	rv = functions->C_GetSlotList(CK_FALSE, ids, &count);
	if (rv != CKR_OK)
		return slot_fail(err, "C_GetSlotList", rv);
	for (CK_ULONG i = 0; i < count; i++)
		show_slot(context, functions, ids[i], module, list);
	return true;
}

static bool run(struct context *context, struct error *err)
{
	struct slot_wish wish = {.module_path = options_get(&context->options, "module")};
	json_t *list = json_array();
	bool done;

	if (context->options.argument_count > 0) {
		wish.name = context->options.arguments[0];
		done = show_token(context, &wish, list, err);
	} else {
		done = show_all(context, wish.module_path, list, err);
	}
	output_json(&context->output, "slots", list);
	return done;
}

const struct command certificates_command = {
	.name = "certificates",
	.arguments = "[SLOT]",
	.summary =
		N_("lists the certificates in the slots: whose, until when, their labels and URIs"),
	.options = {options_certificates, options_dry_run},
	.maximum = 1,
	.run = run,
};
