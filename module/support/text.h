/*
 * text: UTF-8 that comes from outside and is shown to a person.
 */
#ifndef PODPIS_SUPPORT_TEXT_H
#define PODPIS_SUPPORT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Well-formed UTF-8 (RFC 3629: shortest forms, no surrogates, nothing past U+10FFFF). NUL counts as a character. */
bool text_is_utf8(const char *text, size_t length);

/* The greatest length, at most `max`, that cuts well-formed UTF-8 between two characters. */
size_t text_cut(const char *text, size_t length, size_t max);

/*
 * Puts '?' for each byte of control characters (C0, DEL, C1), of line separators, of the marks that turn the
 * reading order, and of malformed UTF-8, so that nothing from a file or a server can move a terminal's cursor,
 * begin a line of its own or read as something else. Tabs become blanks.
 */
void text_plain(char *text);

#endif
