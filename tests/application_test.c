#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "provision/application.h"

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

static void test_exact_bytes(void **state)
{
	static const char wanted[] =
		"{\"version\":1,\"profile\":\"individual\",\"identification\":\"in-person\","
		"\"created_at\":\"2026-07-15T12:00:00Z\",\"person\":{\"surname\":\"Иванов\","
		"\"inn\":\"500100732259\"},\"request_sha256\":\"" ZEROS
		"\",\"signer_sha256\":null}";
	struct application application = {.profile = strdup("individual"),
		.identification = strdup("in-person"),
		.created = 1784116800,
		.has_request = true};
	struct application back = {0};
	struct buffer json = BUFFER_INIT(4096);
	struct error err = {0};

	(void)state;
	assert_true(person_set(&application.person, PERSON_INN, "500100732259"));
	assert_true(person_set(&application.person, PERSON_SURNAME, "Иванов"));
	assert_true(application_encode(&application, &json, &err));
	assert_string_equal(buffer_text(&json), wanted);
	assert_true(application_decode(json.data, json.length, &back, &err));
	assert_string_equal(back.profile, "individual");
	assert_int_equal(back.created, application.created);
	assert_true(back.has_request);
	assert_false(back.has_signer);
	assert_string_equal(back.person.values[PERSON_SURNAME], "Иванов");
	application_clear(&application);
	application_clear(&back);
	buffer_free(&json);
}

/* A key in the cloud is told after everything else; without one nothing is, so that old bytes stay. */
static void test_cloud(void **state)
{
	static const char tail[] = "\"request_sha256\":null,\"signer_sha256\":null,"
				   "\"key_location\":\"cloud\",\"key\":\"ec:P-256\"}";
	struct application application = {.profile = strdup("individual"),
		.identification = strdup("in-person"),
		.cloud_key = strdup("ec:P-256")};
	struct application back = {0};
	struct buffer json = BUFFER_INIT(4096);
	struct error err = {0};

	(void)state;
	assert_true(application_encode(&application, &json, &err));
	assert_true(json.length > sizeof(tail));
	assert_string_equal(buffer_text(&json) + json.length - sizeof(tail) + 1, tail);
	assert_true(application_decode(json.data, json.length, &back, &err));
	assert_string_equal(back.cloud_key, "ec:P-256");
	assert_false(back.has_request);
	application_clear(&application);
	application_clear(&back);
	buffer_free(&json);
}

static void test_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{}",
		"{\"version\":2,\"profile\":\"individual\",\"identification\":\"in-person\","
		"\"created_at\":\"2026-07-15T12:00:00Z\",\"person\":{}}",
		"{\"version\":1,\"profile\":\"individual\",\"identification\":\"in-person\","
		"\"created_at\":\"yesterday\",\"person\":{}}",
		"{\"version\":1,\"profile\":5,\"identification\":\"in-person\","
		"\"created_at\":\"2026-07-15T12:00:00Z\",\"person\":{}}",
		"{\"version\":1,\"profile\":\"individual\",\"identification\":\"in-person\","
		"\"created_at\":\"2026-07-15T12:00:00Z\",\"person\":{\"inn\":5}}",
		"{\"version\":1,\"profile\":\"individual\",\"identification\":\"in-person\","
		"\"created_at\":\"2026-07-15T12:00:00Z\",\"person\":{},\"request_sha256\":\"00\"}",
		"{\"version\":1,\"profile\":\"individual\",\"identification\":\"in-person\","
		"\"created_at\":\"2026-07-15T12:00:00Z\",\"person\":{},\"key_location\":\"moon\","
		"\"key\":\"ec:P-256\"}",
		"{\"version\":1,\"profile\":\"individual\",\"identification\":\"in-person\","
		"\"created_at\":\"2026-07-15T12:00:00Z\",\"person\":{},\"key_location\":\"cloud\"}",
		"{\"version\":1,\"version\":1,\"profile\":\"individual\","
		"\"identification\":\"in-person\",\"created_at\":\"2026-07-15T12:00:00Z\","
		"\"person\":{}}",
	};
	struct application application = {0};
	struct error err = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (application_decode((const uint8_t *)bad[i], strlen(bad[i]), &application, &err))
			fail_msg("was taken: %s", bad[i]);
		assert_int_equal(err.code, ERROR_FAILED);
	}
}

static void test_hash(void **state)
{
	uint8_t hash[32];
	char text[65];

	(void)state;
	assert_true(application_sha256("abc", 3, hash, NULL));
	application_hex(hash, 32, text);
	assert_string_equal(
		text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exact_bytes),
		cmocka_unit_test(test_cloud),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
