#include "module/support/text.h"

#include <stdint.h>
#include <string.h>

/* Bytes of the character at `text`, 0 when it is not well-formed; its value in *out. */
static size_t character(const unsigned char *text, size_t length, uint32_t *out)
{
	static const struct {
		unsigned char mask, lead;
		size_t size;
		uint32_t least;
	} shapes[] = {
		{0x80, 0x00, 1, 0},
		{0xe0, 0xc0, 2, 0x80},
		{0xf0, 0xe0, 3, 0x800},
		{0xf8, 0xf0, 4, 0x10000},
	};
	uint32_t value;

	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		if ((text[0] & shapes[i].mask) != shapes[i].lead)
			continue;
		if (shapes[i].size > length)
			return 0;
		value = text[0] & (unsigned char)~shapes[i].mask;
		for (size_t j = 1; j < shapes[i].size; j++) {
			if ((text[j] & 0xc0) != 0x80)
				return 0;
			value = value << 6 | (text[j] & 0x3f);
		}
		if (value < shapes[i].least || value > 0x10ffff ||
			(value >= 0xd800 && value <= 0xdfff))
			return 0;
		*out = value;
		return shapes[i].size;
	}
	return 0;
}

bool text_is_utf8(const char *text, size_t length)
{
	uint32_t value;
	size_t size;

	for (size_t at = 0; at < length; at += size) {
		size = character((const unsigned char *)text + at, length - at, &value);
		if (size == 0)
			return false;
	}
	return true;
}

size_t text_cut(const char *text, size_t length, size_t max)
{
	if (length <= max)
		return length;
	while (max > 0 && ((unsigned char)text[max] & 0xc0) == 0x80)
		max--;
	return max;
}

/* What a terminal obeys in place of showing it: controls, line separators, and what turns the reading order. */
static bool is_plain(uint32_t value)
{
	static const struct {
		uint32_t first, last;
	} commands[] = {
		{0x00, 0x1f},
		{0x7f, 0x9f},
		{0x061c, 0x061c},
		{0x200e, 0x200f},
		{0x2028, 0x202e},
		{0x2066, 0x2069},
	};

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (value >= commands[i].first && value <= commands[i].last)
			return false;
	return true;
}

void text_plain(char *text)
{
	size_t length = strlen(text), size;
	uint32_t value = 0;

	for (size_t at = 0; at < length; at += size) {
		size = character((unsigned char *)text + at, length - at, &value);
		if (text[at] == '\t')
			text[at] = ' ';
		else if (size == 0 || !is_plain(value))
			memset(text + at, '?', size > 0 ? size : 1);
		size = size > 0 ? size : 1;
	}
}
