#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "provision/uri.h"

static void test_round_trip(void **state)
{
	static const uint8_t id[] = {0x00, 0x3b, 0xff, 'a'};
	struct slot slot = {.label = "Иванов; и Ко",
		.serial = "0123",
		.manufacturer = "Podpis",
		.model = "vault"};
	char path[] = "/usr/lib/softhsm/libsofthsm2.so";
	struct error err = {0};
	struct uri uri = {0};
	struct slot_wish wish;
	char *text;

	(void)state;
	slot.module_path = path;
	text = uri_format(&slot, id, sizeof(id), "private");
	assert_non_null(text);
	assert_non_null(strstr(text, "type=private"));
	assert_true(uri_parse(text, &uri, &err));
	assert_string_equal(uri.label, slot.label);
	assert_string_equal(uri.serial, "0123");
	assert_string_equal(uri.module_path, path);
	assert_int_equal(uri.id_length, sizeof(id));
	assert_memory_equal(uri.id, id, sizeof(id));
	wish = uri_wish(&uri);
	assert_string_equal(wish.label, slot.label);
	assert_null(wish.name);
	uri_clear(&uri);
	free(text);
}

static void test_parts(void **state)
{
	struct error err = {0};
	struct uri uri = {0};

	(void)state;
	assert_true(uri_parse("pkcs11:object=my%20key;token=t", &uri, &err));
	assert_string_equal(uri.object, "my key");
	assert_string_equal(uri.label, "t");
	assert_null(uri.serial);
	assert_null(uri.module_path);
	assert_int_equal(uri.id_length, 0);
	uri_clear(&uri);
	assert_true(uri_parse("pkcs11:", &uri, &err));
	assert_null(uri.label);
	uri_clear(&uri);
}

static void test_slot(void **state)
{
	char *text = uri_format_slot("Облако; 1"), *back;

	(void)state;
	assert_non_null(text);
	assert_non_null(strstr(text, "slot-description="));
	back = uri_slot(text);
	assert_non_null(back);
	assert_string_equal(back, "Облако; 1");
	free(back);
	free(text);
	assert_null(uri_slot("pkcs11:token=a"));
	assert_null(uri_slot("pkcs11:"));
	assert_null(uri_slot("nothing"));
}

static void test_refused(void **state)
{
	static const char *const bad[] = {
		"", "http://example.ru", "pkcs11:token", "pkcs11:id=%zz", "pkcs11:nonsense=1"};
	struct error err = {0};
	struct uri uri = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (uri_parse(bad[i], &uri, &err))
			fail_msg("was taken: %s", bad[i]);
		assert_int_equal(err.code, ERROR_USAGE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_slot),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
