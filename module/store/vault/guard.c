#include <stdlib.h>
#include <string.h>

#include "module/store/vault/guard.h"
#include "module/store/vault/load.h"
#include "module/support/secret.h"

/* Starts a write with memory up to date; `disk` is held on success, and only then. */
static CK_RV begin(struct vault *vault)
{
	bool present;
	CK_RV rv;

	pthread_mutex_lock(&vault->disk);
	rv = table_begin(vault->rows.table, TABLE_WRITE, &present);
	if (rv == CKR_OK && !present) {
		rv = vault->present ? CKR_DEVICE_REMOVED : CKR_USER_PIN_NOT_INITIALIZED;
		load_gone(vault);
	} else if (rv == CKR_OK) {
		rv = load_inside(vault, LOAD_STATUS);
		if (rv != CKR_OK)
			table_rollback(vault->rows.table);
	}
	if (rv != CKR_OK)
		pthread_mutex_unlock(&vault->disk);
	return rv;
}

static CK_RV end(struct vault *vault, CK_RV rv)
{
	if (rv == CKR_OK)
		rv = table_commit(vault->rows.table);
	else
		table_rollback(vault->rows.table);
	return rv;
}

static void remember_pin(struct vault *vault, CK_USER_TYPE role, const struct row_pin *pin)
{
	pthread_rwlock_wrlock(&vault->memory);
	vault->pins[role] = *pin;
	pthread_rwlock_unlock(&vault->memory);
}

static CK_RV set_tries(struct vault *vault, CK_USER_TYPE role, unsigned tries, struct row_pin *out)
{
	struct row_pin pin = vault->pins[role];
	CK_RV rv;

	pin.tries = tries;
	rv = end(vault, row_pin_put(&vault->rows, &pin));
	if (rv == CKR_OK) {
		remember_pin(vault, role, &pin);
		*out = pin;
	}
	return rv;
}

/* Counts a try on the disk, before it is made. */
static CK_RV count_try(
	struct vault *vault, CK_USER_TYPE role, struct row_pin *pin, uint8_t uuid[SEAL_UUID])
{
	CK_RV rv = begin(vault);

	if (rv != CKR_OK)
		return rv;
	*pin = vault->pins[role];
	if (!pin->present)
		rv = CKR_USER_PIN_NOT_INITIALIZED;
	else if (pin->damaged)
		rv = CKR_DEVICE_ERROR;
	else if (pin->tries >= PIN_TRIES)
		rv = CKR_PIN_LOCKED;
	if (rv == CKR_OK)
		rv = set_tries(vault, role, pin->tries + 1, pin);
	else
		end(vault, rv);
	memcpy(uuid, vault->rows.uuid, SEAL_UUID);
	pthread_mutex_unlock(&vault->disk);
	return rv;
}

/* The right PIN was given: the tries before it are forgiven. A later change of the PIN makes it wrong. */
static CK_RV forgive(struct vault *vault, CK_USER_TYPE role, const struct row_pin *tried)
{
	struct row_pin pin;
	CK_RV rv = begin(vault);

	if (rv != CKR_OK)
		return rv;
	if (vault->pins[role].damaged ||
		memcmp(vault->pins[role].digest, tried->digest, SEAL_CHECKSUM) != 0)
		rv = end(vault, CKR_PIN_INCORRECT);
	else
		rv = set_tries(vault, role, 0, &pin);
	pthread_mutex_unlock(&vault->disk);
	return rv;
}

/* Opens a wrapped key whose try is counted already: `tries` in a row. The caller frees *seal. */
static CK_RV open_wrap(struct vault *vault, const uint8_t uuid[SEAL_UUID],
	const struct pin_wrap *wrap, unsigned tries, const uint8_t *pin, size_t length,
	struct seal **seal)
{
	static const uint8_t nothing[1];
	struct secret *key = secret_new(NULL, SEAL_KEY);
	CK_RV rv = CKR_HOST_MEMORY;

	if (key == NULL)
		return rv;
	rv = pin_unwrap(vault->crypto, uuid, wrap, length > 0 ? pin : nothing, length, key->data);
	if (rv == CKR_PIN_INCORRECT) {
		log_warning(vault->log, "%s: wrong %s PIN, %u in a row",
			table_path(vault->rows.table), wrap->role == CKU_SO ? "SO" : "user", tries);
		pin_delay(tries);
	}
	if (rv == CKR_OK)
		rv = seal_new(vault->crypto, uuid, key->data, seal);
	secret_free(key);
	return rv;
}

/* Tries a PIN. On success the caller frees *seal; *tried is the wrapped key that it opened. */
static CK_RV try_pin(struct vault *vault, CK_USER_TYPE role, const uint8_t *pin, size_t length,
	struct row_pin *tried, struct seal **seal)
{
	uint8_t uuid[SEAL_UUID];
	CK_RV rv = count_try(vault, role, tried, uuid);

	return rv == CKR_OK ? open_wrap(vault, uuid, &tried->wrap, tried->tries, pin, length, seal)
			    : rv;
}

/* Is this the token key that signed what stands here? Then who opened it was no guesser. */
static CK_RV forgive_owner(struct vault *vault, CK_USER_TYPE role, struct seal *seal)
{
	struct row_pin pin;
	CK_RV rv = begin(vault);

	if (rv != CKR_OK)
		return rv;
	if (vault->root.damaged || !vault->pins[role].present || vault->pins[role].damaged ||
		seal_check(seal, vault->root.checksum, vault->root.tag) != CKR_OK)
		rv = end(vault, CKR_DEVICE_ERROR);
	else
		rv = set_tries(vault, role, 0, &pin);
	pthread_mutex_unlock(&vault->disk);
	return rv;
}

/* `backup` is not shared: no lock of it is needed. */
CK_RV guard_try_backup(struct vault *vault, struct vault *backup, CK_USER_TYPE role,
	const uint8_t *pin, size_t length, struct seal **seal)
{
	const struct row_pin *wrapped = &backup->pins[role];
	struct row_pin tried = {.tries = PIN_TRIES};
	uint8_t uuid[SEAL_UUID];
	bool here;
	CK_RV rv = CKR_OK;

	if (!wrapped->present)
		return CKR_USER_PIN_NOT_INITIALIZED;
	if (wrapped->tries >= PIN_TRIES)
		return CKR_PIN_LOCKED;
	pthread_rwlock_rdlock(&vault->memory);
	here = vault->present && !vault->root.damaged && vault->pins[role].present &&
	       !vault->pins[role].damaged && memcmp(vault->uuid, backup->uuid, SEAL_UUID) == 0;
	pthread_rwlock_unlock(&vault->memory);
	if (here)
		rv = count_try(vault, role, &tried, uuid);
	if (rv == CKR_OK)
		rv = open_wrap(
			backup, backup->rows.uuid, &wrapped->wrap, tried.tries, pin, length, seal);
	if (rv == CKR_OK && here && forgive_owner(vault, role, *seal) != CKR_OK)
		log_warning(vault->log, "%s: the PIN counter could not be reset",
			table_path(vault->rows.table));
	return rv;
}

/* Reads the vault with the keys of the login, which then begins. */
static CK_RV enter(struct vault *vault, CK_USER_TYPE user, struct seal *seal)
{
	struct vault_login *login = malloc(sizeof(*login));
	bool present;
	CK_RV rv;

	if (login == NULL)
		return CKR_HOST_MEMORY;
	atomic_init(&login->references, 1);
	atomic_init(&login->over, false);
	pthread_mutex_lock(&vault->disk);
	rv = table_begin(vault->rows.table, TABLE_READ, &present);
	if (rv == CKR_OK && !present)
		rv = CKR_USER_PIN_NOT_INITIALIZED;
	if (rv == CKR_OK) {
		rv = load_login(vault, seal, user, login);
		table_rollback(vault->rows.table);
	}
	pthread_mutex_unlock(&vault->disk);
	if (rv != CKR_OK)
		free(login);
	return rv;
}

CK_RV guard_login(struct token *token, CK_USER_TYPE user, const uint8_t *pin, size_t length)
{
	struct vault *vault = vault_of(token);
	CK_USER_TYPE role = user == CKU_SO ? CKU_SO : CKU_USER;
	struct row_pin tried;
	struct seal *seal = NULL;
	CK_RV rv;

	if (user > CKU_CONTEXT_SPECIFIC)
		return CKR_USER_TYPE_INVALID;
	rv = try_pin(vault, role, pin, length, &tried, &seal);
	if (rv != CKR_OK)
		return rv;
	rv = forgive(vault, role, &tried);
	if (rv != CKR_OK && rv != CKR_PIN_INCORRECT) {
		/* The right PIN stays right; its try stays counted. */
		log_warning(vault->log, "%s: the PIN counter could not be reset",
			table_path(vault->rows.table));
		rv = CKR_OK;
	}
	if (rv == CKR_OK && user != CKU_CONTEXT_SPECIFIC) {
		rv = enter(vault, role, seal);
		if (rv == CKR_OK)
			seal = NULL;
	}
	seal_free(seal);
	return rv;
}

void guard_logout(struct token *token)
{
	load_logout(vault_of(token));
}

/* Writes a new wrapped key; `disk` is held, in a write that this ends. */
static CK_RV write_wrap(struct vault *vault, struct seal *seal, const struct pin_wrap *wrap)
{
	struct row_pin pin = {.present = true, .wrap = *wrap};
	struct row_root root = {0}, old;
	CK_RV rv;

	/* What is signed anew has to be what this vault signed before. */
	if (vault->root.damaged ||
		seal_check(seal, vault->root.checksum, vault->root.tag) != CKR_OK) {
		log_error(vault->log, "%s: the root is damaged; no PIN can be changed",
			table_path(vault->rows.table));
		return end(vault, CKR_DEVICE_ERROR);
	}
	rv = row_root_copy(&vault->root, &root);
	if (rv == CKR_OK)
		rv = row_pin_put(&vault->rows, &pin);
	if (rv == CKR_OK) {
		root.generation++;
		memcpy(root.wraps[wrap->role], pin.digest, SEAL_CHECKSUM);
		rv = row_root_put(&vault->rows, seal, &root);
	}
	rv = end(vault, rv);
	if (rv == CKR_OK) {
		pthread_rwlock_wrlock(&vault->memory);
		old = vault->root;
		vault->root = root;
		root = old;
		vault->pins[wrap->role] = pin;
		pthread_rwlock_unlock(&vault->memory);
	}
	row_root_free(&root);
	return rv;
}

CK_RV guard_init_pin(struct token *token, const uint8_t *pin, size_t length)
{
	struct vault *vault = vault_of(token);
	struct secret *key = NULL;
	struct pin_wrap wrap;
	uint8_t uuid[SEAL_UUID];
	CK_RV rv = pin_check(pin, length);

	if (rv != CKR_OK)
		return rv;
	key = secret_new(NULL, SEAL_KEY);
	if (key == NULL)
		return CKR_HOST_MEMORY;
	pthread_rwlock_rdlock(&vault->memory);
	if (vault->user == CKU_SO) {
		memcpy(key->data, seal_token_key(vault->seal), SEAL_KEY);
		memcpy(uuid, seal_uuid(vault->seal), SEAL_UUID);
	} else {
		rv = CKR_USER_NOT_LOGGED_IN;
	}
	pthread_rwlock_unlock(&vault->memory);
	if (rv == CKR_OK)
		rv = pin_wrap(vault->crypto, uuid, CKU_USER, pin, length, key->data, &wrap);
	secret_free(key);
	if (rv == CKR_OK)
		rv = begin(vault);
	if (rv != CKR_OK)
		return rv;
	if (vault->user != CKU_SO || memcmp(uuid, vault->rows.uuid, SEAL_UUID) != 0)
		rv = end(vault, CKR_USER_NOT_LOGGED_IN);
	else
		rv = write_wrap(vault, vault->seal, &wrap);
	pthread_mutex_unlock(&vault->disk);
	return rv;
}

CK_RV guard_set_pin(struct token *token, CK_USER_TYPE user, const uint8_t *old_pin,
	size_t old_length, const uint8_t *new_pin, size_t new_length)
{
	struct vault *vault = vault_of(token);
	CK_USER_TYPE role = user == CKU_SO ? CKU_SO : CKU_USER;
	struct seal *seal = NULL;
	struct row_pin tried;
	struct pin_wrap wrap;
	CK_RV rv = pin_check(new_pin, new_length);

	if (rv != CKR_OK)
		return rv;
	rv = try_pin(vault, role, old_pin, old_length, &tried, &seal);
	if (rv != CKR_OK)
		return rv;
	rv = pin_wrap(vault->crypto, seal_uuid(seal), role, new_pin, new_length,
		seal_token_key(seal), &wrap);
	if (rv == CKR_OK)
		rv = begin(vault);
	if (rv != CKR_OK)
		goto out;
	if (vault->pins[role].damaged ||
		memcmp(vault->pins[role].digest, tried.digest, SEAL_CHECKSUM) != 0)
		rv = end(vault, CKR_PIN_INCORRECT);
	else
		rv = write_wrap(vault, seal, &wrap);
	pthread_mutex_unlock(&vault->disk);
out:
	seal_free(seal);
	return rv;
}

struct initialisation {
	const char *label;
	struct row_context rows; /* with the new vault's uuid */
	struct pin_wrap wrap;
	struct seal *seal;
};

static CK_RV prepare_init(
	struct vault *vault, const uint8_t *pin, size_t length, struct initialisation *init)
{
	struct secret *key = secret_new(NULL, SEAL_KEY);
	CK_RV rv = CKR_HOST_MEMORY;

	if (key == NULL)
		return rv;
	/* The uuid in vault->rows is `disk`'s. */
	init->rows = (struct row_context){.table = vault->rows.table};
	rv = crypto_random(vault->crypto, init->rows.uuid, SEAL_UUID);
	if (rv == CKR_OK)
		rv = crypto_random(vault->crypto, key->data, SEAL_KEY);
	if (rv == CKR_OK)
		rv = pin_wrap(vault->crypto, init->rows.uuid, CKU_SO, pin, length, key->data,
			&init->wrap);
	if (rv == CKR_OK)
		rv = seal_new(vault->crypto, init->rows.uuid, key->data, &init->seal);
	secret_free(key);
	return rv;
}

CK_RV guard_clear(const struct row_context *rows)
{
	static const enum table_statement clears[] = {
		TABLE_CLEAR_OBJECTS, TABLE_CLEAR_PAGES, TABLE_CLEAR_PINS};
	CK_RV rv = CKR_OK;

	for (size_t i = 0; i < sizeof(clears) / sizeof(clears[0]) && rv == CKR_OK; i++)
		rv = table_run(
			rows->table, table_statement(rows->table, clears[i]), "cannot be emptied");
	return rv;
}

/* Everything of the old vault goes, but that its ids are not used again. */
static CK_RV write_vault(struct vault *vault, struct initialisation *init)
{
	struct row_root root = {
		.generation = vault->root.generation + 1, .next = vault->root.next + 1};
	struct row_pin pin = {.present = true, .wrap = init->wrap};
	CK_RV rv = guard_clear(&init->rows);

	memcpy(root.uuid, init->rows.uuid, SEAL_UUID);
	memcpy(root.label, init->label, ROW_LABEL);
	if (rv == CKR_OK)
		rv = row_identity_put(&init->rows);
	if (rv == CKR_OK)
		rv = row_pin_put(&init->rows, &pin);
	if (rv != CKR_OK)
		return rv;
	memcpy(root.wraps[CKU_SO], pin.digest, SEAL_CHECKSUM);
	return row_root_put(&init->rows, init->seal, &root);
}

/* *again: the file became a vault meanwhile, whose SO PIN has to be asked. */
static CK_RV replace(
	struct vault *vault, struct initialisation *init, const struct row_pin *tried, bool *again)
{
	bool present;
	CK_RV rv;

	*again = false;
	pthread_mutex_lock(&vault->disk);
	rv = table_begin(vault->rows.table, TABLE_CREATE, &present);
	if (rv != CKR_OK)
		goto out;
	if (present)
		rv = load_inside(vault, LOAD_STATUS);
	if (rv == CKR_OK && present && !tried->present)
		*again = true;
	else if (rv == CKR_OK && present &&
		 memcmp(tried->digest, vault->pins[CKU_SO].digest, SEAL_CHECKSUM) != 0)
		rv = CKR_PIN_INCORRECT;
	if (rv == CKR_OK && !*again)
		rv = end(vault, write_vault(vault, init));
	else
		table_rollback(vault->rows.table);
	table_forget(vault->rows.table);
out:
	pthread_mutex_unlock(&vault->disk);
	return rv;
}

CK_RV guard_init(struct token *token, const uint8_t *so_pin, size_t length, const char label[32])
{
	struct vault *vault = vault_of(token);
	struct initialisation init = {.label = label};
	struct row_pin tried = {0};
	struct seal *old = NULL;
	bool again = false;
	CK_RV rv = pin_check(so_pin, length);

	if (rv != CKR_OK)
		return rv;
	do {
		rv = load_refresh(vault, LOAD_STATUS);
		if (rv == CKR_OK && vault_present(vault)) {
			rv = try_pin(vault, CKU_SO, so_pin, length, &tried, &old);
			seal_free(old);
			old = NULL;
		}
		if (rv == CKR_OK)
			rv = prepare_init(vault, so_pin, length, &init);
		if (rv == CKR_OK)
			rv = replace(vault, &init, &tried, &again);
		seal_free(init.seal);
		init.seal = NULL;
	} while (rv == CKR_OK && again);
	return rv == CKR_OK ? load_refresh(vault, LOAD_STATUS) : rv;
}
