#include "module/store/cloud/authorization.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "module/store/cloud/deferred.h"
#include "module/support/base64.h"
#include "module/support/oauth.h"
#include "module/support/text.h"

#define SAD_MAX      16384 /* bytes */
#define EARLY_MS     5000  /* one that ends so soon is not begun with */
#define LIFE_SECONDS 3600  /* where the service does not say */
#define LIFE_MAX     86400

struct authorization {
	struct service *service;
	struct log *log;
	pthread_mutex_t mutex; /* over what follows */
	struct sad sad;        /* text NULL: none */
	long ends;             /* patience_now's */
	struct secret *pin;    /* NULL: none is kept */
	unsigned long number;  /* counts authorisations and logouts */
};

CK_RV authorization_new(struct service *service, struct log *log, struct authorization **out)
{
	struct authorization *authorization = calloc(1, sizeof(*authorization));

	if (authorization == NULL)
		return CKR_HOST_MEMORY;
	authorization->service = service;
	authorization->log = log;
	pthread_mutex_init(&authorization->mutex, NULL);
	*out = authorization;
	return CKR_OK;
}

void authorization_free(struct authorization *authorization)
{
	if (authorization == NULL)
		return;
	sad_clear(&authorization->sad);
	secret_free(authorization->pin);
	pthread_mutex_destroy(&authorization->mutex);
	free(authorization);
}

void sad_clear(struct sad *sad)
{
	secret_free(sad->text);
	*sad = (struct sad){.text = NULL};
}

void answers_clear(struct answers *answers)
{
	secret_free(answers->pin);
	secret_free(answers->otp);
	*answers = (struct answers){.pin = NULL};
}

static struct secret *copy(const struct secret *secret)
{
	return secret != NULL ? secret_new(secret->data, secret->length) : NULL;
}

/* ---- what the person gives */

/* A question that the one-time password answers: there is no other place where a person could see it. */
static void tell_challenge(const struct authorization *authorization,
	const struct credential *credential, const char *challenge)
{
	char plain[300];

	snprintf(plain, sizeof(plain), "%s", challenge);
	plain[text_cut(plain, strlen(plain), sizeof(plain) - 2)] = '\0';
	text_plain(plain);
	log_error(authorization->log, "credential %s: the service asks: %s", credential->id, plain);
}

CK_RV authorization_send_otp(struct authorization *authorization,
	const struct credential *credential, const struct patience *patience)
{
	bool v1 = service_account(authorization->service)->version == 1;
	const struct service_call call = {
		.path = v1 ? "credentials/sendOTP" : "credentials/getChallenge",
		.body = json_pack("{s:s,s:s*}", "credentialID", credential->id, "authObjectID",
			v1 ? NULL : credential->otp_object),
	};
	json_t *answer = NULL;
	CK_RV rv = CKR_HOST_MEMORY;

	if (!credential->otp || !credential->otp_sent)
		rv = CKR_KEY_FUNCTION_NOT_PERMITTED;
	else if (call.body != NULL)
		rv = service_call(authorization->service, patience, &call, &answer);
	if (rv == CKR_OK && tokens_text(answer, "challenge") != NULL)
		tell_challenge(authorization, credential, tokens_text(answer, "challenge"));
	json_decref(call.body);
	tokens_wipe(answer);
	return rv;
}

CK_RV authorization_answers(struct authorization *authorization,
	const struct credential *credential, const uint8_t *text, size_t length,
	const struct patience *patience, struct answers *out)
{
	const uint8_t *space = NULL;
	struct answers answers = {.pin = NULL};
	CK_RV rv;

	if (credential->pin && credential->otp && length > 0)
		space = memrchr(text, ' ', length);
	if (credential->pin && credential->otp && space == NULL) {
		if (!credential->otp_sent) {
			log_error(authorization->log,
				"credential %s wants a one-time password, too: behind the PIN and "
				"a space",
				credential->id);
			return CKR_PIN_INCORRECT;
		}
		rv = authorization_send_otp(authorization, credential, patience);
		if (rv != CKR_OK)
			return rv;
		log_error(authorization->log,
			"credential %s: a one-time password was sent; give it behind the PIN and a "
			"space",
			credential->id);
		return CKR_PIN_INCORRECT;
	}
	if (credential->otp && !credential->pin && length == 0 && credential->otp_sent) {
		rv = authorization_send_otp(authorization, credential, patience);
		return rv == CKR_OK ? CKR_PIN_INCORRECT : rv;
	}
	if (credential->pin) {
		answers.pin = secret_new(text, space != NULL ? (size_t)(space - text) : length);
		if (answers.pin == NULL)
			goto memory;
	}
	if (credential->otp) {
		const uint8_t *otp = space != NULL ? space + 1 : text;

		answers.otp = secret_new(otp, (size_t)(text + length - otp));
		if (answers.otp == NULL)
			goto memory;
	}
	*out = answers;
	return CKR_OK;
memory:
	answers_clear(&answers);
	return CKR_HOST_MEMORY;
}

/* ---- credentials/authorize */

/* What is asked for. */
struct wish {
	const struct answers *answers;
	unsigned signatures;
	const struct algorithm *algorithm; /* NULL: any hashes */
	const uint8_t *hash;
};

static bool add_answer(
	json_t *body, json_t *data, const char *v1, const char *id, const struct secret *value)
{
	const char *text = value != NULL ? (const char *)value->data : NULL;

	if (value == NULL)
		return true;
	if (strlen(text) != value->length)
		return false;
	if (data == NULL)
		return json_object_set_new(body, v1, json_string(text)) == 0;
	return json_array_append_new(data, json_pack("{s:s,s:s}", "id", id, "value", text)) == 0;
}

static json_t *authorize_body(
	const struct credential *credential, unsigned version, const struct wish *wish)
{
	json_t *body = json_pack("{s:s,s:i}", "credentialID", credential->id, "numSignatures",
		(int)wish->signatures);
	json_t *data = version == 2 ? json_array() : NULL;
	struct buffer hash = BUFFER_INIT(128);
	bool ok = body != NULL;

	if (ok && wish->algorithm != NULL)
		ok = base64_encode(wish->hash, wish->algorithm->size, &hash) &&
		     json_object_set_new(body, version == 1 ? "hash" : "hashes",
			     json_pack("[s]", buffer_text(&hash))) == 0 &&
		     (version == 1 || json_object_set_new(body, "hashAlgorithmOID",
					      json_string(wish->algorithm->hash)) == 0);
	if (ok && wish->answers != NULL)
		ok = add_answer(body, data, "PIN", credential->pin_object, wish->answers->pin) &&
		     add_answer(body, data, "OTP", credential->otp_object, wish->answers->otp);
	/* An object without a value: the service asks the person itself (v2.0, 8.3.1.3 and 8.3.1.5). */
	for (size_t i = 0; ok && data != NULL && i < credential->elsewhere_count; i++)
		ok = json_array_append_new(
			     data, json_pack("{s:s}", "id", credential->elsewhere[i])) == 0;
	if (ok && data != NULL)
		ok = json_object_set(body, "authData", data) == 0;
	buffer_free(&hash);
	/* The body is wiped by who sends it; what has not come into it has the PIN, too. */
	if (ok)
		json_decref(data);
	else
		tokens_wipe(data);
	if (ok)
		return body;
	tokens_wipe(body);
	return NULL;
}

/* Version 2 may say "later" with a handle to ask with. */
static CK_RV wait_for(struct authorization *authorization, const struct credential *credential,
	const struct patience *patience, json_t **answer)
{
	const char *handle = tokens_text(*answer, "handle");
	struct service_call call = {.path = "credentials/authorizeCheck"};
	json_t *later = NULL;
	CK_RV rv = CKR_HOST_MEMORY;

	if (handle == NULL || tokens_text(*answer, "SAD") != NULL)
		return CKR_OK;
	call.body = json_pack("{s:s,s:s}", "credentialID", credential->id, "handle", handle);
	if (call.body != NULL)
		rv = deferred_wait(authorization->service, authorization->log, credential->id,
			patience, &call, &later);
	tokens_wipe(call.body);
	if (rv == CKR_OK) {
		tokens_wipe(*answer);
		*answer = later;
	}
	return rv;
}

static CK_RV read_sad(struct authorization *authorization, const struct credential *credential,
	const json_t *answer, unsigned signatures, struct sad *out, long *ends)
{
	const json_t *life = json_object_get(answer, "expiresIn");
	const char *text = tokens_text(answer, "SAD");
	long seconds = LIFE_SECONDS;

	if (text == NULL || *text == '\0' || strlen(text) > SAD_MAX) {
		log_error(authorization->log, "credential %s: the service's answer has no SAD",
			credential->id);
		return CKR_PODPIS_UNREACHABLE;
	}
	if (json_is_integer(life) && json_integer_value(life) >= 0)
		seconds = json_integer_value(life) < LIFE_MAX ? (long)json_integer_value(life)
							      : LIFE_MAX;
	out->text = secret_new(text, strlen(text));
	out->left = signatures;
	*ends = patience_now() + seconds * 1000;
	return out->text != NULL ? CKR_OK : CKR_HOST_MEMORY;
}

static CK_RV authorize(struct authorization *authorization, const struct credential *credential,
	const struct wish *wish, const struct patience *patience, struct sad *out, long *ends)
{
	const struct service_call call = {
		.path = "credentials/authorize",
		.body = authorize_body(
			credential, service_account(authorization->service)->version, wish),
	};
	json_t *answer = NULL;
	CK_RV rv;

	/* A PIN with a NUL in it, or no UTF-8, is no JSON text, and so is none. */
	if (call.body == NULL)
		return CKR_PIN_INCORRECT;
	rv = service_call(authorization->service, patience, &call, &answer);
	if (rv == CKR_OK)
		rv = wait_for(authorization, credential, patience, &answer);
	if (rv == CKR_OK)
		rv = read_sad(authorization, credential, answer, wish->signatures, out, ends);
	tokens_wipe(call.body);
	tokens_wipe(answer);
	return rv;
}

static CK_RV authorize_in_browser(struct authorization *authorization,
	const struct credential *credential, const struct wish *wish,
	const struct patience *patience, struct sad *out, long *ends)
{
	struct service_browse browse = {
		.credential = credential->id, .signatures = wish->signatures};
	struct buffer hash = BUFFER_INIT(128);
	struct oauth_grant grant = {0};
	CK_RV rv = CKR_HOST_MEMORY;

	if (wish->algorithm != NULL) {
		if (!base64_encode_url(wish->hash, wish->algorithm->size, &hash))
			goto out;
		browse.hashes = buffer_text(&hash);
		browse.hash_algorithm = wish->algorithm->hash;
	}
	rv = service_browse(authorization->service, patience, &browse, &grant);
	if (rv != CKR_OK)
		goto out;
	out->text = copy(grant.access);
	out->bearer = service_account(authorization->service)->version == 2;
	out->left = wish->signatures;
	*ends = patience_now() + (grant.expires_in > 0 && grant.expires_in < LIFE_MAX
						 ? grant.expires_in
						 : LIFE_SECONDS) *
					 1000;
	rv = out->text != NULL ? CKR_OK : CKR_HOST_MEMORY;
out:
	oauth_grant_clear(&grant);
	buffer_free(&hash);
	return rv;
}

static CK_RV obtain(struct authorization *authorization, const struct credential *credential,
	const struct wish *wish, const struct patience *patience, struct sad *out, long *ends)
{
	return credential->mode == CREDENTIAL_OAUTH2CODE
		       ? authorize_in_browser(authorization, credential, wish, patience, out, ends)
		       : authorize(authorization, credential, wish, patience, out, ends);
}

/* ---- the kept one */

static unsigned wanted(
	const struct authorization *authorization, const struct credential *credential)
{
	unsigned limit = service_account(authorization->service)->signatures;

	return limit > 0 && limit < credential->multisign ? limit : credential->multisign;
}

/* Takes `sad` and `pin`. The mutex is held. */
static void keep(
	struct authorization *authorization, struct sad *sad, long ends, struct secret *pin)
{
	sad_clear(&authorization->sad);
	authorization->sad = *sad;
	*sad = (struct sad){.text = NULL};
	authorization->sad.number = ++authorization->number;
	authorization->ends = ends;
	if (pin != NULL) {
		secret_free(authorization->pin);
		authorization->pin = pin;
	}
}

CK_RV authorization_login(struct authorization *authorization, const struct credential *credential,
	const uint8_t *text, size_t length, const struct patience *patience)
{
	struct answers answers = {.pin = NULL};
	const struct wish wish = {
		.answers = &answers, .signatures = wanted(authorization, credential)};
	struct sad sad = {.text = NULL};
	long ends = 0;
	CK_RV rv = CKR_OK;

	if (credential->mode == CREDENTIAL_EXPLICIT)
		rv = authorization_answers(
			authorization, credential, text, length, patience, &answers);
	if (rv == CKR_OK)
		rv = obtain(authorization, credential, &wish, patience, &sad, &ends);
	if (rv == CKR_OK) {
		pthread_mutex_lock(&authorization->mutex);
		keep(authorization, &sad, ends, credential->otp ? NULL : answers.pin);
		if (!credential->otp)
			answers.pin = NULL;
		pthread_mutex_unlock(&authorization->mutex);
	}
	sad_clear(&sad);
	answers_clear(&answers);
	return rv;
}

void authorization_logout(struct authorization *authorization)
{
	pthread_mutex_lock(&authorization->mutex);
	sad_clear(&authorization->sad);
	secret_free(authorization->pin);
	authorization->pin = NULL;
	authorization->number++;
	pthread_mutex_unlock(&authorization->mutex);
}

/* The mutex is held. */
static bool is_live(const struct authorization *authorization)
{
	return authorization->sad.text != NULL && authorization->sad.left > 0 &&
	       authorization->ends > patience_now() + EARLY_MS;
}

bool authorization_alive(struct authorization *authorization, const struct credential *credential)
{
	bool alive;

	pthread_mutex_lock(&authorization->mutex);
	alive = credential->mode == CREDENTIAL_IMPLICIT || authorization->pin != NULL ||
		is_live(authorization);
	pthread_mutex_unlock(&authorization->mutex);
	return alive;
}

/* The mutex is held. */
static CK_RV give(const struct authorization *authorization, struct sad *out)
{
	struct sad sad = authorization->sad;

	sad.text = copy(authorization->sad.text);
	if (sad.text == NULL)
		return CKR_HOST_MEMORY;
	*out = sad;
	return CKR_OK;
}

CK_RV authorization_get(struct authorization *authorization, const struct credential *credential,
	const struct patience *patience, struct sad *out)
{
	struct answers answers = {.pin = NULL};
	const struct wish wish = {
		.answers = &answers, .signatures = wanted(authorization, credential)};
	struct sad sad = {.text = NULL};
	unsigned long number;
	long ends = 0;
	CK_RV rv;

	pthread_mutex_lock(&authorization->mutex);
	if (is_live(authorization)) {
		rv = give(authorization, out);
		pthread_mutex_unlock(&authorization->mutex);
		return rv;
	}
	number = authorization->number;
	answers.pin = copy(authorization->pin);
	pthread_mutex_unlock(&authorization->mutex);
	if (credential->mode != CREDENTIAL_IMPLICIT && answers.pin == NULL)
		return CKR_USER_NOT_LOGGED_IN;
	rv = obtain(authorization, credential, &wish, patience, &sad, &ends);
	pthread_mutex_lock(&authorization->mutex);
	if (rv == CKR_OK && authorization->number != number) {
		/* A logout meanwhile: what was authorised is nobody's. */
		rv = CKR_USER_NOT_LOGGED_IN;
	} else if (rv == CKR_OK) {
		keep(authorization, &sad, ends, NULL);
		rv = give(authorization, out);
	} else if (rv == CKR_PIN_INCORRECT || rv == CKR_PIN_LOCKED) {
		/* It was right once. It is not tried again, so that it locks nothing. */
		secret_free(authorization->pin);
		authorization->pin = NULL;
		rv = CKR_USER_NOT_LOGGED_IN;
	}
	pthread_mutex_unlock(&authorization->mutex);
	sad_clear(&sad);
	answers_clear(&answers);
	return rv;
}

void authorization_spend(struct authorization *authorization, const struct sad *sad, unsigned count)
{
	pthread_mutex_lock(&authorization->mutex);
	if (authorization->sad.text != NULL && authorization->sad.number == sad->number)
		authorization->sad.left -=
			count < authorization->sad.left ? count : authorization->sad.left;
	pthread_mutex_unlock(&authorization->mutex);
}

void authorization_void(struct authorization *authorization, const struct sad *sad)
{
	pthread_mutex_lock(&authorization->mutex);
	if (authorization->sad.text != NULL && authorization->sad.number == sad->number)
		sad_clear(&authorization->sad);
	pthread_mutex_unlock(&authorization->mutex);
}

CK_RV authorization_once(struct authorization *authorization, const struct credential *credential,
	const struct answers *answers, const struct algorithm *algorithm, const uint8_t *hash,
	const struct patience *patience, struct sad *out)
{
	const struct wish wish = {
		.answers = answers, .signatures = 1, .algorithm = algorithm, .hash = hash};
	struct sad sad = {.text = NULL};
	long ends = 0;
	CK_RV rv = obtain(authorization, credential, &wish, patience, &sad, &ends);

	if (rv == CKR_OK)
		*out = sad;
	else
		sad_clear(&sad);
	return rv;
}
