/*
 * gost_key: an authority's or a credential's GOST R 34.10-2012 key, with the project's own code (module/gost). OpenSSL knows such keys
 * for verifying only (asn1/gost_provider.h).
 */
#ifndef PODPIS_SANDBOX_GOST_KEY_H
#define PODPIS_SANDBOX_GOST_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "module/support/buffer.h"

struct gost_key;

/* Of a parameter set of module/gost/gost_curve.h. NULL: no such set, no memory, no random bytes. */
struct gost_key *gost_key_generate(const char *set);
/* Another one of the same set. */
struct gost_key *gost_key_other(const struct gost_key *key);
void gost_key_free(struct gost_key *key); /* NULL is fine */

/* As it is kept: the set's OID in DER and the private key, little-endian. Appended. */
bool gost_key_save(const struct gost_key *key, struct buffer *out);
/* NULL when that is none. */
struct gost_key *gost_key_load(const uint8_t *data, size_t length);

/* Its SubjectPublicKeyInfo in DER, appended. */
bool gost_key_spki(const struct gost_key *key, struct buffer *der);

/* s || r of a Streebog digest as long as the key. Appended. */
bool gost_key_sign_digest(const struct gost_key *key, const uint8_t *digest, struct buffer *out);

/*
 * The certificate or the list (DER) with this key's algorithm and signature in place of those that it has. Appended.
 */
bool gost_key_sign(
	const struct gost_key *key, const uint8_t *der, size_t length, struct buffer *out);

#endif
