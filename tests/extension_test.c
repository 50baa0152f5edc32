#include "tests/asn1_support.h"

#include <openssl/conf.h>
#include <openssl/x509v3.h>

#include "asn1/extension.h"

/* What OpenSSL puts into the OCTET STRING for a line of its configuration. */
static X509_EXTENSION *openssl_extension(const char *name, const char *value)
{
	X509_EXTENSION *extension;
	CONF *conf = NCONF_new(NULL);
	X509V3_CTX context;
	char line[1024];
	BIO *text;
	long at;

	snprintf(line, sizeof(line),
		"[x]\n%s = %s\n[tools]\na = FORMAT:UTF8,UTF8:Средство ЭП\nb = "
		"FORMAT:UTF8,UTF8:Средство УЦ\nc = FORMAT:UTF8,UTF8:СФ/1\n"
		"d = FORMAT:UTF8,UTF8:СФ/2\n[period]\na = IMP:0,GENTIME:20260101000000Z\n"
		"b = IMP:1,GENTIME:20270331235959Z\n[end]\nb = IMP:1,GENTIME:20270331235959Z\n",
		name, value);
	text = BIO_new_mem_buf(line, -1);
	assert_true(NCONF_load_bio(conf, text, &at) > 0);
	X509V3_set_ctx(&context, NULL, NULL, NULL, NULL, 0);
	X509V3_set_nconf(&context, conf);
	extension = X509V3_EXT_nconf(conf, &context, name, value);
	assert_non_null(extension);
	BIO_free(text);
	NCONF_free(conf);
	return extension;
}

static void openssl_value(const char *name, const char *value, struct buffer *der)
{
	X509_EXTENSION *extension = openssl_extension(name, value);
	const ASN1_OCTET_STRING *data = X509_EXTENSION_get_data(extension);

	buffer_reset(der);
	assert_true(
		buffer_append(der, ASN1_STRING_get0_data(data), (size_t)ASN1_STRING_length(data)));
	X509_EXTENSION_free(extension);
}

static void key_usage(void **state)
{
	static const struct {
		unsigned usage;
		const char *text;
	} rows[] = {
		{KEY_USAGE_DIGITAL_SIGNATURE, "digitalSignature"},
		{KEY_USAGE_DIGITAL_SIGNATURE | KEY_USAGE_NON_REPUDIATION,
			"digitalSignature,nonRepudiation"},
		{KEY_USAGE_KEY_ENCIPHERMENT | KEY_USAGE_DATA_ENCIPHERMENT | KEY_USAGE_KEY_AGREEMENT,
			"keyEncipherment,dataEncipherment,keyAgreement"},
		{KEY_USAGE_CERT_SIGN | KEY_USAGE_CRL_SIGN, "keyCertSign,cRLSign"},
		{1u << 7, "encipherOnly"},
		{KEY_USAGE_KEY_AGREEMENT | 1u << 8, "keyAgreement,decipherOnly"},
	};
	static const uint8_t zeros[] = {0x03, 0x02, 0x05, 0xc0}, none[] = {0x03, 0x01, 0x00},
			     ten[] = {0x03, 0x03, 0x06, 0x80, 0x40}, text[] = {0x0c, 0x01, 0x61};
	struct buffer ours = BUFFER_INIT(1024), theirs = BUFFER_INIT(1024);
	unsigned usage = 77;
	struct error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		openssl_value("keyUsage", rows[i].text, &theirs);
		buffer_reset(&ours);
		assert_done(key_usage_encode(rows[i].usage, &ours, &err), &err);
		assert_bytes(&ours, theirs.data, theirs.length);
		assert_done(key_usage_decode(theirs.data, theirs.length, &usage, &err), &err);
		assert_int_equal(usage, rows[i].usage);
	}
	usage = 77;
	assert_refused(key_usage_encode(0, &ours, &err), &err, "keyUsage: none");
	assert_refused(key_usage_encode(1u << 9, &ours, &err), &err, "keyUsage: none");
	assert_refused(
		key_usage_decode(zeros, sizeof(zeros), &usage, &err), &err, "zeros at the end");
	assert_refused(key_usage_decode(none, sizeof(none), &usage, &err), &err, "not 1 to 9 bits");
	assert_refused(key_usage_decode(ten, sizeof(ten), &usage, &err), &err, "not 1 to 9 bits");
	assert_refused(
		key_usage_decode(text, sizeof(text), &usage, &err), &err, "keyUsage: not KeyUsage");
	assert_int_equal(usage, 77);
	buffer_free(&ours);
	buffer_free(&theirs);
}

static void oid_lists(void **state)
{
	static const char *const usages[] = {
		"1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.4", "1.2.643.2.2.34.6"};
	static const char *const twice[] = {"1.2.3", "1.2.3"}, *const junk[] = {"1.2.x"};
	static const uint8_t repeated[] = {0x30, 0x08, 0x06, 0x02, 0x2a, 0x03, 0x06, 0x02, 0x2a,
		0x03},
			     empty[] = {0x30, 0x00};
	struct buffer ours = BUFFER_INIT(1024), theirs = BUFFER_INIT(1024);
	char oids[8][64];
	struct error err;
	size_t count = 0;

	(void)state;
	openssl_value("extendedKeyUsage", "clientAuth,emailProtection,1.2.643.2.2.34.6", &theirs);
	assert_done(oid_list_encode(usages, 3, &ours, &err), &err);
	assert_bytes(&ours, theirs.data, theirs.length);
	assert_done(oid_list_decode(theirs.data, theirs.length, oids, 8, &count, &err), &err);
	assert_int_equal(count, 3);
	assert_string_equal(oids[0], usages[0]);
	assert_string_equal(oids[2], usages[2]);
	assert_refused(oid_list_decode(theirs.data, theirs.length, oids, 2, &count, &err), &err,
		"extKeyUsage: list: 3 of them, 2 at most");
	assert_refused(oid_list_decode(repeated, sizeof(repeated), oids, 8, &count, &err), &err,
		"extKeyUsage: 1.2.3 is there twice");
	assert_refused(oid_list_decode(empty, sizeof(empty), oids, 8, &count, &err), &err,
		"extKeyUsage: empty");
	assert_refused(oid_list_encode(twice, 2, &ours, &err), &err, "1.2.3 is there twice");
	assert_refused(oid_list_encode(junk, 1, &ours, &err), &err, "not an object identifier");
	assert_refused(oid_list_encode(usages, 0, &ours, &err), &err, "0 identifiers");
	assert_int_equal(count, 3);
	buffer_free(&ours);
	buffer_free(&theirs);
}

static void policies(void **state)
{
	static const char *const classes[] = {"1.2.643.100.113.1", "1.2.643.100.113.2"};
	struct buffer ours = BUFFER_INIT(1024), theirs = BUFFER_INIT(1024);
	char oids[8][64];
	struct error err;
	size_t count = 0;

	(void)state;
	openssl_value("certificatePolicies", "1.2.643.100.113.1,1.2.643.100.113.2", &theirs);
	assert_done(policies_encode(classes, 2, &ours, &err), &err);
	assert_bytes(&ours, theirs.data, theirs.length);
	assert_done(policies_decode(theirs.data, theirs.length, oids, 8, &count, &err), &err);
	assert_int_equal(count, 2);
	assert_string_equal(oids[1], classes[1]);
	/* Qualifiers are passed over: a CPS pointer (RFC 5280, 4.2.1.4). */
	buffer_reset(&ours);
	assert_true(buffer_append(&ours,
		"\x30\x1b\x30\x19\x06\x02\x2a\x03\x30\x13\x30\x11\x06\x08\x2b\x06\x01\x05\x05\x07"
		"\x02\x01"
		"\x16\x05http:",
		29));
	assert_done(policies_decode(ours.data, ours.length, oids, 8, &count, &err), &err);
	assert_int_equal(count, 1);
	assert_string_equal(oids[0], "1.2.3");
	buffer_free(&ours);
	buffer_free(&theirs);
}

static void sign_tools(void **state)
{
	struct buffer ours = BUFFER_INIT(BUFFER_MAX), theirs = BUFFER_INIT(BUFFER_MAX),
		      text = BUFFER_INIT(BUFFER_MAX);
	struct issuer_sign_tool tool = {"Средство ЭП", "Средство УЦ", "СФ/1", "СФ/2"}, read;
	char longest[2 * 201 + 1];
	struct error err;
	size_t i;

	(void)state;
	openssl_value("1.2.643.100.111", "ASN1:FORMAT:UTF8,UTF8String:СКЗИ «Подпись»", &theirs);
	assert_done(sign_tool_encode("СКЗИ «Подпись»", &ours, &err), &err);
	assert_bytes(&ours, theirs.data, theirs.length);
	assert_done(sign_tool_decode(theirs.data, theirs.length, &text, &err), &err);
	assert_string_equal(buffer_text(&text), "СКЗИ «Подпись»");
	for (i = 0; i < 201; i++)
		memcpy(longest + 2 * i, "Ж", 2);
	longest[2 * 201] = '\0';
	assert_refused(sign_tool_encode(longest, &ours, &err), &err,
		"subjectSignTool: 201 characters, must be 1 to 200");
	longest[2 * 200] = '\0';
	assert_done(sign_tool_encode(longest, &ours, &err), &err);
	assert_refused(sign_tool_encode("", &ours, &err), &err, "subjectSignTool: 0 characters");
	assert_refused(sign_tool_decode((const uint8_t *)"\x0c\x01\xd0", 3, &text, &err), &err,
		"subjectSignTool: value: not UTF-8");
	assert_refused(sign_tool_decode((const uint8_t *)"\x0c\x00", 2, &text, &err), &err,
		"subjectSignTool: value: 0 characters");
	assert_refused(sign_tool_decode((const uint8_t *)"\x13\x01"
							 "a",
			       3, &text, &err),
		&err, "not SubjectSignTool");
	buffer_reset(&ours);
	openssl_value("1.2.643.100.112", "ASN1:SEQUENCE:tools", &theirs);
	assert_done(issuer_sign_tool_encode(&tool, &ours, &err), &err);
	/* OpenSSL's generator gives a SEQUENCE of UTF8Strings as its lines say. */
	assert_bytes(&ours, theirs.data, theirs.length);
	assert_done(issuer_sign_tool_decode(theirs.data, theirs.length, &read, &err), &err);
	assert_string_equal(read.sign_tool, tool.sign_tool);
	assert_string_equal(read.ca_tool, tool.ca_tool);
	assert_string_equal(read.sign_tool_certificate, tool.sign_tool_certificate);
	assert_string_equal(read.ca_tool_certificate, tool.ca_tool_certificate);
	tool.ca_tool[0] = '\0';
	assert_refused(issuer_sign_tool_encode(&tool, &ours, &err), &err,
		"issuerSignTool: cATool: 0 characters, must be 1 to 200");
	memcpy(tool.ca_tool, "a", 2);
	memcpy(tool.ca_tool_certificate, longest, 202);
	tool.ca_tool_certificate[202] = '\0';
	assert_refused(issuer_sign_tool_encode(&tool, &ours, &err), &err,
		"issuerSignTool: cAToolCert: 101 characters, must be 1 to 100");
	/* Filled to the last character, of four bytes each. */
	for (i = 0; i < 200; i++)
		memcpy(tool.sign_tool + 4 * i, "🔑", 5);
	memcpy(tool.ca_tool_certificate, "a", 2);
	buffer_reset(&ours);
	assert_done(issuer_sign_tool_encode(&tool, &ours, &err), &err);
	assert_done(issuer_sign_tool_decode(ours.data, ours.length, &read, &err), &err);
	assert_string_equal(read.sign_tool, tool.sign_tool);
	buffer_free(&ours);
	buffer_free(&theirs);
	buffer_free(&text);
}

static void identification_kinds(void **state)
{
	struct buffer ours = BUFFER_INIT(64), theirs = BUFFER_INIT(64);
	enum identification_kind kind = IDENTIFICATION_PASSPORT;
	char value[32];
	struct error err;
	int i;

	(void)state;
	for (i = 0; i <= 3; i++) {
		snprintf(value, sizeof(value), "ASN1:INTEGER:%d", i);
		openssl_value("1.2.643.100.114", value, &theirs);
		buffer_reset(&ours);
		assert_done(
			identification_kind_encode((enum identification_kind)i, &ours, &err), &err);
		assert_bytes(&ours, theirs.data, theirs.length);
		assert_done(
			identification_kind_decode(theirs.data, theirs.length, &kind, &err), &err);
		assert_int_equal(kind, i);
	}
	openssl_value("1.2.643.100.114", "ASN1:INTEGER:4", &theirs);
	assert_refused(identification_kind_decode(theirs.data, theirs.length, &kind, &err), &err,
		"identificationKind: 4, known are 0 to 3");
	openssl_value("1.2.643.100.114", "ASN1:INTEGER:-1", &theirs);
	assert_refused(identification_kind_decode(theirs.data, theirs.length, &kind, &err), &err,
		"negative");
	openssl_value("1.2.643.100.114", "ASN1:INTEGER:4294967296", &theirs);
	assert_refused(identification_kind_decode(theirs.data, theirs.length, &kind, &err), &err,
		"too large");
	assert_refused(identification_kind_encode((enum identification_kind)4, &ours, &err), &err,
		"identificationKind: 4");
	assert_int_equal(kind, 3);
	buffer_free(&ours);
	buffer_free(&theirs);
}

static void key_periods(void **state)
{
	struct buffer ours = BUFFER_INIT(64), theirs = BUFFER_INIT(64);
	time_t before = 1, after = 1;
	struct error err;

	(void)state;
	openssl_value("2.5.29.16", "ASN1:SEQUENCE:period", &theirs);
	assert_done(key_period_encode(1767225600, 1806537599, &ours, &err), &err);
	assert_bytes(&ours, theirs.data, theirs.length);
	assert_done(key_period_decode(theirs.data, theirs.length, &before, &after, &err), &err);
	assert_int_equal(before, 1767225600);
	assert_int_equal(after, 1806537599);
	openssl_value("2.5.29.16", "ASN1:SEQUENCE:end", &theirs);
	buffer_reset(&ours);
	assert_done(key_period_encode(0, 1806537599, &ours, &err), &err);
	assert_bytes(&ours, theirs.data, theirs.length);
	assert_done(key_period_decode(theirs.data, theirs.length, &before, &after, &err), &err);
	assert_int_equal(before, 0);
	assert_int_equal(after, 1806537599);
	buffer_reset(&ours);
	assert_done(key_period_encode(1767225600, 0, &ours, &err), &err);
	assert_done(key_period_decode(ours.data, ours.length, &before, &after, &err), &err);
	assert_int_equal(before, 1767225600);
	assert_int_equal(after, 0);
	assert_refused(key_period_encode(0, 0, &ours, &err), &err, "neither beginning nor end");
	assert_refused(key_period_encode(2, 1, &ours, &err), &err, "ends before it begins");
	assert_refused(key_period_decode((const uint8_t *)"\x30\x00", 2, &before, &after, &err),
		&err, "privateKeyUsagePeriod: neither beginning nor end");
	/* The 30th of February; a fraction. */
	assert_refused(key_period_decode((const uint8_t *)"\x30\x11\x81\x0f"
							  "20260230000000Z",
			       19, &before, &after, &err),
		&err, "privateKeyUsagePeriod: notAfter: no such date");
	assert_refused(key_period_decode((const uint8_t *)"\x30\x13\x81\x11"
							  "20260201000000.5Z",
			       21, &before, &after, &err),
		&err, "privateKeyUsagePeriod: ");
	buffer_free(&ours);
	buffer_free(&theirs);
}

static const struct {
	const char *name, *value, *oid;
	bool critical;
} profile[] = {
	{"keyUsage", "critical,digitalSignature,nonRepudiation", OID_KEY_USAGE, true},
	{"extendedKeyUsage", "clientAuth", OID_EXT_KEY_USAGE, false},
	{"certificatePolicies", "1.2.643.100.113.1", OID_CERTIFICATE_POLICIES, false},
	{"1.2.643.100.111", "ASN1:UTF8String:Podpis", OID_SUBJECT_SIGN_TOOL, false},
	{"1.2.643.100.114", "ASN1:INTEGER:0", OID_IDENTIFICATION_KIND, false},
	{"basicConstraints", "critical,CA:FALSE", OID_BASIC_CONSTRAINTS, true},
};

#define PROFILE (sizeof(profile) / sizeof(profile[0]))

static void fill(struct extensions *extensions, struct buffer *openssl)
{
	X509_EXTENSIONS *list = sk_X509_EXTENSION_new_null();
	struct buffer value = BUFFER_INIT(BUFFER_MAX);
	uint8_t *bytes = NULL;
	struct error err;
	size_t i;
	int length;

	for (i = 0; i < PROFILE; i++) {
		sk_X509_EXTENSION_push(list, openssl_extension(profile[i].name, profile[i].value));
		openssl_value(profile[i].name, profile[i].value, &value);
		assert_done(extensions_add(extensions, profile[i].oid, profile[i].critical,
				    value.data, value.length, &err),
			&err);
	}
	length = i2d_X509_EXTENSIONS(list, &bytes);
	assert_true(length > 0);
	assert_true(buffer_append(openssl, bytes, (size_t)length));
	OPENSSL_free(bytes);
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	buffer_free(&value);
}

static void lists_as_openssl(void **state)
{
	struct buffer ours = BUFFER_INIT(BUFFER_MAX), theirs = BUFFER_INIT(BUFFER_MAX);
	struct extensions extensions = {0}, read = {0};
	const struct extension *extension;
	struct error err;
	size_t i;

	(void)state;
	fill(&extensions, &theirs);
	assert_done(extensions_encode(&extensions, &ours, &err), &err);
	assert_bytes(&ours, theirs.data, theirs.length);
	assert_done(extensions_decode(theirs.data, theirs.length, &read, &err), &err);
	assert_int_equal(read.count, PROFILE);
	for (i = 0; i < PROFILE; i++) {
		extension = extensions_find(&read, profile[i].oid);
		assert_ptr_equal(extension, &read.list[i]);
		assert_int_equal(extension->critical, profile[i].critical);
		assert_int_equal(extension->length, extensions.list[i].length);
		assert_memory_equal(extension->value, extensions.list[i].value, extension->length);
	}
	assert_null(extensions_find(&read, OID_SUBJECT_ALT_NAME));
	extensions_clear(&read);
	extensions_clear(&extensions);
	buffer_free(&ours);
	buffer_free(&theirs);
}

static void refuses_wrong_lists(void **state)
{
	static const uint8_t twice[] = {0x30, 0x18, 0x30, 0x0a, 0x06, 0x03, 0x55, 0x1d, 0x0f, 0x04,
		0x03, 0x03, 0x01, 0x00, 0x30, 0x0a, 0x06, 0x03, 0x55, 0x1d, 0x0f, 0x04, 0x03, 0x03,
		0x01, 0x00};
	static const uint8_t written_default[] = {0x30, 0x0f, 0x30, 0x0d, 0x06, 0x03, 0x55, 0x1d,
		0x0f, 0x01, 0x01, 0x00, 0x04, 0x03, 0x03, 0x01, 0x00};
	struct extensions extensions = {0};
	struct error err;
	char oid[32];
	int i;

	(void)state;
	assert_refused(extensions_decode(twice, sizeof(twice), &extensions, &err), &err,
		"extensions: the extension keyUsage is there twice");
	assert_int_equal(err.code, ERROR_FAILED);
	assert_refused(
		extensions_decode(written_default, sizeof(written_default), &extensions, &err),
		&err, "keyUsage: the default is written out");
	assert_refused(extensions_decode((const uint8_t *)"\x30\x00", 2, &extensions, &err), &err,
		"extensions: empty");
	assert_int_equal(extensions.count, 0);
	assert_done(extensions_add(&extensions, "2.5.29.15", true, twice, 3, &err), &err);
	assert_refused(extensions_add(&extensions, "2.5.29.15", true, twice, 3, &err), &err,
		"the extension keyUsage is there twice");
	assert_int_equal(err.code, ERROR_USAGE);
	assert_refused(extensions_add(&extensions, "2.5", true, NULL, (size_t)2 << 20, &err), &err,
		"too large");
	for (i = 1; i < EXTENSIONS_MAX; i++) {
		snprintf(oid, sizeof(oid), "1.2.3.%d", i);
		assert_done(extensions_add(&extensions, oid, false, twice, 1, &err), &err);
	}
	assert_refused(extensions_add(&extensions, "1.2.4", false, twice, 1, &err), &err,
		"more than 32 extensions");
	extensions_clear(&extensions);
}

/* What is taken is written again in the same bytes; the typed readers get every value. */
static void try_mutant(const uint8_t *data, size_t length, void *context)
{
	struct buffer again = BUFFER_INIT(BUFFER_MAX), text = BUFFER_INIT(BUFFER_MAX);
	struct extensions extensions = {0};
	struct issuer_sign_tool tool;
	enum identification_kind kind;
	const struct extension *one;
	unsigned *taken = context, usage;
	time_t before, after;
	char oids[8][64];
	struct error err;
	size_t count, i;

	if (!extensions_decode(data, length, &extensions, &err))
		goto out;
	++*taken;
	assert_done(extensions_encode(&extensions, &again, &err), &err);
	assert_bytes(&again, data, length);
	for (i = 0; i < extensions.count; i++) {
		one = &extensions.list[i];
		key_usage_decode(one->value, one->length, &usage, NULL);
		oid_list_decode(one->value, one->length, oids, 8, &count, NULL);
		policies_decode(one->value, one->length, oids, 8, &count, NULL);
		sign_tool_decode(one->value, one->length, &text, NULL);
		identification_kind_decode(one->value, one->length, &kind, NULL);
		key_period_decode(one->value, one->length, &before, &after, NULL);
		issuer_sign_tool_decode(one->value, one->length, &tool, NULL);
	}
out:
	extensions_clear(&extensions);
	buffer_free(&again);
	buffer_free(&text);
}

static void mutants(void **state)
{
	struct buffer der = BUFFER_INIT(BUFFER_MAX);
	struct extensions extensions = {0};
	unsigned taken = 0;

	(void)state;
	fill(&extensions, &der);
	test_mutate(&der, 5000, try_mutant, &taken);
	assert_in_range(taken, 100, 4900);
	extensions_clear(&extensions);
	buffer_free(&der);
}

static void try_values(const uint8_t *data, size_t length, void *context)
{
	struct buffer text = BUFFER_INIT(BUFFER_MAX), again = BUFFER_INIT(BUFFER_MAX);
	struct issuer_sign_tool tool;
	time_t before, after;
	struct error err;

	(void)context;
	if (issuer_sign_tool_decode(data, length, &tool, &err)) {
		assert_done(issuer_sign_tool_encode(&tool, &again, &err), &err);
		assert_bytes(&again, data, length);
	}
	buffer_reset(&again);
	if (key_period_decode(data, length, &before, &after, &err)) {
		assert_done(key_period_encode(before, after, &again, &err), &err);
		assert_bytes(&again, data, length);
	}
	sign_tool_decode(data, length, &text, &err);
	buffer_free(&text);
	buffer_free(&again);
}

static void mutants_of_values(void **state)
{
	struct buffer der = BUFFER_INIT(BUFFER_MAX);

	(void)state;
	openssl_value("1.2.643.100.112", "ASN1:SEQUENCE:tools", &der);
	test_mutate(&der, 3000, try_values, NULL);
	openssl_value("2.5.29.16", "ASN1:SEQUENCE:period", &der);
	test_mutate(&der, 3000, try_values, NULL);
	buffer_free(&der);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(key_usage),
		cmocka_unit_test(oid_lists),
		cmocka_unit_test(policies),
		cmocka_unit_test(sign_tools),
		cmocka_unit_test(identification_kinds),
		cmocka_unit_test(key_periods),
		cmocka_unit_test(lists_as_openssl),
		cmocka_unit_test(refuses_wrong_lists),
		cmocka_unit_test(mutants),
		cmocka_unit_test(mutants_of_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
