/*
 * vault: the store "vault": one token in one SQLite file (docs/vault-format.md).
 *
 * Two locks. `disk` is held by whoever uses the table, through a whole transaction. `memory` guards what
 * follows it; it is taken after `disk` and never held across I/O, so that searches and operations never
 * wait for another thread's disk. What `memory` guards is changed only while both are held: with either of
 * them it may be read. The one exception is entry->key, which belongs to `memory` alone.
 */
#ifndef PODPIS_STORE_VAULT_VAULT_H
#define PODPIS_STORE_VAULT_VAULT_H

#include <pthread.h>

#include "module/store/store.h"
#include "module/store/vault/catalog.h"
#include "module/store/vault/record.h"
#include "module/store/vault/row.h"

extern const struct store_class vault_store_class;

#define VAULT_LOGGED_OUT ((CK_USER_TYPE)-1)

/* One login. Operations that were prepared in it hold a reference and ask whether it still is. */
struct vault_login {
	_Atomic unsigned references;
	_Atomic bool over;
};

void vault_login_unref(struct vault_login *login); /* NULL is fine */

struct vault {
	struct store store;
	struct token token;
	struct log *log;
	struct crypto *crypto;

	pthread_mutex_t disk;
	struct row_context rows; /* with the uuid of the vault that was read last */

	pthread_rwlock_t memory;
	_Atomic CK_RV status; /* why the file can't be used at all; CKR_OK */
	_Atomic bool listed;  /* the catalog holds the objects; else they are still to be read */
	bool present;         /* initialised */
	bool read_only;       /* as far as the file's mode tells */
	uint8_t uuid[SEAL_UUID];
	struct row_root root;
	struct row_pin pins[2]; /* by role: CKU_SO, CKU_USER */
	struct catalog catalog;
	CK_USER_TYPE user; /* CKU_USER, CKU_SO or VAULT_LOGGED_OUT */
	struct seal *seal; /* while logged in */
	struct vault_login *login;
};

/* The vault at a path, nothing of it read yet. `name` and `path` are copied. NULL without memory. */
struct vault *vault_new(
	const struct store_environment *environment, const char *name, const char *path);
void vault_free(struct vault *vault); /* NULL is fine */

struct vault *vault_of(struct token *token);

bool vault_present(struct vault *vault); /* initialised, as far as memory knows */

/* Sealed attributes of an entry, the secret ones or the others, added to `values`. `memory` or `disk` is held. */
CK_RV vault_open_sealed(struct vault *vault, struct seal *seal, const struct entry *entry,
	bool secret, struct record_values *values);

/* The attributes that a private entry shows. As above. The caller frees. */
CK_RV vault_open_private(
	struct vault *vault, struct seal *seal, const struct entry *entry, struct attributes **out);

/* All attributes of a visible entry, secret ones included (CKR_USER_NOT_LOGGED_IN). As above. The caller frees. */
CK_RV vault_all_attributes(struct vault *vault, const struct entry *entry, struct attributes **out);

#endif
