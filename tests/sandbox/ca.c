#include "tests/sandbox/ca.h"

#include <openssl/conf.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "tests/sandbox/codec.h"

#define DAY 86400

struct party {
	X509 *certificate;
	EVP_PKEY *key;
};

struct ca {
	struct store *store;
	struct party root, issuer, tls_root, server;
};

/* ---- parts of certificates */

static bool add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context = {0};

	CONF *nothing = NCONF_new(NULL); /* policies are not read without one */
	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	X509V3_set_nconf(&context, nothing);
	X509_EXTENSION *extension = X509V3_EXT_nconf_nid(nothing, &context, nid, value);
	bool ok = extension != NULL && X509_add_ext(certificate, extension, -1);
	X509_EXTENSION_free(extension);
	NCONF_free(nothing);
	return ok;
}

static bool add_name(X509_NAME *name, const char *field, const char *value)
{
	return X509_NAME_add_entry_by_txt(
		name, field, MBSTRING_UTF8, (const unsigned char *)value, -1, -1, 0);
}

static bool set_serial(X509 *certificate, uint8_t serial[16])
{
	if (!codec_random(serial, 16))
		return false;
	/* Positive, and 16 bytes long. */
	serial[0] = (uint8_t)((serial[0] & 0x3f) | 0x40);
	BIGNUM *number = BN_bin2bn(serial, 16, NULL);
	bool ok = number != NULL &&
		  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
	BN_free(number);
	return ok;
}

static bool set_dates(X509 *certificate, int64_t not_before, int64_t not_after)
{
	return ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)not_before) != NULL &&
	       ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)not_after) != NULL;
}

static const EVP_MD *digest_for(const EVP_PKEY *key)
{
	return EVP_PKEY_get_bits(key) > 256 && EVP_PKEY_get_bits(key) < 1024 ? EVP_sha384()
									     : EVP_sha256();
}

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

struct plan {
	const char *setting; /* where it is kept; NULL: nowhere */
	const char *common_name, *organisation;
	const struct plan_extension {
		int nid;
		const char *value;
	} * extensions;
	int days;
};

static const struct plan_extension root_extensions[] = {
	{NID_basic_constraints, "critical,CA:TRUE"},
	{NID_key_usage, "critical,keyCertSign,cRLSign"},
	{NID_subject_key_identifier, "hash"},
	{0, NULL},
};
static const struct plan_extension issuer_extensions[] = {
	{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
	{NID_key_usage, "critical,keyCertSign,cRLSign"},
	{NID_subject_key_identifier, "hash"},
	{NID_authority_key_identifier, "keyid:always"},
	{NID_certificate_policies, "1.2.643.100.113.1"},
	{0, NULL},
};
static const struct plan_extension server_extensions[] = {
	{NID_basic_constraints, "critical,CA:FALSE"},
	{NID_key_usage, "critical,digitalSignature"},
	{NID_ext_key_usage, "serverAuth"},
	{NID_subject_key_identifier, "hash"},
	{NID_authority_key_identifier, "keyid:always"},
	{0, NULL},
};

static const struct plan root_plan = {"root", "Испытательный головной удостоверяющий центр",
	"Подпись, испытательный стенд", root_extensions, 3650};
static const struct plan issuer_plan = {
	"issuer", CA_NAME, "Подпись, испытательный стенд", issuer_extensions, 1825};
static const struct plan tls_plan = {
	"tls", "Podpis sandbox TLS root", "Podpis sandbox", root_extensions, 3650};
static const struct plan server_plan = {
	NULL, "podpis-sandbox", "Podpis sandbox", server_extensions, 397};

static void party_clear(struct party *party)
{
	X509_free(party->certificate);
	EVP_PKEY_free(party->key);
	*party = (struct party){0};
}

/* Signed by `issuer`, or by itself where that is NULL. */
static bool party_make(const struct plan *plan, const struct party *issuer, bool rsa, int64_t now,
	const char *alternative_names, struct party *out)
{
	uint8_t serial[16];
	X509 *certificate = X509_new();
	EVP_PKEY *key = rsa ? EVP_RSA_gen(3072) : EVP_EC_gen("P-256");
	bool ok = certificate != NULL && key != NULL &&
		  X509_set_version(certificate, X509_VERSION_3) &&
		  set_serial(certificate, serial) &&
		  set_dates(certificate, now - DAY, now + (int64_t)plan->days * DAY) &&
		  X509_set_pubkey(certificate, key);

	if (ok) {
		X509_NAME *subject = X509_get_subject_name(certificate);
		X509 *by = issuer != NULL ? issuer->certificate : certificate;

		ok = add_name(subject, "C", "RU") && add_name(subject, "O", plan->organisation) &&
		     add_name(subject, "CN", plan->common_name) &&
		     X509_set_issuer_name(certificate, X509_get_subject_name(by));
		for (const struct plan_extension *e = plan->extensions; ok && e->value != NULL; e++)
			ok = add_extension(certificate, by, e->nid, e->value);
		if (ok && alternative_names != NULL)
			ok = add_extension(
				certificate, by, NID_subject_alt_name, alternative_names);
		EVP_PKEY *signer = issuer != NULL ? issuer->key : key;
		ok = ok && X509_sign(certificate, signer, digest_for(signer)) > 0;
	}
	if (!ok) {
		X509_free(certificate);
		EVP_PKEY_free(key);
		return false;
	}
	*out = (struct party){certificate, key};
	return true;
}

static void setting_name(const struct plan *plan, const char *what, char out[32])
{
	snprintf(out, 32, "%s.%s", plan->setting, what);
}

static bool party_load(struct store *store, const struct plan *plan, struct party *out)
{
	struct buffer der = BUFFER_INIT(16384);
	char name[32];
	const uint8_t *p;

	setting_name(plan, "certificate", name);
	if (store_get(store, name, &der)) {
		p = der.data;
		out->certificate = d2i_X509(NULL, &p, (long)der.length);
		buffer_reset(&der);
		setting_name(plan, "key", name);
		store_get(store, name, &der);
		p = der.data;
		out->key = d2i_AutoPrivateKey(NULL, &p, (long)der.length);
	}
	buffer_free(&der);
	if (out->certificate != NULL && out->key != NULL)
		return true;
	party_clear(out);
	return false;
}

static bool party_save(struct store *store, const struct plan *plan, const struct party *party)
{
	uint8_t *certificate = NULL, *key = NULL;
	int certificate_length = i2d_X509(party->certificate, &certificate);
	int key_length = i2d_PrivateKey(party->key, &key);
	char name[32];
	bool ok = certificate_length > 0 && key_length > 0;

	if (ok) {
		setting_name(plan, "certificate", name);
		store_put(store, name, certificate, (size_t)certificate_length);
		setting_name(plan, "key", name);
		store_put(store, name, key, (size_t)key_length);
	}
	OPENSSL_free(certificate);
	OPENSSL_clear_free(key, key_length > 0 ? (size_t)key_length : 0);
	return ok;
}

static bool party_open(struct ca *ca, const struct plan *plan, const struct party *issuer, bool rsa,
	struct party *out)
{
	if (party_load(ca->store, plan, out))
		return true;
	return party_make(plan, issuer, rsa, store_seconds(ca->store), NULL, out) &&
	       party_save(ca->store, plan, out);
}

bool ca_open(struct store *store, bool rsa, const char *address, struct ca **out, struct error *err)
{
	struct ca *ca = calloc(1, sizeof *ca);
	char names[128];

	if (ca == NULL)
		return error_set(err, ERROR_FAILED, "out of memory");
	ca->store = store;
	snprintf(names, sizeof names, "DNS:localhost,IP:127.0.0.1,IP:::1%s%s",
		strcmp(address, "127.0.0.1") == 0 || strcmp(address, "::1") == 0 ? "" : ",IP:",
		strcmp(address, "127.0.0.1") == 0 || strcmp(address, "::1") == 0 ? "" : address);
	store_begin(store);
	bool made = party_open(ca, &root_plan, NULL, rsa, &ca->root) &&
		    party_open(ca, &issuer_plan, &ca->root, rsa, &ca->issuer) &&
		    party_open(ca, &tls_plan, NULL, rsa, &ca->tls_root);
	/* The others on the wire go by the system's clock, not by the sandbox's. */
	made = made && party_make(&server_plan, &ca->tls_root, rsa, time(NULL), names, &ca->server);
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
	party_clear(&ca->root);
	party_clear(&ca->issuer);
	party_clear(&ca->tls_root);
	party_clear(&ca->server);
	free(ca);
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

bool ca_root(const struct ca *ca, struct buffer *der)
{
	return append_der(ca->root.certificate, der);
}

bool ca_issuer(const struct ca *ca, struct buffer *der)
{
	return append_der(ca->issuer.certificate, der);
}

bool ca_root_pem(const struct ca *ca, struct buffer *pem)
{
	return append_pem(ca->root.certificate, NULL, pem);
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
static bool copy_public_key(X509 *certificate, X509_REQ *request)
{
	X509_PUBKEY *to = X509_get_X509_PUBKEY(certificate);
	uint8_t *der = NULL;
	int length = i2d_X509_PUBKEY(X509_REQ_get_X509_PUBKEY(request), &der);
	const uint8_t *p = der;
	bool ok = length > 0 && d2i_X509_PUBKEY(&to, &p, length) != NULL;

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

static bool add_issuer_tool(X509 *certificate)
{
	ISSUER_SIGN_TOOL *tool = ISSUER_SIGN_TOOL_new();
	bool ok = true;

	if (tool == NULL)
		return false;
	struct {
		ASN1_UTF8STRING **to;
		const char *text;
	} parts[] = {
		{&tool->signTool, "OpenSSL"},
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

static bool fill(struct ca *ca, const struct ca_order *order, X509 *certificate, EVP_PKEY *signer,
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
	     set_serial(certificate, out->serial) && set_dates(certificate, now, out->not_after) &&
	     X509_set_subject_name(certificate, subject) &&
	     X509_set_issuer_name(certificate, X509_get_subject_name(ca->issuer.certificate)) &&
	     (order->key != NULL ? X509_set_pubkey(certificate, order->key)
				 : copy_public_key(certificate, order->request)) &&
	     add_dictated(certificate, order->templ) &&
	     add_extension(
		     certificate, ca->issuer.certificate, NID_subject_key_identifier, "hash") &&
	     add_extension(certificate, ca->issuer.certificate, NID_authority_key_identifier,
		     "keyid:always") &&
	     add_extension(
		     certificate, ca->issuer.certificate, NID_crl_distribution_points, points) &&
	     add_key_period(certificate, now, key_end) && add_issuer_tool(certificate) &&
	     X509_sign(certificate, signer, digest_for(signer)) > 0;
	X509_NAME_free(subject);
	return ok;
}

bool ca_issue(struct ca *ca, const struct ca_order *order, struct ca_certificate *out)
{
	X509 *certificate = X509_new();
	EVP_PKEY *signer = ca->issuer.key, *foreign = NULL;
	bool ok = certificate != NULL;

	*out = (struct ca_certificate){0};
	if (order->foreign)
		ok = (signer = foreign = EVP_EC_gen("P-256")) != NULL && ok;
	if (ok && fill(ca, order, certificate, signer, out)) {
		int length = i2d_X509(certificate, &out->der);

		out->length = length > 0 ? (size_t)length : 0;
	}
	X509_free(certificate);
	EVP_PKEY_free(foreign);
	return out->length > 0;
}

X509 *ca_stand_in(struct ca *ca, X509_REQ *request)
{
	X509 *certificate = X509_new();
	int64_t now = store_seconds(ca->store);
	uint8_t serial[16];

	if (certificate != NULL && X509_set_version(certificate, X509_VERSION_3) &&
		set_serial(certificate, serial) && set_dates(certificate, now - DAY, now + DAY) &&
		X509_set_subject_name(certificate, X509_REQ_get_subject_name(request)) &&
		X509_set_issuer_name(certificate, X509_get_subject_name(ca->issuer.certificate)) &&
		copy_public_key(certificate, request) &&
		add_extension(
			certificate, ca->issuer.certificate, NID_subject_key_identifier, "hash") &&
		X509_sign(certificate, ca->issuer.key, digest_for(ca->issuer.key)) > 0)
		return certificate;
	X509_free(certificate);
	return NULL;
}

bool ca_issued(struct ca *ca, X509 *certificate)
{
	time_t now = (time_t)store_seconds(ca->store);

	return X509_NAME_cmp(X509_get_issuer_name(certificate),
		       X509_get_subject_name(ca->issuer.certificate)) == 0 &&
	       X509_verify(certificate, ca->issuer.key) == 1 &&
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

static bool add_all_revoked(struct ca *ca, X509_CRL *crl)
{
	sqlite3_stmt *query = store_query(ca->store,
		"SELECT serial, revoked, reason FROM certificates WHERE revoked IS NOT NULL", "");
	bool ok = true;

	while (ok && store_next(ca->store, &query))
		ok = add_revoked(crl, sqlite3_column_blob(query, 0),
			(size_t)sqlite3_column_bytes(query, 0), sqlite3_column_int64(query, 1),
			sqlite3_column_int(query, 2));
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

bool ca_crl(struct ca *ca, bool root, struct buffer *der)
{
	const struct party *by = root ? &ca->root : &ca->issuer;
	int64_t now = store_seconds(ca->store);
	ASN1_TIME *from = ASN1_TIME_set(NULL, (time_t)(now - 60));
	ASN1_TIME *to = ASN1_TIME_set(NULL, (time_t)(now + 7 * DAY));
	X509_CRL *crl = X509_CRL_new();
	uint8_t *bytes = NULL;
	X509V3_CTX context = {0};
	bool ok = crl != NULL && from != NULL && to != NULL &&
		  X509_CRL_set_version(crl, X509_CRL_VERSION_2) &&
		  X509_CRL_set_issuer_name(crl, X509_get_subject_name(by->certificate)) &&
		  X509_CRL_set1_lastUpdate(crl, from) && X509_CRL_set1_nextUpdate(crl, to) &&
		  (root || add_all_revoked(ca, crl)) && add_number(crl, store_now(ca->store));

	if (ok) {
		X509V3_set_ctx(&context, by->certificate, NULL, NULL, crl, 0);
		X509_EXTENSION *identifier = X509V3_EXT_conf_nid(
			NULL, &context, NID_authority_key_identifier, "keyid:always");
		ok = identifier != NULL && X509_CRL_add_ext(crl, identifier, -1) &&
		     X509_CRL_sort(crl) && X509_CRL_sign(crl, by->key, digest_for(by->key)) > 0;
		X509_EXTENSION_free(identifier);
	}
	int length = ok ? i2d_X509_CRL(crl, &bytes) : -1;
	ok = length > 0 && buffer_append(der, bytes, (size_t)length);
	OPENSSL_free(bytes);
	X509_CRL_free(crl);
	ASN1_TIME_free(from);
	ASN1_TIME_free(to);
	return ok;
}
