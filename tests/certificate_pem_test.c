#include "tests/asn1_support.h"

#include "asn1/certificate.h"
#include "provision/authority/certificate_pem.h"

static void test_block(void **state)
{
	struct buffer pem = BUFFER_INIT(1 << 16);
	struct error err = {0};
	uint8_t data[49];

	(void)state;
	memset(data, 0xff, sizeof(data));
	assert_done(certificate_pem_block("CERTIFICATE REQUEST", data, 48, &pem, &err), &err);
	assert_string_equal(buffer_text(&pem),
		"-----BEGIN CERTIFICATE REQUEST-----\n"
		"////////////////////////////////////////////////////////////////\n"
		"-----END CERTIFICATE REQUEST-----\n");
	buffer_reset(&pem);
	assert_done(certificate_pem_block("X", data, 49, &pem, &err), &err);
	assert_non_null(strstr(buffer_text(&pem), "/\n/w==\n-----END X"));
	buffer_free(&pem);
}

static void test_certificates(void **state)
{
	struct test_key key = test_key_new(SIGNATURE_ECDSA_SHA256);
	struct buffer der = BUFFER_INIT(BUFFER_MAX), pem = BUFFER_INIT(BUFFER_MAX),
		      small = BUFFER_INIT(100);
	struct certificates list = {0};
	X509 *x509 = test_certificate(&key, "Иванов");
	struct error err = {0};

	(void)state;
	test_certificate_der(x509, &der);
	assert_done(certificate_pem(der.data, der.length, &pem, &err), &err);
	assert_done(certificates_read(pem.data, pem.length, &list, &err), &err);
	assert_int_equal(list.count, 1);
	assert_memory_equal(list.list[0].der, der.data, der.length);
	certificates_clear(&list);
	/* What is no certificate, or more than one, goes no further. */
	assert_false(certificate_pem((const uint8_t *)"\1\2", 2, &pem, &err));
	assert_int_equal(err.code, ERROR_UNREACHABLE);
	assert_false(certificate_pem(der.data, der.length - 1, &pem, &err));
	assert_true(buffer_append(&der, "", 1));
	assert_false(certificate_pem(der.data, der.length, &pem, &err));
	assert_false(certificate_pem(der.data, der.length - 1, &small, &err));
	X509_free(x509);
	test_key_free(&key);
	buffer_free(&der);
	buffer_free(&pem);
	buffer_free(&small);
}

static void test_files(void **state)
{
	struct buffer pem = BUFFER_INIT(BUFFER_MAX);
	char folder[128], path[160];
	struct error err = {0};

	(void)state;
	test_folder(folder);
	snprintf(path, sizeof(path), "%s/file", folder);
	assert_false(certificate_pem_file(path, &pem, &err));
	assert_int_equal(err.code, ERROR_WORKPLACE);
	test_write(folder, "file", "<html>", 6);
	assert_refused(certificate_pem_file(path, &pem, &err), &err, path);
	assert_int_equal(test_run("rm -r %s", folder), 0);
	buffer_free(&pem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_block),
		cmocka_unit_test(test_certificates),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests_name("certificate_pem", tests, NULL, NULL);
}
