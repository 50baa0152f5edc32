#include "tests/sandbox/oauth.h"

#include <openssl/crypto.h>
#include <string.h>

#include "tests/sandbox/accounts.h"
#include "tests/sandbox/codec.h"
#include "tests/sandbox/html.h"
#include "tests/sandbox/options.h"
#include "tests/sandbox/store.h"

#define CLIENT              "podpis"
#define TITLE               "Вход в личный кабинет"
#define PAGE_SECONDS        600
#define CODE_SECONDS        60
#define REFRESH_SECONDS     (30 * 86400)
#define APPLICATION_SECONDS (90 * 86400)

bool oauth_is_loopback_uri(const char *uri)
{
	static const char *const hosts[] = {"http://127.0.0.1:", "http://[::1]:"};

	for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
		size_t length = strlen(hosts[i]);

		if (strncmp(uri, hosts[i], length) != 0)
			continue;
		size_t digits = strspn(uri + length, "0123456789");
		return digits >= 1 && digits <= 5 &&
		       strcmp(uri + length + digits, "/callback") == 0;
	}
	return false;
}

static const char unreserved[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";

bool oauth_is_challenge(const char *challenge)
{
	return strlen(challenge) == 43 && strspn(challenge, unreserved) == 43 &&
	       strpbrk(challenge, ".~") == NULL;
}

bool oauth_verifier_matches(const char *verifier, const char *challenge)
{
	size_t length = strlen(verifier);
	uint8_t hash[CODEC_SHA256];
	char text[CODEC_TOKEN_MAX];

	if (length < 43 || length > 128 || strspn(verifier, unreserved) != length ||
		strlen(challenge) != sizeof text - 1)
		return false;
	codec_sha256(verifier, length, hash);
	codec_base64url_sha256(hash, text);
	return CRYPTO_memcmp(text, challenge, sizeof text - 1) == 0;
}

static void hash_of(const char *token, uint8_t hash[CODEC_SHA256])
{
	codec_sha256(token, strlen(token), hash);
}

/* ---- the page */

void oauth_authorize_page(struct request *request, struct response *response)
{
	struct store *store = request->sandbox->store;
	const char *client = http_query(request, "client_id");
	const char *redirect_uri = http_query(request, "redirect_uri");
	const char *type = http_query(request, "response_type");
	const char *state = http_query(request, "state");
	const char *challenge = http_query(request, "code_challenge");
	const char *method = http_query(request, "code_challenge_method");
	char page[CODEC_TOKEN_MAX];
	uint8_t hash[CODEC_SHA256];

	if (client == NULL || strcmp(client, CLIENT) != 0 || redirect_uri == NULL ||
		!oauth_is_loopback_uri(redirect_uri)) {
		html_message(response, 400, TITLE,
			"Программа, которая открыла эту страницу, не известна удостоверяющему "
			"центру, или "
			"адрес возврата недопустим.");
		return;
	}
	if (state == NULL || *state == '\0' || strlen(state) > 512) {
		http_redirect(response, redirect_uri, "error", "invalid_request", NULL);
		return;
	}
	if (type == NULL || strcmp(type, "code") != 0) {
		http_redirect(response, redirect_uri, "error", "unsupported_response_type", "state",
			state, NULL);
		return;
	}
	if (challenge == NULL || !oauth_is_challenge(challenge) || method == NULL ||
		strcmp(method, "S256") != 0) {
		http_redirect(response, redirect_uri, "error", "invalid_request",
			"error_description", "PKCE S256 is required", "state", state, NULL);
		return;
	}
	if (!codec_token(page)) {
		response->status = 500;
		return;
	}
	hash_of(page, hash);
	store_run(store, "DELETE FROM pages WHERE expires < ?", "i", store_seconds(store));
	store_run(store, "INSERT INTO pages VALUES (?, ?, ?, ?, ?)", "bsssi", hash, sizeof hash,
		redirect_uri, state, challenge, store_seconds(store) + PAGE_SECONDS);
	html_login(response, 200, TITLE, "authorize", "page", page, NULL);
}

static void give_code(struct request *request, struct response *response, const char *account,
	const char *redirect_uri, const char *challenge, const char *state)
{
	struct store *store = request->sandbox->store;
	char code[CODEC_TOKEN_MAX];
	uint8_t hash[CODEC_SHA256];

	if (!codec_token(code)) {
		response->status = 500;
		return;
	}
	hash_of(code, hash);
	store_run(store, "INSERT INTO codes VALUES (?, ?, ?, ?, ?, NULL)", "bsssi", hash,
		sizeof hash, account, redirect_uri, challenge, store_seconds(store) + CODE_SECONDS);
	http_redirect(response, redirect_uri, "code", code, "state", state, "iss",
		request->sandbox->origin, NULL);
}

void oauth_authorize(struct request *request, struct response *response)
{
	struct store *store = request->sandbox->store;
	struct buffer page = BUFFER_INIT(256), login = BUFFER_INIT(256),
		      password = BUFFER_INIT(1024), choice = BUFFER_INIT(64);
	uint8_t hash[CODEC_SHA256];
	sqlite3_stmt *query = NULL;

	http_form(request, "page", &page);
	http_form(request, "login", &login);
	http_form(request, "password", &password);
	http_form(request, "choice", &choice);
	hash_of(buffer_text(&page), hash);
	query = store_query(store,
		"SELECT redirect_uri, state, challenge FROM pages WHERE hash = ? AND expires >= ?",
		"bi", hash, sizeof hash, store_seconds(store));
	if (!store_next(store, &query)) {
		html_message(response, 400, TITLE, "Страница устарела. Начните вход заново.");
	} else if (strcmp(buffer_text(&choice), "decline") == 0) {
		http_redirect(response, store_text(query, 0), "error", "access_denied", "state",
			store_text(query, 1), NULL);
	} else if (!accounts_check(store, buffer_text(&login), buffer_text(&password))) {
		html_login(response, 403, TITLE, "authorize", "page", buffer_text(&page),
			"Неверный логин или пароль.");
	} else {
		give_code(request, response, buffer_text(&login), store_text(query, 0),
			store_text(query, 2), store_text(query, 1));
	}
	store_end(&query);
	if (response->status == 303)
		store_run(store, "DELETE FROM pages WHERE hash = ?", "b", hash, sizeof hash);
	buffer_free(&page);
	buffer_free(&login);
	buffer_free(&password);
	buffer_free(&choice);
}

/* ---- tokens */

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

static void give_tokens(
	struct request *request, struct response *response, int64_t login, const char *account)
{
	struct sandbox *sandbox = request->sandbox;
	struct store *store = sandbox->store;
	char access[CODEC_TOKEN_MAX], refresh[CODEC_TOKEN_MAX];
	json_t *person = accounts_person(store, account);
	bool administrator = accounts_is_administrator(store, account);

	if (!new_token(store, "access", login, NULL, sandbox->options->token_seconds, access) ||
		!new_token(store, "refresh", login, NULL, REFRESH_SECONDS, refresh)) {
		response->status = 500;
	} else {
		http_json(response, 200,
			json_pack("{s:s,s:s,s:I,s:s,s:s,s:s,s:o}", "access_token", access,
				"token_type", "Bearer", "expires_in",
				(json_int_t)sandbox->options->token_seconds, "refresh_token",
				refresh, "role", administrator ? "administrator" : "employee",
				"account", account, "name", accounts_full_name(person)));
		http_add_header(response, "Cache-Control", "no-store");
	}
	OPENSSL_cleanse(access, sizeof access);
	OPENSSL_cleanse(refresh, sizeof refresh);
	json_decref(person);
}

static int64_t new_login(struct store *store, const char *account)
{
	store_run(store, "INSERT INTO logins (account) VALUES (?)", "s", account);
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

	if (request->sandbox->options->no_password)
		oauth_error(response, "unsupported_grant_type", "вход по паролю отключён");
	else if (!http_form(request, "username", &login) ||
		 !http_form(request, "password", &password))
		oauth_error(response, "invalid_request", "нужны username и password");
	else if (!accounts_check(store, buffer_text(&login), buffer_text(&password)))
		oauth_error(response, "invalid_grant", "неверный логин или пароль");
	else
		give_tokens(request, response, new_login(store, buffer_text(&login)),
			buffer_text(&login));
	buffer_free(&login);
	buffer_free(&password);
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
		"SELECT account, redirect_uri, challenge, expires, login FROM codes WHERE hash = ?",
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
		   !oauth_verifier_matches(buffer_text(&verifier), store_text(query, 2))) {
		oauth_error(response, "invalid_grant", "код выдан другому");
	} else {
		int64_t login = new_login(store, store_text(query, 0));

		give_tokens(request, response, login, store_text(query, 0));
		store_run(store, "UPDATE codes SET login = ? WHERE hash = ?", "ib", login, hash,
			sizeof hash);
	}
out:
	store_end(&query);
	buffer_free(&code);
	buffer_free(&redirect_uri);
	buffer_free(&verifier);
}

static void grant_refresh(struct request *request, struct response *response)
{
	struct store *store = request->sandbox->store;
	struct buffer token = BUFFER_INIT(256);
	uint8_t hash[CODEC_SHA256];
	sqlite3_stmt *query = NULL;

	if (!http_form(request, "refresh_token", &token)) {
		oauth_error(response, "invalid_request", "нужен refresh_token");
		goto out;
	}
	hash_of(buffer_text(&token), hash);
	query = store_query(store,
		"SELECT login, expires, used, ended, account FROM tokens JOIN logins ON logins.id "
		"= login"
		" WHERE hash = ? AND kind = 'refresh'",
		"b", hash, sizeof hash);
	if (!store_next(store, &query)) {
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
		give_tokens(
			request, response, sqlite3_column_int64(query, 0), store_text(query, 4));
	}
out:
	store_end(&query);
	buffer_free(&token);
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
	};
	struct buffer type = BUFFER_INIT(64), client = BUFFER_INIT(64);

	http_form(request, "grant_type", &type);
	if (!http_form(request, "client_id", &client) ||
		strcmp(buffer_text(&client), CLIENT) != 0) {
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
	buffer_free(&client);
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
		" AND coalesce(logins.ended, 0) = 0",
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
