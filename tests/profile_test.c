#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "provision/profile.h"

static struct person volkova(void)
{
	static const struct {
		enum person_field field;
		const char *value;
	} values[] = {
		{PERSON_SURNAME, "Волкова"},
		{PERSON_GIVEN_NAME, "Анна"},
		{PERSON_PATRONYMIC, "Петровна"},
		{PERSON_INN, "500100732259"},
		{PERSON_SNILS, "11223344595"},
		{PERSON_COUNTRY, "RU"},
		{PERSON_REGION, "77"},
		{PERSON_LOCALITY, "Москва"},
		{PERSON_EMAIL, "volkova@example.ru"},
		{PERSON_ORGANISATION, "ООО «Ромашка»"},
		{PERSON_TITLE, "Директор"},
		{PERSON_OGRN, "1027700132195"},
		{PERSON_INN_LE, "7707083893"},
	};
	struct person person = {0};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		assert_true(person_set(&person, values[i].field, values[i].value));
	return person;
}

static void test_subjects(void **state)
{
	struct person person = volkova();
	struct buffer problems = BUFFER_INIT(4096);
	const struct profile *individual, *organisation;
	struct extensions extensions = {0};
	enum identification_kind kind;
	struct name subject = {0};
	struct error err = {0};
	const struct extension *extension;

	(void)state;
	assert_true(profile_find("individual", &individual, &err));
	assert_true(profile_find("organisation", &organisation, &err));
	assert_true(profile_check(organisation, &person, &problems));
	assert_true(profile_request(
		individual, &person, IDENTIFICATION_BIOMETRIC, &subject, &extensions, &err));
	assert_string_equal(name_get(&subject, "2.5.4.3"), "Волкова Анна Петровна");
	assert_string_equal(name_get(&subject, "2.5.4.42"), "Анна Петровна");
	assert_string_equal(name_get(&subject, "2.5.4.8"), "77 Москва");
	assert_null(name_get(&subject, "2.5.4.10"));
	assert_null(name_get(&subject, "1.2.643.100.4"));
	extension = extensions_find(&extensions, OID_IDENTIFICATION_KIND);
	assert_non_null(extension);
	assert_true(identification_kind_decode(extension->value, extension->length, &kind, &err));
	assert_int_equal(kind, IDENTIFICATION_BIOMETRIC);
	name_clear(&subject);
	extensions_clear(&extensions);
	assert_true(profile_request(
		organisation, &person, IDENTIFICATION_IN_PERSON, &subject, &extensions, &err));
	assert_string_equal(name_get(&subject, "2.5.4.3"), "ООО «Ромашка»");
	assert_string_equal(name_get(&subject, "1.2.643.100.4"), "7707083893");
	assert_string_equal(name_get(&subject, "1.2.643.100.1"), "1027700132195");
	assert_null(name_get(&subject, "1.2.643.100.5"));
	name_clear(&subject);
	extensions_clear(&extensions);
	person_clear(&person);
	buffer_free(&problems);
}

static void test_rules(void **state)
{
	struct person person = volkova();
	struct buffer problems = BUFFER_INIT(4096);
	const struct profile *profile;
	enum identification_kind kind;
	struct error err = {0};

	(void)state;
	assert_true(profile_find("entrepreneur", &profile, &err));
	assert_false(profile_check(profile, &person, &problems));
	assert_non_null(strstr(buffer_text(&problems), "ogrn: "));
	assert_true(profile_forbids(profile, "2.5.4.10"));
	assert_false(profile_forbids(profile, "1.2.643.100.5"));
	assert_false(profile_forbids(profile, "1.2.3.4"));
	assert_string_equal(profile_attribute_name("2.5.4.4"), "surname");
	assert_string_equal(profile_attribute_name("2.5.4.3"), "CN");
	assert_string_equal(profile_attribute_name("1.2.3.4"), "1.2.3.4");
	assert_false(profile_find("anybody", &profile, &err));
	assert_int_equal(err.code, ERROR_USAGE);
	assert_non_null(strstr(err.message, "individual"));
	assert_true(profile_identification("signature", &kind, &err));
	assert_int_equal(kind, IDENTIFICATION_SIGNATURE);
	assert_false(profile_identification("passport", &kind, &err));
	person_clear(&person);
	buffer_free(&problems);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_subjects),
		cmocka_unit_test(test_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
