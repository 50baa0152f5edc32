#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
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
	struct profile individual, organisation;
	struct extensions extensions = {0};
	enum identification_kind kind;
	struct name subject = {0};
	struct error err = {0};
	const struct extension *extension;

	(void)state;
	assert_true(profile_find("individual", &individual, &err));
	assert_true(profile_find("organisation-head", &organisation, &err));
	assert_true(profile_check(&organisation, &person, &problems));
	assert_true(profile_request(
		&individual, &person, IDENTIFICATION_BIOMETRIC, &subject, &extensions, &err));
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
		&organisation, &person, IDENTIFICATION_IN_PERSON, &subject, &extensions, &err));
	assert_string_equal(name_get(&subject, "2.5.4.3"), "ООО «Ромашка»");
	assert_string_equal(name_get(&subject, "1.2.643.100.4"), "7707083893");
	assert_string_equal(name_get(&subject, "1.2.643.100.1"), "1027700132195");
	assert_null(name_get(&subject, "1.2.643.100.5"));
	name_clear(&subject);
	extensions_clear(&extensions);
	person_clear(&person);
	buffer_free(&problems);
}

/* The shipped ones, all of them, and what each is for. */
static void test_shipped(void **state)
{
	static const char *const wanted[] = {
		"email", "individual", "organisation-head", "sole-trader", "tls-client"};
	size_t count = 0;
	char **names = profile_names(&count);

	(void)state;
	assert_int_equal(count, 5);
	for (size_t i = 0; i < 5; i++) {
		struct person person = volkova();
		struct extensions extensions = {0};
		struct name subject = {0};
		struct profile profile;
		struct error err = {0};

		assert_string_equal(names[i], wanted[i]);
		if (strcmp(names[i], "sole-trader") == 0)
			assert_true(person_set(&person, PERSON_OGRN, "304500116000157"));
		assert_true(profile_find(names[i], &profile, &err));
		assert_int_equal(err.code, ERROR_NONE);
		assert_string_equal(profile.name, wanted[i]);
		assert_true(profile.summary[0] != '\0' && profile.russian[0] != '\0');
		assert_true(profile_takes(&profile, IDENTIFICATION_SIGNATURE, "ec:P-256", &err));
		assert_true(profile_takes(&profile, IDENTIFICATION_SIGNATURE, "ed25519", &err));
		assert_false(profile_takes(&profile, IDENTIFICATION_SIGNATURE, "ecc", &err));
		assert_false(profile_takes(&profile, IDENTIFICATION_PASSPORT, NULL, &err));
		assert_true(profile_request(
			&profile, &person, IDENTIFICATION_IN_PERSON, &subject, &extensions, &err));
		assert_int_equal(extensions_find(&extensions, OID_SUBJECT_ALT_NAME) != NULL,
			strcmp(names[i], "email") == 0);
		assert_int_equal(extensions_find(&extensions, OID_IDENTIFICATION_KIND) == NULL,
			strcmp(names[i], "email") == 0 || strcmp(names[i], "tls-client") == 0);
		name_clear(&subject);
		extensions_clear(&extensions);
		person_clear(&person);
	}
	profile_names_free(names, count);
}

static void test_rules(void **state)
{
	struct person person = volkova();
	struct buffer problems = BUFFER_INIT(4096);
	struct profile profile;
	enum identification_kind kind;
	struct error err = {0};

	(void)state;
	assert_true(profile_find("sole-trader", &profile, &err));
	assert_false(profile_check(&profile, &person, &problems));
	assert_non_null(strstr(buffer_text(&problems), "ogrn: "));
	assert_non_null(strstr(buffer_text(&problems), "15 digits"));
	assert_true(profile_forbids(&profile, "2.5.4.10"));
	assert_false(profile_forbids(&profile, "1.2.643.100.5"));
	assert_false(profile_forbids(&profile, "1.2.3.4"));
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

#define HEAD  "[profile]\nidentification = in-person\nkeys = ec\n"
#define WHOLE HEAD "[subject]\nCN = full-name\n"

static char home[] = "/tmp/podpis-profile-XXXXXX";

/* Puts a profile of the person's own there; NULL removes it. */
static void own(const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/podpis/profiles/%s.ini", home, name);
	if (text == NULL) {
		assert_int_equal(unlink(path), 0);
		return;
	}
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void test_own(void **state)
{
	static const char text[] =
		"[profile]\nsummary = ours\nidentification = in-person\nkeys = rsa:3072 gost\n"
		"[fields]\ntitle = required longest:10\nphone = forbidden\n"
		"[subject]\n1.2.3.4 = department\nGN = given-and-patronymic\nO = forbidden\n"
		"[request]\npolicies = KC1 KC2 1.2.3.5\npurposes = 1.2.3.6\nkey-months = 15\n";
	struct person person = volkova();
	struct buffer problems = BUFFER_INIT(4096);
	struct extensions extensions = {0};
	const struct extension *extension;
	struct name subject = {0};
	struct profile profile;
	struct error err = {0};
	char oids[4][64];
	size_t count = 0;
	time_t begin, end;

	(void)state;
	own("ours", text);
	assert_true(profile_find("ours", &profile, &err));
	assert_true(profile_takes(&profile, IDENTIFICATION_IN_PERSON, "rsa:3072", &err));
	assert_false(profile_takes(&profile, IDENTIFICATION_IN_PERSON, "rsa:2048", &err));
	assert_non_null(strstr(err.message, "rsa:3072, gost"));
	assert_true(profile_takes(&profile, IDENTIFICATION_IN_PERSON, "gost:512-A", &err));
	assert_true(person_set(&person, PERSON_DEPARTMENT, "Бухгалтерия"));
	assert_true(profile_check(&profile, &person, &problems));
	assert_true(person_set(&person, PERSON_TITLE, "Исполняющий обязанности"));
	assert_true(person_set(&person, PERSON_PHONE, "+79001234567"));
	assert_false(profile_check(&profile, &person, &problems));
	assert_string_equal(buffer_text(&problems),
		"title: the profile ours wants 10 characters at most\n"
		"phone: the profile ours is without it");
	assert_true(profile_request(
		&profile, &person, IDENTIFICATION_IN_PERSON, &subject, &extensions, &err));
	assert_int_equal(subject.count, 2);
	assert_string_equal(name_get(&subject, "1.2.3.4"), "Бухгалтерия");
	assert_int_equal(extensions.count, 3);
	extension = extensions_find(&extensions, OID_CERTIFICATE_POLICIES);
	assert_true(policies_decode(extension->value, extension->length, oids, 4, &count, &err));
	assert_int_equal(count, 3);
	assert_string_equal(oids[1], "1.2.643.100.113.2");
	extension = extensions_find(&extensions, OID_PRIVATE_KEY_USAGE_PERIOD);
	assert_true(key_period_decode(extension->value, extension->length, &begin, &end, &err));
	assert_in_range(end - begin, 455 * 86400L, 460 * 86400L);
	name_clear(&subject);
	extensions_clear(&extensions);
	buffer_free(&problems);
	person_clear(&person);
	own("ours", NULL);

	/* The person's own comes before the shipped one, and hides it when it is broken. */
	own("individual", "[profile]\n");
	assert_false(profile_find("individual", &profile, &err));
	assert_non_null(strstr(err.message, "individual.ini: the subject has no attribute"));
	own("individual", WHOLE);
	assert_true(profile_find("individual", &profile, &err));
	assert_int_equal(profile.attribute_count, 1);
	own("individual", NULL);
}

static void test_broken(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"summary = x\n", ".ini:1: summary stands before any section"},
		{"[other]\n", ".ini:1: there is no section [other]"},
		{WHOLE "[profile]\nkeys = rsa\n", ".ini:7: keys is there twice"},
		{"[profile]\nkeys = dsa\n", ".ini:2: there is no kind of key dsa"},
		{"[profile]\nkeys = e\n", ".ini:2: there is no kind of key e;"},
		{"[profile]\nkeys =\n", ".ini:2: keys is empty"},
		{"[profile]\ncolour = red\n", ".ini:2: [profile] has no key colour"},
		{"[profile]\nidentification = in-person passport\n",
			".ini:2: there is no identification passport"},
		{"[profile]\nkeys = ec ec ec ec ec ec ec ec ec ec ec ec ec ec ec ec ec\n",
			".ini:2: more than 16 words"},
		{"[fields]\nshoe-size = required\n", ".ini:2: a person has no field shoe-size"},
		{"[fields]\ninn = needed\n", ".ini:2: needed is not required, optional"},
		{"[fields]\ninn = digits:\n", ".ini:2: digits: is not required"},
		{"[fields]\ninn = digits:0\n", ".ini:2: digits:0 is not required"},
		{"[fields]\ninn = digits:99999999999999999999\n", ".ini:2: digits:99"},
		{"[fields]\ninn = required forbidden\n", ".ini:2: inn can't be both"},
		{"[fields]\ninn = required\ninn = optional\n", ".ini:3: inn is there twice"},
		{"[subject]\nCN = nickname\n", ".ini:2: nickname is not a field"},
		{"[subject]\nCN =\n", ".ini:2:  is not a field"},
		{"[subject]\nnick = surname\n", ".ini:2: nick is neither a known attribute"},
		{"[subject]\n1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18.19.20.21.22.23.24.25.26 "
		 "= surname\n",
			"is neither a known attribute"},
		{"[subject]\nCN = surname\n2.5.4.3 = surname\n", ".ini:3: 2.5.4.3 is there twice"},
		{"[request]\nkey-usage = keyCertSign\n", ".ini:2: keyCertSign is not a key usage"},
		{"[request]\npurposes = clientAuth 1.3.6.1.5.5.7.3.2\n", "is there twice"},
		{"[request]\npolicies = KC9\n", ".ini:2: KC9 is neither known here"},
		{"[request]\nemail-name = perhaps\n", ".ini:2: email-name has to be yes or no"},
		{"[request]\nkey-months = -1\n", ".ini:2: key-months has to be 1 to 240"},
		{"[request]\nsign-tool = \n", ".ini:2: sign-tool has to be"},
		{"\x1b[31m\n", "control character"},
		{"", "the subject has no attribute"},
		{"[subject]\nO = forbidden\n", "the subject has no attribute"},
		{"[subject]\nCN = surname\n", "[profile] has no identification"},
		{"[profile]\nidentification = signature\n[subject]\nCN = surname\n",
			"[profile] has no keys"},
	};
	struct profile profile = {.name = "as it was"};
	struct buffer large = BUFFER_INIT(1 << 20);
	struct error err = {0};
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		own("broken", cases[i].text);
		assert_false(profile_find("broken", &profile, &err));
		assert_int_equal(err.code, ERROR_USAGE);
		if (strstr(err.message, cases[i].says) == NULL)
			fail_msg("%zu: \"%s\" does not say \"%s\"", i, err.message, cases[i].says);
	}
	buffer_append_text(&large, WHOLE);
	for (int i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "1.2.3.%d = surname\n", i);
		buffer_append_text(&large, text);
	}
	own("broken", buffer_text(&large));
	assert_false(profile_find("broken", &profile, &err));
	assert_non_null(strstr(err.message, "more than 64 attributes"));
	assert_string_equal(profile.name, "as it was");
	own("broken", NULL);
	buffer_free(&large);
}

/* A name never leads out of the folders. */
static void test_names(void **state)
{
	static const char *const names[] = {"", ".", "../individual", "/etc/passwd", "Individual",
		"individual.ini", "a/b", "individual\n", "имя",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
	struct profile profile;
	struct error err = {0};

	(void)state;
	own("../outside", WHOLE);
	assert_false(profile_find("../outside", &profile, &err));
	own("../outside", NULL);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_false(profile_find(names[i], &profile, &err));
		assert_non_null(strstr(err.message, "there is no profile"));
	}
}

static int make_home(void **state)
{
	char path[128];

	(void)state;
	if (mkdtemp(home) == NULL || setenv("XDG_CONFIG_HOME", home, 1) != 0)
		return -1;
	snprintf(path, sizeof(path), "%s/podpis", home);
	if (mkdir(path, 0700) != 0)
		return -1;
	snprintf(path, sizeof(path), "%s/podpis/profiles", home);
	return mkdir(path, 0700);
}

static int remove_home(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", home);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_subjects),
		cmocka_unit_test(test_shipped),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, make_home, remove_home);
}
