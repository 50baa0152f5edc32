/*
 * session: calls to an authority's API: authorised, repeated where that is harmless, with what went wrong in
 * a person's words.
 *
 * An answer of 401 renews the login once. What may be sent again (docs/authority-api.yaml, Idempotency) is
 * sent again after lost connections, 429 and 503, for some seconds; then the call fails with
 * ERROR_UNREACHABLE and may be made again later.
 */
#ifndef PODPIS_AUTHORITY_SESSION_H
#define PODPIS_AUTHORITY_SESSION_H

#include "provision/authority/login.h"

struct session {
	char *name, *url;
	struct http *http;
	struct login *login;
	struct log *log;
};

bool session_open(const struct config_section *section, struct log *log, struct session *out,
	struct error *err);
void session_close(struct session *session);

struct session_call {
	const char *method;
	const char *path;        /* behind the base, escaped */
	const char *application; /* id that the call is about; NULL */
	const char *idempotency_key;
	const json_t *body; /* NULL: none */
	size_t limit;       /* of the answer, bytes; 0: http's */
	bool repeatable;    /* without a key: GET, or the API says so */
	bool anonymous;     /* without login */
};

/* True for answers of 200 and 201. Free with http_response_clear. */
bool session_call(struct session *session, const struct session_call *call,
	struct http_response *out, struct error *err);
/* The answer as JSON; the caller drops the reference. */
bool session_json(
	struct session *session, const struct session_call *call, json_t **out, struct error *err);

#endif
