#include "tests/sandbox/ca.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "asn1/gost_provider.h"
#include "tests/sandbox/authority.h"
#include "tests/sandbox/codec.h"

#define DAY      86400
#define LIST_MAX (1 << 20) /* bytes */

struct family {
	struct authority root, issuer;
};

struct ca {
	struct store *store;
	struct gost_provider *provider;
	struct family families[CA_FAMILIES];
	struct authority tls_root, server;
};

/* Months later at the same time of day; the last days of a month may fall into the next. */
static int64_t months_later(int64_t seconds, int months)
{
	time_t time = (time_t)seconds;
	struct tm tm;

	gmtime_r(&time, &tm);
	tm.tm_mon += months;
	return timegm(&tm);
}

/* ---- the authorities themselves */

#define STAND     "Подпись, испытательный стенд"
#define STAND_TLS "Podpis sandbox"
#define ROOT      "Испытательный головной удостоверяющий центр"

/* Both sizes of GOST, on the curves that GnuTLS knows, too. */
static const struct authority_plan root_plans[CA_FAMILIES] = {
	[CA_ORDINARY] = {AUTHORITY_ROOT, "root", ROOT, STAND, "ec", 3650, NULL},
	[CA_GOST] = {AUTHORITY_ROOT, "gost-root", ROOT " (ГОСТ)", STAND, "gost:tc26-512-A", 3650,
		NULL},
};
static const struct authority_plan issuer_plans[CA_FAMILIES] = {
	[CA_ORDINARY] = {AUTHORITY_ISSUER, "issuer", CA_NAME, STAND, "ec", 1825, NULL},
	[CA_GOST] = {AUTHORITY_ISSUER, "gost-issuer", CA_NAME_GOST, STAND, "gost:CryptoPro-A", 1825,
		NULL},
};
static const struct authority_plan tls_plan = {
	AUTHORITY_ROOT, "tls", "Podpis sandbox TLS root", STAND_TLS, "ec", 3650, NULL};
static const struct authority_plan server_plan = {
	AUTHORITY_SERVER, NULL, "podpis-sandbox", STAND_TLS, "ec", 397, NULL};

/* RSA where it is wished for and the plan says EC. */
static struct authority_plan planned(struct authority_plan plan, bool rsa)
{
	if (rsa && strcmp(plan.key, "ec") == 0)
		plan.key = "rsa";
	return plan;
}

static bool open_family(struct ca *ca, enum ca_family family, bool rsa)
{
	const struct authority_plan root = planned(root_plans[family], rsa);
	const struct authority_plan issuer = planned(issuer_plans[family], rsa);
	struct family *out = &ca->families[family];

	return authority_open(ca->store, &root, NULL, &out->root) &&
	       authority_open(ca->store, &issuer, &out->root, &out->issuer);
}

/* The others on the wire go by the system's clock, not by the sandbox's. */
static bool open_tls(struct ca *ca, bool rsa, const char *address)
{
	const bool usual = strcmp(address, "127.0.0.1") == 0 || strcmp(address, "::1") == 0;
	const struct authority_plan root = planned(tls_plan, rsa);
	struct authority_plan server = planned(server_plan, rsa);
	char names[128];

	snprintf(names, sizeof names, "DNS:localhost,IP:127.0.0.1,IP:::1%s%s",
		usual ? "" : ",IP:", usual ? "" : address);
	server.alternative_names = names;
	return authority_open(ca->store, &root, NULL, &ca->tls_root) &&
	       authority_make(&server, &ca->tls_root, time(NULL), &ca->server);
}

bool ca_open(struct store *store, bool rsa, const char *address, struct ca **out, struct error *err)
{
	struct ca *ca = calloc(1, sizeof *ca);

	if (ca == NULL)
		return error_set(err, ERROR_FAILED, "out of memory");
	ca->store = store;
	ca->provider = gost_provider_load();
	store_begin(store);
	bool made = ca->provider != NULL;
	for (enum ca_family family = 0; family < CA_FAMILIES; family++)
		made = made && open_family(ca, family, rsa);
	made = made && open_tls(ca, rsa, address);
	if (!store_commit(store) || !made) {
		ca_close(ca);
		ERR_print_errors_fp(stderr);
		return error_set(err, ERROR_FAILED, "the authorities' keys could not be made");
	}
	*out = ca;
	return true;
}

void ca_close(struct ca *ca)
{
	if (ca == NULL)
		return;
	for (enum ca_family family = 0; family < CA_FAMILIES; family++) {
		authority_clear(&ca->families[family].root);
		authority_clear(&ca->families[family].issuer);
	}
	authority_clear(&ca->tls_root);
	authority_clear(&ca->server);
	gost_provider_unload(ca->provider);
	free(ca);
}

enum ca_family ca_family_of(const EVP_PKEY *key)
{
	return key != NULL && (EVP_PKEY_is_a(key, "gost2012_256") ||
				      EVP_PKEY_is_a(key, "gost2012_512"))
		       ? CA_GOST
		       : CA_ORDINARY;
}

const char *ca_name(enum ca_family family)
{
	return issuer_plans[family].common_name;
}

/* By the issuer's name; NULL: none of them. */
static const struct authority *issuer_of(const struct ca *ca, X509 *certificate)
{
	for (enum ca_family family = 0; family < CA_FAMILIES; family++) {
		const struct authority *issuer = &ca->families[family].issuer;

		if (X509_NAME_cmp(X509_get_issuer_name(certificate),
			    X509_get_subject_name(issuer->certificate)) == 0)
			return issuer;
	}
	return NULL;
}

static bool append_der(X509 *certificate, struct buffer *out)
{
	uint8_t *der = NULL;
	int length = i2d_X509(certificate, &der);
	bool ok = length > 0 && buffer_append(out, der, (size_t)length);

	OPENSSL_free(der);
	return ok;
}

static bool append_pem(X509 *certificate, EVP_PKEY *key, struct buffer *out)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	bool ok = bio != NULL && (certificate != NULL ? PEM_write_bio_X509(bio, certificate)
						      : PEM_write_bio_PrivateKey(bio, key, NULL,
								NULL, 0, NULL, NULL));

	if (ok) {
		long length = BIO_get_mem_data(bio, &text);

		ok = buffer_append(out, text, (size_t)length);
	}
	BIO_free(bio);
	return ok;
}

bool ca_root(const struct ca *ca, enum ca_family family, struct buffer *der)
{
	return append_der(ca->families[family].root.certificate, der);
}

bool ca_issuer(const struct ca *ca, enum ca_family family, struct buffer *der)
{
	return append_der(ca->families[family].issuer.certificate, der);
}

bool ca_chain(const struct ca *ca, const struct buffer *certificate, struct buffer *der)
{
	const uint8_t *p = certificate->data;
	X509 *x509 = d2i_X509(NULL, &p, (long)certificate->length);
	const struct authority *issuer = x509 != NULL ? issuer_of(ca, x509) : NULL;

	X509_free(x509);
	return issuer != NULL && append_der(issuer->certificate, der);
}

bool ca_root_pem(const struct ca *ca, enum ca_family family, struct buffer *pem)
{
	return append_pem(ca->families[family].root.certificate, NULL, pem);
}

bool ca_tls_root_pem(const struct ca *ca, struct buffer *pem)
{
	return append_pem(ca->tls_root.certificate, NULL, pem);
}

bool ca_tls_certificate_pem(const struct ca *ca, struct buffer *pem)
{
	return append_pem(ca->server.certificate, NULL, pem);
}

bool ca_tls_key_pem(const struct ca *ca, struct buffer *pem)
{
	return append_pem(NULL, ca->server.key, pem);
}

/* ---- issuing */

/* By its bytes, so that a key is certified that OpenSSL can't use (GOST). */
static bool set_public_key(X509 *certificate, const uint8_t *der, size_t length)
{
	X509_PUBKEY *to = X509_get_X509_PUBKEY(certificate);

	return d2i_X509_PUBKEY(&to, &der, (long)length) != NULL;
}

static bool copy_public_key(X509 *certificate, X509_REQ *request)
{
	uint8_t *der = NULL;
	int length = i2d_X509_PUBKEY(X509_REQ_get_X509_PUBKEY(request), &der);
	bool ok = length > 0 && set_public_key(certificate, der, (size_t)length);

	OPENSSL_free(der);
	return ok;
}

static bool add_dictated(X509 *certificate, const struct profile_template *templ)
{
	for (unsigned i = 0; i < templ->extension_count; i++) {
		const struct profile_extension *from = &templ->extensions[i];
		ASN1_OBJECT *oid = OBJ_txt2obj(from->oid, 1);
		ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
		X509_EXTENSION *extension = NULL;
		bool ok = oid != NULL && value != NULL &&
			  ASN1_OCTET_STRING_set(value, from->der, (int)from->length) &&
			  (extension = X509_EXTENSION_create_by_OBJ(
				   NULL, oid, from->critical, value)) != NULL &&
			  X509_add_ext(certificate, extension, -1);

		X509_EXTENSION_free(extension);
		ASN1_OCTET_STRING_free(value);
		ASN1_OBJECT_free(oid);
		if (!ok)
			return false;
	}
	return true;
}

static bool add_key_period(X509 *certificate, int64_t from, int64_t to)
{
	PKEY_USAGE_PERIOD *period = PKEY_USAGE_PERIOD_new();
	bool ok = period != NULL &&
		  (period->notBefore = ASN1_GENERALIZEDTIME_set(NULL, (time_t)from)) != NULL &&
		  (period->notAfter = ASN1_GENERALIZEDTIME_set(NULL, (time_t)to)) != NULL &&
		  X509_add1_ext_i2d(
			  certificate, NID_private_key_usage_period, period, 0, X509V3_ADD_DEFAULT);

	PKEY_USAGE_PERIOD_free(period);
	return ok;
}

static bool add_issuer_tool(X509 *certificate, enum ca_family family)
{
	ISSUER_SIGN_TOOL *tool = ISSUER_SIGN_TOOL_new();
	bool ok = true;

	if (tool == NULL)
		return false;
	struct {
		ASN1_UTF8STRING **to;
		const char *text;
	} parts[] = {
		{&tool->signTool, family == CA_GOST ? "Podpis" : "OpenSSL"},
		{&tool->cATool, "podpis-sandbox " PODPIS_VERSION},
		{&tool->signToolCert, "Не сертифицировано: испытательный стенд"},
		{&tool->cAToolCert, "Не сертифицировано: испытательный стенд"},
	};

	for (size_t i = 0; ok && i < sizeof parts / sizeof *parts; i++) {
		if (*parts[i].to == NULL)
			*parts[i].to = ASN1_UTF8STRING_new();
		ok = *parts[i].to != NULL && ASN1_STRING_set(*parts[i].to, parts[i].text, -1);
	}
	ok = ok && X509_add1_ext_i2d(certificate, NID_issuerSignTool, tool, 0, X509V3_ADD_DEFAULT);
	ISSUER_SIGN_TOOL_free(tool);
	return ok;
}

static bool fill(struct ca *ca, const struct ca_order *order, X509 *issuer, X509 *certificate,
	struct ca_certificate *out)
{
	int64_t now = store_seconds(ca->store) - (order->expired ? 400 * (int64_t)DAY : 0);
	int64_t key_end = months_later(now, CA_KEY_MONTHS);
	X509_NAME *subject = profile_template_name(order->templ);
	char points[160];
	bool ok;

	out->not_after = order->expired ? store_seconds(ca->store) - DAY
					: months_later(now, CA_CERTIFICATE_MONTHS);
	if (order->expired)
		key_end = out->not_after;
	snprintf(points, sizeof points, "URI:%s", order->crl_url);
	ok = subject != NULL && X509_set_version(certificate, X509_VERSION_3) &&
	     authority_serial(certificate, out->serial) &&
	     authority_dates(certificate, now, out->not_after) &&
	     X509_set_subject_name(certificate, subject) &&
	     X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) &&
	     (order->key != NULL ? X509_set_pubkey(certificate, order->key) == 1
		     : order->spki != NULL
			     ? set_public_key(certificate, order->spki->data, order->spki->length)
			     : copy_public_key(certificate, order->request)) &&
	     add_dictated(certificate, order->templ) &&
	     authority_extension(certificate, issuer, NID_subject_key_identifier, "hash") &&
	     authority_extension(
		     certificate, issuer, NID_authority_key_identifier, "keyid:always") &&
	     authority_extension(certificate, issuer, NID_crl_distribution_points, points) &&
	     add_key_period(certificate, now, key_end) &&
	     add_issuer_tool(certificate, order->family);
	X509_NAME_free(subject);
	return ok;
}

bool ca_issue(struct ca *ca, const struct ca_order *order, struct ca_certificate *out)
{
	const struct authority *issuer = &ca->families[order->family].issuer, *by = issuer;
	struct buffer der = BUFFER_INIT(LIST_MAX);
	X509 *certificate = X509_new();
	struct authority foreign = {0};
	bool ok = certificate != NULL;

	*out = (struct ca_certificate){0};
	if (order->foreign) {
		ok = authority_pretend(issuer, &foreign) && ok;
		by = &foreign;
	}
	if (ok && fill(ca, order, issuer->certificate, certificate, out) &&
		authority_sign(by, certificate, &der)) {
		out->der = OPENSSL_memdup(der.data, der.length);
		out->length = out->der != NULL ? der.length : 0;
	}
	X509_free(certificate);
	authority_clear(&foreign);
	buffer_free(&der);
	return out->length > 0;
}

X509 *ca_stand_in(struct ca *ca, X509_REQ *request)
{
	const struct authority *by = &ca->families[CA_ORDINARY].issuer;
	struct buffer der = BUFFER_INIT(LIST_MAX);
	X509 *certificate = X509_new(), *made = NULL;
	int64_t now = store_seconds(ca->store);
	uint8_t serial[16];

	if (certificate != NULL && X509_set_version(certificate, X509_VERSION_3) &&
		authority_serial(certificate, serial) &&
		authority_dates(certificate, now - DAY, now + DAY) &&
		X509_set_subject_name(certificate, X509_REQ_get_subject_name(request)) &&
		X509_set_issuer_name(certificate, X509_get_subject_name(by->certificate)) &&
		copy_public_key(certificate, request) &&
		authority_extension(
			certificate, by->certificate, NID_subject_key_identifier, "hash") &&
		authority_sign(by, certificate, &der)) {
		const uint8_t *p = der.data;

		made = d2i_X509(NULL, &p, (long)der.length);
	}
	X509_free(certificate);
	buffer_free(&der);
	return made;
}

bool ca_issued(struct ca *ca, X509 *certificate)
{
	const struct authority *issuer = issuer_of(ca, certificate);
	time_t now = (time_t)store_seconds(ca->store);

	return issuer != NULL && X509_verify(certificate, issuer->key) == 1 &&
	       X509_cmp_time(X509_get0_notBefore(certificate), &now) < 0 &&
	       X509_cmp_time(X509_get0_notAfter(certificate), &now) > 0;
}

/* ---- revocation lists */

static bool add_revoked(
	X509_CRL *crl, const uint8_t *serial, size_t length, int64_t when, int reason)
{
	X509_REVOKED *entry = X509_REVOKED_new();
	BIGNUM *number = BN_bin2bn(serial, (int)length, NULL);
	ASN1_INTEGER *integer = number != NULL ? BN_to_ASN1_INTEGER(number, NULL) : NULL;
	ASN1_TIME *time = ASN1_TIME_set(NULL, (time_t)when);
	ASN1_ENUMERATED *code = ASN1_ENUMERATED_new();
	bool ok = entry != NULL && integer != NULL && time != NULL && code != NULL &&
		  X509_REVOKED_set_serialNumber(entry, integer) &&
		  X509_REVOKED_set_revocationDate(entry, time) &&
		  /* "unspecified" is said by saying nothing (RFC 5280, 5.3.1). */
		  (reason == 0 || (ASN1_ENUMERATED_set(code, reason) &&
					  X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, code, 0,
						  X509V3_ADD_DEFAULT))) &&
		  X509_CRL_add0_revoked(crl, entry);

	if (!ok)
		X509_REVOKED_free(entry);
	BN_free(number);
	ASN1_INTEGER_free(integer);
	ASN1_TIME_free(time);
	ASN1_ENUMERATED_free(code);
	return ok;
}

static bool is_issued_by(const struct ca *ca, sqlite3_stmt *row, const struct authority *by)
{
	const uint8_t *p = sqlite3_column_blob(row, 3);
	X509 *certificate = d2i_X509(NULL, &p, sqlite3_column_bytes(row, 3));
	bool is = certificate != NULL && issuer_of(ca, certificate) == by;

	X509_free(certificate);
	return is;
}

static bool add_all_revoked(struct ca *ca, const struct authority *by, X509_CRL *crl)
{
	sqlite3_stmt *query = store_query(ca->store,
		"SELECT serial, revoked, reason, der FROM certificates WHERE revoked IS NOT NULL",
		"");
	bool ok = true;

	while (ok && store_next(ca->store, &query)) {
		if (is_issued_by(ca, query, by))
			ok = add_revoked(crl, sqlite3_column_blob(query, 0),
				(size_t)sqlite3_column_bytes(query, 0),
				sqlite3_column_int64(query, 1), sqlite3_column_int(query, 2));
	}
	store_end(&query);
	return ok;
}

static bool add_number(X509_CRL *crl, int64_t value)
{
	ASN1_INTEGER *number = ASN1_INTEGER_new();
	bool ok = number != NULL && ASN1_INTEGER_set_int64(number, value) &&
		  X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, X509V3_ADD_DEFAULT);

	ASN1_INTEGER_free(number);
	return ok;
}

bool ca_crl(struct ca *ca, enum ca_family family, bool root, struct buffer *der)
{
	const struct family *of = &ca->families[family];
	const struct authority *by = root ? &of->root : &of->issuer;
	int64_t now = store_seconds(ca->store);
	ASN1_TIME *from = ASN1_TIME_set(NULL, (time_t)(now - 60));
	ASN1_TIME *to = ASN1_TIME_set(NULL, (time_t)(now + 7 * DAY));
	X509_CRL *crl = X509_CRL_new();
	X509V3_CTX context = {0};
	bool ok = crl != NULL && from != NULL && to != NULL &&
		  X509_CRL_set_version(crl, X509_CRL_VERSION_2) &&
		  X509_CRL_set_issuer_name(crl, X509_get_subject_name(by->certificate)) &&
		  X509_CRL_set1_lastUpdate(crl, from) && X509_CRL_set1_nextUpdate(crl, to) &&
		  (root || add_all_revoked(ca, by, crl)) && add_number(crl, store_now(ca->store));

	if (ok) {
		X509V3_set_ctx(&context, by->certificate, NULL, NULL, crl, 0);
		X509_EXTENSION *identifier = X509V3_EXT_conf_nid(
			NULL, &context, NID_authority_key_identifier, "keyid:always");
		ok = identifier != NULL && X509_CRL_add_ext(crl, identifier, -1) &&
		     X509_CRL_sort(crl) && authority_sign_list(by, crl, der);
		X509_EXTENSION_free(identifier);
	}
	X509_CRL_free(crl);
	ASN1_TIME_free(from);
	ASN1_TIME_free(to);
	return ok;
}
