#include <string.h>

#include "module/store/vault/load.h"
#include "module/store/vault/proof.h"
#include "module/store/vault/reading.h"

static void end_login(struct vault *vault)
{
	if (vault->login == NULL)
		return;
	atomic_store(&vault->login->over, true);
	vault_login_unref(vault->login);
	vault->login = NULL;
	vault->user = VAULT_LOGGED_OUT;
	seal_free(vault->seal);
	vault->seal = NULL;
}

static void swap_catalogs(struct catalog *a, struct catalog *b)
{
	struct catalog other = *a;

	*a = *b;
	*b = other;
}

static CK_RV apply(struct reading *reading)
{
	struct vault *vault = reading->vault;
	struct row_root old;
	CK_RV rv = CKR_OK;

	pthread_rwlock_wrlock(&vault->memory);
	if (!reading->full)
		rv = catalog_reserve(&vault->catalog, reading->put.count);
	if (rv != CKR_OK) {
		pthread_rwlock_unlock(&vault->memory);
		return rv;
	}
	if (reading->full) {
		swap_catalogs(&vault->catalog, &reading->put);
	} else {
		for (size_t i = 0; i < reading->gone_count; i++)
			catalog_remove(&vault->catalog, reading->gone[i]);
		for (size_t i = 0; i < reading->put.count; i++)
			catalog_put(&vault->catalog, catalog_take(&reading->put, i));
		reading->put.count = 0;
	}
	old = vault->root;
	vault->root = reading->root;
	reading->root = old;
	memcpy(vault->pins, reading->pins, sizeof(vault->pins));
	memcpy(vault->uuid, vault->rows.uuid, SEAL_UUID);
	vault->present = true;
	vault->listed = vault->listed || reading->objects;
	vault->status = CKR_OK;
	vault->read_only = table_read_only(vault->rows.table);
	if (vault->seal != NULL && memcmp(seal_uuid(vault->seal), vault->rows.uuid, SEAL_UUID) != 0)
		end_login(vault);
	if (reading->login != NULL) {
		end_login(vault);
		vault->login = reading->login;
		vault->seal = reading->seal;
		vault->user = reading->user;
	}
	pthread_rwlock_unlock(&vault->memory);
	table_note(vault->rows.table);
	return CKR_OK;
}

static CK_RV run(struct reading *reading)
{
	uint8_t uuid[SEAL_UUID];
	CK_RV rv;

	memcpy(uuid, reading->vault->rows.uuid, SEAL_UUID);
	reading->vault->rows.walked = 0;
	rv = reading_run(reading);
	if (rv == CKR_OK && reading->login != NULL && reading->seal == NULL)
		rv = CKR_PIN_INCORRECT; /* another vault stands there since the PIN was tried */
	if (rv == CKR_OK)
		rv = apply(reading);
	if (rv != CKR_OK)
		memcpy(reading->vault->rows.uuid, uuid, SEAL_UUID);
	reading_free(reading);
	return rv;
}

static bool is_known(struct vault *vault, enum load_extent extent)
{
	return !table_moved(vault->rows.table) && (extent == LOAD_STATUS || vault->listed);
}

CK_RV load_inside(struct vault *vault, enum load_extent extent)
{
	struct reading reading = {.vault = vault,
		.seal = vault->seal,
		.user = vault->user,
		.objects = extent == LOAD_OBJECTS};

	return is_known(vault, extent) ? vault->status : run(&reading);
}

CK_RV load_all(struct vault *vault, struct vault_report *report)
{
	struct reading reading = {.vault = vault,
		.seal = vault->seal,
		.user = vault->user,
		.objects = true,
		.full = true,
		.report = report};

	return run(&reading);
}

/*
 * Memory is what the file is, as far as can be told without a key; with one, that is proved, and nothing is read
 * again. Where anything is wrong this fails, and a full reading names it.
 */
static CK_RV log_in_from_memory(struct reading *reading)
{
	struct vault *vault = reading->vault;
	CK_RV rv;

	if (!is_known(vault, LOAD_OBJECTS) || !vault->present)
		return CKR_DEVICE_ERROR;
	memcpy(reading->pins, vault->pins, sizeof(reading->pins));
	rv = row_root_copy(&vault->root, &reading->root);
	if (rv == CKR_OK)
		rv = proof_of_memory(vault, reading->seal, reading->user, &reading->put);
	if (rv == CKR_OK)
		rv = apply(reading);
	reading_free(reading);
	return rv;
}

CK_RV load_login(
	struct vault *vault, struct seal *seal, CK_USER_TYPE user, struct vault_login *login)
{
	struct reading reading = {
		.vault = vault, .seal = seal, .user = user, .objects = true, .login = login};

	if (log_in_from_memory(&reading) == CKR_OK)
		return CKR_OK;
	reading.full = true;
	return run(&reading);
}

void load_nothing(struct vault *vault, CK_RV status)
{
	struct catalog old = {0};

	pthread_rwlock_wrlock(&vault->memory);
	swap_catalogs(&vault->catalog, &old);
	row_root_free(&vault->root);
	memset(vault->pins, 0, sizeof(vault->pins));
	vault->listed = true;
	vault->present = false;
	vault->status = status;
	vault->read_only = false;
	end_login(vault);
	pthread_rwlock_unlock(&vault->memory);
	catalog_free(&old);
	table_note(vault->rows.table);
}

void load_gone(struct vault *vault)
{
	if (vault->present)
		log_error(vault->log, "%s: is gone", table_path(vault->rows.table));
	load_nothing(vault, CKR_OK);
}

/* Private objects go out of sight, decoded keys out of memory. */
static void hide(struct vault *vault)
{
	struct catalog *catalog = &vault->catalog;

	for (size_t i = 0; i < catalog->count; i++) {
		struct entry *entry = catalog->entries[i];

		if (entry->private)
			catalog_show(catalog, entry, NULL);
		key_unref(entry->key);
		entry->key = NULL;
	}
}

void load_logout(struct vault *vault)
{
	pthread_mutex_lock(&vault->disk);
	pthread_rwlock_wrlock(&vault->memory);
	hide(vault);
	end_login(vault);
	pthread_rwlock_unlock(&vault->memory);
	pthread_mutex_unlock(&vault->disk);
}

CK_RV load_refresh(struct vault *vault, enum load_extent extent)
{
	bool present;
	CK_RV rv = CKR_OK;

	if (is_known(vault, extent))
		return vault->status;
	pthread_mutex_lock(&vault->disk);
	if (is_known(vault, extent)) {
		rv = vault->status;
		goto out;
	}
	rv = table_begin(vault->rows.table, TABLE_READ, &present);
	if (rv == CKR_OK && present) {
		rv = load_inside(vault, extent);
		table_rollback(vault->rows.table);
	} else if (rv == CKR_OK) {
		load_gone(vault);
	}
	/* While another writes for long, what was committed before is what is known. */
	if (rv == CKR_FUNCTION_FAILED && vault->present && (extent == LOAD_STATUS || vault->listed))
		rv = CKR_OK;
	else if (rv != CKR_OK && rv != CKR_HOST_MEMORY && rv != CKR_FUNCTION_FAILED)
		load_nothing(vault, rv);
out:
	pthread_mutex_unlock(&vault->disk);
	return rv;
}
