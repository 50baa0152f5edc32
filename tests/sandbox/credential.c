#include "tests/sandbox/credential.h"

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/sandbox/accounts.h"
#include "tests/sandbox/ca.h"
#include "tests/sandbox/codec.h"
#include "tests/sandbox/issue.h"
#include "tests/sandbox/store.h"

#define OTP_DIGITS  6
#define OTP_SECONDS 300
#define PIN_DIGITS  8

static const char *const mode_names[] = {"implicit", "explicit", "oauth2code", NULL};
static const char *const otp_names[] = {"", "online", "offline", NULL};
static const char *const certificate_names[] = {"valid", "expired", "revoked", "suspended", NULL};
static const char *const status_names[] = {"enabled", "disabled", NULL};
static const char *const format_names[] = {"der", "raw", NULL};

/* The kinds of keys: what makes them, and the algorithms that the service then offers (OIDs). */
static const struct kind {
	const char *name, *curve; /* OpenSSL's; NULL: RSA */
	unsigned bits;
	const char *curve_oid;
	const char *algorithms[6];
} kinds[] = {
	{"rsa:2048", NULL, 2048, NULL,
		{"1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10", "1.2.840.113549.1.1.11",
			"1.2.840.113549.1.1.12", "1.2.840.113549.1.1.13"}},
	{"rsa:3072", NULL, 3072, NULL,
		{"1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10", "1.2.840.113549.1.1.11",
			"1.2.840.113549.1.1.12", "1.2.840.113549.1.1.13"}},
	{"ec:P-256", "P-256", 256, "1.2.840.10045.3.1.7",
		{"1.2.840.10045.2.1", "1.2.840.10045.4.3.2", "1.2.840.10045.4.3.3",
			"1.2.840.10045.4.3.4"}},
	{"ec:P-384", "P-384", 384, "1.3.132.0.34",
		{"1.2.840.10045.2.1", "1.2.840.10045.4.3.2", "1.2.840.10045.4.3.3",
			"1.2.840.10045.4.3.4"}},
};

static const struct kind *kind_of(const char *name)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	}
	return NULL;
}

/* ---- the specification */

static int choice(const char *const names[], const char *value)
{
	for (int i = 0; names[i] != NULL; i++) {
		if (strcmp(names[i], value) == 0)
			return i;
	}
	return -1;
}

static bool number(const char *value, int64_t least, int64_t most, int64_t *out)
{
	char *end;
	long long parsed = strtoll(value, &end, 10);

	if (end == value || *end != '\0' || parsed < least || parsed > most)
		return false;
	*out = parsed;
	return true;
}

static bool text(const char *value, char *out, size_t size)
{
	if (*value == '\0' || strlen(value) >= size)
		return false;
	strcpy(out, value);
	return true;
}

static bool set(struct credential *c, const char *name, const char *value)
{
	int chosen;

	if (strcmp(name, "id") == 0)
		return text(value, c->id, sizeof c->id) && strchr(value, '/') == NULL &&
		       value[0] != '.';
	if (strcmp(name, "key") == 0)
		return kind_of(value) != NULL && text(value, c->key_name, sizeof c->key_name);
	if (strcmp(name, "pin") == 0)
		return text(value, c->pin, sizeof c->pin);
	if (strcmp(name, "scal") == 0)
		return number(value, 1, 2, &c->scal);
	if (strcmp(name, "multisign") == 0)
		return number(value, 1, 100000, &c->multisign);
	if (strcmp(name, "sad-seconds") == 0)
		return number(value, 0, 1000000, &c->sad_seconds);
	if (strcmp(name, "async") == 0)
		return number(value, 0, 10000000, &c->async_ms);
	if (strcmp(name, "sign-async") == 0)
		return number(value, 1, 10000000, &c->signing_ms);
	if (strcmp(name, "mode") == 0 && (chosen = choice(mode_names, value)) >= 0)
		c->mode = (enum credential_mode)chosen;
	else if (strcmp(name, "otp") == 0 && (chosen = choice(otp_names, value)) >= 0)
		c->otp = (enum credential_otp)chosen;
	else if (strcmp(name, "ecdsa") == 0 && (chosen = choice(format_names, value)) >= 0)
		c->raw = chosen == 1;
	else if (strcmp(name, "certificate") == 0 && choice(certificate_names, value) >= 0)
		strcpy(c->certificate, value);
	else if (strcmp(name, "key-status") == 0 && choice(status_names, value) >= 0)
		strcpy(c->key_status, value);
	else
		return false;
	return true;
}

static bool parse(const char *specification, struct credential *out, struct error *err)
{
	char *copy = strdup(specification), *rest = NULL, *equals;
	const char *word = copy != NULL ? strtok_r(copy, " ", &rest) : NULL;
	bool ok = word != NULL && text(word, out->account, sizeof out->account);

	if (!ok)
		error_set(err, ERROR_USAGE, "a credential's specification begins with an account");
	while (ok && (word = strtok_r(NULL, " ", &rest)) != NULL) {
		equals = strchr(word, '=');
		if (equals != NULL)
			*equals++ = '\0';
		ok = equals != NULL && set(out, word, equals);
		if (!ok)
			error_set(err, ERROR_USAGE, "a credential has no such property: %s%s%s",
				word, equals != NULL ? "=" : "", equals != NULL ? equals : "");
	}
	free(copy);
	return ok;
}

/* ---- making */

static EVP_PKEY *make_key(const struct kind *kind)
{
	return kind->curve != NULL ? EVP_EC_gen(kind->curve) : EVP_RSA_gen(kind->bits);
}

static bool certify(struct sandbox *sandbox, struct credential *c, struct error *err)
{
	json_t *person = accounts_person(sandbox->store, c->account), *fields = json_array();
	struct profile_template templ = {0};
	struct ca_certificate certificate = {0};
	char crl[ISSUE_URL_MAX], root[ISSUE_URL_MAX];
	uint8_t hash[CODEC_SHA256];
	bool ok;

	issue_crl_urls(sandbox, CA_ORDINARY, crl, root);
	struct ca_order order = {.key = c->key,
		.templ = &templ,
		.crl_url = crl,
		.expired = strcmp(c->certificate, "expired") == 0};
	ok = profile_template_make(
		     profile_by_name("individual"), person, "in-person", &templ, fields) &&
	     ca_issue(sandbox->ca, &order, &certificate) &&
	     buffer_append(&c->der, certificate.der, certificate.length);
	if (ok) {
		codec_sha256(c->der.data, c->der.length, hash);
		store_run(sandbox->store,
			"INSERT INTO certificates (hash, serial, der, spki, account, application, "
			"not_after) VALUES (?, ?, ?, x'', ?, '', ?)",
			"bbbsi", hash, sizeof hash, certificate.serial, sizeof certificate.serial,
			c->der.data, c->der.length, c->account, certificate.not_after);
		if (strcmp(c->certificate, "revoked") == 0)
			issue_revoke(sandbox, hash, 0);
	} else {
		error_set(err, ERROR_FAILED, "a credential's certificate could not be made");
	}
	OPENSSL_free(certificate.der);
	profile_template_clear(&templ);
	json_decref(fields);
	json_decref(person);
	return ok;
}

static bool keep(struct sandbox *sandbox, const struct credential *c, const char *specification)
{
	uint8_t *der = NULL;
	int length = i2d_PrivateKey(c->key, &der);

	if (length <= 0)
		return false;
	store_run(sandbox->store,
		"INSERT INTO credentials (id, account, specification, key, certificate) VALUES (?, "
		"?, ?, ?, ?)",
		"sssbb", c->id, c->account, specification, der, (size_t)length, c->der.data,
		c->der.length);
	OPENSSL_clear_free(der, (size_t)length);
	return true;
}

static const struct credential empty = {
	.key_name = "rsa:2048",
	.mode = CREDENTIAL_EXPLICIT,
	.scal = 1,
	.multisign = 1,
	.sad_seconds = 3600,
	.certificate = "valid",
	.key_status = "enabled",
	.der = BUFFER_INIT(65536),
};

bool credential_make(struct sandbox *sandbox, const char *specification, struct error *err)
{
	struct credential c = empty;
	bool ok = parse(specification, &c, err);

	if (ok && !accounts_exists(sandbox->store, c.account))
		ok = error_set(err, ERROR_USAGE, "there is no account %s", c.account);
	if (ok && c.id[0] == '\0')
		snprintf(c.id, sizeof c.id, "%.40s-%lld", c.account,
			(long long)store_number(
				sandbox->store, 0, "SELECT count(*) + 1 FROM credentials", ""));
	if (!ok || store_number(sandbox->store, 0, "SELECT count(*) FROM credentials WHERE id = ?",
			   "s", c.id) > 0)
		goto out;
	c.key = make_key(kind_of(c.key_name));
	ok = c.key != NULL ? certify(sandbox, &c, err)
			   : error_set(err, ERROR_FAILED, "a credential's key could not be made");
	if (ok && !keep(sandbox, &c, specification))
		ok = error_set(err, ERROR_FAILED, "a credential could not be kept");
	if (ok && c.otp == CREDENTIAL_OFFLINE)
		ok = credential_send_otp(sandbox, &c);
out:
	credential_clear(&c);
	return ok;
}

bool credential_key_known(const char *name)
{
	return kind_of(name) != NULL;
}

bool credential_begin(const char *account, const char *id, const char *key, struct credential *out)
{
	const struct kind *kind = kind_of(key);

	*out = empty;
	if (kind == NULL || !text(account, out->account, sizeof out->account) ||
		!text(id, out->id, sizeof out->id) ||
		!text(key, out->key_name, sizeof out->key_name))
		return false;
	out->multisign = 10;
	out->key = make_key(kind);
	return out->key != NULL;
}

bool credential_finish(
	struct sandbox *sandbox, struct credential *c, const uint8_t *der, size_t length)
{
	char specification[512], name[HTTP_NAME_MAX + 8], pin[PIN_DIGITS + 2];
	uint8_t bytes[PIN_DIGITS];
	struct error err = {0};

	if (!codec_random(bytes, sizeof bytes) || !buffer_append(&c->der, der, length))
		return false;
	for (size_t i = 0; i < PIN_DIGITS; i++)
		pin[i] = (char)('0' + bytes[i] % 10);
	pin[PIN_DIGITS] = '\n';
	snprintf(name, sizeof name, "pins/%s", c->id);
	if (!store_write_file(sandbox->store, name, pin, PIN_DIGITS + 1, 0600, &err))
		return false;
	pin[PIN_DIGITS] = '\0';
	snprintf(specification, sizeof specification, "%s id=%s key=%s pin=%s multisign=%lld",
		c->account, c->id, c->key_name, pin, (long long)c->multisign);
	return keep(sandbox, c, specification);
}

/* ---- finding */

bool credential_load(
	struct sandbox *sandbox, const char *account, const char *id, struct credential *out)
{
	sqlite3_stmt *query = store_query(sandbox->store,
		"SELECT specification, key, certificate FROM credentials WHERE id = ? AND (account "
		"= ? OR ? = '')",
		"sss", id, account, account);
	struct error err = {0};
	const uint8_t *p;
	bool found = false;

	*out = empty;
	if (store_next(sandbox->store, &query) && parse(store_text(query, 0), out, &err)) {
		p = sqlite3_column_blob(query, 1);
		out->key = d2i_AutoPrivateKey(NULL, &p, sqlite3_column_bytes(query, 1));
		found = out->key != NULL && store_blob(query, 2, &out->der);
		snprintf(out->id, sizeof out->id, "%s", id);
	}
	store_end(&query);
	return found;
}

void credential_clear(struct credential *credential)
{
	EVP_PKEY_free(credential->key);
	buffer_free(&credential->der);
	OPENSSL_cleanse(credential->pin, sizeof credential->pin);
	credential->key = NULL;
}

json_t *credential_list(struct sandbox *sandbox, const char *account)
{
	json_t *list = json_array();
	sqlite3_stmt *query = store_query(sandbox->store,
		"SELECT id FROM credentials WHERE account = ? ORDER BY rowid", "s", account);

	while (store_next(sandbox->store, &query))
		json_array_append_new(list, json_string(store_text(query, 0)));
	store_end(&query);
	return list;
}

const char *credential_problem(const struct credential *credential)
{
	if (strcmp(credential->key_status, "disabled") == 0)
		return "Credential disabled";
	if (strcmp(credential->certificate, "expired") == 0)
		return "Signing certificate is expired";
	if (strcmp(credential->certificate, "revoked") == 0)
		return "Signing certificate is revoked";
	if (strcmp(credential->certificate, "suspended") == 0)
		return "Signing certificate is suspended";
	return "";
}

/* ---- PIN and OTP */

bool credential_send_otp(struct sandbox *sandbox, const struct credential *credential)
{
	uint8_t bytes[OTP_DIGITS];
	char otp[OTP_DIGITS + 2] = "", name[HTTP_NAME_MAX + 8];
	struct error err = {0};

	if (!codec_random(bytes, sizeof bytes))
		return false;
	for (size_t i = 0; i < OTP_DIGITS; i++)
		otp[i] = (char)('0' + bytes[i] % 10);
	otp[OTP_DIGITS] = '\n';
	snprintf(name, sizeof name, "otp/%s", credential->id);
	if (!store_write_file(sandbox->store, name, otp, OTP_DIGITS + 1, 0600, &err))
		return false;
	otp[OTP_DIGITS] = '\0';
	store_run(sandbox->store, "UPDATE credentials SET otp = ?, otp_expires = ? WHERE id = ?",
		"sis", otp, store_seconds(sandbox->store) + OTP_SECONDS, credential->id);
	return true;
}

/* Counts a right or wrong answer in `column`; the constant strings are the only ones. */
static void count(struct store *store, const struct credential *c, bool pin, bool right)
{
	static const char *const statements[2][2] = {
		{"UPDATE credentials SET wrong_otps = wrong_otps + 1 WHERE id = ?",
			"UPDATE credentials SET wrong_otps = 0 WHERE id = ?"},
		{"UPDATE credentials SET wrong_pins = wrong_pins + 1 WHERE id = ?",
			"UPDATE credentials SET wrong_pins = 0 WHERE id = ?"},
	};

	store_run(store, statements[pin][right], "s", c->id);
}

static bool same(const char *a, const char *b)
{
	return a != NULL && strlen(a) == strlen(b) && CRYPTO_memcmp(a, b, strlen(b)) == 0;
}

enum credential_answer credential_check(
	struct sandbox *sandbox, const struct credential *c, const char *pin, const char *otp)
{
	struct store *store = sandbox->store;
	sqlite3_stmt *query = store_query(store,
		"SELECT wrong_pins, wrong_otps, otp, otp_expires FROM credentials WHERE id = ?",
		"s", c->id);
	enum credential_answer answer = CREDENTIAL_OK;

	if (!store_next(store, &query))
		return CREDENTIAL_PIN_WRONG;
	if (c->pin[0] != '\0') {
		if (sqlite3_column_int(query, 0) >= CREDENTIAL_TRIES)
			answer = CREDENTIAL_PIN_LOCKED;
		else if (!same(pin, c->pin))
			answer = CREDENTIAL_PIN_WRONG;
		if (answer != CREDENTIAL_PIN_LOCKED)
			count(store, c, true, answer == CREDENTIAL_OK);
	}
	if (answer == CREDENTIAL_OK && c->otp != CREDENTIAL_NO_OTP) {
		if (sqlite3_column_int(query, 1) >= CREDENTIAL_TRIES)
			answer = CREDENTIAL_OTP_LOCKED;
		else if (store_text(query, 2)[0] == '\0' || !same(otp, store_text(query, 2)) ||
			 (c->otp == CREDENTIAL_ONLINE &&
				 sqlite3_column_int64(query, 3) < store_seconds(store)))
			answer = CREDENTIAL_OTP_WRONG;
		if (answer != CREDENTIAL_OTP_LOCKED)
			count(store, c, false, answer == CREDENTIAL_OK);
	}
	store_end(&query);
	if (answer == CREDENTIAL_OK && c->otp == CREDENTIAL_ONLINE)
		store_run(store, "UPDATE credentials SET otp = NULL WHERE id = ?", "s", c->id);
	if (answer == CREDENTIAL_OK && c->otp == CREDENTIAL_OFFLINE)
		credential_send_otp(sandbox, c);
	return answer;
}

/* ---- credentials/info */

static json_t *base64(const struct buffer *der)
{
	struct buffer out = BUFFER_INIT(131072);
	json_t *string;

	codec_base64(der->data, der->length, &out);
	string = json_string(buffer_text(&out));
	buffer_free(&out);
	return string;
}

static json_t *name_text(const X509_NAME *name)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data = NULL;
	json_t *string = NULL;

	if (bio != NULL &&
		X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0) {
		long length = BIO_get_mem_data(bio, &data);

		string = json_stringn(data, (size_t)length);
	}
	BIO_free(bio);
	return string;
}

static json_t *time_text(const ASN1_TIME *time)
{
	struct tm tm;
	char out[20] = "";

	if (ASN1_TIME_to_tm(time, &tm) == 1)
		strftime(out, sizeof out, "%Y%m%d%H%M%SZ", &tm);
	return json_string(out);
}

static void add_certificate_info(json_t *cert, const X509 *x509)
{
	BIGNUM *serial = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x509), NULL);
	char *hex = serial != NULL ? BN_bn2hex(serial) : NULL;

	json_object_set_new(cert, "issuerDN", name_text(X509_get_issuer_name(x509)));
	json_object_set_new(cert, "subjectDN", name_text(X509_get_subject_name(x509)));
	json_object_set_new(cert, "serialNumber", json_string(hex != NULL ? hex : ""));
	json_object_set_new(cert, "validFrom", time_text(X509_get0_notBefore(x509)));
	json_object_set_new(cert, "validTo", time_text(X509_get0_notAfter(x509)));
	OPENSSL_free(hex);
	BN_free(serial);
}

static json_t *certificate_part(
	struct sandbox *sandbox, const struct credential *c, const char *certificates, bool info)
{
	json_t *cert = json_pack("{s:s}", "status", c->certificate), *list;
	struct buffer der = BUFFER_INIT(65536);

	if (strcmp(certificates, "none") != 0) {
		list = json_array();
		json_array_append_new(list, base64(&c->der));
		if (strcmp(certificates, "chain") == 0) {
			if (ca_issuer(sandbox->ca, CA_ORDINARY, &der))
				json_array_append_new(list, base64(&der));
			buffer_reset(&der);
			if (ca_root(sandbox->ca, CA_ORDINARY, &der))
				json_array_append_new(list, base64(&der));
		}
		json_object_set_new(cert, "certificates", list);
	}
	if (info) {
		const uint8_t *p = c->der.data;
		X509 *x509 = d2i_X509(NULL, &p, (long)c->der.length);

		if (x509 != NULL)
			add_certificate_info(cert, x509);
		X509_free(x509);
	}
	buffer_free(&der);
	return cert;
}

static json_t *key_part(const struct credential *c)
{
	const struct kind *kind = kind_of(c->key_name);
	json_t *algorithms = json_array();

	for (size_t i = 0; i < 6 && kind->algorithms[i] != NULL; i++)
		json_array_append_new(algorithms, json_string(kind->algorithms[i]));
	return json_pack("{s:s,s:o,s:i,s:s*}", "status", c->key_status, "algo", algorithms, "len",
		(int)kind->bits, "curve", kind->curve_oid);
}

/* Version 1: PIN and OTP stand beside everything else. */
static void add_auth_v1(json_t *info, const struct credential *c)
{
	json_object_set_new(info, "authMode", json_string(mode_names[c->mode]));
	if (c->mode != CREDENTIAL_EXPLICIT)
		return;
	json_object_set_new(info, "PIN",
		json_pack("{s:s,s:s,s:s}", "presence", c->pin[0] != '\0' ? "true" : "false",
			"format", "A", "label", "PIN"));
	json_object_set_new(info, "OTP",
		json_pack("{s:s,s:s*,s:s,s:s,s:s*}", "presence",
			c->otp != CREDENTIAL_NO_OTP ? "true" : "false", "type",
			c->otp != CREDENTIAL_NO_OTP ? otp_names[c->otp] : NULL, "format", "N",
			"label", "OTP", "ID", c->otp != CREDENTIAL_NO_OTP ? "phone" : NULL));
}

/* Version 2: an expression over authentication objects. */
static json_t *auth_v2(const struct credential *c)
{
	bool pin = c->pin[0] != '\0', otp = c->otp != CREDENTIAL_NO_OTP;
	json_t *objects = json_array(), *auth;

	if (c->mode != CREDENTIAL_EXPLICIT) {
		json_decref(objects);
		return json_pack("{s:s}", "mode",
			c->mode == CREDENTIAL_IMPLICIT ? "explicit" : "oauth2code");
	}
	if (pin)
		json_array_append_new(objects, json_pack("{s:s,s:s,s:s,s:s}", "type", "Password",
						       "id", "PIN", "format", "A", "label", "PIN"));
	if (otp)
		json_array_append_new(objects,
			json_pack("{s:s,s:s,s:s,s:s,s:s*}", "type",
				c->otp == CREDENTIAL_ONLINE ? "ChallengeResponse" : "Password",
				"id", "OTP", "format", "N", "label", "OTP", "generator",
				c->otp == CREDENTIAL_OFFLINE ? "totp" : NULL));
	auth = json_pack("{s:s,s:s*,s:o}", "mode", "explicit", "expression",
		pin && otp ? "PIN AND OTP"
		: pin      ? "PIN"
		: otp      ? "OTP"
			   : NULL,
		"objects", objects);
	return auth;
}

json_t *credential_info(struct sandbox *sandbox, const struct credential *c, unsigned version,
	const char *certificates, bool certificate_info, bool auth_info)
{
	json_t *info = json_pack("{s:s,s:o,s:o,s:I,s:s}", "description", "Ключ в облаке", "key",
		key_part(c), "cert", certificate_part(sandbox, c, certificates, certificate_info),
		"multisign", (json_int_t)c->multisign, "lang", "ru-RU");
	char scal[2] = {(char)('0' + c->scal), '\0'};

	json_object_set_new(info, "SCAL", json_string(scal));
	if (version == 1)
		json_object_set_new(info, "authMode", json_string(mode_names[c->mode]));
	if (auth_info && version == 1)
		add_auth_v1(info, c);
	else if (auth_info)
		json_object_set_new(info, "auth", auth_v2(c));
	return info;
}
