#include "module/support/token_uri.h"

#include <ctype.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The four attributes: where they stand here and in the token's own information. */
static const struct {
	const char *name;
	size_t size, here, there;
} fields[] = {
#define FIELD(name, field, member)                                                                 \
	{                                                                                          \
		name, sizeof(((struct token_uri *)0)->field), offsetof(struct token_uri, field),   \
			offsetof(CK_TOKEN_INFO, member)                                            \
	}
	[TOKEN_URI_LABEL] = FIELD("token", label, label),
	[TOKEN_URI_MANUFACTURER] = FIELD("manufacturer", manufacturer, manufacturerID),
	[TOKEN_URI_SERIAL] = FIELD("serial", serial, serialNumber),
	[TOKEN_URI_MODEL] = FIELD("model", model, model),
#undef FIELD
};

static const char scheme[] = "pkcs11:";

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *found = c != '\0' ? strchr(digits, tolower((unsigned char)c)) : NULL;

	return found != NULL ? (int)(found - digits) : -1;
}

/* RFC 7512, 2.3: what may stand in a value as it is. Bytes of UTF-8 may, too: people write configurations. */
static bool is_plain(unsigned char c)
{
	return c >= 0x80 || isalnum(c) || (c != '\0' && strchr("-._~:[]@!$'()*+,=&", c) != NULL);
}

/* One value, up to `end`, percent-decoded into a blank-padded field. */
static const char *take_value(const char *text, const char *end, unsigned char *field, size_t size)
{
	unsigned char value[32];
	size_t length = 0;

	while (text < end) {
		unsigned char c = (unsigned char)*text++;

		if (c == '%') {
			int high = text < end ? hex_digit(text[0]) : -1;
			int low = high >= 0 && text + 1 < end ? hex_digit(text[1]) : -1;
			if (low < 0)
				return "a % in the URI is not followed by two hexadecimal digits";
			c = (unsigned char)(high * 16 + low);
			text += 2;
		} else if (!is_plain(c)) {
			return "the URI has a character that must be written as %XX";
		}
		if (length == size)
			return "a value in the URI is longer than the token's field";
		value[length++] = c;
	}
	if (length == 0)
		return "the URI has an attribute without a value";
	memset(field, ' ', size);
	memcpy(field, value, length);
	return NULL;
}

const char *token_uri_parse(const char *text, struct token_uri *out)
{
	struct token_uri uri = {.said = {false}};
	const char *cause = NULL;

	if (strncasecmp(text, scheme, strlen(scheme)) != 0)
		return "not a PKCS#11 URI (pkcs11:…)";
	text += strlen(scheme);
	if (text[0] == '\0')
		return "the URI names no token";
	if (strchr(text, '?') != NULL)
		return "the URI has a query, which names no token";
	do {
		size_t length = strcspn(text, ";"), name = strcspn(text, "=;"), i = 0;

		while (i < COUNT(fields) &&
			(strlen(fields[i].name) != name || memcmp(fields[i].name, text, name) != 0))
			i++;
		if (i == COUNT(fields))
			return "the URI has an attribute other than token, manufacturer, serial, "
			       "model";
		if (name == length)
			return "the URI has an attribute without a value";
		if (uri.said[i])
			return "the URI has an attribute twice";
		uri.said[i] = true;
		cause = take_value(text + name + 1, text + length,
			(unsigned char *)&uri + fields[i].here, fields[i].size);
		text += length;
	} while (cause == NULL && *text++ == ';');
	if (cause == NULL)
		*out = uri;
	return cause;
}

bool token_uri_says(const struct token_uri *uri)
{
	for (size_t i = 0; i < COUNT(fields); i++)
		if (uri->said[i])
			return true;
	return false;
}

struct token_uri token_uri_of(const CK_TOKEN_INFO *info)
{
	struct token_uri uri = {.said = {[TOKEN_URI_SERIAL] = true}};

	memcpy(uri.serial, info->serialNumber, sizeof(uri.serial));
	return uri;
}

static bool same_field(const unsigned char *wanted, const unsigned char *have, size_t size)
{
	while (size > 0 && wanted[size - 1] == ' ' &&
		(have[size - 1] == ' ' || have[size - 1] == '\0'))
		size--;
	return memcmp(wanted, have, size) == 0;
}

bool token_uri_fits(const struct token_uri *uri, const CK_TOKEN_INFO *info)
{
	for (size_t i = 0; i < COUNT(fields); i++)
		if (uri->said[i] &&
			!same_field((const unsigned char *)uri + fields[i].here,
				(const unsigned char *)info + fields[i].there, fields[i].size))
			return false;
	return true;
}
