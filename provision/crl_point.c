#include "provision/crl_point.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "module/support/http.h"
#include "provision/crls.h"
#include "provision/i18n.h"

#define LIST_MAX (64u << 20) /* bytes */
#define SECONDS  30

static X509 *to_x509(const struct certificate *certificate)
{
	const unsigned char *at = certificate->der;

	return d2i_X509(NULL, &at, (long)certificate->length);
}

/* The first http or https address of a point's full name. */
static bool find_address(X509 *x509, char *out, size_t size)
{
	CRL_DIST_POINTS *points = X509_get_ext_d2i(x509, NID_crl_distribution_points, NULL, NULL);
	bool found = false;

	for (int i = 0; i < sk_DIST_POINT_num(points) && !found; i++) {
		const DIST_POINT_NAME *name = sk_DIST_POINT_value(points, i)->distpoint;

		if (name == NULL || name->type != 0)
			continue;
		for (int j = 0; j < sk_GENERAL_NAME_num(name->name.fullname) && !found; j++) {
			const GENERAL_NAME *one = sk_GENERAL_NAME_value(name->name.fullname, j);
			const ASN1_IA5STRING *text = one->d.uniformResourceIdentifier;

			if (one->type != GEN_URI || ASN1_STRING_length(text) >= (int)size ||
				strstr((const char *)ASN1_STRING_get0_data(text), "://") == NULL ||
				strncasecmp((const char *)ASN1_STRING_get0_data(text), "http", 4) !=
					0)
				continue;
			memcpy(out, ASN1_STRING_get0_data(text), (size_t)ASN1_STRING_length(text));
			out[ASN1_STRING_length(text)] = '\0';
			found = true;
		}
	}
	CRL_DIST_POINTS_free(points);
	return found;
}

static bool fetch(const char *address, struct log *log, struct buffer *der, struct error *err)
{
	size_t scheme = strcspn(address, "/") + 2;
	char server[256];
	struct http_settings settings = {
		.base = server, .plain = true, .total_seconds = SECONDS, .log = log};
	struct http_request request = {
		.method = "GET", .path = address, .limit = LIST_MAX, .tries = 3};
	struct http_response response = {0};
	struct http *http = NULL;
	bool done = false;

	snprintf(server, sizeof(server), "%.*s", (int)(scheme + strcspn(address + scheme, "/?#")),
		address);
	if (!http_new(&settings, &http, err) || !http_send(http, &request, &response, err))
		goto out;
	if (response.status != 200) {
		error_set(err, ERROR_UNREACHABLE, _("%s answers %ld"), address, response.status);
		goto out;
	}
	done = buffer_append(der, response.body.data, response.body.length) ||
	       error_set(err, ERROR_FAILED, _("out of memory"));
out:
	http_response_clear(&response);
	http_free(http);
	return done;
}

/* Signed by the certificate's issuer, which came with it. */
static bool believed(X509_CRL *crl, X509 *x509, const struct certificates *list)
{
	bool good = false;

	if (X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_issuer_name(x509)) != 0)
		return false;
	for (size_t i = 1; i < list->count && !good; i++) {
		X509 *issuer = to_x509(&list->list[i]);

		good = issuer != NULL &&
		       X509_NAME_cmp(X509_get_subject_name(issuer), X509_CRL_get_issuer(crl)) ==
			       0 &&
		       X509_CRL_verify(crl, X509_get0_pubkey(issuer)) == 1;
		X509_free(issuer);
	}
	ERR_clear_error();
	return good;
}

static void look(X509_CRL *crl, X509 *x509, struct crl_answer *out)
{
	X509_REVOKED *entry = NULL;
	struct tm tm;

	/* 2: it is listed as removed from the list again. */
	out->listed = X509_CRL_get0_by_cert(crl, &entry, x509) == 1;
	if (X509_CRL_get0_nextUpdate(crl) != NULL &&
		ASN1_TIME_to_tm(X509_CRL_get0_nextUpdate(crl), &tm) == 1)
		out->next = timegm(&tm);
}

bool crl_point_look(
	const struct certificates *list, struct log *log, struct crl_answer *out, struct error *err)
{
	struct buffer der = BUFFER_INIT(LIST_MAX);
	struct crls crls = {0};
	bool done = false;
	X509 *x509;

	*out = (struct crl_answer){0};
	x509 = list->count > 0 ? to_x509(&list->list[0]) : NULL;
	if (x509 == NULL || !find_address(x509, out->address, sizeof(out->address))) {
		error_set(err, ERROR_FAILED, _("the certificate names no revocation list"));
		goto out;
	}
	if (!fetch(out->address, log, &der, err))
		goto out;
	if (!crls_add(&crls, der.data, der.length, err)) {
		error_prefix(err, "%s", out->address);
		goto out;
	}
	if (!believed(sk_X509_CRL_value(crls.list, 0), x509, list)) {
		error_set(err, ERROR_FAILED,
			_("%s: the revocation list is not signed by the certificate's issuer"),
			out->address);
		goto out;
	}
	look(sk_X509_CRL_value(crls.list, 0), x509, out);
	/* An old one may have been put in the new one's place on the way; only what it lists still holds. */
	if (!out->listed && out->next != 0 && out->next < time(NULL))
		error_set(err, ERROR_FAILED, _("%s: the revocation list is out of date"),
			out->address);
	else
		done = true;
out:
	X509_free(x509);
	crls_clear(&crls);
	buffer_free(&der);
	return done;
}
