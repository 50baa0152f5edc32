/*
 * vendor_cloud: the other vendor interface (module/podpis-cloud.h): to the store at a signing service.
 */
#include <string.h>

#include "module/cryptoki/call.h"
#include "module/cryptoki/vendor.h"

#define LINES_MAX ((size_t)1 << 20)

/* One call under way: what there is to say is said when nothing is locked any more. */
struct cloud_call {
	struct call call;
	struct store *store;
	struct token *token; /* NULL: no credential is known there */
	struct buffer lines;
};

static CK_RV cloud_begin(struct cloud_call *cloud, CK_SLOT_ID id, bool sane)
{
	struct slot *slot = NULL;
	CK_RV rv = call_begin(&cloud->call, CALL_CRYPTO);

	if (rv != CKR_OK)
		return rv;
	cloud->lines = BUFFER_INIT(LINES_MAX);
	rv = sane ? slot_find(&cloud->call.module->slots, id, &slot) : CKR_ARGUMENTS_BAD;
	if (rv == CKR_OK) {
		cloud->token = slot->token;
		cloud->store = slot_store(&cloud->call.module->slots, id);
		if (cloud->store == NULL)
			rv = CKR_TOKEN_NOT_PRESENT;
		else if (cloud->store->class->cloud == NULL)
			rv = CKR_FUNCTION_NOT_SUPPORTED;
	}
	return rv == CKR_OK ? CKR_OK : call_end(&cloud->call, "cloud", rv);
}

static CK_RV cloud_end(
	struct cloud_call *cloud, const char *name, CK_RV rv, PODPIS_CLOUD_REPORT *report)
{
	char *line = (char *)cloud->lines.data, *end;

	rv = call_end(&cloud->call, name, rv);
	for (; line != NULL && (end = strchr(line, '\n')) != NULL; line = end + 1) {
		*end = '\0';
		if (report->tell != NULL)
			report->tell(report->context, line);
	}
	buffer_free(&cloud->lines);
	return rv;
}

static CK_RV cloud_credential(CK_SLOT_ID id, PODPIS_CLOUD_CREDENTIAL *out)
{
	struct cloud_call cloud;
	CK_RV rv = cloud_begin(&cloud, id, out != NULL);

	if (rv != CKR_OK)
		return rv;
	rv = CKR_TOKEN_NOT_PRESENT;
	if (cloud.token != NULL)
		rv = cloud.store->class->cloud->credential(cloud.token, out);
	return cloud_end(&cloud, "credential", rv, NULL);
}

static CK_RV cloud_refresh(CK_SLOT_ID id, CK_ULONG seconds, PODPIS_CLOUD_REPORT *report)
{
	struct cloud_call cloud;
	CK_RV rv = cloud_begin(&cloud, id, report != NULL);

	if (rv != CKR_OK)
		return rv;
	report->credentials = 0;
	rv = cloud.store->class->cloud->refresh(
		cloud.store, seconds, &report->credentials, &cloud.lines);
	return cloud_end(&cloud, "refresh", rv, report);
}

static CK_RV cloud_send_otp(CK_SLOT_ID id, CK_ULONG seconds, PODPIS_CLOUD_REPORT *report)
{
	struct cloud_call cloud;
	CK_RV rv = cloud_begin(&cloud, id, report != NULL);

	if (rv != CKR_OK)
		return rv;
	rv = CKR_TOKEN_NOT_PRESENT;
	if (cloud.token != NULL)
		rv = cloud.store->class->cloud->send_otp(cloud.token, seconds, &cloud.lines);
	return cloud_end(&cloud, "send_otp", rv, report);
}

const PODPIS_CLOUD_FUNCTIONS vendor_cloud_functions = {
	.version = {1, 0},
	.credential = cloud_credential,
	.refresh = cloud_refresh,
	.send_otp = cloud_send_otp,
};
