#include "provision/token_object.h"

#define VALUE_MAX (1024 * 1024)
#define FIND_STEP 64

bool token_object_find(struct slot *slot, CK_ATTRIBUTE *templ, CK_ULONG templ_count,
	CK_OBJECT_HANDLE *handles, size_t max, size_t *count, struct error *err)
{
	CK_RV rv = slot->functions->C_FindObjectsInit(slot->session, templ, templ_count);
	size_t used = 0;

	if (rv != CKR_OK)
		return slot_fail(err, "C_FindObjectsInit", rv);
	while (used < max) {
		CK_ULONG step = max - used < FIND_STEP ? (CK_ULONG)(max - used) : FIND_STEP;
		CK_ULONG got = 0;

		rv = slot->functions->C_FindObjects(slot->session, handles + used, step, &got);
		if (rv != CKR_OK || got == 0)
			break;
		used += got;
	}
	slot->functions->C_FindObjectsFinal(slot->session);
	if (rv != CKR_OK)
		return slot_fail(err, "C_FindObjects", rv);
	*count = used;
	return true;
}

bool token_object_by_id(struct slot *slot, CK_OBJECT_CLASS class, const uint8_t *id,
	size_t id_length, CK_OBJECT_HANDLE *handles, size_t max, size_t *count, struct error *err)
{
	CK_BBOOL yes = CK_TRUE;
	CK_ATTRIBUTE templ[] = {
		{CKA_CLASS, &class, sizeof(class)},
		{CKA_TOKEN, &yes, sizeof(yes)},
		{CKA_ID, (void *)(uintptr_t)id, (CK_ULONG)id_length},
	};

	return token_object_find(slot, templ, 3, handles, max, count, err);
}

bool token_object_read(
	struct slot *slot, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, struct buffer *value)
{
	CK_ATTRIBUTE attribute = {.type = type};
	size_t before = value->length;
	uint8_t *start;

	if (slot->functions->C_GetAttributeValue(slot->session, object, &attribute, 1) != CKR_OK ||
		attribute.ulValueLen == CK_UNAVAILABLE_INFORMATION ||
		attribute.ulValueLen > VALUE_MAX)
		return false;
	start = buffer_extend(value, attribute.ulValueLen);
	if (start == NULL)
		return false;
	attribute.pValue = start;
	if (slot->functions->C_GetAttributeValue(slot->session, object, &attribute, 1) != CKR_OK)
		return false;
	return attribute.ulValueLen == value->length - before;
}
