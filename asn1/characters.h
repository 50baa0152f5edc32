/*
 * characters: the character strings of ASN.1 (X.680, chapter 41) and UTF-8, which everything else here speaks.
 */
#ifndef PODPIS_ASN1_CHARACTERS_H
#define PODPIS_ASN1_CHARACTERS_H

#include <stddef.h>
#include <stdint.h>

#include "module/support/buffer.h"
#include "module/support/error.h"

/* Well-formed UTF-8 without NUL: its characters are counted. */
bool characters_count(const void *text, size_t length, size_t *characters);

/* The first character that the type (universal tag) does not allow, or NULL. The text is UTF-8. */
const char *characters_refused(unsigned tag, const char *text);

/*
 * Appends the value of a string of that type as UTF-8. TeletexString is read as ISO 8859-1, as everybody
 * does. Characters that the type does not allow are an error, but for '*', '@', '_', '&', '"' and the like
 * in PrintableString, which many issuers write.
 */
bool characters_decode(
	unsigned tag, const uint8_t *value, size_t length, struct buffer *text, struct error *err);

#endif
