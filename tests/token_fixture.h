/*
 * token_fixture: a vault in a workplace, initialised through the real module, and certificates of a test's own
 * authority for the keys in it.
 */
#ifndef PODPIS_TESTS_TOKEN_FIXTURE_H
#define PODPIS_TESTS_TOKEN_FIXTURE_H

#include "asn1/certificate.h"
#include "provision/slot.h"
#include "tests/asn1_support.h"
#include "tests/workplace.h"

#define TOKEN_PIN    "pin-1234"
#define TOKEN_SO_PIN "so-pin-1234"

/* Initialises the token of the [slot NAME] that podpis.conf has. */
static inline void token_init(struct workplace *workplace, const char *name, const char *label)
{
	struct slot_wish wish = {.name = name, .uninitialised = true};
	struct secret *pin = secret_new(TOKEN_PIN, strlen(TOKEN_PIN));
	struct secret *so_pin = secret_new(TOKEN_SO_PIN, strlen(TOKEN_SO_PIN));
	struct slot slot = {0};
	struct error err = {0};

	assert_done(slot_find(&workplace->context.modules, &wish, &slot, &err), &err);
	assert_done(slot_init_token(&slot, label, false, so_pin, pin, &err), &err);
	secret_free(pin);
	secret_free(so_pin);
}

/* Opens the token and logs in. */
static inline void token_open(struct workplace *workplace, const char *label, struct slot *slot)
{
	struct slot_wish wish = {.name = label};
	struct secret *pin = secret_new(TOKEN_PIN, strlen(TOKEN_PIN));
	struct error err = {0};

	assert_done(slot_open(&workplace->context.modules, &wish, slot, &err), &err);
	assert_done(slot_login(slot, pin, &err), &err);
	secret_free(pin);
}

/* A workplace whose only slot is a vault, initialised, with a login. Ended with token_end. */
static inline void token_begin(struct workplace *workplace, struct slot *slot)
{
	char text[256];

	workplace_begin(workplace);
	snprintf(text, sizeof(text), "[slot vault]\nstore = vault\npath = %s/vault.db\n",
		workplace->home);
	workplace_configure(workplace, text);
	token_init(workplace, "vault", "token");
	token_open(workplace, "token", slot);
}

static inline void token_end(struct workplace *workplace, struct slot *slot)
{
	slot_close(slot);
	workplace_end(workplace);
}

/* A certificate for that public key under this subject (DER; NULL: only the CN), by the key of an authority. */
static inline X509 *token_certify(const struct test_key *authority, X509 *issuer,
	const uint8_t *spki, size_t spki_length, X509_NAME *subject, const char *common_name,
	long seconds)
{
	static long serial = 100;
	const unsigned char *at = spki;
	EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)spki_length);
	X509_EXTENSION *usage = X509V3_EXT_conf_nid(
		NULL, NULL, NID_key_usage, "critical,digitalSignature,nonRepudiation");
	X509 *x509 = X509_new();

	assert_non_null(key);
	assert_int_equal(X509_set_version(x509, X509_VERSION_3), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x509), serial++), 1);
	if (subject != NULL)
		assert_int_equal(X509_set_subject_name(x509, subject), 1);
	else
		assert_int_equal(
			X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_UTF8,
				(const unsigned char *)common_name, -1, -1, 0),
			1);
	assert_int_equal(X509_set_issuer_name(x509, X509_get_subject_name(issuer)), 1);
	assert_non_null(
		X509_gmtime_adj(X509_getm_notBefore(x509), seconds > 0 ? -60 : seconds - 3600));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x509), seconds));
	assert_int_equal(X509_set_pubkey(x509, key), 1);
	assert_int_equal(X509_add_ext(x509, usage, -1), 1);
	assert_true(X509_sign(x509, authority->key, EVP_sha256()) > 0);
	X509_EXTENSION_free(usage);
	EVP_PKEY_free(key);
	return x509;
}

/* The authority itself. */
static inline X509 *token_authority(struct test_key *key, const char *common_name)
{
	X509 *x509 = test_certificate(key, common_name);
	X509_EXTENSION *constraints =
		X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:TRUE");

	X509_EXTENSION_free(X509_delete_ext(x509, 0));
	assert_int_equal(X509_add_ext(x509, constraints, -1), 1);
	X509_EXTENSION_free(constraints);
	assert_true(X509_sign(x509, key->key, EVP_sha256()) > 0);
	return x509;
}

static inline void token_decode(X509 *x509, struct certificate *out)
{
	struct buffer der = BUFFER_INIT(BUFFER_MAX);
	struct error err = {0};

	test_certificate_der(x509, &der);
	assert_done(certificate_decode(der.data, der.length, out, &err), &err);
	buffer_free(&der);
}

#endif
