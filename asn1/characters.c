#include "asn1/characters.h"

#include <string.h>

#include "asn1/der.h"

/* One character: its size in bytes and its number, or 0 when it is not UTF-8 (RFC 3629). */
static size_t utf8_next(const uint8_t *at, size_t length, uint32_t *character)
{
	static const struct {
		uint8_t mask, lead;
		uint32_t least;
	} sizes[] = {
		{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
	uint32_t value;
	size_t size, i;

	for (size = 1; size <= 4; size++)
		if ((at[0] & sizes[size - 1].mask) == sizes[size - 1].lead)
			break;
	if (size > 4 || size > length)
		return 0;
	value = at[0] & (uint8_t)~sizes[size - 1].mask;
	for (i = 1; i < size; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (at[i] & 0x3f);
	}
	if (value < sizes[size - 1].least || value > 0x10ffff ||
		(value >= 0xd800 && value <= 0xdfff))
		return 0;
	*character = value;
	return size;
}

static bool utf8_append(struct buffer *text, uint32_t character)
{
	uint8_t bytes[4];
	size_t size = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
	static const uint8_t leads[] = {0x00, 0xc0, 0xe0, 0xf0};
	size_t i;

	for (i = size - 1; i > 0; i--) {
		bytes[i] = (uint8_t)(0x80 | (character & 0x3f));
		character >>= 6;
	}
	bytes[0] = (uint8_t)(leads[size - 1] | character);
	return buffer_append(text, bytes, size);
}

bool characters_count(const void *text, size_t length, size_t *characters)
{
	const uint8_t *at = text;
	size_t count = 0, size;
	uint32_t character;

	for (; length > 0; count++, at += size, length -= size) {
		size = utf8_next(at, length, &character);
		if (size == 0 || character == 0)
			return false;
	}
	*characters = count;
	return true;
}

static bool is_letter_or_digit(uint32_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_printable(uint32_t c)
{
	return is_letter_or_digit(c) ||
	       (c > 0 && c < 0x80 && strchr(" '()+,-./:=?", (int)c) != NULL);
}

static bool is_printable_in_life(uint32_t c)
{
	return is_printable(c) || (c > 0 && c < 0x80 && strchr("*@_&\"!#%;$", (int)c) != NULL);
}

static bool is_numeric(uint32_t c)
{
	return (c >= '0' && c <= '9') || c == ' ';
}

static bool is_ia5(uint32_t c)
{
	return c > 0 && c < 0x80;
}

static bool is_visible(uint32_t c)
{
	return c >= 0x20 && c < 0x7f;
}

static bool is_any(uint32_t c)
{
	return c > 0 && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
}

static const struct string_type {
	unsigned tag;
	const char *name;
	size_t width; /* bytes a character; 0: UTF-8 */
	bool (*allowed)(uint32_t character);
	bool (*read)(uint32_t character);
} types[] = {
	{DER_TAG_UTF8_STRING, "UTF8String", 0, is_any, is_any},
	{DER_TAG_NUMERIC_STRING, "NumericString", 1, is_numeric, is_numeric},
	{DER_TAG_PRINTABLE_STRING, "PrintableString", 1, is_printable, is_printable_in_life},
	{DER_TAG_TELETEX_STRING, "TeletexString", 1, is_any, is_any},
	{DER_TAG_IA5_STRING, "IA5String", 1, is_ia5, is_ia5},
	{DER_TAG_VISIBLE_STRING, "VisibleString", 1, is_visible, is_visible},
	{DER_TAG_UNIVERSAL_STRING, "UniversalString", 4, is_any, is_any},
	{DER_TAG_BMP_STRING, "BMPString", 2, is_any, is_any},
};

static const struct string_type *type_of(unsigned tag)
{
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].tag == tag)
			return &types[i];
	return NULL;
}

const char *characters_refused(unsigned tag, const char *text)
{
	const struct string_type *type = type_of(tag);
	size_t size, length = strlen(text);
	uint32_t character;

	for (; length > 0; text += size, length -= size) {
		size = utf8_next((const uint8_t *)text, length, &character);
		if (size == 0 || type == NULL || !type->allowed(character))
			return text;
	}
	return NULL;
}

bool characters_decode(
	unsigned tag, const uint8_t *value, size_t length, struct buffer *text, struct error *err)
{
	const struct string_type *type = type_of(tag);
	size_t at = 0, size, i;
	uint32_t character;

	if (type == NULL)
		return error_set(err, ERROR_FAILED, "not a character string");
	while (at < length) {
		character = 0;
		if (type->width == 0) {
			size = utf8_next(value + at, length - at, &character);
		} else {
			size = type->width <= length - at ? type->width : 0;
			for (i = 0; i < size; i++)
				character = character << 8 | value[at + i];
		}
		if (size == 0 || !type->read(character))
			return error_set(err, ERROR_FAILED,
				"a %s with a character that it cannot have", type->name);
		if (!utf8_append(text, character))
			return error_set(err, ERROR_FAILED, "too large, or out of memory");
		at += size;
	}
	return true;
}
