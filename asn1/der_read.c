#include "asn1/der.h"

#include <limits.h>
#include <string.h>

#include "asn1/oid.h"

static bool fail(struct error *err, const char *field, const char *why)
{
	return error_set(err, ERROR_FAILED, "%s: %s", field[0] != '\0' ? field : "value", why);
}

static bool fail_code(struct error *err, const char *field, int result)
{
	switch (result) {
	case ASN1_ELEMENT_NOT_FOUND:
	case ASN1_VALUE_NOT_FOUND:
		return fail(err, field, "missing");
	case ASN1_MEM_ALLOC_ERROR:
		return error_set(err, ERROR_FAILED, "out of memory");
	default:
		return fail(err, field, asn1_strerror(result));
	}
}

bool der_present(asn1_node node, const char *field)
{
	asn1_node found = asn1_find_node(node, field);
	asn1_data_node_st data;
	int length = 0, result;

	if (found == NULL)
		return false;
	result = asn1_read_value(node, field, NULL, &length);
	if (result == ASN1_SUCCESS || result == ASN1_MEM_ERROR)
		return true;
	/* Lists have no value; one that was optional and not there has no node after decoding. */
	return asn1_read_node_value(found, &data) == ASN1_SUCCESS &&
	       (data.type == ASN1_ETYPE_SET_OF || data.type == ASN1_ETYPE_SEQUENCE_OF);
}

/* Appends the value; `length` is libtasn1's, bits for a BIT STRING. */
static bool read_value(
	asn1_node node, const char *field, struct buffer *value, int *length, struct error *err)
{
	unsigned type = 0;
	int result, wanted = 0;
	size_t size;
	uint8_t *start;

	result = asn1_read_value_type(node, field, NULL, &wanted, &type);
	if (result != ASN1_MEM_ERROR && result != ASN1_SUCCESS)
		return fail_code(err, field, result);
	size = type == ASN1_ETYPE_BIT_STRING ? ((size_t)wanted + 7) / 8 : (size_t)wanted;
	*length = wanted;
	start = buffer_extend(value, size);
	if (start == NULL)
		return fail(err, field, "too large, or out of memory");
	if (size == 0)
		return true;
	wanted = (int)size;
	result = asn1_read_value(node, field, start, &wanted);
	return result == ASN1_SUCCESS ? true : fail_code(err, field, result);
}

bool der_read(asn1_node node, const char *field, struct buffer *value, struct error *err)
{
	int length;

	return read_value(node, field, value, &length, err);
}

bool der_read_bits(asn1_node node, const char *field, struct buffer *value, struct error *err)
{
	int bits;

	if (!read_value(node, field, value, &bits, err))
		return false;
	return bits % 8 == 0 ? true : fail(err, field, "not a whole number of bytes");
}

bool der_read_oid(asn1_node node, const char *field, char oid[64], struct error *err)
{
	char text[128];
	int length = sizeof(text);
	int result = asn1_read_value(node, field, text, &length);

	if (result == ASN1_MEM_ERROR)
		return fail(err, field, "an object identifier of more than 63 characters");
	if (result != ASN1_SUCCESS)
		return fail_code(err, field, result);
	if (!oid_valid(text))
		return fail(err, field, "an object identifier of more than 63 characters");
	memcpy(oid, text, strlen(text) + 1);
	return true;
}

bool der_read_unsigned(asn1_node node, const char *field, struct buffer *value, struct error *err)
{
	struct buffer integer = BUFFER_INIT(DER_MAX);
	bool done = false;
	size_t skip = 0;

	if (!der_read(node, field, &integer, err))
		goto out;
	if (integer.length == 0 || (integer.data[0] & 0x80) != 0) {
		fail(err, field, "a negative number");
		goto out;
	}
	while (skip + 1 < integer.length && integer.data[skip] == 0)
		skip++;
	if (!buffer_append(value, integer.data + skip, integer.length - skip)) {
		fail(err, field, "too large, or out of memory");
		goto out;
	}
	done = true;
out:
	buffer_free(&integer);
	return done;
}

bool der_read_number(asn1_node node, const char *field, unsigned *number, struct error *err)
{
	struct buffer value = BUFFER_INIT(DER_MAX);
	unsigned read = 0;
	bool done = false;
	size_t i;

	if (!der_read_unsigned(node, field, &value, err))
		goto out;
	if (value.length > sizeof(read)) {
		fail(err, field, "a number that is too large");
		goto out;
	}
	for (i = 0; i < value.length; i++)
		read = read << 8 | value.data[i];
	*number = read;
	done = true;
out:
	buffer_free(&value);
	return done;
}

bool der_read_boolean(asn1_node node, const char *field, bool *value, struct error *err)
{
	char text[8];
	int length = sizeof(text);
	int result = asn1_read_value(node, field, text, &length);

	if (result != ASN1_SUCCESS)
		return fail_code(err, field, result);
	*value = strcmp(text, "TRUE") == 0;
	return true;
}

bool der_count(asn1_node node, const char *list, size_t max, size_t *count, struct error *err)
{
	int number = 0;
	int result = asn1_number_of_elements(node, list, &number);

	if (result != ASN1_SUCCESS)
		return fail_code(err, list, result);
	if ((size_t)number > max)
		return error_set(err, ERROR_FAILED, "%s: %d of them, %zu at most",
			list[0] != '\0' ? list : "list", number, max);
	*count = (size_t)number;
	return true;
}

bool der_slice(asn1_node node, const char *field, const uint8_t *der, size_t length,
	const uint8_t **start, size_t *slice_length, struct error *err)
{
	int first = 0, last = 0;
	int result = asn1_der_decoding_startEnd(node, der, (int)length, field, &first, &last);

	if (result != ASN1_SUCCESS)
		return fail_code(err, field, result);
	if (first < 0 || last < first || (size_t)last >= length)
		return fail(err, field, "missing");
	*start = der + first;
	*slice_length = (size_t)(last - first) + 1;
	return true;
}
