#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "module/crypto/key.h"
#include "module/store/vault/backup.h"
#include "module/store/vault/change.h"
#include "module/store/vault/check.h"
#include "module/store/vault/guard.h"
#include "module/store/vault/load.h"

struct vault *vault_of(struct token *token)
{
	return (struct vault *)((char *)token - offsetof(struct vault, token));
}

bool vault_present(struct vault *vault)
{
	bool present;

	pthread_rwlock_rdlock(&vault->memory);
	present = vault->present;
	pthread_rwlock_unlock(&vault->memory);
	return present;
}

void vault_login_unref(struct vault_login *login)
{
	if (login != NULL && atomic_fetch_sub(&login->references, 1) == 1)
		free(login);
}

static void pad(char *out, size_t size, const char *text)
{
	size_t length = strlen(text);

	memset(out, ' ', size);
	memcpy(out, text, length < size ? length : size);
}

static CK_RV vault_info(struct token *token, struct token_info *out)
{
	static const char digits[16] = "0123456789abcdef";
	struct vault *vault = vault_of(token);
	struct token_info info = {
		.flags = CKF_RNG | CKF_LOGIN_REQUIRED, .pin_min = PIN_MIN, .pin_max = PIN_MAX};
	CK_RV rv = load_refresh(vault, LOAD_STATUS);

	if (rv != CKR_OK)
		return rv;
	pad(info.label, sizeof(info.label), "");
	pad(info.manufacturer, sizeof(info.manufacturer), "Podpis");
	pad(info.model, sizeof(info.model), "vault");
	pad(info.serial, sizeof(info.serial), "");
	pthread_rwlock_rdlock(&vault->memory);
	if (vault->present) {
		info.flags |= CKF_TOKEN_INITIALIZED;
		if (!vault->root.damaged)
			memcpy(info.label, vault->root.label, sizeof(info.label));
		for (size_t i = 0; i < sizeof(info.serial); i++)
			info.serial[i] = digits[vault->uuid[i / 2] >> (i % 2 == 0 ? 4 : 0) & 15];
		info.flags |= pin_flags(CKU_SO, vault->pins[CKU_SO].tries);
		if (vault->pins[CKU_USER].present)
			info.flags |= CKF_USER_PIN_INITIALIZED |
				      pin_flags(CKU_USER, vault->pins[CKU_USER].tries);
		if (vault->read_only)
			info.flags |= CKF_WRITE_PROTECTED;
	}
	pthread_rwlock_unlock(&vault->memory);
	*out = info;
	return CKR_OK;
}

static bool vault_logged_in(struct token *token)
{
	struct vault *vault = vault_of(token);
	bool logged_in;

	pthread_rwlock_rdlock(&vault->memory);
	logged_in = vault->login != NULL;
	pthread_rwlock_unlock(&vault->memory);
	return logged_in;
}

static CK_RV vault_find(
	struct token *token, const CK_ATTRIBUTE *templ, CK_ULONG count, struct object_list *out)
{
	struct vault *vault = vault_of(token);
	CK_RV rv = load_refresh(vault, LOAD_OBJECTS);

	if (rv != CKR_OK)
		return rv;
	pthread_rwlock_rdlock(&vault->memory);
	/* Without a vault no session opens: it was there. */
	rv = vault->present ? catalog_find(&vault->catalog, templ, count, out) : CKR_DEVICE_REMOVED;
	pthread_rwlock_unlock(&vault->memory);
	return rv;
}

/* From memory; when it is not there, the file is asked once. */
static struct object *look_up(struct vault *vault, uint64_t id)
{
	struct object *object = NULL;
	struct entry *entry;

	pthread_rwlock_rdlock(&vault->memory);
	entry = catalog_get(&vault->catalog, id);
	if (entry != NULL && entry->object != NULL)
		object = object_ref(entry->object);
	pthread_rwlock_unlock(&vault->memory);
	return object;
}

static CK_RV vault_get(struct token *token, uint64_t id, struct object **out)
{
	struct vault *vault = vault_of(token);
	struct object *object = look_up(vault, id);
	CK_RV rv;

	if (object == NULL) {
		rv = load_refresh(vault, LOAD_OBJECTS);
		if (rv != CKR_OK)
			return rv;
		object = look_up(vault, id);
	}
	if (object == NULL)
		return CKR_OBJECT_HANDLE_INVALID;
	*out = object;
	return CKR_OK;
}

static CK_RV open_one(struct seal *seal, const struct entry *entry,
	const struct record_entry *sealed, struct record_values *values)
{
	size_t length = sealed->length - SEAL_OVERHEAD;
	uint8_t *plain;
	CK_RV rv;

	if (sealed->length < SEAL_OVERHEAD)
		return CKR_DEVICE_ERROR;
	plain = malloc(length + 1);
	if (plain == NULL)
		return CKR_HOST_MEMORY;
	rv = seal_open(
		seal, entry->id, (uint32_t)sealed->type, sealed->value, sealed->length, plain);
	if (rv == CKR_OK && !record_values_add(values, sealed->type, plain, length))
		rv = CKR_DEVICE_ERROR;
	OPENSSL_cleanse(plain, length);
	free(plain);
	return rv;
}

/* The class, which decides what is secret, is sealed itself in a private object. */
static CK_RV sealed_class(struct seal *seal, const struct entry *entry, CK_OBJECT_CLASS *out)
{
	struct record_values *values;
	struct record_entry sealed;
	struct attributes *attributes = NULL;
	size_t at = 0;
	CK_RV rv;

	if (entry->object != NULL) {
		*out = attributes_ulong(
			entry->object->attributes, CKA_CLASS, CK_UNAVAILABLE_INFORMATION);
		return CKR_OK;
	}
	if (!record_next(entry->sealed, entry->sealed_length, &at, &sealed) ||
		sealed.type != CKA_CLASS)
		return CKR_DEVICE_ERROR;
	values = malloc(sizeof(*values));
	if (values == NULL)
		return CKR_HOST_MEMORY;
	record_values_init(values);
	rv = open_one(seal, entry, &sealed, values);
	if (rv == CKR_OK)
		rv = record_values_make(values, &attributes);
	if (rv == CKR_OK)
		*out = attributes_ulong(attributes, CKA_CLASS, CK_UNAVAILABLE_INFORMATION);
	attributes_free(attributes);
	record_values_free(values);
	free(values);
	return rv;
}

CK_RV vault_open_sealed(struct vault *vault, struct seal *seal, const struct entry *entry,
	bool secret, struct record_values *values)
{
	CK_OBJECT_CLASS class = CK_UNAVAILABLE_INFORMATION;
	struct record_entry sealed;
	size_t at = 0;
	CK_RV rv;

	if (entry->sealed_length == 0)
		return CKR_OK;
	rv = sealed_class(seal, entry, &class);
	while (rv == CKR_OK && record_next(entry->sealed, entry->sealed_length, &at, &sealed))
		if (record_is_secret(class, sealed.type) == secret)
			rv = open_one(seal, entry, &sealed, values);
	if (rv == CKR_OK && at != entry->sealed_length)
		rv = CKR_DEVICE_ERROR;
	if (rv == CKR_DEVICE_ERROR)
		log_error(vault->log, "%s: object %llu can't be opened",
			table_path(vault->rows.table), (unsigned long long)entry->id);
	return rv;
}

CK_RV vault_open_private(
	struct vault *vault, struct seal *seal, const struct entry *entry, struct attributes **out)
{
	struct record_values *values = malloc(sizeof(*values));
	CK_RV rv;

	if (values == NULL)
		return CKR_HOST_MEMORY;
	record_values_init(values);
	rv = vault_open_sealed(vault, seal, entry, false, values);
	if (rv == CKR_OK)
		rv = record_values_make(values, out);
	record_values_free(values);
	free(values);
	return rv;
}

static CK_RV secret_attributes(struct vault *vault, const struct entry *entry,
	const struct attributes *base, struct attributes **out)
{
	struct record_values *values;
	struct attributes *secret = NULL;
	CK_RV rv;

	if (entry->sealed_length > 0 && vault->seal == NULL)
		return CKR_USER_NOT_LOGGED_IN;
	values = malloc(sizeof(*values));
	if (values == NULL)
		return CKR_HOST_MEMORY;
	record_values_init(values);
	rv = vault_open_sealed(vault, vault->seal, entry, true, values);
	if (rv == CKR_OK)
		rv = record_values_make(values, &secret);
	if (rv == CKR_OK && base != NULL) {
		rv = attributes_new(base, secret->list, secret->count, out);
		attributes_free(secret);
	} else if (rv == CKR_OK) {
		*out = secret;
	}
	record_values_free(values);
	free(values);
	return rv;
}

CK_RV vault_all_attributes(struct vault *vault, const struct entry *entry, struct attributes **out)
{
	return secret_attributes(vault, entry, entry->object->attributes, out);
}

static CK_RV vault_reveal(struct token *token, uint64_t id, struct attributes **out)
{
	struct vault *vault = vault_of(token);
	struct entry *entry;
	CK_RV rv;

	pthread_rwlock_rdlock(&vault->memory);
	entry = catalog_get(&vault->catalog, id);
	if (entry == NULL || entry->object == NULL)
		rv = CKR_OBJECT_HANDLE_INVALID;
	else
		rv = secret_attributes(vault, entry, NULL, out);
	pthread_rwlock_unlock(&vault->memory);
	return rv;
}

/*
 * Keys
 */

/* The decoded key of an entry, from the cache or made, with a reference; and the login that it is of. */
struct key_use {
	struct key *key;
	struct vault_login *login; /* NULL: a public key, of no login */
};

static CK_RV cached_key(struct vault *vault, uint64_t id, struct key_use *use,
	struct attributes **attributes, const struct object **of)
{
	struct entry *entry;
	CK_RV rv = CKR_OK;

	pthread_rwlock_rdlock(&vault->memory);
	entry = catalog_get(&vault->catalog, id);
	if (entry == NULL || entry->object == NULL) {
		rv = CKR_OBJECT_HANDLE_INVALID;
	} else if (entry->class == CKO_PRIVATE_KEY && vault->login == NULL) {
		rv = CKR_USER_NOT_LOGGED_IN;
	} else {
		if (entry->key != NULL)
			use->key = key_ref(entry->key);
		else
			rv = vault_all_attributes(vault, entry, attributes);
		*of = entry->object;
		if (rv == CKR_OK && entry->class == CKO_PRIVATE_KEY) {
			use->login = vault->login;
			atomic_fetch_add(&use->login->references, 1);
		}
	}
	pthread_rwlock_unlock(&vault->memory);
	return rv;
}

static void use_end(struct key_use *use)
{
	key_unref(use->key);
	vault_login_unref(use->login);
	*use = (struct key_use){0};
}

/* `of` is only compared: the key is kept when the entry still has the object that it was decoded from. */
static void keep_key(struct vault *vault, uint64_t id, const struct object *of, struct key_use *use)
{
	struct entry *entry;

	pthread_rwlock_wrlock(&vault->memory);
	entry = catalog_get(&vault->catalog, id);
	if (entry != NULL && entry->object == of && entry->key == NULL &&
		(use->login == NULL || use->login == vault->login))
		entry->key = key_ref(use->key);
	pthread_rwlock_unlock(&vault->memory);
}

static CK_RV use_begin(struct vault *vault, uint64_t id, struct key_use *use)
{
	struct attributes *attributes = NULL;
	const struct object *of = NULL;
	CK_RV rv;

	*use = (struct key_use){0};
	rv = cached_key(vault, id, use, &attributes, &of);
	if (rv == CKR_OK && use->key == NULL) {
		rv = key_decode(vault->crypto, attributes, &use->key);
		if (rv == CKR_OK)
			keep_key(vault, id, of, use);
	}
	attributes_free(attributes);
	if (rv != CKR_OK)
		use_end(use);
	return rv;
}

/* A prepared use of a private key, which ends with the login that it began in. */
struct vault_operation {
	struct operation base;
	struct operation *inner;
	struct vault_login *login;
};

static CK_RV operation_run(struct operation *base, const uint8_t *in, size_t in_length,
	uint8_t *out, size_t *out_length)
{
	struct vault_operation *operation = (struct vault_operation *)base;

	if (atomic_load_explicit(&operation->login->over, memory_order_acquire))
		return CKR_USER_NOT_LOGGED_IN;
	return operation->inner->class->run(operation->inner, in, in_length, out, out_length);
}

static CK_RV operation_verify(struct operation *base, const uint8_t *in, size_t in_length,
	const uint8_t *signature, size_t signature_length)
{
	struct vault_operation *operation = (struct vault_operation *)base;

	if (atomic_load_explicit(&operation->login->over, memory_order_acquire))
		return CKR_USER_NOT_LOGGED_IN;
	return operation->inner->class->verify(
		operation->inner, in, in_length, signature, signature_length);
}

static void operation_end(struct operation *base)
{
	struct vault_operation *operation = (struct vault_operation *)base;

	operation_free(operation->inner);
	vault_login_unref(operation->login);
	free(operation);
}

static const struct operation_class guarded_operation = {
	.run = operation_run, .verify = operation_verify, .free = operation_end};

static CK_RV vault_prepare(struct token *token, uint64_t id, enum operation_purpose purpose,
	const CK_MECHANISM *mechanism, struct operation **out)
{
	struct vault *vault = vault_of(token);
	struct vault_operation *operation = NULL;
	struct operation *inner = NULL;
	struct key_use use;
	CK_RV rv = use_begin(vault, id, &use);

	if (rv == CKR_OK)
		rv = key_prepare(use.key, purpose, mechanism, &inner);
	if (rv != CKR_OK || use.login == NULL)
		goto out;
	operation = malloc(sizeof(*operation));
	if (operation == NULL) {
		operation_free(inner);
		rv = CKR_HOST_MEMORY;
		goto out;
	}
	operation->base = (struct operation){.class = &guarded_operation,
		.output_max = inner->output_max,
		.input_max = inner->input_max};
	operation->inner = inner;
	operation->login = use.login;
	use.login = NULL;
	inner = &operation->base;
out:
	use_end(&use);
	if (rv == CKR_OK)
		*out = inner;
	return rv;
}

static CK_RV vault_derive(struct token *token, uint64_t id, const uint8_t *peer, size_t peer_length,
	uint8_t **secret, size_t *secret_length)
{
	struct key_use use;
	CK_RV rv = use_begin(vault_of(token), id, &use);

	if (rv == CKR_OK)
		rv = key_derive(use.key, peer, peer_length, secret, secret_length);
	use_end(&use);
	return rv;
}

static CK_RV vault_mechanisms(struct token *token, CK_MECHANISM_TYPE *list, CK_ULONG *count)
{
	static const CK_MECHANISM_TYPE raw[] = {
		CKM_RSA_PKCS,
		CKM_RSA_X_509,
		CKM_RSA_PKCS_PSS,
		CKM_RSA_PKCS_OAEP,
		CKM_ECDSA,
		CKM_EDDSA,
		CKM_ECDH1_DERIVE,
		CKM_GOSTR3410,
		CKM_GOSTR3410_512,
	};
	const CK_ULONG size = sizeof(raw) / sizeof(raw[0]);

	(void)token;
	if (list != NULL && *count < size) {
		*count = size;
		return CKR_BUFFER_TOO_SMALL;
	}
	if (list != NULL)
		memcpy(list, raw, sizeof(raw));
	*count = size;
	return CKR_OK;
}

static const struct vault_class vault_class = {
	.check = check_token, .backup = backup_make, .restore = backup_restore};

static const struct token_class vault_token_class = {
	.name = "vault",
	.info = vault_info,
	.init = guard_init,
	.login = guard_login,
	.logout = guard_logout,
	.logged_in = vault_logged_in,
	.init_pin = guard_init_pin,
	.set_pin = guard_set_pin,
	.find = vault_find,
	.get = vault_get,
	.create = change_create,
	.change = change_attributes,
	.remove = change_remove,
	.reveal = vault_reveal,
	.generate = NULL,
	.prepare = vault_prepare,
	.derive = vault_derive,
	.mechanisms = vault_mechanisms,
	.vault = &vault_class,
};

/*
 * The store
 */

void vault_free(struct vault *vault)
{
	if (vault == NULL)
		return;
	if (vault->rows.table != NULL)
		load_nothing(vault, CKR_OK);
	table_free(vault->rows.table);
	pthread_rwlock_destroy(&vault->memory);
	pthread_mutex_destroy(&vault->disk);
	free((char *)(uintptr_t)vault->token.description);
	free(vault);
}

struct vault *vault_new(
	const struct store_environment *environment, const char *name, const char *path)
{
	struct vault *vault = calloc(1, sizeof(*vault));

	if (vault == NULL)
		return NULL;
	vault->store.class = &vault_store_class;
	vault->token.class = &vault_token_class;
	vault->token.description = strdup(name);
	vault->log = environment->log;
	vault->crypto = environment->crypto;
	vault->user = VAULT_LOGGED_OUT;
	if (pthread_mutex_init(&vault->disk, NULL) != 0 ||
		pthread_rwlock_init(&vault->memory, NULL) != 0 ||
		vault->token.description == NULL) {
		free((char *)(uintptr_t)vault->token.description);
		free(vault);
		return NULL;
	}
	vault->rows.table = table_new(vault->log, path);
	if (vault->rows.table == NULL) {
		vault_free(vault);
		return NULL;
	}
	return vault;
}

static void vault_close(struct store *store)
{
	vault_free((struct vault *)store);
}

static struct token *vault_token(struct store *store, size_t i)
{
	return i == 0 ? &((struct vault *)store)->token : NULL;
}

static CK_RV vault_open(const struct config_section *section,
	const struct store_environment *environment, struct store **out)
{
	const char *path = config_get(section, "path");
	struct vault *vault;

	if (path == NULL) {
		log_error(environment->log, "[slot %s]: no path is given", section->name);
		path = "/nonexistent/podpis/vault.db";
	}
	vault = vault_new(environment, section->name, path);
	if (vault == NULL)
		return CKR_HOST_MEMORY;
	*out = &vault->store;
	return CKR_OK;
}

const struct store_class vault_store_class = {
	.name = "vault", .open = vault_open, .close = vault_close, .token = vault_token};
