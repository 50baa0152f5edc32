/*
 * attribute: the rules of the standard's attributes, as one table (PKCS #11 v3.0, 4; Current Mechanisms, 2).
 *
 * A rule says what an attribute looks like, which objects have it, what it is when nobody says, and who may
 * set it when. An attribute may have several rules, each for other classes or key types.
 */
#ifndef PODPIS_CRYPTOKI_ATTRIBUTE_H
#define PODPIS_CRYPTOKI_ATTRIBUTE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "module/support/attributes.h"

enum attribute_shape {
	ATTRIBUTE_BOOL,
	ATTRIBUTE_ULONG,
	ATTRIBUTE_ULONGS, /* an array */
	ATTRIBUTE_BYTES,
	ATTRIBUTE_NUMBER,  /* big-endian; kept without leading zeros */
	ATTRIBUTE_DATE,    /* CK_DATE, or empty */
	ATTRIBUTE_NOTHING, /* may only be empty: templates for wrapping, which there is none of */
};

/* The numbers are those of the standard's footnotes (PKCS #11 v3.0, table 11). */
enum {
	ATTRIBUTE_CREATE_MUST = 1 << 1,
	ATTRIBUTE_CREATE_NOT = 1 << 2,
	ATTRIBUTE_GENERATE_MUST = 1 << 3,
	ATTRIBUTE_GENERATE_NOT = 1 << 4,
	ATTRIBUTE_SECRET = 1 << 7, /* not shown when sensitive or not extractable */
	ATTRIBUTE_CHANGE = 1 << 8, /* by C_SetAttributeValue and C_CopyObject */
	ATTRIBUTE_SO_TRUE = 1 << 10,
	ATTRIBUTE_STAYS_TRUE = 1 << 11,
	ATTRIBUTE_STAYS_FALSE = 1 << 12,
	/* Our own */
	ATTRIBUTE_COPY = 1 << 13, /* by C_CopyObject only */
	ATTRIBUTE_LAZY = 1 << 14, /* the default is not stored, but answered */
};

enum attribute_default {
	ATTRIBUTE_ABSENT, /* without a value the object does not have it */
	ATTRIBUTE_EMPTY,
	ATTRIBUTE_FALSE,
	ATTRIBUTE_TRUE,
	ATTRIBUTE_ZERO,
	ATTRIBUTE_UNAVAILABLE, /* CK_UNAVAILABLE_INFORMATION */
	ATTRIBUTE_SHA_1,       /* CKM_SHA_1 */
};

struct attribute_rule {
	CK_ATTRIBUTE_TYPE type;
	uint8_t shape;     /* enum attribute_shape */
	uint8_t classes;   /* ATTRIBUTE_ON_… */
	uint8_t keys;      /* ATTRIBUTE_OF_… */
	uint8_t otherwise; /* enum attribute_default */
	uint16_t flags;
};

/* The rules in ascending order of their types; NULL past the last. */
const struct attribute_rule *attribute_rule_at(size_t i);

/* The rule for that attribute of that class and (for keys) key type; NULL when such objects don't have it. */
const struct attribute_rule *attribute_rule_find(
	CK_ATTRIBUTE_TYPE type, CK_OBJECT_CLASS class, CK_KEY_TYPE key_type);
bool attribute_rule_applies(
	const struct attribute_rule *rule, CK_OBJECT_CLASS class, CK_KEY_TYPE key_type);
/* Is it an attribute of the standard, on whatever object? */
bool attribute_is_known(CK_ATTRIBUTE_TYPE type);
/* Can objects of that class and key type be made here? */
bool attribute_class_is_known(CK_OBJECT_CLASS class);
bool attribute_key_type_is_known(CK_KEY_TYPE key_type);

/* The default as a value that lives for ever; false for ATTRIBUTE_ABSENT. */
bool attribute_default(const struct attribute_rule *rule, CK_ATTRIBUTE *out);

/* The CK_ULONG in a value of that size, which an application need not have aligned. */
static inline CK_ULONG attribute_ulong(const CK_ATTRIBUTE *attribute)
{
	CK_ULONG value;
	memcpy(&value, attribute->pValue, sizeof(value));
	return value;
}

/* CKR_ATTRIBUTE_VALUE_INVALID when the value does not have the rule's shape. */
CK_RV attribute_check_shape(const struct attribute_rule *rule, const CK_ATTRIBUTE *attribute);

#endif
