/*
 * slot: the slots and their tokens (PKCS #11 v3.0, 5.5).
 *
 * A [slot] section of the configuration opens a store, and each of its tokens is a slot. A slot's id is the
 * section's number plus 65,536 times the token's number in its store: it stays the same while other stores
 * grow. A section that can't be used keeps its slot, without a token (docs/architecture.md, rule 6).
 */
#ifndef PODPIS_CRYPTOKI_SLOT_H
#define PODPIS_CRYPTOKI_SLOT_H

#include <pthread.h>
#include <stdatomic.h>

#include "module/cryptoki/shelf.h"
#include "module/store/store.h"

struct module;

#define SLOT_TOKENS_MAX 64                 /* of one store */
#define SLOT_USER_NONE  ((CK_USER_TYPE)-1) /* nobody is logged in */

enum slot_seen { SLOT_SEEN_NEVER, SLOT_SEEN_EMPTY, SLOT_SEEN_PRESENT };

struct slot {
	CK_SLOT_ID id;
	const char *description;
	struct token *_Atomic token; /* NULL: none; never changes once it is there */

	/* Serialises logins, PIN changes and initialisation: the one lock held across the store's work. */
	pthread_mutex_t login;
	/* Over what follows; held briefly. Taken after `login` and after a session's. */
	pthread_mutex_t mutex;
	CK_ULONG sessions, rw_sessions;
	bool so_login; /* a login of the SO is under way: no read-only session may open */
	/* Written under the mutex, read without. */
	_Atomic CK_USER_TYPE user;
	atomic_ulong epoch; /* counts logins and logouts */

	atomic_uint seen; /* enum slot_seen: what C_WaitForSlotEvent goes by, for a foreign token */

	struct shelf shelf; /* session objects and profiles */
};

struct slot_section {
	struct store *store; /* NULL: can't be used */
	const char *name;
	atomic_size_t count;
	struct slot *_Atomic slots[SLOT_TOKENS_MAX];
};

struct slot_table {
	pthread_mutex_t mutex; /* over growing */
	size_t count;
	struct slot_section *sections;
};

/* Fails only without memory. A table of zeros can be closed. */
CK_RV slot_table_open(struct slot_table *table, const struct config *config,
	const struct store_environment *environment);
void slot_table_close(struct slot_table *table);

/* CKR_SLOT_ID_INVALID */
CK_RV slot_find(struct slot_table *table, CK_SLOT_ID id, struct slot **out);
/*
 * The same, with a token of our own in it: CKR_TOKEN_NOT_PRESENT, for another module's (foreign.h)
 * CKR_FUNCTION_NOT_SUPPORTED; `info` may be NULL.
 */
CK_RV slot_find_token(
	struct slot_table *table, CK_SLOT_ID id, struct slot **out, struct token_info *info);

/* The store that the slot's section opened. NULL: it can't be used. `id` is a slot's. */
struct store *slot_store(struct slot_table *table, CK_SLOT_ID id);

CK_RV slot_list(struct module *module, bool present, CK_SLOT_ID *list, CK_ULONG *count);
CK_RV slot_info(struct module *module, CK_SLOT_ID id, CK_SLOT_INFO *out);
CK_RV slot_token_info(struct module *module, CK_SLOT_ID id, CK_TOKEN_INFO *out);

#endif
