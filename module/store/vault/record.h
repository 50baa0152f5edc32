/*
 * record: attributes as bytes, the same on every machine (docs/vault-format.md, "Attributes").
 *
 * A record is a row of entries: type (4 bytes), length (4 bytes), value; numbers are big-endian. An open
 * record holds each type once, in ascending order. Values have Cryptoki's shapes but for CK_ULONGs (and
 * arrays of them), which take 8 bytes each, big-endian; all bits set stay all bits set.
 */
#ifndef PODPIS_STORE_VAULT_RECORD_H
#define PODPIS_STORE_VAULT_RECORD_H

#include "module/support/attributes.h"
#include "module/support/buffer.h"

#define RECORD_HEADER 8                 /* bytes before each value */
#define RECORD_MAX    ((size_t)2 << 20) /* bytes of a whole record */

/* Numbers in the file, big-endian. */
void record_put32(uint8_t out[4], uint32_t value);
void record_put64(uint8_t out[8], uint64_t value);
uint32_t record_get32(const uint8_t in[4]);
uint64_t record_get64(const uint8_t in[8]);

/* Is this one of the attributes that are sealed even in a public object and never kept opened? */
bool record_is_secret(CK_OBJECT_CLASS class, CK_ATTRIBUTE_TYPE type);

/* Appends a value in its portable shape. CKR_ATTRIBUTE_TYPE_INVALID (an attribute that can't be kept),
   CKR_ATTRIBUTE_VALUE_INVALID (a CK_ULONG of another size). */
CK_RV record_put_value(struct buffer *out, const CK_ATTRIBUTE *attribute);

/* Appends one whole entry. */
CK_RV record_put(struct buffer *out, const CK_ATTRIBUTE *attribute);

/* One entry of a record; `value` points into the record. */
struct record_entry {
	CK_ATTRIBUTE_TYPE type;
	const uint8_t *value;
	size_t length;
};

/* Takes the entry at *at and moves on. False at the end and where the bytes are not a record. */
bool record_next(const uint8_t *record, size_t length, size_t *at, struct record_entry *out);

/* The set that an open record holds; the caller frees it. CKR_DEVICE_ERROR when it is no such record. */
CK_RV record_attributes(const uint8_t *record, size_t length, struct attributes **out);

/*
 * Values in Cryptoki's shapes, gathered for attributes_new: `list` points into `values`, so both are used
 * before record_values_free, which wipes.
 */
struct record_values {
	size_t count;
	CK_ATTRIBUTE list[ATTRIBUTES_MAX];
	struct buffer values;
};

void record_values_init(struct record_values *values);
/* `value` is in its portable shape. False when it can't be one, or there are too many. */
bool record_values_add(
	struct record_values *values, CK_ATTRIBUTE_TYPE type, const uint8_t *value, size_t length);
CK_RV record_values_make(struct record_values *values, struct attributes **out);
void record_values_free(struct record_values *values);

#endif
