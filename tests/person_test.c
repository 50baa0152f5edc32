#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "provision/checksum.h"
#include "provision/person.h"

static void test_checksums(void **state)
{
	(void)state;
	assert_true(checksum_inn10("7707083893"));
	assert_false(checksum_inn10("7707083894"));
	assert_false(checksum_inn10("770708389"));
	assert_true(checksum_inn12("500100732259"));
	assert_false(checksum_inn12("500100732269"));
	assert_false(checksum_inn12("500100732258"));
	assert_true(checksum_ogrn("1027700132195"));
	assert_false(checksum_ogrn("1027700132194"));
	assert_true(checksum_ogrnip("304500116000157"));
	assert_false(checksum_ogrnip("304500116000158"));
	assert_true(checksum_snils("11223344595"));
	assert_false(checksum_snils("11223344596"));
	assert_true(checksum_snils("00100199800"));
	assert_false(checksum_snils("0010019990"));
	/* Sum 100 and 101 both give 00. */
	assert_true(checksum_snils("08765430300"));
}

struct check {
	enum person_field field;
	const char *value, *kept; /* kept NULL: refused */
};

static const struct check checks[] = {
	{PERSON_SURNAME, "  Иванов ", "Иванов"},
	{PERSON_SURNAME, "Мамин-Сибиряк", "Мамин-Сибиряк"},
	{PERSON_SURNAME, "Салтыков  Щедрин", "Салтыков Щедрин"},
	{PERSON_SURNAME, "Иванов-", NULL},
	{PERSON_SURNAME, "-Иванов", NULL},
	{PERSON_SURNAME, "Ива--нов", NULL},
	{PERSON_SURNAME, "Иванoв", NULL}, /* a Latin o */
	{PERSON_SURNAME, "Иванов1", NULL},
	{PERSON_SURNAME, "\xd0", NULL},
	{PERSON_SURNAME, "\xc0\xaf", NULL},
	{PERSON_SURNAME, "Иванов\x1b[31m", NULL},
	{PERSON_GIVEN_NAME, "D'Artagnan", "D'Artagnan"},
	{PERSON_BIRTH_DATE, "1985-02-28", "1985-02-28"},
	{PERSON_BIRTH_DATE, "28.02.1985", "1985-02-28"},
	{PERSON_BIRTH_DATE, "1985-02-29", NULL},
	{PERSON_BIRTH_DATE, "1984-02-29", "1984-02-29"},
	{PERSON_BIRTH_DATE, "2999-01-01", NULL},
	{PERSON_BIRTH_DATE, "1985-2-28", NULL},
	{PERSON_INN, "5001 0073 2259", "500100732259"},
	{PERSON_INN, "500100732258", NULL},
	{PERSON_INN, "7707083893", NULL},
	{PERSON_INN_LE, "7707083893", "7707083893"},
	{PERSON_SNILS, "112-233-445 95", "11223344595"},
	{PERSON_SNILS, "112-233-445 96", NULL},
	{PERSON_OGRN, "1027700132195", "1027700132195"},
	{PERSON_OGRN, "304500116000157", "304500116000157"},
	{PERSON_OGRN, "10277001321950", NULL},
	{PERSON_COUNTRY, "RU", "RU"},
	{PERSON_COUNTRY, "ru", NULL},
	{PERSON_REGION, "77", "77 Москва"},
	{PERSON_REGION, "77 г. Москва", "77 г. Москва"},
	{PERSON_REGION, "00 Нигде", NULL},
	{PERSON_REGION, "Москва", NULL},
	{PERSON_REGION, "777 Москва", NULL},
	{PERSON_EMAIL, "ivanov@example.ru", "ivanov@example.ru"},
	{PERSON_EMAIL, "ivanov@example", NULL},
	{PERSON_EMAIL, "ivanov.example.ru", NULL},
	{PERSON_EMAIL, "a@b@example.ru", NULL},
	{PERSON_EMAIL, "a..b@example.ru", NULL},
	{PERSON_EMAIL, "иванов@example.ru", NULL},
	{PERSON_PHONE, "8 (900) 123-45-67", "+79001234567"},
	{PERSON_PHONE, "+7 900 123 45 67", "+79001234567"},
	{PERSON_PHONE, "+375291234567", "+375291234567"},
	{PERSON_PHONE, "+7900123456", NULL},
	{PERSON_PHONE, "12345", NULL},
	{PERSON_LOCALITY, "", NULL},
};

static void test_fields(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		char *value = strdup(checks[i].value);
		const char *rule = person_check_field(checks[i].field, &value);

		if ((rule == NULL) != (checks[i].kept != NULL))
			fail_msg("%s: %s", checks[i].value, rule != NULL ? rule : "was taken");
		if (rule == NULL)
			assert_string_equal(value, checks[i].kept);
		free(value);
	}
}

static void test_all_problems(void **state)
{
	struct buffer problems = BUFFER_INIT(4096);
	struct person person = {0};

	(void)state;
	assert_true(person_set(&person, PERSON_INN, "500100732258"));
	assert_true(person_set(&person, PERSON_EMAIL, "nobody"));
	assert_true(person_set(&person, PERSON_SURNAME, "Иванов"));
	assert_false(person_check(&person, 1U << PERSON_SURNAME | 1U << PERSON_SNILS, &problems));
	assert_non_null(strstr(buffer_text(&problems), "inn: "));
	assert_non_null(strstr(buffer_text(&problems), "email: "));
	assert_non_null(strstr(buffer_text(&problems), "snils: "));
	assert_null(strstr(buffer_text(&problems), "surname: "));
	person_clear(&person);
	buffer_free(&problems);
}

static bool read_text(const char *text, struct person *person, struct error *err)
{
	char path[] = "/tmp/podpis-person-XXXXXX";
	int fd = mkstemp(path);
	bool done;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	done = person_read(person, path, err);
	unlink(path);
	return done;
}

static void test_file(void **state)
{
	struct person person = {0};
	struct error err = {0};
	char *name;

	(void)state;
	assert_true(read_text("# who\nsurname = Иванов\ngiven-name = Иван\npatronymic = Иванович\n",
		&person, &err));
	name = person_full_name(&person);
	assert_string_equal(name, "Иванов Иван Иванович");
	free(name);
	assert_false(read_text("surename = Иванов\n", &person, &err));
	assert_int_equal(err.code, ERROR_USAGE);
	assert_non_null(strstr(err.message, "surename"));
	assert_false(read_text("inn = 1\ninn = 2\n", &person, &err));
	assert_false(read_text("[person]\ninn = 1\n", &person, &err));
	assert_false(person_read(&person, "/nonexistent/person.ini", &err));
	assert_int_equal(err.code, ERROR_USAGE);
	person_clear(&person);
}

static void test_json(void **state)
{
	struct person person = {0}, back = {0};
	struct error err = {0};
	json_t *object;

	(void)state;
	assert_true(person_set(&person, PERSON_SURNAME, "Иванов"));
	assert_true(person_set(&person, PERSON_INN_LE, "7707083893"));
	object = person_json(&person);
	assert_int_equal(json_object_size(object), 2);
	assert_true(person_from_json(&back, object, &err));
	assert_string_equal(back.values[PERSON_INN_LE], "7707083893");
	json_object_set_new(object, "inn", json_integer(5));
	assert_false(person_from_json(&back, object, &err));
	json_decref(object);
	person_clear(&person);
	person_clear(&back);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_checksums),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_all_problems),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
