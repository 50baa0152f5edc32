/*
 * spki: SubjectPublicKeyInfo (RFC 5280, 4.1.2.7) from and to the attributes of a PKCS#11 public key.
 * RSA (RFC 3279), EC on P-256, P-384, P-521 (RFC 5480), Ed25519 (RFC 8410), GOST R 34.10-2012 with the parameter
 * sets of RFC 9215 (module/gost/gost_curve.h). Keys are compared by algorithm, parameters and point, never by the
 * bytes of the structure (GOST writes its parameters in two ways).
 */
#ifndef PODPIS_ASN1_SPKI_H
#define PODPIS_ASN1_SPKI_H

#include <stddef.h>
#include <stdint.h>

#include "asn1/signer.h"

enum spki_type { SPKI_RSA, SPKI_EC, SPKI_ED25519, SPKI_GOST };

struct spki {
	enum spki_type type;
	unsigned bits;
	const uint8_t *modulus, *exponent; /* RSA: big-endian without leading zeros */
	size_t modulus_length, exponent_length;
	/* EC: DER OID of the curve, as CKA_EC_PARAMS; GOST: of the set, as CKA_GOSTR3410_PARAMS */
	const uint8_t *parameters;
	size_t parameters_length;
	/* EC: 04 || x || y; Ed25519: 32 bytes; GOST: x || y, little-endian, as CKA_VALUE */
	const uint8_t *point;
	size_t point_length;
	uint8_t *memory; /* owned */
};

/* CKA_EC_POINT is given as the DER OCTET STRING or bare. Appends DER. */
bool spki_encode_rsa(const uint8_t *modulus, size_t modulus_length, const uint8_t *exponent,
	size_t exponent_length, struct buffer *der, struct error *err);
bool spki_encode_ec(const uint8_t *parameters, size_t parameters_length, const uint8_t *point,
	size_t point_length, struct buffer *der, struct error *err);
bool spki_encode_ed25519(
	const uint8_t *point, size_t point_length, struct buffer *der, struct error *err);

/* That the point is on the curve is checked where a signature is verified. */
bool spki_encode_gost(const uint8_t *parameters, size_t parameters_length, const uint8_t *point,
	size_t point_length, struct buffer *der, struct error *err);

bool spki_decode(const uint8_t *der, size_t length, struct spki *spki, struct error *err);
void spki_clear(struct spki *spki);

bool spki_equal(const uint8_t *a, size_t a_length, const uint8_t *b, size_t b_length);

/* SHA-1 of the subjectPublicKey's bits. */
bool spki_key_identifier(
	const uint8_t *der, size_t length, uint8_t identifier[20], struct error *err);

/* The usual signature algorithm for such a key: P-256 with SHA-256, P-384 with SHA-384, ... */
enum signature_algorithm spki_signature_algorithm(const struct spki *spki);

#endif
