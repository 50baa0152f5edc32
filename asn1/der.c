#include "asn1/der.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asn1/oid.h"

extern const asn1_static_node podpis_x509_asn[], podpis_cms_asn[], podpis_profile_asn[];

static const struct module {
	const char *name;
	const asn1_static_node *definitions;
	size_t limit;
} modules[] = {
	{"X509", podpis_x509_asn, DER_MAX},
	{"CMS", podpis_cms_asn, DER_CMS_MAX},
	{"PROFILE", podpis_profile_asn, DER_MAX},
};

static const struct module *module_of(const char *type)
{
	size_t i, length = strcspn(type, ".");

	for (i = 0; i < sizeof(modules) / sizeof(modules[0]); i++)
		if (strlen(modules[i].name) == length && memcmp(modules[i].name, type, length) == 0)
			return &modules[i];
	return NULL;
}

static bool fail(struct error *err, const char *field, int result)
{
	if (result == ASN1_MEM_ALLOC_ERROR)
		return error_set(err, ERROR_FAILED, "out of memory");
	return error_set(err, ERROR_FAILED, "%s: %s", field[0] != '\0' ? field : "structure",
		asn1_strerror(result));
}

/* libtasn1 names the field that it stumbled over: "… 'signature.' …". */
static bool fail_decoding(struct error *err, const char *type, int result, const char *description)
{
	const char *start = strchr(description, '\''), *end;
	const char *what = result == ASN1_TAG_ERROR   ? "a wrong tag or a part missing"
			   : result == ASN1_DER_ERROR ? "a wrong value"
						      : asn1_strerror(result);

	type = strchr(type, '.') + 1;
	end = start != NULL ? strchr(++start, '\'') : NULL;
	if (end == NULL)
		return error_set(err, ERROR_FAILED, "not %s: %s", type, what);
	while (end > start && end[-1] == '.')
		end--;
	return error_set(
		err, ERROR_FAILED, "not %s: %s at %.*s", type, what, (int)(end - start), start);
}

bool der_create(const char *type, asn1_node *node, struct error *err)
{
	const struct module *module = module_of(type);
	char description[ASN1_MAX_ERROR_DESCRIPTION_SIZE];
	asn1_node definitions = NULL, created = NULL;
	int result;

	if (module == NULL)
		return error_set(err, ERROR_FAILED, "%s: no such type", type);
	/* The definitions are built anew each time (some 20 us), so that there is nothing global to lock. */
	result = asn1_array2tree(module->definitions, &definitions, description);
	if (result == ASN1_SUCCESS)
		result = asn1_create_element(definitions, type, &created);
	asn1_delete_structure(&definitions);
	if (result != ASN1_SUCCESS)
		return fail(err, type, result);
	*node = created;
	return true;
}

/* The re-encoding finds what libtasn1 read generously: it must give the same bytes. */
static bool is_reencoded(asn1_node node, const uint8_t *der, size_t length, struct error *err)
{
	struct buffer again = BUFFER_INIT(length + 64);
	bool done = false;
	size_t i;

	if (!der_encode(node, "", &again, err))
		goto out;
	if (again.length != length || memcmp(again.data, der, length) != 0) {
		for (i = 0; i < length && i < again.length && again.data[i] == der[i]; i++)
			continue;
		error_set(err, ERROR_FAILED,
			"not DER at byte %zu: another encoding is the right one", i);
		goto out;
	}
	done = true;
out:
	buffer_free(&again);
	return done;
}

static bool decode(const char *type, bool unsorted, const uint8_t *der, size_t length,
	asn1_node *node, struct error *err)
{
	const struct module *module = module_of(type);
	/* libtasn1 appends to what is there. */
	char description[ASN1_MAX_ERROR_DESCRIPTION_SIZE] = "";
	asn1_node created = NULL;
	bool done = false;
	int result, used;

	if (!der_create(type, &created, err))
		return false;
	if (!(unsorted ? der_check_unsorted : der_check)(der, length, module->limit, err))
		goto out;
	used = (int)length;
	result = asn1_der_decoding2(&created, der, &used, ASN1_DECODE_FLAG_STRICT_DER, description);
	if (result != ASN1_SUCCESS) {
		fail_decoding(err, type, result, description);
		goto out;
	}
	if (!unsorted && !is_reencoded(created, der, length, err))
		goto out;
	*node = created;
	created = NULL;
	done = true;
out:
	asn1_delete_structure(&created);
	return done;
}

bool der_decode(
	const char *type, const uint8_t *der, size_t length, asn1_node *node, struct error *err)
{
	return decode(type, false, der, length, node, err);
}

bool der_decode_unsorted(
	const char *type, const uint8_t *der, size_t length, asn1_node *node, struct error *err)
{
	return decode(type, true, der, length, node, err);
}

bool der_encode(asn1_node node, const char *field, struct buffer *out, struct error *err)
{
	char description[ASN1_MAX_ERROR_DESCRIPTION_SIZE] = "";
	int result, size = 0;
	uint8_t *start;
	const char *near;

	result = asn1_der_coding(node, field, NULL, &size, description);
	if (result != ASN1_MEM_ERROR) {
		near = strchr(description, '\'');
		return near != NULL ? fail(err, near, result) : fail(err, field, result);
	}
	start = buffer_extend(out, (size_t)size);
	if (start == NULL)
		return error_set(err, ERROR_FAILED, "too large, or out of memory");
	result = asn1_der_coding(node, field, start, &size, NULL);
	return result == ASN1_SUCCESS ? true : fail(err, field, result);
}

bool der_encode_primitive(
	unsigned tag, const void *value, size_t length, struct buffer *out, struct error *err)
{
	uint8_t header[1 + ASN1_MAX_LENGTH_SIZE];
	int size = 0;

	if (length > DER_MAX)
		return error_set(err, ERROR_FAILED, "too large");
	header[0] = (uint8_t)tag;
	asn1_length_der((unsigned long)length, header + 1, &size);
	if (!buffer_append(out, header, 1 + (size_t)size) || !buffer_append(out, value, length))
		return error_set(err, ERROR_FAILED, "too large, or out of memory");
	return true;
}

bool der_write(
	asn1_node node, const char *field, const void *value, size_t length, struct error *err)
{
	int result;

	if (length > DER_CMS_MAX)
		return fail(err, field, ASN1_VALUE_NOT_VALID);
	/* A length of zero makes libtasn1 look for a NUL. */
	if (value != NULL && length == 0)
		value = "";
	result = asn1_write_value(node, field, value, (int)length);
	return result == ASN1_SUCCESS ? true : fail(err, field, result);
}

bool der_write_text(asn1_node node, const char *field, const char *text, struct error *err)
{
	/* libtasn1 reads a time, a choice, an OID and "NEW" to the NUL, whatever length it is told. */
	return der_write(node, field, text, 1, err);
}

bool der_write_bits(
	asn1_node node, const char *field, const void *value, size_t length, struct error *err)
{
	int result;

	if (length > DER_MAX)
		return fail(err, field, ASN1_VALUE_NOT_VALID);
	result = asn1_write_value(node, field, value, (int)length * 8);
	return result == ASN1_SUCCESS ? true : fail(err, field, result);
}

bool der_write_unsigned(
	asn1_node node, const char *field, const uint8_t *value, size_t length, struct error *err)
{
	uint8_t *copy;
	bool done;

	if (length > DER_MAX)
		return fail(err, field, ASN1_VALUE_NOT_VALID);
	/* A zero in front keeps it positive; libtasn1 takes away what is not needed. */
	copy = calloc(1, length + 1);
	if (copy == NULL)
		return error_set(err, ERROR_FAILED, "out of memory");
	if (length > 0)
		memcpy(copy + 1, value, length);
	done = der_write(node, field, copy, length + 1, err);
	free(copy);
	return done;
}

bool der_write_number(asn1_node node, const char *field, unsigned number, struct error *err)
{
	const uint8_t bytes[] = {(uint8_t)(number >> 24), (uint8_t)(number >> 16),
		(uint8_t)(number >> 8), (uint8_t)number};

	return der_write_unsigned(node, field, bytes, sizeof(bytes), err);
}

void der_field(char field[DER_FIELD_MAX], const char *list, size_t number, const char *rest)
{
	snprintf(field, DER_FIELD_MAX, "%s%s?%zu%s%s", list, list[0] != '\0' ? "." : "", number,
		rest[0] != '\0' ? "." : "", rest);
}
