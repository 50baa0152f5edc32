/*
 * catalog: what a vault holds, in memory, found by CKA_ID, CKA_LABEL and a few more without a walk.
 *
 * Entries stand in the order of their ids, which is the order in which they were made. An entry without an
 * object is there but not to be seen: private while nobody is logged in, or damaged. The catalog does not
 * lock: the vault's memory lock is held for reading or writing by the caller.
 */
#ifndef PODPIS_STORE_VAULT_CATALOG_H
#define PODPIS_STORE_VAULT_CATALOG_H

#include "module/crypto/key.h"
#include "module/store/store.h"
#include "module/store/vault/seal.h"

#define CATALOG_INDEXED 5 /* attributes that are indexed: the table in catalog.c */

struct catalog_link {
	struct catalog_link *next, **back; /* of one chain; `back` is NULL while not linked */
	struct entry *entry;
	uint32_t hash;
};

struct entry {
	uint64_t id, version;
	uint8_t tag[SEAL_TAG]; /* as the page lists it */
	uint8_t checksum[SEAL_CHECKSUM];
	bool damaged;          /* logged; never shown, never written again, its tag stays listed */
	bool private;          /* all its attributes are sealed */
	CK_OBJECT_CLASS class; /* of `object` */
	struct object *object; /* NULL: not to be seen */
	struct key *key;       /* decoded, while logged in; NULL: not yet */
	uint8_t *sealed;       /* the record of sealed attributes */
	size_t sealed_length;
	struct catalog_link links[CATALOG_INDEXED];
};

struct entry *entry_new(uint64_t id, uint64_t version, const uint8_t tag[SEAL_TAG]);
/* Keeps a copy of the record. CKR_HOST_MEMORY. */
CK_RV entry_keep(struct entry *entry, const uint8_t *sealed, size_t length);
void entry_free(struct entry *entry); /* NULL is fine; not while it is in a catalog */

struct catalog {
	size_t count, capacity;
	struct entry **entries; /* ascending by id */
	size_t links, buckets;  /* buckets is a power of two, or 0 */
	struct catalog_link **chains;
};

/* Makes room for `count` more entries, so that the catalog_puts that follow can't fail. */
CK_RV catalog_reserve(struct catalog *catalog, size_t count);
/* Takes the entry; one with the same id is freed. */
void catalog_put(struct catalog *catalog, struct entry *entry);
/* Takes the i-th entry out for another catalog; the slot must not be looked at again. */
struct entry *catalog_take(struct catalog *catalog, size_t i);
void catalog_remove(struct catalog *catalog, uint64_t id);
/* Gives an entry another object (taken; NULL hides it), and drops its key when hidden. */
void catalog_show(struct catalog *catalog, struct entry *entry, struct object *object);
void catalog_free(struct catalog *catalog);

struct entry *catalog_get(const struct catalog *catalog, uint64_t id); /* NULL: none */
/* Index of the first entry whose id is not below. */
size_t catalog_place(const struct catalog *catalog, uint64_t id);
/* Visible objects that match, ascending by id. */
CK_RV catalog_find(const struct catalog *catalog, const CK_ATTRIBUTE *templ, CK_ULONG count,
	struct object_list *out);

#endif
