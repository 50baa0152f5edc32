#include "tests/asn1_support.h"

#include <openssl/bio.h>
#include <openssl/pem.h>

#include "asn1/cms.h"
#include "asn1/extension.h"
#include "provision/chain.h"
#include "provision/crls.h"
#include "provision/signature_check.h"

#define DAY 86400L

static char folder[128];
static const char content[] = "Договор\n";

/* A root, an authority below it, and a person. */
struct party {
	struct test_key key;
	X509 *x509;
	struct buffer der;
};

static struct world {
	struct party root, authority, person, stranger;
	struct certificates anchors, others, none;
	time_t now;
} world;

static void add_extension(X509 *x509, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert_non_null(extension);
	assert_int_equal(X509_add_ext(x509, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

static void add_key_period(X509 *x509, time_t end)
{
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	struct buffer der = BUFFER_INIT(256);
	X509_EXTENSION *extension;
	struct error err;

	assert_done(key_period_encode(0, end, &der, &err), &err);
	ASN1_OCTET_STRING_set(value, der.data, (int)der.length);
	extension = X509_EXTENSION_create_by_NID(NULL, NID_private_key_usage_period, 0, value);
	assert_int_equal(X509_add_ext(x509, extension, -1), 1);
	X509_EXTENSION_free(extension);
	ASN1_OCTET_STRING_free(value);
	buffer_free(&der);
}

static void party_new(
	struct party *party, const char *name, const struct party *issuer, bool person)
{
	X509_NAME *subject = X509_NAME_new();
	static long serial = 1;

	party->key = test_key_new(SIGNATURE_ECDSA_SHA256);
	party->der = BUFFER_INIT(BUFFER_MAX);
	party->x509 = X509_new();
	X509_set_version(party->x509, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(party->x509), serial++);
	X509_NAME_add_entry_by_txt(
		subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0);
	X509_set_subject_name(party->x509, subject);
	X509_set_issuer_name(
		party->x509, issuer != NULL ? X509_get_subject_name(issuer->x509) : subject);
	ASN1_TIME_set(X509_getm_notBefore(party->x509), world.now - 10 * DAY);
	ASN1_TIME_set(X509_getm_notAfter(party->x509), world.now + 10 * DAY);
	X509_set_pubkey(party->x509, party->key.key);
	add_extension(party->x509, NID_key_usage,
		person ? "critical,digitalSignature" : "critical,keyCertSign,cRLSign");
	if (!person)
		add_extension(party->x509, NID_basic_constraints, "critical,CA:TRUE");
	else
		add_key_period(party->x509, world.now - 5 * DAY);
	assert_true(X509_sign(party->x509, (issuer != NULL ? issuer : party)->key.key,
			    EVP_sha256()) > 0);
	test_certificate_der(party->x509, &party->der);
	X509_NAME_free(subject);
}

static void party_free(struct party *party)
{
	test_key_free(&party->key);
	X509_free(party->x509);
	buffer_free(&party->der);
}

/* A revocation list of that authority, which ends `days` from now and has the person on it or not. */
static X509_CRL *make_crl(const struct party *by, long days, bool revoked)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *begin = ASN1_TIME_set(NULL, world.now - 9 * DAY);
	ASN1_TIME *end = ASN1_TIME_set(NULL, world.now + days * DAY);

	X509_CRL_set_version(crl, X509_CRL_VERSION_2);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(by->x509));
	X509_CRL_set1_lastUpdate(crl, begin);
	X509_CRL_set1_nextUpdate(crl, end);
	if (revoked) {
		X509_REVOKED *entry = X509_REVOKED_new();

		X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(world.person.x509));
		X509_REVOKED_set_revocationDate(entry, begin);
		X509_CRL_add0_revoked(crl, entry);
	}
	assert_true(X509_CRL_sign(crl, by->key.key, EVP_sha256()) > 0);
	ASN1_TIME_free(begin);
	ASN1_TIME_free(end);
	return crl;
}

static void crl_der(X509_CRL *crl, struct buffer *der)
{
	uint8_t *bytes = NULL;
	int length = i2d_X509_CRL(crl, &bytes);

	assert_true(length > 0 && buffer_append(der, bytes, (size_t)length));
	OPENSSL_free(bytes);
}

static int setup(void **state)
{
	struct error err;

	(void)state;
	test_folder(folder);
	test_write(folder, "content", content, sizeof(content) - 1);
	test_write(folder, "other", "x", 1);
	world.now = time(NULL);
	party_new(&world.root, "root", NULL, false);
	party_new(&world.authority, "authority", &world.root, false);
	party_new(&world.person, "person", &world.authority, true);
	party_new(&world.stranger, "stranger", NULL, false);
	assert_done(
		certificates_read(world.root.der.data, world.root.der.length, &world.anchors, &err),
		&err);
	assert_done(certificates_read(world.authority.der.data, world.authority.der.length,
			    &world.others, &err),
		&err);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	party_free(&world.root);
	party_free(&world.authority);
	party_free(&world.person);
	party_free(&world.stranger);
	certificates_clear(&world.anchors);
	certificates_clear(&world.others);
	return test_run("rm -r %s", folder);
}

/* The person signs, at that time, with or without certificates in it. */
static struct cms_signed *sign(time_t when, size_t certificates)
{
	const struct cms_certificate list[] = {{world.person.der.data, world.person.der.length},
		{world.authority.der.data, world.authority.der.length}};
	uint8_t identifier[20];
	struct cms_signing signing = {
		.signer = test_key_signer(&world.person.key),
		.certificates = list,
		.certificate_count = certificates,
		.key_identifier = identifier,
		.key_identifier_length = sizeof(identifier),
		.signing_time = when,
	};
	struct buffer der = BUFFER_INIT(BUFFER_MAX);
	struct cms_signed *signed_data;
	unsigned length = 0;
	struct error err;

	assert_int_equal(X509_pubkey_digest(world.person.x509, EVP_sha1(), identifier, &length), 1);
	assert_done(cms_sign(&signing, (const uint8_t *)content, sizeof(content) - 1, &der, &err),
		&err);
	assert_done(cms_open(der.data, der.length, &signed_data, &err), &err);
	buffer_free(&der);
	return signed_data;
}

static char path[256];
static struct signature_content document;

static struct signature_question question(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	document = (struct signature_content){.path = path};
	return (struct signature_question){
		.content = &document,
		.anchors = &world.anchors,
		.others = &world.none,
		.when = world.now,
	};
}

/* NULL: valid; else the one finding's field. */
static void judge(struct cms_signed *signed_data, const struct signature_question *ask,
	const char *field, const char *words)
{
	struct signature_verdict verdict;
	struct error err;

	assert_done(signature_check(signed_data, 0, ask, &verdict, &err), &err);
	if (field == NULL) {
		if (verdict.findings.count > 0)
			fail_msg("%s", verdict.findings.list[0].text);
		assert_true(verdict.verified && verdict.signer.cades);
		return;
	}
	assert_int_equal(verdict.findings.count, 1);
	assert_string_equal(verdict.findings.list[0].field, field);
	if (strstr(verdict.findings.list[0].text, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", verdict.findings.list[0].text, words);
}

static void judges(void **state)
{
	struct cms_signed *good = sign(world.now - 7 * DAY, 2), *late = sign(world.now, 2),
			  *lonely = sign(world.now - 7 * DAY, 1), *bare = sign(world.now, 0);
	struct certificate pair[2];
	struct certificates person = {0}, other = {0}, both = {2, pair};
	struct signature_question ask = question("content");
	struct signature_verdict verdict;
	struct error err;

	(void)state;
	judge(good, &ask, NULL, NULL);
	/* The key's period is for signing: it is over now, and was not then. */
	judge(late, &ask, "dates", "the key may be used only until");
	judge(lonely, &ask, "chain", "the chain does not lead to an anchor");
	ask.others = &world.others;
	judge(lonely, &ask, NULL, NULL);
	judge(bare, &ask, "certificate", "not in the file (key identifier ");
	assert_done(
		certificates_read(world.person.der.data, world.person.der.length, &person, &err),
		&err);
	pair[0] = person.list[0];
	pair[1] = world.others.list[0];
	ask.others = &both;
	judge(bare, &ask, "dates", "the key may be used only until");

	ask = question("other");
	judge(good, &ask, "signature", "the content is not the one that was signed");
	ask = question("none");
	assert_false(signature_check(good, 0, &ask, &verdict, &err));
	assert_non_null(strstr(err.message, "none: No such file"));
	ask = question("content");
	ask.content = NULL;
	judge(good, &ask, "signature", "no content was given");

	ask = question("content");
	assert_done(
		certificates_read(world.stranger.der.data, world.stranger.der.length, &other, &err),
		&err);
	ask.anchors = &other;
	judge(good, &ask, "chain", "does not lead to an anchor");
	ask.anchors = &world.anchors;
	ask.when = world.now + 11 * DAY;
	assert_done(signature_check(good, 0, &ask, &verdict, &err), &err);
	assert_string_equal(verdict.findings.list[0].field, "dates");
	assert_non_null(strstr(verdict.findings.list[0].text, "the certificate ended on"));
	certificates_clear(&person);
	certificates_clear(&other);
	cms_close(good);
	cms_close(late);
	cms_close(lonely);
	cms_close(bare);
}

static void looks_into_lists(void **state)
{
	static const struct {
		const char *by; /* whose list */
		long days;
		bool revoked;
		const char *field, *words;
	} cases[] = {
		{"authority", 5, false, NULL, NULL},
		{"authority", 5, true, "revocation", "revoked on 20"},
		{"authority", -1, false, "revocation", "the revocation list ended on 20"},
		{"stranger", 5, true, "revocation", "no revocation list of its issuer"},
		{"root", 5, false, "revocation", "no revocation list of its issuer"},
		{"forger", 5, false, "revocation", "the revocation list's signature"},
	};
	struct cms_signed *signed_data = sign(world.now - 7 * DAY, 2);
	struct signature_question ask = question("content");
	struct party forger = {.x509 = world.authority.x509, .key = world.stranger.key};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct party *by = strcmp(cases[i].by, "authority") == 0  ? &world.authority
					 : strcmp(cases[i].by, "stranger") == 0 ? &world.stranger
					 : strcmp(cases[i].by, "root") == 0     ? &world.root
										: &forger;
		X509_CRL *crl = make_crl(by, cases[i].days, cases[i].revoked);
		struct buffer der = BUFFER_INIT(BUFFER_MAX);
		struct crls crls = {0};
		struct error err;

		crl_der(crl, &der);
		assert_done(crls_add(&crls, der.data, der.length, &err), &err);
		ask.crls = &crls;
		judge(signed_data, &ask, cases[i].field, cases[i].words);
		X509_CRL_free(crl);
		buffer_free(&der);
		crls_clear(&crls);
	}
	cms_close(signed_data);
}

static void lists_from_files(void **state)
{
	X509_CRL *crl = make_crl(&world.authority, 5, false);
	struct buffer der = BUFFER_INIT(BUFFER_MAX);
	BIO *pem = BIO_new(BIO_s_mem());
	struct crls crls = {0};
	char file[256], *text;
	struct error err;
	long length;

	(void)state;
	crl_der(crl, &der);
	assert_int_equal(test_run("mkdir %s/lists %s/empty", folder, folder), 0);
	test_write(folder, "lists/a.crl", der.data, der.length);
	PEM_write_bio_X509_CRL(pem, crl);
	PEM_write_bio_X509_CRL(pem, crl);
	length = BIO_get_mem_data(pem, &text);
	test_write(folder, "lists/b.pem", text, (size_t)length);
	test_write(folder, "lists/README", "text", 4);
	snprintf(file, sizeof(file), "%s/lists", folder);
	assert_done(crls_load(&crls, file, &err), &err);
	assert_int_equal(sk_X509_CRL_num(crls.list), 3);
	crls_clear(&crls);
	snprintf(file, sizeof(file), "%s/lists/README", folder);
	assert_refused(crls_load(&crls, file, &err), &err, "not a revocation list");
	snprintf(file, sizeof(file), "%s/empty", folder);
	assert_refused(crls_load(&crls, file, &err), &err, "no revocation list in it");
	snprintf(file, sizeof(file), "%s/nothing", folder);
	assert_refused(crls_load(&crls, file, &err), &err, "No such file");
	/* More behind the end. */
	buffer_append(&der, "x", 1);
	assert_refused(crls_add(&crls, der.data, der.length, &err), &err, "not a revocation list");
	assert_null(crls.list);
	BIO_free(pem);
	X509_CRL_free(crl);
	buffer_free(&der);
}

static void reads_every_form(void **state)
{
	static const uint8_t bytes[] = {0x30, 0x82, 0x01, 0x00};
	struct buffer out = BUFFER_INIT(SIGNATURE_MAX);
	char file[256];
	struct error err;
	size_t i;
	static const struct {
		const char *text, *says; /* NULL: the bytes above */
	} cases[] = {
		{"MIIB\r\nAA==\n", NULL},
		{"-----BEGIN CMS-----\nMIIBAA==\n-----END CMS-----\n", NULL},
		{"text\n-----BEGIN PKCS7-----\nMIIBAA==\n-----END PKCS7-----\n", NULL},
		{"MI!", "damaged base64"},
		{"-----BEGIN CERTIFICATE-----\nMIIBAA==\n-----END CERTIFICATE-----\n",
			"not a signature but PEM \"CERTIFICATE\""},
		{"-----BEGIN CMS-----\nMIIB", "damaged PEM"},
		{"%PDF", "not a signature"},
		{"", "an empty file"},
	};

	(void)state;
	snprintf(file, sizeof(file), "%s/form", folder);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buffer_reset(&out);
		test_write(folder, "form", cases[i].text, strlen(cases[i].text));
		if (cases[i].says == NULL) {
			assert_done(signature_read(file, &out, &err), &err);
			assert_bytes(&out, bytes, sizeof(bytes));
		} else {
			assert_refused(signature_read(file, &out, &err), &err, cases[i].says);
			assert_int_equal(err.code, ERROR_USAGE);
		}
	}
	buffer_free(&out);
}

/* An authority without the root above it may be the anchor; what was verified is given as a path. */
static void chains(void **state)
{
	struct certificate person = {0};
	struct chain chain = {
		.anchors = &world.anchors, .others = &world.others, .when = world.now};
	size_t way[4], count = 9;
	struct error err;

	(void)state;
	assert_done(
		certificate_decode(world.person.der.data, world.person.der.length, &person, &err),
		&err);
	assert_done(chain_verify(&chain, &person, way, 4, &count, &err), &err);
	assert_int_equal(count, 1);
	assert_int_equal(way[0], 0);
	chain.anchors = &world.others;
	chain.others = &world.none;
	assert_done(chain_verify(&chain, &person, way, 4, &count, &err), &err);
	assert_int_equal(count, 0);
	chain.when = world.now + 20 * DAY;
	assert_refused(chain_verify(&chain, &person, NULL, 0, NULL, &err), &err, "expired");
	/* The person's own dates are forgiven, the authority's are not. */
	chain.leaf_dates_known = true;
	assert_refused(chain_verify(&chain, &person, NULL, 0, NULL, &err), &err,
		"an authority above: certificate has expired");
	certificate_clear(&person);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(judges),
		cmocka_unit_test(looks_into_lists),
		cmocka_unit_test(lists_from_files),
		cmocka_unit_test(reads_every_form),
		cmocka_unit_test(chains),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
