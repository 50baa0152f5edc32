/*
 * codec: the small encodings that HTTP, OAuth and the cabinet protocol are made of, and their randomness.
 */
#ifndef PODPIS_SANDBOX_CODEC_H
#define PODPIS_SANDBOX_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "module/support/buffer.h"

#define CODEC_SHA256    32
#define CODEC_HEX       65 /* characters of a SHA-256 in hexadecimal, with the NUL */
#define CODEC_TOKEN_MAX 44 /* characters of a token, with the NUL */

void codec_sha256(const void *data, size_t length, uint8_t out[CODEC_SHA256]);
void codec_hex(const uint8_t *data, size_t length, char *out); /* 2 * length + 1 characters */
/* A SHA-256 in lower case hexadecimal. */
bool codec_unhex_sha256(const char *text, uint8_t out[CODEC_SHA256]);

/* RFC 4648, section 4, strictly: padding, no white space. Appends. */
bool codec_base64(const void *data, size_t length, struct buffer *out);
bool codec_unbase64(const char *text, size_t length, struct buffer *out);
/* Section 5, without padding. */
void codec_base64url_sha256(const uint8_t hash[CODEC_SHA256], char out[CODEC_TOKEN_MAX]);

/* 256 random bits in characters that need no escaping anywhere. */
bool codec_token(char out[CODEC_TOKEN_MAX]);
bool codec_random(void *out, size_t length);

/* A name's value in `a=1&b=2` (application/x-www-form-urlencoded); false when it is not there or malformed. */
bool codec_form_value(const char *form, size_t length, const char *name, struct buffer *out);
/* RFC 3986: everything but unreserved characters becomes %XX. Appends. */
bool codec_escape(const char *text, struct buffer *out);

/* "2024-05-01T10:00:00Z". */
#define CODEC_TIME 24
void codec_time(int64_t seconds, char out[CODEC_TIME]);
/* Of that very form. */
bool codec_is_time(const char *text);

#endif
