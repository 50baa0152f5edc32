#include "asn1/extension.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asn1/der.h"
#include "asn1/oid.h"

bool extensions_add(struct extensions *extensions, const char *oid, bool critical,
	const uint8_t *value, size_t length, struct error *err)
{
	struct extension *extension;
	uint8_t *copy;

	if (!oid_valid(oid))
		return error_set(err, ERROR_USAGE, "\"%.80s\" is not an object identifier", oid);
	if (extensions_find(extensions, oid) != NULL)
		return error_set(
			err, ERROR_USAGE, "the extension %s is there twice", oid_name(oid));
	if (extensions->count >= EXTENSIONS_MAX)
		return error_set(err, ERROR_USAGE, "more than %d extensions", EXTENSIONS_MAX);
	if (length > DER_MAX)
		return error_set(err, ERROR_USAGE, "the extension %s is too large", oid_name(oid));
	copy = malloc(length + 1);
	if (copy == NULL)
		return error_set(err, ERROR_FAILED, "out of memory");
	if (length > 0)
		memcpy(copy, value, length);
	extension = &extensions->list[extensions->count++];
	snprintf(extension->oid, sizeof(extension->oid), "%s", oid);
	extension->critical = critical;
	extension->value = copy;
	extension->length = length;
	return true;
}

const struct extension *extensions_find(const struct extensions *extensions, const char *oid)
{
	size_t i;

	for (i = 0; i < extensions->count; i++)
		if (strcmp(extensions->list[i].oid, oid) == 0)
			return &extensions->list[i];
	return NULL;
}

void extensions_clear(struct extensions *extensions)
{
	size_t i;

	for (i = 0; i < extensions->count; i++)
		free(extensions->list[i].value);
	*extensions = (struct extensions){0};
}

bool extensions_encode(const struct extensions *extensions, struct buffer *der, struct error *err)
{
	const struct extension *extension;
	asn1_node node = NULL;
	bool done = false;
	size_t i;

	if (!der_create("X509.Extensions", &node, err))
		goto out;
	for (i = 0; i < extensions->count; i++) {
		extension = &extensions->list[i];
		if (!der_write_text(node, "", "NEW", err) ||
			!der_write_text(node, "?LAST.extnID", extension->oid, err) ||
			!(extension->critical ? der_write_text(node, "?LAST.critical", "TRUE", err)
					      : der_write(node, "?LAST.critical", NULL, 0, err)) ||
			!der_write(
				node, "?LAST.extnValue", extension->value, extension->length, err))
			goto out;
	}
	done = der_encode(node, "", der, err);
out:
	asn1_delete_structure(&node);
	return done ? true : error_prefix(err, "extensions");
}

static bool decode_one(
	asn1_node node, size_t number, struct extensions *extensions, struct error *err)
{
	struct buffer value = BUFFER_INIT(DER_MAX);
	char path[DER_FIELD_MAX], oid[OID_TEXT_MAX];
	bool critical = false, done = false;

	der_field(path, "", number, "extnID");
	if (!der_read_oid(node, path, oid, err))
		goto out;
	der_field(path, "", number, "critical");
	if (der_present(node, path)) {
		if (!der_read_boolean(node, path, &critical, err))
			goto out;
		if (!critical) {
			error_set(err, ERROR_FAILED,
				"%s: the default is written out, which is not DER", oid_name(oid));
			goto out;
		}
	}
	der_field(path, "", number, "extnValue");
	if (!der_read(node, path, &value, err))
		goto out;
	done = extensions_add(extensions, oid, critical, value.data, value.length, err);
	/* To a reader it is not the caller who is wrong. */
	if (!done && err != NULL)
		err->code = ERROR_FAILED;
out:
	buffer_free(&value);
	return done;
}

bool extensions_decode(
	const uint8_t *der, size_t length, struct extensions *extensions, struct error *err)
{
	struct extensions *read;
	asn1_node node = NULL;
	bool done = false;
	size_t count, i;

	read = calloc(1, sizeof(*read));
	if (read == NULL)
		return error_set(err, ERROR_FAILED, "out of memory");
	if (!der_decode("X509.Extensions", der, length, &node, err) ||
		!der_count(node, "", EXTENSIONS_MAX, &count, err))
		goto out;
	if (count == 0) {
		error_set(err, ERROR_FAILED, "empty");
		goto out;
	}
	for (i = 1; i <= count; i++)
		if (!decode_one(node, i, read, err))
			goto out;
	*extensions = *read;
	done = true;
out:
	if (!done)
		extensions_clear(read);
	free(read);
	asn1_delete_structure(&node);
	return done ? true : error_prefix(err, "extensions");
}
