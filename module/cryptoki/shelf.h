/*
 * shelf: the objects of a slot that live in memory: session objects, and the token's profiles.
 *
 * A session object is seen by all sessions of its slot and goes with the session that made it, or, when it
 * is private, with the login (PKCS #11 v3.0, 4.1 and 5.6). Ids have the handle's highest bit, which no
 * store's id has. Any number of threads may call at once.
 */
#ifndef PODPIS_CRYPTOKI_SHELF_H
#define PODPIS_CRYPTOKI_SHELF_H

#include <pthread.h>

#include "module/store/store.h"

#define SHELF_BIT         ((uint64_t)1 << (sizeof(CK_OBJECT_HANDLE) * 8 - 1))
#define SHELF_ON_TOKEN    ((CK_SESSION_HANDLE)0) /* owner of what stays: profiles */
#define SHELF_OBJECTS_MAX (1u << 20)

struct shelf_entry {
	struct object *object;
	CK_SESSION_HANDLE owner;
};

struct shelf {
	pthread_rwlock_t lock;
	uint64_t next;
	size_t count, capacity;
	struct shelf_entry *entries; /* by ascending id */
};

void shelf_open(struct shelf *shelf);
void shelf_close(struct shelf *shelf);

static inline bool shelf_has(CK_OBJECT_HANDLE handle)
{
	return (handle & SHELF_BIT) != 0;
}

/* Takes `attributes`, also when it fails. `out` may be NULL. CKR_HOST_MEMORY. */
CK_RV shelf_add(struct shelf *shelf, CK_SESSION_HANDLE owner, struct attributes *attributes,
	CK_OBJECT_HANDLE *out);
/* CKR_OBJECT_HANDLE_INVALID. The caller unrefs. */
CK_RV shelf_get(struct shelf *shelf, CK_OBJECT_HANDLE handle, struct object **out);
/* Takes `attributes`, also when it fails: the object's new state. */
CK_RV shelf_change(struct shelf *shelf, CK_OBJECT_HANDLE handle, struct attributes *attributes);
CK_RV shelf_remove(struct shelf *shelf, CK_OBJECT_HANDLE handle);

/* Adds those for which `matches` holds to the list. */
CK_RV shelf_find(struct shelf *shelf,
	bool (*matches)(const struct object *object, const void *context), const void *context,
	struct object_list *out);

/* A session ends; a login ends. */
void shelf_drop_session(struct shelf *shelf, CK_SESSION_HANDLE owner);
void shelf_drop_private(struct shelf *shelf);

#endif
