#include "provision/vault.h"

#include <stdlib.h>

#include "provision/i18n.h"

const struct option options_vault_slot[] = {
	{"slot", "NAME", N_("the slot, by its name in podpis.conf or by its token's label"), false},
	{"module", "FILE", N_("another PKCS#11 module than Podpis's own"), false},
	{0},
};

static void keep_finding(void *context, const char *finding)
{
	json_array_append_new(context, json_string(finding));
}

bool vault_find(struct context *context, struct vault *out, struct error *err)
{
	struct slot_wish wish = {
		.module_path = options_get(&context->options, "module"),
		.name = options_get(&context->options, "slot"),
		.uninitialised = true,
		.unreadable = true,
	};
	PODPIS_VAULT_REPORT report = {.tell = NULL};

	/* Where none was named, a token beside the vault is not meant. */
	if (wish.module_path == NULL && wish.name == NULL) {
		wish.manufacturer = "Podpis";
		wish.model = "vault";
	}
	if (!slot_find(&context->modules, &wish, &out->slot, err))
		return false;
	out->functions =
		modules_interface(&context->modules, out->slot.functions, PODPIS_VAULT_INTERFACE);
	if (out->functions == NULL || out->functions->version.major != 1)
		return error_set(err, ERROR_USAGE,
			_("%s is not a module with vaults; only a vault can be backed up, restored "
			  "and checked"),
			wish.module_path != NULL ? wish.module_path : _("this"));
	out->findings = json_array();
	if (out->findings == NULL)
		return error_set(err, ERROR_FAILED, _("out of memory"));
	out->report = report;
	out->report.tell = keep_finding;
	out->report.context = out->findings;
	return true;
}

void vault_close(struct vault *vault)
{
	json_decref(vault->findings);
	slot_close(&vault->slot);
	*vault = (struct vault){0};
}

/* What is said behind "SLOT: " or "FILE: ", whichever the answer is about. */
static const struct {
	CK_RV rv;
	enum error_code code;
	bool slot;
	const char *message;
} answers[] = {
	{CKR_FUNCTION_NOT_SUPPORTED, ERROR_USAGE, true,
		N_("this slot is not a vault; only a vault can be backed up, restored and "
		   "checked")},
	{CKR_TOKEN_NOT_PRESENT, ERROR_WORKPLACE, true,
		N_("this slot can't be used as podpis.conf describes it; the log says why")},
	{CKR_TOKEN_NOT_RECOGNIZED, ERROR_WORKPLACE, true,
		N_("there is no vault in this slot yet; podpis vault init makes one")},
	{CKR_FUNCTION_FAILED, ERROR_FAILED, true,
		N_("another program keeps the vault locked; try again")},
	{CKR_TOKEN_WRITE_PROTECTED, ERROR_FAILED, true, N_("the vault may not be written")},
	{CKR_PODPIS_NOT_EMPTY, ERROR_USAGE, true,
		N_("the vault holds objects; --replace gives them up")},
	{CKR_PODPIS_FILE_EXISTS, ERROR_USAGE, false,
		N_("there is such a file already; a backup overwrites nothing")},
	{CKR_PODPIS_NOT_A_VAULT, ERROR_USAGE, false, N_("this is not a vault")},
	{CKR_PODPIS_FORMAT, ERROR_USAGE, false,
		N_("this was written by a later version of Podpis")},
	{CKR_PIN_INCORRECT, ERROR_PIN, false, N_("this is not its PIN")},
	{CKR_PIN_LOCKED, ERROR_PIN, false,
		N_("the PIN is locked, here or in the vault; --so takes the SO PIN")},
	{CKR_USER_PIN_NOT_INITIALIZED, ERROR_PIN, false,
		N_("it has no user PIN; --so takes the SO PIN")},
};

static bool explain(
	const struct vault *vault, CK_RV rv, const char *path, const char *slot, struct error *err)
{
	const char *finding = json_string_value(json_array_get(vault->findings, 0));
	unsigned long count = vault->report.findings;

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		if (answers[i].rv == rv)
			return error_set(err, answers[i].code, "%s: %s",
				answers[i].slot || path == NULL ? slot : path,
				_(answers[i].message));
	if (rv == CKR_PODPIS_DAMAGED)
		return error_set(err, ERROR_FAILED,
			P_("%s is damaged: %lu finding", "%s is damaged: %lu findings", count),
			path != NULL ? path : slot, count);
	if (finding != NULL)
		return error_set(err, ERROR_FAILED, "%s", finding);
	if (rv == CKR_DEVICE_MEMORY)
		return error_set(err, ERROR_FAILED, _("the disk is full"));
	return slot_fail(err, PODPIS_VAULT_INTERFACE, rv);
}

bool vault_answered(
	struct context *context, struct vault *vault, CK_RV rv, const char *path, struct error *err)
{
	const char *slot = vault->slot.description, *text;
	size_t i;
	json_t *finding;

	output_json(&context->output, "slot", json_string(slot));
	output_json(&context->output, "objects", json_integer((json_int_t)vault->report.objects));
	output_json(&context->output, "tags_checked", json_boolean(vault->report.tags));
	output_json(&context->output, "findings", json_incref(vault->findings));
	if (rv == CKR_OK)
		return true;
	if (rv == CKR_PODPIS_DAMAGED)
		json_array_foreach(vault->findings, i, finding)
		{
			text = json_string_value(finding);
			output_text(&context->output, "%s\n", text);
		}
	return explain(vault, rv, path, slot, err);
}
