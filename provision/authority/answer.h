/*
 * answer: what stands in an authority's JSON, member by member, taken only when it has the type, the size
 * and the form that it must have. Texts become fit to be shown (no control characters).
 *
 * ERROR_UNREACHABLE names the member: such an answer says nothing about whether a step was done.
 */
#ifndef PODPIS_AUTHORITY_ANSWER_H
#define PODPIS_AUTHORITY_ANSWER_H

#include <jansson.h>
#include <stdint.h>

#include "module/support/buffer.h"
#include "module/support/error.h"

/* A copy, at most `max` bytes. With `optional` it may be null or missing: then NULL. */
bool answer_text(const json_t *object, const char *name, size_t max, bool optional, char **out,
	struct error *err);
bool answer_bool(const json_t *object, const char *name, bool *out, struct error *err);
bool answer_integer(const json_t *object, const char *name, long long minimum, long long maximum,
	long long *out, struct error *err);
/* 64 hexadecimal digits, lower case. */
bool answer_sha256(const json_t *object, const char *name, uint8_t out[32], struct error *err);
/* Base64; the decoded bytes are appended to `out`. */
bool answer_bytes(const json_t *object, const char *name, struct buffer *out, struct error *err);
/* An array of at most `max` elements; borrowed. */
bool answer_array(
	const json_t *object, const char *name, size_t max, const json_t **out, struct error *err);
bool answer_object(const json_t *object, const char *name, const json_t **out, struct error *err);
/* An identifier that may stand in a path: [A-Za-z0-9_-]{1,64}. */
bool answer_id(const json_t *object, const char *name, char **out, struct error *err);
bool answer_id_valid(const char *id);

bool answer_wrong(const char *name, const char *rule, struct error *err);

#endif
