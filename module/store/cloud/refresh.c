/*
 * refresh: what module/podpis-cloud.h says: the account's credentials asked of the service and kept (CSC v1.0.4, 11.4
 * and 11.5; v2.0, 11.4 and 11.5), what is known of one, a one-time password sent.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "module/store/cloud/cloud.h"
#include "module/support/text.h"

#define REFRESH_SECONDS 60
#define SECONDS_MAX     3600
#define PAGES_MAX       32

static struct patience patience_of(const struct cloud *cloud, CK_ULONG seconds)
{
	if (seconds == 0)
		seconds = REFRESH_SECONDS;
	return patience_for(
		(unsigned)(seconds < SECONDS_MAX ? seconds : SECONDS_MAX), cloud->closing, NULL);
}

static void tell(const struct cloud *cloud, struct buffer *lines, const char *message)
{
	log_warning(cloud->log, "slot %s: %s", cloud->name, message);
	buffer_printf(lines, "%s\n", message);
}

/* One page of names; *next is the next page's token, owned by *answer. */
static CK_RV list_page(struct cloud *cloud, const struct patience *patience, const char *page,
	json_t **answer, const char **next)
{
	/* A client of its own acts for many, and says for whom. */
	const char *user =
		cloud->account->login == CLOUD_LOGIN_CLIENT ? cloud->account->username : NULL;
	const struct service_call call = {
		.path = "credentials/list",
		.body = json_pack("{s:s*,s:s*}", "userID", user, "pageToken", page),
	};
	CK_RV rv = call.body != NULL ? service_call(cloud->service, patience, &call, answer)
				     : CKR_HOST_MEMORY;

	json_decref(call.body);
	if (rv == CKR_OK)
		*next = tokens_text(*answer, "nextPageToken");
	return rv;
}

static CK_RV list_names(struct cloud *cloud, const struct patience *patience, json_t *names)
{
	json_t *answer = NULL, *before = NULL;
	const char *page = NULL;
	CK_RV rv = CKR_OK;

	if (cloud->account->credential != NULL)
		return json_array_append_new(names, json_string(cloud->account->credential)) == 0
			       ? CKR_OK
			       : CKR_HOST_MEMORY;
	for (unsigned i = 0; rv == CKR_OK && i < PAGES_MAX; i++) {
		rv = list_page(cloud, patience, page, &answer, &page);
		json_decref(before);
		before = answer;
		answer = NULL;
		if (rv == CKR_OK && !json_is_array(json_object_get(before, "credentialIDs"))) {
			log_error(cloud->log,
				"slot %s: credentials/list: the answer has no credentialIDs",
				cloud->name);
			rv = CKR_PODPIS_UNREACHABLE;
		}
		if (rv == CKR_OK)
			json_array_extend(names, json_object_get(before, "credentialIDs"));
		if (page == NULL || *page == '\0')
			break;
	}
	json_decref(before);
	return rv;
}

/* What is not understood is told, and left out. */
static CK_RV read_one(struct cloud *cloud, const struct patience *patience, const char *id,
	json_t *credentials, struct buffer *lines)
{
	const struct service_call call = {
		.path = "credentials/info",
		.body = json_pack("{s:s,s:s,s:b,s:b}", "credentialID", id, "certificates", "chain",
			"certInfo", 1, "authInfo", 1),
	};
	struct credential credential;
	struct error err = {0};
	json_t *info = NULL;
	char message[200];
	CK_RV rv = CKR_HOST_MEMORY;

	if (call.body != NULL)
		rv = service_call(cloud->service, patience, &call, &info);
	json_decref(call.body);
	if (rv == CKR_PODPIS_REFUSED && cloud->account->credential == NULL) {
		snprintf(message, sizeof(message),
			"credential %.80s: the service does not tell of it", id);
		text_plain(message);
		tell(cloud, lines, message);
		return CKR_OK;
	}
	if (rv != CKR_OK)
		return rv;
	if (credential_read(id, info, cloud->account->version, &credential, &err)) {
		credential_clear(&credential);
		if (json_array_append_new(
			    credentials, json_pack("{s:s,s:O}", "id", id, "info", info)) != 0)
			rv = CKR_HOST_MEMORY;
	} else {
		text_plain(err.message);
		tell(cloud, lines, err.message);
	}
	json_decref(info);
	return rv;
}

CK_RV cloud_read_again(
	struct cloud *cloud, const struct patience *patience, CK_ULONG *count, struct buffer *lines)
{
	json_t *names = json_array(), *credentials = json_array();
	OSSL_LIB_CTX *before = service_enter(cloud->service);
	struct error err = {0};
	CK_RV rv = names != NULL && credentials != NULL ? CKR_OK : CKR_HOST_MEMORY;

	if (rv == CKR_OK)
		rv = list_names(cloud, patience, names);
	for (size_t i = 0; i < json_array_size(names) && rv == CKR_OK; i++) {
		const char *id = json_string_value(json_array_get(names, i));

		if (json_array_size(credentials) == CACHE_CREDENTIALS_MAX) {
			tell(cloud, lines, "the account has more credentials than are shown");
			break;
		}
		if (id != NULL)
			rv = read_one(cloud, patience, id, credentials, lines);
	}
	if (rv == CKR_OK) {
		*count = json_array_size(credentials);
		if (!cache_save(cloud->cache, credentials, &err)) {
			tell(cloud, lines, err.message);
			rv = CKR_GENERAL_ERROR;
		}
		credentials = NULL;
	}
	json_decref(credentials);
	json_decref(names);
	service_leave(before);
	return rv == CKR_OK ? cloud_follow(cloud) : rv;
}

static CK_RV cloud_refresh(
	struct store *store, CK_ULONG seconds, CK_ULONG *count, struct buffer *lines)
{
	struct cloud *cloud = (struct cloud *)store;
	struct patience patience = patience_of(cloud, seconds);

	return cloud_read_again(cloud, &patience, count, lines);
}

static CK_RV cloud_credential(struct token *token, PODPIS_CLOUD_CREDENTIAL *out)
{
	struct holding *holding = NULL;
	CK_RV rv = cloud_hold((struct cloud_token *)token, &holding);

	if (rv != CKR_OK)
		return rv;
	const struct credential *c = &holding->credential;
	*out = (PODPIS_CLOUD_CREDENTIAL){
		.mode = (CK_ULONG)c->mode,
		.wants = (c->pin ? PODPIS_CLOUD_PIN : 0) | (c->otp ? PODPIS_CLOUD_OTP : 0) |
			 (c->otp && c->otp_sent ? PODPIS_CLOUD_OTP_SENT : 0),
		.scal = c->scal,
		.multisign = c->multisign,
		.read = (CK_ULONG)holding->read,
	};
	snprintf(out->id, sizeof(out->id), "%s", c->id);
	snprintf(out->description, sizeof(out->description), "%s", c->description);
	snprintf(out->status, sizeof(out->status), "%s", c->problem != NULL ? c->problem : "");
	holding_unref(holding);
	return CKR_OK;
}

static CK_RV cloud_send_otp(struct token *token, CK_ULONG seconds, struct buffer *lines)
{
	struct cloud_token *own = (struct cloud_token *)token;
	struct patience patience = patience_of(own->cloud, seconds);
	struct holding *holding = NULL;
	CK_RV rv = cloud_hold(own, &holding);

	(void)lines;
	if (rv == CKR_OK)
		rv = authorization_send_otp(own->authorization, &holding->credential, &patience);
	holding_unref(holding);
	return rv;
}

const struct cloud_class cloud_vendor_class = {
	.credential = cloud_credential, .refresh = cloud_refresh, .send_otp = cloud_send_otp};
