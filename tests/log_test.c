#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "module/support/buffer.h"
#include "module/support/log.h"
#include "module/support/text.h"
#include "tests/folder.h"

/* What `log` writes to stderr, read back through a pipe. */
static void capture(struct buffer *out, void (*writer)(void *context), void *context)
{
	int ends[2], saved = dup(STDERR_FILENO);
	ssize_t got;

	assert_int_equal(pipe(ends), 0);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	writer(context);
	dup2(saved, STDERR_FILENO);
	close(saved);
	do {
		uint8_t block[4096];

		got = read(ends[0], block, sizeof(block));
		if (got > 0)
			buffer_append(out, block, (size_t)got);
	} while (got > 0);
	close(ends[0]);
}

static void write_levels(void *context)
{
	struct log *log = log_new(context, "podpis", LOG_LEVEL_WARNING);

	log_error(log, "one");
	log_warning(log, "two");
	log_info(log, "three");
	log_debug(log, "four");
	log_free(log);
}

static void follows_the_level(void **state)
{
	static const struct {
		const char *setting, *expected;
	} rows[] = {
		{NULL, "podpis: error: one\npodpis: warning: two\n"},
		{"", "podpis: error: one\npodpis: warning: two\n"},
		{"error", "podpis: error: one\n"},
		{"info:stderr", "podpis: error: one\npodpis: warning: two\npodpis: info: three\n"},
		{"debug", "podpis: error: one\npodpis: warning: two\npodpis: info: three\npodpis: "
			  "debug: four\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buffer seen = BUFFER_INIT(10000);

		capture(&seen, write_levels, (void *)(uintptr_t)rows[i].setting);
		assert_string_equal(buffer_text(&seen), rows[i].expected);
		buffer_free(&seen);
	}
}

static void says_what_it_cannot_follow(void **state)
{
	static const char *const settings[] = {"loud", "warn", "error:/no/such/folder/log", ":"};

	(void)state;
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		struct buffer seen = BUFFER_INIT(10000);

		capture(&seen, write_levels, (void *)(uintptr_t)settings[i]);
		assert_ptr_equal(strstr(buffer_text(&seen), "podpis: error: PODPIS_LOG"),
			buffer_text(&seen));
		assert_non_null(strstr(buffer_text(&seen), "podpis: error: one\n"));
		buffer_free(&seen);
	}
}

static void write_hostile(void *context)
{
	struct log *log = log_new("debug", "podpis", LOG_LEVEL_ERROR);
	char text[4000];

	(void)context;
	log_error(log, "%s", "a\nerror: forged\x1b[2J");
	for (size_t i = 0; i + 1 < sizeof(text); i += 2)
		memcpy(text + i, "\xd1\x8f", 2);
	text[sizeof(text) - 2] = '\0';
	log_error(log, "%s", text);
	log_error(NULL, "dropped");
	log_free(log);
}

static void a_line_is_a_line(void **state)
{
	struct buffer seen = BUFFER_INIT(100000);
	const char *second;

	(void)state;
	capture(&seen, write_hostile, NULL);
	second = strchr(buffer_text(&seen), '\n') + 1;
	assert_memory_equal(buffer_text(&seen), "podpis: error: a?error: forged?[2J\n",
		(size_t)(second - buffer_text(&seen)));
	assert_in_range(strlen(second), 1990, 2030);
	assert_true(text_is_utf8(second, strlen(second)));
	assert_ptr_equal(strchr(second, '\n'), second + strlen(second) - 1);
	buffer_free(&seen);
}

struct writer {
	struct log *log;
	int number;
};

static void *write_many(void *context)
{
	struct writer *writer = context;

	for (int i = 0; i < 500; i++)
		log_info(writer->log, "line %d of %d, and some more text behind it", i,
			writer->number);
	return NULL;
}

static void files_are_private_and_shared_line_by_line(void **state)
{
	char *folder = folder_make(), *path = folder_path(folder, "log"), *setting = NULL;
	struct buffer seen = BUFFER_INIT(1 << 20);
	struct writer writers[4];
	pthread_t threads[4];
	struct stat status;
	size_t lines = 0;

	(void)state;
	assert_true(asprintf(&setting, "info:%s", path) > 0);
	for (int i = 0; i < 4; i++) {
		/* Two logs of the same file, two threads on each. */
		writers[i] = (struct writer){
			i < 2 ? log_new(setting, "podpis", LOG_LEVEL_ERROR) : writers[i - 2].log,
			i};
		assert_int_equal(pthread_create(&threads[i], NULL, write_many, &writers[i]), 0);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	log_free(writers[0].log);
	log_free(writers[1].log);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_true(buffer_read_file(&seen, path));
	for (char *at = (char *)seen.data, *end; *at != '\0'; at = end + 1, lines++) {
		end = strchr(at, '\n');
		assert_non_null(end);
		*end = '\0';
		/* 2026-01-31T12:00:00.123Z podpis[4711] info: line ... */
		assert_int_equal(at[4], '-');
		assert_int_equal(at[10], 'T');
		assert_memory_equal(at + 23, "Z podpis[", 9);
		assert_non_null(strstr(at, " info: line "));
		assert_string_equal(end - 26, "and some more text behind it" + 2);
	}
	assert_int_equal(lines, 2000);
	buffer_free(&seen);
	free(setting);
	free(path);
	folder_remove(folder);
}

/* A host whose stderr nobody reads any more must not die of our line. */
static void a_reader_gone_kills_nobody(void **state)
{
	struct log *log = log_new(NULL, "podpis", LOG_LEVEL_ERROR);
	int ends[2], saved = dup(STDERR_FILENO);
	sigset_t pending;

	(void)state;
	signal(SIGPIPE, SIG_DFL);
	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	errno = ENOTTY;
	log_error(log, "nobody reads this");
	assert_int_equal(errno, ENOTTY);
	dup2(saved, STDERR_FILENO);
	close(saved);
	sigpending(&pending);
	assert_int_equal(sigismember(&pending, SIGPIPE), 0);
	log_free(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows_the_level),
		cmocka_unit_test(says_what_it_cannot_follow),
		cmocka_unit_test(a_line_is_a_line),
		cmocka_unit_test(files_are_private_and_shared_line_by_line),
		cmocka_unit_test(a_reader_gone_kills_nobody),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
