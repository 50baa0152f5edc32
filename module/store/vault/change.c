#include <stdlib.h>
#include <string.h>

#include "module/store/vault/change.h"
#include "module/store/vault/load.h"
#include "module/store/vault/row_object.h"

#define ID_MAX ((uint64_t)1 << 62)

/* A transaction under way: what the vault's memory will be when it is committed. */
struct change {
	struct vault *vault;
	struct row_root root;
	struct catalog put; /* new states of objects */
	uint64_t gone;      /* the object that is removed; 0: none */
};

/* `disk` is held on success, and only then. */
static CK_RV begin(struct change *change)
{
	struct vault *vault = change->vault;
	bool present;
	CK_RV rv;

	pthread_mutex_lock(&vault->disk);
	if (vault->seal == NULL) {
		rv = CKR_USER_NOT_LOGGED_IN;
		goto out;
	}
	rv = table_begin(vault->rows.table, TABLE_WRITE, &present);
	if (rv == CKR_OK && !present) {
		load_gone(vault);
		rv = CKR_DEVICE_REMOVED;
	}
	if (rv != CKR_OK)
		goto out;
	rv = load_inside(vault, LOAD_OBJECTS);
	if (rv == CKR_OK && vault->seal == NULL)
		rv = CKR_USER_NOT_LOGGED_IN;
	if (rv == CKR_OK && vault->root.damaged) {
		log_error(vault->log, "%s: the root is damaged; nothing can be written",
			table_path(vault->rows.table));
		rv = CKR_DEVICE_ERROR;
	}
	if (rv == CKR_OK)
		rv = row_root_copy(&vault->root, &change->root);
	if (rv == CKR_OK)
		change->root.generation++;
	else
		table_rollback(vault->rows.table);
out:
	if (rv != CKR_OK)
		pthread_mutex_unlock(&vault->disk);
	return rv;
}

static bool page_is_damaged(const struct row_root *root, uint64_t number)
{
	size_t at = row_root_place(root, number);

	return at < root->count && root->pages[at].number == number && root->pages[at].damaged;
}

/* Lists what a page will list: what memory has, then what this change puts or removes. */
static CK_RV write_page(struct change *change, uint64_t number)
{
	const struct catalog *sources[] = {&change->vault->catalog, &change->put};
	uint64_t first = number * ROW_PAGE;
	struct row_page page = {.number = number};
	bool empty = true;
	CK_RV rv;

	for (size_t s = 0; s < 2; s++) {
		for (size_t i = catalog_place(sources[s], first); i < sources[s]->count; i++) {
			const struct entry *entry = sources[s]->entries[i];

			if (entry->id >= first + ROW_PAGE)
				break;
			if (entry->id == change->gone)
				continue;
			page.listed[entry->id - first] = true;
			memcpy(page.objects[entry->id - first], entry->tag, SEAL_TAG);
			empty = false;
		}
	}
	if (empty) {
		rv = row_delete(&change->vault->rows, TABLE_PAGE_DELETE, number);
		return rv == CKR_OK ? row_root_list(&change->root, number, NULL) : rv;
	}
	rv = row_page_put(&change->vault->rows, change->vault->seal, &page);
	return rv == CKR_OK ? row_root_list(&change->root, number, page.tag) : rv;
}

static CK_RV write_pages(struct change *change)
{
	uint64_t number, last = UINT64_MAX;
	CK_RV rv = CKR_OK;

	for (size_t i = 0; i < change->put.count && rv == CKR_OK; i++) {
		number = change->put.entries[i]->id / ROW_PAGE;
		if (number != last)
			rv = write_page(change, number);
		last = number;
	}
	if (rv == CKR_OK && change->gone != 0)
		rv = write_page(change, change->gone / ROW_PAGE);
	return rv;
}

static void apply(struct change *change)
{
	struct vault *vault = change->vault;
	struct row_root old;

	pthread_rwlock_wrlock(&vault->memory);
	if (change->gone != 0)
		catalog_remove(&vault->catalog, change->gone);
	for (size_t i = 0; i < change->put.count; i++)
		catalog_put(&vault->catalog, catalog_take(&change->put, i));
	change->put.count = 0;
	old = vault->root;
	vault->root = change->root;
	change->root = old;
	pthread_rwlock_unlock(&vault->memory);
}

/* Ends the transaction in any case; `disk` is released. */
static CK_RV end(struct change *change, CK_RV rv)
{
	struct vault *vault = change->vault;

	if (rv == CKR_OK)
		rv = write_pages(change);
	if (rv == CKR_OK)
		rv = row_root_put(&vault->rows, vault->seal, &change->root);
	if (rv == CKR_OK) {
		/* Before the commit, because after it nothing may fail. */
		pthread_rwlock_wrlock(&vault->memory);
		rv = catalog_reserve(&vault->catalog, change->put.count);
		pthread_rwlock_unlock(&vault->memory);
	}
	if (rv == CKR_OK)
		rv = table_commit(vault->rows.table);
	else
		table_rollback(vault->rows.table);
	if (rv == CKR_OK)
		apply(change);
	pthread_mutex_unlock(&vault->disk);
	catalog_free(&change->put);
	row_root_free(&change->root);
	return rv;
}

/* Both records of an object: what is open, and what is sealed. */
static CK_RV make_records(struct change *change, uint64_t id, const struct attributes *attributes,
	struct buffer *open, struct buffer *sealed)
{
	CK_OBJECT_CLASS class = attributes_ulong(attributes, CKA_CLASS, CK_UNAVAILABLE_INFORMATION);
	bool private = attributes_bool(attributes, CKA_PRIVATE, false);
	struct buffer value = BUFFER_INIT(RECORD_MAX);
	const CK_ATTRIBUTE *attribute;
	uint8_t header[RECORD_HEADER];
	CK_RV rv = class == CK_UNAVAILABLE_INFORMATION ? CKR_TEMPLATE_INCOMPLETE : CKR_OK;

	if (rv == CKR_OK && private && change->vault->user != CKU_USER)
		rv = CKR_USER_NOT_LOGGED_IN;
	for (size_t i = 0; i < attributes->count && rv == CKR_OK; i++) {
		attribute = &attributes->list[i];
		if (!private && !record_is_secret(class, attribute->type)) {
			rv = record_put(open, attribute);
			continue;
		}
		if (attribute->type > UINT32_MAX) {
			rv = CKR_ATTRIBUTE_TYPE_INVALID;
			break;
		}
		buffer_reset(&value);
		rv = record_put_value(&value, attribute);
		if (rv != CKR_OK)
			break;
		record_put32(header, (uint32_t)attribute->type);
		record_put32(header + 4, (uint32_t)(value.length + SEAL_OVERHEAD));
		if (!buffer_append(sealed, header, sizeof(header)))
			rv = CKR_HOST_MEMORY;
		else
			rv = seal_close(change->vault->seal, id, (uint32_t)attribute->type,
				(const uint8_t *)buffer_text(&value), value.length, sealed);
	}
	buffer_free(&value);
	return rv;
}

static CK_RV shown_object(uint64_t id, const struct attributes *attributes, struct object **out)
{
	CK_OBJECT_CLASS class = attributes_ulong(attributes, CKA_CLASS, CK_UNAVAILABLE_INFORMATION);
	CK_ATTRIBUTE list[ATTRIBUTES_MAX];
	struct attributes *shown;
	CK_ULONG count = 0;
	CK_RV rv;

	for (size_t i = 0; i < attributes->count && count < ATTRIBUTES_MAX; i++)
		if (!record_is_secret(class, attributes->list[i].type))
			list[count++] = attributes->list[i];
	rv = attributes_new(NULL, list, count, &shown);
	if (rv != CKR_OK)
		return rv;
	*out = object_new(id, shown);
	if (*out == NULL)
		attributes_free(shown);
	return *out != NULL ? CKR_OK : CKR_HOST_MEMORY;
}

/* Writes one object's row and keeps its entry for the end. */
static CK_RV put(struct change *change, uint64_t id, const struct attributes *attributes)
{
	struct buffer open = BUFFER_INIT(RECORD_MAX), sealed = BUFFER_INIT(RECORD_MAX);
	struct row_object row = {.id = id, .version = change->root.generation};
	struct entry *entry = NULL;
	CK_RV rv = make_records(change, id, attributes, &open, &sealed);

	if (rv != CKR_OK)
		goto out;
	row.open = (const uint8_t *)buffer_text(&open);
	row.open_length = open.length;
	row.sealed = (const uint8_t *)buffer_text(&sealed);
	row.sealed_length = sealed.length;
	rv = row_object_put(&change->vault->rows, change->vault->seal, &row);
	if (rv == CKR_OK)
		rv = catalog_reserve(&change->put, 1);
	if (rv != CKR_OK)
		goto out;
	rv = CKR_HOST_MEMORY;
	entry = entry_new(id, row.version, row.tag);
	if (entry == NULL)
		goto out;
	memcpy(entry->checksum, row.checksum, SEAL_CHECKSUM);
	entry->private = open.length == 0;
	rv = entry_keep(entry, row.sealed, row.sealed_length);
	if (rv == CKR_OK)
		rv = shown_object(id, attributes, &entry->object);
	if (rv == CKR_OK) {
		catalog_put(&change->put, entry);
		entry = NULL;
	}
out:
	entry_free(entry);
	buffer_free(&open);
	buffer_free(&sealed);
	return rv;
}

CK_RV change_create(struct token *token, struct attributes *const attributes[], size_t count,
	struct object *objects[])
{
	struct change change = {.vault = vault_of(token)};
	const struct catalog *catalog = &change.vault->catalog;
	size_t made = 0;
	uint64_t id;
	CK_RV rv = begin(&change);

	if (rv != CKR_OK)
		return rv;
	/* An id that is in use, or none, is not given away, whatever the root says. */
	if (catalog->count > 0 && change.root.next <= catalog->entries[catalog->count - 1]->id)
		change.root.next = catalog->entries[catalog->count - 1]->id + 1;
	if (change.root.next == 0)
		change.root.next = 1;
	for (; made < count && rv == CKR_OK; made++) {
		while (page_is_damaged(&change.root, change.root.next / ROW_PAGE))
			change.root.next = (change.root.next / ROW_PAGE + 1) * ROW_PAGE;
		id = change.root.next++;
		rv = id < ID_MAX ? put(&change, id, attributes[made]) : CKR_DEVICE_MEMORY;
		if (rv != CKR_OK)
			break;
		objects[made] = object_ref(catalog_get(&change.put, id)->object);
	}
	rv = end(&change, rv);
	for (size_t i = 0; rv != CKR_OK && i < made; i++) {
		object_unref(objects[i]);
		objects[i] = NULL;
	}
	return rv;
}

/* The visible entry of an object that may be written. */
static CK_RV writable(struct change *change, uint64_t id, struct entry **out)
{
	struct vault *vault = change->vault;
	struct entry *entry = catalog_get(&vault->catalog, id);

	if (entry == NULL || entry->object == NULL)
		return CKR_OBJECT_HANDLE_INVALID;
	if (page_is_damaged(&vault->root, id / ROW_PAGE)) {
		log_error(vault->log, "%s: page %llu is damaged; object %llu can't be changed",
			table_path(vault->rows.table), (unsigned long long)(id / ROW_PAGE),
			(unsigned long long)id);
		return CKR_DEVICE_ERROR;
	}
	*out = entry;
	return CKR_OK;
}

CK_RV change_attributes(struct token *token, uint64_t id, const CK_ATTRIBUTE *changes,
	CK_ULONG count, struct object **out)
{
	struct change change = {.vault = vault_of(token)};
	struct attributes *old = NULL, *new = NULL;
	struct object *object = NULL;
	struct entry *entry;
	CK_RV rv = begin(&change);

	if (rv != CKR_OK)
		return rv;
	rv = writable(&change, id, &entry);
	if (rv == CKR_OK)
		rv = vault_all_attributes(change.vault, entry, &old);
	if (rv == CKR_OK)
		rv = attributes_new(old, changes, count, &new);
	if (rv == CKR_OK)
		rv = put(&change, id, new);
	if (rv == CKR_OK)
		object = object_ref(catalog_get(&change.put, id)->object);
	rv = end(&change, rv);
	attributes_free(old);
	attributes_free(new);
	if (rv == CKR_OK)
		*out = object;
	else
		object_unref(object);
	return rv;
}

CK_RV change_remove(struct token *token, uint64_t id)
{
	struct change change = {.vault = vault_of(token)};
	struct entry *entry;
	CK_RV rv = begin(&change);

	if (rv != CKR_OK)
		return rv;
	rv = writable(&change, id, &entry);
	if (rv == CKR_OK)
		rv = row_delete(&change.vault->rows, TABLE_OBJECT_DELETE, id);
	if (rv == CKR_OK)
		change.gone = id;
	return end(&change, rv);
}
