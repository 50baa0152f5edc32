/*
 * gost_signature: keys and signatures of GOST R 34.10-2012 (RFC 7091).
 *
 * Shapes, as Cryptoki and X.509 have them, `n` being 32 or 64 bytes (group->p.bytes): a private key is n bytes,
 * little-endian; a public key X || Y of 2n bytes, little-endian each; a digest n bytes as Streebog gives them, which
 * as a number is little-endian; a signature s || r, big-endian each.
 *
 * Nothing here allocates, locks or keeps state of its own. Secrets are wiped from the stack where they were
 * computed with. Random bytes come from the caller.
 */
#ifndef PODPIS_GOST_SIGNATURE_H
#define PODPIS_GOST_SIGNATURE_H

#include "module/gost/gost_point.h"

typedef bool gost_random(void *context, uint8_t *out, size_t length);

/* 0 < d < q. */
bool gost_private_is_valid(const struct gost_group *group, const uint8_t *d);
bool gost_private_generate(
	const struct gost_group *group, gost_random *random, void *context, uint8_t *d);
/* The public key of a valid private one. False: no random bytes (they blind the multiplication). */
bool gost_private_public(const struct gost_group *group, const struct gost_table *table,
	gost_random *random, void *context, const uint8_t *d, uint8_t *public_key);

/* The public key as gost_point_load gives it. */
bool gost_signature_verify(const struct gost_group *group, const struct gost_point *public_key,
	const uint8_t *digest, const uint8_t *signature);

/*
 * A private key that is signed with, by one thread at a time. To be wiped after use (gost_signer_clear).
 *
 * The nonce k is a hash of the key, the digest and random bytes, as OpenSSL's for DSA is: it stays secret when the
 * random bytes are not good. The multiplication by k is blinded with b and b * base (k * base = b * base +
 * (k - b) * base), doubled after each signature and made anew after 32; the two products of s are split into random
 * shares.
 */
struct gost_signer {
	const struct gost_group *group;
	const struct gost_table *table;
	gost_random *random;
	void *context;
	struct gost_number d; /* in Montgomery's form modulo q */
	struct gost_number blind;
	struct gost_point blind_point;
	unsigned uses; /* that are left of the blinding */
};

/* `d` is valid. What is pointed to outlives the signer. */
void gost_signer_init(struct gost_signer *signer, const struct gost_group *group,
	const struct gost_table *table, gost_random *random, void *context, const uint8_t *d);
void gost_signer_clear(struct gost_signer *signer);

/* False: no random bytes. */
bool gost_signer_sign(struct gost_signer *signer, const uint8_t *digest, uint8_t *signature);

/*
 * What gost_signer_sign does once k is chosen, 0 < k < q; for the standard's examples. *again: this k gives none.
 */
bool gost_signer_sign_with(struct gost_signer *signer, const struct gost_number *k,
	const uint8_t *digest, uint8_t *signature, bool *again);

#endif
