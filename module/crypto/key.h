/*
 * key: an asymmetric key of our own type, decoded once.
 *
 * Keys are immutable, counted, and shared by threads. Their OpenSSL part lives under the built-in
 * provider's names (provider.h), so nothing outside module/crypto sees an EVP_PKEY. RSA 1024 to
 * 4096 bits, EC on P-256, P-384, P-521, Ed25519; GOST R 34.10-2012 (module/gost) behind the same functions.
 *
 * Shapes are Cryptoki's (PKCS #11 v3.0 Current Mechanisms, 2.1, 2.3): CKA_EC_PARAMS the DER OID of a named
 * curve (for Ed25519 also PrintableString "edwards25519"), CKA_EC_POINT a DER OCTET STRING of the point
 * (a bare point is accepted, too), integers big-endian without leading zeros. GOST: module/podpis-gost.h.
 */
#ifndef PODPIS_CRYPTO_KEY_H
#define PODPIS_CRYPTO_KEY_H

#include "module/crypto/context.h"
#include "module/crypto/operation.h"
#include "module/support/attributes.h"

struct key;

/*
 * Decodes the key that a CKO_PUBLIC_KEY or CKO_PRIVATE_KEY object's attributes describe, and checks it:
 * the point is on its curve, the private part belongs to the public part where both are there.
 * CKR_TEMPLATE_INCOMPLETE, CKR_ATTRIBUTE_VALUE_INVALID, CKR_CURVE_NOT_SUPPORTED, CKR_KEY_SIZE_RANGE,
 * CKR_TEMPLATE_INCONSISTENT (the parts do not belong together).
 */
CK_RV key_decode(struct crypto *crypto, const struct attributes *object, struct key **out);

/* C_GenerateKeyPair's work. `public_template` gives CKA_MODULUS_BITS (and exponent), or CKA_EC_PARAMS. */
CK_RV key_generate(struct crypto *crypto, CK_MECHANISM_TYPE mechanism,
	const struct attributes *public_template, struct key **out);

/*
 * The attributes that a key gives its objects: CKA_KEY_TYPE, CKA_MODULUS, CKA_EC_POINT, ... and for
 * `private_part` CKA_PRIVATE_EXPONENT, CKA_PRIME_1, CKA_VALUE, ... as a set. The caller frees it.
 */
CK_RV key_encode(const struct key *key, bool private_part, struct attributes **out);

struct key *key_ref(struct key *key);
void key_unref(struct key *key); /* NULL is fine */

CK_KEY_TYPE key_type(const struct key *key);
size_t key_bits(const struct key *key); /* of the modulus or of the curve's order */

/*
 * Prepares the use of a key; the operation holds a reference. CKR_KEY_TYPE_INCONSISTENT when the mechanism
 * is for another type of key, CKR_MECHANISM_INVALID, CKR_MECHANISM_PARAM_INVALID, CKR_KEY_FUNCTION_NOT_PERMITTED
 * when the private part is needed and not there, CKR_KEY_SIZE_RANGE.
 */
CK_RV key_prepare(struct key *key, enum operation_purpose purpose, const CK_MECHANISM *mechanism,
	struct operation **out);

/*
 * CKM_ECDH1_DERIVE with CKD_NULL: the x coordinate, as long as the field. `peer` is the point, bare or as a
 * DER OCTET STRING. The caller wipes and frees *secret. CKR_MECHANISM_PARAM_INVALID for a point off the curve.
 */
CK_RV key_derive(struct key *key, const uint8_t *peer, size_t peer_length, uint8_t **secret,
	size_t *secret_length);

/* SubjectPublicKeyInfo as DER, for CKA_PUBLIC_KEY_INFO. The caller frees. */
CK_RV key_public_info(const struct key *key, uint8_t **der, size_t *length);

#endif
