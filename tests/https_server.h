/*
 * https_server: a server on loopback that says what a test tells it to, byte by byte, over real TLS.
 *
 * Answers are queued and given one a request, each on its connection, which then ends. A request without an
 * answer in the queue ends without one. What was asked can be looked at afterwards.
 */
#ifndef PODPIS_TESTS_HTTPS_SERVER_H
#define PODPIS_TESTS_HTTPS_SERVER_H

#include <stddef.h>

struct https_server;

enum https_ending {
	HTTPS_CLOSE, /* as it should be */
	HTTPS_BREAK, /* without TLS's goodbye */
	HTTPS_HANG,  /* says nothing more until the client goes */
};

/* Its certificate is for `name` (an address or a host), and is the only one that `folder`/NAME.pem trusts. */
struct https_server *https_server_start(const char *folder, const char *name);
void https_server_stop(struct https_server *server);

/* "https://127.0.0.1:PORT" */
const char *https_server_url(const struct https_server *server);
const char *https_server_ca(const struct https_server *server);

/* Queues a whole answer: "200 OK", "application/json", body. */
void https_server_answer(
	struct https_server *server, const char *status, const char *type, const char *body);
/* Queues bytes as they are. */
void https_server_bytes(
	struct https_server *server, const void *bytes, size_t length, enum https_ending ending);

/* How many requests came, and the text of one, from 0 on; "" when there was none. */
unsigned https_server_count(struct https_server *server);
const char *https_server_request(struct https_server *server, unsigned number);
/* Forgets requests and answers. */
void https_server_reset(struct https_server *server);

#endif
