/*
 * oauth: logins (RFC 6749, 7009, 7636, 8252), as docs/authority-api.yaml has them.
 *
 * Tokens, codes and login pages are random and kept as SHA-256. A login is a family of tokens: using a spent
 * refresh token or code ends all of it. The same pages and grants below /csc/vN/oauth2/ are for the cloud
 * signing service (csc.h); there a login has a grant, {"scope": "service"} or one credential's signatures, and
 * what was given for one of the two services does not open the other.
 */
#ifndef PODPIS_SANDBOX_OAUTH_H
#define PODPIS_SANDBOX_OAUTH_H

#include "module/support/error.h"
#include "tests/sandbox/http.h"
#include "tests/sandbox/store.h"

#define OAUTH_CLIENT         "podpis"        /* public, with PKCE */
#define OAUTH_SERVER_CLIENT  "podpis-server" /* confidential: acts for all accounts of the cloud */
#define OAUTH_SECRET_SETTING "client.secret"

void oauth_authorize_page(struct request *request, struct response *response);
void oauth_authorize(struct request *request, struct response *response);
void oauth_token(struct request *request, struct response *response);
void oauth_revoke(struct request *request, struct response *response);

/*
 * With --oauth2-issuer the cloud's version 2 has an authorisation server that describes itself (RFC 8414). Its name
 * is no prefix of its endpoints' addresses: a client that guesses them is found out.
 */
#define OAUTH_ISSUER_PATH "/cloud"
void oauth_metadata(struct request *request, struct response *response);

/* Whose an access or application token is; false when it does not work (any more). */
bool oauth_identify(struct sandbox *sandbox, const char *token, struct identity *who);

/* A token for one application; the one given before ends. False without random bytes. */
bool oauth_application_token(struct sandbox *sandbox, const char *application, char token[44]);

/* Ends the login that the token belongs to, or only its access tokens. */
void oauth_end_login(struct sandbox *sandbox, const char *token, bool access_only);

/* The same for the cloud signing service; and what it needs of its own login (CSC v1.0.4, 11.2). */
bool oauth_caller(struct sandbox *sandbox, const char *token, struct caller *out);
void oauth_service_login(
	struct request *request, struct response *response, const char *account, bool remember);
void oauth_service_refresh(struct request *request, struct response *response, const char *token);

/* Makes the confidential client's secret, and the file client.secret in the state. */
bool oauth_open(struct store *store, struct error *err);

/* "http://127.0.0.1:PORT/callback" or "http://[::1]:PORT/callback". */
bool oauth_is_loopback_uri(const char *uri);
bool oauth_is_challenge(const char *challenge);
/* The verifier (RFC 7636, 4.1) is the challenge's. */
bool oauth_verifier_matches(const char *verifier, const char *challenge);

#endif
