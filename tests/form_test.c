#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "provision/form.h"

#define HASH "0101010101010101010101010101010101010101010101010101010101010101"

static const char good[] = "Бланк сертификата\n\n"
			   "surname (Фамилия): Иванов\n"
			   "given-name (Имя): Иван\r\n"
			   "inn (ИНН): 500100732259\n"
			   "profile (Профиль): individual\n"
			   "identification (Идентификация): in-person\n"
			   "key (Ключ): ec:P-256 sha256:" HASH "\n"
			   "issuer (Издатель): УЦ: испытательный\n"
			   "valid-for (Срок): 15 месяцев\n\n"
			   "С содержанием (выше): ознакомлен.\n";

static struct application applied(void)
{
	struct application application = {
		.profile = strdup("individual"), .identification = strdup("in-person")};

	assert_true(person_set(&application.person, PERSON_SURNAME, "Иванов"));
	assert_true(person_set(&application.person, PERSON_GIVEN_NAME, "Иван"));
	assert_true(person_set(&application.person, PERSON_INN, "500100732259"));
	return application;
}

static void compare_with(struct application application, const char *text, const uint8_t *hash,
	struct form_comparison *out)
{
	struct error err = {0};
	struct form form = {0};

	if (!form_parse((const uint8_t *)text, strlen(text), &form, &err))
		fail_msg("%s", err.message);
	assert_true(form_compare(&form, &application, hash, out));
	form_clear(&form);
	application_clear(&application);
}

static void compare(const char *text, const uint8_t *hash, struct form_comparison *out)
{
	compare_with(applied(), text, hash, out);
}

static enum form_verdict verdict(const struct form_comparison *comparison, const char *name)
{
	for (size_t i = 0; i < comparison->count; i++) {
		if (strcmp(comparison->rows[i].name, name) == 0)
			return comparison->rows[i].verdict;
	}
	fail_msg("no row %s", name);
	return FORM_SAME;
}

static void test_parse(void **state)
{
	struct error err = {0};
	struct form form = {0};

	(void)state;
	assert_true(form_parse((const uint8_t *)good, strlen(good), &form, &err));
	assert_int_equal(form.count, 8);
	assert_string_equal(form_get(&form, "surname"), "Иванов");
	assert_string_equal(form_get(&form, "given-name"), "Иван");
	assert_string_equal(form_get(&form, "issuer"), "УЦ: испытательный");
	assert_string_equal(form.lines[0].label, "Фамилия");
	assert_null(form_get(&form, "snils"));
	form_clear(&form);
}

static void test_not_a_form(void **state)
{
	static const struct {
		const char *text;
		size_t length;
	} bad[] = {
		{"", 0},
		{"Памятка\n", 15},
		{"surname (a): x\nsurname (a): y\n", 30},
		{"surname (a): \xff\n", 15},
		{"surname (a): x\x1b[2K\n", 19},
		{"surname (a): x\0y\n", 17},
	};
	struct error err = {0};
	struct form form = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(form_parse((const uint8_t *)bad[i].text, bad[i].length, &form, &err));
	assert_int_equal(form.count, 0);
}

static void test_same(void **state)
{
	struct form_comparison comparison = {0};
	uint8_t hash[32];

	(void)state;
	memset(hash, 1, sizeof(hash));
	compare(good, hash, &comparison);
	assert_int_equal(form_differences(&comparison), 0);
	assert_int_equal(verdict(&comparison, "key"), FORM_SAME);
	assert_int_equal(verdict(&comparison, "issuer"), FORM_INFORMS);
	form_comparison_clear(&comparison);
}

static void test_differences(void **state)
{
	static const char text[] = "surname (Фамилия): Петров\n"
				   "inn (ИНН): 500100732259\n"
				   "organisation (Организация): ООО «Чужая»\n"
				   "surprise (Неожиданность): да\n"
				   "profile (Профиль): individual\n"
				   "identification (Идентификация): biometric\n"
				   "key (Ключ): ec:P-256 sha256:" HASH "\n";
	struct form_comparison comparison = {0};
	uint8_t hash[32];

	(void)state;
	memset(hash, 2, sizeof(hash));
	compare(text, hash, &comparison);
	assert_int_equal(verdict(&comparison, "surname"), FORM_DIFFERS);
	assert_int_equal(verdict(&comparison, "given-name"), FORM_MISSING);
	assert_int_equal(verdict(&comparison, "organisation"), FORM_ADDED);
	assert_int_equal(verdict(&comparison, "surprise"), FORM_ADDED);
	assert_int_equal(verdict(&comparison, "identification"), FORM_DIFFERS);
	assert_int_equal(verdict(&comparison, "key"), FORM_DIFFERS);
	assert_int_equal(verdict(&comparison, "inn"), FORM_SAME);
	assert_int_equal(form_differences(&comparison), 6);
	comparison.rows[0].accepted = true;
	assert_int_equal(form_differences(&comparison), 5);
	form_comparison_clear(&comparison);
}

/* A key that the authority is to make has a kind, and no hash yet. */
static void test_cloud(void **state)
{
	static const struct {
		const char *line;
		enum form_verdict verdict;
	} lines[] = {
		{"key (Ключ): ec:P-256\n", FORM_SAME},
		{"key (Ключ): rsa:2048\n", FORM_DIFFERS},
		{"key (Ключ): ec:P-256 sha256:" HASH "\n", FORM_DIFFERS},
		{"inn (ИНН): 500100732259\n", FORM_MISSING},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct form_comparison comparison = {0};
		struct application application = applied();

		application.cloud_key = strdup("ec:P-256");
		compare_with(application, lines[i].line, NULL, &comparison);
		assert_int_equal(verdict(&comparison, "key"), lines[i].verdict);
		form_comparison_clear(&comparison);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_not_a_form),
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_differences),
		cmocka_unit_test(test_cloud),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
