#include "module/store/cloud/expression.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define DEPTH_MAX 16 /* brackets in brackets */

struct reader {
	const char *at;
	const char *const *names;
	size_t count;
	unsigned given;
	unsigned depth;
	bool wrong;
};

/* The operators, those that bind least first. */
static const char *const operators[] = {"OR", "XOR", "AND"};
#define OPERATORS (sizeof(operators) / sizeof(operators[0]))

static void skip_blanks(struct reader *reader)
{
	while (isspace((unsigned char)*reader->at))
		reader->at++;
}

/* Is `word` there, and not the beginning of a longer one? An id may have anything in it, blanks too. */
static size_t word_length(const char *at, const char *word, bool any_case)
{
	size_t length = strlen(word);

	if ((any_case ? strncasecmp(at, word, length) : strncmp(at, word, length)) != 0)
		return 0;
	return at[length] == '\0' || strchr("() \t\r\n", at[length]) != NULL ? length : 0;
}

static bool read_level(struct reader *reader, size_t level);

static bool read_name(struct reader *reader)
{
	size_t longest = 0, which = 0;

	for (size_t i = 0; i < reader->count; i++) {
		size_t length = word_length(reader->at, reader->names[i], false);

		if (length > longest) {
			longest = length;
			which = i;
		}
	}
	reader->wrong = reader->wrong || longest == 0;
	reader->at += longest;
	return (reader->given >> which & 1) != 0;
}

static bool read_operand(struct reader *reader)
{
	bool value;

	skip_blanks(reader);
	if (*reader->at != '(' || reader->depth == DEPTH_MAX)
		return read_name(reader);
	reader->at++;
	reader->depth++;
	value = read_level(reader, 0);
	reader->depth--;
	skip_blanks(reader);
	if (*reader->at == ')')
		reader->at++;
	else
		reader->wrong = true;
	return value;
}

/* Operands of this operator, each of operators that bind more. */
static bool read_level(struct reader *reader, size_t level)
{
	bool value, next;
	size_t length;

	if (level == OPERATORS)
		return read_operand(reader);
	value = read_level(reader, level + 1);
	for (;;) {
		skip_blanks(reader);
		length = word_length(reader->at, operators[level], true);
		if (length == 0 || reader->wrong)
			return value;
		reader->at += length;
		next = read_level(reader, level + 1);
		value = level == 0 ? value || next : level == 1 ? value != next : value && next;
	}
}

bool expression_value(
	const char *text, const char *const names[], size_t count, unsigned given, bool *value)
{
	struct reader reader = {.at = text, .names = names, .count = count, .given = given};
	bool found = read_level(&reader, 0);

	skip_blanks(&reader);
	if (reader.wrong || *reader.at != '\0')
		return false;
	*value = found;
	return true;
}
