#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <openssl/rsa.h>

#include "tests/sandbox/check.h"
#include "tests/sandbox_support.h"

/* Real numbers of public bodies. */
static void checksums(void **state)
{
	(void)state;
	assert_true(check_inn("7707083893"));
	assert_true(check_inn("500100732259"));
	assert_false(check_inn("7707083894"));
	assert_false(check_inn("500100732258"));
	assert_false(check_inn("500100732269"));
	assert_false(check_inn("50010073225"));
	assert_false(check_inn("50010073225A"));
	assert_true(check_ogrn("1027700132195"));
	assert_true(check_ogrn("304500116000157"));
	assert_false(check_ogrn("1027700132196"));
	assert_false(check_ogrn("304500116000158"));
	assert_false(check_ogrn("10277001321950"));
	assert_true(check_snils("11223344595"));
	assert_false(check_snils("11223344596"));
	assert_false(check_snils("1122334459"));
	assert_true(check_snils("00100199800")); /* too old for a checksum */
}

static void fields(void **state)
{
	static const struct {
		const char *name, *right, *wrong[4];
	} cases[] = {
		{"surname", "Салтыков-Щедрин", {"Ива нов ", "Иванов1", "  ", NULL}},
		{"birth-date", "1990-02-28", {"1990-02-30", "28.02.1990", "1990-2-28", NULL}},
		{"inn", "770234561252", {"770234561253", "7707083893", "x", NULL}},
		{"snils", "12345678156", {"123-456-781 56", "12345678157", NULL}},
		{"inn-le", "7709988778", {"770234561252", "7709988779", NULL}},
		{"ogrn", "1027700998874", {"1027700998875", "1", NULL}},
		{"country", "RU", {"ru", "US", NULL}},
		{"region", "05 Республика Дагестан", {"Москва", "7 Москва", "00 Где-то", "77"}},
		{"email", "a.b@example.ru",
			{"a@b", "@example.ru", "a b@example.ru", "а@example.ru"}},
		{"phone", "+79161234502", {"89161234502", "+7 916 123-45-02", "+7916", NULL}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		json_t *found = json_array();
		json_t *person = json_pack("{s:s}", cases[i].name, cases[i].right);

		check_fields(person, found);
		assert_int_equal(json_array_size(found), 0);
		json_decref(person);
		for (size_t j = 0; j < 4 && cases[i].wrong[j] != NULL; j++) {
			person = json_pack("{s:s}", cases[i].name, cases[i].wrong[j]);
			json_array_clear(found);
			check_fields(person, found);
			assert_int_equal(json_array_size(found), 1);
			assert_string_equal(json_string_value(json_object_get(
						    json_array_get(found, 0), "name")),
				cases[i].name);
			json_decref(person);
		}
		json_decref(found);
	}
	json_t *found = json_array(), *person = json_pack("{s:s}", "inn2", "1");
	check_fields(person, found);
	assert_int_equal(json_array_size(found), 1);
	json_decref(person);
	json_decref(found);
}

/* ---- requests */

struct attempt {
	json_t *person, *fields;
	struct profile_template templ;
	struct buffer der;
	struct check_problem problem;
};

static void attempt_begin(struct attempt *attempt)
{
	*attempt = (struct attempt){
		.person = ivanov(), .fields = json_array(), .der = BUFFER_INIT(65536)};
	attempt->problem.fields = json_array();
	assert_true(profile_template_make(profile_by_name("individual"), attempt->person,
		"biometric", &attempt->templ, attempt->fields));
}

static void attempt_end(struct attempt *attempt)
{
	profile_template_clear(&attempt->templ);
	buffer_free(&attempt->der);
	json_decref(attempt->person);
	json_decref(attempt->fields);
	json_decref(attempt->problem.fields);
}

static bool taken(struct attempt *attempt)
{
	X509_REQ *request = NULL;
	uint8_t spki[CODEC_SHA256];
	bool ok = check_request(&attempt->der, &attempt->templ, &request, spki, &attempt->problem);

	assert_true(ok == (request != NULL));
	X509_REQ_free(request);
	return ok;
}

static void refused(struct attempt *attempt, const char *code)
{
	attempt->problem.code = NULL;
	assert_false(taken(attempt));
	assert_string_equal(attempt->problem.code, code);
}

static void requests_of_every_key(void **state)
{
	EVP_PKEY *keys[] = {EVP_RSA_gen(2048), EVP_EC_gen("P-256"), EVP_EC_gen("P-384"),
		EVP_EC_gen("P-521"), EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")};
	EVP_PKEY *weak[] = {EVP_RSA_gen(1024), EVP_EC_gen("P-224"), EVP_EC_gen("secp256k1")};
	struct attempt attempt;

	(void)state;
	attempt_begin(&attempt);
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		X509_REQ *request = make_request(&attempt.templ, keys[i]);

		request_der(request, &attempt.der);
		assert_true(taken(&attempt));
		/* Trailing bytes and a changed signature. */
		buffer_append(&attempt.der, "", 1);
		refused(&attempt, "invalid-request");
		request_der(request, &attempt.der);
		attempt.der.data[attempt.der.length - 1] ^= 1;
		refused(&attempt, "invalid-request");
		X509_REQ_free(request);
		EVP_PKEY_free(keys[i]);
	}
	for (size_t i = 0; i < sizeof weak / sizeof *weak; i++) {
		X509_REQ *request = make_request(&attempt.templ, weak[i]);

		request_der(request, &attempt.der);
		refused(&attempt, "weak-key");
		X509_REQ_free(request);
		EVP_PKEY_free(weak[i]);
	}
	attempt_end(&attempt);
}

static void a_request_says_what_was_dictated(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct attempt attempt, other;
	X509_REQ *request;

	(void)state;
	attempt_begin(&attempt);

	/* Another name: the field is named. */
	attempt_begin(&other);
	free(other.templ.subject[3].value);
	other.templ.subject[3].value = strdup("Петров Иван Иванович");
	request = make_request(&other.templ, key);
	request_der(request, &attempt.der);
	refused(&attempt, "invalid-request");
	assert_string_equal(json_string_value(json_object_get(
				    json_array_get(attempt.problem.fields, 0), "name")),
		"surname");
	X509_REQ_free(request);
	attempt_end(&other);

	/* The same in another string type. */
	attempt_begin(&other);
	for (unsigned i = 0; i < other.templ.subject_count; i++) {
		if (other.templ.subject[i].tag == V_ASN1_NUMERICSTRING)
			other.templ.subject[i].tag = V_ASN1_UTF8STRING;
	}
	request = make_request(&other.templ, key);
	request_der(request, &attempt.der);
	refused(&attempt, "invalid-request");
	X509_REQ_free(request);
	attempt_end(&other);

	/* An extension less, another value, another criticality. */
	attempt_begin(&other);
	unsigned count = other.templ.extension_count;
	other.templ.extension_count--;
	request = make_request(&other.templ, key);
	request_der(request, &attempt.der);
	refused(&attempt, "invalid-request");
	X509_REQ_free(request);
	other.templ.extension_count = count;
	other.templ.extensions[0].critical = true;
	request = make_request(&other.templ, key);
	request_der(request, &attempt.der);
	refused(&attempt, "invalid-request");
	X509_REQ_free(request);
	other.templ.extensions[0].critical = false;
	other.templ.extensions[0].der[2] ^= 1;
	request = make_request(&other.templ, key);
	request_der(request, &attempt.der);
	refused(&attempt, "invalid-request");
	X509_REQ_free(request);
	attempt_end(&other);

	/* One more. */
	other = attempt;
	struct profile_extension more = attempt.templ.extensions[0];
	more.oid = "1.2.3.4";
	other.templ.extensions[other.templ.extension_count++] = more;
	request = make_request(&other.templ, key);
	request_der(request, &attempt.der);
	refused(&attempt, "invalid-request");
	X509_REQ_free(request);

	EVP_PKEY_free(key);
	attempt_end(&attempt);
}

static void templates_want_what_they_need(void **state)
{
	static const char *const unwritable[][2] = {
		{"surname", NULL},
		{"inn", "77023456125"},
		{"inn", "77023456125X"},
		{"snils", "123456781560"},
		{"email", "иванов@example.ru"},
		{"region", "77 \n"},
		{"country", "R1"},
	};
	struct profile_template templ;

	(void)state;
	for (size_t i = 0; i < sizeof unwritable / sizeof *unwritable; i++) {
		json_t *person = ivanov(), *found = json_array();

		if (unwritable[i][1] == NULL)
			json_object_del(person, unwritable[i][0]);
		else
			json_object_set_new(
				person, unwritable[i][0], json_string(unwritable[i][1]));
		assert_false(profile_template_make(
			profile_by_name("individual"), person, "in-person", &templ, found));
		assert_string_equal(
			json_string_value(json_object_get(json_array_get(found, 0), "name")),
			unwritable[i][0]);
		json_decref(person);
		json_decref(found);
	}
	json_t *person = ivanov(), *found = json_array();
	assert_false(profile_template_make(
		profile_by_name("organisation-head"), person, "in-person", &templ, found));
	json_decref(person);
	json_decref(found);
	assert_null(profile_by_name("nobody"));
}

/* A legal person's head and a sole trader: what goes into their names, and in which string type. */
static void other_profiles(void **state)
{
	static const struct {
		const char *profile, *ogrn, *oid;
		const char *common_name;
	} cases[] = {
		{"organisation-head", "1027700998874", "1.2.643.100.1", "ООО «Ромашка»"},
		{"sole-trader", "320774600123457", "1.2.643.100.5", "Иванов Иван Иванович"},
	};
	EVP_PKEY *key = EVP_EC_gen("P-256");

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct attempt attempt;
		bool found = false;

		attempt_begin(&attempt);
		profile_template_clear(&attempt.templ);
		json_object_set_new(attempt.person, "ogrn", json_string(cases[i].ogrn));
		json_object_set_new(attempt.person, "inn-le", json_string("7709988778"));
		json_object_set_new(attempt.person, "organisation", json_string("ООО «Ромашка»"));
		json_object_set_new(attempt.person, "title", json_string("Директор"));
		check_fields(attempt.person, attempt.fields);
		assert_int_equal(json_array_size(attempt.fields), 0);
		assert_true(profile_template_make(profile_by_name(cases[i].profile), attempt.person,
			"in-person", &attempt.templ, attempt.fields));
		for (unsigned j = 0; j < attempt.templ.subject_count; j++) {
			const struct profile_attribute *attribute = &attempt.templ.subject[j];

			if (strcmp(attribute->oid, "2.5.4.3") == 0)
				assert_string_equal(attribute->value, cases[i].common_name);
			if (strcmp(attribute->oid, cases[i].oid) == 0) {
				assert_string_equal(attribute->value, cases[i].ogrn);
				assert_int_equal(attribute->tag, V_ASN1_NUMERICSTRING);
				found = true;
			}
		}
		assert_true(found);
		X509_REQ *request = make_request(&attempt.templ, key);
		request_der(request, &attempt.der);
		assert_true(taken(&attempt));
		X509_REQ_free(request);
		/* The other's number has another length. */
		json_object_set_new(attempt.person, "ogrn", json_string(cases[1 - i].ogrn));
		profile_template_clear(&attempt.templ);
		assert_false(profile_template_make(profile_by_name(cases[i].profile),
			attempt.person, "in-person", &attempt.templ, attempt.fields));
		attempt_end(&attempt);
	}
	EVP_PKEY_free(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checksums),
		cmocka_unit_test(fields),
		cmocka_unit_test(requests_of_every_key),
		cmocka_unit_test(a_request_says_what_was_dictated),
		cmocka_unit_test(other_profiles),
		cmocka_unit_test(templates_want_what_they_need),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
