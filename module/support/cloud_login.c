#include "module/support/cloud_login.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "module/support/text.h"

#define ANSWER_BYTES ((size_t)256 << 10)
#define SECRET_BYTES 4096 /* of a file with a secret */

bool cloud_login_connect(const struct cloud_account *account, struct http_settings settings,
	struct http **out, struct error *err)
{
	settings.base = account->url;
	settings.ca_file = account->ca_file;
	return http_new(&settings, out, err);
}

bool cloud_secret_read(const char *path, struct secret **out, struct error *err)
{
	struct buffer text = BUFFER_INIT(SECRET_BYTES);
	size_t length = 0;
	bool ok = false;

	if (!buffer_read_file(&text, path))
		error_set(err, ERROR_WORKPLACE, "%s can't be read: %s", path, strerror(errno));
	else if ((length = strcspn(buffer_text(&text), "\r\n")) == 0)
		error_set(err, ERROR_WORKPLACE, "%s is empty", path);
	else
		ok = (*out = secret_new(text.data, length)) != NULL ||
		     error_set(err, ERROR_FAILED, "out of memory");
	buffer_free(&text);
	return ok;
}

/* ---- requests */

static int append(const char *data, size_t length, void *buffer)
{
	return buffer_append(buffer, data, length) ? 0 : -1;
}

/* Sends `json`, whose reference is taken and whose texts are wiped. */
static bool post(struct http *http, struct http_request request, json_t *json,
	struct http_response *out, struct error *err)
{
	struct buffer body = BUFFER_INIT(4 * OAUTH_TOKEN_MAX);
	bool ok = json != NULL && json_dump_callback(json, append, &body, JSON_COMPACT) == 0;

	request.method = "POST";
	request.accept = "application/json";
	request.content_type = "application/json";
	request.body = body.data;
	request.length = body.length;
	request.limit = ANSWER_BYTES;
	ok = ok ? http_send(http, &request, out, err)
		: error_set(err, ERROR_FAILED, "the request is too large");
	tokens_wipe(json);
	buffer_free(&body);
	return ok;
}

/* A login that the service says no to, in whatever words, is one for a person to begin anew. */
static bool refused(
	const struct http *http, const struct http_response *response, struct error *err)
{
	struct error problem = {0};

	oauth_refused(http, response, &problem);
	if (response->status == 400 || response->status == 401 || response->status == 403)
		problem.code = ERROR_PERSON;
	return error_set(err, problem.code, "%s", problem.message);
}

/* ---- info */

static bool says(const json_t *list, const char *word)
{
	const json_t *member;
	size_t i;

	json_array_foreach(list, i, member)
	{
		const char *text = json_string_value(member);

		if (text != NULL && strcmp(text, word) == 0)
			return true;
	}
	return false;
}

/* The kinds of login, in CSC's words; a login that is not the service's business has none. */
static const struct {
	const char *names[2];
} kinds[] = {
	[CLOUD_LOGIN_OAUTH2CODE] = {{"oauth2code"}},
	[CLOUD_LOGIN_CLIENT] = {{"oauth2client"}},
	[CLOUD_LOGIN_BASIC] = {{"basic", "digest"}},
	[CLOUD_LOGIN_EXTERNAL] = {{NULL}},
	[CLOUD_LOGIN_NONE] = {{NULL}},
};

/* A service that does not say which it has is tried. */
static bool check_kind(
	const struct cloud_account *account, const json_t *offered, struct error *err)
{
	const char *const *names = kinds[account->login].names;
	struct buffer there = BUFFER_INIT(400);
	const json_t *member;
	size_t i;

	if (json_array_size(offered) == 0 || names[0] == NULL || says(offered, names[0]) ||
		(names[1] != NULL && says(offered, names[1])))
		return true;
	json_array_foreach(offered, i, member)
	{
		if (json_is_string(member))
			buffer_printf(&there, "%s%.32s", there.length > 0 ? ", " : "",
				json_string_value(member));
	}
	error_set(err, ERROR_USAGE, "%s does not offer the login %s; it has: %s", account->url,
		names[0], buffer_text(&there));
	if (err != NULL)
		text_plain(err->message);
	buffer_free(&there);
	return false;
}

static bool no_address(
	const struct http *http, const char *member, const char *text, struct error *err)
{
	return error_set(err, ERROR_UNREACHABLE, "%s: %s is not an https address%s%.200s",
		http_peer_name(http), member, text != NULL && http_address_valid(text) ? ": " : "",
		text != NULL && http_address_valid(text) ? text : "");
}

static char *join(const char *base, const char *path)
{
	size_t length = strlen(base);
	char *whole = NULL;

	while (length > 0 && base[length - 1] == '/')
		length--;
	if (asprintf(&whole, "%.*s%s", (int)length, base, path) < 0)
		return NULL;
	return whole;
}

/* `oauth2` is the address that oauth2/authorize and its kin stand under (v1.0.4, 11.1; v2.0, 11.1). */
static bool from_base(const struct http *http, const json_t *info, const char *base,
	struct cloud_doors *doors, struct error *err)
{
	const json_t *methods = json_object_get(info, "methods");

	if (!http_address_valid(base) || strpbrk(base, "?#") != NULL)
		return no_address(http, "oauth2", base, err);
	doors->authorization = join(base, "/oauth2/authorize");
	doors->token = join(base, "/oauth2/token");
	if (json_array_size(methods) == 0 || says(methods, "oauth2/revoke"))
		doors->revocation = join(base, "/oauth2/revoke");
	return (doors->authorization != NULL && doors->token != NULL) ||
	       error_set(err, ERROR_FAILED, "out of memory");
}

static bool take_address(const struct http *http, const json_t *metadata, const char *name,
	bool optional, char **out, struct error *err)
{
	const char *text = json_string_value(json_object_get(metadata, name));

	if (text == NULL && optional)
		return true;
	if (text == NULL || !http_address_valid(text))
		return no_address(http, name, text, err);
	*out = strdup(text);
	return *out != NULL || error_set(err, ERROR_FAILED, "out of memory");
}

/* `oauth2Issuer` names an authorisation server, which describes itself (v2.0, 11.1; RFC 8414, 3). */
static bool from_issuer(
	struct http *http, const char *issuer, struct cloud_doors *doors, struct error *err)
{
	static const char well_known[] = "/.well-known/oauth-authorization-server";
	struct http_request request = {
		.method = "GET", .accept = "application/json", .limit = ANSWER_BYTES};
	struct http_response response = {0};
	json_t *metadata = NULL;
	const char *path, *named;
	char *address = NULL;
	bool ok = false;

	if (!http_address_valid(issuer) || strpbrk(issuer, "?#") != NULL)
		return no_address(http, "oauth2Issuer", issuer, err);
	path = strchr(issuer + strlen("https://"), '/');
	if (path == NULL)
		path = issuer + strlen(issuer);
	if (asprintf(&address, "%.*s%s%s", (int)(path - issuer), issuer, well_known,
		    strcmp(path, "/") == 0 ? "" : path) < 0)
		return error_set(err, ERROR_FAILED, "out of memory");
	request.path = address;
	if (!http_send(http, &request, &response, err))
		goto out;
	if (response.status != 200) {
		error_set(err, ERROR_UNREACHABLE, "%s is answered with HTTP %ld", address,
			response.status);
		goto out;
	}
	if (!http_response_json(http, &response, &metadata, err))
		goto out;
	/* Whoever speaks for another issuer is not it (RFC 8414, 3.3). */
	named = json_string_value(json_object_get(metadata, "issuer"));
	if (named == NULL || strcmp(named, issuer) != 0) {
		error_set(err, ERROR_UNREACHABLE, "%s is not about %s", address, issuer);
		goto out;
	}
	ok = take_address(
		     http, metadata, "authorization_endpoint", false, &doors->authorization, err) &&
	     take_address(http, metadata, "token_endpoint", false, &doors->token, err) &&
	     take_address(http, metadata, "revocation_endpoint", true, &doors->revocation, err);
out:
	free(address);
	json_decref(metadata);
	http_response_clear(&response);
	return ok;
}

static bool ask_info(struct http *http, json_t **out, struct error *err)
{
	struct http_response response = {0};
	json_t *info = NULL;
	bool ok = false;

	/* Asking twice does no harm. */
	if (!post(http, (struct http_request){.path = "/info", .tries = 3}, json_object(),
		    &response, err))
		return false;
	if (response.status != 200)
		oauth_refused(http, &response, err);
	else if (http_response_json(http, &response, &info, err))
		ok = json_is_object(info) ||
		     error_set(err, ERROR_UNREACHABLE, "%s: its info is no object",
			     http_peer_name(http));
	if (ok)
		*out = info;
	else
		json_decref(info);
	http_response_clear(&response);
	return ok;
}

/* Where the authorisation server is: the one way to it, of all who ask. */
static bool find_oauth(
	struct http *http, const json_t *info, struct cloud_doors *doors, struct error *err)
{
	const char *base = json_string_value(json_object_get(info, "oauth2")),
		   *issuer = json_string_value(json_object_get(info, "oauth2Issuer"));

	if (base != NULL)
		return from_base(http, info, base, doors, err);
	if (issuer != NULL)
		return from_issuer(http, issuer, doors, err);
	return error_set(err, ERROR_UNREACHABLE, "%s does not say where its OAuth server is",
		http_peer_name(http));
}

/* `account` NULL: for a credential. */
static bool find_doors(struct http *http, const struct cloud_account *account,
	struct cloud_doors *out, struct error *err)
{
	struct cloud_doors doors = {0};
	const json_t *offered;
	json_t *info = NULL;
	bool ok;

	if (!ask_info(http, &info, err))
		return false;
	offered = json_object_get(info, "authType");
	doors.digest = says(offered, "digest") && !says(offered, "basic");
	ok = (account == NULL || check_kind(account, offered, err)) &&
	     ((account != NULL && account->login != CLOUD_LOGIN_OAUTH2CODE &&
		      account->login != CLOUD_LOGIN_CLIENT) ||
		     find_oauth(http, info, &doors, err));
	if (ok)
		*out = doors;
	else
		cloud_doors_clear(&doors);
	json_decref(info);
	return ok;
}

bool cloud_login_doors(struct http *http, const struct cloud_account *account,
	struct cloud_doors *out, struct error *err)
{
	return find_doors(http, account, out, err);
}

bool cloud_credential_doors(struct http *http, struct cloud_doors *out, struct error *err)
{
	return find_doors(http, NULL, out, err);
}

void cloud_doors_clear(struct cloud_doors *doors)
{
	free(doors->authorization);
	free(doors->token);
	free(doors->revocation);
	*doors = (struct cloud_doors){0};
}

bool cloud_client_open(const struct cloud_account *account, const struct cloud_doors *doors,
	const char *scope, struct cloud_client *out, struct error *err)
{
	struct cloud_client client = {.secret = NULL};

	if (account->client_id == NULL)
		return error_set(
			err, ERROR_USAGE, "%s: its OAuth server wants a client-id", account->url);
	if (account->client_secret_file != NULL &&
		!cloud_secret_read(account->client_secret_file, &client.secret, err))
		return false;
	client.service = (struct oauth_service){
		.authorization_endpoint = doors->authorization,
		.token_endpoint = doors->token,
		.revocation_endpoint = doors->revocation,
		.client_id = account->client_id,
		.client_secret = client.secret,
		.scope = scope,
	};
	*out = client;
	return true;
}

void cloud_client_close(struct cloud_client *client)
{
	secret_free(client->secret);
	*client = (struct cloud_client){.secret = NULL};
}

/* ---- auth/login, auth/revoke */

static bool log_in(struct http *http, const struct http_request *request, json_t *body,
	struct oauth_grant *out, struct error *err)
{
	struct http_response response = {0};
	json_t *json = NULL;
	bool ok = false;

	if (!post(http, *request, body, &response, err))
		return false;
	if (response.status != 200)
		refused(http, &response, err);
	else
		/* The specification's answer has no token_type. */
		ok = http_response_json(http, &response, &json, err) &&
		     oauth_grant_read(http, json, NULL, out, err);
	json_decref(json);
	http_response_clear(&response);
	return ok;
}

bool cloud_login_basic(struct http *http, const char *user, const struct secret *password,
	bool digest, struct oauth_grant *out, struct error *err)
{
	const struct http_request request = {
		.path = "/auth/login", .user = user, .digest = digest, .password = password};

	return log_in(http, &request, json_pack("{s:b}", "rememberMe", 1), out, err);
}

bool cloud_login_refresh(
	struct http *http, const char *refresh, struct oauth_grant *out, struct error *err)
{
	const struct http_request request = {.path = "/auth/login"};

	return log_in(http, &request,
		json_pack("{s:s,s:b}", "refresh_token", refresh, "rememberMe", 1), out, err);
}

bool cloud_login_revoke(struct http *http, const struct secret *bearer, const char *token,
	const char *hint, struct error *err)
{
	const struct http_request request = {.path = "/auth/revoke", .bearer = bearer};
	struct http_response response = {0};
	bool ok;

	if (!post(http, request, json_pack("{s:s,s:s}", "token", token, "token_type_hint", hint),
		    &response, err))
		return false;
	ok = response.status == 200 || response.status == 204 || refused(http, &response, err);
	http_response_clear(&response);
	return ok;
}
