/*
 * login: the account's login at the service: the access token that its calls show.
 *
 * Tokens are in the account's file, which all processes share (tokens.h): whoever finds them over renews them, once,
 * under the file's lock, while the others wait. That is the one lock that is held while the network is spoken to; it
 * has a deadline, and whoever waits for it can be told to end, as can a command that gives a token. An external token stays in memory until the service refuses it.
 */
#ifndef PODPIS_STORE_CLOUD_LOGIN_H
#define PODPIS_STORE_CLOUD_LOGIN_H

#include "module/store/cloud/patience.h"
#include "module/support/cloud_account.h"

struct login;

/* What is given outlives the login. */
bool login_new(const struct cloud_account *account, struct login **out);
void login_free(struct login *login);

/*
 * *out: a token, the caller's; NULL where the account needs none. `stale` was refused; NULL: none was. ERROR_PERSON:
 * a person has to log in first; ERROR_WORKPLACE, ERROR_UNREACHABLE, ERROR_FAILED.
 */
bool login_bearer(struct login *login, struct http *http, const struct patience *patience,
	const struct secret *stale, struct secret **out, struct error *err);

#endif
