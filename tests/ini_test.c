#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <sys/stat.h>

#include "module/support/buffer.h"
#include "module/support/ini.h"
#include "tests/folder.h"

static char *folder;

static int set_up(void **state)
{
	(void)state;
	folder = folder_make();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	folder_remove(folder);
	return 0;
}

/* Everything that a handler is told, as text. */
static bool note(void *context, const struct ini_line *line, struct error *err)
{
	(void)err;
	if (line->key == NULL) {
		assert_null(line->value);
		return buffer_printf(context, "%u [%s];", line->number, line->section);
	}
	return buffer_printf(
		context, "%u %s:%s=%s;", line->number, line->section, line->key, line->value);
}

static bool note_complaint(
	void *context, const struct ini_line *line, const char *cause, struct error *err)
{
	(void)err;
	assert_true(strlen(cause) > 0);
	return buffer_printf(
		context, "%u %s!;", line->number, line->section != NULL ? line->section : "NULL");
}

#define LITERAL(text) text, sizeof(text) - 1

static void reads(void **state)
{
	static const struct {
		const char *text;
		size_t length;
		const char *seen;
	} rows[] = {
		{LITERAL(""), ""},
		{LITERAL("\n\r\n  \t\n# c\n ; c\n"), ""},
		{LITERAL("a = b"), "1 :a=b;"},
		{LITERAL("a=b\nc = d e # f ; g\n"), "1 :a=b;2 :c=d e # f ; g;"},
		{LITERAL(" \ta\t=\t b \t\nc=\nd==x=y"), "1 :a=b;2 :c=;3 :d==x=y;"},
		{LITERAL("[s]\na=1\n[ slot \t  two  words ]\r\nb=2\r\n[empty]"),
			"1 [s];2 s:a=1;3 [slot two words];4 slot two words:b=2;5 [empty];"},
		{LITERAL("\xef\xbb\xbf[s]\na=1"), "1 [s];2 s:a=1;"},
		{LITERAL("[слот имя]\nключ = значение\n"),
			"1 [слот имя];2 слот имя:ключ=значение;"},
		{LITERAL("a = x\ty\n"), "1 :a=x\ty;"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *path = folder_write(folder, "good", rows[i].text, rows[i].length);
		struct buffer seen = BUFFER_INIT(10000);
		struct error err = {.code = ERROR_NONE};

		if (!ini_read(path, note, &seen, &err))
			fail_msg("row %zu: %s", i, err.message);
		assert_string_equal(buffer_text(&seen), rows[i].seen);
		buffer_free(&seen);
		free(path);
	}
}

static void names_what_it_cannot_read(void **state)
{
	static const struct {
		const char *text;
		size_t length;
		unsigned line;
	} rows[] = {
		{LITERAL("a=b\nnonsense\nc=d"), 2},
		{LITERAL("= value"), 1},
		{LITERAL("[open"), 1},
		{LITERAL("[]"), 1},
		{LITERAL("[ \t ]"), 1},
		{LITERAL("[a] b"), 1},
		{LITERAL("[a]]"), 1},
		{LITERAL("[[a]"), 1},
		{LITERAL("["), 1},
		{LITERAL("a = b\0c"), 1},
		{LITERAL("\0"), 1},
		{LITERAL("a = b\n# \0\n"), 2},
		{LITERAL("\n\na = \xff"), 3},
		{LITERAL("# \xc0\xaf"), 1},
		{LITERAL("a = b\rc = d"), 1},
		{LITERAL("a = \x1b[2J"), 1},
		{LITERAL("a = b\n\xef\xbb\xbf"
			 "c = d\n\x01"),
			3},
		{LITERAL("\xff\xfe[\0s\0]\0"), 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *path = folder_write(folder, "bad", rows[i].text, rows[i].length),
		     *start = NULL;
		struct buffer seen = BUFFER_INIT(10000);
		struct error err = {.code = ERROR_NONE};

		if (ini_read(path, note, &seen, &err))
			fail_msg("row %zu was read: %s", i, buffer_text(&seen));
		assert_int_equal(err.code, ERROR_USAGE);
		assert_true(asprintf(&start, "%s:%u: ", path, rows[i].line) > 0);
		assert_memory_equal(err.message, start, strlen(start));
		free(start);
		buffer_free(&seen);
		free(path);
	}
}

static void reads_on_behind_what_it_cannot_read(void **state)
{
	static const char text[] = "x\n[a]\nk=1\nbad\nl=2\n[b\nm=3\n[c]\n\xff\nn=4\n[d\x01]\n";
	struct buffer seen = BUFFER_INIT(10000);
	char *path = folder_write(folder, "on", text, sizeof(text) - 1);

	(void)state;
	assert_true(ini_read_on(path, note, note_complaint, &seen, NULL));
	assert_string_equal(buffer_text(&seen),
		"1 !;2 [a];3 a:k=1;4 a!;5 a:l=2;6 NULL!;7 a:m=3;8 [c];9 c!;10 c:n=4;11 NULL!;");
	buffer_free(&seen);
	free(path);
}

static bool refuse(void *context, const struct ini_line *line, struct error *err)
{
	(*(unsigned *)context)++;
	return line->number < 3 || error_set(err, ERROR_PERSON, "enough");
}

static void a_handler_stops_it(void **state)
{
	char *path = folder_write(folder, "stop", LITERAL("a=1\nb=2\nc=3\nd=4\n"));
	struct error err = {.code = ERROR_NONE};
	unsigned calls = 0;

	(void)state;
	assert_false(ini_read(path, refuse, &calls, &err));
	assert_int_equal(calls, 3);
	assert_int_equal(err.code, ERROR_PERSON);
	assert_string_equal(err.message, "enough");
	free(path);
}

static void lines_and_files_have_limits(void **state)
{
	struct buffer seen = BUFFER_INIT(1 << 21);
	size_t size = (1 << 20) + 1;
	char *text = malloc(size), *path;
	struct error err = {.code = ERROR_NONE};

	(void)state;
	memset(text, 'v', size);
	memcpy(text, "k=", 2);
	path = folder_write(folder, "longest", text, 4096);
	assert_true(ini_read(path, note, &seen, &err));
	assert_int_equal(seen.length, strlen("1 :k=;") + 4094);
	free(path);
	memcpy(text, "[s", 2);
	text[4095] = ']';
	path = folder_write(folder, "longest-section", text, 4096);
	assert_true(ini_read(path, note, &seen, &err));
	free(path);
	text[4095] = 'v';
	path = folder_write(folder, "longer", text, 4097);
	assert_false(ini_read(path, note, &seen, &err));
	assert_int_equal(err.code, ERROR_USAGE);
	assert_non_null(strstr(err.message, ":1: "));
	free(path);

	memset(text, '\n', size);
	path = folder_write(folder, "largest", text, size - 1);
	assert_true(ini_read(path, note, &seen, &err));
	free(path);
	path = folder_write(folder, "larger", text, size);
	assert_false(ini_read(path, note, &seen, &err));
	assert_int_equal(err.code, ERROR_USAGE);
	free(path);
	free(text);
	buffer_free(&seen);
}

static void files_that_are_none(void **state)
{
	struct error err = {.code = ERROR_NONE};
	struct buffer seen = BUFFER_INIT(100);
	char *path = folder_path(folder, "none"), *below, *secret;

	(void)state;
	assert_false(ini_read(path, note, &seen, &err));
	assert_int_equal(err.code, ERROR_WORKPLACE);
	assert_non_null(strstr(err.message, path));
	free(path);
	assert_false(ini_read(folder, note, &seen, &err));
	assert_int_equal(err.code, ERROR_USAGE);
	assert_non_null(strstr(err.message, folder));
	secret = folder_write(folder, "file", LITERAL("a=b"));
	below = folder_path(secret, "below");
	assert_false(ini_read(below, note, &seen, &err));
	assert_int_equal(err.code, ERROR_WORKPLACE);
	free(below);
	/* To root every file is readable. */
	if (geteuid() != 0) {
		assert_int_equal(chmod(secret, 0), 0);
		assert_false(ini_read(secret, note, &seen, &err));
		assert_int_equal(err.code, ERROR_USAGE);
	}
	free(secret);
	assert_int_equal(seen.length, 0);
	buffer_free(&seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads),
		cmocka_unit_test(names_what_it_cannot_read),
		cmocka_unit_test(reads_on_behind_what_it_cannot_read),
		cmocka_unit_test(a_handler_stops_it),
		cmocka_unit_test(lines_and_files_have_limits),
		cmocka_unit_test(files_that_are_none),
	};

	return cmocka_run_group_tests_name("ini", tests, set_up, tear_down);
}
