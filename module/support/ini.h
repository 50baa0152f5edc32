/*
 * ini: sections of `key = value` lines, read strictly.
 *
 * One line is empty, a comment (its first non-blank is # or ;), `[kind]` or `[kind name]`, or `key = value`.
 * Space around keys and values is dropped; a value is taken as it stands, `#` included, and may be empty.
 * Text is UTF-8 without NUL; a byte order mark at the start is allowed; lines end in LF or CRLF and have at
 * most 4,096 bytes; the only control character is the tab. Anything else is an error that names file and line.
 */
#ifndef PODPIS_SUPPORT_INI_H
#define PODPIS_SUPPORT_INI_H

#include <stddef.h>

#include "module/support/buffer.h"
#include "module/support/error.h"

struct ini_line {
	const char *file;
	unsigned number;     /* from 1 */
	const char *section; /* between the brackets, blanks squeezed; "" before the first */
	const char *key;     /* NULL on the line that opens a section */
	const char *value;   /* NULL on the line that opens a section */
};

/* Called for each section line and each key; false (with err filled) stops the reading. */
typedef bool ini_handler(void *context, const struct ini_line *line, struct error *err);

/*
 * Called for a line that can't be read; `line->section` is the section it stands in, or NULL when it was to
 * open one, `cause` says what is wrong. False (with err filled) stops the reading.
 */
typedef bool ini_complaint(
	void *context, const struct ini_line *line, const char *cause, struct error *err);

/* Reads a file of at most 1 MiB. ERROR_USAGE names file and line; a missing file is ERROR_WORKPLACE. */
bool ini_read(const char *path, ini_handler *handler, void *context, struct error *err);

/* The same, but goes on behind a line that can't be read. */
bool ini_read_on(const char *path, ini_handler *handler, ini_complaint *complaint, void *context,
	struct error *err);

/* The same of a text that might be the file's; it is cut into its lines where it stands. */
bool ini_parse_on(const char *path, struct buffer *text, ini_handler *handler,
	ini_complaint *complaint, void *context, struct error *err);

#endif
