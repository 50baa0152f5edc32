/*
 * The tokens of oauth.h: what gives them, what ends them, whose they are.
 */
#include <openssl/crypto.h>
#include <string.h>

#include "tests/sandbox/accounts.h"
#include "tests/sandbox/authorization.h"
#include "tests/sandbox/codec.h"
#include "tests/sandbox/oauth.h"
#include "tests/sandbox/options.h"
#include "tests/sandbox/store.h"

#define REFRESH_SECONDS     (30 * 86400)
#define APPLICATION_SECONDS (90 * 86400)

static void hash_of(const char *token, uint8_t hash[CODEC_SHA256])
{
	codec_sha256(token, strlen(token), hash);
}

static bool is_cloud(const struct request *request)
{
	return strncmp(request->path, "/csc/", 5) == 0;
}

static bool new_token(struct store *store, const char *kind, int64_t login, const char *application,
	int64_t seconds, char token[CODEC_TOKEN_MAX])
{
	uint8_t hash[CODEC_SHA256];

	if (!codec_token(token))
		return false;
	hash_of(token, hash);
	if (login != 0)
		store_run(store,
			"INSERT INTO tokens (hash, kind, login, expires) VALUES (?, ?, ?, ?)",
			"bsii", hash, sizeof hash, kind, login, store_seconds(store) + seconds);
	else
		store_run(store,
			"INSERT INTO tokens (hash, kind, application, expires) VALUES (?, ?, ?, ?)",
			"bssi", hash, sizeof hash, kind, application,
			store_seconds(store) + seconds);
	return true;
}

static void oauth_error(struct response *response, const char *error, const char *description)
{
	http_json(response, 400,
		json_pack("{ssss}", "error", error, "error_description", description));
	http_add_header(response, "Cache-Control", "no-store");
}

/* What a token of the cabinet tells of its holder. */
static void add_holder(struct store *store, const char *account, json_t *answer)
{
	json_t *person = accounts_person(store, account);

	json_object_set_new(answer, "role",
		json_string(
			accounts_is_administrator(store, account) ? "administrator" : "employee"));
	json_object_set_new(answer, "account", json_string(account));
	json_object_set_new(answer, "name", accounts_full_name(person));
	json_decref(person);
}

/* A token for one credential's signatures: it is the authorisation, too (CSC v1.0.4, 8.3.3). */
static bool authorise(struct request *request, const char *token, const char *account,
	const json_t *grant, struct response *response)
{
	struct credential credential;
	struct sandbox *sandbox = request->sandbox;
	const char *id = json_string_value(json_object_get(grant, "credential"));
	bool ok = credential_load(sandbox, account, id, &credential) &&
		  credential.mode == CREDENTIAL_OAUTH2CODE &&
		  authorization_grant(sandbox, token, &credential,
			  json_integer_value(json_object_get(grant, "signatures")),
			  json_object_get(grant, "hashes"),
			  json_string_value(json_object_get(grant, "hash_algorithm")));

	if (!ok)
		oauth_error(response, "invalid_grant",
			"these signatures of this credential can't be authorised");
	credential_clear(&credential);
	return ok;
}

/* `refresh` false: no refresh token. */
static void give_tokens(struct request *request, struct response *response, int64_t login,
	const char *account, const json_t *grant, bool refresh)
{
	struct sandbox *sandbox = request->sandbox;
	struct store *store = sandbox->store;
	char access[CODEC_TOKEN_MAX] = "", next[CODEC_TOKEN_MAX] = "";
	bool credential = json_object_get(grant, "credential") != NULL, ok;
	int64_t seconds = sandbox->options->token_seconds;
	json_t *answer;

	refresh = refresh && !credential;
	ok = new_token(store, "access", login, NULL, seconds, access) &&
	     (!refresh || new_token(store, "refresh", login, NULL, REFRESH_SECONDS, next));
	if (!ok) {
		response->status = 500;
		return;
	}
	if (credential && !authorise(request, access, account, grant, response))
		return;
	answer = json_pack("{s:s,s:s,s:I}", "access_token", access, "token_type",
		credential && strncmp(request->path, "/csc/v1/", 8) == 0 ? "SAD" : "Bearer",
		"expires_in", (json_int_t)seconds);
	if (refresh)
		json_object_set_new(answer, "refresh_token", json_string(next));
	if (grant == NULL)
		add_holder(store, account, answer);
	http_json(response, 200, answer);
	http_add_header(response, "Cache-Control", "no-store");
	OPENSSL_cleanse(access, sizeof access);
	OPENSSL_cleanse(next, sizeof next);
}

/* `grant` as text; NULL or "": to the cabinet. */
static int64_t new_login(struct store *store, const char *account, const char *grant)
{
	store_run(store, "INSERT INTO logins (account, grant) VALUES (?, ?)", "ss", account,
		grant != NULL && *grant != '\0' ? grant : NULL);
	return store_number(store, 0, "SELECT max(id) FROM logins", "");
}

static void end_login(struct store *store, int64_t login)
{
	store_run(store, "UPDATE logins SET ended = 1 WHERE id = ?", "i", login);
}

static void grant_password(struct request *request, struct response *response)
{
	struct store *store = request->sandbox->store;
	struct buffer login = BUFFER_INIT(256), password = BUFFER_INIT(1024);

	if (request->sandbox->options->no_password || is_cloud(request))
		oauth_error(response, "unsupported_grant_type", "вход по паролю отключён");
	else if (!http_form(request, "username", &login) ||
		 !http_form(request, "password", &password))
		oauth_error(response, "invalid_request", "нужны username и password");
	else if (!accounts_check(store, buffer_text(&login), buffer_text(&password)))
		oauth_error(response, "invalid_grant", "неверный логин или пароль");
	else
		give_tokens(request, response, new_login(store, buffer_text(&login), NULL),
			buffer_text(&login), NULL, true);
	buffer_free(&login);
	buffer_free(&password);
}

/* The cabinet has one client only. */
static bool is_same_client(const struct request *request, const char *grant)
{
	struct buffer client = BUFFER_INIT(64);
	json_t *json = json_loads(grant, 0, NULL);
	const char *wanted = json_string_value(json_object_get(json, "client"));
	bool same = json == NULL || (http_form(request, "client_id", &client) && wanted != NULL &&
					    strcmp(buffer_text(&client), wanted) == 0);

	json_decref(json);
	buffer_free(&client);
	return same;
}

static void grant_code(struct request *request, struct response *response)
{
	struct store *store = request->sandbox->store;
	struct buffer code = BUFFER_INIT(256), redirect_uri = BUFFER_INIT(256),
		      verifier = BUFFER_INIT(256);
	uint8_t hash[CODEC_SHA256];
	sqlite3_stmt *query = NULL;

	if (!http_form(request, "code", &code) ||
		!http_form(request, "redirect_uri", &redirect_uri) ||
		!http_form(request, "code_verifier", &verifier)) {
		oauth_error(
			response, "invalid_request", "нужны code, redirect_uri и code_verifier");
		goto out;
	}
	hash_of(buffer_text(&code), hash);
	query = store_query(store,
		"SELECT account, redirect_uri, challenge, expires, login, grant FROM codes WHERE "
		"hash = ?",
		"b", hash, sizeof hash);
	if (!store_next(store, &query)) {
		oauth_error(response, "invalid_grant", "код неизвестен");
	} else if (sqlite3_column_type(query, 4) != SQLITE_NULL) {
		end_login(store, sqlite3_column_int64(query, 4));
		oauth_error(response, "invalid_grant", "код уже использован, вход прекращён");
		response->keep = true;
	} else if (sqlite3_column_int64(query, 3) < store_seconds(store)) {
		oauth_error(response, "invalid_grant", "срок действия кода истёк");
	} else if (strcmp(buffer_text(&redirect_uri), store_text(query, 1)) != 0 ||
		   (*store_text(query, 5) != '\0') != is_cloud(request) ||
		   !is_same_client(request, store_text(query, 5)) ||
		   !oauth_verifier_matches(buffer_text(&verifier), store_text(query, 2))) {
		oauth_error(response, "invalid_grant", "код выдан другому");
	} else {
		int64_t login = new_login(store, store_text(query, 0), store_text(query, 5));
		json_t *grant = json_loads(store_text(query, 5), 0, NULL);

		give_tokens(request, response, login, store_text(query, 0), grant, true);
		json_decref(grant);
		store_run(store, "UPDATE codes SET login = ? WHERE hash = ?", "ib", login, hash,
			sizeof hash);
	}
out:
	store_end(&query);
	buffer_free(&code);
	buffer_free(&redirect_uri);
	buffer_free(&verifier);
}

/* A refresh token is good for once: the second use ends the login. */
static void refresh(struct request *request, struct response *response, const char *token)
{
	struct store *store = request->sandbox->store;
	uint8_t hash[CODEC_SHA256];
	sqlite3_stmt *query = NULL;
	json_t *grant = NULL;

	hash_of(token, hash);
	query = store_query(store,
		"SELECT login, expires, used, ended, account, grant FROM tokens"
		" JOIN logins ON logins.id = login WHERE hash = ? AND kind = 'refresh'",
		"b", hash, sizeof hash);
	bool known = store_next(store, &query);
	if (known)
		grant = json_loads(store_text(query, 5), 0, NULL);
	if (!known || (grant != NULL) != is_cloud(request)) {
		oauth_error(response, "invalid_grant", "вход неизвестен");
	} else if (sqlite3_column_int64(query, 2) != 0) {
		end_login(store, sqlite3_column_int64(query, 0));
		oauth_error(response, "invalid_grant", "токен уже использован, вход прекращён");
		response->keep = true;
	} else if (sqlite3_column_int64(query, 3) != 0 ||
		   sqlite3_column_int64(query, 1) < store_seconds(store)) {
		oauth_error(response, "invalid_grant", "вход прекращён");
	} else {
		store_run(
			store, "UPDATE tokens SET used = 1 WHERE hash = ?", "b", hash, sizeof hash);
		give_tokens(request, response, sqlite3_column_int64(query, 0), store_text(query, 4),
			grant, true);
	}
	json_decref(grant);
	store_end(&query);
}

static void grant_refresh(struct request *request, struct response *response)
{
	struct buffer token = BUFFER_INIT(256);

	if (http_form(request, "refresh_token", &token))
		refresh(request, response, buffer_text(&token));
	else
		oauth_error(response, "invalid_request", "нужен refresh_token");
	buffer_free(&token);
}

/* The client's secret was checked before. */
static void grant_client(struct request *request, struct response *response)
{
	json_t *grant = json_pack("{s:s}", "scope", "service");
	struct buffer id = BUFFER_INIT(64);

	if (http_form(request, "client_id", &id) &&
		strcmp(buffer_text(&id), OAUTH_SERVER_CLIENT) == 0)
		give_tokens(request, response,
			new_login(request->sandbox->store, "", "{\"scope\":\"service\"}"), "",
			grant, false);
	else
		oauth_error(response, "unauthorized_client", "только для podpis-server");
	buffer_free(&id);
	json_decref(grant);
}

/* The public client proves nothing; the confidential one has the secret of the state's file. */
static bool check_client(const struct request *request)
{
	struct buffer id = BUFFER_INIT(64), secret = BUFFER_INIT(256), right = BUFFER_INIT(256);
	bool known = http_form(request, "client_id", &id);
	bool ok = known && strcmp(buffer_text(&id), OAUTH_CLIENT) == 0;

	if (!ok && known && is_cloud(request) &&
		strcmp(buffer_text(&id), OAUTH_SERVER_CLIENT) == 0 &&
		http_form(request, "client_secret", &secret) &&
		store_get(request->sandbox->store, OAUTH_SECRET_SETTING, &right))
		ok = secret.length == right.length &&
		     CRYPTO_memcmp(secret.data, right.data, right.length) == 0;
	buffer_free(&id);
	buffer_free(&secret);
	buffer_free(&right);
	return ok;
}

void oauth_token(struct request *request, struct response *response)
{
	static const struct {
		const char *name;
		void (*grant)(struct request *, struct response *);
	} grants[] = {
		{"authorization_code", grant_code},
		{"refresh_token", grant_refresh},
		{"password", grant_password},
		{"client_credentials", grant_client},
	};
	struct buffer type = BUFFER_INIT(64);

	http_form(request, "grant_type", &type);
	if (!check_client(request)) {
		oauth_error(response, "invalid_client", "программа неизвестна");
		goto out;
	}
	for (size_t i = 0; i < sizeof grants / sizeof *grants; i++) {
		if (strcmp(buffer_text(&type), grants[i].name) == 0)
			grants[i].grant(request, response);
	}
	if (response->status == 0)
		oauth_error(response, "unsupported_grant_type", buffer_text(&type));
out:
	buffer_free(&type);
}

void oauth_end_login(struct sandbox *sandbox, const char *token, bool access_only)
{
	struct store *store = sandbox->store;
	uint8_t hash[CODEC_SHA256];

	hash_of(token, hash);
	int64_t login = store_number(
		store, 0, "SELECT login FROM tokens WHERE hash = ?", "b", hash, sizeof hash);
	if (access_only)
		store_run(store, "DELETE FROM tokens WHERE login = ? AND kind = 'access'", "i",
			login);
	else
		end_login(store, login);
}

void oauth_revoke(struct request *request, struct response *response)
{
	struct buffer token = BUFFER_INIT(256);

	if (http_form(request, "token", &token)) {
		oauth_end_login(request->sandbox, buffer_text(&token), false);
		http_json(response, 200, json_object());
	} else {
		oauth_error(response, "invalid_request", "нужен token");
	}
	buffer_free(&token);
}

bool oauth_identify(struct sandbox *sandbox, const char *token, struct identity *who)
{
	struct store *store = sandbox->store;
	uint8_t hash[CODEC_SHA256];
	bool found = false;

	*who = (struct identity){0};
	hash_of(token, hash);
	sqlite3_stmt *query = store_query(store,
		"SELECT tokens.hash, kind, coalesce(logins.account, applications.account), "
		"tokens.application"
		" FROM tokens LEFT JOIN logins ON logins.id = tokens.login"
		" LEFT JOIN applications ON applications.id = tokens.application"
		" WHERE tokens.hash = ? AND kind IN ('access', 'application') AND expires >= ?"
		" AND coalesce(logins.ended, 0) = 0 AND logins.grant IS NULL",
		"bi", hash, sizeof hash, store_seconds(store));
	if (store_next(store, &query) && store_equals(query, 0, hash, sizeof hash)) {
		snprintf(who->account, sizeof who->account, "%s", store_text(query, 2));
		snprintf(who->application, sizeof who->application, "%s", store_text(query, 3));
		found = who->account[0] != '\0';
	}
	store_end(&query);
	who->administrator = found && who->application[0] == '\0' &&
			     accounts_is_administrator(store, who->account);
	return found;
}

bool oauth_application_token(
	struct sandbox *sandbox, const char *application, char token[CODEC_TOKEN_MAX])
{
	store_run(sandbox->store, "DELETE FROM tokens WHERE application = ?", "s", application);
	return new_token(sandbox->store, "application", 0, application, APPLICATION_SECONDS, token);
}

bool oauth_caller(struct sandbox *sandbox, const char *token, struct caller *out)
{
	struct store *store = sandbox->store;
	uint8_t hash[CODEC_SHA256];
	json_t *grant;
	bool found = false;

	*out = (struct caller){0};
	hash_of(token, hash);
	sqlite3_stmt *query = store_query(store,
		"SELECT tokens.hash, logins.account, logins.grant, logins.id FROM tokens"
		" JOIN logins ON logins.id = tokens.login"
		" WHERE tokens.hash = ? AND kind = 'access' AND expires >= ? AND ended = 0"
		" AND logins.grant IS NOT NULL",
		"bi", hash, sizeof hash, store_seconds(store));
	if (store_next(store, &query) && store_equals(query, 0, hash, sizeof hash)) {
		grant = json_loads(store_text(query, 2), 0, NULL);
		const char *id = json_string_value(json_object_get(grant, "credential"));

		snprintf(out->account, sizeof out->account, "%s", store_text(query, 1));
		out->login = sqlite3_column_int64(query, 3);
		if (id != NULL) {
			snprintf(out->credential, sizeof out->credential, "%s", id);
			snprintf(out->token, sizeof out->token, "%s", token);
		}
		json_decref(grant);
		found = true;
	}
	store_end(&query);
	return found;
}

void oauth_service_login(
	struct request *request, struct response *response, const char *account, bool remember)
{
	json_t *grant = json_pack("{s:s}", "scope", "service");

	give_tokens(request, response,
		new_login(request->sandbox->store, account, "{\"scope\":\"service\"}"), account,
		grant, remember);
	json_decref(grant);
}

void oauth_service_refresh(struct request *request, struct response *response, const char *token)
{
	refresh(request, response, token);
}

bool oauth_open(struct store *store, struct error *err)
{
	struct buffer secret = BUFFER_INIT(256);
	char token[CODEC_TOKEN_MAX];
	bool ok = store_get(store, OAUTH_SECRET_SETTING, &secret);

	if (!ok && codec_token(token)) {
		store_begin(store);
		store_put(store, OAUTH_SECRET_SETTING, token, strlen(token));
		ok = store_commit(store) && buffer_append_text(&secret, token);
	}
	ok = ok && store_write_file(store, "client.secret", secret.data, secret.length, 0600, err);
	if (!ok)
		error_set(err, ERROR_FAILED, "the client's secret could not be made");
	buffer_free(&secret);
	return ok;
}
