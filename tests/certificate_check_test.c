#include "tests/asn1_support.h"

#include <time.h>

#include "provision/certificate_check.h"
#include "provision/profile.h"

/* A root, an issuing authority under it, and what is issued: each made as the test wants it. */
struct world {
	struct test_key root_key, issuing_key, own, other;
	X509 *root, *issuing;
	struct application application;
	struct profile profile;
	struct buffer request;
	struct buffer subject; /* dictated, where the key is the authority's to make */
	time_t now;
};

/* How the certificate differs from what it should be. */
struct mischief {
	bool other_key, by_stranger, authority, no_usage, wrong_kind, wrong_name, added_name,
		wrong_profile, second_name, second_name_first, same_name_twice;
	long starts, ends; /* seconds from now; 0: as usual */
	const char *key_period_end;
};

static void set_names(X509 *x509, const char *subject, X509 *issuer)
{
	X509_NAME *name = X509_NAME_new();

	assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
				 (const unsigned char *)subject, -1, -1, 0),
		1);
	assert_int_equal(X509_set_subject_name(x509, name), 1);
	assert_int_equal(
		X509_set_issuer_name(x509, issuer != NULL ? X509_get_subject_name(issuer) : name),
		1);
	X509_NAME_free(name);
}

static void add_extension(X509 *x509, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert_non_null(extension);
	assert_int_equal(X509_add_ext(x509, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

static X509 *begin(time_t now, long starts, long ends, EVP_PKEY *key)
{
	static long serial = 1;
	X509 *x509 = X509_new();

	assert_int_equal(X509_set_version(x509, X509_VERSION_3), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x509), serial++), 1);
	assert_non_null(X509_time_adj_ex(X509_getm_notBefore(x509), 0, starts, &now));
	assert_non_null(X509_time_adj_ex(X509_getm_notAfter(x509), 0, ends, &now));
	assert_int_equal(X509_set_pubkey(x509, key), 1);
	return x509;
}

static X509 *authority(struct world *world, const char *name, struct test_key *key, X509 *issuer,
	struct test_key *issuer_key)
{
	X509 *x509 = begin(world->now, -3600, 86400 * 400, key->key);

	set_names(x509, name, issuer);
	add_extension(x509, NID_basic_constraints, "critical,CA:TRUE");
	add_extension(x509, NID_key_usage, "critical,keyCertSign,cRLSign");
	assert_true(X509_sign(x509, issuer_key->key, EVP_sha256()) > 0);
	return x509;
}

static void add_raw(X509 *x509, const char *oid, const struct buffer *value)
{
	ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
	ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
	X509_EXTENSION *extension;

	assert_int_equal(ASN1_OCTET_STRING_set(octets, value->data, (int)value->length), 1);
	extension = X509_EXTENSION_create_by_OBJ(NULL, object, 0, octets);
	assert_int_equal(X509_add_ext(x509, extension, -1), 1);
	X509_EXTENSION_free(extension);
	ASN1_OCTET_STRING_free(octets);
	ASN1_OBJECT_free(object);
}

/* The subject as the profile makes it, then spoilt. */
static void set_subject(struct world *world, X509 *x509, const struct mischief *mischief)
{
	struct person person = {0};
	struct extensions extensions = {0};
	struct buffer der = BUFFER_INIT(BUFFER_MAX);
	struct name subject = {0};
	const unsigned char *at;
	X509_NAME *name;

	for (size_t i = 0; i < PERSON_FIELD_COUNT; i++)
		person_set(&person, (enum person_field)i, world->application.person.values[i]);
	if (mischief->wrong_name)
		person_set(&person, PERSON_SURNAME, "Петров");
	assert_true(profile_request(
		&world->profile, &person, IDENTIFICATION_IN_PERSON, &subject, &extensions, NULL));
	if (mischief->added_name)
		assert_true(name_add(&subject, "2.5.4.5", "77", NULL));
	if (mischief->second_name_first) {
		/* Whoever looks at the first value only sees the right one in one order or the other. */
		struct name other = {0};

		assert_true(name_add(&other, "2.5.4.4", "Петров", NULL));
		for (size_t i = 0; i < subject.count; i++)
			assert_true(name_add(&other, subject.attributes[i].oid,
				subject.attributes[i].value, NULL));
		name_clear(&subject);
		subject = other;
	}
	if (mischief->second_name)
		assert_true(name_add(&subject, "2.5.4.4", "Петров", NULL));
	if (mischief->same_name_twice)
		assert_true(name_add(&subject, "2.5.4.4", "Иванов", NULL));
	if (mischief->wrong_profile)
		assert_true(name_add(&subject, "2.5.4.10", "ООО «Чужая»", NULL));
	assert_true(name_encode(&subject, &der, NULL));
	at = der.data;
	name = d2i_X509_NAME(NULL, &at, (long)der.length);
	assert_int_equal(X509_set_subject_name(x509, name), 1);
	X509_NAME_free(name);
	buffer_free(&der);
	name_clear(&subject);
	extensions_clear(&extensions);
	person_clear(&person);
}

static void to_certificate(X509 *x509, struct certificate *out)
{
	unsigned char *der = NULL;
	int length = i2d_X509(x509, &der);
	struct error err = {0};

	if (!certificate_decode(der, (size_t)length, out, &err))
		fail_msg("%s", err.message);
	OPENSSL_free(der);
}

static struct certificate issue(struct world *world, const struct mischief *mischief)
{
	struct test_key *key = mischief->other_key ? &world->other : &world->own;
	struct test_key *by = mischief->by_stranger ? &world->other : &world->issuing_key;
	X509 *x509 = begin(world->now, mischief->starts != 0 ? mischief->starts : -60,
		mischief->ends != 0 ? mischief->ends : 86400, key->key);
	struct buffer kind = BUFFER_INIT(64), period = BUFFER_INIT(64);
	struct certificate out = {0};

	set_subject(world, x509, mischief);
	assert_int_equal(X509_set_issuer_name(x509, X509_get_subject_name(world->issuing)), 1);
	if (mischief->authority)
		add_extension(x509, NID_basic_constraints, "critical,CA:TRUE");
	add_extension(x509, NID_key_usage,
		mischief->no_usage ? "critical,keyAgreement"
				   : "critical,digitalSignature,nonRepudiation");
	assert_true(identification_kind_encode(
		mischief->wrong_kind ? IDENTIFICATION_BIOMETRIC : IDENTIFICATION_IN_PERSON, &kind,
		NULL));
	add_raw(x509, OID_IDENTIFICATION_KIND, &kind);
	if (mischief->key_period_end != NULL) {
		assert_true(key_period_encode(world->now - 7200, world->now - 3600, &period, NULL));
		add_raw(x509, OID_PRIVATE_KEY_USAGE_PERIOD, &period);
	}
	assert_true(X509_sign(x509, by->key, EVP_sha256()) > 0);
	to_certificate(x509, &out);
	X509_free(x509);
	buffer_free(&kind);
	buffer_free(&period);
	return out;
}

static int setup(void **state)
{
	static const struct {
		enum person_field field;
		const char *value;
	} values[] = {
		{PERSON_SURNAME, "Иванов"},
		{PERSON_GIVEN_NAME, "Иван"},
		{PERSON_INN, "500100732259"},
		{PERSON_SNILS, "11223344595"},
		{PERSON_COUNTRY, "RU"},
		{PERSON_REGION, "77 Москва"},
		{PERSON_EMAIL, "ivanov@example.ru"},
	};
	struct world *world = calloc(1, sizeof(*world));
	struct extensions extensions = {0};
	struct name subject = {0};

	world->now = time(NULL);
	world->root_key = test_key_new(SIGNATURE_ECDSA_SHA256);
	world->issuing_key = test_key_new(SIGNATURE_ECDSA_SHA256);
	world->own = test_key_new(SIGNATURE_ECDSA_SHA256);
	world->other = test_key_new(SIGNATURE_ECDSA_SHA256);
	world->own.signer.context = &world->own;
	world->root = authority(world, "Root", &world->root_key, NULL, &world->root_key);
	world->issuing =
		authority(world, "Issuing", &world->issuing_key, world->root, &world->root_key);
	world->application.profile = strdup("individual");
	world->application.identification = strdup("in-person");
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		person_set(&world->application.person, values[i].field, values[i].value);
	assert_true(profile_find("individual", &world->profile, NULL));
	assert_true(profile_request(&world->profile, &world->application.person,
		IDENTIFICATION_IN_PERSON, &subject, &extensions, NULL));
	world->request = BUFFER_INIT(BUFFER_MAX);
	assert_true(csr_create(&subject, world->own.spki, world->own.spki_length, &extensions,
		&world->own.signer, &world->request, NULL));
	name_clear(&subject);
	extensions_clear(&extensions);
	*state = world;
	return 0;
}

static void free_key(struct test_key *key)
{
	EVP_PKEY_free(key->key);
	OPENSSL_free(key->spki);
}

static int teardown(void **state)
{
	struct world *world = *state;

	free_key(&world->root_key);
	free_key(&world->issuing_key);
	free_key(&world->own);
	free_key(&world->other);
	X509_free(world->root);
	X509_free(world->issuing);
	application_clear(&world->application);
	buffer_free(&world->request);
	free(world);
	return 0;
}

static void check(struct world *world, const struct mischief *mischief, bool with_chain,
	struct certificate_findings *findings)
{
	struct certificate certificate = issue(world, mischief), root = {0}, issuing = {0};
	struct certificates anchors = {.count = 1, .list = &root};
	struct certificates others = {.count = with_chain ? 1 : 0, .list = &issuing};
	struct certificate_expectation expectation = {
		.application = &world->application,
		.request = world->request.data,
		.request_length = world->request.length,
		.subject = world->subject.data,
		.subject_length = world->subject.length,
		.anchors = &anchors,
		.others = &others,
		.now = world->now,
	};
	struct error err = {0};

	to_certificate(world->root, &root);
	to_certificate(world->issuing, &issuing);
	if (!certificate_check(&certificate, &expectation, findings, &err))
		fail_msg("%s", err.message);
	certificate_clear(&certificate);
	certificate_clear(&root);
	certificate_clear(&issuing);
}

static void test_right(void **state)
{
	struct certificate_findings findings = {0};

	check(*state, &(struct mischief){0}, true, &findings);
	if (findings.count != 0)
		fail_msg("%s: %s", findings.list[0].field, findings.list[0].text);
}

/* What the authority dictated for a key of its own, with one name more than the application leads to. */
static void dictate(struct world *world)
{
	struct extensions extensions = {0};
	struct name subject = {0};

	assert_true(profile_request(&world->profile, &world->application.person,
		IDENTIFICATION_IN_PERSON, &subject, &extensions, NULL));
	assert_true(name_add(&subject, "2.5.4.5", "77", NULL));
	world->subject = BUFFER_INIT(BUFFER_MAX);
	assert_true(name_encode(&subject, &world->subject, NULL));
	name_clear(&subject);
	extensions_clear(&extensions);
}

/* There it counts as a request's name does: nothing less, and nothing more. */
static void test_dictated(void **state)
{
	struct certificate_findings findings = {0};
	struct world *world = *state;
	struct buffer request = world->request;

	world->request = (struct buffer){0};
	world->application.cloud_key = strdup("ec:P-256");
	dictate(world);
	check(world, &(struct mischief){.added_name = true}, true, &findings);
	assert_int_equal(findings.count, 0);
	check(world, &(struct mischief){0}, true, &findings);
	assert_int_equal(findings.count, 1);
	assert_non_null(strstr(findings.list[0].text, "missing"));
	assert_true(findings.list[0].may_accept);
	check(world, &(struct mischief){.added_name = true, .second_name = true}, true, &findings);
	assert_int_equal(findings.count, 1);
	assert_non_null(strstr(findings.list[0].text, "not requested"));
	buffer_free(&world->subject);
	free(world->application.cloud_key);
	world->application.cloud_key = NULL;
	world->request = request;
}

/* Without a request it is the kind of key that counts, and the application. */
static void test_cloud(void **state)
{
	struct certificate_findings findings = {0};
	struct world *world = *state;
	struct buffer request = world->request;

	world->request = (struct buffer){0};
	world->application.cloud_key = strdup("ec:P-256");
	check(world, &(struct mischief){0}, true, &findings);
	assert_int_equal(findings.count, 0);
	check(world, &(struct mischief){.wrong_name = true}, true, &findings);
	assert_true(findings.count > 0);
	for (size_t i = 0; i < findings.count; i++)
		assert_true(findings.list[i].may_accept);
	free(world->application.cloud_key);
	world->application.cloud_key = strdup("rsa:2048");
	check(world, &(struct mischief){0}, true, &findings);
	assert_int_equal(findings.count, 1);
	assert_string_equal(findings.list[0].field, "key");
	assert_false(findings.list[0].may_accept);
	free(world->application.cloud_key);
	world->application.cloud_key = NULL;
	world->request = request;
}

static void test_wrong(void **state)
{
	static const struct {
		struct mischief mischief;
		const char *field;
		bool may_accept;
	} wrongs[] = {
		{{.other_key = true}, "key", false},
		{{.by_stranger = true}, "chain", false},
		{{.authority = true}, "profile", false},
		{{.no_usage = true}, "key-usage", false},
		{{.wrong_kind = true}, "identification", true},
		{{.wrong_name = true}, "surname", true},
		{{.added_name = true}, "serialNumber", true},
		{{.wrong_profile = true}, "organisation", true},
		{{.second_name = true}, "surname", true},
		{{.second_name_first = true}, "surname", true},
		{{.same_name_twice = true}, "surname", true},
		{{.starts = 86400, .ends = 2 * 86400}, "dates", false},
		{{.starts = -7200, .ends = -3600}, "dates", false},
		{{.key_period_end = "past"}, "dates", false},
	};

	for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		struct certificate_findings findings = {0};
		bool found = false;

		check(*state, &wrongs[i].mischief, true, &findings);
		for (size_t j = 0; j < findings.count; j++) {
			if (strcmp(findings.list[j].field, wrongs[i].field) != 0)
				continue;
			found = true;
			assert_int_equal(findings.list[j].may_accept, wrongs[i].may_accept);
		}
		if (!found)
			fail_msg("%s was not found", wrongs[i].field);
	}
}

/* A clock that is a few minutes behind the authority's does not matter. */
static void test_skew(void **state)
{
	struct certificate_findings findings = {0};

	check(*state, &(struct mischief){.starts = 120}, true, &findings);
	assert_int_equal(findings.count, 0);
}

static void test_no_chain(void **state)
{
	struct certificate_findings findings = {0};

	check(*state, &(struct mischief){0}, false, &findings);
	assert_int_equal(findings.count, 1);
	assert_string_equal(findings.list[0].field, "chain");
}

static void test_path(void **state)
{
	struct world *world = *state;
	struct certificate leaf = issue(world, &(struct mischief){0}), root = {0};
	struct certificate list[2] = {{0}, {0}};
	struct certificates anchors = {.count = 1, .list = &root};
	struct certificates others = {.count = 2, .list = list};
	size_t path[4], count = 9;

	to_certificate(world->root, &root);
	to_certificate(
		world->root, &list[0]); /* the anchor came along, it is not part of the path */
	to_certificate(world->issuing, &list[1]);
	assert_true(certificate_check_chain(
		&leaf, &anchors, &others, world->now, path, 4, &count, NULL));
	assert_int_equal(count, 1);
	assert_int_equal(path[0], 1);
	assert_int_equal(
		certificate_check_own(&others, world->own.spki, world->own.spki_length), -1);
	assert_int_equal(certificate_check_own(
				 &others, world->issuing_key.spki, world->issuing_key.spki_length),
		1);
	certificate_clear(&leaf);
	certificate_clear(&root);
	certificate_clear(&list[0]);
	certificate_clear(&list[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_right),
		cmocka_unit_test(test_cloud),
		cmocka_unit_test(test_dictated),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_skew),
		cmocka_unit_test(test_no_chain),
		cmocka_unit_test(test_path),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
