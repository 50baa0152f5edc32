/*
 * mechanism: what can be done with which keys, as one table (PKCS #11 v3.0, 5.5.6; Current Mechanisms).
 *
 * A mechanism that hashes stands on a raw one, which the store runs (operation.h); hashing and buffering are
 * done here. A token offers a mechanism when its store offers the raw one.
 */
#ifndef PODPIS_CRYPTOKI_MECHANISM_H
#define PODPIS_CRYPTOKI_MECHANISM_H

#include <stdbool.h>
#include <stdint.h>

#include "module/support/pkcs11.h"

struct attributes;
struct token_class;
struct module;

#define MECHANISM_NONE ((CK_MECHANISM_TYPE)-1)

/* What the raw mechanism gets. */
enum mechanism_input {
	MECHANISM_WHOLE,      /* the data */
	MECHANISM_DIGEST,     /* their digest */
	MECHANISM_DIGESTINFO, /* their digest in a DigestInfo (RFC 8017, 9.2) */
};

enum mechanism_parameter {
	MECHANISM_NO_PARAMETER,
	MECHANISM_PSS,
	MECHANISM_OAEP,
	MECHANISM_EDDSA,
	MECHANISM_ECDH,
};

struct mechanism {
	CK_MECHANISM_TYPE type;
	CK_MECHANISM_TYPE raw;  /* MECHANISM_NONE: no key is needed */
	CK_MECHANISM_TYPE hash; /* MECHANISM_NONE: does not hash */
	CK_KEY_TYPE key_type;
	CK_ULONG size_min, size_max; /* bits */
	CK_FLAGS flags;
	uint8_t input;     /* enum mechanism_input */
	uint8_t parameter; /* enum mechanism_parameter */
};

/*
 * The row of that mechanism if it can do what `flag` (CKF_SIGN, …) says, with its parameters checked.
 * CKR_MECHANISM_INVALID, CKR_MECHANISM_PARAM_INVALID, CKR_ARGUMENTS_BAD.
 */
CK_RV mechanism_find(const struct module *module, const CK_MECHANISM *mechanism, CK_FLAGS flag,
	const struct mechanism **out);

/* Has a token of that class a use for it? One that only signs has none for SHA-1 and SHA-224, keys and ciphers. */
bool mechanism_is_for(const struct token_class *class, const struct mechanism *row);

/* Does the key's CKA_ALLOWED_MECHANISMS allow it? An empty one allows all (PKCS #11 v3.0, 4.8). */
bool mechanism_is_allowed(const struct attributes *key, CK_MECHANISM_TYPE type);

CK_RV mechanism_list(
	struct module *module, CK_SLOT_ID slot_id, CK_MECHANISM_TYPE *list, CK_ULONG *count);
CK_RV mechanism_info(
	struct module *module, CK_SLOT_ID slot_id, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *out);

#endif
