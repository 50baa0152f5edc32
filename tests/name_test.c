#include "tests/asn1_support.h"

#include "asn1/der.h"
#include "asn1/name.h"

#define OID_CN    "2.5.4.3"
#define OID_C     "2.5.4.6"
#define OID_O     "2.5.4.10"
#define OID_EMAIL "1.2.840.113549.1.9.1"
#define OID_SNILS "1.2.643.100.3"
#define OID_INN   "1.2.643.3.131.1.1"

/* A person of an organisation, with every attribute of the profile. */
static const struct {
	const char *oid, *value;
	int type; /* OpenSSL's */
} person[] = {
	{OID_CN, "Ёлкина-Щукина Анна «Ивановна»", V_ASN1_UTF8STRING},
	{"2.5.4.4", "Ёлкина-Щукина", V_ASN1_UTF8STRING},
	{"2.5.4.42", "Анна Ивановна", V_ASN1_UTF8STRING},
	{OID_C, "RU", V_ASN1_PRINTABLESTRING},
	{"2.5.4.8", "77 г. Москва", V_ASN1_UTF8STRING},
	{"2.5.4.7", "г. Москва", V_ASN1_UTF8STRING},
	{"2.5.4.9", "ул. Ленина, д. 1", V_ASN1_UTF8STRING},
	{OID_O, "ООО \"Ромашка\"", V_ASN1_UTF8STRING},
	{"2.5.4.11", "Отдел 1", V_ASN1_UTF8STRING},
	{"2.5.4.12", "Директор", V_ASN1_UTF8STRING},
	{OID_EMAIL, "a.b+c@example.ru", V_ASN1_IA5STRING},
	{"2.5.4.5", "INN=7707083893/1", V_ASN1_PRINTABLESTRING},
	{"1.2.643.100.1", "1027700132195", V_ASN1_NUMERICSTRING},
	{OID_SNILS, "11223344595", V_ASN1_NUMERICSTRING},
	{"1.2.643.100.4", "7707083893", V_ASN1_NUMERICSTRING},
	{"1.2.643.100.5", "304500116000157", V_ASN1_NUMERICSTRING},
	{OID_INN, "500100732259", V_ASN1_NUMERICSTRING},
	{"1.2.3.4.5", "чужое", V_ASN1_UTF8STRING},
};

#define PERSON (sizeof(person) / sizeof(person[0]))

static void openssl_add(
	X509_NAME *name, const char *oid, int type, const void *value, int length, int set)
{
	ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
	/* By hand: OpenSSL's table has no INNLE, and would refuse long names. */
	X509_NAME_ENTRY *entry = X509_NAME_ENTRY_create_by_OBJ(
		NULL, object, type, (const unsigned char *)value, length);

	assert_non_null(entry);
	assert_int_equal(X509_NAME_add_entry(name, entry, -1, set), 1);
	X509_NAME_ENTRY_free(entry);
	ASN1_OBJECT_free(object);
}

static void openssl_encode(X509_NAME *name, struct buffer *der)
{
	uint8_t *bytes = NULL;
	int length = i2d_X509_NAME(name, &bytes);

	assert_true(length > 0);
	buffer_reset(der);
	assert_true(buffer_append(der, bytes, (size_t)length));
	OPENSSL_free(bytes);
}

static void same_as_openssl(void **state)
{
	struct buffer ours = BUFFER_INIT(BUFFER_MAX), theirs = BUFFER_INIT(BUFFER_MAX);
	X509_NAME *openssl = X509_NAME_new();
	struct name name = {0}, read = {0};
	struct error err;
	size_t i;

	(void)state;
	for (i = 0; i < PERSON; i++) {
		openssl_add(openssl, person[i].oid, person[i].type, person[i].value, -1, 0);
		assert_done(name_add(&name, person[i].oid, person[i].value, &err), &err);
	}
	openssl_encode(openssl, &theirs);
	assert_done(name_encode(&name, &ours, &err), &err);
	assert_bytes(&ours, theirs.data, theirs.length);
	assert_done(name_decode(theirs.data, theirs.length, &read, &err), &err);
	assert_int_equal(read.count, PERSON);
	for (i = 0; i < PERSON; i++) {
		assert_string_equal(read.attributes[i].oid, person[i].oid);
		assert_string_equal(read.attributes[i].value, person[i].value);
		assert_false(read.attributes[i].joined);
		assert_string_equal(name_get(&read, person[i].oid), person[i].value);
	}
	assert_null(name_get(&read, "2.5.4.17"));
	name_clear(&name);
	name_clear(&read);
	X509_NAME_free(openssl);
	buffer_free(&ours);
	buffer_free(&theirs);
}

/* What OpenSSL itself chooses for the attributes that it knows. */
static void same_string_types_as_openssl(void **state)
{
	struct buffer ours = BUFFER_INIT(BUFFER_MAX), theirs = BUFFER_INIT(BUFFER_MAX);
	/* INNLE, OGRNIP */
	static const char *const unknown[] = {"1.2.643.100.4", "1.2.643.100.5", "1.2.3.4.5"};
	X509_NAME *openssl = X509_NAME_new();
	struct name name = {0};
	struct error err;
	size_t i, j;

	(void)state;
	for (i = 0; i < PERSON; i++) {
		for (j = 0; j < 3 && strcmp(person[i].oid, unknown[j]) != 0; j++)
			continue;
		if (j < 3)
			continue;
		assert_int_equal(X509_NAME_add_entry_by_txt(openssl, person[i].oid, MBSTRING_UTF8,
					 (const unsigned char *)person[i].value, -1, -1, 0),
			1);
		assert_done(name_add(&name, person[i].oid, person[i].value, &err), &err);
	}
	openssl_encode(openssl, &theirs);
	assert_done(name_encode(&name, &ours, &err), &err);
	assert_bytes(&ours, theirs.data, theirs.length);
	name_clear(&name);
	X509_NAME_free(openssl);
	buffer_free(&ours);
	buffer_free(&theirs);
}

static void keeps_joined_attributes(void **state)
{
	struct buffer ours = BUFFER_INIT(BUFFER_MAX), theirs = BUFFER_INIT(BUFFER_MAX),
		      text = BUFFER_INIT(BUFFER_MAX);
	X509_NAME *openssl = X509_NAME_new();
	struct name read = {0};
	struct error err;

	(void)state;
	openssl_add(openssl, OID_C, V_ASN1_PRINTABLESTRING, "RU", -1, 0);
	openssl_add(openssl, OID_CN, V_ASN1_UTF8STRING, "Иван", -1, 0);
	openssl_add(openssl, OID_SNILS, V_ASN1_NUMERICSTRING, "11223344595", -1, -1);
	openssl_add(openssl, OID_O, V_ASN1_UTF8STRING, "О", -1, 0);
	openssl_encode(openssl, &theirs);
	assert_done(name_decode(theirs.data, theirs.length, &read, &err), &err);
	assert_int_equal(read.count, 4);
	assert_false(read.attributes[1].joined);
	assert_true(read.attributes[2].joined);
	assert_false(read.attributes[3].joined);
	assert_done(name_encode(&read, &ours, &err), &err);
	assert_bytes(&ours, theirs.data, theirs.length);
	assert_true(name_print(&read, &text));
	assert_string_equal(buffer_text(&text), "O=О, CN=Иван+SNILS=11223344595, C=RU");
	name_clear(&read);
	X509_NAME_free(openssl);
	buffer_free(&ours);
	buffer_free(&theirs);
	buffer_free(&text);
}

static void reads_every_string_type(void **state)
{
	static const struct {
		int type;
		const char *bytes;
		int length;
		const char *value; /* NULL: refused */
	} rows[] = {
		{V_ASN1_T61STRING, "caf\xe9", 4, "café"},
		{V_ASN1_BMPSTRING, "\x04\x18\x00\x41", 4, "ИA"},
		{V_ASN1_UNIVERSALSTRING, "\x00\x00\x04\x18\x00\x01\xf5\x11", 8, "И🔑"},
		{V_ASN1_VISIBLESTRING, "a b", 3, "a b"},
		{V_ASN1_IA5STRING, "a@b", 3, "a@b"},
		{V_ASN1_PRINTABLESTRING, "a_b*", 4, "a_b*"},
		{V_ASN1_NUMERICSTRING, "1 2", 3, "1 2"},
		{V_ASN1_UTF8STRING, "tab\there", 8, "tab\there"},
		{V_ASN1_UTF8STRING, "", 0, ""},
		{V_ASN1_UTF8STRING, "a\0b", 3, NULL},
		{V_ASN1_UTF8STRING, "\xc0\x80", 2, NULL},
		{V_ASN1_UTF8STRING, "\xed\xa0\x80", 3, NULL},
		{V_ASN1_UTF8STRING, "\xf4\x90\x80\x80", 4, NULL},
		{V_ASN1_UTF8STRING, "\xd0", 1, NULL},
		{V_ASN1_BMPSTRING, "\x04", 1, NULL},
		{V_ASN1_BMPSTRING, "\xd8\x00\xdc\x00", 4, NULL},
		{V_ASN1_UNIVERSALSTRING, "\x00\x11\x00\x00", 4, NULL},
		{V_ASN1_IA5STRING, "\xe9", 1, NULL},
		{V_ASN1_PRINTABLESTRING, "\xe9", 1, NULL},
		{V_ASN1_NUMERICSTRING, "1a", 2, NULL},
		{V_ASN1_OCTET_STRING, "abc", 3, NULL},
	};
	struct buffer der = BUFFER_INIT(BUFFER_MAX);
	struct name name = {0};
	struct error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buffer value = BUFFER_INIT(BUFFER_MAX), inner = BUFFER_INIT(BUFFER_MAX);

		/* By hand, because OpenSSL refuses some of them. */
		assert_done(der_encode_primitive((unsigned)rows[i].type, rows[i].bytes,
				    (size_t)rows[i].length, &value, &err),
			&err);
		buffer_printf(&inner, "%c%c%c%c%c%c%c%c%c", 0x31, (int)value.length + 7, 0x30,
			(int)value.length + 5, 0x06, 0x03, 0x55, 0x04, 0x03);
		buffer_append(&inner, value.data, value.length);
		buffer_reset(&der);
		buffer_printf(&der, "%c%c", 0x30, (int)inner.length);
		buffer_append(&der, inner.data, inner.length);
		if (rows[i].value == NULL) {
			assert_refused(
				name_decode(der.data, der.length, &name, &err), &err, "name: CN: ");
			assert_int_equal(name.count, 0);
		} else {
			assert_done(name_decode(der.data, der.length, &name, &err), &err);
			assert_string_equal(name_get(&name, OID_CN), rows[i].value);
			name_clear(&name);
		}
		buffer_free(&value);
		buffer_free(&inner);
	}
	buffer_free(&der);
}

static void refuses_wrong_values(void **state)
{
	static const struct {
		const char *oid, *value, *words;
	} rows[] = {
		{OID_SNILS, "1122334459", "SNILS: 10 characters, must be 11"},
		{OID_SNILS, "112233445955", "SNILS: 12 characters, must be 11"},
		{OID_SNILS, "112-3344595", "SNILS: digits only"},
		{OID_SNILS, "1122334 595", "SNILS: digits only"},
		{OID_INN, "7707083893", "INN: 10 characters, must be 12"},
		{OID_INN, "007707083893", "INN: begins with 00"},
		{"1.2.643.100.4", "500100732259", "INNLE: 12 characters, must be 10"},
		{"1.2.643.100.1", "102770013219", "OGRN: 12 characters, must be 13"},
		{"1.2.643.100.5", "30450011600015", "OGRNIP: 14 characters, must be 15"},
		{OID_C, "RUS", "C: 3 characters, must be 2"},
		{OID_C, "РФ", "C: Latin letters"},
		{OID_EMAIL, "иван@example.ru", "emailAddress: ASCII only"},
		{OID_CN, "", "CN: 0 characters, must be 1 to 128"},
		{OID_CN, "a\nb", "CN: UTF-8 without control characters only"},
		{OID_CN, "\xd0", "CN: not UTF-8"},
		{"2.5.4.5", "a_b", "serialNumber: Latin letters"},
		{"1.2.x", "a", "\"1.2.x\" is not an object identifier"},
	};
	char longest[2 * 129 + 1];
	struct name name = {0};
	struct error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_refused(
			name_add(&name, rows[i].oid, rows[i].value, &err), &err, rows[i].words);
		assert_int_equal(err.code, ERROR_USAGE);
	}
	assert_int_equal(name.count, 0);
	/* Characters are counted, not bytes. */
	for (i = 0; i < 129; i++)
		memcpy(longest + 2 * i, "Ж", 2);
	longest[2 * 129] = '\0';
	assert_refused(name_add(&name, OID_O, longest, &err), &err, "O: 129 characters");
	longest[2 * 128] = '\0';
	assert_done(name_add(&name, OID_O, longest, &err), &err);
	while (name.count < NAME_ATTRIBUTES_MAX)
		assert_done(name_add(&name, OID_O, "x", &err), &err);
	assert_refused(name_add(&name, OID_O, "x", &err), &err, "a name has 64 attributes at most");
	name_clear(&name);
}

/* A legal person's INN from before 2021 is somebody else's matter: read, not written. */
static void reads_the_old_inn(void **state)
{
	struct buffer der = BUFFER_INIT(BUFFER_MAX), again = BUFFER_INIT(BUFFER_MAX);
	X509_NAME *openssl = X509_NAME_new();
	struct name read = {0};
	struct error err;

	(void)state;
	openssl_add(openssl, OID_INN, V_ASN1_NUMERICSTRING, "007707083893", -1, 0);
	openssl_encode(openssl, &der);
	assert_done(name_decode(der.data, der.length, &read, &err), &err);
	assert_string_equal(name_get(&read, OID_INN), "007707083893");
	assert_refused(name_encode(&read, &again, &err), &err, "name: INN: begins with 00");
	name_clear(&read);
	X509_NAME_free(openssl);
	buffer_free(&der);
	buffer_free(&again);
}

static void refuses_wrong_structures(void **state)
{
	static const struct {
		const char *bytes;
		size_t length;
		const char *words;
	} rows[] = {
		{"\x30\x02\x31\x00", 4, "?1: an empty RDN"},
		{"\x30\x16\x31\x14\x30\x08\x06\x03\x55\x04\x03\x0c\x01\x61\x30\x08\x06\x03\x55\x04"
		 "\x03\x0c\x01"
		 "\x62",
			24, "twice in one RDN"},
		{"\x31\x00", 2, "not RDNSequence"},
		{"\x30\x0b\x31\x09\x30\x07\x06\x03\x55\x04\x03\x80\x00", 13,
			"CN: not a character string"},
	};
	struct name name = {0};
	struct error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_refused(
			name_decode((const uint8_t *)rows[i].bytes, rows[i].length, &name, &err),
			&err, rows[i].words);
	/* An empty name is one: subjectAltName may hold it all. */
	assert_done(name_decode((const uint8_t *)"\x30\x00", 2, &name, &err), &err);
	assert_int_equal(name.count, 0);
}

static void prints_safely(void **state)
{
	struct buffer der = BUFFER_INIT(BUFFER_MAX), text = BUFFER_INIT(BUFFER_MAX);
	X509_NAME *openssl = X509_NAME_new();
	struct name read = {0};
	struct error err;

	(void)state;
	openssl_add(openssl, OID_O, V_ASN1_UTF8STRING, " #a, \"b\"+<c>;\\ ", -1, 0);
	openssl_add(openssl, OID_CN, V_ASN1_UTF8STRING,
		"\x1b[2J\xc2\x9b"
		"1mж\x7f",
		-1, 0);
	openssl_add(openssl, "1.2.3.4", V_ASN1_UTF8STRING, "#x", -1, 0);
	openssl_encode(openssl, &der);
	assert_done(name_decode(der.data, der.length, &read, &err), &err);
	assert_true(name_print(&read, &text));
	assert_string_equal(buffer_text(&text), "1.2.3.4=\\#x, CN=\\1B[2J\\C2\\9B1mж\\7F, "
						"O=\\ #a\\, \\\"b\\\"\\+\\<c\\>\\;\\\\\\ ");
	name_clear(&read);
	X509_NAME_free(openssl);
	buffer_free(&der);
	buffer_free(&text);
}

static void has_a_table(void **state)
{
	const struct name_type *type = name_type_by_key("INNLE");

	(void)state;
	assert_non_null(type);
	assert_string_equal(type->oid, "1.2.643.100.4");
	assert_int_equal(type->tag, 18);
	assert_int_equal(type->minimum, 10);
	assert_int_equal(type->maximum, 10);
	assert_ptr_equal(name_type_by_oid("1.2.643.100.4"), type);
	assert_null(name_type_by_key("innle"));
	assert_null(name_type_by_oid("1.2.3"));
}

/* What is taken is a name that has this one encoding. */
static void try_mutant(const uint8_t *data, size_t length, void *context)
{
	struct buffer again = BUFFER_INIT(BUFFER_MAX), text = BUFFER_INIT(BUFFER_MAX);
	struct name name = {0}, twice = {0};
	unsigned *taken = context;
	struct error err;

	if (name_decode(data, length, &name, &err)) {
		++*taken;
		assert_true(name_print(&name, &text));
		if (name_encode(&name, &again, &err)) {
			assert_done(name_decode(again.data, again.length, &twice, &err), &err);
			assert_int_equal(twice.count, name.count);
			name_clear(&twice);
		}
		name_clear(&name);
	}
	buffer_free(&again);
	buffer_free(&text);
}

static void mutants(void **state)
{
	struct buffer der = BUFFER_INIT(BUFFER_MAX);
	struct name name = {0};
	unsigned taken = 0;
	struct error err;
	size_t i;

	(void)state;
	for (i = 0; i < PERSON; i++)
		assert_done(name_add(&name, person[i].oid, person[i].value, &err), &err);
	assert_done(name_encode(&name, &der, &err), &err);
	test_mutate(&der, 6000, try_mutant, &taken);
	/* Some altered letters are letters still: the test saw both kinds. */
	assert_in_range(taken, 100, 5000);
	name_clear(&name);
	buffer_free(&der);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_as_openssl),
		cmocka_unit_test(same_string_types_as_openssl),
		cmocka_unit_test(keeps_joined_attributes),
		cmocka_unit_test(reads_every_string_type),
		cmocka_unit_test(refuses_wrong_values),
		cmocka_unit_test(reads_the_old_inn),
		cmocka_unit_test(refuses_wrong_structures),
		cmocka_unit_test(prints_safely),
		cmocka_unit_test(has_a_table),
		cmocka_unit_test(mutants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
