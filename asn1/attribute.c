#include "asn1/attribute.h"

#include <stdio.h>
#include <string.h>

#include "asn1/der.h"
#include "asn1/oid.h"

bool attribute_add(asn1_node node, const char *list, const char *oid, const struct buffer *value,
	struct error *err)
{
	char path[DER_FIELD_MAX];

	if (!der_write_text(node, list, "NEW", err))
		return false;
	snprintf(path, sizeof(path), "%s.?LAST.type", list);
	if (!der_write_text(node, path, oid, err))
		return false;
	snprintf(path, sizeof(path), "%s.?LAST.values", list);
	if (!der_write_text(node, path, "NEW", err))
		return false;
	snprintf(path, sizeof(path), "%s.?LAST.values.?1", list);
	return der_write(node, path, value->data, value->length, err);
}

bool attributes_check(asn1_node node, const char *list, bool may_be_empty, struct error *err)
{
	char oids[ATTRIBUTES_MAX][OID_TEXT_MAX], path[DER_FIELD_MAX];
	size_t count, values, i, j;

	if (!der_count(node, list, ATTRIBUTES_MAX, &count, err))
		return false;
	if (count == 0 && !may_be_empty)
		return error_set(err, ERROR_FAILED, "%s: empty", list);
	for (i = 0; i < count; i++) {
		der_field(path, list, i + 1, "type");
		if (!der_read_oid(node, path, oids[i], err))
			return false;
		for (j = 0; j < i; j++)
			if (strcmp(oids[i], oids[j]) == 0)
				return error_set(err, ERROR_FAILED,
					"%s: the attribute %s is there twice", list,
					oid_name(oids[i]));
		der_field(path, list, i + 1, "values");
		if (!der_count(node, path, DER_ELEMENTS_MAX, &values, err))
			return false;
		if (values == 0)
			return error_set(err, ERROR_FAILED, "%s: the attribute %s has no value",
				list, oid_name(oids[i]));
	}
	return true;
}

bool attribute_find(asn1_node node, const char *list, const char *oid, struct buffer *value,
	bool *found, struct error *err)
{
	char path[DER_FIELD_MAX], type[OID_TEXT_MAX];
	size_t count, values, i;

	if (!der_count(node, list, ATTRIBUTES_MAX, &count, err))
		return false;
	for (i = 1; i <= count; i++) {
		der_field(path, list, i, "type");
		if (!der_read_oid(node, path, type, err))
			return false;
		if (strcmp(type, oid) != 0)
			continue;
		der_field(path, list, i, "values");
		if (!der_count(node, path, DER_ELEMENTS_MAX, &values, err))
			return false;
		if (values != 1)
			return error_set(err, ERROR_FAILED,
				"%s: the attribute %s has %zu values, not one", list, oid_name(oid),
				values);
		der_field(path, list, i, "values.?1");
		if (!der_read(node, path, value, err))
			return false;
		*found = true;
		return true;
	}
	*found = false;
	return true;
}
