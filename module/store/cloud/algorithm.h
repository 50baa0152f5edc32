/*
 * algorithm: PKCS#11's raw mechanisms in the words of signatures/signHash (CSC v1.0.4, 11.9; v2.0, 11.10): OIDs of
 * the signature and of the hash, and RSASSA-PSS's parameters as DER (RFC 4055, 3.1); and signatures back again.
 */
#ifndef PODPIS_STORE_CLOUD_ALGORITHM_H
#define PODPIS_STORE_CLOUD_ALGORITHM_H

#include "module/store/cloud/credential.h"
#include "module/support/buffer.h"
#include "module/support/pkcs11.h"

#define ALGORITHM_HASH_MAX 64 /* bytes of a hash */

/* How one hash is to be signed. Two with the same contents can go out in one request. */
struct algorithm {
	const char *sign, *hash; /* OIDs, constant */
	uint8_t parameters[80];  /* DER; length 0: none */
	size_t parameters_length;
	size_t size; /* of the hash, bytes */
};

/* The raw mechanisms that the credential's algorithms serve; at most `max`. */
size_t algorithm_mechanisms(
	const struct credential *credential, CK_MECHANISM_TYPE *list, size_t max);

/*
 * The algorithm, and the hash in `in`, which is the raw mechanism's input (operation.h): a DigestInfo, or the
 * digest itself. CKR_DATA_INVALID, CKR_DATA_LEN_RANGE (no hash of SHA-2), CKR_MECHANISM_INVALID (not served).
 */
CK_RV algorithm_choose(const struct credential *credential, const CK_MECHANISM *mechanism,
	const uint8_t *in, size_t in_length, struct algorithm *out, const uint8_t **hash);

bool algorithm_equal(const struct algorithm *a, const struct algorithm *b);

/* A signature as the service gave it, in PKCS#11's shape and exactly `size` bytes. CKR_DEVICE_ERROR: it is none. */
CK_RV algorithm_signature(const struct credential *credential, const uint8_t *given, size_t length,
	uint8_t *out, size_t size);

#endif
