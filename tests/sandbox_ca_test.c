/* Two families of authorities: each certifies under its own name, and its list holds its own certificates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/sandbox/gost_key.h"
#include "tests/sandbox/issue.h"
#include "tests/sandbox_support.h"

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

/* A revoked certificate of that family, known to the store. */
static X509 *revoked(struct bench *bench, const struct ca_order *order)
{
	struct ca_certificate made;
	uint8_t hash[CODEC_SHA256];

	assert_true(ca_issue(bench->sandbox.ca, order, &made));
	codec_sha256(made.der, made.length, hash);
	store_run(bench->sandbox.store,
		"INSERT INTO certificates (hash, serial, der, spki, account, application, "
		"not_after) VALUES (?, ?, ?, x'', 'ivanov', 'x', ?)",
		"bbbi", hash, sizeof hash, made.serial, sizeof made.serial, made.der, made.length,
		made.not_after);
	issue_revoke(&bench->sandbox, hash, 1);
	const uint8_t *p = made.der;
	X509 *certificate = d2i_X509(NULL, &p, (long)made.length);
	OPENSSL_free(made.der);
	assert_non_null(certificate);
	return certificate;
}

static void each_has_its_own(void **state)
{
	struct bench *bench = *state;
	struct ca *ca = bench->sandbox.ca;
	struct profile_template templ;
	json_t *person = ivanov(), *fields = json_array();
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *leaves[CA_FAMILIES], *issuers[CA_FAMILIES];
	X509_REVOKED *entry;

	assert_true(profile_template_make(
		profile_by_name("individual"), person, "signature", &templ, fields));
	for (enum ca_family family = 0; family < CA_FAMILIES; family++) {
		struct ca_order order = {.family = family,
			.key = key,
			.templ = &templ,
			.crl_url = "http://127.0.0.1/crl"};
		struct buffer der = BUFFER_INIT(65536), chain = BUFFER_INIT(65536);
		uint8_t *leaf = NULL;

		leaves[family] = revoked(bench, &order);
		assert_true(ca_issued(ca, leaves[family]));
		assert_true(ca_issuer(ca, family, &der));
		int length = i2d_X509(leaves[family], &leaf);
		struct buffer leaf_der = {leaf, (size_t)length, (size_t)length, 65536, false};
		assert_true(ca_chain(ca, &leaf_der, &chain));
		assert_int_equal(chain.length, der.length);
		assert_memory_equal(chain.data, der.data, der.length);
		const uint8_t *p = der.data;
		issuers[family] = d2i_X509(NULL, &p, (long)der.length);
		assert_int_equal(X509_verify(leaves[family], X509_get0_pubkey(issuers[family])), 1);
		OPENSSL_free(leaf);
		buffer_free(&der);
		buffer_free(&chain);

		/* By a stranger of the same name. */
		order.foreign = true;
		X509 *foreign = revoked(bench, &order);
		assert_false(ca_issued(ca, foreign));
		X509_free(foreign);
	}
	assert_string_not_equal(ca_name(CA_ORDINARY), ca_name(CA_GOST));
	for (enum ca_family family = 0; family < CA_FAMILIES; family++) {
		struct buffer der = BUFFER_INIT(65536);

		assert_true(ca_crl(ca, family, false, &der));
		const uint8_t *p = der.data;
		X509_CRL *list = d2i_X509_CRL(NULL, &p, (long)der.length);
		assert_non_null(list);
		assert_int_equal(X509_CRL_verify(list, X509_get0_pubkey(issuers[family])), 1);
		for (enum ca_family of = 0; of < CA_FAMILIES; of++)
			assert_int_equal(
				X509_CRL_get0_by_cert(list, &entry, leaves[of]) == 1, of == family);
		X509_CRL_free(list);
		buffer_free(&der);
	}
	for (enum ca_family family = 0; family < CA_FAMILIES; family++) {
		X509_free(leaves[family]);
		X509_free(issuers[family]);
	}
	EVP_PKEY_free(key);
	profile_template_clear(&templ);
	json_decref(person);
	json_decref(fields);
}

static void the_key_decides(void **state)
{
	static const char *const sets[] = {"CryptoPro-A", "tc26-256-A", "tc26-512-B"};
	EVP_PKEY *key = EVP_EC_gen("P-256");

	(void)state;
	assert_int_equal(ca_family_of(NULL), CA_ORDINARY);
	assert_int_equal(ca_family_of(key), CA_ORDINARY);
	EVP_PKEY_free(key);
	for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
		struct gost_key *gost = gost_key_generate(sets[i]);
		struct buffer spki = BUFFER_INIT(1024);

		assert_true(gost_key_spki(gost, &spki));
		const uint8_t *p = spki.data;
		key = d2i_PUBKEY(NULL, &p, (long)spki.length);
		assert_non_null(key);
		assert_int_equal(ca_family_of(key), CA_GOST);
		EVP_PKEY_free(key);
		gost_key_free(gost);
		buffer_free(&spki);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_has_its_own, setup, teardown),
		cmocka_unit_test_setup_teardown(the_key_decides, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
