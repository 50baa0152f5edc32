#include "provision/chain.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <string.h>

#include "provision/i18n.h"
#include "provision/output.h"

static X509 *to_x509(const struct certificate *certificate)
{
	const unsigned char *at = certificate->der;

	return d2i_X509(NULL, &at, (long)certificate->length);
}

static bool push(STACK_OF(X509) * stack, const struct certificate *certificate)
{
	X509 *x509 = to_x509(certificate);

	if (x509 != NULL && sk_X509_push(stack, x509) > 0)
		return true;
	X509_free(x509);
	return false;
}

static bool same(const struct certificate *certificate, X509 *x509)
{
	unsigned char *der = NULL;
	int length = i2d_X509(x509, &der);
	bool equal = length > 0 && (size_t)length == certificate->length &&
		     memcmp(der, certificate->der, certificate->length) == 0;

	OPENSSL_free(der);
	return equal;
}

static bool is_anchor(const struct certificates *anchors, const struct certificate *certificate)
{
	for (size_t i = 0; i < anchors->count; i++) {
		if (memcmp(anchors->list[i].sha256, certificate->sha256, 32) == 0)
			return true;
	}
	return false;
}

static void take_path(
	X509_STORE_CTX *context, const struct chain *chain, size_t *path, size_t max, size_t *count)
{
	STACK_OF(X509) *verified = X509_STORE_CTX_get0_chain(context);

	*count = 0;
	for (int i = 1; i < sk_X509_num(verified); i++) {
		for (size_t j = 0; j < chain->others->count; j++) {
			if (*count < max && !is_anchor(chain->anchors, &chain->others->list[j]) &&
				same(&chain->others->list[j], sk_X509_value(verified, i))) {
				path[(*count)++] = j;
				break;
			}
		}
	}
}

/* What the callback has to know, and what it saw of the mistake that counts. */
struct attempt {
	const struct chain *chain;
	X509_CRL *crl; /* the caller's; OpenSSL forgets which one it was */
};

/* What is no mistake, in our eyes: see struct chain. */
static int forgive(int ok, X509_STORE_CTX *context)
{
	struct attempt *attempt = X509_STORE_CTX_get_app_data(context);
	const struct chain *chain = attempt->chain;
	int error = X509_STORE_CTX_get_error(context);
	int depth = X509_STORE_CTX_get_error_depth(context);

	if (ok || (depth > 0 && error == X509_V_ERR_UNABLE_TO_GET_CRL) ||
		(depth == 0 && chain->leaf_dates_known &&
			(error == X509_V_ERR_CERT_HAS_EXPIRED ||
				error == X509_V_ERR_CERT_NOT_YET_VALID))) {
		X509_STORE_CTX_set_error(context, X509_V_OK);
		return 1;
	}
	attempt->crl = X509_STORE_CTX_get0_current_crl(context);
	return 0;
}

static const char *time_text(const ASN1_TIME *time, char text[OUTPUT_TIME_MAX])
{
	struct tm tm;

	return time != NULL && ASN1_TIME_to_tm(time, &tm) == 1 ? output_time(timegm(&tm), text)
							       : "?";
}

static void say_why(X509_STORE_CTX *context, X509_CRL *crl, struct error *err)
{
	int error = X509_STORE_CTX_get_error(context);
	int depth = X509_STORE_CTX_get_error_depth(context);
	X509 *certificate = X509_STORE_CTX_get_current_cert(context);
	const char *above = depth > 0 ? _("an authority above: ") : "";
	X509_REVOKED *entry = NULL;
	char when[OUTPUT_TIME_MAX];

	switch (error) {
	case X509_V_ERR_CERT_REVOKED:
		if (crl != NULL && certificate != NULL)
			X509_CRL_get0_by_cert(crl, &entry, certificate);
		error_set(err, ERROR_FAILED, _("%srevoked on %s"), above,
			time_text(entry != NULL ? X509_REVOKED_get0_revocationDate(entry) : NULL,
				when));
		break;
	case X509_V_ERR_UNABLE_TO_GET_CRL:
		error_set(err, ERROR_FAILED, _("no revocation list of its issuer was given"));
		break;
	case X509_V_ERR_CRL_HAS_EXPIRED:
		error_set(err, ERROR_FAILED, _("%sthe revocation list ended on %s"), above,
			time_text(crl != NULL ? X509_CRL_get0_nextUpdate(crl) : NULL, when));
		break;
	case X509_V_ERR_CRL_NOT_YET_VALID:
		error_set(err, ERROR_FAILED, _("%sthe revocation list is valid only from %s on"),
			above, time_text(crl != NULL ? X509_CRL_get0_lastUpdate(crl) : NULL, when));
		break;
	case X509_V_ERR_CRL_SIGNATURE_FAILURE:
		error_set(err, ERROR_FAILED, _("%sthe revocation list's signature does not match"),
			above);
		break;
	default:
		error_set(err, ERROR_FAILED, "%s%s", above, X509_verify_cert_error_string(error));
		break;
	}
}

static bool fill_store(X509_STORE *store, const struct chain *chain, struct error *err)
{
	for (size_t i = 0; i < chain->anchors->count; i++) {
		X509 *anchor = to_x509(&chain->anchors->list[i]);
		bool added = anchor != NULL && X509_STORE_add_cert(store, anchor) == 1;

		X509_free(anchor);
		if (!added)
			return error_set(
				err, ERROR_FAILED, _("OpenSSL can't read the trust anchor"));
	}
	return true;
}

static void set_parameters(X509_STORE_CTX *context, struct attempt *attempt)
{
	const struct chain *chain = attempt->chain;
	X509_VERIFY_PARAM *parameters = X509_STORE_CTX_get0_param(context);
	/* An authority may name its issuing CA as the anchor, without the root above it. */
	unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN;

	if (chain->crls != NULL) {
		flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
		X509_STORE_CTX_set0_crls(context, chain->crls->list);
	}
	X509_VERIFY_PARAM_set_time(parameters, chain->when);
	X509_VERIFY_PARAM_set_flags(parameters, flags);
	X509_STORE_CTX_set_app_data(context, attempt);
	X509_STORE_CTX_set_verify_cb(context, forgive);
}

bool chain_verify(const struct chain *chain, const struct certificate *certificate, size_t *path,
	size_t max, size_t *count, struct error *err)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	STACK_OF(X509) *untrusted = sk_X509_new_null();
	X509 *leaf = to_x509(certificate);
	struct attempt attempt = {.chain = chain};
	bool done = false;

	if (store == NULL || context == NULL || untrusted == NULL || leaf == NULL) {
		error_set(err, ERROR_FAILED, _("OpenSSL can't read the certificate"));
		goto out;
	}
	if (!fill_store(store, chain, err))
		goto out;
	for (size_t i = 0; i < chain->others->count; i++) {
		if (!push(untrusted, &chain->others->list[i])) {
			error_set(err, ERROR_FAILED, _("OpenSSL can't read the chain"));
			goto out;
		}
	}
	if (X509_STORE_CTX_init(context, store, leaf, untrusted) != 1) {
		error_set(err, ERROR_FAILED, _("out of memory"));
		goto out;
	}
	set_parameters(context, &attempt);
	if (X509_verify_cert(context) != 1) {
		say_why(context, attempt.crl, err);
		goto out;
	}
	if (path != NULL)
		take_path(context, chain, path, max, count);
	done = true;
out:
	ERR_clear_error();
	X509_free(leaf);
	sk_X509_pop_free(untrusted, X509_free);
	X509_STORE_CTX_free(context);
	X509_STORE_free(store);
	return done;
}
