/* Authorities of every kind of key: made, kept, certifying; and one that only pretends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/sandbox/authority.h"
#include "tests/sandbox_support.h"

static const char *const keys[] = {
	"rsa", "ec", "gost:CryptoPro-A", "gost:tc26-256-A", "gost:tc26-512-A", "gost:tc26-512-C"};
#define KEYS (sizeof keys / sizeof *keys)
#define EC   1 /* from here on: an RSA key takes long */

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

static bool chain_holds(X509 *root, X509 *leaf)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	bool ok = X509_STORE_add_cert(store, root) == 1 &&
		  X509_STORE_set_flags(
			  store, X509_V_FLAG_X509_STRICT | X509_V_FLAG_CHECK_SS_SIGNATURE) == 1 &&
		  X509_STORE_CTX_init(context, store, leaf, NULL) == 1 &&
		  X509_verify_cert(context) == 1;

	X509_STORE_CTX_free(context);
	X509_STORE_free(store);
	return ok;
}

static void certifying(void **state)
{
	(void)state;
	for (size_t i = 0; i < KEYS; i++) {
		const struct authority_plan root_plan = {
			AUTHORITY_ROOT, NULL, "root", "o", keys[i], 10, NULL};
		/* Each kind below another one, too. */
		const struct authority_plan plan = {
			AUTHORITY_ISSUER, NULL, "issuer", "o", keys[(i + 1) % KEYS], 10, NULL};
		struct authority root = {0}, issuer = {0}, stranger = {0};

		assert_true(authority_make(&root_plan, NULL, time(NULL), &root));
		assert_true(authority_make(&plan, &root, time(NULL), &issuer));
		assert_true(chain_holds(root.certificate, issuer.certificate));
		assert_int_equal(X509_verify(issuer.certificate, root.key), 1);
		assert_int_not_equal(X509_verify(issuer.certificate, issuer.key), 1);

		assert_true(authority_pretend(&root, &stranger));
		assert_ptr_equal(stranger.certificate, root.certificate);
		authority_clear(&issuer);
		assert_true(authority_make(&plan, &stranger, time(NULL), &issuer));
		assert_false(chain_holds(root.certificate, issuer.certificate));
		authority_clear(&stranger);
		authority_clear(&issuer);
		authority_clear(&root);
	}
}

static void lists(void **state)
{
	(void)state;
	for (size_t i = EC; i < KEYS; i++) {
		const struct authority_plan plan = {
			AUTHORITY_ROOT, NULL, "root", "o", keys[i], 10, NULL};
		struct authority root = {0};
		struct buffer der = BUFFER_INIT(65536);
		X509_CRL *list = X509_CRL_new(), *read;
		ASN1_TIME *now = ASN1_TIME_set(NULL, time(NULL));

		assert_true(authority_make(&plan, NULL, time(NULL), &root));
		assert_true(
			X509_CRL_set_version(list, X509_CRL_VERSION_2) &&
			X509_CRL_set_issuer_name(list, X509_get_subject_name(root.certificate)) &&
			X509_CRL_set1_lastUpdate(list, now) && X509_CRL_set1_nextUpdate(list, now));
		assert_true(authority_sign_list(&root, list, &der));
		const uint8_t *p = der.data;
		read = d2i_X509_CRL(NULL, &p, (long)der.length);
		assert_non_null(read);
		assert_int_equal(X509_CRL_verify(read, root.key), 1);
		X509_CRL_free(read);
		der.data[der.length - 1] ^= 1;
		p = der.data;
		read = d2i_X509_CRL(NULL, &p, (long)der.length);
		assert_true(read == NULL || X509_CRL_verify(read, root.key) != 1);
		X509_CRL_free(read);
		X509_CRL_free(list);
		ASN1_TIME_free(now);
		buffer_free(&der);
		authority_clear(&root);
	}
}

static void kept(void **state)
{
	struct store *store = ((struct bench *)*state)->sandbox.store;

	for (size_t i = EC; i < KEYS; i++) {
		char setting[16];
		const struct authority_plan plan = {
			AUTHORITY_ROOT, setting, "root", "o", keys[i], 10, NULL};
		struct authority made = {0}, again = {0}, below = {0};
		const struct authority_plan issuer = {
			AUTHORITY_ISSUER, NULL, "issuer", "o", "ec", 10, NULL};

		snprintf(setting, sizeof setting, "test%zu", i);
		assert_true(authority_open(store, &plan, NULL, &made));
		assert_true(authority_open(store, &plan, NULL, &again));
		assert_int_equal(X509_cmp(made.certificate, again.certificate), 0);
		/* The key, too: what it signs now is the first one's. */
		assert_true(authority_make(&issuer, &again, time(NULL), &below));
		assert_int_equal(X509_verify(below.certificate, made.key), 1);
		authority_clear(&below);
		authority_clear(&again);
		authority_clear(&made);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(certifying, setup, teardown),
		cmocka_unit_test_setup_teardown(lists, setup, teardown),
		cmocka_unit_test_setup_teardown(kept, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
