#include <string.h>

#include "module/store/vault/proof.h"

static CK_RV prove_root(const struct vault *vault, struct seal *seal)
{
	if (vault->root.damaged || vault->pins[CKU_SO].damaged || vault->pins[CKU_USER].damaged ||
		memcmp(seal_uuid(seal), vault->rows.uuid, SEAL_UUID) != 0)
		return CKR_DEVICE_ERROR;
	return seal_check(seal, vault->root.checksum, vault->root.tag);
}

/* The page as memory has it, from the entry *at on. False for an entry before it, which no page lists. */
static bool remember_page(
	const struct catalog *catalog, uint64_t number, size_t *at, struct row_page *out)
{
	uint64_t first = number * ROW_PAGE;

	*out = (struct row_page){.number = number};
	for (; *at < catalog->count && catalog->entries[*at]->id < first + ROW_PAGE; (*at)++) {
		const struct entry *entry = catalog->entries[*at];

		if (entry->id < first)
			return false;
		out->listed[entry->id - first] = true;
		memcpy(out->objects[entry->id - first], entry->tag, SEAL_TAG);
	}
	return true;
}

/* What memory has makes the very pages that the root lists. */
static CK_RV prove_pages(struct vault *vault, struct seal *seal)
{
	struct row_page page;
	size_t at = 0;
	CK_RV rv = CKR_OK;

	for (size_t i = 0; i < vault->root.count && rv == CKR_OK; i++) {
		const struct row_listed *listed = &vault->root.pages[i];

		if (listed->damaged || !remember_page(&vault->catalog, listed->number, &at, &page))
			return CKR_DEVICE_ERROR;
		rv = row_page_seal(&vault->rows, seal, &page);
		if (rv == CKR_OK && memcmp(page.tag, listed->tag, SEAL_TAG) != 0)
			rv = CKR_DEVICE_ERROR;
	}
	return rv == CKR_OK && at != vault->catalog.count ? CKR_DEVICE_ERROR : rv;
}

/* A private entry with its object. */
static CK_RV open_entry(
	struct vault *vault, struct seal *seal, const struct entry *known, struct entry **out)
{
	struct attributes *attributes = NULL;
	struct entry *entry = entry_new(known->id, known->version, known->tag);
	CK_RV rv;

	if (entry == NULL)
		return CKR_HOST_MEMORY;
	memcpy(entry->checksum, known->checksum, SEAL_CHECKSUM);
	entry->private = true;
	rv = entry_keep(entry, known->sealed, known->sealed_length);
	if (rv == CKR_OK)
		rv = vault_open_private(vault, seal, entry, &attributes);
	if (rv == CKR_OK) {
		entry->object = object_new(entry->id, attributes);
		if (entry->object == NULL) {
			attributes_free(attributes);
			rv = CKR_HOST_MEMORY;
		}
	}
	if (rv == CKR_OK)
		*out = entry;
	else
		entry_free(entry);
	return rv;
}

CK_RV proof_of_memory(
	struct vault *vault, struct seal *seal, CK_USER_TYPE user, struct catalog *out)
{
	CK_RV rv = prove_root(vault, seal);

	if (rv == CKR_OK)
		rv = prove_pages(vault, seal);
	for (size_t i = 0; i < vault->catalog.count && rv == CKR_OK; i++) {
		const struct entry *known = vault->catalog.entries[i];
		struct entry *entry = NULL;

		rv = known->damaged ? CKR_DEVICE_ERROR
				    : seal_check(seal, known->checksum, known->tag);
		if (rv != CKR_OK || !known->private || user != CKU_USER)
			continue;
		rv = open_entry(vault, seal, known, &entry);
		if (rv == CKR_OK)
			rv = catalog_reserve(out, 1);
		if (rv == CKR_OK)
			catalog_put(out, entry);
		else
			entry_free(entry);
	}
	return rv;
}
