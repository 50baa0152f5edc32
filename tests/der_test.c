#include "tests/asn1_support.h"

#include "asn1/der.h"

struct row {
	const char *bytes;
	size_t length;
	const char *words; /* NULL: it is DER */
};

#define BYTES(text) text, sizeof(text) - 1

/* X.690: what is only BER, type by type. */
static const struct row rows[] = {
	{BYTES("\x02\x01\x00"), NULL},
	{BYTES("\x02\x01\x80"), NULL},
	{BYTES("\x02\x02\x00\x80"), NULL},
	{BYTES("\x02\x02\x00\x7f"), "an INTEGER that is not minimal"},
	{BYTES("\x02\x02\xff\x80"), "an INTEGER that is not minimal"},
	{BYTES("\x02\x00"), "an INTEGER without a value"},
	{BYTES("\x0a\x02\x00\x01"), "an INTEGER that is not minimal"},
	{BYTES("\x02\x81\x01\x00"), "a length that is not minimal"},
	{BYTES("\x02\x82\x00\x01\x00"), "a length that is not minimal"},
	{BYTES("\x02\x85\x00\x00\x00\x00\x01\x00"), "a length that is too large"},
	{BYTES("\x02\xff"), "a length that is too large"},
	{BYTES("\x04\x84\xff\xff\xff\xff"), "a length that goes beyond the end"},
	{BYTES("\x04\x82\x01"), "cut short"},
	{BYTES("\x04\x02\x00"), "a length that goes beyond the end"},
	{BYTES("\x30"), "cut short"},
	{BYTES("\x30\x80\x00\x00"), "an indefinite length"},
	{BYTES("\x30\x03\x02\x01\x00\x00"), "more bytes behind the end"},
	{BYTES("\x00\x00"), "an end-of-contents mark"},
	{BYTES("\x01\x01\x00"), NULL},
	{BYTES("\x01\x01\xff"), NULL},
	{BYTES("\x01\x01\x01"), "a BOOLEAN that is neither 00 nor FF"},
	{BYTES("\x01\x02\xff\xff"), "a BOOLEAN that is neither 00 nor FF"},
	{BYTES("\x05\x00"), NULL},
	{BYTES("\x05\x01\x00"), "a NULL with a value"},
	{BYTES("\x03\x01\x00"), NULL},
	{BYTES("\x03\x02\x07\x80"), NULL},
	{BYTES("\x03\x00"), "count of unused bits"},
	{BYTES("\x03\x01\x01"), "count of unused bits"},
	{BYTES("\x03\x02\x08\x00"), "count of unused bits"},
	{BYTES("\x03\x02\x01\x01"), "unused bits are not zero"},
	{BYTES("\x23\x04\x03\x02\x00\x00"), "a simple type in constructed form"},
	{BYTES("\x24\x03\x04\x01\x00"), "a simple type in constructed form"},
	{BYTES("\x10\x00"), "a SEQUENCE or SET in primitive form"},
	{BYTES("\x11\x00"), "a SEQUENCE or SET in primitive form"},
	{BYTES("\x06\x03\x2a\x86\x48"), NULL},
	{BYTES("\x06\x00"), "an OBJECT IDENTIFIER that is cut short"},
	{BYTES("\x06\x02\x2a\x86"), "an OBJECT IDENTIFIER that is cut short"},
	{BYTES("\x06\x03\x2a\x80\x01"), "an OBJECT IDENTIFIER that is not minimal"},
	{BYTES("\x06\x02\x80\x01"), "an OBJECT IDENTIFIER that is not minimal"},
	{BYTES("\x17\x0d"
	       "251231235959Z"),
		NULL},
	{BYTES("\x17\x0b"
	       "2512312359Z"),
		"a UTCTime that is not YYMMDDHHMMSSZ"},
	{BYTES("\x17\x11"
	       "251231235959+0300"),
		"a UTCTime that is not YYMMDDHHMMSSZ"},
	{BYTES("\x17\x0d"
	       "25123123595/Z"),
		"digits up to the seconds"},
	{BYTES("\x18\x0f"
	       "20501231235959Z"),
		NULL},
	{BYTES("\x18\x11"
	       "20501231235959.5Z"),
		NULL},
	{BYTES("\x18\x12"
	       "20501231235959.50Z"),
		"a fraction that is not minimal"},
	{BYTES("\x18\x10"
	       "20501231235959.Z"),
		"a fraction that is not minimal"},
	{BYTES("\x18\x0e"
	       "20501231235959"),
		"a GeneralizedTime that is not"},
	{BYTES("\x31\x06\x02\x01\x01\x02\x01\x02"), NULL},
	{BYTES("\x31\x06\x02\x01\x02\x02\x01\x01"), "a SET OF that is not sorted"},
	{BYTES("\x31\x07\x02\x02\x01\x00\x02\x01\x02"), "a SET OF that is not sorted"},
	{BYTES("\x30\x06\x02\x01\x02\x02\x01\x01"), NULL},
	{BYTES("\xa0\x03\x02\x01\x00"), NULL},
	{BYTES("\xa0\x03\x02\x02\x00"), "a length that goes beyond the end"},
	{BYTES("\x80\x02\xff\xff"), NULL},
	{BYTES("\x9f\x1f\x01\x00"), NULL},
	{BYTES("\x9f\x1e\x01\x00"), "a tag that is not minimal"},
	{BYTES("\x9f\x80\x1f\x01\x00"), "a tag that is not minimal"},
	{BYTES("\x9f\xff\xff\xff\x7f\x00"), "a tag that is cut short or too large"},
	{BYTES("\x9f\xff"), "a tag that is cut short or too large"},
};

static void knows_der(void **state)
{
	struct error err;
	uint8_t *exact;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		exact = malloc(rows[i].length);
		assert_non_null(exact);
		memcpy(exact, rows[i].bytes, rows[i].length);
		err = (struct error){0};
		if (der_check(exact, rows[i].length, DER_MAX, &err) != (rows[i].words == NULL))
			fail_msg("row %zu: \"%s\"", i, err.message);
		if (rows[i].words != NULL && strstr(err.message, rows[i].words) == NULL)
			fail_msg("row %zu: \"%s\" does not say \"%s\"", i, err.message,
				rows[i].words);
		free(exact);
	}
}

static void says_where(void **state)
{
	static const uint8_t bytes[] = {0x30, 0x08, 0x02, 0x01, 0x00, 0x30, 0x03, 0x01, 0x01, 0x07};
	struct error err;

	(void)state;
	assert_refused(der_check(bytes, sizeof(bytes), DER_MAX, &err), &err, "not DER at byte 7: ");
	assert_refused(der_check(bytes, sizeof(bytes), 9, &err), &err, "10 bytes, 9 at most");
	assert_refused(der_check(bytes, 0, 9, &err), &err, "empty");
	assert_false(der_check(bytes, 3, DER_MAX, NULL));
}

static void bounds_depth_and_elements(void **state)
{
	struct buffer nested = BUFFER_INIT(BUFFER_MAX), wide = BUFFER_INIT(BUFFER_MAX);
	struct error err;
	unsigned depth;
	size_t i;
	uint8_t *at;

	(void)state;
	/* `depth` SEQUENCEs, one in the other */
	for (depth = DER_DEPTH_MAX; depth <= DER_DEPTH_MAX + 2; depth++) {
		buffer_reset(&nested);
		for (i = 0; i < depth; i++) {
			at = buffer_extend(&nested, 2);
			at[0] = 0x30;
			at[1] = (uint8_t)(2 * (depth - 1 - i));
		}
		if (depth <= DER_DEPTH_MAX)
			assert_done(der_check(nested.data, nested.length, DER_MAX, &err), &err);
		else
			assert_refused(der_check(nested.data, nested.length, DER_MAX, &err), &err,
				"nested too deeply");
	}
	assert_true(buffer_append(&wide, "\x30\x83\x01\x00\x00", 5));
	for (i = 0; i < 65536 / 2; i++)
		assert_true(buffer_append(&wide, "\x05\x00", 2));
	assert_refused(der_check(wide.data, wide.length, DER_MAX, &err), &err, "too many elements");
	buffer_free(&nested);
	buffer_free(&wide);
}

/* What libtasn1's own strict mode lets through. */
static void decodes_strictly(void **state)
{
	static const char good[] = "\x30\x06\x02\x01\x05\x02\x01\x07";
	static const struct row bad[] = {
		{BYTES("\x30\x07\x02\x02\x00\x05\x02\x01\x07"), "an INTEGER that is not minimal"},
		{BYTES("\x30\x81\x06\x02\x01\x05\x02\x01\x07"), "a length that is not minimal"},
		{BYTES("\x30\x09\x02\x01\x05\x02\x01\x07\x02\x01\x07"), "not ECDSA-Sig-Value"},
		{BYTES("\x30\x03\x02\x01\x05"), "not ECDSA-Sig-Value"},
		{BYTES("\x30\x06\x02\x01\x05\x04\x01\x07"), "a wrong tag or a part missing at s"},
		{BYTES("\x31\x06\x02\x01\x05\x02\x01\x07"), "not ECDSA-Sig-Value"},
	};
	struct buffer value = BUFFER_INIT(16);
	asn1_node node = NULL;
	unsigned number = 0;
	struct error err;
	size_t i;

	(void)state;
	assert_done(der_decode("X509.ECDSA-Sig-Value", (const uint8_t *)good, sizeof(good) - 1,
			    &node, &err),
		&err);
	assert_done(der_read_number(node, "s", &number, &err), &err);
	assert_int_equal(number, 7);
	assert_done(der_encode(node, "", &value, &err), &err);
	assert_bytes(&value, good, sizeof(good) - 1);
	assert_refused(der_read(node, "t", &value, &err), &err, "t: missing");
	asn1_delete_structure(&node);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_refused(der_decode("X509.ECDSA-Sig-Value", (const uint8_t *)bad[i].bytes,
				       bad[i].length, &node, &err),
			&err, bad[i].words);
		assert_null(node);
	}
	assert_refused(der_create("X509.Nothing", &node, &err), &err, "X509.Nothing");
	assert_refused(der_create("X510.Name", &node, &err), &err, "X510.Name: no such type");
	assert_null(node);
	buffer_free(&value);
}

static void reads_and_writes_numbers(void **state)
{
	static const uint8_t large[] = {0x00, 0x00, 0x80, 0x01, 0x02, 0x03, 0x04};
	struct buffer der = BUFFER_INIT(64), value = BUFFER_INIT(64);
	asn1_node node = NULL;
	unsigned number = 1;
	struct error err;

	(void)state;
	assert_done(der_create("X509.ECDSA-Sig-Value", &node, &err), &err);
	assert_done(der_write_unsigned(node, "r", large, sizeof(large), &err), &err);
	assert_done(der_write_number(node, "s", 0, &err), &err);
	assert_done(der_encode(node, "", &der, &err), &err);
	assert_bytes(&der, "\x30\x0b\x02\x06\x00\x80\x01\x02\x03\x04\x02\x01\x00", 13);
	assert_done(der_read_unsigned(node, "r", &value, &err), &err);
	assert_bytes(&value, large + 2, sizeof(large) - 2);
	assert_refused(
		der_read_number(node, "r", &number, &err), &err, "r: a number that is too large");
	assert_int_equal(number, 1);
	assert_done(der_write(node, "s", "\x80", 1, &err), &err);
	assert_refused(der_read_number(node, "s", &number, &err), &err, "s: a negative number");
	asn1_delete_structure(&node);
	/* An output that is too small fails, and says so. */
	buffer_free(&der);
	der = BUFFER_INIT(4);
	assert_refused(der_encode_primitive(DER_TAG_OCTET_STRING, large, sizeof(large), &der, &err),
		&err, "too large");
	buffer_free(&der);
	buffer_free(&value);
}

static void finds_slices(void **state)
{
	static const uint8_t der[] = {
		0x30, 0x0a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x01, 0x00};
	const uint8_t *start = NULL;
	asn1_node node = NULL;
	struct error err;
	size_t length = 0;

	(void)state;
	assert_done(der_decode("X509.SubjectPublicKeyInfo", der, sizeof(der), &node, &err), &err);
	assert_done(der_slice(node, "algorithm", der, sizeof(der), &start, &length, &err), &err);
	assert_ptr_equal(start, der + 2);
	assert_int_equal(length, 7);
	assert_false(der_present(node, "algorithm.parameters"));
	assert_true(der_present(node, "subjectPublicKey"));
	assert_false(der_present(node, "nothing"));
	asn1_delete_structure(&node);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_der),
		cmocka_unit_test(says_where),
		cmocka_unit_test(bounds_depth_and_elements),
		cmocka_unit_test(decodes_strictly),
		cmocka_unit_test(reads_and_writes_numbers),
		cmocka_unit_test(finds_slices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
