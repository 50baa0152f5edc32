/*
 * http: requests to one service over HTTPS (libcurl), with its connection kept between them.
 *
 * Only https (but see `plain`), TLS 1.2 or later, and the server's certificate is always verified, against the service's own
 * CA file or the system's trust. Redirects are not followed. What an answer may hold is bounded from the
 * start: header 64 KiB, body as the request says; compression is not asked for. Proxies are taken from the
 * environment as curl takes them. No lock is held; a request ends at its deadline.
 *
 * HTTP/1.1: one connection a `struct http`, kept between its requests. It is used by one thread at a time. Nothing secret gets into the log: it shows method, path
 * and status. Headers with a token are wiped after use.
 *
 * A failure says whether the server can have got the request: `sent` false is a promise that it has not,
 * true means that nothing is known. So the caller knows what may be repeated. An answer with any status
 * that came whole is no failure here.
 */
#ifndef PODPIS_SUPPORT_HTTP_H
#define PODPIS_SUPPORT_HTTP_H

#include <jansson.h>
#include <time.h>

#include "module/support/buffer.h"
#include "module/support/error.h"
#include "module/support/interrupt.h"
#include "module/support/log.h"
#include "module/support/secret.h"

#define HTTP_BODY_MAX (4 << 20) /* bytes of an answer where the request names no other limit */

struct http;

struct http_settings {
	const char *base;    /* https://host[:port]/path; a slash at its end is dropped */
	const char *ca_file; /* PEM; NULL: the system's trust */
	bool plain; /* http will do, too: for what is signed itself, as a revocation list is */
	unsigned connect_seconds; /* for name, connection and TLS; 0: 10 */
	unsigned total_seconds;   /* for one try of one request; 0: 60 */
	struct log *log;
	struct interrupt
		interrupt; /* ends a request that is under way, and a pause between two tries */
};

/* ERROR_USAGE: not an https address; ERROR_WORKPLACE: the CA file can't be read. */
bool http_new(const struct http_settings *settings, struct http **out, struct error *err);
void http_free(struct http *http);

struct http_request {
	const char *method; /* "GET", "POST", "PUT", "DELETE" */
	const char
		*path; /* behind the base, from its slash on, escaped; or a whole https address */
	const struct secret *bearer; /* RFC 6750; NULL: none */
	const char
		*user; /* RFC 7617; with `digest` RFC 7616, which takes two requests; NULL: none */
	const struct secret *password;
	bool digest;
	const char *idempotency_key; /* NULL: none */
	const char *accept;          /* media type; NULL: any */
	const char *content_type;
	const void *body; /* NULL: none */
	size_t length;
	size_t limit; /* of the answer's body, bytes; 0: HTTP_BODY_MAX */
	/*
	 * How often it may be sent in all; 0 or 1: once, its body never a second time. More only where the
	 * server treats a repetition as the same request. Repeated after 429, 502, 503, 504 and after lost connections, with growing pauses,
	 * not sooner than Retry-After, for at most `patience` seconds.
	 */
	unsigned tries;
	unsigned patience; /* 0: 20 */
};

struct http_response {
	long status;
	char media_type[96]; /* lower case, without parameters; "" when there is none */
	struct buffer body;  /* wiped when freed */
	long retry_after;    /* seconds; -1: not said */
	time_t date;         /* the server's clock (RFC 9110, 6.6.1); 0: not said */
	bool sent;           /* the server may have got the request */
};

/*
 * True: an answer came whole, whatever its status; the caller frees it with http_response_clear. False:
 * ERROR_UNREACHABLE, and *out holds nothing but `sent`.
 */
bool http_send(struct http *http, const struct http_request *request, struct http_response *out,
	struct error *err);
void http_response_clear(struct http_response *response);

/* The body as a JSON object or array; ERROR_UNREACHABLE says what came instead. */
bool http_response_json(const struct http *http, const struct http_response *response, json_t **out,
	struct error *err);

/* "https://host:port", for messages. */
const char *http_peer_name(const struct http *http);

/* Appends with everything but RFC 3986's unreserved characters as %XX. */
bool http_escape(struct buffer *out, const char *text);

/* Appends name=value to an application/x-www-form-urlencoded body or a query. */
bool http_form_add(struct buffer *form, const char *name, const char *value);

/*
 * Is this an address that may be shown, opened in a browser, or spoken to? https, a host, no user
 * information, printable ASCII without quotes and blanks, at most 4,096 bytes.
 */
bool http_address_valid(const char *url);
/* The same, and http with `plain`. */
bool http_address_allowed(const char *url, bool plain);
/* Of "https://", with `plain` of "http://", too; 0: it begins with neither. */
size_t http_scheme_length(const char *url, bool plain);

#endif
