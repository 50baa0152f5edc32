/*
 * use: a session's prepared use of a key, for signing, verifying, encrypting and decrypting.
 *
 * What can be done before the data are there is done by C_…Init and kept: the next one with the same
 * mechanism, parameters, key and login takes it as it is, so that a signature costs what the primitive
 * costs. Whoever ends a use (use_end) only puts it to rest.
 */
#ifndef PODPIS_CRYPTOKI_USE_H
#define PODPIS_CRYPTOKI_USE_H

#include "module/cryptoki/mechanism.h"
#include "module/crypto/hash.h"
#include "module/crypto/operation.h"
#include "module/store/store.h"
#include "module/support/buffer.h"

struct session;

#define USE_PARAMETER_MAX 64        /* bytes of parameters that a use is kept with */
#define USE_DATA_MAX      (1 << 26) /* bytes that a mechanism which does not hash can collect */

struct use {
	bool active;
	bool started;  /* an Update came: only a Final can end it */
	bool asked;    /* a function for whole data was asked for the size: no Final can end it */
	bool unproved; /* CKA_ALWAYS_AUTHENTICATE: the context-specific login is still wanted */

	/* What it was prepared for; operation NULL: nothing. */
	enum operation_purpose purpose;
	const struct mechanism *mechanism;
	struct object *key;
	bool always_authenticate, is_private;
	unsigned long epoch; /* of the slot's logins */
	CK_ULONG parameter_length;
	uint8_t parameter[USE_PARAMETER_MAX];

	struct operation *operation;
	struct hash *hash;  /* NULL: the mechanism does not hash */
	struct buffer data; /* what Update brought, where it does not */
};

/*
 * C_…Init. A NULL mechanism ends an active use (PKCS #11 v3.0, 5.1). CKR_OPERATION_ACTIVE,
 * CKR_KEY_HANDLE_INVALID, CKR_KEY_TYPE_INCONSISTENT, CKR_KEY_FUNCTION_NOT_PERMITTED, mechanism_find's.
 */
CK_RV use_init(struct session *session, struct use *use, enum operation_purpose purpose,
	const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key);

/* All data of a function that takes them at once. NULL in its place: a Final, the data came by Update. */
struct use_data {
	const uint8_t *bytes;
	CK_ULONG length;
};

/*
 * Into a function for whole data, or a Final: CKR_OPERATION_NOT_INITIALIZED; CKR_OPERATION_ACTIVE, which ends
 * the use, when it is the other kind's to end (PKCS #11 v3.0, 5.2 and 5.13.2).
 */
CK_RV use_enter(struct use *use, const struct use_data *data);

/* C_…Update of what is hashed or collected. Does not end the use when it fails: the caller does. */
CK_RV use_update(struct use *use, const uint8_t *data, CK_ULONG length);

/*
 * Before the key is used: CKR_USER_NOT_LOGGED_IN when the login that the use began in is over, or when the
 * context-specific one is still wanted.
 */
CK_RV use_check_login(struct session *session, const struct use *use);

/* What the operation gets: the data, or what the mechanism makes of them. Points into `use` or `data`. */
struct use_input {
	const uint8_t *data;
	size_t length;
	uint8_t digest[128]; /* a DigestInfo at most */
};
CK_RV use_take(struct use *use, const struct use_data *data, struct use_input *out);

/* Makes the output in `*length` bytes of room; *length is what it has. */
typedef CK_RV use_run(
	struct use *use, const struct use_input *input, uint8_t *out, CK_ULONG *length);

/*
 * The whole of a function that gives something out, or its Final, up to the end of the use. A NULL `out` asks for
 * the length, and ends nothing. `exact`: as much room as can be needed has to be there before anything is done;
 * else `run` tells.
 */
CK_RV use_finish(struct session *session, struct use *use, const struct use_data *data, bool exact,
	use_run *run, uint8_t *out, CK_ULONG *length);

/* Ends the use; what was prepared stays. */
void use_end(struct use *use);
/* Ends the use if `rv` is an error that does so, or success; returns rv. */
CK_RV use_leave(struct use *use, CK_RV rv);
void use_free(struct use *use);

#endif
