#include "module/support/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Cuts a message that filled its buffer back to a whole UTF-8 character. */
static void cut_at_character(char message[ERROR_MESSAGE_MAX])
{
	size_t len = strnlen(message, ERROR_MESSAGE_MAX - 1);

	if (len < ERROR_MESSAGE_MAX - 1)
		return;
	while (len > 0 && ((unsigned char)message[len - 1] & 0xc0) == 0x80)
		len--;
	if (len > 0 && ((unsigned char)message[len - 1] & 0x80) != 0)
		len--;
	message[len] = '\0';
}

bool error_set(struct error *err, enum error_code code, const char *format, ...)
{
	va_list ap;

	if (err == NULL)
		return false;
	err->code = code;
	va_start(ap, format);
	vsnprintf(err->message, sizeof(err->message), format, ap);
	va_end(ap);
	cut_at_character(err->message);
	return false;
}

bool error_prefix(struct error *err, const char *format, ...)
{
	char message[ERROR_MESSAGE_MAX];
	va_list ap;
	int len;

	if (err == NULL)
		return false;
	va_start(ap, format);
	len = vsnprintf(message, sizeof(message), format, ap);
	va_end(ap);
	if (len >= 0 && (size_t)len < sizeof(message)) {
		snprintf(message + len, sizeof(message) - (size_t)len, ": %s", err->message);
		memcpy(err->message, message, sizeof(message));
		cut_at_character(err->message);
	}
	return false;
}
