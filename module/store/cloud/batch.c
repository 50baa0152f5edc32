#include "module/store/cloud/batch.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "module/store/cloud/deferred.h"
#include "module/support/base64.h"

#define TOGETHER_MAX 256 /* hashes in one request */
#define LOOK_MS      100 /* between two looks at whether the wait is over */

/* One signature that is waited for; its memory is its thread's. */
struct item {
	const struct algorithm *algorithm;
	const uint8_t *hash;
	struct buffer *out;
	struct item **taken; /* its place with the leader; NULL: still in the line */
	bool done;
	CK_RV rv;
	struct item *next;
};

struct batch {
	struct service *service;
	struct authorization *authorization;
	struct log *log;
	atomic_bool later;     /* the service signs in asynchronous mode only */
	pthread_mutex_t mutex; /* over what follows */
	pthread_cond_t changed;
	bool led; /* a leader is at work */
	struct item *first, **end;
};

CK_RV batch_new(struct service *service, struct authorization *authorization, struct log *log,
	struct batch **out)
{
	struct batch *batch = calloc(1, sizeof(*batch));
	pthread_condattr_t attributes;

	if (batch == NULL)
		return CKR_HOST_MEMORY;
	batch->service = service;
	batch->authorization = authorization;
	batch->log = log;
	batch->end = &batch->first;
	pthread_mutex_init(&batch->mutex, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&batch->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	*out = batch;
	return CKR_OK;
}

void batch_free(struct batch *batch)
{
	if (batch == NULL)
		return;
	pthread_mutex_destroy(&batch->mutex);
	pthread_cond_destroy(&batch->changed);
	free(batch);
}

/* ---- signatures/signHash */

static json_t *sign_body(const struct credential *credential, unsigned version,
	const struct algorithm *algorithm, const struct sad *sad, json_t *hashes)
{
	struct buffer parameters = BUFFER_INIT(256);
	json_t *body = NULL;

	if (base64_encode(algorithm->parameters, algorithm->parameters_length, &parameters))
		body = json_pack("{s:s,s:s*,s:O,s:s,s:s,s:s*}", "credentialID", credential->id,
			"SAD", sad->bearer ? NULL : (const char *)sad->text->data,
			version == 1 ? "hash" : "hashes", hashes, "signAlgo", algorithm->sign,
			version == 1 ? "hashAlgo" : "hashAlgorithmOID", algorithm->hash,
			"signAlgoParams", parameters.length > 0 ? buffer_text(&parameters) : NULL);
	buffer_free(&parameters);
	return body;
}

/* Version 2's asynchronous mode: the outcome is to be kept for as long as it is asked for. */
static bool add_mode(json_t *body, const struct patience *patience)
{
	long left = patience->until - patience_now();

	return json_object_set_new(body, "operationMode", json_string("A")) == 0 &&
	       json_object_set_new(body, "validity_period", json_integer(left > 0 ? left : 1)) == 0;
}

/* The signatures that `answer` promises, in place of it. */
static CK_RV wait_for(struct batch *batch, const struct credential *credential,
	const struct sad *sad, const struct patience *patience, json_t **answer)
{
	const struct service_call call = {
		.path = "signatures/signPolling",
		.body = json_pack("{s:s}", "requestID", tokens_text(*answer, "responseID")),
		.bearer = sad->bearer ? sad->text : NULL,
	};
	json_t *later = NULL;
	CK_RV rv = CKR_HOST_MEMORY;

	if (call.body != NULL)
		rv = deferred_wait(
			batch->service, batch->log, credential->id, patience, &call, &later);
	tokens_wipe(call.body);
	if (rv == CKR_OK) {
		tokens_wipe(*answer);
		*answer = later;
	}
	return rv;
}

/* `hashes` is a list of base64 texts; *out the list of as many signatures. */
static CK_RV sign_hashes(struct batch *batch, const struct credential *credential,
	const struct algorithm *algorithm, const struct sad *sad, json_t *hashes,
	const struct patience *patience, json_t **out)
{
	unsigned version = service_account(batch->service)->version;
	struct service_outcome outcome = {.acted = false};
	const struct service_call call = {
		.path = "signatures/signHash",
		.body = sign_body(credential, version, algorithm, sad, hashes),
		.bearer = sad->bearer ? sad->text : NULL,
		.outcome = &outcome,
	};
	bool later = version == 2 && atomic_load(&batch->later);
	json_t *answer = NULL, *list;
	CK_RV rv = CKR_HOST_MEMORY;

	if (call.body != NULL && (!later || add_mode(call.body, patience)))
		rv = service_call(batch->service, patience, &call, &answer);
	/* Refused for its mode, nothing was signed; it will be the same with the next. */
	if (rv == CKR_PODPIS_MODE && version == 2 && !later) {
		atomic_store(&batch->later, true);
		rv = add_mode(call.body, patience)
			     ? service_call(batch->service, patience, &call, &answer)
			     : CKR_HOST_MEMORY;
	}
	if (rv == CKR_PODPIS_MODE)
		rv = CKR_PODPIS_REFUSED;
	if (rv == CKR_OK && tokens_text(answer, "responseID") != NULL &&
		json_object_get(answer, "signatures") == NULL)
		rv = wait_for(batch, credential, sad, patience, &answer);
	if (rv == CKR_OK) {
		list = json_object_get(answer, "signatures");
		if (json_array_size(list) == json_array_size(hashes)) {
			*out = json_incref(list);
		} else {
			log_error(batch->log,
				"credential %s: the service gives %zu signatures for %zu hashes",
				credential->id, json_array_size(list), json_array_size(hashes));
			rv = CKR_DEVICE_ERROR;
		}
	}
	if (rv != CKR_OK && outcome.acted)
		log_error(batch->log,
			"credential %s: %zu signature(s) may have been made all the same",
			credential->id, json_array_size(hashes));
	/* The hashes may be needed once more. */
	json_object_del(call.body, version == 1 ? "hash" : "hashes");
	tokens_wipe(call.body);
	json_decref(answer);
	return rv;
}

static bool append_hash(json_t *list, const struct item *item)
{
	struct buffer text = BUFFER_INIT(128);
	bool ok = base64_encode(item->hash, item->algorithm->size, &text) &&
		  json_array_append_new(list, json_string(buffer_text(&text))) == 0;

	buffer_free(&text);
	return ok;
}

static CK_RV read_signature(struct batch *batch, const struct credential *credential,
	const json_t *text, struct item *item)
{
	if (json_is_string(text) &&
		base64_decode(json_string_value(text), json_string_length(text), item->out))
		return CKR_OK;
	log_error(batch->log, "credential %s: a signature is not base64", credential->id);
	return CKR_DEVICE_ERROR;
}

/* ---- together */

/* The leader's own item, and those behind it that are to be signed in the same way. The mutex is held. */
static size_t take(struct batch *batch, struct item *own, size_t limit, struct item **out)
{
	size_t count = 1;

	out[0] = own;
	for (struct item *item = batch->first; item != NULL && count < limit; item = item->next) {
		if (item != own && algorithm_equal(item->algorithm, own->algorithm))
			out[count++] = item;
	}
	for (size_t i = 0; i < count; i++) {
		struct item **place = &batch->first;

		while (*place != out[i])
			place = &(*place)->next;
		*place = out[i]->next;
		if (out[i]->next == NULL)
			batch->end = place;
		out[i]->taken = &out[i];
	}
	return count;
}

/* Everything taken gets its signature, or the error. Who left meanwhile is not there any more. */
static void settle(struct batch *batch, const struct credential *credential, struct item **items,
	size_t count, CK_RV rv, const json_t *signatures)
{
	pthread_mutex_lock(&batch->mutex);
	for (size_t i = 0; i < count; i++) {
		struct item *item = items[i];

		if (item == NULL)
			continue;
		item->rv = rv;
		if (rv == CKR_OK)
			item->rv = read_signature(
				batch, credential, json_array_get(signatures, i), item);
		else if (rv == CKR_FUNCTION_CANCELED && i > 0)
			item->rv = CKR_FUNCTION_FAILED;
		item->done = true;
	}
	pthread_mutex_unlock(&batch->mutex);
}

/* One request with what the authorisation allows, the leader's own hash among it. */
static CK_RV lead(struct batch *batch, const struct credential *credential, struct item *own,
	const struct patience *patience)
{
	struct item *items[TOGETHER_MAX];
	struct sad sad = {.text = NULL};
	json_t *hashes = json_array(), *signatures = NULL;
	size_t count = 0;
	bool ok = hashes != NULL;
	CK_RV rv = authorization_get(batch->authorization, credential, patience, &sad);

	if (rv == CKR_OK) {
		pthread_mutex_lock(&batch->mutex);
		count = take(batch, own, sad.left < TOGETHER_MAX ? sad.left : TOGETHER_MAX, items);
		for (size_t i = 0; i < count && ok; i++)
			ok = append_hash(hashes, items[i]);
		pthread_mutex_unlock(&batch->mutex);
		/* Spent before it is known: a lost answer may have been a yes. */
		authorization_spend(batch->authorization, &sad, (unsigned)count);
		rv = ok ? sign_hashes(batch, credential, own->algorithm, &sad, hashes, patience,
				  &signatures)
			: CKR_HOST_MEMORY;
	}
	/* Refused: nothing was signed. Once more, with a new one, for all of them. */
	if (rv == CKR_PODPIS_SAD) {
		struct sad fresh = {.text = NULL};

		authorization_void(batch->authorization, &sad);
		rv = authorization_get(batch->authorization, credential, patience, &fresh);
		if (rv == CKR_OK && fresh.left < count)
			rv = CKR_USER_NOT_LOGGED_IN;
		if (rv == CKR_OK) {
			authorization_spend(batch->authorization, &fresh, (unsigned)count);
			rv = sign_hashes(batch, credential, own->algorithm, &fresh, hashes,
				patience, &signatures);
			if (rv == CKR_PODPIS_SAD)
				authorization_void(batch->authorization, &fresh);
		}
		sad_clear(&fresh);
	}
	if (count > 0)
		settle(batch, credential, items, count, rv, signatures);
	json_decref(signatures);
	json_decref(hashes);
	sad_clear(&sad);
	return rv;
}

/* Leaves the line, or the leader's list. The mutex is held. */
static void leave(struct batch *batch, struct item *item)
{
	struct item **place = &batch->first;

	if (item->taken != NULL) {
		*item->taken = NULL;
		return;
	}
	while (*place != NULL && *place != item)
		place = &(*place)->next;
	if (*place == NULL)
		return;
	*place = item->next;
	if (item->next == NULL)
		batch->end = place;
}

static void wait_a_little(struct batch *batch)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += LOOK_MS * 1000000L;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_cond_timedwait(&batch->changed, &batch->mutex, &until);
}

static CK_RV sign_together(struct batch *batch, const struct credential *credential,
	struct item *item, const struct patience *patience)
{
	CK_RV rv = CKR_OK;

	pthread_mutex_lock(&batch->mutex);
	*batch->end = item;
	batch->end = &item->next;
	while (!item->done && rv == CKR_OK) {
		if (batch->led || item->taken != NULL) {
			wait_a_little(batch);
			if (!item->done && patience_over(patience))
				rv = patience_cancelled(patience) ? CKR_FUNCTION_CANCELED
								  : CKR_PODPIS_UNREACHABLE;
			continue;
		}
		batch->led = true;
		pthread_mutex_unlock(&batch->mutex);
		rv = lead(batch, credential, item, patience);
		pthread_mutex_lock(&batch->mutex);
		batch->led = false;
		pthread_cond_broadcast(&batch->changed);
	}
	if (item->done)
		rv = item->rv;
	else
		leave(batch, item);
	pthread_mutex_unlock(&batch->mutex);
	return rv;
}

static CK_RV sign_alone(struct batch *batch, const struct credential *credential, struct item *item,
	const struct answers *answers, const struct patience *patience)
{
	json_t *hashes = json_array(), *signatures = NULL;
	struct sad sad = {.text = NULL};
	CK_RV rv = authorization_once(batch->authorization, credential, answers, item->algorithm,
		item->hash, patience, &sad);

	if (rv == CKR_OK && !append_hash(hashes, item))
		rv = CKR_HOST_MEMORY;
	if (rv == CKR_OK)
		rv = sign_hashes(
			batch, credential, item->algorithm, &sad, hashes, patience, &signatures);
	if (rv == CKR_OK)
		rv = read_signature(batch, credential, json_array_get(signatures, 0), item);
	json_decref(signatures);
	json_decref(hashes);
	sad_clear(&sad);
	return rv;
}

CK_RV batch_sign(struct batch *batch, const struct credential *credential,
	const struct algorithm *algorithm, const uint8_t *hash, const struct answers *answers,
	const struct patience *patience, struct buffer *out)
{
	struct item item = {.algorithm = algorithm, .hash = hash, .out = out};

	return answers != NULL ? sign_alone(batch, credential, &item, answers, patience)
			       : sign_together(batch, credential, &item, patience);
}
