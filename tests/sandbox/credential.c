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
#include "tests/sandbox/credential_kind.h"
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
static const char *const phone_names[] = {"no", "yes", NULL};
static const char *const join_names[] = {"and", "or", NULL};

static const char *const order_names[] = {"sr", "rs", "reversed", NULL};

static bool is_gost(enum credential_key type)
{
	return type == CREDENTIAL_GOST_256 || type == CREDENTIAL_GOST_512;
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
		return credential_kind_find(value) != NULL &&
		       text(value, c->key_name, sizeof c->key_name);
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
	else if (strcmp(name, "gost") == 0 && (chosen = choice(order_names, value)) >= 0)
		c->order = (enum credential_order)chosen;
	else if (strcmp(name, "phone") == 0 && (chosen = choice(phone_names, value)) >= 0)
		c->phone = chosen == 1;
	else if (strcmp(name, "join") == 0 && (chosen = choice(join_names, value)) >= 0)
		c->either = chosen == 1;
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

static bool make_key(struct credential *c)
{
	const struct credential_kind *kind = credential_kind_find(c->key_name);

	c->type = kind->type;
	if (is_gost(c->type))
		c->gost = gost_key_generate(kind->parameters);
	else
		c->key = c->type == CREDENTIAL_EC ? EVP_EC_gen(kind->parameters)
						  : EVP_RSA_gen(kind->bits);
	return c->key != NULL || c->gost != NULL;
}

bool credential_spki(const struct credential *credential, struct buffer *der)
{
	uint8_t *spki = NULL;
	int length;
	bool ok;

	if (credential->gost != NULL)
		return gost_key_spki(credential->gost, der);
	length = i2d_PUBKEY(credential->key, &spki);
	ok = length > 0 && buffer_append(der, spki, (size_t)length);
	OPENSSL_free(spki);
	return ok;
}

static bool certify(struct sandbox *sandbox, struct credential *c, struct error *err)
{
	json_t *person = accounts_person(sandbox->store, c->account), *fields = json_array();
	struct profile_template templ = {0};
	struct ca_certificate certificate = {0};
	char crl[ISSUE_URL_MAX], root[ISSUE_URL_MAX];
	struct buffer spki = BUFFER_INIT(4096);
	uint8_t hash[CODEC_SHA256];
	bool ok;

	struct ca_order order = {.family = credential_family(c->key_name),
		.spki = &spki,
		.templ = &templ,
		.crl_url = crl,
		.expired = strcmp(c->certificate, "expired") == 0};
	issue_crl_urls(sandbox, order.family, crl, root);
	ok = credential_spki(c, &spki) &&
	     profile_template_make(
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
	buffer_free(&spki);
	json_decref(fields);
	json_decref(person);
	return ok;
}

/* As it is kept. */
static bool save_key(const struct credential *c, struct buffer *out)
{
	uint8_t *der = NULL;
	int length;
	bool ok;

	if (c->gost != NULL)
		return gost_key_save(c->gost, out);
	length = i2d_PrivateKey(c->key, &der);
	ok = length > 0 && buffer_append(out, der, (size_t)length);
	OPENSSL_clear_free(der, length > 0 ? (size_t)length : 0);
	return ok;
}

static bool load_key(struct credential *c, const uint8_t *data, int length)
{
	c->type = credential_kind_find(c->key_name)->type;
	if (is_gost(c->type))
		c->gost = gost_key_load(data, (size_t)length);
	else
		c->key = d2i_AutoPrivateKey(NULL, &data, length);
	return c->key != NULL || c->gost != NULL;
}

static bool keep(struct sandbox *sandbox, const struct credential *c, const char *specification)
{
	struct buffer key = BUFFER_INIT(8192);
	bool ok = save_key(c, &key);

	if (ok)
		store_run(sandbox->store,
			"INSERT INTO credentials (id, account, specification, key, certificate) "
			"VALUES (?, ?, ?, ?, ?)",
			"sssbb", c->id, c->account, specification, key.data, key.length,
			c->der.data, c->der.length);
	buffer_free(&key);
	return ok;
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
	ok = make_key(&c) ? certify(sandbox, &c, err)
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
	return credential_kind_find(name) != NULL;
}

enum ca_family credential_family(const char *name)
{
	return is_gost(credential_kind_find(name)->type) ? CA_GOST : CA_ORDINARY;
}

bool credential_begin(const char *account, const char *id, const char *key, struct credential *out)
{
	*out = empty;
	if (credential_kind_find(key) == NULL ||
		!text(account, out->account, sizeof out->account) ||
		!text(id, out->id, sizeof out->id) ||
		!text(key, out->key_name, sizeof out->key_name))
		return false;
	out->multisign = 10;
	return make_key(out);
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
	bool found = false;

	*out = empty;
	if (store_next(sandbox->store, &query) && parse(store_text(query, 0), out, &err)) {
		found = load_key(out, sqlite3_column_blob(query, 1),
				sqlite3_column_bytes(query, 1)) &&
			store_blob(query, 2, &out->der);
		snprintf(out->id, sizeof out->id, "%s", id);
	}
	store_end(&query);
	return found;
}

void credential_clear(struct credential *credential)
{
	EVP_PKEY_free(credential->key);
	gost_key_free(credential->gost);
	buffer_free(&credential->der);
	OPENSSL_cleanse(credential->pin, sizeof credential->pin);
	credential->key = NULL;
	credential->gost = NULL;
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
	if (c->pin[0] != '\0' && (!c->either || pin != NULL)) {
		if (sqlite3_column_int(query, 0) >= CREDENTIAL_TRIES)
			answer = CREDENTIAL_PIN_LOCKED;
		else if (!same(pin, c->pin))
			answer = CREDENTIAL_PIN_WRONG;
		if (answer != CREDENTIAL_PIN_LOCKED)
			count(store, c, true, answer == CREDENTIAL_OK);
	}
	if (answer == CREDENTIAL_OK && c->otp != CREDENTIAL_NO_OTP && (!c->either || otp != NULL)) {
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
