/*
 * oid: object identifiers as text ("1.2.643.100.3") and in DER.
 *
 * Text is at most 63 characters, components at most 64 bits: what libtasn1 reads. Identifiers made from a
 * UUID (2.25.…, 128 bits) are outside of that and refused.
 */
#ifndef PODPIS_ASN1_OID_H
#define PODPIS_ASN1_OID_H

#include <stddef.h>
#include <stdint.h>

#include "module/support/buffer.h"
#include "module/support/error.h"

#define OID_TEXT_MAX 64 /* bytes, with the NUL */

/* Decimal components without leading zeros, two at least, the first two as X.660 has them. */
bool oid_valid(const char *oid);

/* The DER element with its tag, as CKA_EC_PARAMS has it. Encoding appends; decoding wants all of it. */
bool oid_encode(const char *oid, struct buffer *der, struct error *err);
bool oid_decode(const uint8_t *der, size_t length, char oid[OID_TEXT_MAX], struct error *err);

/* A word for messages ("sha256WithRSAEncryption"); the OID itself when there is none. */
const char *oid_name(const char *oid);

#endif
