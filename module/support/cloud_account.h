/*
 * cloud_account: what a section with `store = cloud` names (podpis.conf(5)): a person's account at a remote signing
 * service (CSC API), as the module and the tool see it.
 *
 * Its key names its files, never the slot's name does: two slots on one account share a login, and a slot that is
 * pointed at another account finds nothing of the former one.
 */
#ifndef PODPIS_SUPPORT_CLOUD_ACCOUNT_H
#define PODPIS_SUPPORT_CLOUD_ACCOUNT_H

#include "module/support/config.h"
#include "module/support/tokens.h"

enum cloud_login {
	CLOUD_LOGIN_OAUTH2CODE, /* in the browser: podpis cloud login */
	CLOUD_LOGIN_CLIENT,     /* OAuth client credentials */
	CLOUD_LOGIN_BASIC, /* auth/login with name and password; without a file of it, podpis cloud login asks */
	CLOUD_LOGIN_EXTERNAL, /* a command prints the bearer token */
	CLOUD_LOGIN_NONE,     /* the service knows the person otherwise */
};

#define CLOUD_ACCOUNT_KEY 65 /* bytes, with the NUL */

struct cloud_account {
	/* Lower-case hex SHA-256 of "url\nlogin\nclient-id\nusername\ncredential", "" where not given. */
	char key[CLOUD_ACCOUNT_KEY];
	char *url;        /* without a slash at its end */
	unsigned version; /* 1 or 2 */
	enum cloud_login login;
	/* As in the section, NULL where it has none; copies. */
	char *ca_file, *client_id, *client_secret_file, *username, *password_file, *bearer_command;
	char *credential;    /* the only one that is wanted */
	unsigned signatures; /* for one authorisation; 0: as many as the credential allows */
	/*
	 * $XDG_STATE_HOME/podpis/cloud/KEY.json; nothing is read yet. OAuth's tokens are kept with "client_id",
	 * "token_endpoint" and perhaps "revocation_endpoint"; those of auth/login without.
	 */
	struct tokens *tokens;
};

/*
 * ERROR_USAGE says which value is wrong or missing. Hashes with OpenSSL, in the thread's default library context.
 */
bool cloud_account_open(
	const struct config_section *section, struct cloud_account **out, struct error *err);
void cloud_account_close(struct cloud_account *account); /* NULL is fine */

/* Does it take a person to log in: at a browser, or with a password that stands in no file? */
static inline bool cloud_account_needs_person(const struct cloud_account *account)
{
	return account->login == CLOUD_LOGIN_OAUTH2CODE ||
	       (account->login == CLOUD_LOGIN_BASIC && account->password_file == NULL);
}

#endif
