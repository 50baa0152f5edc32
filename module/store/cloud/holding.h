/*
 * holding: what is known of one credential at one time: what the service said, and the objects made of it. Immutable
 * and counted: a refresh makes a new one, while those who use the old one go on with it.
 */
#ifndef PODPIS_STORE_CLOUD_HOLDING_H
#define PODPIS_STORE_CLOUD_HOLDING_H

#include "module/store/cloud/objects.h"

struct holding {
	_Atomic unsigned references;
	struct credential credential;
	struct object_list objects;
	uint64_t base;   /* of the objects' ids */
	json_t *info;    /* what it was made of */
	json_int_t read; /* when the service said so, seconds since 1970 */
};

/* CKR_DATA_INVALID, with *err: the credential is not one that can be shown. */
CK_RV holding_new(const char *id, json_t *info, unsigned version, json_int_t read, uint64_t base,
	struct holding **out, struct error *err);
struct holding *holding_ref(struct holding *holding);
void holding_unref(struct holding *holding); /* NULL is fine */

/* The object with that id; NULL: not there. Borrowed. */
struct object *holding_find(const struct holding *holding, uint64_t id);

#endif
