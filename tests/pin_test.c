#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "provision/pin.h"
#include "tests/folder.h"

static char *folder;

static int setup(void **state)
{
	(void)state;
	folder = folder_make();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	folder_remove(folder);
	return 0;
}

static bool read_text(const char *text, size_t length, mode_t mode, struct secret **out)
{
	char *path = folder_write(folder, "pin", text, length);
	struct error err = {0};
	bool done;

	assert_int_equal(chmod(path, mode), 0);
	done = pin_read_file(path, out, &err);
	if (!done)
		assert_int_equal(err.code, ERROR_USAGE);
	unlink(path);
	free(path);
	return done;
}

static void test_file(void **state)
{
	struct secret *pin = NULL;
	char large[400];

	(void)state;
	assert_true(read_text("1234\nmore\n", 10, 0600, &pin));
	assert_int_equal(pin->length, 4);
	assert_memory_equal(pin->data, "1234", 4);
	secret_free(pin);
	assert_true(read_text("ПИН 1\r\n", 11, 0400, &pin));
	assert_string_equal((const char *)pin->data, "ПИН 1");
	secret_free(pin);
	assert_false(read_text("1234\n", 5, 0644, &pin));
	assert_false(read_text("1234\n", 5, 0620, &pin));
	assert_false(read_text("", 0, 0600, &pin));
	assert_false(read_text("\n1234", 5, 0600, &pin));
	assert_false(read_text("12\0"
			       "4",
		4, 0600, &pin));
	memset(large, '1', sizeof(large));
	assert_false(read_text(large, sizeof(large), 0600, &pin));
	assert_false(pin_read_file("/nonexistent/pin", &pin, NULL));
}

/* The environment loses its PINs, its memory included; the option goes before the variable. */
static void test_sources(void **state)
{
	static const struct option tables[] = {{"pin-file", "FILE", "", false}, {0}};
	struct options options = {0};
	struct secret *pin = NULL;
	struct pins pins = {0};
	struct error err = {0};
	char *path;
	const char *memory;

	(void)state;
	setenv("PODPIS_PIN", "from-variable", 1);
	memory = getenv("PODPIS_PIN");
	pins_init(&pins);
	assert_null(getenv("PODPIS_PIN"));
	assert_int_equal(memory[0], '\0');
	assert_true(pin_given(&pins, &options, PIN_USER));
	assert_false(pin_given(&pins, &options, PIN_SO));
	assert_true(pin_get(&pins, &options, PIN_USER, "PIN", &pin, &err));
	assert_string_equal((const char *)pin->data, "from-variable");
	secret_free(pin);
	path = folder_write(folder, "pin", "from-file", 9);
	assert_int_equal(chmod(path, 0600), 0);
	options.list[0] = (struct option_value){&tables[0], path};
	options.count = 1;
	assert_true(pin_get_new(&pins, &options, PIN_USER, "PIN", &pin, &err));
	assert_string_equal((const char *)pin->data, "from-file");
	secret_free(pin);
	free(path);
	pins_clear(&pins);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_sources),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
