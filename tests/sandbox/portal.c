#include "tests/sandbox/portal.h"

#include <string.h>

#include "tests/sandbox/accounts.h"
#include "tests/sandbox/ca.h"
#include "tests/sandbox/cabinet.h"
#include "tests/sandbox/html.h"
#include "tests/sandbox/oauth.h"
#include "tests/sandbox/store.h"

#define TITLE           "Портал идентификации"
#define SESSION_SECONDS 600
#define CODE_SECONDS    60

static void hash_of(const char *token, uint8_t hash[CODEC_SHA256])
{
	codec_sha256(token, strlen(token), hash);
}

/* ---- the cabinet's side */

void portal_begin(struct request *request, struct response *response)
{
	struct store *store = request->sandbox->store;
	const char *uri = http_member(request, response, "redirect_uri");
	const char *state = uri != NULL ? http_member(request, response, "state") : NULL;
	const char *challenge =
		state != NULL ? http_member(request, response, "code_challenge") : NULL;
	const char *method =
		challenge != NULL ? http_member(request, response, "code_challenge_method") : NULL;
	char session[CODEC_TOKEN_MAX];
	uint8_t hash[CODEC_SHA256];
	struct application a;

	if (method == NULL)
		return;
	if (!cabinet_open(request, response, CABINET_HOLDER, &a) ||
		!cabinet_allows(request, response, &a, ACTION_IDENTIFY))
		goto out;
	if (!oauth_is_loopback_uri(uri) || strlen(state) < 16 || strlen(state) > 512 ||
		!oauth_is_challenge(challenge) || strcmp(method, "S256") != 0) {
		http_error(response, 400, "bad-request", NULL,
			"redirect_uri, state или code_challenge недопустимы");
		goto out;
	}
	if (!codec_token(session)) {
		response->status = 500;
		goto out;
	}
	hash_of(session, hash);
	store_run(store, "DELETE FROM identifications WHERE application = ? AND NOT taken", "s",
		a.id);
	store_run(store,
		"INSERT INTO identifications (hash, application, redirect_uri, state, challenge, "
		"expires)"
		" VALUES (?, ?, ?, ?, ?, ?)",
		"bssssi", hash, sizeof hash, a.id, uri, state, challenge,
		store_seconds(store) + SESSION_SECONDS);
	http_json(response, 200,
		json_pack("{s:o}", "url",
			json_sprintf("%s/portal/%s", request->sandbox->origin, session)));
out:
	application_clear(&a);
}

void portal_complete(struct request *request, struct response *response)
{
	struct store *store = request->sandbox->store;
	const char *code = http_member(request, response, "code");
	const char *verifier =
		code != NULL ? http_member(request, response, "code_verifier") : NULL;
	uint8_t hash[CODEC_SHA256];
	struct application a;
	sqlite3_stmt *query = NULL;
	bool taken;

	if (verifier == NULL)
		return;
	if (!cabinet_open(request, response, CABINET_HOLDER, &a))
		goto out;
	hash_of(code, hash);
	query = store_query(store,
		"SELECT challenge, code_expires, taken, account, face FROM identifications"
		" WHERE code = ? AND application = ?",
		"bs", hash, sizeof hash, a.id);
	bool found =
		store_next(store, &query) && oauth_verifier_matches(verifier, store_text(query, 0));
	taken = found && sqlite3_column_int(query, 2) != 0;
	if (!taken && !cabinet_allows(request, response, &a, ACTION_IDENTIFY))
		goto out;
	if (!found || (!taken && sqlite3_column_int64(query, 1) < store_seconds(store))) {
		http_error(response, 422, "invalid-code", NULL,
			"Код портала неверен, просрочен или уже использован");
		goto out;
	}
	if (!taken) {
		snprintf(a.portal_account, sizeof a.portal_account, "%s", store_text(query, 3));
		a.face = sqlite3_column_int(query, 4) != 0;
		a.attempts++;
		store_end(&query);
		store_run(store, "UPDATE identifications SET taken = 1 WHERE code = ?", "b", hash,
			sizeof hash);
		application_enter(request->sandbox, &a, IDENTIFYING_FACE, store_now(store), NULL);
	}
	store_end(&query);
	cabinet_answer(request, response, 200, a.id, NULL);
out:
	store_end(&query);
	application_clear(&a);
}

/* ---- the browser's side */

/* The visit that the path names: application, redirect_uri, state, account. */
static sqlite3_stmt *open_session(struct request *request, struct response *response)
{
	struct store *store = request->sandbox->store;
	uint8_t hash[CODEC_SHA256];

	hash_of(request->segments[0], hash);
	sqlite3_stmt *query = store_query(store,
		"SELECT application, redirect_uri, state, account FROM identifications"
		" WHERE hash = ? AND expires >= ? AND code IS NULL",
		"bi", hash, sizeof hash, store_seconds(store));
	if (!store_next(store, &query))
		html_message(response, 404, TITLE,
			"Эта страница не действует: время вышло, или идентификация уже пройдена. "
			"Начните её заново в программе.");
	return query;
}

static void action_path(const struct request *request, const char *what, char out[128])
{
	snprintf(out, 128, "/portal/%s/%s", request->segments[0], what);
}

static void row(struct buffer *out, const char *label, const char *value)
{
	if (value == NULL)
		return;
	buffer_append_text(out, "<tr><td>");
	html_text(out, label);
	buffer_append_text(out, "</td><td>");
	html_text(out, value);
	buffer_append_text(out, "</td></tr>\n");
}

static void consent_page(
	struct request *request, struct response *response, const char *application)
{
	struct application a;
	struct buffer *out = &response->body;
	char action[128];

	if (application_load(request->sandbox->store, application, &a)) {
		json_t *person = json_object_get(a.json, "person");
		json_t *name = accounts_full_name(person);

		action_path(request, "consent", action);
		html_begin(response, 200, "Согласие на использование биометрических данных");
		buffer_append_text(out, "<p>");
		html_text(out, CA_NAME);
		buffer_append_text(out, " просит подтвердить Вашу личность по биометрии и сверить "
					"данные заявления.</p>\n<table>\n");
		row(out, "Заявление", a.id);
		row(out, "Заявитель", json_string_value(name));
		row(out, "Дата рождения", json_string_value(json_object_get(person, "birth-date")));
		row(out, "СНИЛС", json_string_value(json_object_get(person, "snils")));
		row(out, "ИНН", json_string_value(json_object_get(person, "inn")));
		buffer_append_text(out, "</table>\n<form method=\"post\" action=\"");
		html_text(out, action);
		buffer_append_text(out,
			"\">\n<button name=\"choice\" value=\"agree\">Согласен, перед камерой "
			"я</button>\n"
			"<button name=\"choice\" value=\"decline\">Не согласен</button>\n"
			"<button name=\"choice\" value=\"other-face\">Перед камерой другой "
			"человек</button>\n"
			"</form>\n");
		html_end(response);
		json_decref(name);
	} else {
		html_message(response, 404, TITLE, "Заявления нет.");
	}
	application_clear(&a);
}

void portal_page(struct request *request, struct response *response)
{
	sqlite3_stmt *session = open_session(request, response);
	char action[128];

	if (session == NULL)
		return;
	action_path(request, "login", action);
	if (sqlite3_column_type(session, 3) == SQLITE_NULL)
		html_login(response, 200, TITLE, action, "step", "login", NULL);
	else
		consent_page(request, response, store_text(session, 0));
	store_end(&session);
}

static void decline(struct request *request, struct response *response, sqlite3_stmt *session)
{
	uint8_t hash[CODEC_SHA256];

	hash_of(request->segments[0], hash);
	http_redirect(response, store_text(session, 1), "error", "access_denied", "state",
		store_text(session, 2), NULL);
	store_run(request->sandbox->store, "UPDATE identifications SET expires = 0 WHERE hash = ?",
		"b", hash, sizeof hash);
}

void portal_login(struct request *request, struct response *response)
{
	struct store *store = request->sandbox->store;
	struct buffer login = BUFFER_INIT(256), password = BUFFER_INIT(1024),
		      choice = BUFFER_INIT(64);
	sqlite3_stmt *session = open_session(request, response);
	uint8_t hash[CODEC_SHA256];
	char action[128];

	http_form(request, "login", &login);
	http_form(request, "password", &password);
	http_form(request, "choice", &choice);
	if (session == NULL)
		goto out;
	if (strcmp(buffer_text(&choice), "decline") == 0) {
		decline(request, response, session);
	} else if (!accounts_check(store, buffer_text(&login), buffer_text(&password))) {
		action_path(request, "login", action);
		html_login(response, 403, TITLE, action, "step", "login",
			"Неверный логин или пароль.");
	} else {
		hash_of(request->segments[0], hash);
		store_run(store, "UPDATE identifications SET account = ? WHERE hash = ?", "sb",
			buffer_text(&login), hash, sizeof hash);
		consent_page(request, response, store_text(session, 0));
	}
out:
	store_end(&session);
	buffer_free(&login);
	buffer_free(&password);
	buffer_free(&choice);
}

void portal_consent(struct request *request, struct response *response)
{
	struct store *store = request->sandbox->store;
	struct buffer choice = BUFFER_INIT(64);
	sqlite3_stmt *session = open_session(request, response);
	uint8_t hash[CODEC_SHA256], code_hash[CODEC_SHA256];
	char code[CODEC_TOKEN_MAX];

	http_form(request, "choice", &choice);
	bool agreed = strcmp(buffer_text(&choice), "agree") == 0;
	bool other = strcmp(buffer_text(&choice), "other-face") == 0;
	if (session == NULL)
		goto out;
	if (sqlite3_column_type(session, 3) == SQLITE_NULL || !codec_token(code)) {
		html_message(response, 403, TITLE, "Сначала нужно войти.");
	} else if (!agreed && !other) {
		decline(request, response, session);
	} else {
		hash_of(request->segments[0], hash);
		hash_of(code, code_hash);
		http_redirect(response, store_text(session, 1), "code", code, "state",
			store_text(session, 2), NULL);
		store_run(store,
			"UPDATE identifications SET face = ?, code = ?, code_expires = ? WHERE "
			"hash = ?",
			"ibib", (int64_t)agreed, code_hash, sizeof code_hash,
			store_seconds(store) + CODE_SECONDS, hash, sizeof hash);
	}
out:
	store_end(&session);
	buffer_free(&choice);
}
