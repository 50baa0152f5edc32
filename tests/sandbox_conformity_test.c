/* One thing is changed in a right request at a time: it is told by its field, and why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/sandbox/conformity.h"
#include "tests/sandbox_support.h"

struct bench_request {
	json_t *person, *fields;
	struct profile_template wanted, asked;
	EVP_PKEY *key;
};

static void template_make(struct bench_request *b, struct profile_template *templ)
{
	assert_true(profile_template_make(
		profile_by_name("organisation-head"), b->person, "biometric", templ, b->fields));
}

static int setup(void **state)
{
	static struct bench_request b;
	const char *const more[][2] = {{"ogrn", "1027700132195"}, {"inn-le", "7707083893"},
		{"organisation", "ООО «Ромашка»"}, {"title", "Директор"}};

	b = (struct bench_request){
		.person = ivanov(), .fields = json_array(), .key = EVP_EC_gen("P-256")};
	for (size_t i = 0; i < sizeof more / sizeof *more; i++)
		json_object_set_new(b.person, more[i][0], json_string(more[i][1]));
	template_make(&b, &b.wanted);
	template_make(&b, &b.asked);
	*state = &b;
	return 0;
}

static int teardown(void **state)
{
	struct bench_request *b = *state;

	profile_template_clear(&b->wanted);
	profile_template_clear(&b->asked);
	json_decref(b->person);
	json_decref(b->fields);
	EVP_PKEY_free(b->key);
	return 0;
}

/* Of the changed template. What is told must be this one field, with this in its reason; NULL: nothing is. */
static void told(struct bench_request *b, const char *name, const char *reason)
{
	X509_REQ *request = make_request(&b->asked, b->key);
	json_t *fields = json_array();
	bool subject = conformity_subject(request, &b->wanted, fields);
	bool extensions = conformity_extensions(request, &b->wanted, fields);

	assert_int_equal(json_array_size(fields), name != NULL ? 1 : 0);
	assert_true((subject && extensions) == (name == NULL));
	if (name != NULL) {
		const json_t *field = json_array_get(fields, 0);

		assert_string_equal(json_string_value(json_object_get(field, "name")), name);
		assert_non_null(
			strstr(json_string_value(json_object_get(field, "reason")), reason));
	}
	json_decref(fields);
	X509_REQ_free(request);
	/* As before, for the next change. */
	profile_template_clear(&b->asked);
	template_make(b, &b->asked);
}

static struct profile_attribute *attribute(struct bench_request *b, const char *oid)
{
	for (unsigned i = 0; i < b->asked.subject_count; i++) {
		if (strcmp(b->asked.subject[i].oid, oid) == 0)
			return &b->asked.subject[i];
	}
	fail_msg("no %s", oid);
	return NULL;
}

static struct profile_extension *extension(struct bench_request *b, const char *oid)
{
	for (unsigned i = 0; i < b->asked.extension_count; i++) {
		if (strcmp(b->asked.extensions[i].oid, oid) == 0)
			return &b->asked.extensions[i];
	}
	fail_msg("no %s", oid);
	return NULL;
}

static void nothing_is_wrong(void **state)
{
	told(*state, NULL, NULL);
}

static void types_and_lengths_of_numbers(void **state)
{
	static const struct {
		const char *oid, *field, *shorter, *digits;
	} numbers[] = {
		{"1.2.643.100.1", "ogrn", "102770013219", "12 цифр, нужно 13"},
		{"1.2.643.100.3", "snils", "1234567815", "10 цифр, нужно 11"},
		{"1.2.643.100.4", "inn-le", "770708389", "9 цифр, нужно 10"},
		{"1.2.643.3.131.1.1", "inn", "77023456125", "11 цифр, нужно 12"},
	};
	static const int wrong[] = {
		V_ASN1_UTF8STRING, V_ASN1_PRINTABLESTRING, V_ASN1_IA5STRING, V_ASN1_T61STRING};
	struct bench_request *b = *state;

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		for (size_t j = 0; j < sizeof wrong / sizeof *wrong; j++) {
			attribute(b, numbers[i].oid)->tag = wrong[j];
			told(b, numbers[i].field, "нужно NumericString");
		}
		free(attribute(b, numbers[i].oid)->value);
		attribute(b, numbers[i].oid)->value = strdup(numbers[i].shorter);
		told(b, numbers[i].field, numbers[i].digits);
		/* As long, another number. */
		attribute(b, numbers[i].oid)->value[3] ^= 1;
		told(b, numbers[i].field, "не то значение");
	}
}

static void other_attributes(void **state)
{
	struct bench_request *b = *state;
	struct profile_attribute moved;

	attribute(b, "2.5.4.6")->tag = V_ASN1_UTF8STRING;
	told(b, "country", "UTF8String, нужно PrintableString");
	attribute(b, "2.5.4.10")->tag = V_ASN1_T61STRING;
	told(b, "organisation", "TeletexString, нужно UTF8String");
	free(attribute(b, "2.5.4.12")->value);
	attribute(b, "2.5.4.12")->value = strdup("Царь");
	told(b, "title", "не то значение");
	/* Missing, twice, of another kind of certificate, in another order. */
	free(b->asked.subject[--b->asked.subject_count].value);
	told(b, "inn-le", "нет в запросе");
	b->asked.subject[b->asked.subject_count] = *attribute(b, "1.2.643.100.3");
	b->asked.subject[b->asked.subject_count++].value = strdup("12345678156");
	told(b, "snils", "не один раз");
	b->asked.subject[b->asked.subject_count++] = (struct profile_attribute){
		"1.2.643.100.5", V_ASN1_NUMERICSTRING, "ogrn", strdup("304500116000157")};
	told(b, "1.2.643.100.5", "не вносится");
	moved = b->asked.subject[0];
	b->asked.subject[0] = b->asked.subject[1];
	b->asked.subject[1] = moved;
	told(b, "subject", "порядок");
}

static void extensions(void **state)
{
	static const struct {
		const char *oid, *name, *wanted;
	} cases[] = {
		{"1.2.643.100.111", "subjectSignTool", "UTF8String"},
		{"1.2.643.100.114", "identificationKind", "INTEGER"},
		{"2.5.29.15", "keyUsage", "nonRepudiation"},
		{"2.5.29.37", "extKeyUsage", "clientAuth"},
		{"2.5.29.32", "certificatePolicies", "КС1"},
	};
	struct bench_request *b = *state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct profile_extension *e = extension(b, cases[i].oid);

		e->critical = !e->critical;
		told(b, cases[i].name, "критичным");
		/* The last byte is always the value's own. */
		e = extension(b, cases[i].oid);
		e->der[e->length - 1] ^= 0x02;
		told(b, cases[i].name, cases[i].wanted);
		e = extension(b, cases[i].oid);
		OPENSSL_free(e->der);
		*e = b->asked.extensions[--b->asked.extension_count];
		told(b, cases[i].name, "нет в запросе");
	}
	/* A key's period is the authority's to say. */
	b->asked.extensions[b->asked.extension_count++] =
		(struct profile_extension){"2.5.29.16", false, OPENSSL_memdup("\x30\x00", 2), 2};
	told(b, "privateKeyUsagePeriod", "удостоверяющим центром");
	b->asked.extensions[b->asked.extension_count++] = (struct profile_extension){
		"2.5.29.19", true, OPENSSL_memdup("\x30\x03\x01\x01\xff", 5), 5};
	told(b, "2.5.29.19", "не нужно");
	struct profile_extension again = *extension(b, "2.5.29.15");
	again.der = OPENSSL_memdup(again.der, again.length);
	b->asked.extensions[b->asked.extension_count++] = again;
	told(b, "keyUsage", "не один раз");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_is_wrong, setup, teardown),
		cmocka_unit_test_setup_teardown(types_and_lengths_of_numbers, setup, teardown),
		cmocka_unit_test_setup_teardown(other_attributes, setup, teardown),
		cmocka_unit_test_setup_teardown(extensions, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
