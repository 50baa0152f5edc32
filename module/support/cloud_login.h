/*
 * cloud_login: how one logs in at a signing service and out again (CSC API v1.0.4, 8 and 11.1 to 11.3; v2.0, 8
 * and 11.1 to 11.3): what its `info` says of that, and auth/login and auth/revoke. For the tool and the module.
 *
 * Each request but `info`'s is sent once. A refusal in the service's words is ERROR_PERSON where it means that a person has to
 * log in anew; ERROR_UNREACHABLE: nothing is known.
 */
#ifndef PODPIS_SUPPORT_CLOUD_LOGIN_H
#define PODPIS_SUPPORT_CLOUD_LOGIN_H

#include "module/support/cloud_account.h"
#include "module/support/oauth.h"

/* A connection to the account's service; the caller may set more of `settings` than base and CA file. */
bool cloud_login_connect(const struct cloud_account *account, struct http_settings settings,
	struct http **out, struct error *err);

/* A file's first line. ERROR_WORKPLACE. */
bool cloud_secret_read(const char *path, struct secret **out, struct error *err);

/* Where one goes, as `info` (and RFC 8414's metadata) say. Free with cloud_doors_clear. */
struct cloud_doors {
	char *authorization, *token; /* OAuth's endpoints, NULL: none */
	char *revocation;            /* oauth2/revoke, NULL: none is known */
	bool digest;                 /* auth/login takes a name with Digest, not with Basic */
};

/* For the account's login. ERROR_USAGE: the service does not offer its kind of login; its kinds are named. */
bool cloud_login_doors(struct http *http, const struct cloud_account *account,
	struct cloud_doors *out, struct error *err);
/* OAuth's, for a credential that is authorised in the browser, however the account logs in. */
bool cloud_credential_doors(struct http *http, struct cloud_doors *out, struct error *err);
void cloud_doors_clear(struct cloud_doors *doors);

/* The account as a client of the authorisation server; the service points into account and doors. */
struct cloud_client {
	struct oauth_service service;
	struct secret *secret;
};
/* ERROR_USAGE: the account has no client-id; ERROR_WORKPLACE: its secret can't be read. */
bool cloud_client_open(const struct cloud_account *account, const struct cloud_doors *doors,
	const char *scope, struct cloud_client *out, struct error *err);
void cloud_client_close(struct cloud_client *client);

/* auth/login with name and password; the service is asked for a refresh token, too. */
bool cloud_login_basic(struct http *http, const char *user, const struct secret *password,
	bool digest, struct oauth_grant *out, struct error *err);
/* auth/login with a refresh token. */
bool cloud_login_refresh(
	struct http *http, const char *refresh, struct oauth_grant *out, struct error *err);

/* auth/revoke for a token of auth/login, as whom `bearer` stands for. */
bool cloud_login_revoke(struct http *http, const struct secret *bearer, const char *token,
	const char *hint, struct error *err);

#endif
