#include "tests/sandbox/authority.h"

#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "tests/sandbox/codec.h"

#define DAY             86400
#define CERTIFICATE_MAX 65536
#define GOST            "gost:"

/* ---- parts of certificates */

bool authority_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
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

bool authority_serial(X509 *certificate, uint8_t serial[16])
{
	if (!codec_random(serial, 16))
		return false;
	serial[0] = (uint8_t)((serial[0] & 0x3f) | 0x40);
	BIGNUM *number = BN_bin2bn(serial, 16, NULL);
	bool ok = number != NULL &&
		  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
	BN_free(number);
	return ok;
}

bool authority_dates(X509 *certificate, int64_t not_before, int64_t not_after)
{
	return ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)not_before) != NULL &&
	       ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)not_after) != NULL;
}

/* ---- signing */

static const EVP_MD *digest_for(const EVP_PKEY *key)
{
	return EVP_PKEY_get_bits(key) > 256 && EVP_PKEY_get_bits(key) < 1024 ? EVP_sha384()
									     : EVP_sha256();
}

/*
 * OpenSSL writes the structure down with its signature only. For a GOST authority that is one by a key which nobody
 * keeps, and then it is exchanged.
 */
static EVP_PKEY *signing_key(const struct authority *authority)
{
	if (authority->gost != NULL)
		return EVP_EC_gen("P-256");
	EVP_PKEY_up_ref(authority->key);
	return authority->key;
}

static bool append_signed(const struct authority *authority, const uint8_t *signed_der, int length,
	struct buffer *der)
{
	if (length <= 0)
		return false;
	return authority->gost != NULL
		       ? gost_key_sign(authority->gost, signed_der, (size_t)length, der)
		       : buffer_append(der, signed_der, (size_t)length);
}

bool authority_sign(const struct authority *authority, X509 *certificate, struct buffer *der)
{
	EVP_PKEY *key = signing_key(authority);
	uint8_t *bytes = NULL;
	int length = 0;

	if (key != NULL && X509_sign(certificate, key, digest_for(key)) > 0)
		length = i2d_X509(certificate, &bytes);
	bool ok = append_signed(authority, bytes, length, der);
	OPENSSL_free(bytes);
	EVP_PKEY_free(key);
	return ok;
}

bool authority_sign_list(const struct authority *authority, X509_CRL *list, struct buffer *der)
{
	EVP_PKEY *key = signing_key(authority);
	uint8_t *bytes = NULL;
	int length = 0;

	if (key != NULL && X509_CRL_sign(list, key, digest_for(key)) > 0)
		length = i2d_X509_CRL(list, &bytes);
	bool ok = append_signed(authority, bytes, length, der);
	OPENSSL_free(bytes);
	EVP_PKEY_free(key);
	return ok;
}

/* ---- making */

struct extension {
	int nid;
	const char *value;
};

static const struct extension extensions[][6] = {
	[AUTHORITY_ROOT] =
		{
			{NID_basic_constraints, "critical,CA:TRUE"},
			{NID_key_usage, "critical,keyCertSign,cRLSign"},
			{NID_subject_key_identifier, "hash"},
		},
	[AUTHORITY_ISSUER] =
		{
			{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
			{NID_key_usage, "critical,keyCertSign,cRLSign"},
			{NID_subject_key_identifier, "hash"},
			{NID_authority_key_identifier, "keyid:always"},
			{NID_certificate_policies, "1.2.643.100.113.1"},
		},
	[AUTHORITY_SERVER] =
		{
			{NID_basic_constraints, "critical,CA:FALSE"},
			{NID_key_usage, "critical,digitalSignature"},
			{NID_ext_key_usage, "serverAuth"},
			{NID_subject_key_identifier, "hash"},
			{NID_authority_key_identifier, "keyid:always"},
		},
};

void authority_clear(struct authority *authority)
{
	X509_free(authority->certificate);
	EVP_PKEY_free(authority->key);
	gost_key_free(authority->gost);
	*authority = (struct authority){0};
}

/* Takes the key over. */
static bool take_gost(struct gost_key *gost, struct authority *out)
{
	struct buffer spki = BUFFER_INIT(CERTIFICATE_MAX);

	out->gost = gost;
	if (gost != NULL && gost_key_spki(gost, &spki)) {
		const uint8_t *p = spki.data;

		out->key = d2i_PUBKEY(NULL, &p, (long)spki.length);
	}
	buffer_free(&spki);
	return out->key != NULL;
}

/* By its bytes, since OpenSSL can't write a GOST key. */
static bool set_public_key(X509 *certificate, const struct authority *authority)
{
	X509_PUBKEY *to = X509_get_X509_PUBKEY(certificate);
	struct buffer spki = BUFFER_INIT(CERTIFICATE_MAX);
	bool ok;

	if (authority->gost == NULL)
		return X509_set_pubkey(certificate, authority->key);
	ok = gost_key_spki(authority->gost, &spki);
	const uint8_t *p = spki.data;
	ok = ok && d2i_X509_PUBKEY(&to, &p, (long)spki.length) != NULL;
	buffer_free(&spki);
	return ok;
}

static bool make_key(const char *kind, struct authority *out)
{
	if (strncmp(kind, GOST, sizeof GOST - 1) == 0) {
		take_gost(gost_key_generate(kind + sizeof GOST - 1), out);
	} else {
		out->key = strcmp(kind, "rsa") == 0 ? EVP_RSA_gen(3072) : EVP_EC_gen("P-256");
	}
	return out->key != NULL;
}

static bool fill(const struct authority_plan *plan, X509 *by, int64_t now,
	const struct authority *made, X509 *certificate)
{
	X509_NAME *subject = X509_get_subject_name(certificate);
	uint8_t serial[16];
	bool ok = X509_set_version(certificate, X509_VERSION_3) &&
		  authority_serial(certificate, serial) &&
		  authority_dates(certificate, now - DAY, now + (int64_t)plan->days * DAY) &&
		  set_public_key(certificate, made) && add_name(subject, "C", "RU") &&
		  add_name(subject, "O", plan->organisation) &&
		  add_name(subject, "CN", plan->common_name) &&
		  X509_set_issuer_name(certificate, X509_get_subject_name(by));

	for (const struct extension *e = extensions[plan->kind]; ok && e->value != NULL; e++)
		ok = authority_extension(certificate, by, e->nid, e->value);
	return ok && (plan->alternative_names == NULL ||
			     authority_extension(certificate, by, NID_subject_alt_name,
				     plan->alternative_names));
}

bool authority_make(const struct authority_plan *plan, const struct authority *issuer, int64_t now,
	struct authority *out)
{
	struct authority made = {0};
	struct buffer der = BUFFER_INIT(CERTIFICATE_MAX);
	X509 *certificate = X509_new();
	X509 *by = issuer != NULL ? issuer->certificate : certificate;

	if (certificate != NULL && make_key(plan->key, &made) &&
		fill(plan, by, now, &made, certificate) &&
		authority_sign(issuer != NULL ? issuer : &made, certificate, &der)) {
		const uint8_t *p = der.data;

		made.certificate = d2i_X509(NULL, &p, (long)der.length);
	}
	X509_free(certificate);
	buffer_free(&der);
	if (made.certificate == NULL) {
		authority_clear(&made);
		return false;
	}
	*out = made;
	return true;
}

bool authority_pretend(const struct authority *authority, struct authority *out)
{
	struct authority other = {0};

	if (authority->gost != NULL) {
		take_gost(gost_key_other(authority->gost), &other);
	} else {
		other.key = EVP_EC_gen("P-256");
	}
	if (other.key == NULL) {
		authority_clear(&other);
		return false;
	}
	X509_up_ref(authority->certificate);
	other.certificate = authority->certificate;
	*out = other;
	return true;
}

/* ---- keeping */

static void setting_name(const struct authority_plan *plan, const char *what, char out[32])
{
	snprintf(out, 32, "%s.%s", plan->setting, what);
}

static bool load(struct store *store, const struct authority_plan *plan, struct authority *out)
{
	struct buffer der = BUFFER_INIT(CERTIFICATE_MAX);
	struct authority read = {0};
	char name[32];
	const uint8_t *p;

	setting_name(plan, "certificate", name);
	if (store_get(store, name, &der)) {
		p = der.data;
		read.certificate = d2i_X509(NULL, &p, (long)der.length);
		buffer_reset(&der);
		setting_name(plan, "key", name);
		store_get(store, name, &der);
		p = der.data;
		if (strncmp(plan->key, GOST, sizeof GOST - 1) == 0) {
			take_gost(gost_key_load(der.data, der.length), &read);
		} else {
			read.key = d2i_AutoPrivateKey(NULL, &p, (long)der.length);
		}
	}
	buffer_free(&der);
	if (read.certificate == NULL || read.key == NULL) {
		authority_clear(&read);
		return false;
	}
	*out = read;
	return true;
}

static bool append_key(const struct authority *authority, struct buffer *out)
{
	uint8_t *der = NULL;

	if (authority->gost != NULL)
		return gost_key_save(authority->gost, out);
	int length = i2d_PrivateKey(authority->key, &der);
	bool ok = length > 0 && buffer_append(out, der, (size_t)length);
	OPENSSL_clear_free(der, length > 0 ? (size_t)length : 0);
	return ok;
}

static bool save(
	struct store *store, const struct authority_plan *plan, const struct authority *authority)
{
	struct buffer key = BUFFER_INIT(CERTIFICATE_MAX);
	uint8_t *certificate = NULL;
	int length = i2d_X509(authority->certificate, &certificate);
	char name[32];
	bool ok = length > 0 && append_key(authority, &key);

	if (ok) {
		setting_name(plan, "certificate", name);
		store_put(store, name, certificate, (size_t)length);
		setting_name(plan, "key", name);
		store_put(store, name, key.data, key.length);
	}
	OPENSSL_free(certificate);
	buffer_free(&key);
	return ok;
}

bool authority_open(struct store *store, const struct authority_plan *plan,
	const struct authority *issuer, struct authority *out)
{
	return load(store, plan, out) ||
	       (authority_make(plan, issuer, store_seconds(store), out) && save(store, plan, out));
}
