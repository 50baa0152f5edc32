/*
 * base64: RFC 4648. Decoding is strict: one line, with padding, no stray bits, so that a text has one meaning.
 */
#ifndef PODPIS_SUPPORT_BASE64_H
#define PODPIS_SUPPORT_BASE64_H

#include "module/support/buffer.h"

/* Appends section 4's alphabet with padding. */
bool base64_encode(const void *data, size_t length, struct buffer *out);
/* Appends section 5's alphabet without padding. */
bool base64_encode_url(const void *data, size_t length, struct buffer *out);
/* Appends the bytes; false, with nothing appended, when it is not section 4's. "" is no bytes. */
bool base64_decode(const char *text, size_t length, struct buffer *out);

#endif
