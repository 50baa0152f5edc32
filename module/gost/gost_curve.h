/*
 * gost_curve: the curves of GOST R 34.10-2012 and the parameter sets that name them (RFC 9215, RFC 7836, RFC 4357).
 *
 * Several sets are one curve: CryptoPro-A is XchA and tc26-256-B, CryptoPro-B is tc26-256-C, CryptoPro-C is XchB
 * and tc26-256-D. They differ in their names and in how a SubjectPublicKeyInfo is written.
 */
#ifndef PODPIS_GOST_CURVE_H
#define PODPIS_GOST_CURVE_H

#include <stddef.h>
#include <stdint.h>

/* Numbers in hexadecimal, 64 or 128 digits. y^2 = x^3 + ax + b modulo p; (x, y) is of the prime order q. */
struct gost_curve {
	size_t bytes; /* of a coordinate, a private key, half a signature, a digest: 32 or 64 */
	unsigned cofactor;
	const char *p, *a, *b, *q, *x, *y;
};

#define GOST_CURVES 7

/* Whether an AlgorithmIdentifier names the digest beside the set (RFC 9215, 4.2). */
enum gost_digest_parameter {
	GOST_DIGEST_NAMED,   /* must be there */
	GOST_DIGEST_OMITTED, /* must not be there */
	GOST_DIGEST_EITHER,  /* should not be there: read, never written */
};

struct gost_set {
	const char *name;   /* "CryptoPro-A", "tc26-256-A": without spaces */
	const uint8_t *oid; /* DER, as CKA_GOSTR3410_PARAMS has it */
	size_t oid_length;
	const struct gost_curve *curve;
	enum gost_digest_parameter digest;
};

/* Streebog of that length, as CKA_GOSTR3411_PARAMS names it: DER. */
#define GOST_DIGEST_OID_BYTES 10
const uint8_t *gost_digest_oid(const struct gost_curve *curve);

const struct gost_curve *gost_curve_at(size_t i);        /* NULL past the last */
size_t gost_curve_index(const struct gost_curve *curve); /* GOST_CURVES: not one of them */
const struct gost_set *gost_set_at(size_t i);            /* NULL past the last */
const struct gost_set *gost_set_find(const uint8_t *oid, size_t length);
const struct gost_set *gost_set_named(const char *name); /* ASCII letters in either case */

#endif
