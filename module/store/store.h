/*
 * store: where keys and certificates are kept. The one interface between cryptoki and its stores.
 *
 * cryptoki keeps what PKCS#11 says (sessions, login rules, handles, attribute rules, operation state);
 * a store keeps things. One [slot NAME] section opens one store; a store has one or more tokens (a vault
 * one, a token module all its tokens, a cloud account one per credential); each token is one slot.
 *
 * Threads: any number may call at once; a token locks for itself and holds no lock across I/O to a device
 * or a network, nor across foreign code. `info`, `find` and what objects hold answer from memory
 * (docs/architecture.md, rule 4). Errors are CK_RVs, logged where they happen. Output parameters are set on
 * success only.
 */
#ifndef PODPIS_STORE_STORE_H
#define PODPIS_STORE_STORE_H

#include <stdatomic.h>
#include <stdint.h>

#include "module/crypto/context.h"
#include "module/crypto/operation.h"
#include "module/support/attributes.h"
#include "module/support/buffer.h"
#include "module/support/config.h"
#include "module/support/log.h"

#include "module/podpis-cloud.h"

struct inner_table;
struct inner_visit;

/*
 * object: one state of one stored object. Immutable and counted: a change makes a new one with the same id.
 * Secret attributes (CKA_VALUE of a private key, CKA_PRIVATE_EXPONENT, primes) are never among `attributes`
 * of a store that can keep them elsewhere; the token's `reveal` gives them where the rules allow.
 */
struct object {
	_Atomic unsigned references;
	uint64_t id; /* of the token, never 0, never used again; fits CK_OBJECT_HANDLE */
	struct attributes *attributes;
};

struct object *object_new(uint64_t id,
	struct attributes *attributes); /* takes `attributes`; NULL: no memory, not taken */
struct object *object_ref(struct object *object);
void object_unref(struct object *object); /* NULL is fine */

/* A growing list of references; `object_list_free` drops them. */
struct object_list {
	size_t count, capacity;
	struct object **objects;
};
CK_RV object_list_add(
	struct object_list *list, struct object *object); /* takes its own reference */
void object_list_free(struct object_list *list);

/* What C_GetTokenInfo needs from a token; sessions' counts are cryptoki's. */
struct token_info {
	char label[32], manufacturer[32], model[16], serial[16]; /* blank-padded UTF-8 */
	CK_FLAGS
	flags; /* CKF_RNG, _WRITE_PROTECTED, _LOGIN_REQUIRED, _USER_PIN_INITIALIZED, _TOKEN_INITIALIZED,
			   the PIN counters', _PROTECTED_AUTHENTICATION_PATH */
	CK_ULONG pin_min, pin_max; /* bytes */
};

struct token;

/* What reading a whole vault found: a line for each thing that is wrong. */
struct vault_report {
	size_t objects, findings;
	bool tags; /* checked, too */
	struct buffer
		lines; /* each ends with a newline; nothing in them moves a terminal's cursor */
};

/* What only a store in a file of its own can do, as module/podpis-vault.h says it; nobody is called back. */
struct vault_class {
	CK_RV (*check)(struct token *token, struct vault_report *report);
	CK_RV (*backup)(struct token *token, const char *path, struct vault_report *report);
	CK_RV(*restore)
	(struct token *token, const char *path, CK_USER_TYPE user, const uint8_t *pin,
		size_t length, CK_FLAGS flags, struct vault_report *report);
};

/*
 * There are two kinds of tokens. One is another PKCS#11 module's, which takes the calls over wholesale: it has
 * the first group of functions, and cryptoki hands each C_* call on. Any other has the second group.
 */
struct token_class {
	const char *name; /* "vault" */

	/*
	 * Into the module that has the token (inner.h), and the slot there that the token is in now. Loads the
	 * module where need be. CKR_TOKEN_NOT_PRESENT; CKR_DEVICE_ERROR: the module can't be used. NULL: a token
	 * of the second kind.
	 */
	CK_RV (*enter)(struct token *token, struct inner_visit *out, CK_SLOT_ID *slot);
	/*
	 * Has the token gone, though the module does not say so? `error` is what a call answered; after CKR_OK the
	 * token is not asked more often than is good for the next call.
	 */
	bool (*gone)(struct token *token, const struct inner_visit *visit, CK_RV error);
	/* A session of that epoch was opened (1), or ended (-1). */
	void (*count)(struct token *token, unsigned long epoch, int change);

	/* From memory. CKR_TOKEN_NOT_PRESENT, CKR_DEVICE_ERROR (a broken section: the slot stays, empty). */
	CK_RV (*info)(struct token *token, struct token_info *out);

	/* C_InitToken: empties the token. CKR_PIN_INCORRECT when it was initialised under another SO PIN. */
	CK_RV(*init)
	(struct token *token, const uint8_t *so_pin, size_t length, const char label[32]);

	/*
	 * `user` is CKU_USER, CKU_SO or CKU_CONTEXT_SPECIFIC. A login is the process's (of this copy of the
	 * module), as PKCS#11 wants it. CKR_PIN_INCORRECT, CKR_PIN_LOCKED, CKR_USER_PIN_NOT_INITIALIZED.
	 */
	CK_RV (*login)(struct token *token, CK_USER_TYPE user, const uint8_t *pin, size_t length);
	/* Forgets keys and opened attributes. Never fails. */
	void (*logout)(struct token *token);
	/* From memory: has the login not ended by itself, since another token stands there now? NULL: it never does. */
	bool (*logged_in)(struct token *token);
	/* SO: sets the user PIN. */
	CK_RV (*init_pin)(struct token *token, const uint8_t *pin, size_t length);
	CK_RV(*set_pin)
	(struct token *token, CK_USER_TYPE user, const uint8_t *old_pin, size_t old_length,
		const uint8_t *new_pin, size_t new_length);

	/*
	 * Objects that match the template, in the order they were made, private ones only while the user is
	 * logged in. Sees what other processes wrote: asks one change counter, reads the disk only when it moved.
	 */
	CK_RV(*find)
	(struct token *token, const CK_ATTRIBUTE *templ, CK_ULONG count, struct object_list *out);
	/* The present state of an object. CKR_OBJECT_HANDLE_INVALID when it is gone (or not to be seen). */
	CK_RV (*get)(struct token *token, uint64_t id, struct object **out);

	/*
	 * Writes: each is one durable transaction; several objects are written together or not at all.
	 * `attributes` are complete (cryptoki filled in the defaults) and hold the secret ones, too; the token
	 * takes copies. New objects come back with a reference each. CKR_TOKEN_WRITE_PROTECTED,
	 * CKR_DEVICE_MEMORY (disk full), CKR_DEVICE_ERROR, CKR_USER_NOT_LOGGED_IN.
	 */
	CK_RV(*create)
	(struct token *token, struct attributes *const attributes[], size_t count,
		struct object *objects[]);
	CK_RV(*change)
	(struct token *token, uint64_t id, const CK_ATTRIBUTE *changes, CK_ULONG count,
		struct object **out);
	CK_RV (*remove)(struct token *token, uint64_t id);

	/* Values of secret attributes, as a set, for C_GetAttributeValue and C_CopyObject of an extractable key. */
	CK_RV (*reveal)(struct token *token, uint64_t id, struct attributes **out);

	/*
	 * Key generation. NULL: cryptoki makes the key itself and calls `create` with both parts. A token whose
	 * keys are born inside does it here.
	 */
	CK_RV(*generate)
	(struct token *token, const CK_MECHANISM *mechanism, struct attributes *public_part,
		struct attributes *private_part, struct object *pair[2]);

	/*
	 * The use of a private key with a raw mechanism (operation.h). Decoded keys are cached while logged in;
	 * an operation that outlives the login answers CKR_USER_NOT_LOGGED_IN.
	 */
	CK_RV(*prepare)
	(struct token *token, uint64_t id, enum operation_purpose purpose,
		const CK_MECHANISM *mechanism, struct operation **out);
	/* CKM_ECDH1_DERIVE's raw secret (key.h, key_derive). */
	CK_RV(*derive)
	(struct token *token, uint64_t id, const uint8_t *peer, size_t peer_length,
		uint8_t **secret, size_t *secret_length);

	/* The raw mechanisms that this token's keys can be used with; cryptoki adds the hashing ones. */
	CK_RV (*mechanisms)(struct token *token, CK_MECHANISM_TYPE *list, CK_ULONG *count);

	/* Its keys sign what was hashed with SHA-2, and nothing else. */
	bool signs_only;

	const struct vault_class *vault; /* NULL: not a vault */
};

struct token {
	const struct token_class *class;
	const char *description; /* the section's name, for CK_SLOT_INFO.slotDescription */
	/* While `login` is under way: not 0, it is to end (operation.h). Under the lock that serialises logins. */
	const atomic_uint *cancelled;
};

/* What a store gets from the module, for as long as it lives. */
struct store_environment {
	struct log *log;
	struct crypto *crypto;
	struct inner_table *inners;
	const atomic_bool *closing; /* C_Finalize waits for all calls to end */
};

struct store;

/* What only a store at a signing service can do, as module/podpis-cloud.h says it; `lines` as in vault_report. */
struct cloud_class {
	CK_RV (*credential)(struct token *token, PODPIS_CLOUD_CREDENTIAL *out);
	CK_RV(*refresh)
	(struct store *store, CK_ULONG seconds, CK_ULONG *credentials, struct buffer *lines);
	CK_RV (*send_otp)(struct token *token, CK_ULONG seconds, struct buffer *lines);
};

struct store_class {
	const char *name; /* the section's `store =` */
	/*
	 * Opens what a section names. A token that can't be used now is still opened: it says so when asked.
	 * Fails only without memory. *out NULL: the store can't be used at all, which was logged.
	 */
	CK_RV(*open)
	(const struct config_section *section, const struct store_environment *environment,
		struct store **out);
	/* No call is under way and no object of it is held. Works after OPENSSL_cleanup. */
	void (*close)(struct store *store);
	/* Looks for new tokens, for C_GetSlotList. NULL: they are all known from the start. */
	CK_RV (*refresh)(struct store *store);
	/* The i-th token, NULL past the last. Tokens may be added, never removed or moved, while open. */
	struct token *(*token)(struct store *store, size_t i);

	const struct cloud_class *cloud; /* NULL: not a signing service */
};

struct store {
	const struct store_class *class;
};

/* The class of that name, NULL when unknown. */
const struct store_class *store_class_find(const char *name);

#endif
