#include "tests/cms_person.h"

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "asn1/algorithm.h"
#include "asn1/certificate.h"
#include "asn1/spki.h"

static void sign_without_certificate(struct person *person, struct buffer *der)
{
	uint8_t identifier[20];
	const struct cms_signing signing = {
		.signer = test_key_signer(&person->key),
		.key_identifier = identifier,
		.key_identifier_length = sizeof(identifier),
		.signing_time = SIGNING_TIME,
	};
	struct error err;

	assert_done(
		spki_key_identifier(person->key.spki, person->key.spki_length, identifier, &err),
		&err);
	buffer_reset(der);
	assert_done(cms_sign(&signing, CONTENT, CONTENT_LENGTH, der, &err), &err);
}

/*
 * By OpenSSL. CMS_CADES checks signingCertificateV2 too, which it does against the chain, so that the signer is
 * trusted there.
 */
static int openssl_verify(const struct buffer *der, bool attached, X509 *signer, unsigned flags)
{
	const uint8_t *at = der->data;
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)der->length);
	BIO *data = attached ? NULL : BIO_new_mem_buf(content, CONTENT_LENGTH);
	BIO *out = BIO_new(BIO_s_mem());
	STACK_OF(X509) *signers = NULL;
	X509_STORE *store = X509_STORE_new();
	char *bytes;
	int result;

	assert_non_null(cms);
	assert_ptr_equal(at, der->data + der->length);
	signers = sk_X509_new_null();
	assert_true(sk_X509_push(signers, signer) > 0);
	assert_int_equal(X509_STORE_add_cert(store, signer), 1);
	result = CMS_verify(cms, (flags & CMS_NOINTERN) != 0 ? signers : NULL, store, data, out,
		CMS_BINARY | flags);
	if (result == 1) {
		assert_int_equal(BIO_get_mem_data(out, &bytes), CONTENT_LENGTH);
		assert_memory_equal(bytes, content, CONTENT_LENGTH);
	}
	sk_X509_free(signers);
	X509_STORE_free(store);
	BIO_free(out);
	BIO_free(data);
	CMS_ContentInfo_free(cms);
	ERR_clear_error();
	return result;
}

static const enum signature_algorithm openssl_knows[] = {SIGNATURE_RSA_SHA256, SIGNATURE_RSA_SHA384,
	SIGNATURE_RSA_SHA512, SIGNATURE_ECDSA_SHA256, SIGNATURE_ECDSA_SHA384,
	SIGNATURE_ECDSA_SHA512};

static void openssl_verifies(void **state)
{
	struct buffer der = BUFFER_INIT(BUFFER_MAX);
	struct person person;
	size_t i, attached;

	(void)state;
	for (i = 0; i < sizeof(openssl_knows) / sizeof(openssl_knows[0]); i++) {
		person_new(&person, openssl_knows[i]);
		for (attached = 0; attached < 2; attached++) {
			person_sign(&person, attached == 1, &der);
			assert_int_equal(
				openssl_verify(&der, attached == 1, person.x509, CMS_CADES), 1);
			/* What the test would say of a bad one. */
			der.data[der.length - 1] ^= 1;
			assert_int_equal(
				openssl_verify(&der, attached == 1, person.x509, CMS_CADES), 0);
		}
		person_free(&person);
	}
	buffer_free(&der);
}

/* RFC 5652, 5.1 and 5.3: version 3, twice, and no certificates. */
static void openssl_verifies_without_certificate(void **state)
{
	struct buffer der = BUFFER_INIT(BUFFER_MAX);
	struct person person;
	X509_EXTENSION *identifier;
	X509V3_CTX context;
	CMS_ContentInfo *cms;
	const uint8_t *at;

	(void)state;
	person_new(&person, SIGNATURE_ECDSA_SHA256);
	X509V3_set_ctx(&context, NULL, person.x509, NULL, NULL, 0);
	identifier = X509V3_EXT_conf_nid(NULL, &context, NID_subject_key_identifier, "hash");
	assert_int_equal(X509_add_ext(person.x509, identifier, -1), 1);
	X509_EXTENSION_free(identifier);
	assert_true(X509_sign(person.x509, person.key.key, EVP_sha256()) > 0);
	sign_without_certificate(&person, &der);
	assert_int_equal(openssl_verify(&der, false, person.x509, CMS_NOINTERN), 1);
	at = der.data;
	cms = d2i_CMS_ContentInfo(NULL, &at, (long)der.length);
	assert_null(CMS_get1_certs(cms));
	assert_int_equal(sk_CMS_SignerInfo_num(CMS_get0_SignerInfos(cms)), 1);
	assert_null(
		memmem(der.data, der.length, "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x2f", 11));
	CMS_ContentInfo_free(cms);
	person_free(&person);
	buffer_free(&der);
}

static void check_read(const struct buffer *der, bool attached, const struct person *person)
{
	struct certificate certificate = {0};
	struct cms cms = {0};
	struct error err;

	assert_done(cms_verify(der->data, der->length, attached ? NULL : CONTENT,
			    attached ? 0 : CONTENT_LENGTH, NULL, 0, &cms, &err),
		&err);
	assert_int_equal(cms.algorithm, person->key.signer.algorithm);
	assert_int_equal(cms.certificate_count, 1);
	assert_int_equal(cms.certificates[0].length, person->der.length);
	assert_memory_equal(cms.certificates[0].der, person->der.data, person->der.length);
	assert_ptr_equal(cms.signer_certificate, cms.certificates[0].der);
	assert_int_equal(cms.signer_certificate_length, person->der.length);
	if (attached) {
		assert_int_equal(cms.content_length, CONTENT_LENGTH);
		assert_memory_equal(cms.content, content, CONTENT_LENGTH);
	} else {
		assert_null(cms.content);
	}
	if (cms.has_certificate_sha256) {
		assert_done(certificate_decode(
				    person->der.data, person->der.length, &certificate, &err),
			&err);
		assert_memory_equal(cms.certificate_sha256, certificate.sha256, 32);
		certificate_clear(&certificate);
	}
	cms_clear(&cms);
}

static void reads_its_own(void **state)
{
	static const enum signature_algorithm all[] = {SIGNATURE_RSA_SHA256, SIGNATURE_RSA_SHA384,
		SIGNATURE_RSA_SHA512, SIGNATURE_ECDSA_SHA256, SIGNATURE_ECDSA_SHA384,
		SIGNATURE_ECDSA_SHA512, SIGNATURE_ED25519};
	struct buffer der = BUFFER_INIT(BUFFER_MAX);
	struct person person;
	struct cms cms = {0};
	struct error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		person_new(&person, all[i]);
		person_sign(&person, false, &der);
		check_read(&der, false, &person);
		person_sign(&person, true, &der);
		check_read(&der, true, &person);
		assert_done(cms_verify(der.data, der.length, NULL, 0, person.key.spki,
				    person.key.spki_length, &cms, &err),
			&err);
		assert_int_equal(cms.signing_time, SIGNING_TIME);
		assert_true(cms.has_certificate_sha256);
		cms_clear(&cms);
		sign_without_certificate(&person, &der);
		assert_done(cms_verify(der.data, der.length, CONTENT, CONTENT_LENGTH,
				    person.key.spki, person.key.spki_length, &cms, &err),
			&err);
		assert_int_equal(cms.certificate_count, 0);
		assert_null(cms.signer_certificate);
		assert_false(cms.has_certificate_sha256);
		cms_clear(&cms);
		person_free(&person);
	}
	buffer_free(&der);
}

static void openssl_sign(
	const struct person *person, unsigned flags, const char *digest, struct buffer *der)
{
	BIO *data = BIO_new_mem_buf(content, CONTENT_LENGTH);
	CMS_ContentInfo *cms;
	uint8_t *bytes = NULL;
	int length;

	cms = CMS_sign(NULL, NULL, NULL, data, flags | CMS_BINARY | CMS_PARTIAL);
	assert_non_null(cms);
	assert_non_null(CMS_add1_signer(cms, person->x509, person->key.key,
		EVP_get_digestbyname(digest), flags | CMS_PARTIAL));
	assert_int_equal(CMS_final(cms, data, NULL, flags | CMS_BINARY), 1);
	length = i2d_CMS_ContentInfo(cms, &bytes);
	assert_true(length > 0);
	buffer_reset(der);
	assert_true(buffer_append(der, bytes, (size_t)length));
	OPENSSL_free(bytes);
	CMS_ContentInfo_free(cms);
	BIO_free(data);
}

static void reads_openssl(void **state)
{
	static const char *const digests[] = {
		"SHA256", "SHA384", "SHA512", "SHA256", "SHA384", "SHA512"};
	struct buffer der = BUFFER_INIT(BUFFER_MAX);
	struct person person;
	struct cms cms = {0};
	struct error err;
	size_t i, attached;

	(void)state;
	for (i = 0; i < sizeof(openssl_knows) / sizeof(openssl_knows[0]); i++) {
		person_new(&person, openssl_knows[i]);
		for (attached = 0; attached < 2; attached++) {
			openssl_sign(&person,
				CMS_CADES | CMS_NOSMIMECAP | (attached ? 0 : CMS_DETACHED),
				digests[i], &der);
			check_read(&der, attached == 1, &person);
			/* Further signed attributes are no matter. */
			openssl_sign(&person, attached ? 0 : CMS_DETACHED, digests[i], &der);
			check_read(&der, attached == 1, &person);
		}
		person_free(&person);
	}
	person_new(&person, SIGNATURE_ECDSA_SHA256);
	openssl_sign(&person, CMS_DETACHED | CMS_NOATTR, "SHA256", &der);
	assert_refused(
		cms_verify(der.data, der.length, CONTENT, CONTENT_LENGTH, NULL, 0, &cms, &err),
		&err, "signedAttrs: missing");
	openssl_sign(&person, CMS_DETACHED | CMS_NOCERTS, "SHA256", &der);
	assert_refused(
		cms_verify(der.data, der.length, CONTENT, CONTENT_LENGTH, NULL, 0, &cms, &err),
		&err, "certificates: the signer's is not there");
	assert_done(cms_verify(der.data, der.length, CONTENT, CONTENT_LENGTH, person.key.spki,
			    person.key.spki_length, &cms, &err),
		&err);
	cms_clear(&cms);
	openssl_sign(&person, CMS_DETACHED, "SHA1", &der);
	assert_refused(
		cms_verify(der.data, der.length, CONTENT, CONTENT_LENGTH, NULL, 0, &cms, &err),
		&err, "SHA-1) is not supported");
	person_free(&person);
	buffer_free(&der);
}

/* RFC 8419 against GnuTLS, which OpenSSL 3.0 does not know. */
static void gnutls_both_ways(void **state)
{
	struct buffer der = BUFFER_INIT(BUFFER_MAX);
	struct person person;
	char folder[128], path[256];
	size_t attached;
	BIO *file;

	(void)state;
	if (test_run("command -v certtool >/dev/null") != 0)
		skip();
	test_folder(folder);
	person_new(&person, SIGNATURE_ED25519);
	snprintf(path, sizeof(path), "%s/key.pem", folder);
	file = BIO_new_file(path, "wb");
	assert_int_equal(
		PEM_write_bio_PrivateKey(file, person.key.key, NULL, NULL, 0, NULL, NULL), 1);
	BIO_free(file);
	snprintf(path, sizeof(path), "%s/certificate.pem", folder);
	file = BIO_new_file(path, "wb");
	assert_int_equal(PEM_write_bio_X509(file, person.x509), 1);
	BIO_free(file);
	test_write(folder, "content", content, CONTENT_LENGTH);
	for (attached = 0; attached < 2; attached++) {
		person_sign(&person, attached == 1, &der);
		test_write(folder, "ours", der.data, der.length);
		assert_int_equal(test_run("cd %s && certtool --p7-verify --inder --infile ours "
					  "--load-certificate certificate.pem %s >log 2>&1",
					 folder, attached ? "" : "--load-data content"),
			0);
		der.data[der.length - 1] ^= 1;
		test_write(folder, "altered", der.data, der.length);
		assert_int_not_equal(
			test_run("cd %s && certtool --p7-verify --inder --infile altered "
				 "--load-certificate certificate.pem %s >log 2>&1",
				folder, attached ? "" : "--load-data content"),
			0);
		assert_int_equal(
			test_run(
				"cd %s && certtool %s --p7-time --load-privkey key.pem --outder "
				"--load-certificate certificate.pem --infile content >theirs 2>log",
				folder, attached ? "--p7-sign" : "--p7-detached-sign"),
			0);
		test_read(folder, "theirs", &der);
		check_read(&der, attached == 1, &person);
	}
	assert_int_equal(test_run("rm -r %s", folder), 0);
	person_free(&person);
	buffer_free(&der);
}

static void refuse(const struct buffer *der, const char *words)
{
	struct cms cms = {0};
	struct error err;

	assert_refused(
		cms_verify(der->data, der->length, CONTENT, CONTENT_LENGTH, NULL, 0, &cms, &err),
		&err, words);
	assert_non_null(strstr(err.message, "signature: "));
}

static void says_what_is_wrong(void **state)
{
	struct buffer der = BUFFER_INIT(BUFFER_MAX);
	struct person person, other;
	struct cms cms = {0};
	struct error err;
	size_t at;

	(void)state;
	person_new(&person, SIGNATURE_ECDSA_SHA256);
	person_new(&other, SIGNATURE_ECDSA_SHA256);
	person_sign(&person, false, &der);
	assert_refused(
		cms_verify(der.data, der.length, CONTENT, CONTENT_LENGTH - 1, NULL, 0, &cms, &err),
		&err, "messageDigest: the content is not the one that was signed");
	assert_refused(cms_verify(der.data, der.length, NULL, 0, NULL, 0, &cms, &err), &err,
		"eContent: missing");
	assert_refused(cms_verify(der.data, der.length, CONTENT, CONTENT_LENGTH, other.key.spki,
			       other.key.spki_length, &cms, &err),
		&err, "certificates: the signer's certificate has another key");
	/* signingTime */
	at = test_find(der.data, der.length, "251231235959Z", 13);
	der.data[at] = '3';
	refuse(&der, "the signature does not match");
	der.data[at + 2] = '9';
	refuse(&der, "signingTime: no such date");
	der.data[at] = '2';
	der.data[at + 2] = '1';
	der.data[der.length - 1] ^= 1;
	refuse(&der, "the signature does not match");
	der.data[der.length - 1] ^= 1;
	buffer_reset(&der);
	person_sign(&person, true, &der);
	refuse(&der, "eContent: there, but a detached signature was expected");
	buffer_reset(&der);
	sign_without_certificate(&person, &der);
	refuse(&der, "certificates: the signer's is not there");
	assert_refused(cms_verify(der.data, der.length, CONTENT, CONTENT_LENGTH, other.key.spki,
			       other.key.spki_length, &cms, &err),
		&err, "the signature does not match");
	assert_refused(cms_verify(other.der.data, other.der.length, CONTENT, CONTENT_LENGTH, NULL,
			       0, &cms, &err),
		&err, "signature: not ContentInfo");
	person_free(&person);
	person_free(&other);
	buffer_free(&der);
}

/*
 * Another certificate for the same key, issuer and serial number, put in the place of the signer's: every
 * signature still verifies, only signingCertificateV2 tells.
 */
static void refuses_a_substituted_certificate(void **state)
{
	struct buffer der = BUFFER_INIT(BUFFER_MAX), twin = BUFFER_INIT(BUFFER_MAX);
	struct person person;
	size_t at;

	(void)state;
	person_new(&person, SIGNATURE_ED25519);
	person_sign(&person, false, &der);
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(person.x509), 2 * 86400));
	assert_true(X509_sign(person.x509, person.key.key, NULL) > 0);
	test_certificate_der(person.x509, &twin);
	assert_int_equal(twin.length, person.der.length);
	at = test_find(der.data, der.length, person.der.data, person.der.length);
	memcpy(der.data + at, twin.data, twin.length);
	refuse(&der, "signingCertificateV2: certHash: not that of the signer's certificate");
	person_free(&person);
	buffer_free(&der);
	buffer_free(&twin);
}

static void refuses_to_sign_nonsense(void **state)
{
	static const uint8_t junk[] = {0x30, 0x03, 0x02, 0x01, 0x01};
	static const struct cms_certificate certificates[] = {{junk, sizeof(junk)}};
	struct buffer der = BUFFER_INIT(BUFFER_MAX);
	struct person person;
	struct cms_signing signing = {.signing_time = SIGNING_TIME};
	struct error err;

	(void)state;
	person_new(&person, SIGNATURE_ED25519);
	signing.signer = test_key_signer(&person.key);
	assert_refused(cms_sign(&signing, CONTENT, CONTENT_LENGTH, &der, &err), &err,
		"neither a certificate nor a key identifier");
	signing.certificates = certificates;
	signing.certificate_count = 1;
	assert_refused(cms_sign(&signing, CONTENT, CONTENT_LENGTH, &der, &err), &err,
		"signer: certificate: ");
	assert_int_equal(person.key.signatures, 0);
	assert_int_equal(der.length, 0);
	person_free(&person);
}

/* Empty content, and times on both sides of 2050. */
static void edges(void **state)
{
	struct buffer der = BUFFER_INIT(BUFFER_MAX);
	struct person person;
	struct cms cms = {0};
	struct error err;
	static const struct {
		time_t time;
		const char *text;
	} times[] = {
		{2524607999, "\x17\x0d"
			     "491231235959Z"},
		{2524608000, "\x18\x0f"
			     "20500101000000Z"},
		{0, "\x17\x0d"
		    "700101000000Z"},
		{253402300799, "\x18\x0f"
			       "99991231235959Z"},
	};
	size_t i;

	(void)state;
	person_new(&person, SIGNATURE_ED25519);
	for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		const struct cms_certificate certificates[] = {
			{person.der.data, person.der.length}, {person.der.data, person.der.length}};
		const struct cms_signing signing = {
			.signer = test_key_signer(&person.key),
			.certificates = certificates,
			.certificate_count = 2,
			.attached = i % 2 == 0,
			.signing_time = times[i].time,
		};

		buffer_reset(&der);
		assert_done(cms_sign(&signing, CONTENT, 0, &der, &err), &err);
		test_find(der.data, der.length, times[i].text, strlen(times[i].text));
		assert_done(cms_verify(der.data, der.length, i % 2 == 0 ? NULL : CONTENT, 0, NULL,
				    0, &cms, &err),
			&err);
		assert_int_equal(cms.signing_time, times[i].time);
		/* The same certificate twice is put in once. */
		assert_int_equal(cms.certificate_count, 1);
		cms_clear(&cms);
	}
	person_free(&person);
	buffer_free(&der);
}

/* The certificates' own signatures are not looked at here, nor is what nobody signed. */
struct mutant {
	const struct person *person;
	unsigned taken;
};

static void try_mutant(const uint8_t *data, size_t length, void *context)
{
	struct mutant *mutant = context;
	struct cms cms = {0}, all = {0};
	struct error err;

	if (cms_verify(data, length, CONTENT, CONTENT_LENGTH, mutant->person->key.spki,
		    mutant->person->key.spki_length, &cms, &err)) {
		mutant->taken++;
		assert_int_equal(cms.signing_time, SIGNING_TIME);
		cms_clear(&cms);
	} else {
		assert_non_null(strstr(err.message, "signature: "));
	}
	if (cms_certificates(data, length, &all, &err))
		cms_clear(&all);
}

static void mutants(void **state)
{
	struct buffer der = BUFFER_INIT(BUFFER_MAX);
	struct person person;
	struct mutant mutant = {.person = &person};

	(void)state;
	person_new(&person, SIGNATURE_ED25519);
	sign_without_certificate(&person, &der);
	test_mutate(&der, 4000, try_mutant, &mutant);
	person_sign(&person, false, &der);
	test_mutate(&der, 4000, try_mutant, &mutant);
	/* The key's identifier is not signed, and the key was given: a few of those pass, and nothing else. */
	assert_true(mutant.taken < 400);
	person_sign(&person, true, &der);
	test_mutate(&der, 2000, try_mutant, &mutant);
	person_free(&person);
	buffer_free(&der);
}

static void signs_a_digest(void **state)
{
	struct buffer der = BUFFER_INIT(BUFFER_MAX), whole = BUFFER_INIT(BUFFER_MAX);
	uint8_t digest[MESSAGE_DIGEST_MAX];
	struct person person;
	struct error err;
	size_t length;

	(void)state;
	person_new(&person, SIGNATURE_RSA_SHA384);
	person_sign(&person, false, &whole);
	{
		const struct cms_certificate list[] = {{person.der.data, person.der.length}};
		const struct cms_signing signing = {
			.signer = test_key_signer(&person.key),
			.certificates = list,
			.certificate_count = 1,
			.signing_time = SIGNING_TIME,
		};

		assert_string_equal(cms_digest_name(SIGNATURE_RSA_SHA384), "SHA384");
		assert_done(
			algorithm_digest("SHA384", CONTENT, CONTENT_LENGTH, digest, &length, &err),
			&err);
		assert_done(cms_sign_digest(&signing, digest, length, &der, &err), &err);
	}
	assert_bytes(&der, whole.data, whole.length);
	person_free(&person);
	buffer_free(&der);
	buffer_free(&whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(openssl_verifies),
		cmocka_unit_test(openssl_verifies_without_certificate),
		cmocka_unit_test(reads_its_own),
		cmocka_unit_test(reads_openssl),
		cmocka_unit_test(gnutls_both_ways),
		cmocka_unit_test(says_what_is_wrong),
		cmocka_unit_test(refuses_a_substituted_certificate),
		cmocka_unit_test(refuses_to_sign_nonsense),
		cmocka_unit_test(edges),
		cmocka_unit_test(mutants),
		cmocka_unit_test(signs_a_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
