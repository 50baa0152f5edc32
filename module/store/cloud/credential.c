#include "module/store/cloud/credential.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "module/store/cloud/expression.h"
#include "module/support/base64.h"
#include "module/support/text.h"

#define CERTIFICATE_BYTES (64 << 10)
#define MULTISIGN_MAX     100000

static const char *text_of(const json_t *json, const char *name)
{
	const char *text = json_string_value(json_object_get(json, name));

	return text != NULL ? text : "";
}

/* Version 1 has numbers and truth as strings in places, and services differ. */
static bool is_true(const json_t *json, const char *name)
{
	const json_t *member = json_object_get(json, name);

	return json_is_true(member) || strcmp(text_of(json, name), "true") == 0;
}

static long number_of(const json_t *json, const char *name, long otherwise)
{
	const json_t *member = json_object_get(json, name);
	const char *text = json_string_value(member);
	char *end;
	long value = otherwise;

	if (json_is_integer(member) && json_integer_value(member) <= MULTISIGN_MAX)
		value = (long)json_integer_value(member);
	else if (json_is_integer(member))
		value = MULTISIGN_MAX;
	else if (text != NULL && *text != '\0' && strlen(text) < 7) {
		value = strtol(text, &end, 10);
		if (*end != '\0')
			value = otherwise;
	}
	return value;
}

static bool copy(const char *text, char *out, size_t size)
{
	if (strlen(text) >= size || !text_is_utf8(text, strlen(text)))
		return false;
	strcpy(out, text);
	text_plain(out);
	return true;
}

static bool malformed(const char *id, const char *what, struct error *err)
{
	return error_set(err, ERROR_UNREACHABLE, "credential %.80s: %s", id, what);
}

/* ---- authorisation */

static bool read_mode(const char *word, enum credential_mode *out)
{
	static const char *const words[] = {"implicit", "explicit", "oauth2code"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i], word) == 0) {
			*out = (enum credential_mode)i;
			return true;
		}
	}
	return false;
}

static bool read_auth_v1(const json_t *info, struct credential *out, struct error *err)
{
	const json_t *pin = json_object_get(info, "PIN"), *otp = json_object_get(info, "OTP");

	if (!read_mode(text_of(info, "authMode"), &out->mode))
		return malformed(out->id, "its authMode is unknown", err);
	/* "optional" is not asked for: what need not be given is not. */
	out->pin = is_true(pin, "presence");
	out->otp = is_true(otp, "presence");
	out->otp_sent = strcmp(text_of(otp, "type"), "online") == 0;
	return true;
}

/*
 * Version 2 has an expression over objects (v2.0, 8.3 and 11.4). Of the ways to satisfy it, that one is taken which
 * asks least of the person: a PIN is kept and given again, an answer elsewhere needs no typing, and a one-time password
 * is for one authorisation. Text goes to one PIN and one one-time password at most.
 */
enum object_kind { OBJECT_PIN, OBJECT_ELSEWHERE, OBJECT_OTP, OBJECT_SENT_OTP, OBJECT_UNKNOWN };
static const unsigned burdens[] = {
	[OBJECT_PIN] = 1, [OBJECT_ELSEWHERE] = 2, [OBJECT_OTP] = 4, [OBJECT_SENT_OTP] = 4};

struct objects {
	size_t count;
	const char *ids[EXPRESSION_NAMES_MAX];
	enum object_kind kinds[EXPRESSION_NAMES_MAX];
};

/* A Password that a generator makes, and a ChallengeResponse, is the one-time password. */
static enum object_kind kind_of(const json_t *object)
{
	static const struct {
		const char *type;
		bool generated;
		enum object_kind kind;
	} known[] = {
		{"Password", false, OBJECT_PIN},
		{"Password", true, OBJECT_OTP},
		{"ChallengeResponse", false, OBJECT_SENT_OTP},
		{"ChallengeResponse", true, OBJECT_SENT_OTP},
		{"PasswordOOB", false, OBJECT_ELSEWHERE},
		{"PasswordOOB", true, OBJECT_ELSEWHERE},
		{"ChallengeResponseOOB", false, OBJECT_ELSEWHERE},
		{"ChallengeResponseOOB", true, OBJECT_ELSEWHERE},
	};
	bool generated = *text_of(object, "generator") != '\0';

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].generated == generated &&
			strcmp(known[i].type, text_of(object, "type")) == 0)
			return known[i].kind;
	}
	return OBJECT_UNKNOWN;
}

static bool read_objects(const json_t *list, const char *id, struct objects *out, struct error *err)
{
	/* The specification's own sample has one object where a list should be. */
	size_t count = json_is_object(list) ? 1 : json_array_size(list);

	if (count > EXPRESSION_NAMES_MAX)
		return malformed(id, "it has too many authentication objects", err);
	for (size_t i = 0; i < count; i++) {
		const json_t *object = json_is_object(list) ? list : json_array_get(list, i);
		const char *name = text_of(object, "id");

		if (strlen(name) >= CREDENTIAL_OBJECT_MAX || !text_is_utf8(name, strlen(name)))
			return malformed(id, "an authentication object's id is too long", err);
		out->ids[i] = name;
		out->kinds[i] = kind_of(object);
	}
	out->count = count;
	return true;
}

/* What giving these asks of the person; 0: they can't be given together. */
static unsigned burden_of(const struct objects *objects, unsigned given)
{
	unsigned burden = 0, pins = 0, passwords = 0;

	for (size_t i = 0; i < objects->count; i++) {
		if ((given >> i & 1) == 0)
			continue;
		if (objects->kinds[i] == OBJECT_UNKNOWN)
			return 0;
		burden += burdens[objects->kinds[i]];
		pins += objects->kinds[i] == OBJECT_PIN;
		passwords +=
			objects->kinds[i] == OBJECT_OTP || objects->kinds[i] == OBJECT_SENT_OTP;
	}
	return pins <= 1 && passwords <= 1 ? burden : 0;
}

static bool choose(const struct objects *objects, const char *expression, const char *id,
	unsigned *out, struct error *err)
{
	unsigned all = (1U << objects->count) - 1, best = 0;
	bool value = false;

	for (unsigned given = 1; given <= all; given++) {
		unsigned burden = burden_of(objects, given);

		if (*expression == '\0')
			value = given == all;
		else if (!expression_value(expression, objects->ids, objects->count, given, &value))
			return malformed(id, "its auth/expression is not understood", err);
		if (value && burden > 0 && (best == 0 || burden < best)) {
			best = burden;
			*out = given;
		}
	}
	return best > 0 ||
	       malformed(id, "it asks for an authentication that is not known here", err);
}

static void take_object(const struct objects *objects, size_t i, struct credential *out)
{
	switch (objects->kinds[i]) {
	case OBJECT_PIN:
		out->pin = true;
		strcpy(out->pin_object, objects->ids[i]);
		break;
	case OBJECT_SENT_OTP:
	case OBJECT_OTP:
		out->otp = true;
		out->otp_sent = objects->kinds[i] == OBJECT_SENT_OTP;
		strcpy(out->otp_object, objects->ids[i]);
		break;
	default:
		strcpy(out->elsewhere[out->elsewhere_count++], objects->ids[i]);
	}
}

static bool read_auth_v2(const json_t *info, struct credential *out, struct error *err)
{
	const json_t *auth = json_object_get(info, "auth");
	struct objects objects = {.count = 0};
	unsigned given = 0;

	if (!read_mode(text_of(auth, "mode"), &out->mode))
		return malformed(out->id, "its auth/mode is unknown", err);
	if (out->mode != CREDENTIAL_EXPLICIT)
		return true;
	if (!read_objects(json_object_get(auth, "objects"), out->id, &objects, err) ||
		(objects.count > 0 &&
			!choose(&objects, text_of(auth, "expression"), out->id, &given, err)))
		return false;
	for (size_t i = 0; i < objects.count; i++) {
		if ((given >> i & 1) != 0)
			take_object(&objects, i, out);
	}
	/* Nothing to type: the service sees to it itself. */
	if (!out->pin && !out->otp)
		out->mode = CREDENTIAL_IMPLICIT;
	return true;
}

/* ---- key and certificates */

static bool read_chain(const json_t *cert, struct credential *out, struct error *err)
{
	const json_t *list = json_object_get(cert, "certificates");
	struct buffer der = BUFFER_INIT(CERTIFICATE_BYTES);
	struct error problem = {0};
	bool ok = true;

	for (size_t i = 0; ok && i < json_array_size(list) && i < CREDENTIAL_CHAIN_MAX; i++) {
		const json_t *one = json_array_get(list, i);

		buffer_reset(&der);
		ok = json_is_string(one) &&
		     base64_decode(json_string_value(one), json_string_length(one), &der) &&
		     certificate_decode(der.data, der.length, &out->chain[i], &problem);
		if (ok)
			out->chain_count++;
	}
	buffer_free(&der);
	if (!ok)
		return error_set(err, ERROR_UNREACHABLE, "credential %.80s: certificate %zu: %s",
			out->id, out->chain_count + 1,
			problem.message[0] != '\0' ? problem.message : "not base64");
	if (out->chain_count == 0)
		return malformed(out->id, "it has no certificate", err);
	if (!spki_decode(out->chain[0].spki, out->chain[0].spki_length, &out->key, &problem))
		return error_set(err, ERROR_UNREACHABLE, "credential %.80s: its key: %s", out->id,
			problem.message);
	if (out->key.type == SPKI_ED25519)
		return malformed(out->id, "keys of its kind are not used here", err);
	return true;
}

static bool read_algorithms(const json_t *key, struct credential *out, struct error *err)
{
	const json_t *list = json_object_get(key, "algo");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *oid = json_string_value(json_array_get(list, i));

		if (oid != NULL && out->algorithm_count < CREDENTIAL_ALGORITHMS_MAX &&
			copy(oid, out->algorithms[out->algorithm_count], CREDENTIAL_OID_MAX))
			out->algorithm_count++;
	}
	return out->algorithm_count > 0 || malformed(out->id, "it names no algorithm", err);
}

static void read_status(const json_t *key, const json_t *cert, struct credential *out)
{
	static const char *const words[] = {"disabled", "expired", "revoked", "suspended"};
	const char *given[] = {text_of(key, "status"), text_of(cert, "status")};

	for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++) {
		for (size_t k = 0; k < sizeof(words) / sizeof(words[0]); k++) {
			if (out->problem == NULL && strcmp(given[i], words[k]) == 0)
				out->problem = words[k];
		}
	}
}

bool credential_read(const char *id, const json_t *info, unsigned version, struct credential *out,
	struct error *err)
{
	const json_t *key = json_object_get(info, "key"), *cert = json_object_get(info, "cert");
	long number;
	bool ok;

	*out = (struct credential){.problem = NULL};
	if (*id == '\0' || !copy(id, out->id, sizeof(out->id)) || strcmp(id, out->id) != 0)
		return error_set(err, ERROR_UNREACHABLE, "a credential's id is none: %.80s", id);
	if (!copy(text_of(info, "description"), out->description, sizeof(out->description)))
		out->description[0] = '\0';
	out->scal = number_of(info, "SCAL", 1) == 2 ? 2 : 1;
	number = number_of(info, "multisign", 1);
	out->multisign = number < 1 ? 1 : (unsigned)number;
	ok = (version == 1 ? read_auth_v1(info, out, err) : read_auth_v2(info, out, err)) &&
	     read_algorithms(key, out, err) && read_chain(cert, out, err);
	if (ok)
		read_status(key, cert, out);
	else
		credential_clear(out);
	return ok;
}

void credential_clear(struct credential *credential)
{
	for (size_t i = 0; i < credential->chain_count; i++)
		certificate_clear(&credential->chain[i]);
	if (credential->key.memory != NULL)
		spki_clear(&credential->key);
	*credential = (struct credential){.problem = NULL};
}

bool credential_has_algorithm(const struct credential *credential, const char *oid)
{
	for (size_t i = 0; i < credential->algorithm_count; i++) {
		if (strcmp(credential->algorithms[i], oid) == 0)
			return true;
	}
	return false;
}
