/*
 * operation: one prepared use of one key, with everything that can be done before the data are there done.
 *
 * A session keeps its operation while mechanism, parameters and key stay the same, so that a signature
 * costs what the primitive costs. It works on whole inputs: hashing and buffering are cryptoki's.
 * An operation is used by one thread at a time; several operations may share a key.
 *
 * Raw mechanisms and their inputs:
 *   CKM_RSA_PKCS sign, verify     DigestInfo, or any bytes up to k - 11
 *   CKM_RSA_X_509                 k bytes (shorter: zero bytes in front)
 *   both, verify with recovery    the signature; what was signed comes out
 *   CKM_RSA_PKCS_PSS              the digest, of hashAlg's size (parameters: CK_RSA_PKCS_PSS_PARAMS)
 *   CKM_RSA_PKCS decrypt          k bytes; a bad padding gives a false message, no error (padding.h)
 *   CKM_RSA_PKCS_OAEP decrypt     k bytes; a bad padding is found in constant time
 *   CKM_ECDSA                     the digest (longer than the curve's order: its leftmost bits); signature r || s
 *   CKM_GOSTR3410, _512           the Streebog digest of 32 or 64 bytes; signature s || r
 *   CKM_EDDSA                     the message; no parameters, or CK_EDDSA_PARAMS with phFlag false, no context
 * Other stores implement the same interface (a cloud key signs over the network).
 */
#ifndef PODPIS_CRYPTO_OPERATION_H
#define PODPIS_CRYPTO_OPERATION_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "module/support/pkcs11.h"

enum operation_purpose {
	OPERATION_SIGN,
	OPERATION_VERIFY,
	OPERATION_ENCRYPT,
	OPERATION_DECRYPT,
	OPERATION_SIGN_RECOVER, /* signs as OPERATION_SIGN does */
	OPERATION_VERIFY_RECOVER,
};

struct operation;

struct operation_class {
	/*
	 * All but VERIFY: writes at most *out_length bytes (never more than output_max) and sets it.
	 * CKR_DATA_LEN_RANGE, CKR_DATA_INVALID, CKR_ENCRYPTED_DATA_INVALID, CKR_ENCRYPTED_DATA_LEN_RANGE,
	 * CKR_SIGNATURE_INVALID, CKR_SIGNATURE_LEN_RANGE,
	 * CKR_FUNCTION_FAILED, and what a store adds: CKR_DEVICE_REMOVED, CKR_PIN_INCORRECT, CKR_USER_NOT_LOGGED_IN.
	 */
	CK_RV(*run)
	(struct operation *operation, const uint8_t *in, size_t in_length, uint8_t *out,
		size_t *out_length);
	/* VERIFY: CKR_OK, CKR_SIGNATURE_INVALID, CKR_SIGNATURE_LEN_RANGE, CKR_DATA_LEN_RANGE. */
	CK_RV(*verify)
	(struct operation *operation, const uint8_t *in, size_t in_length, const uint8_t *signature,
		size_t signature_length);
	/*
	 * The context-specific login of a CKA_ALWAYS_AUTHENTICATE key, where the PIN belongs to the one use of it. NULL:
	 * the token checks the PIN.
	 */
	CK_RV (*authorise)(struct operation *operation, const uint8_t *pin, size_t length);
	void (*free)(struct operation *operation);
};

struct operation {
	const struct operation_class *class;
	size_t output_max; /* bytes: exact for signatures, an upper bound for decryption */
	/* What `run` asks while it waits for others: not 0, it is to end with CKR_FUNCTION_CANCELED. NULL: never. */
	const atomic_uint *cancelled;
	size_t input_max; /* bytes that `run` can take at most; SIZE_MAX where only memory limits it */
};

static inline void operation_free(struct operation *operation)
{
	if (operation != NULL)
		operation->class->free(operation);
}

#endif
