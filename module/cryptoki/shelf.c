#include "module/cryptoki/shelf.h"

#include <stdlib.h>
#include <string.h>

void shelf_open(struct shelf *shelf)
{
	*shelf = (struct shelf){.next = SHELF_BIT | 1};
	pthread_rwlock_init(&shelf->lock, NULL);
}

void shelf_close(struct shelf *shelf)
{
	for (size_t i = 0; i < shelf->count; i++)
		object_unref(shelf->entries[i].object);
	free(shelf->entries);
	pthread_rwlock_destroy(&shelf->lock);
}

/* Called with the lock held. NULL when there is none. */
static struct shelf_entry *shelf_entry(struct shelf *shelf, uint64_t id)
{
	size_t low = 0, high = shelf->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (shelf->entries[middle].object->id < id)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == shelf->count || shelf->entries[low].object->id != id)
		return NULL;
	return &shelf->entries[low];
}

static bool shelf_reserve(struct shelf *shelf)
{
	if (shelf->count < shelf->capacity)
		return true;
	size_t capacity = shelf->capacity == 0 ? 16 : shelf->capacity * 2;
	if (capacity > SHELF_OBJECTS_MAX)
		return false;
	struct shelf_entry *entries =
		reallocarray(shelf->entries, capacity, sizeof(*shelf->entries));
	if (entries == NULL)
		return false;
	shelf->entries = entries;
	shelf->capacity = capacity;
	return true;
}

CK_RV shelf_add(struct shelf *shelf, CK_SESSION_HANDLE owner, struct attributes *attributes,
	CK_OBJECT_HANDLE *out)
{
	struct object *object = NULL;

	pthread_rwlock_wrlock(&shelf->lock);
	if (shelf_reserve(shelf))
		object = object_new(shelf->next, attributes);
	if (object != NULL) {
		shelf->next++;
		shelf->entries[shelf->count++] =
			(struct shelf_entry){.object = object, .owner = owner};
		if (out != NULL)
			*out = object->id;
	}
	pthread_rwlock_unlock(&shelf->lock);
	if (object == NULL) {
		attributes_free(attributes);
		return CKR_HOST_MEMORY;
	}
	return CKR_OK;
}

CK_RV shelf_get(struct shelf *shelf, CK_OBJECT_HANDLE handle, struct object **out)
{
	CK_RV rv = CKR_OBJECT_HANDLE_INVALID;

	pthread_rwlock_rdlock(&shelf->lock);
	const struct shelf_entry *entry = shelf_entry(shelf, handle);
	if (entry != NULL) {
		*out = object_ref(entry->object);
		rv = CKR_OK;
	}
	pthread_rwlock_unlock(&shelf->lock);
	return rv;
}

CK_RV shelf_change(struct shelf *shelf, CK_OBJECT_HANDLE handle, struct attributes *attributes)
{
	struct object *changed = object_new(handle, attributes);
	struct object *old = changed;

	if (changed == NULL) {
		attributes_free(attributes);
		return CKR_HOST_MEMORY;
	}
	pthread_rwlock_wrlock(&shelf->lock);
	struct shelf_entry *entry = shelf_entry(shelf, handle);
	if (entry != NULL) {
		old = entry->object;
		entry->object = changed;
	}
	pthread_rwlock_unlock(&shelf->lock);
	object_unref(old);
	return entry != NULL ? CKR_OK : CKR_OBJECT_HANDLE_INVALID;
}

CK_RV shelf_remove(struct shelf *shelf, CK_OBJECT_HANDLE handle)
{
	struct object *object = NULL;

	pthread_rwlock_wrlock(&shelf->lock);
	struct shelf_entry *entry = shelf_entry(shelf, handle);
	if (entry != NULL) {
		object = entry->object;
		size_t behind = shelf->count - (size_t)(entry - shelf->entries) - 1;
		memmove(entry, entry + 1, behind * sizeof(*entry));
		shelf->count--;
	}
	pthread_rwlock_unlock(&shelf->lock);
	object_unref(object);
	return object != NULL ? CKR_OK : CKR_OBJECT_HANDLE_INVALID;
}

CK_RV shelf_find(struct shelf *shelf,
	bool (*matches)(const struct object *object, const void *context), const void *context,
	struct object_list *out)
{
	CK_RV rv = CKR_OK;

	pthread_rwlock_rdlock(&shelf->lock);
	for (size_t i = 0; i < shelf->count && rv == CKR_OK; i++)
		if (matches(shelf->entries[i].object, context))
			rv = object_list_add(out, shelf->entries[i].object);
	pthread_rwlock_unlock(&shelf->lock);
	return rv;
}

static bool shelf_belongs(const struct shelf_entry *entry, const void *context)
{
	const CK_SESSION_HANDLE *owner = context;
	return entry->owner == *owner;
}

static bool shelf_is_private(const struct shelf_entry *entry, const void *context)
{
	(void)context;
	return attributes_bool(entry->object->attributes, CKA_PRIVATE, false);
}

static void shelf_drop(struct shelf *shelf,
	bool (*matches)(const struct shelf_entry *entry, const void *context), const void *context)
{
	size_t kept = 0;

	pthread_rwlock_wrlock(&shelf->lock);
	for (size_t i = 0; i < shelf->count; i++) {
		if (matches(&shelf->entries[i], context))
			object_unref(shelf->entries[i].object);
		else
			shelf->entries[kept++] = shelf->entries[i];
	}
	shelf->count = kept;
	pthread_rwlock_unlock(&shelf->lock);
}

void shelf_drop_session(struct shelf *shelf, CK_SESSION_HANDLE owner)
{
	shelf_drop(shelf, shelf_belongs, &owner);
}

void shelf_drop_private(struct shelf *shelf)
{
	shelf_drop(shelf, shelf_is_private, NULL);
}
