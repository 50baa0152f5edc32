/*
 * output: what a command shows, to a person or as JSON.
 *
 * With --json exactly one JSON value is written to stdout when the command ends (an object, with an "error"
 * member when it failed); the functions for people are then silent. Without it text goes to stdout, progress
 * and errors go to stderr. Colours only on a terminal, and not with NO_COLOR.
 */
#ifndef PODPIS_PROVISION_OUTPUT_H
#define PODPIS_PROVISION_OUTPUT_H

#include <jansson.h>
#include <stdio.h>
#include <time.h>

#include "module/support/error.h"

struct output {
	FILE *out, *progress;
	bool json;
	bool colour;  /* stdout is a terminal */
	json_t *root; /* what --json will print; an object */
};

enum output_colour { COLOUR_NONE, COLOUR_GOOD, COLOUR_BAD, COLOUR_NOTE, COLOUR_BOLD };

void output_init(struct output *output, bool json);
/*
 * Standard output is for a file that a person wants there: what would be said on it goes to stderr. ERROR_USAGE with
 * --json, which is said there, too.
 */
bool output_give_stdout(struct output *output, struct error *err);
/* Prints the JSON value, if any, with the error in it (NULL: none). */
void output_finish(struct output *output, const struct error *err);

/*
 * For a person, stdout. Line breaks and this file's colours act; other control characters, which come with
 * values from outside, are made harmless.
 */
void output_text(struct output *output, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* One step of longer work, stderr, a line each. */
void output_progress(struct output *output, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* A whole text for a person, its control characters made harmless, a newline at its end. */
void output_lines(struct output *output, const char *text);
/* "Name:   value", columns aligned for labels of up to 24 columns; nothing for a NULL or empty value. */
void output_field(struct output *output, const char *label, const char *value);

/* The same with a label of up to `width` columns, and without leaving an empty value out. */
void output_columns(struct output *output, const char *label, size_t width, const char *value);

/* The escape sequence, or "" where there are no colours. `COLOUR_NONE` ends a colour. */
const char *output_colour(const struct output *output, enum output_colour colour);

/* Puts a member into the JSON object; takes the reference of `value`. */
void output_json(struct output *output, const char *key, json_t *value);

/* A table for people: rows of `columns` texts, first row the heads. Cells may be NULL. */
void output_table(struct output *output, const char *const *cells, size_t rows, size_t columns);

/* Columns that a UTF-8 text takes on a terminal. */
size_t output_width(const char *text);

/* RFC 3339, UTC: "2026-07-15T12:00:00Z". */
#define OUTPUT_TIME_MAX 32
const char *output_time(time_t when, char text[OUTPUT_TIME_MAX]);
/* False when it is not RFC 3339 with seconds. */
bool output_parse_time(const char *text, time_t *when);

#endif
