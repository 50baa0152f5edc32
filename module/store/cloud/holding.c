#include "module/store/cloud/holding.h"

#include <stdlib.h>

CK_RV holding_new(const char *id, json_t *info, unsigned version, json_int_t read, uint64_t base,
	struct holding **out, struct error *err)
{
	struct holding *holding = calloc(1, sizeof(*holding));
	CK_RV rv;

	if (holding == NULL)
		return CKR_HOST_MEMORY;
	atomic_init(&holding->references, 1);
	holding->base = base;
	holding->read = read;
	if (!credential_read(id, info, version, &holding->credential, err)) {
		free(holding);
		return CKR_DATA_INVALID;
	}
	holding->info = json_incref(info);
	rv = objects_make(&holding->credential, base, &holding->objects);
	if (rv == CKR_OK)
		*out = holding;
	else
		holding_unref(holding);
	return rv;
}

struct holding *holding_ref(struct holding *holding)
{
	atomic_fetch_add_explicit(&holding->references, 1, memory_order_relaxed);
	return holding;
}

void holding_unref(struct holding *holding)
{
	if (holding == NULL ||
		atomic_fetch_sub_explicit(&holding->references, 1, memory_order_acq_rel) != 1)
		return;
	object_list_free(&holding->objects);
	credential_clear(&holding->credential);
	json_decref(holding->info);
	free(holding);
}

struct object *holding_find(const struct holding *holding, uint64_t id)
{
	for (size_t i = 0; i < holding->objects.count; i++) {
		if (holding->objects.objects[i]->id == id)
			return holding->objects.objects[i];
	}
	return NULL;
}
