/*
 * http: a request as its handler sees it, and the answer that it makes.
 *
 * A handler fills the response and returns nothing; what it changed is kept when the status is below 400, or
 * when it sets `keep`. Responses are UTF-8.
 */
#ifndef PODPIS_SANDBOX_HTTP_H
#define PODPIS_SANDBOX_HTTP_H

#include <jansson.h>
#include <stdbool.h>

#include "module/support/buffer.h"
#include "tests/sandbox/sandbox.h"

#define HTTP_BODY_MAX     (1 << 20)
#define HTTP_NAME_MAX     65 /* an account or an application's id, with the NUL */
#define HTTP_SEGMENTS_MAX 3
#define HTTP_HEADERS_MAX  8

/* Who asks. */
struct identity {
	char account[HTTP_NAME_MAX]; /* "": nobody */
	bool administrator;
	char application[HTTP_NAME_MAX]; /* an application's token: this one only; else "" */
};

/* Who asks the cloud signing service. */
struct caller {
	char account[HTTP_NAME_MAX]; /* "": a client that acts for all */
	int64_t login;
	char credential[HTTP_NAME_MAX]; /* that the token was given for; "": the service's */
	char token[64];                 /* such a token: it stands for the SAD */
};

struct request {
	struct sandbox *sandbox;
	const char *method;
	const char *path;                  /* without the query */
	char *segments[HTTP_SEGMENTS_MAX]; /* what stood for the route's asterisks */
	const struct buffer *body;
	json_t *json; /* the body, where the route takes JSON */
	struct identity who;
	struct caller caller;
	/* A query parameter or a header, or NULL. */
	const char *(*query)(void *connection, const char *name);
	const char *(*header)(void *connection, const char *name);
	void *connection;
};

struct response {
	unsigned status; /* 0: not answered yet */
	const char *type;
	struct buffer body;
	struct http_header {
		const char *name;
		char *value;
	} headers[HTTP_HEADERS_MAX];
	unsigned header_count;
	bool keep;
};

#define RESPONSE_INIT ((struct response){.body = BUFFER_INIT(16 << 20)})
void response_free(struct response *response);
/* Forgets the answer, for another one. */
void response_reset(struct response *response);

const char *http_query(const struct request *request, const char *name);
const char *http_header(const struct request *request, const char *name);
/* A value of a form body; false when it is not there. */
bool http_form(const struct request *request, const char *name, struct buffer *out);

void http_add_header(struct response *response, const char *name, const char *value);
/* Takes over the reference. */
void http_json(struct response *response, unsigned status, json_t *json);
void http_bytes(struct response *response, unsigned status, const char *type, const void *data,
	size_t length);
/* 303, to an address with parameters: pairs of name and value, ended by NULL; a NULL value is left out. */
void http_redirect(struct response *response, const char *address, ...);

/* The protocol's error; `fields` (taken over) may be NULL. Always returns false. */
bool http_error(struct response *response, unsigned status, const char *code, json_t *fields,
	const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Adds {"name", "reason"}. */
void http_field(json_t *fields, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* A member that must be a string; "bad-request" and NULL when it isn't. */
const char *http_member(const struct request *request, struct response *response, const char *name);
/* The same, base64, decoded; an absent or null member is left empty where `optional`. */
bool http_member_base64(const struct request *request, struct response *response, const char *name,
	bool optional, struct buffer *out);

#endif
