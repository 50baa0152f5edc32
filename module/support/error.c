#include "module/support/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "module/support/text.h"

/* `room` holds what was printed, one byte more than fits: cut back to whole characters, on one line. */
static void store_message(struct error *err, char room[ERROR_MESSAGE_MAX + 4])
{
	size_t length = text_cut(room, strlen(room), ERROR_MESSAGE_MAX - 1);

	room[length] = '\0';
	text_plain(room);
	memcpy(err->message, room, length + 1);
}

static const char *translated(const char *format) __attribute__((format_arg(1)));
static const char *translated(const char *format)
{
	return error_translate != NULL && format[0] != '\0' ? error_translate(format) : format;
}

bool error_set(struct error *err, enum error_code code, const char *format, ...)
{
	char room[ERROR_MESSAGE_MAX + 4];
	va_list ap;

	if (err == NULL)
		return false;
	/* The arguments may point into the old message, so it is replaced last. */
	va_start(ap, format);
	if (vsnprintf(room, sizeof(room), translated(format), ap) < 0)
		room[0] = '\0';
	va_end(ap);
	err->code = code;
	store_message(err, room);
	return false;
}

bool error_prefix(struct error *err, const char *format, ...)
{
	char room[ERROR_MESSAGE_MAX + 4];
	va_list ap;
	int length;

	if (err == NULL)
		return false;
	va_start(ap, format);
	length = vsnprintf(room, sizeof(room), translated(format), ap);
	va_end(ap);
	if (length >= 0 && (size_t)length < sizeof(room)) {
		snprintf(room + length, sizeof(room) - (size_t)length, ": %s", err->message);
		store_message(err, room);
	}
	return false;
}
