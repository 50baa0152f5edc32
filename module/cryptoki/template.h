/*
 * template: from what an application asks for to an object's complete attributes (PKCS #11 v3.0, 4.1).
 *
 * A draft collects values, the later in place of the earlier: the template's, the defaults, what is computed.
 * It points to values that others own, and is valid as long as they are.
 */
#ifndef PODPIS_CRYPTOKI_TEMPLATE_H
#define PODPIS_CRYPTOKI_TEMPLATE_H

#include "module/cryptoki/attribute.h"

#define DRAFT_UNIQUE_ID 32 /* hexadecimal digits */

struct crypto;

struct draft {
	CK_OBJECT_CLASS class;
	CK_KEY_TYPE key_type;
	CK_ULONG count;
	CK_ATTRIBUTE list[ATTRIBUTES_MAX];
	char unique_id[DRAFT_UNIQUE_ID];
};

enum draft_origin { DRAFT_CREATED, DRAFT_GENERATED, DRAFT_DERIVED };

/*
 * Begins an object of that class and key type from a template, which is checked against the rules: shapes,
 * attributes that such objects don't have or that may not be given, a class or key type that contradicts.
 * For DRAFT_CREATED both are taken from the template. `so`: the SO asks.
 * CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_VALUE_INVALID, CKR_ATTRIBUTE_READ_ONLY, CKR_TEMPLATE_INCOMPLETE,
 * CKR_TEMPLATE_INCONSISTENT, CKR_ARGUMENTS_BAD, CKR_HOST_MEMORY (too many).
 */
CK_RV draft_begin(struct draft *draft, enum draft_origin origin, CK_OBJECT_CLASS class,
	CK_KEY_TYPE key_type, const CK_ATTRIBUTE *templ, CK_ULONG count, bool so);

/* Adds the defaults that are to be stored, where the draft has no value, and a new CKA_UNIQUE_ID. */
CK_RV draft_complete(struct draft *draft, struct crypto *crypto);

/* CKR_TEMPLATE_INCOMPLETE when an attribute is missing that must be given for that origin. */
CK_RV draft_check_complete(const struct draft *draft, enum draft_origin origin);

/* Puts a value, in place of another of its type. The caller keeps the value. */
CK_RV draft_set(struct draft *draft, CK_ATTRIBUTE_TYPE type, const void *value, CK_ULONG length);
CK_RV draft_set_all(struct draft *draft, const struct attributes *set);
const CK_ATTRIBUTE *draft_find(const struct draft *draft, CK_ATTRIBUTE_TYPE type);
bool draft_bool(const struct draft *draft, CK_ATTRIBUTE_TYPE type);
void draft_set_bool(struct draft *draft, CK_ATTRIBUTE_TYPE type, bool value);

CK_RV draft_finish(const struct draft *draft, struct attributes **out);

/*
 * Checks changes to an object (C_SetAttributeValue) or to its copy (C_CopyObject).
 * CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_VALUE_INVALID, CKR_TEMPLATE_INCONSISTENT.
 */
CK_RV template_check_change(const struct attributes *object, const CK_ATTRIBUTE *changes,
	CK_ULONG count, bool copy, bool so);

#endif
