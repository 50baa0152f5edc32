/*
 * GOST R 34.10-2012 in asn1/ against OpenSSL's GOST engine: keys, raw signatures, requests, certificates, CMS; both
 * ways. The engine is loaded by a configuration that only this process sees.
 */
#include "tests/asn1_support.h"

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/objects.h>

#include "asn1/certificate.h"
#include "asn1/cms.h"
#include "asn1/csr.h"
#include "asn1/der.h"
#include "asn1/oid.h"
#include "asn1/spki.h"
#include "module/gost/streebog.h"
#include "tests/gost_support.h"

static const uint8_t content[] = "{\"version\":1,\"person\":\"Иванов\"}\r\n";
#define CONTENT_LENGTH (sizeof(content) - 1)

/* The same key here and there. */
struct person {
	const struct gost_set *set;
	struct gost_group *group;
	struct gost_test_key key;
	struct buffer spki;
	EVP_PKEY *theirs;
	struct signer signer;
};

static bool person_sign(void *context, const uint8_t *data, size_t length, struct buffer *signature,
	struct error *err)
{
	struct person *person = context;
	uint8_t digest[GOST_BYTES_MAX], bytes[2 * GOST_BYTES_MAX];
	struct streebog running;

	streebog_init(&running, person->set->curve->bytes);
	streebog_update(&running, data, length);
	streebog_final(&running, digest);
	gost_test_sign(&person->key, digest, bytes);
	return signature_from_pkcs11(
		person->signer.algorithm, bytes, 2 * person->set->curve->bytes, signature, err);
}

/* PKCS #8 as the engine reads it: d in an OCTET STRING, with the algorithm of the public key. */
static EVP_PKEY *import(const struct person *person)
{
	size_t n = person->set->curve->bytes;
	struct buffer body = BUFFER_INIT(1024), inner = BUFFER_INIT(1024), der = BUFFER_INIT(1024);
	static const uint8_t version[] = {0x02, 0x01, 0x00};
	struct der_element outer, algorithm;
	const uint8_t *at;
	EVP_PKEY *key;

	assert_true(der_element(person->spki.data, person->spki.length, &outer, NULL));
	assert_true(der_element(outer.value, outer.length, &algorithm, NULL));
	assert_true(der_encode_primitive(DER_TAG_OCTET_STRING, person->key.d, n, &inner, NULL));
	assert_true(
		buffer_append(&body, version, sizeof(version)) &&
		buffer_append(&body, outer.value, algorithm.size) &&
		der_encode_primitive(DER_TAG_OCTET_STRING, inner.data, inner.length, &body, NULL));
	assert_true(der_encode_primitive(DER_TAG_SEQUENCE, body.data, body.length, &der, NULL));
	der.data[0] = 0x30;
	at = der.data;
	key = d2i_AutoPrivateKey(NULL, &at, (long)der.length);
	buffer_free(&body);
	buffer_free(&inner);
	buffer_free(&der);
	return key;
}

static void person_new(struct person *person, const struct gost_set *set, struct gost_group *group)
{
	struct error err;

	memset(person, 0, sizeof(*person));
	person->set = set;
	person->group = group;
	person->spki = BUFFER_INIT(BUFFER_MAX);
	gost_test_key_make(&person->key, group);
	assert_done(spki_encode_gost(set->oid, set->oid_length, person->key.public_key,
			    2 * set->curve->bytes, &person->spki, &err),
		&err);
	person->theirs = import(person);
	assert_non_null(person->theirs);
	person->signer = (struct signer){
		.algorithm = set->curve->bytes == 32 ? SIGNATURE_GOST_256 : SIGNATURE_GOST_512,
		.context = person,
		.sign = person_sign};
}

static void person_free(struct person *person)
{
	EVP_PKEY_free(person->theirs);
	buffer_free(&person->spki);
}

static const EVP_MD *digest_of(const struct person *person)
{
	return EVP_get_digestbyname(
		person->set->curve->bytes == 32 ? "md_gost12_256" : "md_gost12_512");
}

/* Every parameter set, with a new key each. */
static void with_every_set(void (*check)(struct person *person))
{
	const struct gost_set *set;

	for (size_t i = 0; (set = gost_set_at(i)) != NULL; i++) {
		struct gost_group *group = gost_group_new(set->curve);
		struct person person;

		person_new(&person, set, group);
		check(&person);
		person_free(&person);
		gost_group_free(group);
	}
}

static void check_spki(struct person *person)
{
	const uint8_t *at = person->spki.data;
	EVP_PKEY *read = d2i_PUBKEY(NULL, &at, (long)person->spki.length);
	struct spki decoded = {0};
	uint8_t *der = NULL;
	struct error err;
	int length;

	assert_non_null(read);
	assert_int_equal(EVP_PKEY_eq(read, person->theirs), 1);
	length = i2d_PUBKEY(person->theirs, &der);
	assert_true(length > 0);
	assert_done(spki_decode(der, (size_t)length, &decoded, &err), &err);
	assert_int_equal(decoded.type, SPKI_GOST);
	assert_int_equal(decoded.bits, 8 * person->set->curve->bytes);
	assert_int_equal(decoded.parameters_length, person->set->oid_length);
	assert_memory_equal(decoded.parameters, person->set->oid, person->set->oid_length);
	assert_int_equal(spki_signature_algorithm(&decoded), person->signer.algorithm);
	assert_true(spki_equal(der, (size_t)length, person->spki.data, person->spki.length));
	spki_clear(&decoded);
	OPENSSL_free(der);
	EVP_PKEY_free(read);
}

static void keys(void **state)
{
	(void)state;
	with_every_set(check_spki);
}

/* SubjectPublicKeyInfo with the digest named or not, for a set whose OID ends so. */
static bool decode_with(
	const struct person *person, const char *set, const char *digest, struct error *err)
{
	struct buffer oids = BUFFER_INIT(256), parameters = BUFFER_INIT(256),
		      body = BUFFER_INIT(512), key = BUFFER_INIT(512), spki = BUFFER_INIT(512);
	struct spki decoded = {0};
	const char *type =
		person->set->curve->bytes == 32 ? "1.2.643.7.1.1.1.1" : "1.2.643.7.1.1.1.2";
	bool done;

	assert_true(oid_encode(set, &oids, err));
	if (digest != NULL)
		assert_true(oid_encode(digest, &oids, err));
	assert_true(
		oid_encode(type, &parameters, err) &&
		der_encode_primitive(DER_TAG_SEQUENCE, oids.data, oids.length, &parameters, err));
	parameters.data[10] |= 0x20;
	assert_true(der_encode_primitive(
		DER_TAG_SEQUENCE, parameters.data, parameters.length, &body, err));
	body.data[0] |= 0x20;
	assert_true(buffer_append(&key, "", 1) &&
		    der_encode_primitive(DER_TAG_OCTET_STRING, person->key.public_key,
			    2 * person->set->curve->bytes, &key, err) &&
		    der_encode_primitive(DER_TAG_BIT_STRING, key.data, key.length, &body, err) &&
		    der_encode_primitive(DER_TAG_SEQUENCE, body.data, body.length, &spki, err));
	spki.data[0] |= 0x20;
	done = spki_decode(spki.data, spki.length, &decoded, err);
	spki_clear(&decoded);
	buffer_free(&oids);
	buffer_free(&parameters);
	buffer_free(&body);
	buffer_free(&key);
	buffer_free(&spki);
	return done;
}

#define STREEBOG_256_OID "1.2.643.7.1.1.2.2"
#define STREEBOG_512_OID "1.2.643.7.1.1.2.3"

/* RFC 9215, 4.2. */
static void digest_parameters(void **state)
{
	static const struct {
		size_t bytes;
		const char *set, *digest, *refusal;
	} cases[] = {
		{32, "1.2.643.2.2.35.1", STREEBOG_256_OID, NULL},
		{32, "1.2.643.2.2.35.1", NULL, "digestParamSet: missing with CryptoPro-A"},
		{32, "1.2.643.2.2.36.1", NULL, "digestParamSet: missing"},
		{32, "1.2.643.2.2.35.1", STREEBOG_512_OID, "does not go with"},
		{32, "1.2.643.2.2.35.1", "1.2.643.2.2.30.1", "does not go with"},
		{32, "1.2.643.7.1.2.1.1.1", NULL, NULL},
		{32, "1.2.643.7.1.2.1.1.1", STREEBOG_256_OID, NULL},
		{32, "1.2.643.7.1.2.1.1.1", STREEBOG_512_OID, "does not go with"},
		{32, "1.2.643.7.1.2.1.1.2", NULL, NULL},
		{32, "1.2.643.7.1.2.1.1.2", STREEBOG_256_OID, "digestParamSet: there"},
		{32, "1.2.643.7.1.2.1.1.4", STREEBOG_256_OID, "digestParamSet: there"},
		{64, "1.2.643.7.1.2.1.2.1", NULL, NULL},
		{64, "1.2.643.7.1.2.1.2.3", STREEBOG_512_OID, NULL},
		{64, "1.2.643.7.1.2.1.2.3", STREEBOG_256_OID, "does not go with"},
		{32, "1.2.643.7.1.2.1.2.1", NULL, "not a key of 64 bytes"},
		{64, "1.2.643.7.1.2.1.1.1", NULL, "not a key of 128 bytes"},
		{32, "1.2.643.2.2.35.0", STREEBOG_256_OID, "is not supported"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct gost_set *set =
			gost_set_named(cases[i].bytes == 32 ? "CryptoPro-A" : "tc26-512-A");
		struct gost_group *group = gost_group_new(set->curve);
		struct person person;
		struct error err = {0};

		person_new(&person, set, group);
		if (cases[i].refusal == NULL)
			assert_done(
				decode_with(&person, cases[i].set, cases[i].digest, &err), &err);
		else
			assert_refused(decode_with(&person, cases[i].set, cases[i].digest, &err),
				&err, cases[i].refusal);
		person_free(&person);
		gost_group_free(group);
	}
}

static bool engine_verify(
	const struct person *person, const uint8_t *digest, const uint8_t *signature)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(person->theirs, NULL);
	size_t n = person->set->curve->bytes;
	bool good;

	assert_int_equal(EVP_PKEY_verify_init(context), 1);
	good = EVP_PKEY_verify(context, signature, 2 * n, digest, n) == 1;
	EVP_PKEY_CTX_free(context);
	ERR_clear_error();
	return good;
}

static void engine_sign(const struct person *person, const uint8_t *digest, uint8_t *signature)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(person->theirs, NULL);
	size_t n = person->set->curve->bytes, size = 2 * n;

	assert_int_equal(EVP_PKEY_sign_init(context), 1);
	assert_int_equal(EVP_PKEY_sign(context, signature, &size, digest, n), 1);
	assert_int_equal(size, 2 * n);
	EVP_PKEY_CTX_free(context);
}

static void raw_signatures(void **state)
{
	size_t rounds = gost_test_rounds(5, 1000);
	const struct gost_set *set;

	(void)state;
	for (size_t i = 0; (set = gost_set_at(i)) != NULL; i++) {
		struct gost_group *group = gost_group_new(set->curve);

		for (size_t j = 0; j < rounds; j++) {
			uint8_t digest[GOST_BYTES_MAX], signature[2 * GOST_BYTES_MAX];
			struct person person;

			person_new(&person, set, group);
			assert_true(gost_test_random(NULL, digest, sizeof(digest)));
			gost_test_sign(&person.key, digest, signature);
			assert_true(engine_verify(&person, digest, signature));
			digest[j % set->curve->bytes] ^= 1;
			assert_false(engine_verify(&person, digest, signature));
			engine_sign(&person, digest, signature);
			assert_true(
				gost_signature_verify(group, &person.key.point, digest, signature));
			signature[j % set->curve->bytes] ^= 1;
			assert_false(
				gost_signature_verify(group, &person.key.point, digest, signature));
			person_free(&person);
		}
		gost_group_free(group);
	}
}

static void check_request(struct person *person)
{
	struct buffer der = BUFFER_INIT(BUFFER_MAX);
	struct extensions none = {0};
	struct name subject = {0};
	struct csr read = {0};
	X509_REQ *request;
	const uint8_t *at;
	uint8_t *theirs = NULL;
	struct error err;
	int length;

	assert_done(name_add(&subject, "2.5.4.3", "Иванов Иван Иванович", &err), &err);
	assert_done(csr_create(&subject, person->spki.data, person->spki.length, &none,
			    &person->signer, &der, &err),
		&err);
	at = der.data;
	request = d2i_X509_REQ(NULL, &at, (long)der.length);
	assert_non_null(request);
	assert_int_equal(X509_REQ_verify(request, X509_REQ_get0_pubkey(request)), 1);
	assert_done(csr_decode(der.data, der.length, &read, &err), &err);
	csr_clear(&read);
	X509_REQ_free(request);
	der.data[der.length - 1] ^= 1;
	assert_refused(csr_decode(der.data, der.length, &read, &err), &err, "does not match");

	request = X509_REQ_new();
	assert_int_equal(X509_REQ_set_pubkey(request, person->theirs), 1);
	assert_true(X509_REQ_sign(request, person->theirs, digest_of(person)) > 0);
	length = i2d_X509_REQ(request, &theirs);
	assert_true(length > 0);
	assert_done(csr_decode(theirs, (size_t)length, &read, &err), &err);
	assert_true(
		spki_equal(read.spki, read.spki_length, person->spki.data, person->spki.length));
	csr_clear(&read);
	OPENSSL_free(theirs);
	X509_REQ_free(request);
	name_clear(&subject);
	buffer_free(&der);
}

static void requests(void **state)
{
	(void)state;
	with_every_set(check_request);
}

static X509 *engine_certificate(const struct person *person, struct buffer *der)
{
	X509 *x509 = X509_new();
	X509_NAME *name = X509_get_subject_name(x509);
	X509_EXTENSION *usage = X509V3_EXT_conf_nid(
		NULL, NULL, NID_key_usage, "critical,digitalSignature,nonRepudiation");

	assert_int_equal(X509_set_version(x509, 2), 1);
	assert_int_equal(ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), 7), 1);
	assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
				 (const unsigned char *)"Иванов", -1, -1, 0),
		1);
	assert_int_equal(X509_set_issuer_name(x509, name), 1);
	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x509), -60));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x509), 86400));
	assert_int_equal(X509_set_pubkey(x509, person->theirs), 1);
	assert_int_equal(X509_add_ext(x509, usage, -1), 1);
	X509_EXTENSION_free(usage);
	assert_true(X509_sign(x509, person->theirs, digest_of(person)) > 0);
	test_certificate_der(x509, der);
	return x509;
}

static void check_certificate(struct person *person)
{
	struct buffer der = BUFFER_INIT(BUFFER_MAX);
	struct certificate read = {0};
	struct gost_test_key other;
	struct error err;
	X509 *x509 = engine_certificate(person, &der);

	assert_done(certificate_decode(der.data, der.length, &read, &err), &err);
	assert_done(certificate_is_signed_by(&read, person->spki.data, person->spki.length, &err),
		&err);
	/* Another's key, then another certificate with this signature. */
	gost_test_key_make(&other, person->group);
	buffer_reset(&person->spki);
	assert_done(spki_encode_gost(person->set->oid, person->set->oid_length, other.public_key,
			    2 * person->set->curve->bytes, &person->spki, &err),
		&err);
	assert_refused(
		certificate_is_signed_by(&read, person->spki.data, person->spki.length, &err), &err,
		"does not match");
	certificate_clear(&read);
	X509_free(x509);
	buffer_free(&der);
}

static void certificates(void **state)
{
	(void)state;
	with_every_set(check_certificate);
}

/* CAdES-BES by us. */
static void check_our_cms(
	struct person *person, X509 *x509, const struct buffer *certificate, bool attached)
{
	struct buffer der = BUFFER_INIT(BUFFER_MAX);
	const struct cms_certificate list[] = {{certificate->data, certificate->length}};
	const struct cms_signing signing = {.signer = &person->signer,
		.certificates = list,
		.certificate_count = 1,
		.attached = attached,
		.signing_time = 1767225599};
	X509_STORE *store = X509_STORE_new();
	BIO *data = attached ? NULL : BIO_new_mem_buf(content, (int)CONTENT_LENGTH);
	CMS_ContentInfo *cms;
	const uint8_t *at;
	struct cms read = {0};
	struct error err;

	assert_done(cms_sign(&signing, content, CONTENT_LENGTH, &der, &err), &err);
	assert_done(cms_verify(der.data, der.length, attached ? NULL : content,
			    attached ? 0 : CONTENT_LENGTH, NULL, 0, &read, &err),
		&err);
	assert_int_equal(read.algorithm, person->signer.algorithm);
	cms_clear(&read);
	at = der.data;
	cms = d2i_CMS_ContentInfo(NULL, &at, (long)der.length);
	assert_non_null(cms);
	assert_int_equal(X509_STORE_add_cert(store, x509), 1);
	assert_int_equal(CMS_verify(cms, NULL, store, data, NULL, CMS_BINARY | CMS_CADES), 1);
	CMS_ContentInfo_free(cms);
	BIO_free(data);

	der.data[der.length - 1] ^= 1;
	assert_refused(cms_verify(der.data, der.length, attached ? NULL : content,
			       attached ? 0 : CONTENT_LENGTH, NULL, 0, &read, &err),
		&err, "does not match");
	X509_STORE_free(store);
	buffer_free(&der);
}

/* By the engine, as `openssl cms -sign` does. */
static void check_their_cms(struct person *person, X509 *x509)
{
	BIO *data = BIO_new_mem_buf(content, (int)CONTENT_LENGTH);
	CMS_ContentInfo *cms =
		CMS_sign(NULL, NULL, NULL, NULL, CMS_PARTIAL | CMS_BINARY | CMS_DETACHED);
	struct cms read = {0};
	struct error err;
	uint8_t *der = NULL;
	int length;

	assert_non_null(CMS_add1_signer(
		cms, x509, person->theirs, digest_of(person), CMS_BINARY | CMS_CADES));
	assert_int_equal(CMS_final(cms, data, NULL, CMS_BINARY | CMS_DETACHED), 1);
	length = i2d_CMS_ContentInfo(cms, &der);
	assert_true(length > 0);
	assert_done(cms_verify(der, (size_t)length, content, CONTENT_LENGTH, NULL, 0, &read, &err),
		&err);
	cms_clear(&read);
	assert_refused(
		cms_verify(der, (size_t)length, content, CONTENT_LENGTH - 1, NULL, 0, &read, &err),
		&err, "not the one that was signed");
	OPENSSL_free(der);
	CMS_ContentInfo_free(cms);
	BIO_free(data);
}

static void check_cms(struct person *person)
{
	struct buffer der = BUFFER_INIT(BUFFER_MAX);
	X509 *x509 = engine_certificate(person, &der);

	check_our_cms(person, x509, &der, false);
	check_our_cms(person, x509, &der, true);
	check_their_cms(person, x509);
	X509_free(x509);
	buffer_free(&der);
}

static void signed_data(void **state)
{
	(void)state;
	with_every_set(check_cms);
}

/* Keys and signatures of other kinds are told apart. */
static void other_kinds(void **state)
{
	const struct gost_set *set = gost_set_named("CryptoPro-A");
	struct gost_group *group = gost_group_new(set->curve);
	struct buffer signature = BUFFER_INIT(256);
	struct person person;
	struct error err;

	(void)state;
	person_new(&person, set, group);
	assert_true(person_sign(&person, content, CONTENT_LENGTH, &signature, &err));
	assert_done(signature_verify(SIGNATURE_GOST_256, person.spki.data, person.spki.length,
			    content, CONTENT_LENGTH, signature.data, signature.length, &err),
		&err);
	assert_refused(signature_verify(SIGNATURE_GOST_512, person.spki.data, person.spki.length,
			       content, CONTENT_LENGTH, signature.data, signature.length, &err),
		&err, "the key is not");
	assert_refused(signature_verify(SIGNATURE_GOST_256, person.spki.data, person.spki.length,
			       content, CONTENT_LENGTH, signature.data, signature.length - 1, &err),
		&err, "does not match");
	assert_refused(
		signature_from_pkcs11(SIGNATURE_GOST_256, signature.data, 63, &signature, &err),
		&err, "64 or 128 bytes");
	/* Off the curve. */
	person.spki.data[person.spki.length - 1] ^= 1;
	assert_refused(signature_verify(SIGNATURE_GOST_256, person.spki.data, person.spki.length,
			       content, CONTENT_LENGTH, signature.data, signature.length, &err),
		&err, "not valid");
	buffer_free(&signature);
	person_free(&person);
	gost_group_free(group);
}

static const char configuration[] = "openssl_conf = all\n[all]\nengines = engines\n"
				    "[engines]\ngost = gost\n"
				    "[gost]\nengine_id = gost\ndefault_algorithms = ALL\n";

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys),
		cmocka_unit_test(digest_parameters),
		cmocka_unit_test(raw_signatures),
		cmocka_unit_test(requests),
		cmocka_unit_test(certificates),
		cmocka_unit_test(signed_data),
		cmocka_unit_test(other_kinds),
	};
	char folder[128], path[256];
	bool there;

	/* Before OpenSSL reads anything. */
	test_folder(folder);
	test_write(folder, "gost.cnf", configuration, sizeof(configuration) - 1);
	snprintf(path, sizeof(path), "%s/gost.cnf", folder);
	setenv("OPENSSL_CONF", path, 1);
	there = OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL) == 1 &&
		EVP_get_digestbyname("md_gost12_256") != NULL;
	unlink(path);
	rmdir(folder);
	if (!there) {
		puts("no GOST engine for OpenSSL: skipped");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
