#include "module/cryptoki/template.h"

#include <string.h>

#include "module/cryptoki/argument.h"
#include "module/crypto/context.h"

static CK_ATTRIBUTE *draft_entry(const struct draft *draft, CK_ATTRIBUTE_TYPE type)
{
	for (CK_ULONG i = 0; i < draft->count; i++)
		if (draft->list[i].type == type)
			return (CK_ATTRIBUTE *)(uintptr_t)&draft->list[i];
	return NULL;
}

const CK_ATTRIBUTE *draft_find(const struct draft *draft, CK_ATTRIBUTE_TYPE type)
{
	return draft_entry(draft, type);
}

CK_RV draft_set(struct draft *draft, CK_ATTRIBUTE_TYPE type, const void *value, CK_ULONG length)
{
	CK_ATTRIBUTE *entry = draft_entry(draft, type);

	if (entry == NULL) {
		if (draft->count == ATTRIBUTES_MAX)
			return CKR_HOST_MEMORY;
		entry = &draft->list[draft->count++];
	}
	*entry = (CK_ATTRIBUTE){type, (void *)(uintptr_t)value, length};
	return CKR_OK;
}

CK_RV draft_set_all(struct draft *draft, const struct attributes *set)
{
	CK_RV rv = CKR_OK;

	for (size_t i = 0; i < set->count && rv == CKR_OK; i++)
		rv = draft_set(
			draft, set->list[i].type, set->list[i].pValue, set->list[i].ulValueLen);
	return rv;
}

bool draft_bool(const struct draft *draft, CK_ATTRIBUTE_TYPE type)
{
	const CK_ATTRIBUTE *entry = draft_entry(draft, type);
	return entry != NULL && entry->ulValueLen == sizeof(CK_BBOOL) &&
	       *(const CK_BBOOL *)entry->pValue != CK_FALSE;
}

void draft_set_bool(struct draft *draft, CK_ATTRIBUTE_TYPE type, bool value)
{
	static const CK_BBOOL no = CK_FALSE, yes = CK_TRUE;
	CK_ATTRIBUTE *entry = draft_entry(draft, type);

	if (entry != NULL)
		*entry = (CK_ATTRIBUTE){type, (void *)(uintptr_t)(value ? &yes : &no), sizeof(yes)};
}

CK_RV draft_finish(const struct draft *draft, struct attributes **out)
{
	return attributes_new(NULL, draft->list, draft->count, out);
}

/* A CK_ULONG of the template; CKR_TEMPLATE_INCOMPLETE, CKR_ATTRIBUTE_VALUE_INVALID. */
static CK_RV template_ulong(
	const CK_ATTRIBUTE *templ, CK_ULONG count, CK_ATTRIBUTE_TYPE type, CK_ULONG *out)
{
	for (CK_ULONG i = 0; i < count; i++) {
		if (templ[i].type != type)
			continue;
		if (templ[i].pValue == NULL || templ[i].ulValueLen != sizeof(*out))
			return CKR_ATTRIBUTE_VALUE_INVALID;
		memcpy(out, templ[i].pValue, sizeof(*out));
		return CKR_OK;
	}
	return CKR_TEMPLATE_INCOMPLETE;
}

static bool template_is_key(CK_OBJECT_CLASS class)
{
	return class == CKO_PUBLIC_KEY || class == CKO_PRIVATE_KEY || class == CKO_SECRET_KEY;
}

/* Class and key type: the template's for a created object, else the given ones, not contradicted. */
static CK_RV draft_classify(
	struct draft *draft, enum draft_origin origin, const CK_ATTRIBUTE *templ, CK_ULONG count)
{
	CK_OBJECT_CLASS class = 0;
	CK_KEY_TYPE key_type = 0;
	CK_RV rv = template_ulong(templ, count, CKA_CLASS, &class);

	if (rv == CKR_OK && origin == DRAFT_CREATED)
		draft->class = class;
	else if (rv == CKR_OK && class != draft->class)
		return CKR_TEMPLATE_INCONSISTENT;
	else if (rv != CKR_OK && (rv != CKR_TEMPLATE_INCOMPLETE || origin == DRAFT_CREATED))
		return rv;
	if (!attribute_class_is_known(draft->class) || draft->class == CKO_PROFILE)
		return CKR_ATTRIBUTE_VALUE_INVALID;
	if (!template_is_key(draft->class))
		return CKR_OK;
	rv = template_ulong(templ, count, CKA_KEY_TYPE, &key_type);
	if (rv == CKR_OK && origin == DRAFT_CREATED)
		draft->key_type = key_type;
	else if (rv == CKR_OK && key_type != draft->key_type)
		return CKR_TEMPLATE_INCONSISTENT;
	else if (rv != CKR_OK && (rv != CKR_TEMPLATE_INCOMPLETE || origin == DRAFT_CREATED))
		return rv;
	if (!attribute_key_type_is_known(draft->key_type) ||
		(draft->class == CKO_SECRET_KEY) != (draft->key_type == CKK_GENERIC_SECRET))
		return CKR_ATTRIBUTE_VALUE_INVALID;
	return CKR_OK;
}

/* What may not be given in a template of that origin. A derived secret may say how long it is to be. */
static bool draft_is_forbidden(const struct attribute_rule *rule, enum draft_origin origin)
{
	unsigned flag = origin == DRAFT_CREATED ? ATTRIBUTE_CREATE_NOT : ATTRIBUTE_GENERATE_NOT;
	return (rule->flags & flag) != 0;
}

static CK_RV template_check_entry(
	const struct attribute_rule *rule, const CK_ATTRIBUTE *entry, bool so)
{
	CK_RV rv = attribute_check_shape(rule, entry);

	if (rv == CKR_OK && (rule->flags & ATTRIBUTE_SO_TRUE) != 0 && !so &&
		*(const CK_BBOOL *)entry->pValue == CK_TRUE)
		rv = CKR_ATTRIBUTE_READ_ONLY;
	return rv;
}

static bool template_equal(const CK_ATTRIBUTE *a, const CK_ATTRIBUTE *b)
{
	return a->ulValueLen == b->ulValueLen &&
	       (a->ulValueLen == 0 || memcmp(a->pValue, b->pValue, a->ulValueLen) == 0);
}

/* One entry of a template. */
static CK_RV draft_take(
	struct draft *draft, enum draft_origin origin, const CK_ATTRIBUTE *entry, bool so)
{
	const struct attribute_rule *rule =
		attribute_rule_find(entry->type, draft->class, draft->key_type);
	const CK_ATTRIBUTE *already = draft_find(draft, entry->type);
	CK_ATTRIBUTE value = *entry;
	CK_RV rv;

	if (rule == NULL)
		return attribute_is_known(entry->type) ? CKR_TEMPLATE_INCONSISTENT
						       : CKR_ATTRIBUTE_TYPE_INVALID;
	rv = template_check_entry(rule, entry, so);
	if (rv != CKR_OK)
		return rv;
	if (draft_is_forbidden(rule, origin))
		return CKR_ATTRIBUTE_READ_ONLY;
	while (rule->shape == ATTRIBUTE_NUMBER && value.ulValueLen > 1 &&
		*(const uint8_t *)value.pValue == 0) {
		value.pValue = (uint8_t *)value.pValue + 1;
		value.ulValueLen--;
	}
	if (already != NULL && !template_equal(already, &value))
		return CKR_TEMPLATE_INCONSISTENT;
	return draft_set(draft, value.type, value.pValue, value.ulValueLen);
}

CK_RV draft_begin(struct draft *draft, enum draft_origin origin, CK_OBJECT_CLASS class,
	CK_KEY_TYPE key_type, const CK_ATTRIBUTE *templ, CK_ULONG count, bool so)
{
	CK_RV rv;

	draft->class = class;
	draft->key_type = key_type;
	draft->count = 0;
	if (!argument_is_template(templ, count))
		return CKR_ARGUMENTS_BAD;
	rv = draft_classify(draft, origin, templ, count);
	for (CK_ULONG i = 0; i < count && rv == CKR_OK; i++)
		rv = draft_take(draft, origin, &templ[i], so);
	if (rv == CKR_OK)
		rv = draft_set(draft, CKA_CLASS, &draft->class, sizeof(draft->class));
	if (rv == CKR_OK && template_is_key(draft->class))
		rv = draft_set(draft, CKA_KEY_TYPE, &draft->key_type, sizeof(draft->key_type));
	return rv;
}

CK_RV draft_complete(struct draft *draft, struct crypto *crypto)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t random[DRAFT_UNIQUE_ID / 2];
	const struct attribute_rule *rule;
	CK_ATTRIBUTE value;
	CK_RV rv = crypto_random(crypto, random, sizeof(random));

	for (size_t i = 0; rv == CKR_OK && (rule = attribute_rule_at(i)) != NULL; i++)
		if (attribute_rule_applies(rule, draft->class, draft->key_type) &&
			(rule->flags & ATTRIBUTE_LAZY) == 0 &&
			draft_find(draft, rule->type) == NULL && attribute_default(rule, &value))
			rv = draft_set(draft, value.type, value.pValue, value.ulValueLen);
	if (rv != CKR_OK)
		return rv;
	for (size_t i = 0; i < sizeof(random); i++) {
		draft->unique_id[2 * i] = digits[random[i] >> 4];
		draft->unique_id[2 * i + 1] = digits[random[i] & 15];
	}
	return draft_set(draft, CKA_UNIQUE_ID, draft->unique_id, sizeof(draft->unique_id));
}

CK_RV draft_check_complete(const struct draft *draft, enum draft_origin origin)
{
	unsigned flag = origin == DRAFT_CREATED ? ATTRIBUTE_CREATE_MUST : ATTRIBUTE_GENERATE_MUST;
	const struct attribute_rule *rule;

	for (size_t i = 0; (rule = attribute_rule_at(i)) != NULL; i++)
		if ((rule->flags & flag) != 0 &&
			attribute_rule_applies(rule, draft->class, draft->key_type) &&
			draft_find(draft, rule->type) == NULL)
			return CKR_TEMPLATE_INCOMPLETE;
	return CKR_OK;
}

CK_RV template_check_change(const struct attributes *object, const CK_ATTRIBUTE *changes,
	CK_ULONG count, bool copy, bool so)
{
	CK_OBJECT_CLASS class = attributes_ulong(object, CKA_CLASS, CK_UNAVAILABLE_INFORMATION);
	CK_KEY_TYPE key_type = attributes_ulong(object, CKA_KEY_TYPE, CK_UNAVAILABLE_INFORMATION);
	unsigned allowed = ATTRIBUTE_CHANGE | (copy ? ATTRIBUTE_COPY : 0);

	if (!argument_is_template(changes, count))
		return CKR_ARGUMENTS_BAD;
	for (CK_ULONG i = 0; i < count; i++) {
		const struct attribute_rule *rule =
			attribute_rule_find(changes[i].type, class, key_type);
		if (rule == NULL)
			return attribute_is_known(changes[i].type) ? CKR_TEMPLATE_INCONSISTENT
								   : CKR_ATTRIBUTE_TYPE_INVALID;
		CK_RV rv = template_check_entry(rule, &changes[i], so);
		if (rv != CKR_OK)
			return rv;
		if ((rule->flags & allowed) == 0)
			return CKR_ATTRIBUTE_READ_ONLY;
		if (rule->shape != ATTRIBUTE_BOOL)
			continue;
		/* What stays is read-only from then on; a copy may have it said again. */
		bool is = attributes_bool(object, changes[i].type, false);
		bool becomes = *(const CK_BBOOL *)changes[i].pValue != CK_FALSE;
		unsigned stays = is ? ATTRIBUTE_STAYS_TRUE : ATTRIBUTE_STAYS_FALSE;
		if ((rule->flags & stays) != 0 && (becomes != is || !copy))
			return CKR_ATTRIBUTE_READ_ONLY;
	}
	return CKR_OK;
}
