#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "module/store/vault/catalog.h"

#define HASHED 64 /* a value's last bytes are hashed: a certificate's are its signature's */

/* In the order of preference: what tells objects apart best comes first. */
static const CK_ATTRIBUTE_TYPE indexed[CATALOG_INDEXED] = {
	CKA_ID, CKA_VALUE, CKA_SERIAL_NUMBER, CKA_SUBJECT, CKA_LABEL};

struct entry *entry_new(uint64_t id, uint64_t version, const uint8_t tag[SEAL_TAG])
{
	struct entry *entry = calloc(1, sizeof(*entry));

	if (entry == NULL)
		return NULL;
	entry->id = id;
	entry->version = version;
	memcpy(entry->tag, tag, SEAL_TAG);
	entry->class = CK_UNAVAILABLE_INFORMATION;
	return entry;
}

CK_RV entry_keep(struct entry *entry, const uint8_t *sealed, size_t length)
{
	if (length == 0)
		return CKR_OK;
	entry->sealed = malloc(length);
	if (entry->sealed == NULL)
		return CKR_HOST_MEMORY;
	memcpy(entry->sealed, sealed, length);
	entry->sealed_length = length;
	return CKR_OK;
}

void entry_free(struct entry *entry)
{
	if (entry == NULL)
		return;
	object_unref(entry->object);
	key_unref(entry->key);
	free(entry->sealed);
	free(entry);
}

/* FNV-1a over type, length and the value's end, eight bytes at a time. */
static uint32_t hash(CK_ATTRIBUTE_TYPE type, const uint8_t *value, size_t length)
{
	uint64_t h = 0xcbf29ce484222325u ^ type ^ (uint64_t)length << 32, word;
	size_t at = length > HASHED ? length - HASHED : 0, size;

	for (; at < length; at += size) {
		word = 0;
		size = length - at < sizeof(word) ? length - at : sizeof(word);
		memcpy(&word, value + at, size);
		h = (h ^ word) * 0x100000001b3u;
		h ^= h >> 29;
	}
	return (uint32_t)(h ^ h >> 32);
}

static void chain(struct catalog *catalog, struct catalog_link *link)
{
	struct catalog_link **head = &catalog->chains[link->hash & (catalog->buckets - 1)];

	link->next = *head;
	link->back = head;
	if (*head != NULL)
		(*head)->back = &link->next;
	*head = link;
}

static void unlink_entry(struct catalog *catalog, struct entry *entry)
{
	for (size_t i = 0; i < CATALOG_INDEXED; i++) {
		struct catalog_link *link = &entry->links[i];

		if (link->back == NULL)
			continue;
		*link->back = link->next;
		if (link->next != NULL)
			link->next->back = link->back;
		link->back = NULL;
		catalog->links--;
	}
}

static void link_entry(struct catalog *catalog, struct entry *entry)
{
	const CK_ATTRIBUTE *attribute;

	if (entry->object == NULL || catalog->buckets == 0)
		return;
	entry->class =
		attributes_ulong(entry->object->attributes, CKA_CLASS, CK_UNAVAILABLE_INFORMATION);
	for (size_t i = 0; i < CATALOG_INDEXED; i++) {
		attribute = attributes_find(entry->object->attributes, indexed[i]);
		if (attribute == NULL || attribute->ulValueLen == 0)
			continue;
		entry->links[i].entry = entry;
		entry->links[i].hash = hash(indexed[i], attribute->pValue, attribute->ulValueLen);
		chain(catalog, &entry->links[i]);
		catalog->links++;
	}
}

static CK_RV grow_chains(struct catalog *catalog, size_t links)
{
	size_t buckets = catalog->buckets == 0 ? 64 : catalog->buckets;
	struct catalog_link **chains, **old = catalog->chains;
	size_t old_buckets = catalog->buckets;

	while (buckets < links)
		buckets *= 2;
	if (buckets == old_buckets)
		return CKR_OK;
	chains = calloc(buckets, sizeof(struct catalog_link *));
	if (chains == NULL)
		return CKR_HOST_MEMORY;
	catalog->chains = chains;
	catalog->buckets = buckets;
	for (size_t i = 0; i < old_buckets; i++) {
		struct catalog_link *link = old[i], *next;

		for (; link != NULL; link = next) {
			next = link->next;
			chain(catalog, link);
		}
	}
	free(old);
	return CKR_OK;
}

CK_RV catalog_reserve(struct catalog *catalog, size_t count)
{
	size_t capacity = catalog->capacity == 0 ? 16 : catalog->capacity;
	struct entry **entries;

	while (capacity < catalog->count + count)
		capacity *= 2;
	if (capacity != catalog->capacity) {
		entries = reallocarray(catalog->entries, capacity, sizeof(struct entry *));
		if (entries == NULL)
			return CKR_HOST_MEMORY;
		catalog->entries = entries;
		catalog->capacity = capacity;
	}
	return grow_chains(catalog, catalog->links + count * CATALOG_INDEXED);
}

size_t catalog_place(const struct catalog *catalog, uint64_t id)
{
	size_t low = 0, high = catalog->count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (catalog->entries[middle]->id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct entry *catalog_get(const struct catalog *catalog, uint64_t id)
{
	size_t at = catalog_place(catalog, id);

	return at < catalog->count && catalog->entries[at]->id == id ? catalog->entries[at] : NULL;
}

void catalog_put(struct catalog *catalog, struct entry *entry)
{
	size_t at = catalog_place(catalog, entry->id);

	if (at < catalog->count && catalog->entries[at]->id == entry->id) {
		unlink_entry(catalog, catalog->entries[at]);
		entry_free(catalog->entries[at]);
	} else {
		memmove(catalog->entries + at + 1, catalog->entries + at,
			(catalog->count - at) * sizeof(struct entry *));
		catalog->count++;
	}
	catalog->entries[at] = entry;
	link_entry(catalog, entry);
}

struct entry *catalog_take(struct catalog *catalog, size_t i)
{
	struct entry *entry = catalog->entries[i];

	unlink_entry(catalog, entry);
	catalog->entries[i] = NULL;
	return entry;
}

void catalog_remove(struct catalog *catalog, uint64_t id)
{
	size_t at = catalog_place(catalog, id);

	if (at == catalog->count || catalog->entries[at]->id != id)
		return;
	unlink_entry(catalog, catalog->entries[at]);
	entry_free(catalog->entries[at]);
	memmove(catalog->entries + at, catalog->entries + at + 1,
		(catalog->count - at - 1) * sizeof(struct entry *));
	catalog->count--;
}

void catalog_show(struct catalog *catalog, struct entry *entry, struct object *object)
{
	unlink_entry(catalog, entry);
	object_unref(entry->object);
	entry->object = object;
	if (object == NULL) {
		key_unref(entry->key);
		entry->key = NULL;
		entry->class = CK_UNAVAILABLE_INFORMATION;
	}
	link_entry(catalog, entry);
}

void catalog_free(struct catalog *catalog)
{
	for (size_t i = 0; i < catalog->count; i++)
		entry_free(catalog->entries[i]);
	free(catalog->entries);
	free(catalog->chains);
	*catalog = (struct catalog){0};
}

static int by_id(const void *a, const void *b)
{
	const struct object *const *x = a, *const *y = b;

	return (*x)->id < (*y)->id ? -1 : (*x)->id > (*y)->id;
}

/* The template's attribute that is indexed and tells most; NULL: all entries have to be walked. */
static const CK_ATTRIBUTE *indexed_attribute(
	const CK_ATTRIBUTE *templ, CK_ULONG count, size_t *which)
{
	for (*which = 0; *which < CATALOG_INDEXED; (*which)++)
		for (CK_ULONG i = 0; i < count; i++)
			if (templ[i].type == indexed[*which] && templ[i].ulValueLen > 0 &&
				templ[i].pValue != NULL)
				return &templ[i];
	return NULL;
}

static CK_RV find_chained(const struct catalog *catalog, const CK_ATTRIBUTE *by,
	const CK_ATTRIBUTE *templ, CK_ULONG count, struct object_list *out)
{
	uint32_t h = hash(by->type, by->pValue, by->ulValueLen);
	const struct catalog_link *link;
	struct object *object;
	CK_RV rv = CKR_OK;

	if (catalog->buckets == 0)
		return CKR_OK;
	for (link = catalog->chains[h & (catalog->buckets - 1)]; link != NULL; link = link->next) {
		object = link->entry->object;
		if (link->hash != h || !attributes_match(object->attributes, templ, count))
			continue;
		rv = object_list_add(out, object);
		if (rv != CKR_OK)
			return rv;
	}
	if (out->count > 1)
		qsort(out->objects, out->count, sizeof(out->objects[0]), by_id);
	return CKR_OK;
}

static CK_RV find_walking(const struct catalog *catalog, const CK_ATTRIBUTE *templ, CK_ULONG count,
	struct object_list *out)
{
	CK_OBJECT_CLASS class = CK_UNAVAILABLE_INFORMATION;
	const struct entry *entry;
	CK_RV rv = CKR_OK;

	for (CK_ULONG i = 0; i < count; i++)
		if (templ[i].type == CKA_CLASS && templ[i].pValue != NULL &&
			templ[i].ulValueLen == sizeof(class))
			memcpy(&class, templ[i].pValue, sizeof(class));
	for (size_t i = 0; i < catalog->count && rv == CKR_OK; i++) {
		entry = catalog->entries[i];
		if (entry->object == NULL ||
			(class != CK_UNAVAILABLE_INFORMATION && entry->class != class))
			continue;
		if (attributes_match(entry->object->attributes, templ, count))
			rv = object_list_add(out, entry->object);
	}
	return rv;
}

CK_RV catalog_find(const struct catalog *catalog, const CK_ATTRIBUTE *templ, CK_ULONG count,
	struct object_list *out)
{
	struct object_list list = {0};
	const CK_ATTRIBUTE *by;
	size_t which;
	CK_RV rv;

	by = indexed_attribute(templ, count, &which);
	rv = by != NULL ? find_chained(catalog, by, templ, count, &list)
			: find_walking(catalog, templ, count, &list);
	if (rv == CKR_OK)
		*out = list;
	else
		object_list_free(&list);
	return rv;
}
