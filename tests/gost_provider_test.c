/*
 * OpenSSL verifies GOST R 34.10-2012 with the built-in provider and no engine: chains, CRLs, requests, CMS, all of them
 * made by OpenSSL's command with its GOST engine.
 */
#include "tests/asn1_support.h"

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "asn1/gost_provider.h"

static char folder[128];

/* Kind of key, parameter set and digest as the engine has them. */
static const struct kind {
	const char *algorithm, *set, *digest;
} kinds[] = {
	{"gost2012_256", "A", "md_gost12_256"},
	{"gost2012_256", "XB", "md_gost12_256"},
	{"gost2012_256", "TCA", "md_gost12_256"},
	{"gost2012_256", "TCC", "md_gost12_256"},
	{"gost2012_512", "A", "md_gost12_512"},
	{"gost2012_512", "C", "md_gost12_512"},
};

static const char script[] =
	"set -e\n"
	"export OPENSSL_CONF=$PWD/gost.cnf\n"
	"for name in root leaf other; do\n"
	"	openssl genpkey -algorithm $1 -pkeyopt paramset:$2 -out $name.key\n"
	"done\n"
	"openssl req -x509 -new -key root.key -subj /CN=root -days 30 -out root.pem\n"
	"openssl req -x509 -new -key other.key -subj /CN=root -days 30 -out other.pem\n"
	"openssl req -new -key leaf.key -subj /CN=leaf -out leaf.csr\n"
	"openssl x509 -req -in leaf.csr -CA root.pem -CAkey root.key -set_serial 2 -days 10 -out "
	"leaf.pem\n"
	": >index\n"
	"openssl ca -gencrl -config ca.cnf -cert root.pem -keyfile root.key -md $3 -out root.crl\n"
	"openssl cms -sign -binary -md $3 -signer leaf.pem -inkey leaf.key -in ca.cnf -outform DER "
	"-out ca.p7s\n"
	"openssl cms -sign -binary -noattr -md $3 -signer leaf.pem -inkey leaf.key -in ca.cnf "
	"-outform DER -out plain.p7s\n";

static const char gost_configuration[] =
	"openssl_conf = all\n[all]\nengines = engines\n[engines]\ngost = gost\n"
	"[gost]\nengine_id = gost\ndefault_algorithms = ALL\n"
	"[req]\ndistinguished_name = name\nx509_extensions = ca\n[name]\n"
	"[ca]\nbasicConstraints = critical,CA:TRUE\nkeyUsage = critical,keyCertSign,cRLSign\n";

static const char ca_configuration[] = "openssl_conf = all\n[all]\nengines = engines\n"
				       "[engines]\ngost = gost\n"
				       "[gost]\nengine_id = gost\ndefault_algorithms = ALL\n"
				       "[ca]\ndefault_ca = root\n"
				       "[root]\ndatabase = index\ndefault_crl_days = 5\n";

static FILE *file(const char *name)
{
	char path[256];
	FILE *opened;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	opened = fopen(path, "rb");
	assert_non_null(opened);
	return opened;
}

static X509 *certificate(const char *name)
{
	FILE *in = file(name);
	X509 *x509 = PEM_read_X509(in, NULL, NULL, NULL);

	fclose(in);
	assert_non_null(x509);
	return x509;
}

static int verify_chain(X509 *leaf, X509 *root, X509_CRL *crl)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	int result;

	assert_int_equal(X509_STORE_add_cert(store, root), 1);
	if (crl != NULL) {
		assert_int_equal(X509_STORE_add_crl(store, crl), 1);
		assert_int_equal(X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK), 1);
	}
	assert_int_equal(X509_STORE_CTX_init(context, store, leaf, NULL), 1);
	result = X509_verify_cert(context) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(context);
	X509_STORE_CTX_free(context);
	X509_STORE_free(store);
	ERR_clear_error();
	return result;
}

static void check_chain(void)
{
	X509 *root = certificate("root.pem"), *other = certificate("other.pem"),
	     *leaf = certificate("leaf.pem");
	FILE *in = file("root.crl");
	X509_CRL *crl = PEM_read_X509_CRL(in, NULL, NULL, NULL);

	fclose(in);
	assert_int_equal(EVP_PKEY_get_bits(X509_get0_pubkey(leaf)) % 256, 0);
	assert_int_equal(verify_chain(leaf, root, NULL), X509_V_OK);
	assert_int_equal(verify_chain(leaf, root, crl), X509_V_OK);
	/* The same name, another key. */
	assert_int_not_equal(verify_chain(leaf, other, NULL), X509_V_OK);
	assert_int_equal(X509_CRL_verify(crl, X509_get0_pubkey(root)), 1);
	assert_int_equal(X509_CRL_verify(crl, X509_get0_pubkey(other)), 0);
	assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(root), X509_get0_pubkey(root)), 1);
	assert_int_not_equal(EVP_PKEY_eq(X509_get0_pubkey(root), X509_get0_pubkey(other)), 1);
	X509_CRL_free(crl);
	X509_free(root);
	X509_free(other);
	X509_free(leaf);
	ERR_clear_error();
}

static void check_request(void)
{
	X509 *leaf = certificate("leaf.pem"), *other = certificate("other.pem");
	FILE *in = file("leaf.csr");
	X509_REQ *request = PEM_read_X509_REQ(in, NULL, NULL, NULL);

	fclose(in);
	assert_non_null(request);
	assert_int_equal(X509_REQ_verify(request, X509_REQ_get0_pubkey(request)), 1);
	assert_int_equal(X509_REQ_verify(request, X509_get0_pubkey(leaf)), 1);
	assert_int_not_equal(X509_REQ_verify(request, X509_get0_pubkey(other)), 1);
	X509_REQ_free(request);
	X509_free(leaf);
	X509_free(other);
	ERR_clear_error();
}

static int verify_cms(const char *name, const char *content, size_t length)
{
	FILE *in = file(name);
	BIO *bio = BIO_new_fp(in, BIO_CLOSE);
	CMS_ContentInfo *cms = d2i_CMS_bio(bio, NULL);
	BIO *data = BIO_new_mem_buf(content, (int)length);
	X509_STORE *store = X509_STORE_new();
	X509 *root = certificate("root.pem");
	int result;

	BIO_free(bio);
	assert_non_null(cms);
	assert_int_equal(X509_STORE_add_cert(store, root), 1);
	assert_int_equal(X509_STORE_set_purpose(store, X509_PURPOSE_ANY), 1);
	result = CMS_verify(cms, NULL, store, data, NULL, CMS_BINARY);
	X509_free(root);
	X509_STORE_free(store);
	BIO_free(data);
	CMS_ContentInfo_free(cms);
	ERR_clear_error();
	return result;
}

static void everything(void **state)
{
	static const char *const signatures[] = {"ca.p7s", "plain.p7s"};
	size_t length = sizeof(ca_configuration) - 1;

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		assert_int_equal(test_run("cd %s && sh -c '. ./make' make %s %s %s >log 2>&1 || "
					  "{ cat log >&2; exit 1; }",
					 folder, kinds[i].algorithm, kinds[i].set, kinds[i].digest),
			0);
		check_chain();
		check_request();
		for (size_t j = 0; j < 2; j++) {
			assert_int_equal(verify_cms(signatures[j], ca_configuration, length), 1);
			assert_int_not_equal(
				verify_cms(signatures[j], ca_configuration, length - 1), 1);
		}
	}
}

static void digests(void **state)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	size_t length = 0;

	(void)state;
	/* RFC 6986, 10.1.2 */
	assert_int_equal(EVP_Q_digest(NULL, "md_gost12_256", NULL,
				 "012345678901234567890123456789012345678901234567890123456789012",
				 63, digest, &length),
		1);
	assert_int_equal(length, 32);
	assert_memory_equal(digest, "\x9d\x15\x1e\xef\xd8\x59\x0b\x89", 8);
	assert_int_equal(
		EVP_Q_digest(NULL, "1.2.643.7.1.1.2.3", NULL, "abc", 3, digest, &length), 1);
	assert_int_equal(length, 64);
	assert_memory_equal(digest, "\x28\x15\x6e\x28\x31\x7d\xa7\xc9", 8);
	/* What was there is there. */
	assert_int_equal(EVP_Q_digest(NULL, "SHA256", NULL, "abc", 3, digest, &length), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests),
		cmocka_unit_test(everything),
	};
	struct gost_provider *provider;
	int result;

	test_folder(folder);
	test_write(folder, "gost.cnf", gost_configuration, sizeof(gost_configuration) - 1);
	test_write(folder, "ca.cnf", ca_configuration, sizeof(ca_configuration) - 1);
	test_write(folder, "make", script, sizeof(script) - 1);
	if (test_run("OPENSSL_CONF=%s/gost.cnf openssl dgst -md_gost12_256 /dev/null >/dev/null "
		     "2>&1",
		    folder) != 0) {
		puts("no GOST engine for OpenSSL: skipped");
		result = 77;
	} else {
		unsetenv("OPENSSL_CONF");
		provider = gost_provider_load();
		result = provider != NULL ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
		gost_provider_unload(provider);
	}
	test_run("rm -r %s", folder);
	return result;
}
