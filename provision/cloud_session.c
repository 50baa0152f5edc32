#include "provision/cloud_session.h"

#include <string.h>
#include <unistd.h>

#include "module/support/cloud_login.h"
#include "provision/i18n.h"

bool cloud_session_open(const struct config_section *section, struct log *log,
	struct cloud_session *out, struct error *err)
{
	struct cloud_session session = {.name = section->name, .log = log};

	if (section->problem != NULL)
		return error_set(err, ERROR_USAGE, "%s", section->problem);
	if (!cloud_account_open(section, &session.account, err) ||
		!cloud_login_connect(
			session.account, (struct http_settings){.log = log}, &session.http, err)) {
		cloud_account_close(session.account);
		return error_prefix(err, "%s", section->name);
	}
	*out = session;
	return true;
}

void cloud_session_close(struct cloud_session *session)
{
	http_free(session->http);
	cloud_account_close(session->account);
	*session = (struct cloud_session){.name = NULL};
}

bool cloud_session_is_kept(const struct cloud_session *session)
{
	return session->account->login == CLOUD_LOGIN_OAUTH2CODE ||
	       session->account->login == CLOUD_LOGIN_BASIC;
}

bool cloud_session_there(const struct cloud_session *session, bool *there, struct error *err)
{
	json_t *json = NULL;

	if (!tokens_load(session->account->tokens, &json, err))
		return false;
	*there = tokens_text(json, "access_token") != NULL ||
		 tokens_text(json, "refresh_token") != NULL;
	tokens_wipe(json);
	return true;
}

/* `service` NULL: the tokens are auth/login's. */
static bool keep(struct cloud_session *session, const struct oauth_service *service,
	const struct oauth_grant *grant, struct error *err)
{
	struct tokens *tokens = session->account->tokens;
	json_t *json = json_object();
	bool ok = false;
	int fd = -1;

	if (json == NULL || !tokens_lock(tokens, NULL, &fd, err))
		goto out;
	tokens_set_grant(json, grant);
	if (service != NULL) {
		tokens_set_text(json, "client_id", service->client_id);
		tokens_set_text(json, "token_endpoint", service->token_endpoint);
		tokens_set_text(json, "revocation_endpoint", service->revocation_endpoint);
	}
	ok = tokens_save(tokens, json, err);
out:
	if (fd >= 0)
		close(fd);
	tokens_wipe(json);
	return ok;
}

bool cloud_session_through_browser(
	struct cloud_session *session, const struct oauth_browser *browser, struct error *err)
{
	struct cloud_doors doors = {0};
	struct cloud_client client = {.secret = NULL};
	struct oauth_grant grant = {0};
	bool ok = cloud_login_doors(session->http, session->account, &doors, err) &&
		  cloud_client_open(session->account, &doors, "service", &client, err) &&
		  oauth_browser_login(session->http, &client.service, browser, &grant, err) &&
		  keep(session, &client.service, &grant, err);

	oauth_grant_clear(&grant);
	cloud_client_close(&client);
	cloud_doors_clear(&doors);
	return ok;
}

bool cloud_session_with_password(
	struct cloud_session *session, const struct secret *password, struct error *err)
{
	struct cloud_doors doors = {0};
	struct oauth_grant grant = {0};
	bool ok = cloud_login_doors(session->http, session->account, &doors, err) &&
		  cloud_login_basic(session->http, session->account->username, password,
			  doors.digest, &grant, err) &&
		  keep(session, NULL, &grant, err);

	oauth_grant_clear(&grant);
	cloud_doors_clear(&doors);
	return ok;
}

/* ---- the end */

static bool end_oauth(const struct cloud_session *session, const json_t *json, struct error *err)
{
	const char *endpoint = tokens_text(json, "revocation_endpoint"),
		   *token = tokens_text(json, "refresh_token");
	const struct cloud_doors doors = {.revocation = (char *)(uintptr_t)endpoint};
	struct cloud_client client = {.secret = NULL};
	struct secret *secret = NULL;
	bool ok;

	if (endpoint == NULL)
		return error_set(
			err, ERROR_UNREACHABLE, _("the service has no way to be told of it"));
	if (token == NULL)
		token = tokens_text(json, "access_token");
	ok = cloud_client_open(session->account, &doors, NULL, &client, err) &&
	     ((secret = secret_new(token, strlen(token))) != NULL ||
		     error_set(err, ERROR_FAILED, _("out of memory"))) &&
	     oauth_revoke(session->http, &client.service, secret, err);
	secret_free(secret);
	cloud_client_close(&client);
	return ok;
}

/*
 * auth/revoke is only for those who are logged in: one whose access token is over renews it for that. Where that is
 * refused the login has ended already.
 */
static bool end_basic(struct http *http, const json_t *json, struct error *err)
{
	const char *access = tokens_text(json, "access_token"),
		   *refresh = tokens_text(json, "refresh_token");
	struct oauth_grant grant = {0};
	struct secret *bearer = NULL;
	struct error problem = {0};
	bool ok = true;

	if (!tokens_fresh(json, NULL) && refresh != NULL) {
		if (!cloud_login_refresh(http, refresh, &grant, &problem)) {
			if (problem.code != ERROR_PERSON)
				ok = error_set(err, problem.code, "%s", problem.message);
			goto out;
		}
		access = (const char *)grant.access->data;
		if (grant.refresh != NULL)
			refresh = (const char *)grant.refresh->data;
	}
	if (access == NULL)
		goto out;
	bearer = secret_new(access, strlen(access));
	/* The refresh token first: the access token is what says who asks. */
	ok = bearer != NULL &&
	     (refresh == NULL ||
		     cloud_login_revoke(http, bearer, refresh, "refresh_token", &problem)) &&
	     cloud_login_revoke(http, bearer, access, "access_token", &problem);
	/* Where one takes the other along, the second finds nobody logged in. */
	ok = ok || (bearer != NULL && problem.code == ERROR_PERSON) ||
	     error_set(err, problem.code != ERROR_NONE ? problem.code : ERROR_FAILED, "%s",
		     problem.message);
out:
	secret_free(bearer);
	oauth_grant_clear(&grant);
	return ok;
}

/* What the tokens' file says of where they came from decides. */
static bool end_there(void *context, const json_t *json, struct error *err)
{
	const struct cloud_session *session = context;

	return tokens_text(json, "client_id") != NULL ? end_oauth(session, json, err)
						      : end_basic(session->http, json, err);
}

bool cloud_session_end(struct cloud_session *session, bool *was, struct error *err)
{
	struct error problem = {0};
	bool told = true;

	if (tokens_forget(session->account->tokens, end_there, session, was, &told, &problem))
		return true;
	if (told)
		return error_set(err, problem.code, "%s", problem.message);
	return error_set(err, ERROR_UNREACHABLE,
		_("the login is forgotten here, but %s could not be told: %s"), session->name,
		problem.message);
}
