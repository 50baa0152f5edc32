#include "module/cryptoki/vendor.h"

#include <string.h>

#include "module/cryptoki/call.h"

#define FINDINGS_MAX ((size_t)4 << 20) /* bytes of all lines; what is more is counted, not told */

/* One call under way: what the token reports is told when nothing is locked any more. */
struct vendor_call {
	struct call call;
	struct slot *slot;
	const struct vault_class *vault;
	struct vault_report report;
};

static CK_RV vendor_begin(struct vendor_call *vendor, CK_SLOT_ID id, PODPIS_VAULT_REPORT *report)
{
	CK_RV rv = call_begin(&vendor->call, CALL_CRYPTO);

	if (rv != CKR_OK)
		return rv;
	vendor->report = (struct vault_report){.lines = BUFFER_INIT(FINDINGS_MAX)};
	vendor->vault = NULL;
	if (report == NULL)
		rv = CKR_ARGUMENTS_BAD;
	else
		rv = slot_find(&vendor->call.module->slots, id, &vendor->slot);
	/* A token that can't be read is still there: what is wrong with it is what is asked for. */
	if (rv == CKR_OK && vendor->slot->token == NULL)
		rv = CKR_TOKEN_NOT_PRESENT;
	if (rv == CKR_OK) {
		struct token *token = vendor->slot->token;
		vendor->vault = token->class->vault;
		rv = vendor->vault != NULL ? CKR_OK : CKR_FUNCTION_NOT_SUPPORTED;
	}
	return rv == CKR_OK ? CKR_OK : call_end(&vendor->call, "vault", rv);
}

static void vendor_tell(char *lines, const PODPIS_VAULT_REPORT *report)
{
	for (char *line = lines, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		*end = '\0';
		report->tell(report->context, line);
	}
}

static CK_RV vendor_end(
	struct vendor_call *vendor, const char *name, CK_RV rv, PODPIS_VAULT_REPORT *report)
{
	struct vault_report *found = &vendor->report;

	rv = call_end(&vendor->call, name, rv);
	report->objects = found->objects;
	report->findings = found->findings;
	report->tags = found->tags;
	if (report->tell != NULL && found->lines.length > 0)
		vendor_tell((char *)found->lines.data, report);
	buffer_free(&found->lines);
	return rv;
}

static CK_RV vendor_check(CK_SLOT_ID id, PODPIS_VAULT_REPORT *report)
{
	struct vendor_call vendor;
	CK_RV rv = vendor_begin(&vendor, id, report);

	if (rv != CKR_OK)
		return rv;
	rv = vendor.vault->check(vendor.slot->token, &vendor.report);
	return vendor_end(&vendor, "check", rv, report);
}

static CK_RV vendor_backup(CK_SLOT_ID id, const char *path, PODPIS_VAULT_REPORT *report)
{
	struct vendor_call vendor;
	CK_RV rv = vendor_begin(&vendor, id, report);

	if (rv != CKR_OK)
		return rv;
	if (path == NULL)
		rv = CKR_ARGUMENTS_BAD;
	else
		rv = vendor.vault->backup(vendor.slot->token, path, &vendor.report);
	return vendor_end(&vendor, "backup", rv, report);
}

/* Like C_InitToken, it puts another token into the slot: nobody of this process may be at work with it. */
static CK_RV vendor_restore(CK_SLOT_ID id, const char *path, CK_USER_TYPE user, CK_UTF8CHAR *pin,
	CK_ULONG pin_length, CK_FLAGS flags, PODPIS_VAULT_REPORT *report)
{
	struct vendor_call vendor;
	CK_RV rv = vendor_begin(&vendor, id, report);

	if (rv != CKR_OK)
		return rv;
	if (path == NULL || pin == NULL ||
		(flags & ~(PODPIS_VAULT_REPLACE | PODPIS_VAULT_DRY_RUN)) != 0)
		rv = CKR_ARGUMENTS_BAD;
	else if (user != CKU_USER && user != CKU_SO)
		rv = CKR_USER_TYPE_INVALID;
	if (rv != CKR_OK)
		return vendor_end(&vendor, "restore", rv, report);
	pthread_mutex_lock(&vendor.slot->login);
	pthread_mutex_lock(&vendor.slot->mutex);
	if (vendor.slot->sessions != 0)
		rv = CKR_SESSION_EXISTS;
	pthread_mutex_unlock(&vendor.slot->mutex);
	if (rv == CKR_OK)
		rv = vendor.vault->restore(
			vendor.slot->token, path, user, pin, pin_length, flags, &vendor.report);
	pthread_mutex_unlock(&vendor.slot->login);
	return vendor_end(&vendor, "restore", rv, report);
}

const PODPIS_VAULT_FUNCTIONS vendor_vault_functions = {
	.version = {1, 0},
	.check = vendor_check,
	.backup = vendor_backup,
	.restore = vendor_restore,
};
