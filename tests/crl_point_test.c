#include "tests/asn1_support.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "provision/crl_point.h"

#define DAY 86400L

/* An authority, a person whose certificate names a list at `port`, and what is served there. */
static struct test_key authority_key, person_key, stranger;
static X509 *authority, *person;
static struct certificates list;
static int listener = -1, port;
static pid_t server;

static void add_extension(X509 *x509, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert_non_null(extension);
	assert_int_equal(X509_add_ext(x509, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

static void take(X509 *x509)
{
	struct buffer der = BUFFER_INIT(BUFFER_MAX);
	struct error err = {0};

	test_certificate_der(x509, &der);
	assert_done(certificate_decode(der.data, der.length, &list.list[list.count], &err), &err);
	list.count++;
	buffer_free(&der);
}

/* `points`: what cRLDistributionPoints says; NULL: it is not there. */
static void issue(const char *points)
{
	for (size_t i = 0; i < list.count; i++)
		certificate_clear(&list.list[i]);
	list.count = 0;
	X509_free(person);
	person = test_certificate(&person_key, "Иванов");
	assert_int_equal(X509_set_issuer_name(person, X509_get_subject_name(authority)), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(person), 4711), 1);
	if (points != NULL)
		add_extension(person, NID_crl_distribution_points, points);
	assert_true(X509_sign(person, authority_key.key, EVP_sha256()) > 0);
	take(person);
	take(authority);
}

static int setup(void **state)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	char points[64];

	(void)state;
	unsetenv("http_proxy");
	unsetenv("ALL_PROXY");
	list.list = calloc(2, sizeof(*list.list));
	authority_key = test_key_new(SIGNATURE_ECDSA_SHA256);
	person_key = test_key_new(SIGNATURE_ECDSA_SHA256);
	stranger = test_key_new(SIGNATURE_ECDSA_SHA256);
	authority = test_certificate(&authority_key, "Authority");
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 4), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
	port = ntohs(address.sin_port);
	snprintf(points, sizeof(points), "URI:http://127.0.0.1:%d/list.crl", port);
	issue(points);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(listener);
	certificates_clear(&list);
	X509_free(person);
	person = NULL;
	X509_free(authority);
	test_key_free(&authority_key);
	test_key_free(&person_key);
	test_key_free(&stranger);
	return 0;
}

/* Answers one request with this, in a process of its own. */
static void serve(const char *status, const void *body, size_t length)
{
	server = fork();
	if (server == 0) {
		int peer = accept(listener, NULL, NULL);
		char request[4096], head[128];
		size_t have = 0;

		do {
			ssize_t got = read(peer, request + have, sizeof(request) - 1 - have);

			if (got <= 0)
				_exit(1);
			have += (size_t)got;
			request[have] = '\0';
		} while (strstr(request, "\r\n\r\n") == NULL);
		if (strncmp(request, "GET /list.crl HTTP/1.1\r\n", 24) != 0)
			_exit(1);
		snprintf(head, sizeof(head), "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n", status,
			length);
		if (write(peer, head, strlen(head)) < 0 || write(peer, body, length) < 0)
			_exit(1);
		_exit(0);
	}
	assert_true(server > 0);
}

/* Looks, and waits until the server is done. */
static bool look(struct crl_answer *answer, struct error *err)
{
	bool done;
	int status;

	*err = (struct error){0};
	done = crl_point_look(&list, NULL, answer, err);
	assert_int_equal(waitpid(server, &status, 0), server);
	assert_int_equal(status, 0);
	return done;
}

/* A list by that key, with that serial number, or that says that it was taken off again (8). */
static void serve_list(const struct test_key *by, X509 *name, long serial, int reason)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *now = ASN1_TIME_set(NULL, time(NULL)), *next = ASN1_TIME_set(NULL, 4102444800);
	X509_REVOKED *entry = X509_REVOKED_new();
	ASN1_INTEGER *number = ASN1_INTEGER_new();
	ASN1_ENUMERATED *code = ASN1_ENUMERATED_new();
	uint8_t *der = NULL;
	int length;

	ASN1_INTEGER_set(number, serial);
	ASN1_ENUMERATED_set(code, reason);
	X509_REVOKED_set_serialNumber(entry, number);
	X509_REVOKED_set_revocationDate(entry, now);
	X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, code, 0, X509V3_ADD_DEFAULT);
	X509_CRL_set_version(crl, X509_CRL_VERSION_2);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(name));
	X509_CRL_set1_lastUpdate(crl, now);
	X509_CRL_set1_nextUpdate(crl, next);
	X509_CRL_add0_revoked(crl, entry);
	assert_true(X509_CRL_sign(crl, by->key, EVP_sha256()) > 0);
	length = i2d_X509_CRL(crl, &der);
	assert_true(length > 0);
	serve("200 OK", der, (size_t)length);
	OPENSSL_free(der);
	ASN1_ENUMERATED_free(code);
	ASN1_INTEGER_free(number);
	ASN1_TIME_free(now);
	ASN1_TIME_free(next);
	X509_CRL_free(crl);
}

static void test_listed(void **state)
{
	struct crl_answer answer;
	struct error err;

	(void)state;
	serve_list(&authority_key, authority, 4711, 1);
	assert_done(look(&answer, &err), &err);
	assert_true(answer.listed);
	assert_int_equal(answer.next, 4102444800);
	assert_non_null(strstr(answer.address, "/list.crl"));
	serve_list(&authority_key, authority, 4712, 1);
	assert_done(look(&answer, &err), &err);
	assert_false(answer.listed);
	serve_list(&authority_key, authority, 4711, 8);
	assert_done(look(&answer, &err), &err);
	assert_false(answer.listed);
}

/* Whoever sits on the way can answer anything: only the issuer's own list is believed. */
static void test_not_believed(void **state)
{
	struct crl_answer answer;
	struct error err;

	(void)state;
	serve_list(&stranger, authority, 4711, 1);
	assert_refused(look(&answer, &err), &err, "not signed by the certificate's issuer");
	serve_list(&authority_key, person, 4711, 1);
	assert_refused(look(&answer, &err), &err, "not signed by the certificate's issuer");
	serve("200 OK", "<html>", 6);
	assert_refused(look(&answer, &err), &err, "not a revocation list");
	serve("404 Not Found", "", 0);
	assert_refused(look(&answer, &err), &err, "answers 404");
	assert_non_null(strstr(answer.address, "/list.crl"));
}

/* An address that can't be fetched is passed over. */
static void test_addresses(void **state)
{
	static const char *const nowhere[] = {
		NULL, "URI:ldap://127.0.0.1/cn=list", "URI:file:///etc/passwd", "URI:httpx"};
	struct crl_answer answer;
	struct error err;
	char points[128];

	(void)state;
	for (size_t i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++) {
		issue(nowhere[i]);
		err = (struct error){0};
		assert_refused(crl_point_look(&list, NULL, &answer, &err), &err,
			"names no revocation list");
		assert_string_equal(answer.address, "");
	}
	snprintf(points, sizeof(points), "URI:ldap://127.0.0.1/x,URI:http://127.0.0.1:%d/list.crl",
		port);
	issue(points);
	serve_list(&authority_key, authority, 4711, 1);
	assert_done(look(&answer, &err), &err);
	assert_true(answer.listed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_listed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_believed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_addresses, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
