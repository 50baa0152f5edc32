/*
 * What check.c and signature.c say of GOST keys of every parameter set: of most curves GnuTLS knows nothing, so a wrong
 * signature has to be seen by the project's own code.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "asn1/cms.h"
#include "asn1/csr.h"
#include "asn1/spki.h"
#include "module/gost/streebog.h"
#include "tests/gost_support.h"
#include "tests/sandbox/check.h"
#include "tests/sandbox/signature.h"
#include "tests/sandbox_support.h"

#define DER_LIMIT 65536

static const char content[] = "Договор № 1\n";

struct person {
	const struct gost_set *set;
	struct gost_group *group;
	struct gost_test_key key;
	struct buffer spki, request;
	struct signer signer;
	X509_REQ *x509_request;
};

static bool person_sign(void *context, const uint8_t *data, size_t length, struct buffer *signature,
	struct error *err)
{
	struct person *person = context;
	uint8_t digest[GOST_BYTES_MAX], bytes[2 * GOST_BYTES_MAX];
	struct streebog streebog;

	streebog_init(&streebog, person->set->curve->bytes);
	streebog_update(&streebog, data, length);
	streebog_final(&streebog, digest);
	gost_test_sign(&person->key, digest, bytes);
	return signature_from_pkcs11(
		person->signer.algorithm, bytes, 2 * person->set->curve->bytes, signature, err);
}

static void person_make(
	struct person *person, const struct gost_set *set, const struct profile_template *templ)
{
	X509_NAME *x509_name = profile_template_name(templ);
	struct extensions extensions = {0};
	struct name name = {0};
	uint8_t *der = NULL;
	struct error err;

	*person = (struct person){.set = set,
		.group = gost_group_new(set->curve),
		.spki = BUFFER_INIT(DER_LIMIT),
		.request = BUFFER_INIT(DER_LIMIT)};
	gost_test_key_make(&person->key, person->group);
	person->signer = (struct signer){
		.algorithm = set->curve->bytes == 32 ? SIGNATURE_GOST_256 : SIGNATURE_GOST_512,
		.context = person,
		.sign = person_sign};
	assert_true(spki_encode_gost(set->oid, set->oid_length, person->key.public_key,
		2 * set->curve->bytes, &person->spki, &err));
	int length = i2d_X509_NAME(x509_name, &der);
	assert_true(length > 0 && name_decode(der, (size_t)length, &name, &err));
	for (unsigned i = 0; i < templ->extension_count; i++)
		assert_true(extensions_add(&extensions, templ->extensions[i].oid,
			templ->extensions[i].critical, templ->extensions[i].der,
			templ->extensions[i].length, &err));
	assert_true(csr_create(&name, person->spki.data, person->spki.length, &extensions,
		&person->signer, &person->request, &err));
	const uint8_t *p = person->request.data;
	person->x509_request = d2i_X509_REQ(NULL, &p, (long)person->request.length);
	assert_non_null(person->x509_request);
	name_clear(&name);
	extensions_clear(&extensions);
	OPENSSL_free(der);
	X509_NAME_free(x509_name);
}

static void person_free(struct person *person)
{
	X509_REQ_free(person->x509_request);
	buffer_free(&person->spki);
	buffer_free(&person->request);
	gost_group_free(person->group);
}

struct story {
	struct bench bench;
	struct profile_template templ;
	json_t *person, *fields;
};

static int setup(void **state)
{
	static struct story story;

	*state = &story;
	story.person = ivanov();
	story.fields = json_array();
	return bench_make(&story.bench, 0) &&
			       profile_template_make(profile_by_name("individual"), story.person,
				       "biometric", &story.templ, story.fields)
		       ? 0
		       : -1;
}

static int teardown(void **state)
{
	struct story *story = *state;

	profile_template_clear(&story->templ);
	json_decref(story->person);
	json_decref(story->fields);
	bench_close(&story->bench);
	bench_remove(&story->bench);
	return 0;
}

static void with_every_set(
	struct story *story, void (*check)(struct story *story, struct person *person))
{
	const struct gost_set *set;

	for (size_t i = 0; (set = gost_set_at(i)) != NULL; i++) {
		struct person person;

		person_make(&person, set, &story->templ);
		check(story, &person);
		person_free(&person);
	}
}

/* ---- requests */

static bool taken(struct story *story, const struct buffer *der, const char *code)
{
	struct check_problem problem = {.fields = json_array()};
	X509_REQ *request = NULL;
	uint8_t spki[CODEC_SHA256];
	bool ok = check_request(der, &story->templ, &request, spki, &problem);

	if (!ok)
		assert_string_equal(problem.code, code);
	X509_REQ_free(request);
	json_decref(problem.fields);
	return ok;
}

static void check_requests(struct story *story, struct person *person)
{
	struct buffer *der = &person->request;

	assert_true(taken(story, der, ""));
	/* s, r: of the signature's every half. */
	der->data[der->length - 1] ^= 1;
	assert_false(taken(story, der, "invalid-request"));
	der->data[der->length - 1] ^= 1;
	der->data[der->length - person->set->curve->bytes - 1] ^= 1;
	assert_false(taken(story, der, "invalid-request"));
	der->data[der->length - person->set->curve->bytes - 1] ^= 1;
	assert_true(taken(story, der, ""));
	memset(der->data + der->length - 2 * person->set->curve->bytes, 0,
		2 * person->set->curve->bytes);
	assert_false(taken(story, der, "invalid-request"));
}

static void requests(void **state)
{
	with_every_set(*state, check_requests);
}

/* A point that is on no curve has nobody who could sign. */
static void a_key_that_is_none(void **state)
{
	struct story *story = *state;
	struct person person;

	person_make(&person, gost_set_named("tc26-256-A"), &story->templ);
	uint8_t *point =
		memmem(person.request.data, person.request.length, person.key.public_key, 64);
	assert_non_null(point);
	point[0] ^= 1;
	assert_false(taken(story, &person.request, "weak-key"));
	person_free(&person);
}

/* ---- documents */

static void cms_make(struct person *person, const struct cms_certificate *certificate,
	const uint8_t identifier[20], struct buffer *cms)
{
	const struct cms_signing signing = {.signer = &person->signer,
		.certificates = certificate,
		.certificate_count = certificate != NULL ? 1 : 0,
		.key_identifier = identifier,
		.key_identifier_length = 20,
		.signing_time = time(NULL)};
	struct error err;

	buffer_reset(cms);
	assert_true(cms_sign(&signing, (const uint8_t *)content, strlen(content), cms, &err));
}

static void check_by_key(struct story *story, struct person *person)
{
	X509 *stand_in = ca_stand_in(story->bench.sandbox.ca, person->x509_request);
	struct check_problem problem = {0};
	struct buffer cms = BUFFER_INIT(DER_LIMIT);
	uint8_t identifier[20];

	assert_non_null(stand_in);
	assert_true(spki_key_identifier(person->spki.data, person->spki.length, identifier, NULL));
	cms_make(person, NULL, identifier, &cms);
	assert_true(signature_by_key(&cms, content, strlen(content), stand_in, &problem));
	assert_false(signature_by_key(&cms, content, 3, stand_in, &problem));
	assert_string_equal(problem.code, "invalid-signature");
	cms.data[cms.length - 1] ^= 1;
	assert_false(signature_by_key(&cms, content, strlen(content), stand_in, &problem));
	buffer_free(&cms);
	X509_free(stand_in);
}

static void by_a_key_alone(void **state)
{
	with_every_set(*state, check_by_key);
}

static bool accepted(const struct buffer *cms, const char *data)
{
	struct check_problem problem = {0};
	X509 *found = NULL;
	bool ok = signature_by_certificate(cms, data, strlen(data), &found, &problem);

	X509_free(found);
	return ok;
}

static void check_by_certificate(struct story *story, struct person *person)
{
	const struct ca_order order = {.family = CA_GOST,
		.request = person->x509_request,
		.templ = &story->templ,
		.crl_url = "http://127.0.0.1/crl"};
	struct ca_certificate issued;
	struct buffer cms = BUFFER_INIT(DER_LIMIT);
	struct person other;

	assert_true(ca_issue(story->bench.sandbox.ca, &order, &issued));
	const struct cms_certificate certificate = {issued.der, issued.length};
	cms_make(person, &certificate, NULL, &cms);
	assert_true(accepted(&cms, content));
	assert_false(accepted(&cms, "Договор № 2\n"));
	cms.data[cms.length - 1] ^= 1;
	assert_false(accepted(&cms, content));
	/* The certificate of this one, the key of another. */
	person_make(&other, person->set, &story->templ);
	cms_make(&other, &certificate, NULL, &cms);
	assert_false(accepted(&cms, content));
	person_free(&other);
	buffer_free(&cms);
	OPENSSL_free(issued.der);
}

static void by_a_certificate(void **state)
{
	with_every_set(*state, check_by_certificate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(requests, setup, teardown),
		cmocka_unit_test_setup_teardown(a_key_that_is_none, setup, teardown),
		cmocka_unit_test_setup_teardown(by_a_key_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(by_a_certificate, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
