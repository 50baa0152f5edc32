#include "module/support/attributes.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Values begin at multiples of this, so that a CK_ULONG may be read in place. */
#define VALUE_ALIGNMENT sizeof(CK_ULONG)

static size_t padded(CK_ULONG length)
{
	return (length + VALUE_ALIGNMENT - 1) & ~(VALUE_ALIGNMENT - 1);
}

static int compare_types(const void *a, const void *b)
{
	CK_ATTRIBUTE_TYPE left = ((const CK_ATTRIBUTE *)a)->type;
	CK_ATTRIBUTE_TYPE right = ((const CK_ATTRIBUTE *)b)->type;

	return (left > right) - (left < right);
}

static bool same_value(const CK_ATTRIBUTE *a, const CK_ATTRIBUTE *b)
{
	return a->ulValueLen == b->ulValueLen &&
	       (a->ulValueLen == 0 || memcmp(a->pValue, b->pValue, a->ulValueLen) == 0);
}

/* Templates within attributes would keep pointers into the caller's memory. */
static bool holds_pointers(CK_ATTRIBUTE_TYPE type)
{
	return type == CKA_WRAP_TEMPLATE || type == CKA_UNWRAP_TEMPLATE ||
	       type == CKA_DERIVE_TEMPLATE;
}

/* Sorts the changes into `sorted` and drops repetitions. Returns how many are left, in *count. */
static CK_RV sort_changes(const CK_ATTRIBUTE *changes, CK_ULONG given,
	CK_ATTRIBUTE sorted[ATTRIBUTES_MAX], size_t *count)
{
	bool in_order = true;
	size_t kept = 0;

	if (given > ATTRIBUTES_MAX)
		return CKR_ATTRIBUTE_VALUE_INVALID;
	if (given > 0 && changes == NULL)
		return CKR_ARGUMENTS_BAD;
	for (CK_ULONG i = 0; i < given; i++) {
		if (changes[i].pValue == NULL && changes[i].ulValueLen != 0)
			return CKR_ARGUMENTS_BAD;
		if (changes[i].ulValueLen > ATTRIBUTES_VALUE_MAX)
			return CKR_ATTRIBUTE_VALUE_INVALID;
		if (changes[i].ulValueLen > 0 && holds_pointers(changes[i].type))
			return CKR_ATTRIBUTE_TYPE_INVALID;
		sorted[i] = changes[i];
		in_order = in_order && (i == 0 || changes[i - 1].type < changes[i].type);
	}
	if (!in_order)
		qsort(sorted, given, sizeof(sorted[0]), compare_types);
	for (CK_ULONG i = 0; i < given; i++) {
		if (kept > 0 && sorted[kept - 1].type == sorted[i].type) {
			if (!same_value(&sorted[kept - 1], &sorted[i]))
				return CKR_TEMPLATE_INCONSISTENT;
			continue;
		}
		sorted[kept++] = sorted[i];
	}
	*count = kept;
	return CKR_OK;
}

/* Merges two sorted lists; where both name a type, the change wins. */
static size_t merge(const struct attributes *base, const CK_ATTRIBUTE *sorted, size_t changes,
	CK_ATTRIBUTE merged[2 * ATTRIBUTES_MAX])
{
	size_t old = 0, fresh = 0, count = 0;
	size_t base_count = base != NULL ? base->count : 0;

	while (old < base_count || fresh < changes) {
		if (old == base_count ||
			(fresh < changes && sorted[fresh].type <= base->list[old].type)) {
			if (old < base_count && sorted[fresh].type == base->list[old].type)
				old++;
			merged[count++] = sorted[fresh++];
		} else {
			merged[count++] = base->list[old++];
		}
	}
	return count;
}

CK_RV attributes_new(const struct attributes *base, const CK_ATTRIBUTE *changes, CK_ULONG count,
	struct attributes **out)
{
	CK_ATTRIBUTE sorted[ATTRIBUTES_MAX], merged[2 * ATTRIBUTES_MAX];
	struct attributes *set;
	size_t total, kept = 0;
	uint8_t *value;
	CK_RV rv;

	rv = sort_changes(changes, count, sorted, &kept);
	if (rv != CKR_OK)
		return rv;
	kept = merge(base, sorted, kept, merged);
	if (kept > ATTRIBUTES_MAX)
		return CKR_ATTRIBUTE_VALUE_INVALID;

	total = sizeof(*set) + kept * sizeof(CK_ATTRIBUTE);
	for (size_t i = 0; i < kept; i++)
		total += padded(merged[i].ulValueLen);
	set = malloc(total);
	if (set == NULL)
		return CKR_HOST_MEMORY;
	set->count = kept;
	value = (uint8_t *)&set->list[kept];
	for (size_t i = 0; i < kept; i++) {
		size_t length = merged[i].ulValueLen;

		set->list[i] = merged[i];
		set->list[i].pValue = value;
		if (length > 0)
			memcpy(value, merged[i].pValue, length);
		memset(value + length, 0, padded(length) - length);
		value += padded(length);
	}
	*out = set;
	return CKR_OK;
}

size_t attributes_size(const struct attributes *set)
{
	size_t total = sizeof(*set) + set->count * sizeof(CK_ATTRIBUTE);

	for (size_t i = 0; i < set->count; i++)
		total += padded(set->list[i].ulValueLen);
	return total;
}

void attributes_free(struct attributes *set)
{
	if (set == NULL)
		return;
	explicit_bzero(set, attributes_size(set));
	free(set);
}

const CK_ATTRIBUTE *attributes_find(const struct attributes *set, CK_ATTRIBUTE_TYPE type)
{
	CK_ATTRIBUTE wanted = {.type = type};

	if (set == NULL)
		return NULL;
	return bsearch(&wanted, set->list, set->count, sizeof(set->list[0]), compare_types);
}

bool attributes_bool(const struct attributes *set, CK_ATTRIBUTE_TYPE type, bool otherwise)
{
	const CK_ATTRIBUTE *found = attributes_find(set, type);

	if (found == NULL || found->ulValueLen != sizeof(CK_BBOOL))
		return otherwise;
	return *(const CK_BBOOL *)found->pValue != CK_FALSE;
}

CK_ULONG attributes_ulong(const struct attributes *set, CK_ATTRIBUTE_TYPE type, CK_ULONG otherwise)
{
	const CK_ATTRIBUTE *found = attributes_find(set, type);

	if (found == NULL || found->ulValueLen != sizeof(CK_ULONG))
		return otherwise;
	return *(const CK_ULONG *)found->pValue;
}

bool attributes_match(const struct attributes *set, const CK_ATTRIBUTE *templ, CK_ULONG count)
{
	for (CK_ULONG i = 0; i < count; i++) {
		const CK_ATTRIBUTE *found = attributes_find(set, templ[i].type);

		if (found == NULL || (templ[i].pValue == NULL && templ[i].ulValueLen > 0) ||
			!same_value(found, &templ[i]))
			return false;
	}
	return true;
}
