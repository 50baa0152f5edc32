#include "asn1/name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asn1/der.h"
#include "asn1/oid.h"
#include "asn1/characters.h"

#define VALUE_MAX 32768 /* characters: RFC 5280's ub-name */

/*
 * Sizes are RFC 5280's upper bounds, but for the names of organisations, of people and of their posts: the
 * 64 characters of the standard are too few for many Russian ones, and authorities take 128.
 */
static const struct name_type types[] = {
	{"2.5.4.3", "CN", "Common name", "Общее имя", DER_TAG_UTF8_STRING, 1, 128, 64},
	{"2.5.4.4", "SN", "Surname", "Фамилия", DER_TAG_UTF8_STRING, 1, 128, 0},
	{"2.5.4.42", "GN", "Given name and patronymic", "Имя и отчество", DER_TAG_UTF8_STRING, 1,
		128, 0},
	{"2.5.4.6", "C", "Country", "Страна", DER_TAG_PRINTABLE_STRING, 2, 2, 0},
	{"2.5.4.8", "ST", "Region", "Регион", DER_TAG_UTF8_STRING, 1, 128, 0},
	{"2.5.4.7", "L", "Locality", "Населённый пункт", DER_TAG_UTF8_STRING, 1, 128, 0},
	{"2.5.4.9", "street", "Street address", "Адрес", DER_TAG_UTF8_STRING, 1, 128, 0},
	{"2.5.4.10", "O", "Organisation", "Организация", DER_TAG_UTF8_STRING, 1, 128, 64},
	{"2.5.4.11", "OU", "Department", "Подразделение", DER_TAG_UTF8_STRING, 1, 128, 64},
	{"2.5.4.12", "title", "Title", "Должность", DER_TAG_UTF8_STRING, 1, 128, 64},
	{"1.2.840.113549.1.9.1", "emailAddress", "E-mail", "Электронная почта", DER_TAG_IA5_STRING,
		1, 255, 0},
	{"2.5.4.5", "serialNumber", "Serial number", "Серийный номер владельца",
		DER_TAG_PRINTABLE_STRING, 1, 64, 0},
	{"1.2.643.100.1", "OGRN", "Organisation's registration number (OGRN)", "ОГРН",
		DER_TAG_NUMERIC_STRING, 13, 13, 0},
	{"1.2.643.100.3", "SNILS", "Insurance number (SNILS)", "СНИЛС", DER_TAG_NUMERIC_STRING, 11,
		11, 0},
	{"1.2.643.100.4", "INNLE", "Organisation's taxpayer number (INN)", "ИНН ЮЛ",
		DER_TAG_NUMERIC_STRING, 10, 10, 0},
	{"1.2.643.100.5", "OGRNIP", "Sole trader's registration number (OGRNIP)", "ОГРНИП",
		DER_TAG_NUMERIC_STRING, 15, 15, 0},
	{"1.2.643.3.131.1.1", "INN", "Taxpayer number (INN)", "ИНН", DER_TAG_NUMERIC_STRING, 12, 12,
		0},
	{"2.5.4.17", "postalCode", "Postal code", "Почтовый индекс", DER_TAG_UTF8_STRING, 1, 40, 0},
	{"2.5.4.65", "pseudonym", "Pseudonym", "Псевдоним", DER_TAG_UTF8_STRING, 1, 128, 0},
	{"2.5.4.97", "organizationIdentifier", "Organisation's identifier",
		"Идентификатор организации", DER_TAG_UTF8_STRING, 1, 128, 0},
	{"0.9.2342.19200300.100.1.1", "UID", "User identifier", "Идентификатор пользователя",
		DER_TAG_UTF8_STRING, 1, 256, 0},
	{"0.9.2342.19200300.100.1.25", "DC", "Domain component", "Компонент домена",
		DER_TAG_IA5_STRING, 1, 63, 0},
};

static const char oid_inn[] = "1.2.643.3.131.1.1";

const struct name_type *name_type_by_oid(const char *oid)
{
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i].oid, oid) == 0)
			return &types[i];
	return NULL;
}

const struct name_type *name_type_by_key(const char *key)
{
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i].key, key) == 0)
			return &types[i];
	return NULL;
}

static const char *alphabet_of(unsigned tag)
{
	switch (tag) {
	case DER_TAG_NUMERIC_STRING:
		return "digits only";
	case DER_TAG_PRINTABLE_STRING:
		return "Latin letters, digits, spaces and '()+,-./:=? only";
	case DER_TAG_IA5_STRING:
		return "ASCII only";
	default:
		return "UTF-8 without control characters only";
	}
}

/* The rules for a value that is going to be written; what others wrote is read more generously. */
static bool check_value(const char *oid, const char *value, struct error *err)
{
	static const struct name_type other = {
		.tag = DER_TAG_UTF8_STRING, .minimum = 1, .maximum = VALUE_MAX};
	const struct name_type *type = name_type_by_oid(oid);
	const char *key = type != NULL ? type->key : oid;
	const char *at;
	size_t count;

	if (type == NULL)
		type = &other;
	if (!characters_count(value, strlen(value), &count))
		return error_set(err, ERROR_USAGE, "%s: not UTF-8", key);
	if (count < type->minimum || count > type->maximum)
		return type->minimum == type->maximum
			       ? error_set(err, ERROR_USAGE, "%s: %zu characters, must be %u", key,
					 count, type->maximum)
			       : error_set(err, ERROR_USAGE, "%s: %zu characters, must be %u to %u",
					 key, count, type->minimum, type->maximum);
	for (at = value; *at != '\0'; at++)
		/* The NumericString of the profile is a number: no spaces. */
		if ((unsigned char)*at < 0x20 || *at == 0x7f ||
			(type->tag == DER_TAG_NUMERIC_STRING && *at == ' '))
			break;
	if (*at != '\0' || characters_refused(type->tag, value) != NULL)
		return error_set(err, ERROR_USAGE, "%s: %s", key, alphabet_of(type->tag));
	if (strcmp(oid, oid_inn) == 0 && strncmp(value, "00", 2) == 0)
		return error_set(err, ERROR_USAGE,
			"%s: begins with 00; an organisation's number goes into INNLE", key);
	return true;
}

/* Takes `value` over. */
static void push(struct name *name, const char *oid, char *value, bool joined, unsigned tag)
{
	struct name_attribute *attribute = &name->attributes[name->count++];

	snprintf(attribute->oid, sizeof(attribute->oid), "%s", oid);
	attribute->value = value;
	attribute->joined = joined;
	attribute->tag = (unsigned char)tag;
}

bool name_add(struct name *name, const char *oid, const char *value, struct error *err)
{
	char *copy;

	if (!oid_valid(oid))
		return error_set(err, ERROR_USAGE, "\"%.80s\" is not an object identifier", oid);
	if (name->count >= NAME_ATTRIBUTES_MAX)
		return error_set(
			err, ERROR_USAGE, "a name has %d attributes at most", NAME_ATTRIBUTES_MAX);
	if (!check_value(oid, value, err))
		return false;
	copy = strdup(value);
	if (copy == NULL)
		return error_set(err, ERROR_FAILED, "out of memory");
	push(name, oid, copy, false, 0);
	return true;
}

void name_clear(struct name *name)
{
	size_t i;

	for (i = 0; i < name->count; i++)
		free(name->attributes[i].value);
	*name = (struct name){0};
}

const char *name_get(const struct name *name, const char *oid)
{
	size_t i;

	for (i = 0; i < name->count; i++)
		if (strcmp(name->attributes[i].oid, oid) == 0)
			return name->attributes[i].value;
	return NULL;
}

static bool encode_attribute(
	asn1_node node, size_t rdn, const struct name_attribute *attribute, struct error *err)
{
	const struct name_type *type = name_type_by_oid(attribute->oid);
	struct buffer value = BUFFER_INIT(DER_MAX);
	char list[DER_FIELD_MAX], path[DER_FIELD_MAX];
	bool done;

	der_field(list, "", rdn, "");
	snprintf(path, sizeof(path), "?%zu.?LAST", rdn);
	done = der_write_text(node, list, "NEW", err);
	snprintf(path, sizeof(path), "?%zu.?LAST.type", rdn);
	done = done && der_write_text(node, path, attribute->oid, err) &&
	       der_encode_primitive(type != NULL ? type->tag : DER_TAG_UTF8_STRING,
		       attribute->value, strlen(attribute->value), &value, err);
	snprintf(path, sizeof(path), "?%zu.?LAST.value", rdn);
	done = done && der_write(node, path, value.data, value.length, err);
	buffer_free(&value);
	return done;
}

bool name_encode(const struct name *name, struct buffer *der, struct error *err)
{
	asn1_node node = NULL;
	bool done = false;
	size_t i, rdn = 0;

	if (!der_create("X509.RDNSequence", &node, err))
		return false;
	for (i = 0; i < name->count; i++) {
		/* What was read from elsewhere may break the rules that hold for what is written. */
		if (!check_value(name->attributes[i].oid, name->attributes[i].value, err))
			goto out;
		if (i == 0 || !name->attributes[i].joined) {
			if (!der_write_text(node, "", "NEW", err))
				goto out;
			rdn++;
		}
		if (!encode_attribute(node, rdn, &name->attributes[i], err))
			goto out;
	}
	done = der_encode(node, "", der, err);
out:
	asn1_delete_structure(&node);
	return done ? true : error_prefix(err, "name");
}

static bool decode_attribute(
	asn1_node node, const char *list, size_t number, struct name *name, struct error *err)
{
	struct buffer value = BUFFER_INIT(DER_MAX), text = BUFFER_INIT(DER_MAX);
	char path[DER_FIELD_MAX], oid[OID_TEXT_MAX];
	struct der_element element;
	bool done = false;
	size_t count, i;
	char *copy;

	if (name->count >= NAME_ATTRIBUTES_MAX)
		return error_set(err, ERROR_FAILED, "more than %d attributes", NAME_ATTRIBUTES_MAX);
	der_field(path, list, number, "type");
	if (!der_read_oid(node, path, oid, err))
		return false;
	/* X.501: an RDN has no type twice. */
	for (i = name->count; number > 1 && i > 0; i--) {
		if (strcmp(name->attributes[i - 1].oid, oid) == 0)
			return error_set(err, ERROR_FAILED, "%s: twice in one RDN", path);
		if (!name->attributes[i - 1].joined)
			break;
	}
	der_field(path, list, number, "value");
	if (!der_read(node, path, &value, err) ||
		!der_element(value.data, value.length, &element, err))
		goto out;
	if (element.class != ASN1_CLASS_UNIVERSAL ||
		!characters_decode(element.tag, element.value, element.length, &text, err)) {
		if (element.class != ASN1_CLASS_UNIVERSAL)
			error_set(err, ERROR_FAILED, "not a character string");
		goto out;
	}
	if (!characters_count(text.data, text.length, &count) || count > VALUE_MAX) {
		error_set(err, ERROR_FAILED, "more than %d characters", VALUE_MAX);
		goto out;
	}
	copy = strdup(buffer_text(&text));
	if (copy == NULL) {
		error_set(err, ERROR_FAILED, "out of memory");
		goto out;
	}
	push(name, oid, copy, number > 1, element.tag);
	done = true;
out:
	if (!done)
		error_prefix(err, "%s",
			name_type_by_oid(oid) != NULL ? name_type_by_oid(oid)->key : oid);
	buffer_free(&value);
	buffer_free(&text);
	return done;
}

bool name_decode(const uint8_t *der, size_t length, struct name *name, struct error *err)
{
	struct name read = {0};
	char list[DER_FIELD_MAX];
	asn1_node node = NULL;
	size_t rdns, count, i, j;
	bool done = false;

	if (!der_decode("X509.RDNSequence", der, length, &node, err) ||
		!der_count(node, "", NAME_ATTRIBUTES_MAX, &rdns, err))
		goto out;
	for (i = 1; i <= rdns; i++) {
		der_field(list, "", i, "");
		if (!der_count(node, list, NAME_ATTRIBUTES_MAX, &count, err))
			goto out;
		if (count == 0) {
			error_set(err, ERROR_FAILED, "%s: an empty RDN", list);
			goto out;
		}
		for (j = 1; j <= count; j++)
			if (!decode_attribute(node, list, j, &read, err))
				goto out;
	}
	*name = read;
	done = true;
out:
	if (!done)
		name_clear(&read);
	asn1_delete_structure(&node);
	return done ? true : error_prefix(err, "name");
}

/* RFC 4514, 2.4; control characters too, so that a name can't drive a terminal. */
static bool print_value(const char *value, struct buffer *out)
{
	size_t length = strlen(value), i;

	for (i = 0; i < length; i++) {
		unsigned char c = (unsigned char)value[i];

		if (c < 0x20 || c == 0x7f || (c == 0xc2 && (unsigned char)value[i + 1] < 0xa0)) {
			buffer_printf(out, "\\%02X", c);
			if (c == 0xc2)
				buffer_printf(out, "\\%02X", (unsigned char)value[++i]);
			continue;
		}
		if (strchr("\"+,;<>\\", c) != NULL || (i == 0 && (c == ' ' || c == '#')) ||
			(i == length - 1 && c == ' '))
			buffer_append(out, "\\", 1);
		buffer_append(out, &value[i], 1);
	}
	return buffer_ok(out);
}

bool name_print(const struct name *name, struct buffer *out)
{
	size_t end = name->count, start, i;
	const struct name_type *type;

	while (end > 0) {
		for (start = end - 1; start > 0 && name->attributes[start].joined; start--)
			continue;
		if (end != name->count)
			buffer_append_text(out, ", ");
		for (i = start; i < end; i++) {
			type = name_type_by_oid(name->attributes[i].oid);
			buffer_printf(out, "%s%s=", i > start ? "+" : "",
				type != NULL ? type->key : name->attributes[i].oid);
			print_value(name->attributes[i].value, out);
		}
		end = start;
	}
	return buffer_ok(out);
}
