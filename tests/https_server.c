#include "tests/https_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#define QUEUE_MAX   64
#define REQUEST_MAX (1 << 20)

struct answer {
	char *bytes;
	size_t length;
	enum https_ending ending;
};

struct https_server {
	SSL_CTX *tls;
	int fd;
	pthread_t thread;
	pthread_mutex_t lock;
	char url[64], *ca;
	struct answer answers[QUEUE_MAX];
	size_t first, last;
	char *requests[QUEUE_MAX];
	unsigned count;
};

static void *must(void *made)
{
	if (made == NULL)
		abort();
	return made;
}

static void need(int done)
{
	if (done != 1)
		abort();
}

static void certify(struct https_server *server, const char *name)
{
	EVP_PKEY *key = must(EVP_EC_gen("P-256"));
	X509 *x509 = must(X509_new());
	X509_NAME *subject = X509_get_subject_name(x509);
	X509_EXTENSION *extension;
	char names[300];
	FILE *file;

	snprintf(
		names, sizeof(names), "%s:%s", inet_addr(name) != INADDR_NONE ? "IP" : "DNS", name);
	need(X509_set_version(x509, X509_VERSION_3));
	need(ASN1_INTEGER_set(X509_get_serialNumber(x509), (long)getpid()));
	must(X509_gmtime_adj(X509_getm_notBefore(x509), -3600));
	must(X509_gmtime_adj(X509_getm_notAfter(x509), 86400));
	need(X509_NAME_add_entry_by_txt(
		subject, "CN", MBSTRING_UTF8, (const unsigned char *)"a test's server", -1, -1, 0));
	need(X509_set_issuer_name(x509, subject));
	need(X509_set_pubkey(x509, key));
	extension = must(X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names));
	need(X509_add_ext(x509, extension, -1));
	X509_EXTENSION_free(extension);
	need(X509_sign(x509, key, EVP_sha256()) > 0);
	file = must(fopen(server->ca, "w"));
	need(PEM_write_X509(file, x509));
	fclose(file);
	server->tls = must(SSL_CTX_new(TLS_server_method()));
	need(SSL_CTX_use_certificate(server->tls, x509));
	need(SSL_CTX_use_PrivateKey(server->tls, key));
	X509_free(x509);
	EVP_PKEY_free(key);
}

/* One request with the body that its Content-Length says; NULL: the client went away. */
static char *receive(SSL *ssl)
{
	char *text = must(calloc(1, REQUEST_MAX)), *end = NULL, *field;
	size_t length = 0, wanted = REQUEST_MAX - 1;

	while (length < wanted) {
		int got = SSL_read(ssl, text + length, (int)(REQUEST_MAX - 1 - length));

		if (got <= 0)
			break;
		length += (size_t)got;
		end = strstr(text, "\r\n\r\n");
		if (end == NULL)
			continue;
		field = strcasestr(text, "\r\nContent-Length:");
		wanted = (size_t)(end - text) + 4;
		if (field != NULL && field < end)
			wanted += strtoul(field + 17, NULL, 10);
	}
	if (end == NULL) {
		free(text);
		return NULL;
	}
	return text;
}

static void serve(struct https_server *server, SSL *ssl)
{
	struct answer answer = {0};
	char *request, rest[256];

	if (SSL_accept(ssl) != 1 || (request = receive(ssl)) == NULL)
		return;
	pthread_mutex_lock(&server->lock);
	if (server->count < QUEUE_MAX)
		server->requests[server->count++] = request;
	else
		free(request);
	if (server->first < server->last)
		answer = server->answers[server->first++];
	pthread_mutex_unlock(&server->lock);
	if (answer.bytes != NULL) {
		if (answer.length > 0)
			SSL_write(ssl, answer.bytes, (int)answer.length);
		while (answer.ending == HTTPS_HANG && SSL_read(ssl, rest, sizeof(rest)) > 0)
			;
		if (answer.ending == HTTPS_CLOSE)
			SSL_shutdown(ssl);
		free(answer.bytes);
	}
}

static void *run(void *context)
{
	/* A client that stalls does not stall the test. */
	const struct timeval patience = {.tv_sec = 20};
	struct https_server *server = context;
	int fd;

	while ((fd = accept(server->fd, NULL, NULL)) >= 0) {
		SSL *ssl = must(SSL_new(server->tls));

		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		SSL_set_fd(ssl, fd);
		serve(server, ssl);
		SSL_free(ssl);
		close(fd);
	}
	return NULL;
}

struct https_server *https_server_start(const char *folder, const char *name)
{
	struct https_server *server = must(calloc(1, sizeof(*server)));
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);

	signal(SIGPIPE, SIG_IGN);
	if (asprintf(&server->ca, "%s/%s.pem", folder, name) < 0)
		abort();
	certify(server, name);
	pthread_mutex_init(&server->lock, NULL);
	server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (server->fd < 0 || bind(server->fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
		listen(server->fd, 64) != 0 ||
		getsockname(server->fd, (struct sockaddr *)&address, &length) != 0 ||
		pthread_create(&server->thread, NULL, run, server) != 0)
		abort();
	snprintf(server->url, sizeof(server->url), "https://127.0.0.1:%u", ntohs(address.sin_port));
	return server;
}

void https_server_stop(struct https_server *server)
{
	shutdown(server->fd, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	close(server->fd);
	https_server_reset(server);
	pthread_mutex_destroy(&server->lock);
	SSL_CTX_free(server->tls);
	free(server->ca);
	free(server);
}

const char *https_server_url(const struct https_server *server)
{
	return server->url;
}

const char *https_server_ca(const struct https_server *server)
{
	return server->ca;
}

void https_server_bytes(
	struct https_server *server, const void *bytes, size_t length, enum https_ending ending)
{
	struct answer answer = {.bytes = must(malloc(length + 1)), length, ending};

	memcpy(answer.bytes, bytes, length);
	pthread_mutex_lock(&server->lock);
	if (server->last == QUEUE_MAX)
		abort();
	server->answers[server->last++] = answer;
	pthread_mutex_unlock(&server->lock);
}

void https_server_answer(
	struct https_server *server, const char *status, const char *type, const char *body)
{
	char *text;
	int length = asprintf(&text,
		"HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: "
		"close\r\n\r\n%s",
		status, type, strlen(body), body);

	if (length < 0)
		abort();
	https_server_bytes(server, text, (size_t)length, HTTPS_CLOSE);
	free(text);
}

unsigned https_server_count(struct https_server *server)
{
	unsigned count;

	pthread_mutex_lock(&server->lock);
	count = server->count;
	pthread_mutex_unlock(&server->lock);
	return count;
}

const char *https_server_request(struct https_server *server, unsigned number)
{
	const char *request = "";

	pthread_mutex_lock(&server->lock);
	if (number < server->count)
		request = server->requests[number];
	pthread_mutex_unlock(&server->lock);
	return request;
}

void https_server_reset(struct https_server *server)
{
	pthread_mutex_lock(&server->lock);
	while (server->first < server->last)
		free(server->answers[server->first++].bytes);
	while (server->count > 0)
		free(server->requests[--server->count]);
	server->first = server->last = 0;
	pthread_mutex_unlock(&server->lock);
}
