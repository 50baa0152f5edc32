#include <stdlib.h>

#include "module/store/store.h"

/* A token that grew past this has something wrong with it; a list is never larger. */
#define OBJECT_LIST_MAX ((size_t)1 << 24)

struct object *object_new(uint64_t id, struct attributes *attributes)
{
	struct object *object = malloc(sizeof(*object));

	if (object == NULL)
		return NULL;
	atomic_init(&object->references, 1);
	object->id = id;
	object->attributes = attributes;
	return object;
}

struct object *object_ref(struct object *object)
{
	atomic_fetch_add_explicit(&object->references, 1, memory_order_relaxed);
	return object;
}

void object_unref(struct object *object)
{
	if (object == NULL)
		return;
	if (atomic_fetch_sub_explicit(&object->references, 1, memory_order_acq_rel) != 1)
		return;
	attributes_free(object->attributes);
	free(object);
}

CK_RV object_list_add(struct object_list *list, struct object *object)
{
	struct object **grown;
	size_t capacity;

	if (list->count == list->capacity) {
		capacity = list->capacity == 0 ? 16 : list->capacity * 2;
		if (capacity > OBJECT_LIST_MAX)
			return CKR_HOST_MEMORY;
		grown = realloc(list->objects, capacity * sizeof(struct object *));
		if (grown == NULL)
			return CKR_HOST_MEMORY;
		list->objects = grown;
		list->capacity = capacity;
	}
	list->objects[list->count++] = object_ref(object);
	return CKR_OK;
}

void object_list_free(struct object_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		object_unref(list->objects[i]);
	free(list->objects);
	*list = (struct object_list){0};
}
