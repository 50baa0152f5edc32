/*
 * cloud_module: a PKCS#11 module with the cloud's vendor interface and nothing behind it, for the tool's tests. It has
 * a slot "vault" and the slots of an account "web": one without a token until a refresh finds two credentials.
 *
 * CLOUD_MODULE_RV is what refresh and send_otp answer, CLOUD_MODULE_LINE what they tell besides.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "module/support/pkcs11.h"

#include "module/podpis-cloud.h"

#define EXPORT __attribute__((visibility("default")))

static bool found;

static CK_RV initialize(void *arguments)
{
	(void)arguments;
	found = false;
	return CKR_OK;
}

static CK_RV finalize(void *reserved)
{
	(void)reserved;
	return CKR_OK;
}

static CK_RV slot_list(CK_BBOOL present, CK_SLOT_ID *list, CK_ULONG *count)
{
	CK_ULONG there = found ? 3 : 2;

	(void)present;
	for (CK_ULONG i = 0; list != NULL && i < there; i++)
		list[i] = i;
	*count = there;
	return CKR_OK;
}

static void pad(CK_UTF8CHAR *out, size_t size, const char *text)
{
	memset(out, ' ', size);
	memcpy(out, text, strlen(text));
}

static CK_RV slot_info(CK_SLOT_ID id, CK_SLOT_INFO *info)
{
	memset(info, 0, sizeof(*info));
	pad(info->slotDescription, sizeof(info->slotDescription), id == 0 ? "vault" : "web");
	info->flags = id == 0 || found ? CKF_TOKEN_PRESENT : 0;
	return CKR_OK;
}

static CK_RV token_info(CK_SLOT_ID id, CK_TOKEN_INFO *info)
{
	char label[16];

	if (id != 0 && !found)
		return CKR_TOKEN_NOT_PRESENT;
	memset(info, 0, sizeof(*info));
	snprintf(label, sizeof(label), "token %lu", id);
	pad(info->label, sizeof(info->label), label);
	return CKR_OK;
}

static CK_RV open_session(
	CK_SLOT_ID id, CK_FLAGS flags, void *application, CK_NOTIFY notify, CK_SESSION_HANDLE *out)
{
	(void)id;
	(void)flags;
	(void)application;
	(void)notify;
	*out = 1;
	return CKR_OK;
}

static CK_RV close_session(CK_SESSION_HANDLE session)
{
	(void)session;
	return CKR_OK;
}

static CK_RV find_init(CK_SESSION_HANDLE session, CK_ATTRIBUTE *templ, CK_ULONG count)
{
	(void)session;
	(void)templ;
	(void)count;
	return CKR_OK;
}

static CK_RV find(
	CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *list, CK_ULONG maximum, CK_ULONG *count)
{
	(void)session;
	(void)list;
	(void)maximum;
	*count = 0;
	return CKR_OK;
}

static CK_RV credential(CK_SLOT_ID id, PODPIS_CLOUD_CREDENTIAL *out)
{
	if (id == 0)
		return CKR_FUNCTION_NOT_SUPPORTED;
	if (!found)
		return CKR_TOKEN_NOT_PRESENT;
	memset(out, 0, sizeof(*out));
	snprintf(out->id, sizeof(out->id), id == 1 ? "first" : "second");
	snprintf(out->status, sizeof(out->status), "%s", id == 1 ? "" : "revoked");
	out->mode = PODPIS_CLOUD_EXPLICIT;
	out->wants = id == 1 ? PODPIS_CLOUD_PIN
			     : PODPIS_CLOUD_PIN | PODPIS_CLOUD_OTP | PODPIS_CLOUD_OTP_SENT;
	out->scal = id;
	out->multisign = 7;
	out->read = 86400;
	return CKR_OK;
}

static CK_RV answer(PODPIS_CLOUD_REPORT *report)
{
	const char *rv = getenv("CLOUD_MODULE_RV"), *line = getenv("CLOUD_MODULE_LINE");

	if (line != NULL && report->tell != NULL)
		report->tell(report->context, line);
	return rv != NULL ? strtoul(rv, NULL, 0) : CKR_OK;
}

static CK_RV refresh(CK_SLOT_ID id, CK_ULONG seconds, PODPIS_CLOUD_REPORT *report)
{
	CK_RV rv = answer(report);

	(void)seconds;
	if (id == 0)
		return CKR_FUNCTION_NOT_SUPPORTED;
	if (rv == CKR_OK) {
		found = true;
		report->credentials = 2;
	}
	return rv;
}

static CK_RV send_otp(CK_SLOT_ID id, CK_ULONG seconds, PODPIS_CLOUD_REPORT *report)
{
	(void)seconds;
	return id == 2 ? answer(report) : CKR_KEY_FUNCTION_NOT_PERMITTED;
}

static CK_FUNCTION_LIST functions = {
	.version = {2, 40},
	.C_Initialize = initialize,
	.C_Finalize = finalize,
	.C_GetSlotList = slot_list,
	.C_GetSlotInfo = slot_info,
	.C_GetTokenInfo = token_info,
	.C_OpenSession = open_session,
	.C_CloseSession = close_session,
	.C_FindObjectsInit = find_init,
	.C_FindObjects = find,
	.C_FindObjectsFinal = close_session,
};

static PODPIS_CLOUD_FUNCTIONS cloud = {
	.version = {1, 0}, .credential = credential, .refresh = refresh, .send_otp = send_otp};

static CK_UTF8CHAR cloud_name[] = PODPIS_CLOUD_INTERFACE;
static CK_INTERFACE interface = {cloud_name, &cloud, 0};

EXPORT CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
	*list = &functions;
	return CKR_OK;
}

EXPORT CK_RV C_GetInterface(
	CK_UTF8CHAR *name, CK_VERSION *version, CK_INTERFACE **out, CK_FLAGS flags)
{
	(void)version;
	(void)flags;
	if (strcmp((const char *)name, PODPIS_CLOUD_INTERFACE) != 0)
		return CKR_ARGUMENTS_BAD;
	*out = &interface;
	return CKR_OK;
}
