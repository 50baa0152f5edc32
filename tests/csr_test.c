#include "tests/asn1_support.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "asn1/csr.h"
#include "asn1/spki.h"

static void fill_subject(struct name *name)
{
	struct error err;

	assert_done(name_add(name, "2.5.4.3", "Иванов Иван Иванович", &err), &err);
	assert_done(name_add(name, "2.5.4.4", "Иванов", &err), &err);
	assert_done(name_add(name, "2.5.4.42", "Иван Иванович", &err), &err);
	assert_done(name_add(name, "2.5.4.6", "RU", &err), &err);
	assert_done(name_add(name, "2.5.4.8", "77 Москва", &err), &err);
	assert_done(name_add(name, "1.2.643.100.3", "11223344595", &err), &err);
	assert_done(name_add(name, "1.2.643.3.131.1.1", "500100732259", &err), &err);
	assert_done(name_add(name, "1.2.840.113549.1.9.1", "ivanov@example.ru", &err), &err);
}

static void fill_extensions(struct extensions *extensions)
{
	static const char *const usages[] = {"1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.4"};
	static const char *const policies[] = {"1.2.643.100.113.1"};
	struct buffer value = BUFFER_INIT(BUFFER_MAX);
	struct error err;

	assert_done(key_usage_encode(
			    KEY_USAGE_DIGITAL_SIGNATURE | KEY_USAGE_NON_REPUDIATION, &value, &err),
		&err);
	assert_done(extensions_add(extensions, OID_KEY_USAGE, true, value.data, value.length, &err),
		&err);
	buffer_reset(&value);
	assert_done(oid_list_encode(usages, 2, &value, &err), &err);
	assert_done(extensions_add(
			    extensions, OID_EXT_KEY_USAGE, false, value.data, value.length, &err),
		&err);
	buffer_reset(&value);
	assert_done(sign_tool_encode("Podpis", &value, &err), &err);
	assert_done(extensions_add(extensions, OID_SUBJECT_SIGN_TOOL, false, value.data,
			    value.length, &err),
		&err);
	buffer_reset(&value);
	assert_done(identification_kind_encode(IDENTIFICATION_BIOMETRIC, &value, &err), &err);
	assert_done(extensions_add(extensions, OID_IDENTIFICATION_KIND, false, value.data,
			    value.length, &err),
		&err);
	buffer_reset(&value);
	assert_done(policies_encode(policies, 1, &value, &err), &err);
	assert_done(extensions_add(extensions, OID_CERTIFICATE_POLICIES, false, value.data,
			    value.length, &err),
		&err);
	buffer_free(&value);
}

static void create(struct test_key *key, bool with_extensions, struct buffer *der)
{
	struct extensions extensions = {0};
	struct name subject = {0};
	struct error err;

	fill_subject(&subject);
	if (with_extensions)
		fill_extensions(&extensions);
	assert_done(csr_create(&subject, key->spki, key->spki_length, &extensions,
			    test_key_signer(key), der, &err),
		&err);
	name_clear(&subject);
	extensions_clear(&extensions);
}

/* The same request as OpenSSL's command makes it. */
static const char configuration[] = "[req]\n"
				    "distinguished_name = subject\n"
				    "prompt = no\n"
				    "utf8 = yes\n"
				    "string_mask = utf8only\n"
				    "req_extensions = extensions\n"
				    "[subject]\n"
				    "CN = Иванов Иван Иванович\n"
				    "SN = Иванов\n"
				    "GN = Иван Иванович\n"
				    "C = RU\n"
				    "ST = 77 Москва\n"
				    "SNILS = 11223344595\n"
				    "INN = 500100732259\n"
				    "emailAddress = ivanov@example.ru\n"
				    "[extensions]\n"
				    "keyUsage = critical, digitalSignature, nonRepudiation\n"
				    "extendedKeyUsage = clientAuth, emailProtection\n"
				    "1.2.643.100.111 = ASN1:UTF8String:Podpis\n"
				    "1.2.643.100.114 = ASN1:INTEGER:3\n"
				    "certificatePolicies = 1.2.643.100.113.1\n";

static void openssl_request(const struct test_key *key, const char *digest, struct buffer *der)
{
	char arguments[64];

	snprintf(arguments, sizeof(arguments), "-new %s", digest);
	test_openssl_req(key, configuration, arguments, der);
}

/* RSA's and Ed25519's signatures have no chance in them, so that all bytes are the same. */
static void same_bytes_as_openssl(void **state)
{
	static const struct {
		enum signature_algorithm algorithm;
		const char *digest;
	} rows[] = {
		{SIGNATURE_RSA_SHA256, "-sha256"},
		{SIGNATURE_RSA_SHA384, "-sha384"},
		{SIGNATURE_RSA_SHA512, "-sha512"},
		{SIGNATURE_ED25519, ""},
	};
	struct buffer ours = BUFFER_INIT(BUFFER_MAX), theirs = BUFFER_INIT(BUFFER_MAX);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct test_key key = test_key_new(rows[i].algorithm);

		buffer_reset(&ours);
		create(&key, true, &ours);
		assert_int_equal(key.signatures, 1);
		openssl_request(&key, rows[i].digest, &theirs);
		assert_bytes(&ours, theirs.data, theirs.length);
		test_key_free(&key);
	}
	buffer_free(&ours);
	buffer_free(&theirs);
}

static const enum signature_algorithm all[] = {SIGNATURE_RSA_SHA256, SIGNATURE_RSA_SHA384,
	SIGNATURE_RSA_SHA512, SIGNATURE_ECDSA_SHA256, SIGNATURE_ECDSA_SHA384,
	SIGNATURE_ECDSA_SHA512, SIGNATURE_ED25519};

static void openssl_verifies(void **state)
{
	struct buffer der = BUFFER_INIT(BUFFER_MAX);
	STACK_OF(X509_EXTENSION) * extensions;
	const uint8_t *at;
	X509_REQ *request;
	size_t i, round;

	(void)state;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		for (round = 0; round < 2; round++) {
			struct test_key key = test_key_new(all[i]);

			buffer_reset(&der);
			create(&key, round == 1, &der);
			at = der.data;
			request = d2i_X509_REQ(NULL, &at, (long)der.length);
			assert_non_null(request);
			assert_ptr_equal(at, der.data + der.length);
			assert_int_equal(
				X509_REQ_verify(request, X509_REQ_get0_pubkey(request)), 1);
			assert_int_equal(EVP_PKEY_eq(X509_REQ_get0_pubkey(request), key.key), 1);
			extensions = X509_REQ_get_extensions(request);
			assert_int_equal(sk_X509_EXTENSION_num(extensions), round == 1 ? 5 : 0);
			sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
			X509_REQ_free(request);
			test_key_free(&key);
		}
	buffer_free(&der);
}

static void check_read(const struct buffer *der, const struct test_key *key)
{
	const struct extension *extension;
	enum identification_kind kind;
	struct csr csr = {0};
	struct error err;

	assert_done(csr_decode(der->data, der->length, &csr, &err), &err);
	assert_int_equal(csr.subject.count, 8);
	assert_string_equal(name_get(&csr.subject, "2.5.4.3"), "Иванов Иван Иванович");
	assert_string_equal(name_get(&csr.subject, "1.2.643.100.3"), "11223344595");
	assert_int_equal(csr.spki_length, key->spki_length);
	assert_memory_equal(csr.spki, key->spki, key->spki_length);
	assert_int_equal(csr.extensions.count, 5);
	assert_true(csr.extensions.list[0].critical);
	extension = extensions_find(&csr.extensions, OID_IDENTIFICATION_KIND);
	assert_non_null(extension);
	assert_false(extension->critical);
	assert_done(
		identification_kind_decode(extension->value, extension->length, &kind, &err), &err);
	assert_int_equal(kind, IDENTIFICATION_BIOMETRIC);
	csr_clear(&csr);
}

static void reads_own_and_openssl(void **state)
{
	struct buffer der = BUFFER_INIT(BUFFER_MAX);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct test_key key = test_key_new(all[i]);

		buffer_reset(&der);
		create(&key, true, &der);
		check_read(&der, &key);
		openssl_request(&key, "", &der);
		check_read(&der, &key);
		test_key_free(&key);
	}
	buffer_free(&der);
}

static void says_what_is_wrong(void **state)
{
	static const uint8_t p256_sha256[] = {
		0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
	struct test_key key = test_key_new(SIGNATURE_ECDSA_SHA256);
	struct buffer der = BUFFER_INIT(BUFFER_MAX);
	struct csr csr = {0};
	struct error err;
	size_t at;

	(void)state;
	create(&key, true, &der);
	der.data[test_find(der.data, der.length, "ivanov@", 7)] = 'j';
	assert_refused(csr_decode(der.data, der.length, &csr, &err), &err,
		"request: the signature does not match");
	der.data[test_find(der.data, der.length, "jvanov@", 7)] = 'i';
	at = test_find(der.data, der.length, p256_sha256, sizeof(p256_sha256));
	der.data[at + 9] = 0x01; /* ecdsa-with-SHA224 */
	assert_refused(csr_decode(der.data, der.length, &csr, &err), &err,
		"signatureAlgorithm: the algorithm 1.2.840.10045.4.3.1 is not supported");
	der.data[at + 9] = 0x03;
	assert_refused(csr_decode(der.data, der.length, &csr, &err), &err,
		"request: the signature does not match");
	der.data[at + 9] = 0x02;
	assert_refused(csr_decode(der.data, der.length - 1, &csr, &err), &err, "beyond the end");
	assert_refused(csr_decode(der.data, 0, &csr, &err), &err, "request: empty");
	assert_true(buffer_append(&der, "", 1));
	assert_refused(
		csr_decode(der.data, der.length, &csr, &err), &err, "more bytes behind the end");
	buffer_free(&der);
	test_key_free(&key);
}

static bool refuses_to_sign(void *context, const uint8_t *data, size_t length,
	struct buffer *signature, struct error *err)
{
	(void)context;
	(void)data;
	(void)length;
	(void)signature;
	return error_set(err, ERROR_PIN, "the PIN is wrong");
}

/* A failure of the key keeps its code and its words, and nothing comes out. */
static void passes_the_signer_s_error_on(void **state)
{
	const struct signer signer = {.algorithm = SIGNATURE_ED25519, .sign = refuses_to_sign};
	struct test_key key = test_key_new(SIGNATURE_ED25519);
	struct buffer der = BUFFER_INIT(BUFFER_MAX);
	struct name subject = {0};
	struct error err;

	(void)state;
	fill_subject(&subject);
	assert_refused(csr_create(&subject, key.spki, key.spki_length, NULL, &signer, &der, &err),
		&err, "the PIN is wrong");
	assert_int_equal(err.code, ERROR_PIN);
	assert_int_equal(der.length, 0);
	/* A key that is none is refused before anything is signed. */
	assert_refused(csr_create(&subject, key.spki, key.spki_length - 1, NULL,
			       test_key_signer(&key), &der, &err),
		&err, "request: public key");
	assert_int_equal(key.signatures, 0);
	name_clear(&subject);
	buffer_free(&der);
	test_key_free(&key);
}

static void must_be_refused(const uint8_t *data, size_t length, void *context)
{
	struct csr csr = {0};
	struct error err;

	(void)context;
	if (csr_decode(data, length, &csr, &err)) {
		csr_clear(&csr);
		fail_msg("an altered request was taken");
	}
	assert_non_null(strstr(err.message, "request: "));
}

/* Everything in a request is signed or says how: no mutant may pass. */
static void mutants(void **state)
{
	static const enum signature_algorithm some[] = {SIGNATURE_RSA_SHA256, SIGNATURE_ED25519};
	struct buffer der = BUFFER_INIT(BUFFER_MAX);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
		struct test_key key = test_key_new(some[i]);

		buffer_reset(&der);
		create(&key, true, &der);
		test_mutate(&der, 3000, must_be_refused, NULL);
		test_key_free(&key);
	}
	buffer_free(&der);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_bytes_as_openssl),
		cmocka_unit_test(openssl_verifies),
		cmocka_unit_test(reads_own_and_openssl),
		cmocka_unit_test(says_what_is_wrong),
		cmocka_unit_test(passes_the_signer_s_error_on),
		cmocka_unit_test(mutants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
