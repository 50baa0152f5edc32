#include "module/support/ini.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "module/support/buffer.h"

#define FILE_LIMIT (1 << 20)
#define LINE_LIMIT 4096

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Drops blanks at both ends, in place. */
static char *trim(char *text)
{
	size_t length;

	while (is_blank(*text))
		text++;
	length = strlen(text);
	while (length > 0 && is_blank(text[length - 1]))
		length--;
	text[length] = '\0';
	return text;
}

/* Makes every run of blanks one space, in place. */
static void squeeze(char *text)
{
	char *to = text;

	for (const char *from = text; *from != '\0'; from++) {
		if (!is_blank(*from))
			*to++ = *from;
		else if (to == text || to[-1] != ' ')
			*to++ = ' ';
	}
	*to = '\0';
}

/* RFC 3629: no overlong forms, no surrogates, nothing past U+10FFFF. */
static bool is_utf8(const uint8_t *text, size_t length)
{
	static const struct {
		uint8_t first_low, first_high, second_low, second_high;
		size_t more;
	} forms[] = {
		{0x00, 0x7f, 0, 0, 0},
		{0xc2, 0xdf, 0x80, 0xbf, 1},
		{0xe0, 0xe0, 0xa0, 0xbf, 2},
		{0xe1, 0xec, 0x80, 0xbf, 2},
		{0xed, 0xed, 0x80, 0x9f, 2},
		{0xee, 0xef, 0x80, 0xbf, 2},
		{0xf0, 0xf0, 0x90, 0xbf, 3},
		{0xf1, 0xf3, 0x80, 0xbf, 3},
		{0xf4, 0xf4, 0x80, 0x8f, 3},
	};
	size_t i = 0;

	while (i < length) {
		size_t form = 0;

		while (form < sizeof(forms) / sizeof(forms[0]) &&
			(text[i] < forms[form].first_low || text[i] > forms[form].first_high))
			form++;
		if (form == sizeof(forms) / sizeof(forms[0]) || forms[form].more >= length - i)
			return false;
		for (size_t k = 1; k <= forms[form].more; k++) {
			uint8_t low = k == 1 ? forms[form].second_low : 0x80;
			uint8_t high = k == 1 ? forms[form].second_high : 0xbf;

			if (text[i + k] < low || text[i + k] > high)
				return false;
		}
		i += forms[form].more + 1;
	}
	return true;
}

static bool at(const struct ini_line *line, struct error *err, const char *cause)
{
	return error_set(err, ERROR_USAGE, "%s:%u: %s", line->file, line->number, cause);
}

/* One line without its end. `section` is where the section's name is kept between lines. */
static bool read_line(char *text, char section[LINE_LIMIT + 1], struct ini_line *line,
	ini_handler *handler, void *context, struct error *err)
{
	char *equals;
	size_t length;

	text = trim(text);
	if (*text == '\0' || *text == '#' || *text == ';')
		return true;
	if (*text == '[') {
		length = strlen(text);
		if (text[length - 1] != ']')
			return at(line, err, "a section's line ends in ']'");
		text[length - 1] = '\0';
		text = trim(text + 1);
		squeeze(text);
		if (*text == '\0')
			return at(line, err, "the section has no name");
		memcpy(section, text, strlen(text) + 1);
		line->key = line->value = NULL;
		return handler(context, line, err);
	}
	equals = strchr(text, '=');
	if (equals == NULL)
		return at(line, err, "neither a comment, nor [section], nor key = value");
	*equals = '\0';
	line->key = trim(text);
	line->value = trim(equals + 1);
	if (*line->key == '\0')
		return at(line, err, "there is no key before '='");
	return handler(context, line, err);
}

bool ini_read(const char *path, ini_handler *handler, void *context, struct error *err)
{
	struct buffer file = BUFFER_INIT(FILE_LIMIT);
	char section[LINE_LIMIT + 1] = "";
	struct ini_line line = {.file = path, .section = section};
	char *text, *end;
	bool ok = false;

	if (!buffer_read_file(&file, path)) {
		error_set(err, errno == ENOENT ? ERROR_WORKPLACE : ERROR_USAGE, "%s: %s", path,
			strerror(errno));
		goto out;
	}
	text = (char *)file.data;
	if (file.length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		text += 3;
	for (; text != NULL && text < (char *)file.data + file.length; text = end + 1) {
		size_t length;

		line.number++;
		end = memchr(text, '\n', (size_t)((char *)file.data + file.length - text));
		if (end == NULL)
			end = (char *)file.data + file.length;
		length = (size_t)(end - text);
		if (length > 0 && text[length - 1] == '\r')
			length--;
		text[length] = '\0';
		if (length > LINE_LIMIT) {
			at(&line, err, "the line is longer than 4096 bytes");
			goto out;
		}
		if (strlen(text) != length) {
			at(&line, err, "the line has a NUL byte");
			goto out;
		}
		if (!is_utf8((const uint8_t *)text, length)) {
			at(&line, err, "the line is not UTF-8");
			goto out;
		}
		if (!read_line(text, section, &line, handler, context, err))
			goto out;
	}
	ok = true;
out:
	buffer_free(&file);
	return ok;
}
