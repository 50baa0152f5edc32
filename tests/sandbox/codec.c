#include "tests/sandbox/codec.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

void codec_sha256(const void *data, size_t length, uint8_t out[CODEC_SHA256])
{
	EVP_Digest(data, length, out, NULL, EVP_sha256(), NULL);
}

void codec_hex(const uint8_t *data, size_t length, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < length; i++) {
		*out++ = digits[data[i] >> 4];
		*out++ = digits[data[i] & 15];
	}
	*out = '\0';
}

static int hex_digit(char c, bool capital)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return capital && c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool codec_unhex_sha256(const char *text, uint8_t out[CODEC_SHA256])
{
	if (strlen(text) != CODEC_HEX - 1)
		return false;
	for (size_t i = 0; i < CODEC_SHA256; i++) {
		int high = hex_digit(text[2 * i], false), low = hex_digit(text[2 * i + 1], false);

		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

bool codec_base64(const void *data, size_t length, struct buffer *out)
{
	if (length == 0)
		return true;
	uint8_t *to = buffer_extend(out, (length + 2) / 3 * 4 + 1);

	if (to == NULL)
		return false;
	/* The encoder ends with a NUL, which the buffer has anyway. */
	EVP_EncodeBlock(to, data, (int)length);
	out->length--;
	return true;
}

bool codec_unbase64(const char *text, size_t length, struct buffer *out)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t padding = 0;

	if (length % 4 != 0 || length > 4 << 20)
		return false;
	if (length == 0)
		return true;
	padding = text[length - 1] != '=' ? 0 : text[length - 2] != '=' ? 1 : 2;
	for (size_t i = 0; i < length - padding; i++) {
		if (text[i] == '\0' || strchr(alphabet, text[i]) == NULL)
			return false;
	}
	uint8_t *to = buffer_extend(out, length / 4 * 3);
	if (to == NULL || EVP_DecodeBlock(to, (const uint8_t *)text, (int)length) < 0)
		return false;
	out->length -= padding;
	return true;
}

void codec_base64url_sha256(const uint8_t hash[CODEC_SHA256], char out[CODEC_TOKEN_MAX])
{
	uint8_t text[48];

	EVP_EncodeBlock(text, hash, CODEC_SHA256);
	for (size_t i = 0; i < CODEC_TOKEN_MAX - 1; i++)
		out[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : (char)text[i];
	out[CODEC_TOKEN_MAX - 1] = '\0';
}

bool codec_random(void *out, size_t length)
{
	return RAND_bytes(out, (int)length) == 1;
}

bool codec_token(char out[CODEC_TOKEN_MAX])
{
	uint8_t bytes[CODEC_SHA256];

	if (!codec_random(bytes, sizeof bytes))
		return false;
	codec_base64url_sha256(bytes, out);
	return true;
}

static bool unescape(const char *text, size_t length, struct buffer *out)
{
	for (size_t i = 0; i < length; i++) {
		char c = text[i];

		if (c == '+') {
			c = ' ';
		} else if (c == '%') {
			int high = i + 2 < length ? hex_digit(text[i + 1], true) : -1;
			int low = i + 2 < length ? hex_digit(text[i + 2], true) : -1;

			if (high < 0 || low < 0 || (high | low) == 0)
				return false;
			c = (char)(high << 4 | low);
			i += 2;
		}
		if (!buffer_append(out, &c, 1))
			return false;
	}
	return true;
}

bool codec_form_value(const char *form, size_t length, const char *name, struct buffer *out)
{
	size_t name_length = strlen(name), start = 0;

	while (start < length) {
		const char *pair = form + start;
		const char *end = memchr(pair, '&', length - start);
		size_t pair_length = end != NULL ? (size_t)(end - pair) : length - start;

		if (pair_length > name_length && memcmp(pair, name, name_length) == 0 &&
			pair[name_length] == '=')
			return unescape(pair + name_length + 1, pair_length - name_length - 1, out);
		start += pair_length + 1;
	}
	return false;
}

bool codec_escape(const char *text, struct buffer *out)
{
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

	for (; *text != '\0'; text++) {
		if (strchr(plain, *text) != NULL)
			buffer_append(out, text, 1);
		else
			buffer_printf(out, "%%%02X", (unsigned)(uint8_t)*text);
	}
	return buffer_ok(out);
}

void codec_time(int64_t seconds, char out[CODEC_TIME])
{
	time_t time = (time_t)seconds;
	struct tm tm;

	gmtime_r(&time, &tm);
	strftime(out, CODEC_TIME, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

bool codec_is_time(const char *text)
{
	struct tm tm = {0};
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);

	return strlen(text) == 20 && end != NULL && *end == '\0';
}
