#include "provision/authority/login.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "module/support/tokens.h"
#include "provision/i18n.h"

#define APPLICATIONS_KEPT 1000

struct login {
	char *authority;
	struct tokens *tokens;
	struct log *log;
};

bool login_open(const char *authority, const char *url, struct log *log, struct login **out,
	struct error *err)
{
	struct login *login = calloc(1, sizeof(*login));
	char *state = config_state_dir(), *folder = NULL;
	bool ok = false;

	if (login != NULL && state != NULL && asprintf(&folder, "%s/login", state) < 0)
		folder = NULL;
	if (folder != NULL) {
		login->log = log;
		login->authority = strdup(authority);
		ok = login->authority != NULL &&
		     tokens_open(folder, authority, url, &login->tokens, err);
	}
	free(state);
	free(folder);
	if (ok) {
		*out = login;
		return true;
	}
	login_close(login);
	return error_set(err, ERROR_FAILED, _("out of memory, or no home directory"));
}

void login_close(struct login *login)
{
	if (login == NULL)
		return;
	free(login->authority);
	tokens_close(login->tokens);
	free(login);
}

bool login_store(struct login *login, const struct oauth_service *service,
	const struct oauth_grant *grant, const struct authority_account *account, struct error *err)
{
	json_t *json = NULL, *fresh = json_object(), *kept;
	const char *before;
	bool ok = false;
	int fd = -1;

	if (fresh == NULL || !tokens_lock(login->tokens, NULL, &fd, err))
		goto out;
	/* A damaged file is replaced. */
	if (!tokens_load(login->tokens, &json, NULL))
		json = json_object();
	before = tokens_text(json, "account");
	kept = json_object_get(json, "applications");
	if (before != NULL && strcmp(before, account->account) == 0 && json_is_object(kept))
		json_object_set(fresh, "applications", kept);
	tokens_set_grant(fresh, grant);
	tokens_set_text(fresh, "account", account->account);
	tokens_set_text(fresh, "name", account->name);
	tokens_set_text(fresh, "role", account->role);
	tokens_set_text(fresh, "client_id", service->client_id);
	tokens_set_text(fresh, "token_endpoint", service->token_endpoint);
	tokens_set_text(fresh, "revocation_endpoint", service->revocation_endpoint);
	ok = tokens_save(login->tokens, fresh, err);
out:
	if (fd >= 0)
		close(fd);
	/* Shared with `fresh`, so that it is not wiped under it. */
	json_object_del(json, "applications");
	tokens_wipe(json);
	tokens_wipe(fresh);
	return ok;
}

static bool nobody(const struct login *login, struct error *err)
{
	return error_set(err, ERROR_PERSON, _("nobody is logged in at %s: run podpis login %s"),
		login->authority, login->authority);
}

bool login_account(struct login *login, struct authority_account *out, struct error *err)
{
	json_t *json = NULL;
	const char *text;
	bool ok;

	if (!tokens_load(login->tokens, &json, err))
		return false;
	ok = tokens_text(json, "access_token") != NULL;
	if (ok) {
		memset(out, 0, sizeof(*out));
		text = tokens_text(json, "account");
		snprintf(out->account, sizeof(out->account), "%s", text != NULL ? text : "");
		text = tokens_text(json, "name");
		snprintf(out->name, sizeof(out->name), "%s", text != NULL ? text : "");
		text = tokens_text(json, "role");
		snprintf(out->role, sizeof(out->role), "%s", text != NULL ? text : "");
	}
	tokens_wipe(json);
	return ok || nobody(login, err);
}

bool login_expired(struct login *login)
{
	json_t *json = NULL;
	bool expired;

	if (!tokens_load(login->tokens, &json, NULL))
		return false;
	expired = tokens_text(json, "access_token") != NULL && !tokens_fresh(json, NULL) &&
		  tokens_text(json, "refresh_token") == NULL;
	tokens_wipe(json);
	return expired;
}

static bool give(const char *token, struct secret **out, struct error *err)
{
	*out = secret_new(token, strlen(token));
	return *out != NULL || error_set(err, ERROR_FAILED, _("out of memory"));
}

/* A login and the way to its authority, while it is renewed. */
struct renewal {
	struct login *login;
	struct http *http;
};

static bool renew(void *context, const json_t *json, struct oauth_grant *out, struct error *err)
{
	const struct renewal *renewal = context;
	const struct login *login = renewal->login;
	const struct oauth_service service = {
		.token_endpoint = tokens_text(json, "token_endpoint"),
		.client_id = tokens_text(json, "client_id"),
	};
	const char *token = tokens_text(json, "refresh_token");
	struct secret *refresh = token != NULL ? secret_new(token, strlen(token)) : NULL;
	struct error problem = {.code = ERROR_PERSON};
	bool ok = refresh != NULL && service.token_endpoint != NULL && service.client_id != NULL &&
		  oauth_refresh(renewal->http, &service, refresh, out, &problem);

	if (ok) {
		log_debug(login->log, "the login at %s is renewed", login->authority);
	} else if (problem.code == ERROR_PERSON) {
		log_info(login->log, "the login at %s has ended", login->authority);
		error_set(err, ERROR_PERSON, _("the login at %s has ended: run podpis login %s"),
			login->authority, login->authority);
	} else {
		error_set(err, problem.code, "%s", problem.message);
	}
	secret_free(refresh);
	return ok;
}

bool login_bearer(struct login *login, struct http *http, const char *application,
	const struct secret *stale, struct secret **out, struct error *err)
{
	struct renewal where = {login, http};
	const struct tokens_renewal renewal = {.renew = renew, .context = &where};
	const char *token;
	json_t *json = NULL;
	bool ok = false;

	if (!tokens_current(login->tokens, stale, &renewal, &json, err) &&
		(json == NULL || application == NULL || tokens_text(json, "access_token") != NULL))
		goto out;
	token = tokens_text(json, "access_token");
	if (token == NULL && application != NULL)
		token = tokens_text(json_object_get(json, "applications"), application);
	if (token == NULL || (stale != NULL && strcmp(token, (const char *)stale->data) == 0)) {
		nobody(login, err);
		goto out;
	}
	ok = give(token, out, err);
out:
	tokens_wipe(json);
	return ok;
}

bool login_keep_application(
	struct login *login, const char *application, const char *token, struct error *err)
{
	json_t *json = NULL, *applications;
	bool ok = false;
	int fd = -1;

	if (!tokens_lock(login->tokens, NULL, &fd, err) || !tokens_load(login->tokens, &json, err))
		goto out;
	applications = json_object_get(json, "applications");
	if (!json_is_object(applications) || json_object_size(applications) >= APPLICATIONS_KEPT) {
		applications = json_object();
		json_object_set_new(json, "applications", applications);
	}
	tokens_set_text(applications, application, token);
	ok = tokens_save(login->tokens, json, err);
out:
	if (fd >= 0)
		close(fd);
	tokens_wipe(json);
	return ok;
}

static bool end_there(void *context, const json_t *json, struct error *err)
{
	const struct oauth_service service = {
		.revocation_endpoint = tokens_text(json, "revocation_endpoint"),
		.client_id = tokens_text(json, "client_id"),
	};
	const char *token = tokens_text(json, "refresh_token");
	struct secret *secret;
	bool ok;

	if (service.revocation_endpoint == NULL || service.client_id == NULL)
		return true;
	if (token == NULL)
		token = tokens_text(json, "access_token");
	secret = secret_new(token, strlen(token));
	ok = secret != NULL ? oauth_revoke(context, &service, secret, err)
			    : error_set(err, ERROR_FAILED, _("out of memory"));
	secret_free(secret);
	return ok;
}

bool login_forget(struct login *login, struct http *http, bool *was, struct error *err)
{
	struct error problem = {0};
	bool told = true;

	if (tokens_forget(login->tokens, end_there, http, was, &told, &problem))
		return true;
	if (told)
		return error_set(err, problem.code, "%s", problem.message);
	return error_set(err, ERROR_UNREACHABLE,
		_("the login is forgotten here, but %s could not be told: %s"), login->authority,
		problem.message);
}
