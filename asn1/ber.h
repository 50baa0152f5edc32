/*
 * ber: BER (X.690, chapter 8), as far as other programs write CMS in it, turned into DER.
 *
 * Indefinite lengths become definite, lengths minimal, strings in pieces whole. What DER asks of values
 * (integers, booleans, sets) is left as it is: the decoder looks at that. An element that is in DER is copied
 * byte by byte, so that what is signed inside stays so.
 */
#ifndef PODPIS_ASN1_BER_H
#define PODPIS_ASN1_BER_H

#include "module/support/buffer.h"
#include "module/support/error.h"

/* Appends one element, which must take all bytes. ERROR_FAILED names the byte. */
bool ber_to_der(const uint8_t *ber, size_t length, struct buffer *der, struct error *err);

#endif
