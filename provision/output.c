#include "provision/output.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "module/support/text.h"
#include "provision/i18n.h"

static const struct {
	enum error_code code;
	const char *name;
} code_names[] = {
	{ERROR_FAILED, "failed"},
	{ERROR_USAGE, "usage"},
	{ERROR_REFUSED, "refused"},
	{ERROR_UNREACHABLE, "unreachable"},
	{ERROR_WAITING, "waiting"},
	{ERROR_PERSON, "person"},
	{ERROR_PIN, "pin"},
	{ERROR_WORKPLACE, "workplace"},
};

static const char *code_name(enum error_code code)
{
	for (size_t i = 0; i < sizeof(code_names) / sizeof(code_names[0]); i++) {
		if (code_names[i].code == code)
			return code_names[i].name;
	}
	return "failed";
}

/* Values come from servers and certificates: nothing in them moves the cursor. */
static void put_plain(FILE *out, const char *text)
{
	char *copy = strdup(text);

	if (copy == NULL)
		return;
	text_plain(copy);
	fputs(copy, out);
	free(copy);
}

void output_init(struct output *output, bool json)
{
	const char *plain = getenv("NO_COLOR");

	*output = (struct output){.out = stdout, .progress = stderr, .json = json};
	output->colour = !json && isatty(STDOUT_FILENO) && (plain == NULL || plain[0] == '\0');
	if (json)
		output->root = json_object();
}

bool output_give_stdout(struct output *output, struct error *err)
{
	if (output->json)
		return error_set(err, ERROR_USAGE,
			_("either --json or a file goes to standard output, not both"));
	output->out = output->progress;
	output->colour = output->colour && isatty(STDERR_FILENO);
	return true;
}

void output_finish(struct output *output, const struct error *err)
{
	if (output->json) {
		if (err != NULL) {
			char message[ERROR_MESSAGE_MAX];

			/* An argument in it may be no UTF-8, which JSON can't hold. */
			snprintf(message, sizeof(message), "%s", err->message);
			text_plain(message);
			output_json(output, "error",
				json_pack("{s:i, s:s, s:s}", "code", (int)err->code, "name",
					code_name(err->code), "message", message));
		}
		if (output->root != NULL)
			json_dumpf(output->root, output->out, JSON_INDENT(2));
		fputc('\n', output->out);
	} else if (err != NULL) {
		const char *start = isatty(STDERR_FILENO) ? output_colour(output, COLOUR_BAD) : "";

		fflush(output->out);
		fprintf(output->progress, "%spodpis: ", start);
		put_plain(output->progress, err->message);
		fprintf(output->progress, "%s\n",
			start[0] != '\0' ? output_colour(output, COLOUR_NONE) : "");
	}
	json_decref(output->root);
	output->root = NULL;
	fflush(output->out);
}

static const char *const sequences[] = {
	[COLOUR_NONE] = "\033[0m",
	[COLOUR_GOOD] = "\033[32m",
	[COLOUR_BAD] = "\033[31m",
	[COLOUR_NOTE] = "\033[33m",
	[COLOUR_BOLD] = "\033[1m",
};

const char *output_colour(const struct output *output, enum output_colour colour)
{
	return output->colour ? sequences[colour] : "";
}

/* Bytes of our own colour sequence at `text`; 0: it is none. */
static size_t colour_length(const struct output *output, const char *text)
{
	for (size_t i = 0; output->colour && i < sizeof(sequences) / sizeof(sequences[0]); i++)
		if (strncmp(text, sequences[i], strlen(sequences[i])) == 0)
			return strlen(sequences[i]);
	return 0;
}

/* What was put together, values from outside among it: line breaks and colours are ours, nothing else acts. */
static void put_formatted(
	const struct output *output, FILE *out, const char *format, va_list arguments)
{
	char *text = NULL, *end, kept;
	size_t length;

	if (vasprintf(&text, format, arguments) < 0)
		return;
	for (char *at = text; *at != '\0'; at += length) {
		length = *at == '\n' ? 1 : colour_length(output, at);
		if (length > 0) {
			fwrite(at, 1, length, out);
			continue;
		}
		length = strcspn(at + 1, "\n\033") + 1;
		end = at + length;
		kept = *end;
		*end = '\0';
		text_plain(at);
		fputs(at, out);
		*end = kept;
	}
	free(text);
}

void output_text(struct output *output, const char *format, ...)
{
	va_list ap;

	if (output->json)
		return;
	va_start(ap, format);
	put_formatted(output, output->out, format, ap);
	va_end(ap);
}

void output_progress(struct output *output, const char *format, ...)
{
	va_list ap;

	if (output->json)
		return;
	fflush(output->out);
	va_start(ap, format);
	put_formatted(output, output->progress, format, ap);
	va_end(ap);
	fputc('\n', output->progress);
	fflush(output->progress);
}

void output_json(struct output *output, const char *key, json_t *value)
{
	if (output->root == NULL || json_object_set(output->root, key, value) != 0) {
		json_decref(value);
		return;
	}
	json_decref(value);
}

size_t output_width(const char *text)
{
	mbstate_t state = {0};
	size_t width = 0;
	wchar_t wide;

	while (*text != '\0') {
		size_t step = mbrtowc(&wide, text, MB_CUR_MAX, &state);
		int columns;

		if (step == (size_t)-1 || step == (size_t)-2) {
			/* Not this locale's text: count UTF-8 characters. */
			state = (mbstate_t){0};
			width += ((unsigned char)*text & 0xc0) != 0x80;
			text++;
			continue;
		}
		columns = wcwidth(wide);
		width += columns > 0 ? (size_t)columns : 0;
		text += step;
	}
	return width;
}

static void pad(FILE *out, const char *text, size_t width)
{
	size_t have = output_width(text);

	put_plain(out, text);
	for (; have < width; have++)
		fputc(' ', out);
}

void output_lines(struct output *output, const char *text)
{
	if (output->json)
		return;
	while (*text != '\0') {
		size_t length = strcspn(text, "\n");
		char *line = strndup(text, length);

		if (line == NULL)
			return;
		put_plain(output->out, line);
		fputc('\n', output->out);
		free(line);
		text += length + (text[length] == '\n');
	}
}

void output_columns(struct output *output, const char *label, size_t width, const char *value)
{
	char *start = NULL;

	if (output->json || asprintf(&start, "%s:", label) < 0)
		return;
	fputs("  ", output->out);
	pad(output->out, start, width + 1);
	fputc(' ', output->out);
	put_plain(output->out, value);
	fputc('\n', output->out);
	free(start);
}

void output_field(struct output *output, const char *label, const char *value)
{
	if (value != NULL && value[0] != '\0')
		output_columns(output, label, 23, value);
}

void output_table(struct output *output, const char *const *cells, size_t rows, size_t columns)
{
	size_t *widths;

	if (output->json || rows == 0)
		return;
	widths = calloc(columns, sizeof(*widths));
	if (widths == NULL)
		return;
	for (size_t i = 0; i < rows * columns; i++) {
		size_t width = cells[i] != NULL ? output_width(cells[i]) : 0;

		if (width > widths[i % columns])
			widths[i % columns] = width;
	}
	for (size_t row = 0; row < rows; row++) {
		if (row == 0)
			fputs(output_colour(output, COLOUR_BOLD), output->out);
		for (size_t column = 0; column < columns; column++) {
			const char *cell = cells[row * columns + column];

			if (cell == NULL)
				cell = "";
			if (column + 1 < columns) {
				pad(output->out, cell, widths[column]);
				fputs("  ", output->out);
			} else {
				put_plain(output->out, cell);
			}
		}
		if (row == 0)
			fputs(output_colour(output, COLOUR_NONE), output->out);
		fputc('\n', output->out);
	}
	free(widths);
}

const char *output_time(time_t when, char text[OUTPUT_TIME_MAX])
{
	struct tm tm;

	if (gmtime_r(&when, &tm) == NULL ||
		strftime(text, OUTPUT_TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		text[0] = '\0';
	return text;
}

bool output_parse_time(const char *text, time_t *when)
{
	struct tm tm = {0};
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	long offset = 0;

	if (rest == NULL)
		return false;
	if (*rest == '.') {
		rest++;
		if (strspn(rest, "0123456789") == 0)
			return false;
		rest += strspn(rest, "0123456789");
	}
	if (strcmp(rest, "Z") != 0) {
		unsigned hours, minutes;
		char sign;
		int used = 0;

		if (sscanf(rest, "%c%2u:%2u%n", &sign, &hours, &minutes, &used) != 3 ||
			rest[used] != '\0' || used != 6 || (sign != '+' && sign != '-') ||
			hours > 23 || minutes > 59)
			return false;
		offset = (long)(hours * 3600 + minutes * 60) * (sign == '+' ? 1 : -1);
	}
	*when = timegm(&tm) - offset;
	return true;
}
