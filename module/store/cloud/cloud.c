#include "module/store/cloud/cloud.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>

#include "module/store/cloud/signing.h"
#include "module/support/text.h"

#define LABEL_MAX    31 /* of 32: OpenSSH takes the last for an end, and would cut a letter in two */
#define PIN_MAX      255
#define AGE_SECONDS  (7 * 86400) /* a login looks whether what is known is still so */
#define LOOK_SECONDS 20

CK_RV cloud_plain(CK_RV rv)
{
	switch (rv) {
	case CKR_PODPIS_LOGIN:
	case CKR_PODPIS_SAD:
		return CKR_USER_NOT_LOGGED_IN;
	case CKR_PODPIS_UNREACHABLE:
		return CKR_DEVICE_ERROR;
	case CKR_PODPIS_REFUSED:
		return CKR_FUNCTION_REJECTED;
	default:
		return rv;
	}
}

CK_RV cloud_hold(struct cloud_token *token, struct holding **out)
{
	struct holding *holding = NULL;

	pthread_mutex_lock(&token->mutex);
	if (token->holding != NULL)
		holding = holding_ref(token->holding);
	pthread_mutex_unlock(&token->mutex);
	if (holding == NULL)
		return CKR_TOKEN_NOT_PRESENT;
	*out = holding;
	return CKR_OK;
}

bool cloud_is_user(struct cloud_token *token)
{
	bool user;

	pthread_mutex_lock(&token->mutex);
	user = token->user;
	pthread_mutex_unlock(&token->mutex);
	return user;
}

struct patience cloud_patience(const struct cloud_token *token, const struct credential *credential,
	const atomic_uint *cancelled)
{
	return patience_for(
		credential->mode == CREDENTIAL_OAUTH2CODE ? CLOUD_BROWSER_SECONDS : CLOUD_SECONDS,
		token->cloud->closing, cancelled);
}

static void set_user(struct cloud_token *token, bool user)
{
	pthread_mutex_lock(&token->mutex);
	token->user = user;
	pthread_mutex_unlock(&token->mutex);
}

/* ---- the token */

static void pad(char *field, size_t size, const char *text)
{
	size_t length = strnlen(text, size);

	memset(field, ' ', size);
	memcpy(field, text, length);
}

static CK_RV cloud_info(struct token *base, struct token_info *out)
{
	struct cloud_token *token = (struct cloud_token *)base;
	struct holding *holding = NULL;
	CK_RV rv = cloud_hold(token, &holding);

	if (rv != CKR_OK)
		return rv;
	const struct credential *credential = &holding->credential;
	*out = (struct token_info){
		.flags = CKF_RNG | CKF_WRITE_PROTECTED | CKF_TOKEN_INITIALIZED |
			 CKF_USER_PIN_INITIALIZED,
		.pin_max = PIN_MAX,
	};
	if (objects_private(credential))
		out->flags |= CKF_LOGIN_REQUIRED;
	if (credential->mode == CREDENTIAL_OAUTH2CODE)
		out->flags |= CKF_PROTECTED_AUTHENTICATION_PATH;
	pad(out->label, sizeof(out->label), token->label);
	pad(out->manufacturer, sizeof(out->manufacturer), "Podpis");
	pad(out->model, sizeof(out->model),
		token->cloud->account->version == 1 ? "CSC v1" : "CSC v2");
	pad(out->serial, sizeof(out->serial), token->serial);
	holding_unref(holding);
	return CKR_OK;
}

/* What is known may be a week old, not much older: whoever logs in is there to wait, and goes on if it fails. */
static void look_again(struct cloud *cloud, const atomic_uint *cancelled)
{
	struct patience patience = patience_for(LOOK_SECONDS, cloud->closing, cancelled);
	struct buffer lines = BUFFER_INIT(64 << 10);
	CK_ULONG count = 0;
	bool old;

	pthread_mutex_lock(&cloud->mutex);
	old = time(NULL) - cloud->read > AGE_SECONDS;
	pthread_mutex_unlock(&cloud->mutex);
	if (old)
		(void)cloud_read_again(cloud, &patience, &count, &lines);
	buffer_free(&lines);
}

static CK_RV cloud_login(struct token *base, CK_USER_TYPE user, const uint8_t *pin, size_t length)
{
	struct cloud_token *token = (struct cloud_token *)base;
	struct cloud *cloud = token->cloud;
	struct holding *holding = NULL;
	struct patience patience;
	CK_RV rv;

	if (user != CKU_USER)
		return CKR_USER_TYPE_INVALID;
	if (length > PIN_MAX)
		return CKR_PIN_INCORRECT;
	look_again(cloud, base->cancelled);
	rv = cloud_hold(token, &holding);
	if (rv != CKR_OK)
		return rv;
	patience = cloud_patience(token, &holding->credential, base->cancelled);
	/* One that is bound to its hashes is authorised with each of them; an implicit one, when it is used. */
	if (holding->credential.mode != CREDENTIAL_IMPLICIT && holding->credential.scal == 1)
		rv = authorization_login(
			token->authorization, &holding->credential, pin, length, &patience);
	if (rv == CKR_OK)
		set_user(token, true);
	holding_unref(holding);
	return cloud_plain(rv);
}

static void cloud_logout(struct token *base)
{
	struct cloud_token *token = (struct cloud_token *)base;

	set_user(token, false);
	authorization_logout(token->authorization);
}

static bool cloud_logged_in(struct token *base)
{
	struct cloud_token *token = (struct cloud_token *)base;
	struct holding *holding = NULL;
	bool logged_in;

	if (cloud_hold(token, &holding) != CKR_OK)
		return false;
	logged_in = cloud_is_user(token) &&
		    (holding->credential.scal == 2 ||
			    authorization_alive(token->authorization, &holding->credential));
	holding_unref(holding);
	return logged_in;
}

static CK_RV cloud_find(
	struct token *base, const CK_ATTRIBUTE *templ, CK_ULONG count, struct object_list *out)
{
	struct cloud_token *token = (struct cloud_token *)base;
	bool user = cloud_is_user(token);
	struct object_list list = {0};
	struct holding *holding = NULL;
	CK_RV rv = cloud_hold(token, &holding);

	if (rv != CKR_OK)
		return rv;
	for (size_t i = 0; i < holding->objects.count && rv == CKR_OK; i++) {
		struct object *object = holding->objects.objects[i];

		if ((user || !attributes_bool(object->attributes, CKA_PRIVATE, true)) &&
			attributes_match(object->attributes, templ, count))
			rv = object_list_add(&list, object);
	}
	holding_unref(holding);
	if (rv == CKR_OK)
		*out = list;
	else
		object_list_free(&list);
	return rv;
}

static CK_RV cloud_get(struct token *base, uint64_t id, struct object **out)
{
	struct cloud_token *token = (struct cloud_token *)base;
	struct holding *holding = NULL;
	struct object *object;
	CK_RV rv = cloud_hold(token, &holding);

	if (rv != CKR_OK)
		return rv;
	object = holding_find(holding, id);
	if (object == NULL ||
		(attributes_bool(object->attributes, CKA_PRIVATE, true) && !cloud_is_user(token)))
		rv = CKR_OBJECT_HANDLE_INVALID;
	else
		*out = object_ref(object);
	holding_unref(holding);
	return rv;
}

static CK_RV cloud_prepare(struct token *base, uint64_t id, enum operation_purpose purpose,
	const CK_MECHANISM *mechanism, struct operation **out)
{
	struct cloud_token *token = (struct cloud_token *)base;
	struct holding *holding = NULL;
	CK_RV rv = cloud_hold(token, &holding);

	if (rv != CKR_OK)
		return rv;
	if (id != holding->base + OBJECTS_PRIVATE_KEY)
		rv = CKR_KEY_HANDLE_INVALID;
	else if (objects_private(&holding->credential) && !cloud_is_user(token))
		rv = CKR_USER_NOT_LOGGED_IN;
	else
		rv = signing_prepare(token, holding, purpose, mechanism, out);
	holding_unref(holding);
	return rv;
}

static CK_RV cloud_mechanisms(struct token *base, CK_MECHANISM_TYPE *list, CK_ULONG *count)
{
	struct cloud_token *token = (struct cloud_token *)base;
	CK_MECHANISM_TYPE served[4];
	struct holding *holding = NULL;
	CK_RV rv = cloud_hold(token, &holding);
	size_t found;

	if (rv != CKR_OK)
		return rv;
	found = algorithm_mechanisms(&holding->credential, served, 4);
	holding_unref(holding);
	if (list != NULL && *count < found)
		rv = CKR_BUFFER_TOO_SMALL;
	else if (list != NULL)
		memcpy(list, served, found * sizeof(*served));
	*count = found;
	return rv;
}

/* ---- what a credential's owner does elsewhere: with the service */

static CK_RV cloud_init(
	struct token *token, const uint8_t *pin, size_t length, const char label[32])
{
	(void)token, (void)pin, (void)length, (void)label;
	return CKR_TOKEN_WRITE_PROTECTED;
}

static CK_RV cloud_init_pin(struct token *token, const uint8_t *pin, size_t length)
{
	(void)token, (void)pin, (void)length;
	return CKR_TOKEN_WRITE_PROTECTED;
}

static CK_RV cloud_set_pin(struct token *token, CK_USER_TYPE user, const uint8_t *old_pin,
	size_t old_length, const uint8_t *new_pin, size_t new_length)
{
	(void)token, (void)user, (void)old_pin, (void)old_length, (void)new_pin, (void)new_length;
	return CKR_TOKEN_WRITE_PROTECTED;
}

static CK_RV cloud_create(struct token *token, struct attributes *const attributes[], size_t count,
	struct object *objects[])
{
	(void)token, (void)attributes, (void)count, (void)objects;
	return CKR_TOKEN_WRITE_PROTECTED;
}

static CK_RV cloud_change(struct token *token, uint64_t id, const CK_ATTRIBUTE *changes,
	CK_ULONG count, struct object **out)
{
	(void)token, (void)id, (void)changes, (void)count, (void)out;
	return CKR_TOKEN_WRITE_PROTECTED;
}

static CK_RV cloud_remove(struct token *token, uint64_t id)
{
	(void)token, (void)id;
	return CKR_TOKEN_WRITE_PROTECTED;
}

static CK_RV cloud_reveal(struct token *token, uint64_t id, struct attributes **out)
{
	(void)token, (void)id, (void)out;
	return CKR_ATTRIBUTE_SENSITIVE;
}

static CK_RV cloud_derive(struct token *token, uint64_t id, const uint8_t *peer, size_t peer_length,
	uint8_t **secret, size_t *secret_length)
{
	(void)token, (void)id, (void)peer, (void)peer_length, (void)secret, (void)secret_length;
	return CKR_KEY_FUNCTION_NOT_PERMITTED;
}

const struct token_class cloud_token_class = {
	.name = "cloud",
	.info = cloud_info,
	.init = cloud_init,
	.login = cloud_login,
	.logout = cloud_logout,
	.logged_in = cloud_logged_in,
	.init_pin = cloud_init_pin,
	.set_pin = cloud_set_pin,
	.find = cloud_find,
	.get = cloud_get,
	.create = cloud_create,
	.change = cloud_change,
	.remove = cloud_remove,
	.reveal = cloud_reveal,
	.prepare = cloud_prepare,
	.derive = cloud_derive,
	.mechanisms = cloud_mechanisms,
	.signs_only = true,
};

/* ---- the store */

static void token_free(struct cloud_token *token)
{
	if (token == NULL)
		return;
	holding_unref(token->holding);
	batch_free(token->batch);
	authorization_free(token->authorization);
	pthread_mutex_destroy(&token->mutex);
	free(token);
}

/* Told apart by what the credential is called where two would have the same one. */
static void name_token(struct cloud *cloud, struct cloud_token *token)
{
	char holder[256];

	objects_holder(&token->holding->credential, holder, sizeof(holder));
	snprintf(token->label, sizeof(token->label), "%.*s",
		(int)text_cut(holder, strlen(holder), LABEL_MAX), holder);
	for (size_t i = 0; i < cloud->count; i++) {
		if (strcmp(cloud->tokens[i]->label, token->label) != 0)
			continue;
		snprintf(token->label, sizeof(token->label), "%.*s %.6s",
			(int)text_cut(holder, strlen(holder), LABEL_MAX - 7), holder,
			token->serial);
		break;
	}
}

/* Under the store's mutex. Takes the holding. */
static CK_RV add_token(struct cloud *cloud, struct holding *holding)
{
	struct cloud_token *token = calloc(1, sizeof(*token));
	const char *id = holding->credential.id;
	uint8_t hash[32] = {0};
	CK_RV rv = CKR_HOST_MEMORY;

	if (token == NULL) {
		holding_unref(holding);
		return CKR_HOST_MEMORY;
	}
	token->token.class = &cloud_token_class;
	token->token.description = cloud->name;
	token->cloud = cloud;
	token->holding = holding;
	token->base = holding->base + OBJECTS_MAX;
	pthread_mutex_init(&token->mutex, NULL);
	snprintf(token->id, sizeof(token->id), "%s", id);
	if (EVP_Q_digest(crypto_libctx(cloud->crypto), "SHA256", NULL, id, strlen(id), hash,
		    NULL) == 1 &&
		authorization_new(cloud->service, cloud->log, &token->authorization) == CKR_OK &&
		batch_new(cloud->service, token->authorization, cloud->log, &token->batch) ==
			CKR_OK)
		rv = CKR_OK;
	if (rv != CKR_OK) {
		token_free(token);
		return rv;
	}
	for (size_t i = 0; i < 8; i++)
		snprintf(token->serial + 2 * i, 3, "%02x", hash[i]);
	name_token(cloud, token);
	cloud->tokens[cloud->count] = token;
	cloud->count++;
	return CKR_OK;
}

static struct cloud_token *token_of(struct cloud *cloud, const char *id)
{
	for (size_t i = 0; i < cloud->count; i++) {
		if (strcmp(cloud->tokens[i]->id, id) == 0)
			return cloud->tokens[i];
	}
	return NULL;
}

static void change_holding(struct cloud_token *token, struct holding *holding)
{
	struct holding *before;

	pthread_mutex_lock(&token->mutex);
	before = token->holding;
	token->holding = holding;
	pthread_mutex_unlock(&token->mutex);
	holding_unref(before);
}

/* One entry of the cache: a new token, a known one, or one that is otherwise now. */
static CK_RV follow_one(
	struct cloud *cloud, const json_t *entry, json_int_t read, struct cloud_token **seen)
{
	const char *id = tokens_text(entry, "id");
	json_t *info = json_object_get(entry, "info");
	struct cloud_token *token = id != NULL ? token_of(cloud, id) : NULL;
	struct holding *holding = NULL;
	struct error err = {0};
	CK_RV rv;

	if (id == NULL ||
		(cloud->account->credential != NULL && strcmp(cloud->account->credential, id) != 0))
		return CKR_OK;
	*seen = token;
	if (token != NULL && token->holding != NULL && token->holding->read == read &&
		json_equal(token->holding->info, info))
		return CKR_OK;
	if (token == NULL && cloud->count == CACHE_CREDENTIALS_MAX)
		return CKR_OK;
	rv = holding_new(id, info, cloud->account->version, read, token != NULL ? token->base : 0,
		&holding, &err);
	if (rv == CKR_DATA_INVALID) {
		*seen = NULL;
		log_error(cloud->log, "slot %s: %s", cloud->name, err.message);
		return CKR_OK;
	}
	if (rv != CKR_OK)
		return rv;
	if (token == NULL) {
		rv = add_token(cloud, holding);
		*seen = rv == CKR_OK ? cloud->tokens[cloud->count - 1] : NULL;
		return rv;
	}
	token->base += OBJECTS_MAX;
	change_holding(token, holding);
	return CKR_OK;
}

static CK_RV follow(struct cloud *cloud)
{
	struct cloud_token *seen[CACHE_CREDENTIALS_MAX] = {NULL};
	struct cache_stamp stamp = cache_stamp(cloud->cache);
	json_t *json = NULL, *list;
	struct error err = {0};
	size_t count = 0;
	CK_RV rv = CKR_OK;

	if (cache_stamp_equal(&stamp, &cloud->stamp))
		return CKR_OK;
	if (!cache_load(cloud->cache, &json, &err)) {
		log_error(cloud->log, "slot %s: %s", cloud->name, err.message);
		return CKR_OK;
	}
	list = json_object_get(json, "credentials");
	cloud->read = json_integer_value(json_object_get(json, "read"));
	for (size_t i = 0;
		i < json_array_size(list) && count < CACHE_CREDENTIALS_MAX && rv == CKR_OK; i++) {
		rv = follow_one(cloud, json_array_get(list, i), cloud->read, &seen[count]);
		count += seen[count] != NULL;
	}
	for (size_t i = 0; i < cloud->count && rv == CKR_OK; i++) {
		bool there = false;

		for (size_t k = 0; k < count; k++)
			there = there || seen[k] == cloud->tokens[i];
		if (!there)
			change_holding(cloud->tokens[i], NULL);
	}
	json_decref(json);
	if (rv == CKR_OK)
		cloud->stamp = stamp;
	return rv;
}

CK_RV cloud_follow(struct cloud *cloud)
{
	OSSL_LIB_CTX *before = service_enter(cloud->service);

	pthread_mutex_lock(&cloud->mutex);
	CK_RV rv = follow(cloud);
	pthread_mutex_unlock(&cloud->mutex);
	service_leave(before);
	return rv;
}

/* C_GetSlotList comes here, which works without OpenSSL, too. */
static CK_RV cloud_look(struct store *store)
{
	return crypto_alive() ? cloud_follow((struct cloud *)store) : CKR_OK;
}

static struct token *cloud_token(struct store *store, size_t i)
{
	struct cloud *cloud = (struct cloud *)store;

	return i < cloud->count ? &cloud->tokens[i]->token : NULL;
}

static void cloud_close(struct store *store)
{
	struct cloud *cloud = (struct cloud *)store;

	for (size_t i = 0; i < cloud->count; i++)
		token_free(cloud->tokens[i]);
	service_free(cloud->service);
	cache_close(cloud->cache);
	cloud_account_close(cloud->account);
	pthread_mutex_destroy(&cloud->mutex);
	free(cloud->name);
	free(cloud);
}

static bool open_parts(const struct config_section *section, struct cloud *cloud, struct error *err)
{
	return cloud_account_open(section, &cloud->account, err) &&
	       cache_open(cloud->account, &cloud->cache, err) &&
	       (service_new(cloud->account, cloud->name, cloud->crypto, cloud->log, cloud->closing,
			&cloud->service) == CKR_OK ||
		       error_set(err, ERROR_FAILED, "out of memory"));
}

static CK_RV cloud_open(const struct config_section *section,
	const struct store_environment *environment, struct store **out)
{
	struct cloud *cloud = calloc(1, sizeof(*cloud));
	OSSL_LIB_CTX *before;
	struct error err = {0};
	CK_RV rv = CKR_HOST_MEMORY;
	bool ok;

	if (cloud == NULL)
		return CKR_HOST_MEMORY;
	cloud->store.class = &cloud_store_class;
	cloud->crypto = environment->crypto;
	cloud->log = environment->log;
	cloud->closing = environment->closing;
	cloud->stamp = (struct cache_stamp){.size = -2};
	pthread_mutex_init(&cloud->mutex, NULL);
	cloud->name = strdup(section->name);
	if (cloud->name == NULL) {
		cloud_close(&cloud->store);
		return CKR_HOST_MEMORY;
	}
	rv = crypto_wake(cloud->crypto);
	if (rv != CKR_OK) {
		cloud_close(&cloud->store);
		return rv;
	}
	before = OSSL_LIB_CTX_set0_default(crypto_libctx(cloud->crypto));
	ok = open_parts(section, cloud, &err);
	OSSL_LIB_CTX_set0_default(before);
	if (!ok) {
		log_error(environment->log, "slot %s: %s", section->name, err.message);
		cloud_close(&cloud->store);
		return CKR_OK;
	}
	rv = cloud_follow(cloud);
	if (rv == CKR_OK)
		*out = &cloud->store;
	else
		cloud_close(&cloud->store);
	return rv;
}

const struct store_class cloud_store_class = {
	.name = "cloud",
	.open = cloud_open,
	.close = cloud_close,
	.refresh = cloud_look,
	.token = cloud_token,
	.cloud = &cloud_vendor_class,
};
