#include "module/cryptoki/slot.h"

#include <stdlib.h>
#include <string.h>

#include "module/cryptoki/foreign.h"
#include "module/cryptoki/module.h"
#include "module/cryptoki/profile.h"

#define SLOT_SECTION_BITS 16
#define SLOT_SECTION_MASK ((1UL << SLOT_SECTION_BITS) - 1)

static void slot_free(struct slot *slot)
{
	if (slot == NULL)
		return;
	shelf_close(&slot->shelf);
	pthread_mutex_destroy(&slot->login);
	pthread_mutex_destroy(&slot->mutex);
	free(slot);
}

static CK_RV slot_new(CK_SLOT_ID id, const char *description, struct slot **out)
{
	struct slot *slot = calloc(1, sizeof(*slot));
	if (slot == NULL)
		return CKR_HOST_MEMORY;
	slot->id = id;
	slot->description = description;
	slot->user = SLOT_USER_NONE;
	pthread_mutex_init(&slot->login, NULL);
	pthread_mutex_init(&slot->mutex, NULL);
	shelf_open(&slot->shelf);
	CK_RV rv = profile_place(&slot->shelf);
	if (rv == CKR_OK)
		*out = slot;
	else
		slot_free(slot);
	return rv;
}

/* Gives each of the store's tokens its slot; there is always one slot. */
static CK_RV slot_section_grow(struct slot_section *section, size_t number)
{
	size_t count = section->count;

	for (size_t i = 0; i < SLOT_TOKENS_MAX; i++) {
		struct token *token = NULL;
		if (section->store != NULL)
			token = section->store->class->token(section->store, i);
		if (token == NULL && i > 0)
			break;
		if (i == count) {
			struct slot *slot = NULL;
			CK_RV rv =
				slot_new(number + (i << SLOT_SECTION_BITS), section->name, &slot);
			if (rv != CKR_OK)
				return rv;
			section->slots[i] = slot;
			section->count = ++count;
		}
		if (token != NULL && section->slots[i]->token == NULL) {
			section->slots[i]->description = token->description;
			section->slots[i]->token = token;
		}
	}
	return CKR_OK;
}

static CK_RV slot_section_open(struct slot_section *section, const struct config_section *config,
	const struct store_environment *environment)
{
	const char *name = config_get(config, "store");
	const struct store_class *class = store_class_find(name != NULL ? name : "vault");

	section->name = config->name;
	if (config->problem != NULL) {
		log_error(environment->log, "slot %s: %s", config->name, config->problem);
		return CKR_OK;
	}
	if (class == NULL) {
		log_error(
			environment->log, "slot %s: there is no store \"%s\"", config->name, name);
		return CKR_OK;
	}
	return class->open(config, environment, &section->store);
}

CK_RV slot_table_open(struct slot_table *table, const struct config *config,
	const struct store_environment *environment)
{
	pthread_mutex_init(&table->mutex, NULL);
	table->sections = calloc(config->count + 1, sizeof(*table->sections));
	if (table->sections == NULL)
		return CKR_HOST_MEMORY;
	for (size_t i = 0; i < config->count && table->count < SLOT_SECTION_MASK; i++) {
		if (config->sections[i].kind != CONFIG_SLOT)
			continue;
		struct slot_section *section = &table->sections[table->count];
		CK_RV rv = slot_section_open(section, &config->sections[i], environment);
		if (rv == CKR_OK)
			rv = slot_section_grow(section, table->count);
		table->count++;
		if (rv != CKR_OK)
			return rv;
	}
	return CKR_OK;
}

void slot_table_close(struct slot_table *table)
{
	if (table->sections == NULL)
		return;
	for (size_t i = 0; i < table->count; i++) {
		struct slot_section *section = &table->sections[i];
		for (size_t k = 0; k < section->count; k++)
			slot_free(section->slots[k]);
		if (section->store != NULL)
			section->store->class->close(section->store);
	}
	free(table->sections);
	pthread_mutex_destroy(&table->mutex);
	*table = (struct slot_table){0};
}

CK_RV slot_find(struct slot_table *table, CK_SLOT_ID id, struct slot **out)
{
	size_t number = id & SLOT_SECTION_MASK;
	size_t token = id >> SLOT_SECTION_BITS;

	if (number >= table->count || token >= table->sections[number].count)
		return CKR_SLOT_ID_INVALID;
	*out = table->sections[number].slots[token];
	return CKR_OK;
}

struct store *slot_store(struct slot_table *table, CK_SLOT_ID id)
{
	return table->sections[id & SLOT_SECTION_MASK].store;
}

CK_RV slot_find_token(
	struct slot_table *table, CK_SLOT_ID id, struct slot **out, struct token_info *info)
{
	struct token_info ignored;
	struct slot *slot = NULL;
	CK_RV rv = slot_find(table, id, &slot);

	if (rv != CKR_OK)
		return rv;
	struct token *token = slot->token;
	if (token == NULL)
		return CKR_TOKEN_NOT_PRESENT;
	if (slot_is_foreign(slot))
		return CKR_FUNCTION_NOT_SUPPORTED;
	rv = token->class->info(token, info != NULL ? info : &ignored);
	if (rv == CKR_OK)
		*out = slot;
	return rv;
}

static bool slot_is_present(struct slot *slot)
{
	struct token_info info;
	struct token *token = slot->token;

	if (slot_is_foreign(slot))
		return foreign_is_present(slot);
	return token != NULL && token->class->info(token, &info) == CKR_OK;
}

/* The list may grow only where the application asks for its length (PKCS #11 v3.0, 5.5.1). */
static CK_RV slot_table_grow(struct slot_table *table)
{
	CK_RV rv = CKR_OK;

	/* What a store does to find tokens is done before the lock, and what it fails at is its own. */
	for (size_t i = 0; i < table->count; i++) {
		struct store *store = table->sections[i].store;
		if (store != NULL && store->class->refresh != NULL)
			(void)store->class->refresh(store);
	}
	pthread_mutex_lock(&table->mutex);
	for (size_t i = 0; i < table->count && rv == CKR_OK; i++)
		rv = slot_section_grow(&table->sections[i], i);
	pthread_mutex_unlock(&table->mutex);
	return rv;
}

CK_RV slot_list(struct module *module, bool present, CK_SLOT_ID *list, CK_ULONG *count)
{
	struct slot_table *table = &module->slots;
	CK_ULONG found = 0;

	if (count == NULL)
		return CKR_ARGUMENTS_BAD;
	if (list == NULL) {
		CK_RV rv = slot_table_grow(table);
		if (rv != CKR_OK)
			return rv;
	}
	for (size_t i = 0; i < table->count; i++) {
		for (size_t k = 0; k < table->sections[i].count; k++) {
			struct slot *slot = table->sections[i].slots[k];
			if (present && !slot_is_present(slot))
				continue;
			if (list != NULL && found < *count)
				list[found] = slot->id;
			found++;
		}
	}
	CK_RV rv = list != NULL && found > *count ? CKR_BUFFER_TOO_SMALL : CKR_OK;
	*count = found;
	return rv;
}

CK_RV slot_info(struct module *module, CK_SLOT_ID id, CK_SLOT_INFO *out)
{
	struct slot *slot = NULL;
	CK_RV rv;

	if (out == NULL)
		return CKR_ARGUMENTS_BAD;
	rv = slot_find(&module->slots, id, &slot);
	if (rv != CKR_OK)
		return rv;
	if (slot_is_foreign(slot))
		return foreign_slot_info(slot, out);
	*out = (CK_SLOT_INFO){.flags = slot_is_present(slot) ? CKF_TOKEN_PRESENT : 0};
	module_pad(out->slotDescription, sizeof(out->slotDescription), slot->description);
	module_pad(out->manufacturerID, sizeof(out->manufacturerID), "Podpis");
	return CKR_OK;
}

CK_RV slot_token_info(struct module *module, CK_SLOT_ID id, CK_TOKEN_INFO *out)
{
	struct token_info info;
	struct slot *slot = NULL;
	CK_RV rv;

	if (out == NULL)
		return CKR_ARGUMENTS_BAD;
	rv = slot_find_token(&module->slots, id, &slot, &info);
	if (rv != CKR_OK)
		return rv;
	*out = (CK_TOKEN_INFO){
		.flags = info.flags,
		.ulMaxSessionCount = CK_EFFECTIVELY_INFINITE,
		.ulMaxRwSessionCount = CK_EFFECTIVELY_INFINITE,
		.ulMinPinLen = info.pin_min,
		.ulMaxPinLen = info.pin_max,
		.ulTotalPublicMemory = CK_UNAVAILABLE_INFORMATION,
		.ulFreePublicMemory = CK_UNAVAILABLE_INFORMATION,
		.ulTotalPrivateMemory = CK_UNAVAILABLE_INFORMATION,
		.ulFreePrivateMemory = CK_UNAVAILABLE_INFORMATION,
	};
	memcpy(out->label, info.label, sizeof(out->label));
	memcpy(out->manufacturerID, info.manufacturer, sizeof(out->manufacturerID));
	memcpy(out->model, info.model, sizeof(out->model));
	memcpy(out->serialNumber, info.serial, sizeof(out->serialNumber));
	memset(out->utcTime, ' ', sizeof(out->utcTime));
	pthread_mutex_lock(&slot->mutex);
	out->ulSessionCount = slot->sessions;
	out->ulRwSessionCount = slot->rw_sessions;
	pthread_mutex_unlock(&slot->mutex);
	return CKR_OK;
}
