/* CMS made by GnuTLS, which knows what OpenSSL 3.0 doesn't: Ed25519, with and without a certificate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <gnutls/abstract.h>
#include <gnutls/pkcs7.h>
#include <openssl/ess.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "tests/sandbox/signature.h"
#include "tests/sandbox_support.h"

static const char content[] = "Договор № 1\n";

struct signer {
	EVP_PKEY *key;
	X509 *certificate;
	struct profile_template templ;
};

static int setup(void **state)
{
	static struct bench bench;

	*state = &bench;
	return bench_make(&bench, 0) ? 0 : -1;
}

static int teardown(void **state)
{
	bench_close(*state);
	bench_remove(*state);
	return 0;
}

/* A certificate of the sandbox's own authority, known to its store. */
static void signer_make(struct bench *bench, EVP_PKEY *key, struct signer *signer)
{
	json_t *person = ivanov(), *fields = json_array();
	struct ca_certificate certificate;
	uint8_t hash[CODEC_SHA256];

	*signer = (struct signer){.key = key};
	assert_true(profile_template_make(
		profile_by_name("individual"), person, "signature", &signer->templ, fields));
	struct ca_order order = {
		.key = key, .templ = &signer->templ, .crl_url = "http://127.0.0.1/crl"};
	assert_true(ca_issue(bench->sandbox.ca, &order, &certificate));
	const uint8_t *p = certificate.der;
	signer->certificate = d2i_X509(NULL, &p, (long)certificate.length);
	codec_sha256(certificate.der, certificate.length, hash);
	store_run(bench->sandbox.store,
		"INSERT INTO certificates (hash, serial, der, spki, account, application, "
		"not_after)"
		" VALUES (?, ?, x'', x'', 'ivanov', 'x', ?)",
		"bbi", hash, sizeof hash, certificate.serial, sizeof certificate.serial,
		certificate.not_after);
	OPENSSL_free(certificate.der);
	json_decref(person);
	json_decref(fields);
}

static void signer_free(struct signer *signer)
{
	profile_template_clear(&signer->templ);
	X509_free(signer->certificate);
	EVP_PKEY_free(signer->key);
}

/* SigningCertificateV2 ::= SEQUENCE { SEQUENCE OF { SEQUENCE { OCTET STRING hash } } }, SHA-256 by default. */
static void add_signing_certificate(gnutls_pkcs7_attrs_t *attributes, X509 *certificate)
{
	uint8_t der[6 + 2 + CODEC_SHA256] = {
		0x30, 0x26, 0x30, 0x24, 0x30, 0x22, 0x04, CODEC_SHA256};
	unsigned length = 0;
	gnutls_datum_t data = {der, sizeof der};

	X509_digest(certificate, EVP_sha256(), der + 8, &length);
	assert_int_equal(
		gnutls_pkcs7_add_attr(attributes, "1.2.840.113549.1.9.16.2.47", &data, 0), 0);
}

static void sign(EVP_PKEY *key, X509 *certificate, unsigned flags, X509 *named, const char *data,
	struct buffer *out)
{
	uint8_t *key_der = NULL, *certificate_der = NULL;
	BIO *bio = BIO_new(BIO_s_mem());
	gnutls_x509_crt_t crt;
	gnutls_privkey_t privkey;
	gnutls_pkcs7_t pkcs7;
	gnutls_pkcs7_attrs_t attributes = NULL;
	gnutls_datum_t result;

	assert_true(PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL));
	long key_length = BIO_get_mem_data(bio, &key_der);
	gnutls_datum_t key_data = {key_der, (unsigned)key_length};
	int length = i2d_X509(certificate, &certificate_der);
	gnutls_datum_t certificate_data = {certificate_der, (unsigned)length};
	gnutls_datum_t signed_data = {(unsigned char *)(uintptr_t)data, (unsigned)strlen(data)};

	gnutls_x509_crt_init(&crt);
	gnutls_privkey_init(&privkey);
	gnutls_pkcs7_init(&pkcs7);
	assert_int_equal(gnutls_x509_crt_import(crt, &certificate_data, GNUTLS_X509_FMT_DER), 0);
	assert_int_equal(
		gnutls_privkey_import_x509_raw(privkey, &key_data, GNUTLS_X509_FMT_PEM, NULL, 0),
		0);
	if (named != NULL)
		add_signing_certificate(&attributes, named);
	assert_int_equal(
		gnutls_pkcs7_sign(pkcs7, crt, privkey, &signed_data, attributes, NULL,
			EVP_PKEY_is_a(key, "ED25519") ? GNUTLS_DIG_SHA512 : GNUTLS_DIG_SHA256,
			flags),
		0);
	assert_int_equal(gnutls_pkcs7_export2(pkcs7, GNUTLS_X509_FMT_DER, &result), 0);
	buffer_reset(out);
	buffer_append(out, result.data, result.size);
	gnutls_free(result.data);
	gnutls_pkcs7_attrs_deinit(attributes);
	gnutls_pkcs7_deinit(pkcs7);
	gnutls_privkey_deinit(privkey);
	gnutls_x509_crt_deinit(crt);
	OPENSSL_free(certificate_der);
	BIO_free(bio);
}

#define WITH_CERTIFICATE (GNUTLS_PKCS7_INCLUDE_TIME | GNUTLS_PKCS7_INCLUDE_CERT)

/* ---- by a key identifier: GnuTLS 3.7 fails to write one, so the signer's name is changed in what it made */

struct piece {
	const uint8_t *start, *body, *end;
};

static struct piece next(const uint8_t **at, const uint8_t *end)
{
	struct piece piece = {.start = *at, .body = *at};
	long length;
	int tag, class;

	assert_int_equal(ASN1_get_object(&piece.body, &length, &tag, &class, end - *at) & 0x80, 0);
	*at = piece.end = piece.body + length;
	return piece;
}

static void wrap(uint8_t tag, const struct buffer *body, struct buffer *out)
{
	uint8_t header[] = {tag, 0x82, (uint8_t)(body->length >> 8), (uint8_t)body->length};
	uint8_t shorter[] = {tag, 0x81, (uint8_t)body->length};

	if (body->length > 255)
		buffer_append(out, header, sizeof header);
	else if (body->length > 127)
		buffer_append(out, shorter, sizeof shorter);
	else
		buffer_append(out, (uint8_t[]){tag, (uint8_t)body->length}, 2);
	buffer_append(out, body->data, body->length);
}

static void name_by_key(X509 *certificate, struct buffer *cms)
{
	static const uint8_t version[] = {2, 1, 3};
	const ASN1_OCTET_STRING *identifier = X509_get0_subject_key_id(certificate);
	struct buffer parts[2] = {BUFFER_INIT(65536), BUFFER_INIT(65536)};
	const uint8_t *at = cms->data, *end = cms->data + cms->length;
	struct piece info = next(&at, end);

	at = info.body;
	struct piece type = next(&at, info.end), explicit = next(&at, info.end);
	at = explicit.body;
	struct piece data = next(&at, explicit.end);
	at = data.body;
	next(&at, data.end); /* version */
	struct piece digests = next(&at, data.end), last = digests;
	while (at < data.end)
		last = next(&at, data.end);
	const uint8_t *inner = last.body;
	struct piece signer = next(&inner, last.end);
	inner = signer.body;
	next(&inner, signer.end); /* version */
	struct piece sid = next(&inner, signer.end);

	buffer_append(&parts[0], version, sizeof version);
	buffer_append(&parts[0], (uint8_t[]){0x80, 20}, 2);
	buffer_append(&parts[0], ASN1_STRING_get0_data(identifier), 20);
	buffer_append(&parts[0], sid.end, (size_t)(signer.end - sid.end));
	wrap(0x30, &parts[0], &parts[1]);
	buffer_reset(&parts[0]);
	wrap(0x31, &parts[1], &parts[0]);
	buffer_reset(&parts[1]);
	buffer_append(&parts[1], version, sizeof version);
	buffer_append(&parts[1], digests.start, (size_t)(last.start - digests.start));
	buffer_append(&parts[1], parts[0].data, parts[0].length);
	buffer_reset(&parts[0]);
	wrap(0x30, &parts[1], &parts[0]);
	buffer_reset(&parts[1]);
	wrap(0xa0, &parts[0], &parts[1]);
	buffer_reset(&parts[0]);
	buffer_append(&parts[0], type.start, (size_t)(type.end - type.start));
	buffer_append(&parts[0], parts[1].data, parts[1].length);
	buffer_reset(cms);
	wrap(0x30, &parts[0], cms);
	buffer_free(&parts[0]);
	buffer_free(&parts[1]);
}

static bool accepted(struct bench *bench, const struct buffer *cms, const char *data,
	struct check_problem *problem)
{
	uint8_t hash[CODEC_SHA256];
	X509 *found = NULL;
	bool ok = signature_by_certificate(cms, data, strlen(data), &found, problem) &&
		  signature_signer_allowed(&bench->sandbox, found, "ivanov", hash, problem);

	X509_free(found);
	return ok;
}

static void by_certificate(void **state)
{
	struct bench *bench = *state;
	EVP_PKEY *keys[] = {
		EVP_RSA_gen(2048), EVP_EC_gen("P-256"), EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")};
	struct buffer cms = BUFFER_INIT(65536);
	struct check_problem problem = {0};

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		struct signer signer;

		signer_make(bench, keys[i], &signer);
		sign(signer.key, signer.certificate, WITH_CERTIFICATE, signer.certificate, content,
			&cms);
		assert_true(accepted(bench, &cms, content, &problem));
		assert_false(accepted(bench, &cms, "Договор № 2\n", &problem));
		assert_string_equal(problem.code, "invalid-signature");
		/* Every last byte of the signature counts. */
		cms.data[cms.length - 1] ^= 1;
		assert_false(accepted(bench, &cms, content, &problem));
		cms.data[cms.length - 1] ^= 1;
		buffer_append(&cms, "", 1);
		assert_false(accepted(bench, &cms, content, &problem));
		/* No certificate, no time, none named, another named. */
		sign(signer.key, signer.certificate, GNUTLS_PKCS7_INCLUDE_TIME, signer.certificate,
			content, &cms);
		assert_false(accepted(bench, &cms, content, &problem));
		sign(signer.key, signer.certificate, GNUTLS_PKCS7_INCLUDE_CERT, signer.certificate,
			content, &cms);
		assert_false(accepted(bench, &cms, content, &problem));
		sign(signer.key, signer.certificate, WITH_CERTIFICATE, NULL, content, &cms);
		assert_false(accepted(bench, &cms, content, &problem));
		signer_free(&signer);
	}
	buffer_free(&cms);
}

static void by_another_certificate_named(void **state)
{
	struct bench *bench = *state;
	struct signer signer, other;
	struct buffer cms = BUFFER_INIT(65536);
	struct check_problem problem = {0};

	signer_make(bench, EVP_EC_gen("P-256"), &signer);
	signer_make(bench, EVP_EC_gen("P-256"), &other);
	sign(signer.key, signer.certificate, WITH_CERTIFICATE, other.certificate, content, &cms);
	assert_false(accepted(bench, &cms, content, &problem));
	assert_string_equal(problem.code, "invalid-signature");
	buffer_free(&cms);
	signer_free(&signer);
	signer_free(&other);
}

static void the_signer_is_asked_for(void **state)
{
	struct bench *bench = *state;
	struct signer signer;
	uint8_t hash[CODEC_SHA256];
	struct check_problem problem = {0};

	signer_make(bench, EVP_EC_gen("P-256"), &signer);
	assert_true(signature_signer_allowed(
		&bench->sandbox, signer.certificate, "ivanov", hash, &problem));
	assert_false(signature_signer_allowed(
		&bench->sandbox, signer.certificate, "admin", hash, &problem));
	/* The key's time (12 months) ends before the certificate's (15). */
	store_advance(bench->sandbox.store, INT64_C(380) * 86400 * 1000);
	assert_true(ca_issued(bench->sandbox.ca, signer.certificate));
	assert_false(signature_signer_allowed(
		&bench->sandbox, signer.certificate, "ivanov", hash, &problem));
	store_advance(bench->sandbox.store, INT64_C(-380) * 86400 * 1000);
	store_run(bench->sandbox.store,
		"UPDATE certificates SET revoked = 1, reason = 1 WHERE hash = ?", "b", hash,
		sizeof hash);
	assert_false(signature_signer_allowed(
		&bench->sandbox, signer.certificate, "ivanov", hash, &problem));
	assert_string_equal(problem.code, "wrong-signer");
	signer_free(&signer);
}

static void by_a_key_alone(void **state)
{
	struct bench *bench = *state;
	EVP_PKEY *keys[] = {
		EVP_RSA_gen(2048), EVP_EC_gen("P-384"), EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")};
	struct buffer cms = BUFFER_INIT(65536);
	struct check_problem problem = {0};

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		struct signer signer;

		signer_make(bench, keys[i], &signer);
		X509_REQ *request = make_request(&signer.templ, keys[i]);
		X509 *stand_in = ca_stand_in(bench->sandbox.ca, request);
		assert_non_null(stand_in);
		/* Any certificate of the key gives its identifier. */
		sign(signer.key, stand_in, GNUTLS_PKCS7_INCLUDE_TIME, NULL, content, &cms);
		assert_false(signature_by_key(&cms, content, strlen(content), stand_in, &problem));
		assert_string_equal(problem.code, "wrong-signer");
		name_by_key(stand_in, &cms);
		assert_true(signature_by_key(&cms, content, strlen(content), stand_in, &problem));
		assert_false(signature_by_key(&cms, content, 3, stand_in, &problem));
		assert_string_equal(problem.code, "invalid-signature");
		sign(signer.key, stand_in, WITH_CERTIFICATE, NULL, content, &cms);
		name_by_key(stand_in, &cms);
		assert_false(signature_by_key(&cms, content, strlen(content), stand_in, &problem));
		assert_string_equal(problem.code, "wrong-signer");
		X509_free(stand_in);
		X509_REQ_free(request);
		signer_free(&signer);
	}
	buffer_free(&cms);
}

static void rubbish(void **state)
{
	struct bench *bench = *state;
	struct buffer cms = BUFFER_INIT(65536);
	struct check_problem problem = {0};
	struct signer signer;

	buffer_append_text(&cms, "0\x80");
	assert_false(accepted(bench, &cms, content, &problem));
	buffer_reset(&cms);
	assert_false(accepted(bench, &cms, content, &problem));
	signer_make(bench, EVP_EC_gen("P-256"), &signer);
	sign(signer.key, signer.certificate, WITH_CERTIFICATE, signer.certificate, content, &cms);
	for (size_t length = 0; length < cms.length; length++) {
		struct buffer part = {cms.data, length, cms.capacity, cms.limit, false};

		assert_false(accepted(bench, &part, content, &problem));
	}
	signer_free(&signer);
	buffer_free(&cms);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(by_certificate, setup, teardown),
		cmocka_unit_test_setup_teardown(by_another_certificate_named, setup, teardown),
		cmocka_unit_test_setup_teardown(the_signer_is_asked_for, setup, teardown),
		cmocka_unit_test_setup_teardown(by_a_key_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(rubbish, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
