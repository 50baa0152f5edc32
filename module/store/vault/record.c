#include <stdlib.h>
#include <string.h>

#include "module/store/vault/record.h"

#define ULONG_SIZE 8 /* bytes of a CK_ULONG in the file */

/* Attributes whose values are CK_ULONGs or arrays of them (PKCS #11 v3.0, 4). */
static const CK_ATTRIBUTE_TYPE numbers[] = {
	CKA_CLASS,
	CKA_CERTIFICATE_TYPE,
	CKA_CERTIFICATE_CATEGORY,
	CKA_JAVA_MIDP_SECURITY_DOMAIN,
	CKA_NAME_HASH_ALGORITHM,
	CKA_KEY_TYPE,
	CKA_MODULUS_BITS,
	CKA_PRIME_BITS,
	CKA_SUB_PRIME_BITS,
	CKA_VALUE_BITS,
	CKA_VALUE_LEN,
	CKA_KEY_GEN_MECHANISM,
	CKA_HW_FEATURE_TYPE,
	CKA_MECHANISM_TYPE,
	CKA_ALLOWED_MECHANISMS,
	CKA_PROFILE_ID,
};

static const CK_ATTRIBUTE_TYPE secrets[] = {
	CKA_VALUE,
	CKA_PRIVATE_EXPONENT,
	CKA_PRIME_1,
	CKA_PRIME_2,
	CKA_EXPONENT_1,
	CKA_EXPONENT_2,
	CKA_COEFFICIENT,
};

void record_put32(uint8_t out[4], uint32_t value)
{
	for (int i = 3; i >= 0; i--, value >>= 8)
		out[i] = (uint8_t)value;
}

void record_put64(uint8_t out[8], uint64_t value)
{
	for (int i = 7; i >= 0; i--, value >>= 8)
		out[i] = (uint8_t)value;
}

uint32_t record_get32(const uint8_t in[4])
{
	return (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 | (uint32_t)in[2] << 8 | in[3];
}

uint64_t record_get64(const uint8_t in[8])
{
	return (uint64_t)record_get32(in) << 32 | record_get32(in + 4);
}

static bool is_in(const CK_ATTRIBUTE_TYPE *list, size_t count, CK_ATTRIBUTE_TYPE type)
{
	for (size_t i = 0; i < count; i++)
		if (list[i] == type)
			return true;
	return false;
}

static bool is_number(CK_ATTRIBUTE_TYPE type)
{
	return is_in(numbers, sizeof(numbers) / sizeof(numbers[0]), type);
}

bool record_is_secret(CK_OBJECT_CLASS class, CK_ATTRIBUTE_TYPE type)
{
	return (class == CKO_PRIVATE_KEY || class == CKO_SECRET_KEY) &&
	       is_in(secrets, sizeof(secrets) / sizeof(secrets[0]), type);
}

CK_RV record_put_value(struct buffer *out, const CK_ATTRIBUTE *attribute)
{
	const uint8_t *value = attribute->pValue;
	CK_ULONG number;
	uint8_t *to;

	/* Templates inside attributes hold pointers; nothing here uses them. */
	if ((attribute->type & CKF_ARRAY_ATTRIBUTE) != 0 && !is_number(attribute->type))
		return CKR_ATTRIBUTE_TYPE_INVALID;
	if (!is_number(attribute->type))
		return buffer_append(out, value, attribute->ulValueLen) ? CKR_OK : CKR_HOST_MEMORY;
	if (attribute->ulValueLen % sizeof(number) != 0)
		return CKR_ATTRIBUTE_VALUE_INVALID;
	for (size_t at = 0; at < attribute->ulValueLen; at += sizeof(number)) {
		memcpy(&number, value + at, sizeof(number));
		to = buffer_extend(out, ULONG_SIZE);
		if (to == NULL)
			return CKR_HOST_MEMORY;
		record_put64(to, number == CK_UNAVAILABLE_INFORMATION ? UINT64_MAX : number);
	}
	return CKR_OK;
}

CK_RV record_put(struct buffer *out, const CK_ATTRIBUTE *attribute)
{
	size_t start = out->length;
	CK_RV rv;

	if (attribute->type > UINT32_MAX)
		return CKR_ATTRIBUTE_TYPE_INVALID;
	if (buffer_extend(out, RECORD_HEADER) == NULL)
		return CKR_HOST_MEMORY;
	rv = record_put_value(out, attribute);
	if (rv != CKR_OK)
		return rv;
	record_put32(out->data + start, (uint32_t)attribute->type);
	record_put32(out->data + start + 4, (uint32_t)(out->length - start - RECORD_HEADER));
	return CKR_OK;
}

bool record_next(const uint8_t *record, size_t length, size_t *at, struct record_entry *out)
{
	size_t size;

	if (*at > length || length - *at < RECORD_HEADER)
		return false;
	size = record_get32(record + *at + 4);
	if (size > length - *at - RECORD_HEADER)
		return false;
	*out = (struct record_entry){
		record_get32(record + *at), record + *at + RECORD_HEADER, size};
	*at += RECORD_HEADER + size;
	return true;
}

void record_values_init(struct record_values *values)
{
	values->count = 0;
	values->values = BUFFER_INIT(RECORD_MAX);
}

/* In place: a CK_ULONG takes no more room than its 8 bytes. False when one is too wide. */
static bool read_numbers(CK_ATTRIBUTE *attribute)
{
	uint8_t *value = attribute->pValue;
	CK_ULONG number;
	uint64_t wide;
	size_t length = 0;

	for (size_t at = 0; at < attribute->ulValueLen; at += ULONG_SIZE) {
		wide = record_get64(value + at);
		if (wide > (CK_ULONG)-1 && wide != UINT64_MAX)
			return false;
		number = (CK_ULONG)wide;
		memcpy(value + length, &number, sizeof(number));
		length += sizeof(number);
	}
	attribute->ulValueLen = length;
	return true;
}

CK_RV record_attributes(const uint8_t *record, size_t length, struct attributes **out)
{
	CK_ATTRIBUTE list[ATTRIBUTES_MAX];
	bool wide[ATTRIBUTES_MAX];
	struct attributes *set = NULL;
	struct record_entry entry;
	size_t at = 0, count = 0;
	CK_RV rv;

	while (record_next(record, length, &at, &entry)) {
		if (count == ATTRIBUTES_MAX || (count > 0 && entry.type <= list[count - 1].type))
			return CKR_DEVICE_ERROR;
		wide[count] = is_number(entry.type);
		if (wide[count] && entry.length % ULONG_SIZE != 0)
			return CKR_DEVICE_ERROR;
		list[count++] =
			(CK_ATTRIBUTE){entry.type, (void *)(uintptr_t)entry.value, entry.length};
	}
	if (at != length)
		return CKR_DEVICE_ERROR;
	rv = attributes_new(NULL, list, count, &set);
	if (rv != CKR_OK)
		return rv == CKR_HOST_MEMORY ? rv : CKR_DEVICE_ERROR;
	/* Nobody has the set yet: values are still to be given Cryptoki's shape. */
	for (size_t i = 0; i < count; i++) {
		if (wide[i] && !read_numbers(&set->list[i])) {
			attributes_free(set);
			return CKR_DEVICE_ERROR;
		}
	}
	*out = set;
	return CKR_OK;
}

/* The buffer may move while it grows, so offsets stand in for pointers until record_values_make. */
bool record_values_add(
	struct record_values *values, CK_ATTRIBUTE_TYPE type, const uint8_t *value, size_t length)
{
	size_t start = values->values.length;
	CK_ULONG number;
	uint64_t wide;

	if (values->count == ATTRIBUTES_MAX || length > ATTRIBUTES_VALUE_MAX)
		return false;
	if (!is_number(type)) {
		if (!buffer_append(&values->values, value, length))
			return false;
	} else {
		if (length % ULONG_SIZE != 0)
			return false;
		for (size_t at = 0; at < length; at += ULONG_SIZE) {
			wide = record_get64(value + at);
			if (wide > (CK_ULONG)-1 && wide != UINT64_MAX)
				return false;
			number = (CK_ULONG)wide;
			if (!buffer_append(&values->values, &number, sizeof(number)))
				return false;
		}
	}
	values->list[values->count++] =
		(CK_ATTRIBUTE){type, (void *)(uintptr_t)start, values->values.length - start};
	return true;
}

CK_RV record_values_make(struct record_values *values, struct attributes **out)
{
	CK_ATTRIBUTE list[ATTRIBUTES_MAX];
	static const uint8_t nothing[1];

	for (size_t i = 0; i < values->count; i++) {
		list[i] = values->list[i];
		list[i].pValue = values->values.data == NULL
					 ? (void *)(uintptr_t)nothing
					 : values->values.data + (uintptr_t)values->list[i].pValue;
	}
	return attributes_new(NULL, list, values->count, out);
}

void record_values_free(struct record_values *values)
{
	buffer_free(&values->values);
	values->count = 0;
}
