/*
 * algorithm: PKCS#11's raw mechanisms in the words of signatures/signHash (CSC v1.0.4, 11.9; v2.0, 11.10): OIDs of
 * the signature and of the hash, and RSASSA-PSS's parameters as DER (RFC 4055, 3.1); and signatures back again.
 * GOST's OIDs are those of RFC 9215, which CSC does not name and does not exclude.
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
 * digest itself. CKR_DATA_INVALID, CKR_DATA_LEN_RANGE (no hash for this key), CKR_MECHANISM_INVALID (not served).
 */
CK_RV algorithm_choose(const struct credential *credential, const CK_MECHANISM *mechanism,
	const uint8_t *in, size_t in_length, struct algorithm *out, const uint8_t **hash);

bool algorithm_equal(const struct algorithm *a, const struct algorithm *b);

/*
 * A signature as a service gives it, in PKCS#11's shape and exactly `size` bytes. Services differ, and some shapes look
 * like others, so each is tried until one verifies: `shape` counts from 0 to ALGORITHM_SHAPES. False: it can't be that
 * one, or there is none of that number for the key.
 */
#define ALGORITHM_SHAPES 4
bool algorithm_signature(const struct credential *credential, unsigned shape, const uint8_t *given,
	size_t length, uint8_t *out, size_t size);

#endif
