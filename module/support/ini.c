#include "module/support/ini.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "module/support/text.h"

#define FILE_MAX       (1 << 20) /* bytes */
#define LINE_MAX_BYTES 4096

struct reader {
	struct ini_line line;
	ini_handler *handler;
	ini_complaint *complaint;
	void *context;
	struct error *err;
	char section[LINE_MAX_BYTES + 1];
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

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

static bool complain(struct reader *reader, bool opens_section, const char *cause)
{
	struct ini_line line = reader->line;

	line.key = NULL;
	line.value = NULL;
	line.section = opens_section ? NULL : reader->section;
	return reader->complaint(reader->context, &line, cause, reader->err);
}

/* "[kind  name]" → "kind name" */
static bool read_section(struct reader *reader, char *text)
{
	size_t length = strlen(text);
	char *to = reader->section;
	const char *from;

	if (text[length - 1] != ']')
		return complain(reader, true, "a section's line ends with ]");
	text[length - 1] = '\0';
	from = trim(text + 1);
	if (*from == '\0')
		return complain(reader, true, "a section needs a name");
	if (strpbrk(from, "[]") != NULL)
		return complain(reader, true, "a section's name can't hold brackets");
	for (; *from != '\0'; from++) {
		if (!is_blank(*from))
			*to++ = *from;
		else if (!is_blank(from[1]))
			*to++ = ' ';
	}
	*to = '\0';
	reader->line.key = NULL;
	reader->line.value = NULL;
	return reader->handler(reader->context, &reader->line, reader->err);
}

static bool read_pair(struct reader *reader, char *text)
{
	char *equals = strchr(text, '=');

	if (equals == NULL)
		return complain(reader, false, "neither a comment, nor [section], nor key = value");
	*equals = '\0';
	reader->line.key = trim(text);
	reader->line.value = trim(equals + 1);
	if (reader->line.key[0] == '\0')
		return complain(reader, false, "no key before the =");
	return reader->handler(reader->context, &reader->line, reader->err);
}

/* `text` has `length` bytes without its end of line, and a NUL behind them. */
static bool read_line(struct reader *reader, char *text, size_t length)
{
	bool opens;

	if (length > 0 && text[length - 1] == '\r')
		text[--length] = '\0';
	opens = text[strspn(text, " \t")] == '[';
	if (length > LINE_MAX_BYTES)
		return complain(reader, opens, "longer than 4096 bytes");
	if (!text_is_utf8(text, length))
		return complain(reader, opens, "not UTF-8");
	for (size_t i = 0; i < length; i++) {
		if (((unsigned char)text[i] < 0x20 && text[i] != '\t') || text[i] == 0x7f)
			return complain(reader, opens, "control character");
	}
	text = trim(text);
	if (text[0] == '\0' || text[0] == '#' || text[0] == ';')
		return true;
	return opens ? read_section(reader, text) : read_pair(reader, text);
}

static bool refused(const char *path, struct error *err)
{
	switch (errno) {
	case ENOENT:
	case ENOTDIR:
		return error_set(err, ERROR_WORKPLACE, "%s: no such file", path);
	case EFBIG:
		return error_set(err, ERROR_USAGE, "%s: larger than 1 MiB", path);
	default:
		return error_set(err, ERROR_USAGE, "%s: %m", path);
	}
}

bool ini_parse_on(const char *path, struct buffer *buffer, ini_handler *handler,
	ini_complaint *complaint, void *context, struct error *err)
{
	struct reader reader = {
		.handler = handler, .complaint = complaint, .context = context, .err = err};
	char *text, *end, *stop;

	reader.line.file = path;
	reader.line.section = reader.section;
	text = (char *)buffer->data;
	end = text != NULL ? text + buffer->length : NULL; /* an empty file has no text */
	if (buffer->length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		text += 3;
	for (; text < end; text = stop + 1) {
		stop = memchr(text, '\n', (size_t)(end - text));
		if (stop == NULL)
			stop = end; /* the buffer's own NUL stands there */
		*stop = '\0';
		reader.line.number++;
		if (!read_line(&reader, text, (size_t)(stop - text)))
			return false;
	}
	return true;
}

bool ini_read_on(const char *path, ini_handler *handler, ini_complaint *complaint, void *context,
	struct error *err)
{
	struct buffer buffer = BUFFER_INIT(FILE_MAX);
	bool ok = buffer_read_file(&buffer, path)
			  ? ini_parse_on(path, &buffer, handler, complaint, context, err)
			  : refused(path, err);

	buffer_free(&buffer);
	return ok;
}

static bool refuse_line(
	void *context, const struct ini_line *line, const char *cause, struct error *err)
{
	(void)context;
	return error_set(err, ERROR_USAGE, "%s:%u: %s", line->file, line->number, cause);
}

struct strict {
	ini_handler *handler;
	void *context;
};

static bool pass_on(void *context, const struct ini_line *line, struct error *err)
{
	const struct strict *strict = context;

	return strict->handler(strict->context, line, err);
}

bool ini_read(const char *path, ini_handler *handler, void *context, struct error *err)
{
	struct strict strict = {handler, context};

	return ini_read_on(path, pass_on, refuse_line, &strict, err);
}
