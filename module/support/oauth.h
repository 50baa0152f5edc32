/*
 * oauth: a client's login (RFC 6749, RFC 8252) with PKCE S256 (RFC 7636), and its token endpoint.
 *
 * Tokens live in struct secret; a token's text is wiped from the JSON it came in.
 */
#ifndef PODPIS_SUPPORT_OAUTH_H
#define PODPIS_SUPPORT_OAUTH_H

#include "module/support/http.h"

#define OAUTH_TOKEN_MAX 8192 /* bytes of a token or a code */

/* One way to the browser and back: 256 random bits each, base64url. Never used twice. */
struct oauth_attempt {
	char verifier[44], challenge[44], state[44];
};

bool oauth_attempt_new(struct oauth_attempt *attempt, struct error *err);
void oauth_attempt_clear(struct oauth_attempt *attempt);

struct oauth_service {
	const char *authorization_endpoint, *token_endpoint, *revocation_endpoint; /* https */
	const char *client_id;
	const struct secret *client_secret; /* NULL: a public client */
	const char *scope;                  /* NULL: none */
};

/* Appends the address for the browser. */
bool oauth_address(const struct oauth_service *service, const struct oauth_attempt *attempt,
	const char *redirect_uri, struct buffer *url, struct error *err);

/* What the token endpoint gave. Free with oauth_grant_clear. */
struct oauth_grant {
	struct secret *access;
	struct secret *refresh; /* NULL: none was given */
	long expires_in;        /* seconds; 0: not said */
	json_t *extra;          /* the other members, unchecked */
};

/*
 * Each is sent once and never repeated by itself: a code works once, a rotated token too. ERROR_PERSON: the
 * service refused the grant (wrong password, ended login), in its own words; ERROR_UNREACHABLE as in http.
 */
bool oauth_code(struct http *http, const struct oauth_service *service, const char *code,
	const char *redirect_uri, const char *verifier, struct oauth_grant *out, struct error *err);
bool oauth_refresh(struct http *http, const struct oauth_service *service,
	const struct secret *refresh, struct oauth_grant *out, struct error *err);
bool oauth_password(struct http *http, const struct oauth_service *service, const char *account,
	const struct secret *password, struct oauth_grant *out, struct error *err);
/* RFC 6749, 4.4: for the client itself. */
bool oauth_client(struct http *http, const struct oauth_service *service, struct oauth_grant *out,
	struct error *err);
void oauth_grant_clear(struct oauth_grant *grant);

/*
 * A grant out of an answer's JSON, from which its tokens are taken and wiped. `type`: what token_type has to
 * be (or a CSC service's "SAD"), NULL where it need not be there. ERROR_UNREACHABLE: there is none.
 */
bool oauth_grant_read(const struct http *http, json_t *json, const char *type,
	struct oauth_grant *out, struct error *err);

/* Why an answer is not the one that was hoped for, in the service's words (RFC 6749, 5.2); false. */
bool oauth_refused(
	const struct http *http, const struct http_response *response, struct error *err);

/* RFC 7009. An unknown token is no error. */
bool oauth_revoke(struct http *http, const struct oauth_service *service,
	const struct secret *token, struct error *err);

#endif
