/*
 * oauth: logins (RFC 6749, 7009, 7636, 8252), as docs/authority-api.yaml has them.
 *
 * Tokens, codes and login pages are random and kept as SHA-256. A login is a family of tokens: using a spent
 * refresh token or code ends all of it.
 */
#ifndef PODPIS_SANDBOX_OAUTH_H
#define PODPIS_SANDBOX_OAUTH_H

#include "tests/sandbox/http.h"

void oauth_authorize_page(struct request *request, struct response *response);
void oauth_authorize(struct request *request, struct response *response);
void oauth_token(struct request *request, struct response *response);
void oauth_revoke(struct request *request, struct response *response);

/* Whose an access or application token is; false when it does not work (any more). */
bool oauth_identify(struct sandbox *sandbox, const char *token, struct identity *who);

/* A token for one application; the one given before ends. False without random bytes. */
bool oauth_application_token(struct sandbox *sandbox, const char *application, char token[44]);

/* Ends the login that the token belongs to, or only its access tokens. */
void oauth_end_login(struct sandbox *sandbox, const char *token, bool access_only);

/* "http://127.0.0.1:PORT/callback" or "http://[::1]:PORT/callback". */
bool oauth_is_loopback_uri(const char *uri);
bool oauth_is_challenge(const char *challenge);
/* The verifier (RFC 7636, 4.1) is the challenge's. */
bool oauth_verifier_matches(const char *verifier, const char *challenge);

#endif
