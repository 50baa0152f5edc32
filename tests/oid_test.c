#include "tests/asn1_support.h"

#include <openssl/objects.h>

#include "asn1/oid.h"

static void knows_text(void **state)
{
	static const char *const good[] = {"1.2", "0.0", "0.39", "1.39", "2.40", "2.999", "2.5.4.3",
		"1.2.643.3.131.1.1", "1.2.840.113549.1.9.16.2.47", "1.2.18446744073709551000"};
	static const char *const bad[] = {"", "1", "1.", ".1", "1..2", "3.1", "0.40", "1.40",
		"1.02", "01.2", "1.2.", "1.2 ", " 1.2", "1.2.x", "1.2.-3", "1,2",
		"1.2.18446744073709551616", "1.2.99999999999999999999999",
		"1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18.19.20.21.22.23.24.25"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!oid_valid(good[i]))
			fail_msg("%s is one", good[i]);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (oid_valid(bad[i]))
			fail_msg("%s is none", bad[i]);
}

static void same_as_openssl(void **state)
{
	static const char *const oids[] = {"2.5.4.3", "1.2.643.3.131.1.1", "1.2.643.100.114",
		"1.3.101.112", "1.2.840.10045.3.1.7", "2.999.1", "2.16.840.1.101.3.4.2.1",
		"1.2.4294967295", "1.2.4294967296.5", "0.9.2342.19200300.100.1.25"};
	struct buffer der = BUFFER_INIT(64);
	char text[OID_TEXT_MAX];
	ASN1_OBJECT *object;
	uint8_t *bytes;
	struct error err;
	size_t i;
	int length;

	(void)state;
	for (i = 0; i < sizeof(oids) / sizeof(oids[0]); i++) {
		object = OBJ_txt2obj(oids[i], 1);
		bytes = NULL;
		length = i2d_ASN1_OBJECT(object, &bytes);
		assert_true(length > 0);
		buffer_reset(&der);
		assert_done(oid_encode(oids[i], &der, &err), &err);
		assert_bytes(&der, bytes, (size_t)length);
		assert_done(oid_decode(bytes, (size_t)length, text, &err), &err);
		assert_string_equal(text, oids[i]);
		OPENSSL_free(bytes);
		ASN1_OBJECT_free(object);
	}
	buffer_free(&der);
}

static void refuses(void **state)
{
	/* 2.25 and a UUID */
	static const uint8_t uuid[] = {0x06, 0x14, 0x69, 0x83, 0xf0, 0xf1, 0xa1, 0xc3, 0x87, 0x8e,
		0x9d, 0xba, 0xf5, 0xeb, 0xd7, 0xaf, 0xdf, 0xbf, 0xff, 0xff, 0xff, 0x7f};
	static const uint8_t integer[] = {0x02, 0x01, 0x01};
	static const uint8_t padded[] = {0x06, 0x03, 0x2a, 0x80, 0x01};
	struct buffer der = BUFFER_INIT(64);
	char text[OID_TEXT_MAX] = "untouched";
	struct error err;

	(void)state;
	assert_refused(oid_decode(uuid, sizeof(uuid), text, &err), &err, "more than 63 characters");
	assert_refused(oid_decode(integer, 3, text, &err), &err, "not an OBJECT IDENTIFIER");
	assert_refused(oid_decode(padded, sizeof(padded), text, &err), &err, "not minimal");
	assert_refused(oid_decode(padded, 0, text, &err), &err, "empty");
	assert_string_equal(text, "untouched");
	assert_refused(
		oid_encode("1.2.x", &der, &err), &err, "\"1.2.x\" is not an object identifier");
	assert_int_equal(err.code, ERROR_USAGE);
	assert_int_equal(der.length, 0);
}

static void has_names(void **state)
{
	(void)state;
	assert_string_equal(oid_name("1.3.101.112"), "Ed25519");
	assert_string_equal(oid_name("1.2.643.100.114"), "identificationKind");
	assert_string_equal(oid_name("1.2.3.4"), "1.2.3.4");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_text),
		cmocka_unit_test(same_as_openssl),
		cmocka_unit_test(refuses),
		cmocka_unit_test(has_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
