/*
 * login: who is logged in at an authority, kept on disk and shared by every process of the person.
 *
 * $XDG_STATE_HOME/podpis/login/<authority>.json (module/support/tokens.h): the login's tokens, where they were
 * got, and the tokens that open one application each.
 */
#ifndef PODPIS_AUTHORITY_LOGIN_H
#define PODPIS_AUTHORITY_LOGIN_H

#include "module/support/oauth.h"
#include "provision/authority/authority.h"

struct login;

/* `authority` is the section's name, `url` its address. Nothing is read yet. */
bool login_open(const char *authority, const char *url, struct log *log, struct login **out,
	struct error *err);
void login_close(struct login *login);

/* Keeps a new login in place of the old one; applications' tokens stay when it is the same account. */
bool login_store(struct login *login, const struct oauth_service *service,
	const struct oauth_grant *grant, const struct authority_account *account,
	struct error *err);

/* ERROR_PERSON: nobody is logged in. */
bool login_account(struct login *login, struct authority_account *out, struct error *err);

/* Is there a login that has expired, and that nothing is there to renew with? Nobody is asked. */
bool login_expired(struct login *login);

/*
 * A token to send: the login's, renewed over `http` when it has expired or is equal to `stale` (that the
 * server has just refused); without a login the one of `application` (may be NULL). ERROR_PERSON: log in
 * first; ERROR_UNREACHABLE: it could not be renewed now. The caller frees with secret_free.
 */
bool login_bearer(struct login *login, struct http *http, const char *application,
	const struct secret *stale, struct secret **out, struct error *err);

/* Keeps a token that opens one application. */
bool login_keep_application(
	struct login *login, const char *application, const char *token, struct error *err);

/*
 * Forgets everything, telling the authority first. *was: somebody was logged in. ERROR_UNREACHABLE: it is
 * forgotten, but the authority could not be told.
 */
bool login_forget(struct login *login, struct http *http, bool *was, struct error *err);

#endif
