/*
 * attributes: the attributes of one object, as one immutable block of memory.
 *
 * A set holds each attribute type once, sorted by type, each value copied in. It never changes after it
 * was made, so it may be read by any number of threads; a changed object is a new set. Values have
 * Cryptoki's own shapes (PKCS #11 v3.0, 4): CK_BBOOL is a byte, CK_ULONG is sizeof(CK_ULONG) bytes in
 * host order, dates are CK_DATE. The block is wiped when it is freed.
 */
#ifndef PODPIS_SUPPORT_ATTRIBUTES_H
#define PODPIS_SUPPORT_ATTRIBUTES_H

#include <stdbool.h>
#include <stddef.h>

#include "module/support/pkcs11.h"

#define ATTRIBUTES_MAX       128       /* attributes in one set */
#define ATTRIBUTES_VALUE_MAX (1 << 20) /* bytes in one value */

struct attributes {
	size_t count;
	CK_ATTRIBUTE list[]; /* sorted by type; the values follow in the same block */
};

/*
 * Makes a set from `base` (may be NULL) with `count` entries of `changes` added or put in place of the old
 * ones. CKR_ARGUMENTS_BAD for a NULL value with a length, CKR_TEMPLATE_INCONSISTENT when `changes` names a
 * type twice with different values, CKR_ATTRIBUTE_TYPE_INVALID for attributes that hold templates of their
 * own (they would keep the caller's pointers), CKR_ATTRIBUTE_VALUE_INVALID past the limits, CKR_HOST_MEMORY.
 * The caller frees *out with attributes_free.
 */
CK_RV attributes_new(const struct attributes *base, const CK_ATTRIBUTE *changes, CK_ULONG count,
	struct attributes **out);
void attributes_free(struct attributes *set);

/* The attribute of that type, or NULL. Points into the set. */
const CK_ATTRIBUTE *attributes_find(const struct attributes *set, CK_ATTRIBUTE_TYPE type);

/* The value as what it should be; `otherwise` when it is missing or has another size. */
bool attributes_bool(const struct attributes *set, CK_ATTRIBUTE_TYPE type, bool otherwise);
CK_ULONG attributes_ulong(const struct attributes *set, CK_ATTRIBUTE_TYPE type, CK_ULONG otherwise);

/* Does the set hold every one of these values, byte for byte? An empty template matches all. */
bool attributes_match(const struct attributes *set, const CK_ATTRIBUTE *templ, CK_ULONG count);

/* Bytes of the block, for C_GetObjectSize. */
size_t attributes_size(const struct attributes *set);

#endif
