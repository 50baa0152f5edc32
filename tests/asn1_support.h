/*
 * asn1_support: what the tests of asn1/ share: keys made by OpenSSL that sign as a token would, a seeded
 * mutation of structures, and running other programs in a temporary folder.
 */
#ifndef PODPIS_TESTS_ASN1_SUPPORT_H
#define PODPIS_TESTS_ASN1_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "asn1/signer.h"

#define BUFFER_MAX (1u << 20)

struct test_key {
	EVP_PKEY *key;
	struct signer signer;
	uint8_t *spki;
	size_t spki_length;
	unsigned signatures; /* made so far */
};

static inline bool test_key_sign(void *context, const uint8_t *data, size_t length,
	struct buffer *signature, struct error *err)
{
	static const char *const digests[] = {
		[SIGNATURE_RSA_SHA256] = "SHA256",
		[SIGNATURE_RSA_SHA384] = "SHA384",
		[SIGNATURE_RSA_SHA512] = "SHA512",
		[SIGNATURE_ECDSA_SHA256] = "SHA256",
		[SIGNATURE_ECDSA_SHA384] = "SHA384",
		[SIGNATURE_ECDSA_SHA512] = "SHA512",
		[SIGNATURE_ED25519] = NULL,
	};
	struct test_key *key = context;
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t bytes[1024];
	size_t size = sizeof(bytes);

	assert_int_equal(EVP_DigestSignInit_ex(md, NULL, digests[key->signer.algorithm], NULL, NULL,
				 key->key, NULL),
		1);
	assert_int_equal(EVP_DigestSign(md, bytes, &size, data, length), 1);
	EVP_MD_CTX_free(md);
	key->signatures++;
	if (!buffer_append(signature, bytes, size))
		return error_set(err, ERROR_FAILED, "too large");
	return true;
}

static inline struct test_key test_key_of(EVP_PKEY *pkey, enum signature_algorithm algorithm)
{
	struct test_key key = {
		.key = pkey, .signer = {.algorithm = algorithm, .sign = test_key_sign}};
	int length = i2d_PUBKEY(pkey, &key.spki);

	assert_true(length > 0);
	key.spki_length = (size_t)length;
	return key;
}

static inline struct test_key test_key_new(enum signature_algorithm algorithm)
{
	static const char *const curves[] = {
		[SIGNATURE_ECDSA_SHA256] = "P-256",
		[SIGNATURE_ECDSA_SHA384] = "P-384",
		[SIGNATURE_ECDSA_SHA512] = "P-521",
	};
	EVP_PKEY *pkey;

	if (algorithm <= SIGNATURE_RSA_SHA512)
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
	else if (algorithm == SIGNATURE_ED25519)
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	else
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", curves[algorithm]);
	assert_non_null(pkey);
	return test_key_of(pkey, algorithm);
}

/* The signer for as long as `key` stays where it is. */
static inline const struct signer *test_key_signer(struct test_key *key)
{
	key->signer.context = key;
	return &key->signer;
}

static inline void test_key_free(struct test_key *key)
{
	OPENSSL_free(key->spki);
	EVP_PKEY_free(key->key);
}

/* A certificate for the key, by OpenSSL, signed with itself. It may sign documents, as the profile has it. */
static inline X509 *test_certificate(const struct test_key *key, const char *common_name)
{
	X509 *x509 = X509_new();
	X509_NAME *name = X509_get_subject_name(x509);
	X509_EXTENSION *usage = X509V3_EXT_conf_nid(
		NULL, NULL, NID_key_usage, "critical,digitalSignature,nonRepudiation");

	assert_int_equal(X509_set_version(x509, 2), 1);
	assert_int_equal(ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), 0x80000001), 1);
	assert_int_equal(X509_NAME_add_entry_by_txt(
				 name, "C", MBSTRING_UTF8, (const unsigned char *)"RU", -1, -1, 0),
		1);
	assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
				 (const unsigned char *)common_name, -1, -1, 0),
		1);
	assert_int_equal(X509_set_issuer_name(x509, name), 1);
	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x509), -60));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x509), 86400));
	assert_int_equal(X509_set_pubkey(x509, key->key), 1);
	assert_int_equal(X509_add_ext(x509, usage, -1), 1);
	X509_EXTENSION_free(usage);
	assert_true(X509_sign(x509, key->key,
			    key->signer.algorithm == SIGNATURE_ED25519 ? NULL : EVP_sha256()) > 0);
	return x509;
}

static inline void test_certificate_der(X509 *x509, struct buffer *der)
{
	uint8_t *bytes = NULL;
	int length = i2d_X509(x509, &bytes);

	assert_true(length > 0);
	assert_true(buffer_append(der, bytes, (size_t)length));
	OPENSSL_free(bytes);
}

/* Fails with the message that the function gave. */
#define assert_done(call, err)                                                                     \
	do {                                                                                       \
		if (!(call))                                                                       \
			fail_msg("%s: %s", #call, (err)->message);                                 \
	} while (0)

/* Refused, and the message has these words. */
#define assert_refused(call, err, words)                                                           \
	do {                                                                                       \
		*(err) = (struct error){0};                                                        \
		assert_false(call);                                                                \
		assert_int_not_equal((err)->code, ERROR_NONE);                                     \
		if (strstr((err)->message, (words)) == NULL)                                       \
			fail_msg("\"%s\" does not say \"%s\"", (err)->message, (words));           \
	} while (0)

static inline void assert_bytes(
	const struct buffer *buffer, const void *expected, size_t expected_length)
{
	assert_int_equal(buffer->length, expected_length);
	assert_memory_equal(buffer->data, expected, expected_length);
}

/* The place of some bytes, which must be there once. */
static inline size_t test_find(
	const uint8_t *data, size_t length, const void *wanted, size_t wanted_length)
{
	const uint8_t *found = memmem(data, length, wanted, wanted_length);

	assert_non_null(found);
	assert_null(memmem(found + 1, length - (size_t)(found + 1 - data), wanted, wanted_length));
	return (size_t)(found - data);
}

/* xorshift64: the same mutants in every run. */
static inline uint64_t test_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static inline size_t test_mutate_once(uint8_t *data, size_t length, size_t max, uint64_t *state)
{
	static const uint8_t edges[] = {0x00, 0x01, 0x7f, 0x80, 0x81, 0x82, 0x84, 0xff, 0x30, 0x31,
		0xa0, 0x02, 0x03, 0x04, 0x05, 0x06, 0x17, 0x18};
	size_t at = (size_t)(test_random(state) % length), run;

	switch (test_random(state) % 7) {
	case 0:
		data[at] ^= (uint8_t)(1u << test_random(state) % 8);
		return length;
	case 1:
		data[at] = (uint8_t)test_random(state);
		return length;
	case 2:
		data[at] = edges[test_random(state) % sizeof(edges)];
		return length;
	case 3: /* cut */
		return at > 0 ? at : 1;
	case 4: /* take out */
		run = 1 + (size_t)(test_random(state) % 8);
		if (run > length - at || run >= length)
			return length;
		memmove(data + at, data + at + run, length - at - run);
		return length - run;
	case 5: /* repeat */
		run = 1 + (size_t)(test_random(state) % 16);
		if (run > length - at || run > max - length)
			return length;
		memmove(data + at + run, data + at, length - at);
		return length + run;
	default: /* swap */
		run = (size_t)(test_random(state) % length);
		if (data[run] != data[at]) {
			uint8_t kept = data[run];

			data[run] = data[at];
			data[at] = kept;
		}
		return length;
	}
}

/*
 * Gives `rounds` mutants to the function, each in memory of exactly its size, so that a sanitizer sees the
 * first byte read too far.
 */
static inline void test_mutate(const struct buffer *original, unsigned rounds,
	void (*try)(const uint8_t *data, size_t length, void *context), void *context)
{
	uint64_t state = 0x706f64706973u;
	size_t max = original->length + 64, length;
	uint8_t *scratch = malloc(max), *exact;
	unsigned i, steps;

	assert_non_null(scratch);
	for (i = 0; i < rounds; i++) {
		memcpy(scratch, original->data, original->length);
		length = original->length;
		for (steps = 1 + (unsigned)(test_random(&state) % 3); steps > 0; steps--)
			length = test_mutate_once(scratch, length, max, &state);
		if (length == original->length && memcmp(scratch, original->data, length) == 0)
			continue;
		exact = malloc(length);
		assert_non_null(exact);
		memcpy(exact, scratch, length);
		try(exact, length, context);
		free(exact);
	}
	free(scratch);
}

/* Programs of others. */

static inline void test_folder(char path[128])
{
	const char *base = getenv("TMPDIR");

	snprintf(path, 128, "%.100s/podpis-asn1-XXXXXX", base != NULL ? base : "/tmp");
	assert_non_null(mkdtemp(path));
}

static inline int test_run(const char *format, ...) __attribute__((format(printf, 1, 2)));

static inline int test_run(const char *format, ...)
{
	char command[4096];
	va_list ap;

	va_start(ap, format);
	assert_true(vsnprintf(command, sizeof(command), format, ap) < (int)sizeof(command));
	va_end(ap);
	return system(command);
}

static inline void test_write(const char *folder, const char *name, const void *data, size_t length)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

static inline void test_read(const char *folder, const char *name, struct buffer *data)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	buffer_reset(data);
	assert_true(buffer_read_file(data, path));
}

/* What `openssl req` makes with that key, this configuration and these arguments: a request, or a certificate. */
static inline void test_openssl_req(const struct test_key *key, const char *configuration,
	const char *arguments, struct buffer *der)
{
	char folder[128], path[256];
	BIO *file;

	test_folder(folder);
	snprintf(path, sizeof(path), "%s/key.pem", folder);
	file = BIO_new_file(path, "wb");
	assert_int_equal(PEM_write_bio_PrivateKey(file, key->key, NULL, NULL, 0, NULL, NULL), 1);
	BIO_free(file);
	test_write(folder, "req.cnf", configuration, strlen(configuration));
	assert_int_equal(test_run("cd %s && openssl req -config req.cnf -key key.pem %s -outform "
				  "DER -out made",
				 folder, arguments),
		0);
	test_read(folder, "made", der);
	assert_int_equal(test_run("rm -r %s", folder), 0);
}

#endif
