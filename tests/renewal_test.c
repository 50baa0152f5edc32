#include "tests/asn1_support.h"

#include <time.h>

#include "provision/certificate_check.h"
#include "provision/flow/renewal.h"
#include "tests/workplace.h"

#define DAY 86400L

static struct workplace workplace;
static struct test_key ec, rsa;
static struct flow flow;
static time_t now;

static int setup(void **state)
{
	struct error err = {0};

	(void)state;
	now = time(NULL);
	ec = test_key_new(SIGNATURE_ECDSA_SHA256);
	rsa = test_key_new(SIGNATURE_RSA_SHA256);
	workplace_begin(&workplace);
	return flow_new(&workplace.context, &flow, &err) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	flow_close(&flow);
	workplace_end(&workplace);
	test_key_free(&ec);
	test_key_free(&rsa);
	return 0;
}

/* Ends so many days from now, and the key's period as well, where that is not 0. */
static X509 *make(const struct test_key *key, const char *name, long days, long key_days)
{
	X509 *x509 = test_certificate(key, name);
	PKEY_USAGE_PERIOD *period = PKEY_USAGE_PERIOD_new();

	assert_non_null(X509_time_adj_ex(X509_getm_notBefore(x509), -900, 0, &now));
	assert_non_null(X509_time_adj_ex(X509_getm_notAfter(x509), (int)days, 0, &now));
	if (key_days != 0) {
		period->notAfter = ASN1_GENERALIZEDTIME_set(NULL, now + key_days * DAY);
		assert_int_equal(X509_add1_ext_i2d(x509, NID_private_key_usage_period, period, 0,
					 X509V3_ADD_DEFAULT),
			1);
	}
	assert_true(X509_sign(x509, key->key, EVP_sha256()) > 0);
	PKEY_USAGE_PERIOD_free(period);
	return x509;
}

static char *pem_of(X509 *x509)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data, *text;
	long length;

	assert_int_equal(PEM_write_bio_X509(bio, x509), 1);
	length = BIO_get_mem_data(bio, &data);
	text = strndup(data, (size_t)length);
	BIO_free(bio);
	X509_free(x509);
	return text;
}

/* An application with that certificate, in the journal; its id. */
static int64_t hold(X509 *x509, int64_t renews, enum flow_state installed)
{
	struct journal_application row = {
		.renews = renews, .state = installed, .installed = installed == STATE_INSTALLED};
	struct error err = {0};
	int64_t id;

	row.certificates = pem_of(x509);
	assert_true(journal_text(&row.key_uri, "pkcs11:id=%01") &&
		    journal_text(&row.slot_uri, "pkcs11:token=x") &&
		    journal_text(&row.key_spec, "ec:P-256"));
	assert_done(journal_add(flow.journal, &row, "installed", NULL, &err), &err);
	id = row.id;
	journal_application_clear(&row);
	return id;
}

/* What is to sign has to be good until somebody has looked at it. */
static void test_allowed(void **state)
{
	static const struct {
		long days, key_days;
		unsigned approval;
		const char *words; /* NULL: it may */
	} cases[] = {
		{30, 0, 3, NULL},
		{30, 4, 3, NULL},
		{2, 0, 0, NULL},
		{4, 0, 3, NULL},
		{2, 0, 3, "before a renewal is approved (3 days"},
		{90, 2, 3, "before a renewal is approved (3 days"},
		{30, 0, 60, "before a renewal is approved (60 days"},
		{90, -1, 3, "the key's period ended on"},
		{90, -1, 0, "the key's period ended on"},
		{-1, 0, 0, "the certificate ended on"},
		{-1, -30, 3, "the certificate ended on"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *pem = pem_of(make(&ec, "Иванов", cases[i].days, cases[i].key_days));
		struct certificates certificates = {0};
		struct error err = {0};

		assert_done(
			certificates_read((const uint8_t *)pem, strlen(pem), &certificates, &err),
			&err);
		if (cases[i].words == NULL) {
			assert_done(renewal_allowed(
					    &certificates.list[0], now, cases[i].approval, &err),
				&err);
		} else {
			assert_refused(renewal_allowed(
					       &certificates.list[0], now, cases[i].approval, &err),
				&err, cases[i].words);
			assert_int_equal(err.code, ERROR_REFUSED);
		}
		assert_int_equal(renewal_end(&certificates.list[0]),
			now + DAY * (cases[i].key_days != 0 && cases[i].key_days < cases[i].days
						    ? cases[i].key_days
						    : cases[i].days));
		certificates_clear(&certificates);
		free(pem);
	}
}

static void expect_due(unsigned days, const int64_t *wanted, size_t wanted_count)
{
	struct error err = {0};
	int64_t *ids = NULL;
	size_t count = 0;

	assert_done(renewal_due(flow.journal, now, days, &ids, &count, &err), &err);
	assert_int_equal(count, wanted_count);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(ids[i], wanted[i]);
	free(ids);
}

static void test_due(void **state)
{
	int64_t soon, key_soon, ended, other_kind, renewed;

	(void)state;
	expect_due(60, NULL, 0);
	soon = hold(make(&ec, "soon", 59, 0), 0, STATE_INSTALLED);
	hold(make(&ec, "later", 61, 0), 0, STATE_INSTALLED);
	key_soon = hold(make(&ec, "the key", 90, 59), 0, STATE_INSTALLED);
	ended = hold(make(&ec, "ended", -59, 0), 0, STATE_INSTALLED);
	hold(make(&ec, "long ago", -61, 0), 0, STATE_INSTALLED);
	hold(make(&ec, "revoked", 30, 0), 0, STATE_REVOKED);
	hold(make(&ec, "not installed", 30, 0), 0, STATE_DOWNLOADED);
	/* Another certificate for the same follows, if its key is of the same kind: both are in use else. */
	hold(make(&ec, "followed", 30, 0), 0, STATE_INSTALLED);
	hold(make(&ec, "followed", 90, 0), 0, STATE_INSTALLED);
	other_kind = hold(make(&ec, "two kinds", 30, 0), 0, STATE_INSTALLED);
	hold(make(&rsa, "two kinds", 90, 0), 0, STATE_INSTALLED);
	/* Not so where the follower is of no use itself. */
	renewed = hold(make(&ec, "renewed", 30, 0), 0, STATE_INSTALLED);
	hold(make(&ec, "renewed", 90, 0), renewed, STATE_REVOKED);
	expect_due(60, (const int64_t[]){soon, key_soon, ended, other_kind, renewed}, 5);
	/* A renewal follows whatever it is called and whatever its key. */
	hold(make(&rsa, "renewed, married", 90, 0), renewed, STATE_INSTALLED);
	expect_due(60, (const int64_t[]){soon, key_soon, ended, other_kind}, 4);
	expect_due(1, NULL, 0);
}

/* The certificate that is renewed has a country and a name; the new one would have these. NULL words: it may. */
static void expect_subject(const char *name, const char *surname, const char *words)
{
	struct name subject = {0};
	struct error err = {0};

	assert_done(name_add(&subject, "2.5.4.6", "RU", &err), &err);
	assert_done(name_add(&subject, "2.5.4.3", name, &err), &err);
	if (surname != NULL)
		assert_done(name_add(&subject, "2.5.4.4", surname, &err), &err);
	if (words == NULL)
		assert_done(renewal_same_subject(&flow, &subject, &err), &err);
	else
		assert_refused(renewal_same_subject(&flow, &subject, &err), &err, words);
	name_clear(&subject);
}

static void expect_second(const char *name, const char *second, const char *words)
{
	struct name subject = {0};
	struct error err = {0};

	assert_done(name_add(&subject, "2.5.4.6", "RU", &err), &err);
	assert_done(name_add(&subject, "2.5.4.3", name, &err), &err);
	assert_done(name_add(&subject, "2.5.4.3", second, &err), &err);
	assert_refused(renewal_same_subject(&flow, &subject, &err), &err, words);
	name_clear(&subject);
}

/* As it may come in DER, longer than one that is made here. */
static void expect_long(const char *words)
{
	struct name subject = {0};
	struct error err = {0};
	char *value = calloc(1, 2001);

	assert_non_null(value);
	memset(value, 'x', 2000);
	assert_done(name_add(&subject, "2.5.4.6", "RU", &err), &err);
	assert_done(name_add(&subject, "2.5.4.3", "Иванов", &err), &err);
	assert_done(name_add(&subject, "2.5.4.4", "x", &err), &err);
	free(subject.attributes[2].value);
	subject.attributes[2].value = value;
	assert_refused(renewal_same_subject(&flow, &subject, &err), &err, words);
	name_clear(&subject);
}

static void test_subject(void **state)
{
	struct option accept;

	(void)state;
	expect_subject("Петров", NULL, NULL); /* renews nothing */
	flow.row.renews = hold(make(&ec, "Иванов", 30, 0), 0, STATE_INSTALLED);
	expect_subject("Иванов", NULL, NULL);
	expect_subject("Петров", NULL, "(CN: \"Иванов\", now \"Петров\")");
	expect_subject("Иванов", "Иванов", "(surname: \"Иванов\", before \"\")");
	/* A second value of a kind that was there, and one too long to be told. */
	expect_second("Иванов", "Петров", "(CN: \"Петров\", before \"Иванов\")");
	expect_long("a renewal takes no change");
	workplace_option(&workplace, &accept, "accept", "CN");
	expect_subject("Петров", NULL, NULL);
	expect_subject("Петров", "Петров", "(surname: ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_allowed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_due, setup, teardown),
		cmocka_unit_test_setup_teardown(test_subject, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
