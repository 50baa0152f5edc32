/* What other programs write as a SignedData, taken apart and verified signer by signer. */
#include "tests/cms_person.h"

#include <openssl/bio.h>
#include <openssl/cms.h>

#include "asn1/algorithm.h"

static bool digest_content(void *context, const char *name, uint8_t digest[MESSAGE_DIGEST_MAX],
	size_t *length, struct error *err)
{
	(void)context;
	return algorithm_digest(name, CONTENT, CONTENT_LENGTH, digest, length, err);
}

static const struct cms_source content_source = {digest_content, NULL};

/* By OpenSSL, with these flags, and with both signers when there is a second. */
static void others_sign(
	const struct person *one, const struct person *two, unsigned flags, struct buffer *der)
{
	BIO *in = BIO_new_mem_buf(content, CONTENT_LENGTH), *out = BIO_new(BIO_s_mem());
	CMS_ContentInfo *cms;
	char *bytes;
	long length;

	flags |= CMS_BINARY | CMS_PARTIAL;
	cms = CMS_sign(NULL, NULL, NULL, in, flags);
	assert_non_null(cms);
	assert_non_null(CMS_add1_signer(cms, one->x509, one->key.key, NULL, flags));
	if (two != NULL)
		assert_non_null(CMS_add1_signer(cms, two->x509, two->key.key, NULL, flags));
	if ((flags & CMS_STREAM) != 0) {
		assert_int_equal(i2d_CMS_bio_stream(out, cms, in, (int)flags), 1);
	} else {
		assert_int_equal(CMS_final(cms, in, NULL, flags), 1);
		assert_int_equal(i2d_CMS_bio(out, cms), 1);
	}
	length = BIO_get_mem_data(out, &bytes);
	buffer_reset(der);
	assert_true(buffer_append(der, bytes, (size_t)length));
	CMS_ContentInfo_free(cms);
	BIO_free(in);
	BIO_free(out);
}

/* Whatever others write: BER in pieces, several signers, detached by its digest. */
static void opens_what_others_write(void **state)
{
	struct buffer der = BUFFER_INIT(BUFFER_MAX);
	struct person rsa, ec;
	struct cms_signed *signed_data;
	struct cms_signer signer;
	const uint8_t *bytes;
	struct error err;
	size_t length;

	(void)state;
	person_new(&rsa, SIGNATURE_RSA_SHA256);
	person_new(&ec, SIGNATURE_ECDSA_SHA256);
	X509_free(ec.x509);
	ec.x509 = test_certificate(&ec.key, "Петров Пётр Петрович");

	others_sign(&rsa, NULL, CMS_STREAM, &der);
	assert_int_equal(der.data[1], 0x80); /* an indefinite length */
	assert_done(cms_open(der.data, der.length, &signed_data, &err), &err);
	cms_content(signed_data, &bytes, &length);
	assert_int_equal(length, CONTENT_LENGTH);
	assert_memory_equal(bytes, CONTENT, CONTENT_LENGTH);
	assert_int_equal(cms_signer_count(signed_data), 1);
	assert_done(cms_signer_read(signed_data, 0, NULL, &signer, &err), &err);
	assert_non_null(signer.certificate);
	assert_false(signer.cades);
	assert_done(cms_signer_verify(signed_data, NULL, &err), &err);
	assert_refused(
		cms_signer_verify(signed_data, &content_source, &err), &err, "eContent: there");
	cms_close(signed_data);

	others_sign(&rsa, &ec, CMS_DETACHED | CMS_CADES, &der);
	der.data[der.length - 1] ^= 1; /* of the last signature */
	assert_done(cms_open(der.data, der.length, &signed_data, &err), &err);
	assert_int_equal(cms_signer_count(signed_data), 2);
	length = 0;
	for (size_t i = 0; i < 2; i++) {
		assert_done(cms_signer_read(signed_data, i, NULL, &signer, &err), &err);
		/* The form is the same, whether it verifies or not. */
		assert_true(signer.cades);
		if (cms_signer_verify(signed_data, &content_source, &err)) {
			assert_refused(cms_signer_verify(signed_data, NULL, &err), &err,
				"eContent: missing");
			length++;
		}
	}
	assert_int_equal(length, 1);
	cms_close(signed_data);

	others_sign(&ec, NULL, CMS_DETACHED | CMS_NOCERTS, &der);
	assert_done(cms_open(der.data, der.length, &signed_data, &err), &err);
	assert_done(cms_signer_read(signed_data, 0, NULL, &signer, &err), &err);
	assert_null(signer.certificate);
	assert_non_null(strstr(signer.named, "serial number "));
	cms_close(signed_data);

	assert_refused(
		cms_open(ec.der.data, ec.der.length, &signed_data, &err), &err, "signature: ");
	assert_int_equal(err.code, ERROR_USAGE);
	person_free(&rsa);
	person_free(&ec);
	buffer_free(&der);
}

static void try_open(const uint8_t *data, size_t length, void *context)
{
	struct cms_signed *signed_data;
	struct cms_signer signer;

	(void)context;
	if (!cms_open(data, length, &signed_data, NULL))
		return;
	for (size_t i = 0; i < cms_signer_count(signed_data) && i < 4; i++)
		if (cms_signer_read(signed_data, i, NULL, &signer, NULL) &&
			cms_signer_verify(signed_data, NULL, NULL))
			assert_int_equal(signer.signing_time, SIGNING_TIME);
	cms_close(signed_data);
}

static void mutants_by_others(void **state)
{
	struct buffer der = BUFFER_INIT(BUFFER_MAX);
	struct person person;

	(void)state;
	person_new(&person, SIGNATURE_ED25519);
	person_sign(&person, true, &der);
	test_mutate(&der, 3000, try_open, NULL);
	person_free(&person);
	buffer_free(&der);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_what_others_write),
		cmocka_unit_test(mutants_by_others),
	};

	return cmocka_run_group_tests_name("cms_read", tests, NULL, NULL);
}
