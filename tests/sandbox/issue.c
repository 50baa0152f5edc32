#include "tests/sandbox/issue.h"

#include <string.h>

#include "tests/sandbox/credential.h"
#include "tests/sandbox/faults.h"
#include "tests/sandbox/store.h"

static const struct {
	const char *name;
	int code;
} reasons[] = {
	{"unspecified", 0},
	{"key-compromise", 1},
	{"affiliation-changed", 3},
	{"superseded", 4},
	{"cessation-of-operation", 5},
};

/* The surname of somebody else, as FAULT_CHANGED_NAME wants it. */
static void change_name(struct profile_template *templ)
{
	for (unsigned i = 0; i < templ->subject_count; i++) {
		struct profile_attribute *attribute = &templ->subject[i];
		char *changed = NULL;

		if (strcmp(attribute->field, "surname") != 0)
			continue;
		if (asprintf(&changed, "Чужак%s",
			    strchr(attribute->value, ' ') != NULL ? strchr(attribute->value, ' ')
								  : "") < 0)
			return;
		free(attribute->value);
		attribute->value = changed;
	}
}

static void keep(struct sandbox *sandbox, struct application *application,
	const struct ca_certificate *certificate)
{
	uint8_t hash[CODEC_SHA256];

	codec_sha256(certificate->der, certificate->length, hash);
	buffer_reset(&application->certificate);
	buffer_append(&application->certificate, hash, sizeof hash);
	store_run(sandbox->store,
		"INSERT INTO certificates (hash, serial, der, spki, account, application, "
		"not_after)"
		" VALUES (?, ?, ?, ?, ?, ?, ?)",
		"bbbbssi", hash, sizeof hash, certificate->serial, sizeof certificate->serial,
		certificate->der, certificate->length, application->spki, sizeof application->spki,
		application->account, application->id, certificate->not_after);
}

/* The key is the request's, or one that is made in the cloud and has a credential from here on. */
static bool certify(struct sandbox *sandbox, struct application *application,
	struct ca_order *order, struct ca_certificate *certificate)
{
	const char *kind = json_string_value(json_object_get(application->json, "key"));
	struct buffer spki = BUFFER_INIT(4096);
	struct credential credential;
	bool ok;

	if (!application_in_cloud(application))
		return ca_issue(sandbox->ca, order, certificate);
	ok = credential_begin(application->account, application->id, kind, &credential) &&
	     credential_spki(&credential, &spki);
	if (ok)
		codec_sha256(spki.data, spki.length, application->spki);
	/* With FAULT_OTHER_KEY the certificate is for another key than the credential's. */
	if (order->key == NULL)
		order->spki = &spki;
	ok = ok && ca_issue(sandbox->ca, order, certificate) &&
	     credential_finish(sandbox, &credential, certificate->der, certificate->length);
	order->spki = NULL;
	buffer_free(&spki);
	credential_clear(&credential);
	return ok;
}

bool issue_certificate(struct sandbox *sandbox, struct application *application)
{
	const uint8_t *p = application->request.data;
	X509_REQ *request = application_in_cloud(application)
				    ? NULL
				    : d2i_X509_REQ(NULL, &p, (long)application->request.length);
	const struct profile *profile = profile_by_name(application->profile);
	struct profile_template templ = {0};
	json_t *fields = json_array();
	struct ca_certificate certificate = {0};
	char crl[ISSUE_URL_MAX], root[ISSUE_URL_MAX];
	bool ok = false;

	const enum ca_family family =
		application_in_cloud(application)
			? credential_family(
				  json_string_value(json_object_get(application->json, "key")))
			: ca_family_of(request != NULL ? X509_REQ_get0_pubkey(request) : NULL);
	issue_crl_urls(sandbox, family, crl, root);
	if ((request != NULL || application_in_cloud(application)) && profile != NULL &&
		profile_template_make(profile, json_object_get(application->json, "person"),
			application->identification, &templ, fields)) {
		struct ca_order order = {
			.family = family, .request = request, .templ = &templ, .crl_url = crl};

		if (faults_take(sandbox->faults, FAULT_CHANGED_NAME, NULL))
			change_name(&templ);
		if (faults_take(sandbox->faults, FAULT_OTHER_KEY, NULL))
			order.key = EVP_EC_gen("P-256");
		order.foreign = faults_take(sandbox->faults, FAULT_FOREIGN_ISSUER, NULL);
		order.expired = faults_take(sandbox->faults, FAULT_EXPIRED_CERTIFICATE, NULL);
		ok = certify(sandbox, application, &order, &certificate);
		EVP_PKEY_free(order.key);
	}
	if (ok)
		keep(sandbox, application, &certificate);
	OPENSSL_free(certificate.der);
	profile_template_clear(&templ);
	json_decref(fields);
	X509_REQ_free(request);
	return ok;
}

bool issue_find(struct store *store, const uint8_t hash[CODEC_SHA256], struct buffer *der)
{
	sqlite3_stmt *query = store_query(store, "SELECT der FROM certificates WHERE hash = ?", "b",
		hash, (size_t)CODEC_SHA256);
	bool found = store_next(store, &query) && store_blob(query, 0, der);

	store_end(&query);
	return found;
}

int issue_revocation_reason(const char *name)
{
	for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
		if (strcmp(reasons[i].name, name) == 0)
			return reasons[i].code;
	}
	return -1;
}

void issue_revoke(struct sandbox *sandbox, const uint8_t hash[CODEC_SHA256], int reason)
{
	store_run(sandbox->store,
		"UPDATE certificates SET revoked = ?, reason = ? WHERE hash = ? AND revoked IS "
		"NULL",
		"iib", store_seconds(sandbox->store), (int64_t)reason, hash, (size_t)CODEC_SHA256);
}

void issue_crl_urls(const struct sandbox *sandbox, enum ca_family family,
	char issuer[ISSUE_URL_MAX], char root[ISSUE_URL_MAX])
{
	const char *prefix = family == CA_GOST ? "gost-" : "";

	snprintf(issuer, ISSUE_URL_MAX, "%s/crl/%sissuing.crl", sandbox->list_origin, prefix);
	snprintf(root, ISSUE_URL_MAX, "%s/crl/%sroot.crl", sandbox->list_origin, prefix);
}
