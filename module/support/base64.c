#include "module/support/base64.h"

#include <string.h>

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static bool encode(
	const uint8_t *data, size_t length, const char *alphabet, bool pad, struct buffer *out)
{
	for (size_t i = 0; i < length; i += 3) {
		size_t left = length - i;
		uint32_t bits = (uint32_t)data[i] << 16;
		char group[4];

		if (left > 1)
			bits |= (uint32_t)data[i + 1] << 8;
		if (left > 2)
			bits |= data[i + 2];
		group[0] = alphabet[bits >> 18];
		group[1] = alphabet[bits >> 12 & 63];
		group[2] = left > 1 ? alphabet[bits >> 6 & 63] : '=';
		group[3] = left > 2 ? alphabet[bits & 63] : '=';
		buffer_append(out, group, pad || left > 2 ? 4 : left + 1);
	}
	return buffer_ok(out);
}

bool base64_encode(const void *data, size_t length, struct buffer *out)
{
	return encode(data, length, standard, true, out);
}

bool base64_encode_url(const void *data, size_t length, struct buffer *out)
{
	return encode(data, length, url, false, out);
}

static int value(char c)
{
	const char *at = c != '\0' ? strchr(standard, c) : NULL;

	return at != NULL ? (int)(at - standard) : -1;
}

bool base64_decode(const char *text, size_t length, struct buffer *out)
{
	size_t padding = 0, start = out->length;
	uint32_t bits = 0;
	uint8_t *bytes;

	if (length % 4 != 0)
		return false;
	while (padding < 2 && padding < length && text[length - 1 - padding] == '=')
		padding++;
	for (size_t i = 0; i < length - padding; i++)
		if (value(text[i]) < 0)
			return false;
	/* The bits that belong to no byte are zero. */
	if (padding > 0 && (value(text[length - 1 - padding]) & (padding == 1 ? 3 : 15)) != 0)
		return false;
	bytes = buffer_extend(out, length / 4 * 3 - padding);
	if (bytes == NULL)
		return false;
	for (size_t i = 0, at = 0; i < length; i++) {
		bits = bits << 6 | (uint32_t)(text[i] == '=' ? 0 : value(text[i]));
		if (i % 4 != 3)
			continue;
		for (int shift = 16; shift >= 0 && start + at < out->length; shift -= 8)
			bytes[at++] = (uint8_t)(bits >> shift);
		bits = 0;
	}
	return true;
}
