#include "provision/authority/cabinet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "module/support/oauth_browser.h"
#include "provision/authority/answer.h"
#include "provision/authority/certificate_pem.h"
#include "provision/i18n.h"

static const char protocol[] = "podpis-cabinet/1";

static bool load_info(struct cabinet *cabinet, struct error *err)
{
	const struct session_call call = {.method = "GET", .path = "/info", .anonymous = true};
	char *spoken = NULL;
	json_t *info = NULL;
	bool ok = false;

	if (cabinet->info != NULL)
		return true;
	if (!session_json(&cabinet->session, &call, &info, err) ||
		!answer_text(info, "protocol", 64, false, &spoken, err))
		goto out;
	if (strcmp(spoken, protocol) != 0) {
		error_set(err, ERROR_UNREACHABLE, _("%s speaks %s, this podpis speaks %s"),
			http_peer_name(cabinet->session.http), spoken, protocol);
		goto out;
	}
	cabinet->info = json_incref(info);
	ok = true;
out:
	free(spoken);
	json_decref(info);
	return ok;
}

bool cabinet_anchors(struct authority *authority, struct buffer *pem, struct error *err)
{
	struct cabinet *cabinet = (struct cabinet *)authority;

	if (cabinet->anchors != NULL)
		return certificate_pem_file(cabinet->anchors, pem, err);
	return load_info(cabinet, err) &&
	       cabinet_add_certificates(cabinet->info, "anchors", pem, err);
}

/* What the info says of the login; the texts are the caller's to free. */
struct door {
	char *authorization_endpoint, *token_endpoint, *revocation_endpoint, *client_id;
	bool password;
};

static void door_clear(struct door *door)
{
	free(door->authorization_endpoint);
	free(door->token_endpoint);
	free(door->revocation_endpoint);
	free(door->client_id);
}

static bool find_door(struct cabinet *cabinet, struct door *door, struct error *err)
{
	const json_t *oauth;

	if (!load_info(cabinet, err) || !answer_object(cabinet->info, "oauth", &oauth, err) ||
		!answer_text(oauth, "authorization_endpoint", 4096, false,
			&door->authorization_endpoint, err) ||
		!answer_text(oauth, "token_endpoint", 4096, false, &door->token_endpoint, err) ||
		!answer_text(oauth, "revocation_endpoint", 4096, false, &door->revocation_endpoint,
			err) ||
		!answer_text(oauth, "client_id", 128, false, &door->client_id, err) ||
		!answer_bool(oauth, "password", &door->password, err))
		return false;
	if (!http_address_valid(door->authorization_endpoint) ||
		!http_address_valid(door->token_endpoint) ||
		!http_address_valid(door->revocation_endpoint))
		return answer_wrong("oauth", _("a set of https addresses"), err);
	return true;
}

static bool through_browser(struct cabinet *cabinet, const struct oauth_service *service,
	const struct authority_login *login, struct oauth_grant *grant, struct error *err)
{
	const struct oauth_browser browser = {
		.browse = login->browse,
		.context = login->context,
		.seconds = login->seconds,
		.log = cabinet->session.log,
	};

	return oauth_browser_login(cabinet->session.http, service, &browser, grant, err);
}

static bool read_account(const json_t *extra, struct authority_account *out, struct error *err)
{
	char *account = NULL, *name = NULL, *role = NULL;
	bool ok;

	ok = answer_text(extra, "account", sizeof(out->account) - 1, false, &account, err) &&
	     answer_text(extra, "name", sizeof(out->name) - 1, false, &name, err) &&
	     answer_text(extra, "role", sizeof(out->role) - 1, false, &role, err);
	if (ok && strcmp(role, "employee") != 0 && strcmp(role, "administrator") != 0)
		ok = answer_wrong("role", "employee, administrator", err);
	if (ok) {
		memset(out, 0, sizeof(*out));
		snprintf(out->account, sizeof(out->account), "%s", account);
		snprintf(out->name, sizeof(out->name), "%s", name);
		snprintf(out->role, sizeof(out->role), "%s", role);
	}
	free(account);
	free(name);
	free(role);
	return ok;
}

bool cabinet_login(struct authority *authority, const struct authority_login *login,
	struct authority_account *out, struct error *err)
{
	struct cabinet *cabinet = (struct cabinet *)authority;
	struct authority_account account = {0};
	struct oauth_grant grant = {0};
	struct oauth_service service;
	struct door door = {0};
	bool ok = false;

	if (!find_door(cabinet, &door, err))
		goto out;
	service = (struct oauth_service){
		.authorization_endpoint = door.authorization_endpoint,
		.token_endpoint = door.token_endpoint,
		.revocation_endpoint = door.revocation_endpoint,
		.client_id = door.client_id,
	};
	if (login->account != NULL && !door.password) {
		error_set(err, ERROR_USAGE,
			_("%s takes no passwords from programs: log in through the browser, "
			  "without "
			  "--account"),
			authority->name);
		goto out;
	}
	if (login->account != NULL ? !oauth_password(cabinet->session.http, &service,
					     login->account, login->password, &grant, err)
				   : !through_browser(cabinet, &service, login, &grant, err))
		goto out;
	if (!read_account(grant.extra, &account, err) ||
		!login_store(cabinet->session.login, &service, &grant, &account, err))
		goto out;
	*out = account;
	ok = true;
out:
	oauth_grant_clear(&grant);
	door_clear(&door);
	return ok;
}

bool cabinet_logout(struct authority *authority, bool *was, struct error *err)
{
	struct cabinet *cabinet = (struct cabinet *)authority;

	return login_forget(cabinet->session.login, cabinet->session.http, was, err);
}

bool cabinet_account(struct authority *authority, struct authority_account *out, struct error *err)
{
	return login_account(((struct cabinet *)authority)->session.login, out, err);
}
