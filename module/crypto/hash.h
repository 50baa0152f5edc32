/*
 * hash: message digests by their PKCS#11 mechanism.
 *
 * One table holds what each digest is called: SHA-1, SHA-224, SHA-256, SHA-384, SHA-512 (OpenSSL's), Streebog of
 * 256 and 512 bits (module/gost's).
 */
#ifndef PODPIS_CRYPTO_HASH_H
#define PODPIS_CRYPTO_HASH_H

#include "module/crypto/context.h"

#define HASH_SIZE_MAX 64 /* bytes of the longest digest */

struct hash_info {
	CK_MECHANISM_TYPE mechanism; /* CKM_SHA256 */
	CK_RSA_PKCS_MGF_TYPE mgf;    /* CKG_MGF1_SHA256; 0 where there is none */
	const char *name;      /* OpenSSL's, fetched under the provider's prefix; NULL: Streebog */
	size_t size;           /* bytes */
	const uint8_t *prefix; /* DER DigestInfo up to the digest (RFC 8017, 9.2); NULL: none */
	size_t prefix_size;
};

/* NULL when the mechanism is no digest that is offered. */
const struct hash_info *hash_info(CK_MECHANISM_TYPE mechanism);
/* The i-th digest, NULL past the last: for mechanism lists. */
const struct hash_info *hash_info_at(size_t i);

struct hash; /* one running digest; used by one thread at a time */

CK_RV hash_new(struct crypto *crypto, CK_MECHANISM_TYPE mechanism, struct hash **out);
/* Starts over, keeping what was allocated: a session reuses its hash while the mechanism stays. */
CK_RV hash_restart(struct hash *hash);
CK_RV hash_update(struct hash *hash, const void *data, size_t length);
/* Writes info->size bytes. */
CK_RV hash_final(struct hash *hash, uint8_t *out);
const struct hash_info *hash_of(const struct hash *hash);
void hash_free(struct hash *hash);

#endif
