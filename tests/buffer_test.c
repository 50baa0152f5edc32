#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "module/support/buffer.h"
#include "tests/folder.h"

static void grows_and_ends_with_a_nul(void **state)
{
	struct buffer buffer = BUFFER_INIT(100000);

	(void)state;
	assert_string_equal(buffer_text(&buffer), "");
	for (int i = 0; i < 10000; i++)
		assert_true(buffer_printf(&buffer, "%d ", i % 10));
	assert_true(buffer_append_text(&buffer, "end"));
	assert_true(buffer_append(&buffer, "\0x", 2));
	assert_int_equal(buffer.length, 20005);
	assert_memory_equal(buffer.data, "0 1 2 3 4 5 6 7 8 9 0 ", 22);
	assert_memory_equal(buffer.data + 20000, "end\0x", 6);
	buffer_free(&buffer);
	assert_null(buffer.data);
	assert_int_equal(buffer.limit, 100000);
}

static void refuses_past_its_limit_for_good(void **state)
{
	struct buffer buffer = BUFFER_INIT(4);

	(void)state;
	assert_true(buffer_append(&buffer, "1234", 4));
	assert_true(buffer_append(&buffer, NULL, 0));
	assert_true(buffer_ok(&buffer));
	assert_false(buffer_append(&buffer, "5", 1));
	assert_false(buffer_ok(&buffer));
	/* A writer that checks once at the end must not get a text with a hole in it. */
	assert_false(buffer_append(&buffer, "", 0));
	assert_false(buffer_printf(&buffer, "%s", ""));
	assert_int_equal(buffer.length, 4);
	buffer_reset(&buffer);
	assert_true(buffer_ok(&buffer));
	assert_false(buffer_printf(&buffer, "%s", "12345"));
	buffer_reset(&buffer);
	assert_true(buffer_printf(&buffer, "%s", "1234"));
	assert_string_equal(buffer_text(&buffer), "1234");
	buffer_free(&buffer);

	buffer = BUFFER_INIT(SIZE_MAX);
	assert_true(buffer_append(&buffer, "1", 1));
	assert_null(buffer_extend(&buffer, SIZE_MAX - 1));
	buffer_free(&buffer);
}

static void wipes_when_reset(void **state)
{
	static const uint8_t zero[16];
	struct buffer buffer = BUFFER_INIT(64);

	(void)state;
	assert_true(buffer_append_text(&buffer, "the PIN is 1234"));
	buffer_reset(&buffer);
	assert_int_equal(buffer.length, 0);
	assert_memory_equal(buffer.data, zero, sizeof(zero));
	buffer_free(&buffer);
}

static void reads_files(void **state)
{
	struct buffer buffer = BUFFER_INIT(20000);
	char *folder = folder_make(), *path, block[20001];

	(void)state;
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = (char)(i * 7);
	path = folder_write(folder, "fits", block, 20000);
	assert_true(buffer_read_file(&buffer, path));
	assert_int_equal(buffer.length, 20000);
	assert_memory_equal(buffer.data, block, 20000);
	free(path);
	buffer_free(&buffer);

	path = folder_write(folder, "larger", block, 20001);
	assert_false(buffer_read_file(&buffer, path));
	assert_int_equal(errno, EFBIG);
	free(path);
	buffer_free(&buffer);

	path = folder_write(folder, "empty", "", 0);
	assert_true(buffer_read_file(&buffer, path));
	assert_int_equal(buffer.length, 0);
	free(path);

	assert_false(buffer_read_file(&buffer, folder));
	assert_int_equal(errno, EISDIR);
	path = folder_path(folder, "none");
	assert_false(buffer_read_file(&buffer, path));
	assert_int_equal(errno, ENOENT);
	free(path);
	buffer_free(&buffer);
	assert_false(buffer_read_file(&buffer, "/dev/zero"));
	assert_int_equal(errno, EFBIG);
	buffer_free(&buffer);
	folder_remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows_and_ends_with_a_nul),
		cmocka_unit_test(refuses_past_its_limit_for_good),
		cmocka_unit_test(wipes_when_reset),
		cmocka_unit_test(reads_files),
	};

	return cmocka_run_group_tests_name("buffer", tests, NULL, NULL);
}
