#include "tests/sandbox/authorization.h"

#include <string.h>

#include "tests/sandbox/codec.h"
#include "tests/sandbox/csc.h"
#include "tests/sandbox/deferred.h"
#include "tests/sandbox/store.h"

static void hash_of(const char *sad, uint8_t hash[CODEC_SHA256])
{
	codec_sha256(sad, strlen(sad), hash);
}

static void keep(struct sandbox *sandbox, const uint8_t hash[CODEC_SHA256],
	const struct credential *credential, int64_t signatures, const json_t *hashes,
	const char *hash_algorithm)
{
	char *text = hashes != NULL ? json_dumps(hashes, JSON_COMPACT) : NULL;

	store_run(sandbox->store,
		"INSERT OR REPLACE INTO authorizations VALUES (?, ?, ?, ?, ?, ?, ?)", "bssissi",
		hash, (size_t)CODEC_SHA256, credential->id, credential->account, signatures, text,
		hash_algorithm, store_seconds(sandbox->store) + credential->sad_seconds);
	free(text);
}

bool authorization_grant(struct sandbox *sandbox, const char *sad,
	const struct credential *credential, int64_t signatures, const json_t *hashes,
	const char *hash_algorithm)
{
	uint8_t hash[CODEC_SHA256];

	if (signatures < 1 || signatures > credential->multisign ||
		*credential_problem(credential) != '\0' ||
		(credential->scal == 2 &&
			(hashes == NULL || (int64_t)json_array_size(hashes) > signatures)))
		return false;
	hash_of(sad, hash);
	keep(sandbox, hash, credential, signatures, credential->scal == 2 ? hashes : NULL,
		hash_algorithm);
	return true;
}

/* Takes one occurrence of each hash out of `authorized`. */
static bool take_hashes(json_t *authorized, const json_t *hashes)
{
	for (size_t i = 0; i < json_array_size(hashes); i++) {
		size_t at = 0, count = json_array_size(authorized);

		while (at < count &&
			!json_equal(json_array_get(authorized, at), json_array_get(hashes, i)))
			at++;
		if (at == count)
			return false;
		json_array_remove(authorized, at);
	}
	return true;
}

bool authorization_take(struct request *request, struct response *response, const char *sad,
	const struct credential *credential, const json_t *hashes)
{
	struct store *store = request->sandbox->store;
	int64_t wanted = (int64_t)json_array_size(hashes), left;
	json_t *authorized = NULL;
	uint8_t hash[CODEC_SHA256];
	bool ok = false;

	hash_of(sad, hash);
	sqlite3_stmt *query = store_query(store,
		"SELECT signatures, hashes, expires FROM authorizations WHERE hash = ? AND "
		"credential = ? AND account = ?",
		"bss", hash, sizeof hash, credential->id, credential->account);
	if (!store_next(store, &query)) {
		csc_error(response, 400, "invalid_request", "Invalid parameter SAD");
		goto out;
	}
	left = sqlite3_column_int64(query, 0);
	if (*store_text(query, 1) != '\0')
		authorized = json_loads(store_text(query, 1), 0, NULL);
	if (sqlite3_column_int64(query, 2) < store_seconds(store)) {
		csc_error(response, 400, "invalid_request", "SAD expired");
	} else if (left < wanted) {
		csc_error(response, 400, "invalid_request", "Numbers of signatures is too high");
	} else if (credential->scal == 2 && !take_hashes(authorized, hashes)) {
		csc_error(response, 400, "invalid_request", "Hash is not authorized by the SAD");
	} else {
		char *text = authorized != NULL ? json_dumps(authorized, JSON_COMPACT) : NULL;

		store_run(store,
			"UPDATE authorizations SET signatures = ?, hashes = ? WHERE hash = ?",
			"isb", left - wanted, text, hash, sizeof hash);
		free(text);
		ok = true;
	}
out:
	json_decref(authorized);
	store_end(&query);
	return ok;
}

/* ---- credentials/authorize */

/* What was given. */
struct answers {
	const char *pin, *otp;
	bool phone;
};

/* Version 2's authData: [{"id", "value"}], for the telephone without a value. */
static bool read_auth_data(
	const struct request *request, struct response *response, struct answers *out)
{
	const json_t *list = json_object_get(request->json, "authData");

	if (list == NULL)
		return true;
	if (!json_is_array(list))
		return csc_error(response, 400, "invalid_request",
			"Missing (or invalid type) array parameter authData");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *object = json_array_get(list, i);
		const char *id = json_string_value(json_object_get(object, "id"));
		const char *value = json_string_value(json_object_get(object, "value"));

		if (id != NULL && value == NULL && strcmp(id, "PHONE") == 0)
			out->phone = true;
		else if (id != NULL && value != NULL && strcmp(id, "PIN") == 0)
			out->pin = value;
		else if (id != NULL && value != NULL && strcmp(id, "OTP") == 0)
			out->otp = value;
		else
			return csc_error(response, 400, "invalid_request",
				"Invalid object in parameter authData");
	}
	return true;
}

/* Does the expression hold for what is there, right or wrong? */
static bool is_enough(const struct credential *credential, const struct answers *given)
{
	const struct {
		bool wanted, there;
	} parts[] = {
		{credential->pin[0] != '\0', given->pin != NULL},
		{credential->otp != CREDENTIAL_NO_OTP, given->otp != NULL},
		{credential->phone, given->phone},
	};
	bool all = true, any = false;

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		all = all && (!parts[i].wanted || parts[i].there);
		any = any || (parts[i].wanted && parts[i].there);
	}
	return all || (credential->either && any);
}

static bool check_secrets(
	struct request *request, struct response *response, const struct credential *credential)
{
	static const struct {
		const char *error_v1, *error_v2, *description;
	} answers[] = {
		[CREDENTIAL_PIN_WRONG] = {"invalid_pin", "invalid_authentication_data",
			"The PIN is invalid"},
		[CREDENTIAL_PIN_LOCKED] = {"invalid_request", "invalid_request", "PIN locked"},
		[CREDENTIAL_OTP_WRONG] = {"invalid_otp", "invalid_otp", "The OTP is invalid"},
		[CREDENTIAL_OTP_LOCKED] = {"invalid_request", "invalid_request", "OTP locked"},
	};
	struct answers given = {.pin = NULL};
	enum credential_answer answer;
	bool v1 = csc_version(request) == 1;

	if (v1 ? !csc_string(request, response, "PIN", credential->pin[0] == '\0', &given.pin) ||
				!csc_string(request, response, "OTP",
					credential->otp == CREDENTIAL_NO_OTP, &given.otp)
	       : !read_auth_data(request, response, &given))
		return false;
	if (!v1 && !is_enough(credential, &given))
		return csc_error(response, 400, "invalid_request",
			"Missing (or invalid type) array parameter authData");
	answer = credential_check(request->sandbox, credential, given.pin, given.otp);
	if (answer == CREDENTIAL_OK)
		return true;
	response->keep = true; /* the wrong answer counts */
	return csc_error(response, 400, v1 ? answers[answer].error_v1 : answers[answer].error_v2,
		"%s", answers[answer].description);
}

/* What is to be authorised, checked before anybody is asked for a PIN. */
struct order {
	int64_t signatures;
	const json_t *hashes;
	const char *hash_algorithm;
};

static bool read_order(struct request *request, struct response *response,
	const struct credential *credential, struct order *out)
{
	const char *description = NULL;
	bool v2 = csc_version(request) == 2;

	*out = (struct order){0};
	if (!csc_number(request, response, "numSignatures", false, &out->signatures) ||
		!csc_hashes(request, response, credential->scal == 1, &out->hashes) ||
		!csc_string(request, response, "description", true, &description) ||
		(v2 && !csc_string(request, response, "hashAlgorithmOID", out->hashes == NULL,
			       &out->hash_algorithm)))
		return false;
	if (out->signatures < 1)
		return csc_error(response, 400, "invalid_request",
			"Invalid value for parameter numSignatures");
	if (out->signatures > credential->multisign)
		return csc_error(
			response, 400, "invalid_request", "Numbers of signatures is too high");
	if (out->hashes != NULL && (int64_t)json_array_size(out->hashes) != out->signatures)
		return csc_error(response, 400, "invalid_request",
			"The number of hashes does not match numSignatures");
	if (out->hash_algorithm != NULL && csc_digest_size(out->hash_algorithm) == 0)
		return csc_error(
			response, 400, "invalid_request", "Invalid parameter hashAlgorithmOID");
	if (description != NULL && strlen(description) > 500)
		return csc_error(response, 400, "invalid_request", "Invalid parameter description");
	return true;
}

static json_t *new_sad(
	struct request *request, const struct credential *credential, const struct order *order)
{
	char sad[CODEC_TOKEN_MAX];

	if (!codec_token(sad) || !authorization_grant(request->sandbox, sad, credential,
					 order->signatures, order->hashes, order->hash_algorithm))
		return NULL;
	return json_pack("{s:s,s:I}", "SAD", sad, "expiresIn", (json_int_t)credential->sad_seconds);
}

void authorization_authorize(struct request *request, struct response *response)
{
	struct credential credential;
	struct order order;
	char handle[CODEC_TOKEN_MAX];
	json_t *answer;

	if (!csc_credential(request, response, &credential) ||
		!read_order(request, response, &credential, &order))
		goto out;
	if (*credential_problem(&credential) != '\0') {
		csc_error(response, 400, "invalid_request", "%s", credential_problem(&credential));
		goto out;
	}
	if (credential.mode == CREDENTIAL_OAUTH2CODE) {
		csc_error(response, 400, "invalid_request",
			"The credential is authorised with oauth2/authorize");
		goto out;
	}
	if (credential.mode == CREDENTIAL_EXPLICIT &&
		!check_secrets(request, response, &credential))
		goto out;
	answer = new_sad(request, &credential, &order);
	if (answer == NULL)
		response->status = 500;
	else if (credential.async_ms == 0 || csc_version(request) == 1)
		http_json(response, 200, answer);
	else if (deferred_put(request, answer, credential.async_ms, DEFERRED_KEEP_MS, handle))
		http_json(response, 202, json_pack("{s:s}", "handle", handle));
	else
		response->status = 500;
out:
	credential_clear(&credential);
}

void authorization_check(struct request *request, struct response *response)
{
	const char *handle = NULL;
	json_t *answer = NULL;

	if (!csc_string(request, response, "handle", false, &handle))
		return;
	switch (deferred_get(request, handle, &answer)) {
	case DEFERRED_UNKNOWN:
		csc_error(response, 400, "invalid_request", "Invalid parameter handle");
		break;
	case DEFERRED_PENDING:
		http_json(response, 202, json_pack("{s:s}", "handle", handle));
		break;
	case DEFERRED_READY:
		http_json(response, 200, answer);
	}
}

void authorization_challenge(struct request *request, struct response *response)
{
	struct credential credential;
	const char *object = NULL;

	if (csc_credential(request, response, &credential) &&
		csc_string(request, response, "authObjectID", false, &object)) {
		if (strcmp(object, "OTP") != 0 || credential.otp != CREDENTIAL_ONLINE)
			csc_error(
				response, 400, "invalid_request", "Invalid parameter authObjectID");
		else if (credential_send_otp(request->sandbox, &credential))
			http_bytes(response, 204, NULL, "", 0);
		else
			response->status = 500;
	}
	credential_clear(&credential);
}

void authorization_send_otp(struct request *request, struct response *response)
{
	struct credential credential;

	if (csc_credential(request, response, &credential)) {
		if (credential.otp != CREDENTIAL_ONLINE)
			csc_error(
				response, 400, "invalid_request", "Invalid parameter credentialID");
		else if (credential_send_otp(request->sandbox, &credential))
			http_bytes(response, 204, NULL, "", 0);
		else
			response->status = 500;
	}
	credential_clear(&credential);
}

void authorization_extend(struct request *request, struct response *response)
{
	struct store *store = request->sandbox->store;
	struct credential credential;
	struct order order = {0};
	const char *sad = NULL;
	uint8_t hash[CODEC_SHA256];

	if (!csc_credential(request, response, &credential) ||
		!csc_string(request, response, "SAD", false, &sad) ||
		!csc_hashes(request, response, credential.scal == 1, &order.hashes))
		goto out;
	hash_of(sad, hash);
	order.signatures = store_number(store, 0,
		"SELECT signatures FROM authorizations WHERE hash = ? AND credential = ? AND "
		"account "
		"= ? AND expires >= ?",
		"bssi", hash, sizeof hash, credential.id, credential.account, store_seconds(store));
	json_t *answer = order.signatures > 0 ? new_sad(request, &credential, &order) : NULL;
	if (answer != NULL) {
		store_run(
			store, "DELETE FROM authorizations WHERE hash = ?", "b", hash, sizeof hash);
		http_json(response, 200, answer);
	} else {
		csc_error(response, 400, "invalid_request", "Invalid parameter SAD");
	}
out:
	credential_clear(&credential);
}
