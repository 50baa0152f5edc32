#include "tests/sandbox/oauth.h"

#include <openssl/crypto.h>
#include <string.h>

#include "tests/sandbox/accounts.h"
#include "tests/sandbox/codec.h"
#include "tests/sandbox/csc.h"
#include "tests/sandbox/html.h"
#include "tests/sandbox/options.h"
#include "tests/sandbox/store.h"

#define PAGE_SECONDS 600
#define CODE_SECONDS 60

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

/* ---- the two services */

static bool is_cloud(const struct request *request)
{
	return strncmp(request->path, "/csc/", 5) == 0;
}

static const char *title(const struct request *request, const json_t *grant)
{
	return !is_cloud(request) ? "Вход в личный кабинет"
	       : grant != NULL && json_object_get(grant, "credential") != NULL
		       ? "Разрешение подписать ключом в облаке"
		       : "Вход в сервис облачной подписи";
}

static json_t *split(const char *list)
{
	json_t *array = json_array();
	struct buffer one = BUFFER_INIT(256);

	for (; *list != '\0'; list += strspn(list, ",")) {
		size_t length = strcspn(list, ",");

		buffer_reset(&one);
		/* base64url without padding, as base64: the hashes are compared with signHash's. */
		for (size_t i = 0; i < length; i++) {
			char c = list[i] == '-' ? '+' : list[i] == '_' ? '/' : list[i];

			buffer_append(&one, &c, 1);
		}
		while (one.length % 4 != 0)
			buffer_append(&one, "=", 1);
		json_array_append_new(array, json_string(buffer_text(&one)));
		list += length;
	}
	buffer_free(&one);
	return array;
}

/*
 * What is asked for (CSC v1.0.4, 8.3.2; v2.0, 8.4.2), and by whom: {"client", "scope"}, for a credential also {"credential",
 * "signatures", "hashes", "hash_algorithm"}. NULL for the cabinet, and with *wrong set where it can't be had.
 */
static json_t *read_grant(const struct request *request, bool *wrong)
{
	const char *scope = http_query(request, "scope"), *id = http_query(request, "credentialID");
	const char *count = http_query(request, "numSignatures");
	const char *client = http_query(request, "client_id");
	const char *hashes = http_query(request, csc_version(request) == 1 ? "hash" : "hashes");
	const char *algorithm = http_query(request, "hashAlgorithmOID");
	json_t *grant;

	*wrong = false;
	if (!is_cloud(request))
		return NULL;
	if (scope == NULL || strcmp(scope, "service") == 0)
		return json_pack("{s:s,s:s}", "client", client, "scope", "service");
	*wrong = strcmp(scope, "credential") != 0 || id == NULL || count == NULL || atoi(count) < 1;
	if (*wrong)
		return NULL;
	grant = json_pack("{s:s,s:s,s:s,s:i}", "client", client, "scope", "credential",
		"credential", id, "signatures", atoi(count));
	if (hashes != NULL)
		json_object_set_new(grant, "hashes", split(hashes));
	if (algorithm != NULL)
		json_object_set_new(grant, "hash_algorithm", json_string(algorithm));
	return grant;
}

/* A client whose secret is its own has nothing to do with the cabinet. */
static bool is_known(const struct request *request, const char *client)
{
	return client != NULL &&
	       (strcmp(client, OAUTH_CLIENT) == 0 ||
		       (is_cloud(request) && strcmp(client, OAUTH_SERVER_CLIENT) == 0));
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
	char page[CODEC_TOKEN_MAX], *text = NULL;
	uint8_t hash[CODEC_SHA256];
	json_t *grant;
	bool wrong;

	if (!is_known(request, client) || redirect_uri == NULL ||
		!oauth_is_loopback_uri(redirect_uri)) {
		html_message(response, 400, title(request, NULL),
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
	grant = read_grant(request, &wrong);
	if (wrong) {
		http_redirect(
			response, redirect_uri, "error", "invalid_scope", "state", state, NULL);
		return;
	}
	if (!codec_token(page)) {
		response->status = 500;
		goto out;
	}
	hash_of(page, hash);
	text = grant != NULL ? json_dumps(grant, JSON_COMPACT) : NULL;
	store_run(store, "DELETE FROM pages WHERE expires < ?", "i", store_seconds(store));
	store_run(store, "INSERT INTO pages VALUES (?, ?, ?, ?, ?, ?)", "bsssis", hash, sizeof hash,
		redirect_uri, state, challenge, store_seconds(store) + PAGE_SECONDS, text);
	html_login(response, 200, title(request, grant), "authorize", "page", page, NULL);
out:
	free(text);
	json_decref(grant);
}

/* A credential is its holder's alone to use. */
static bool may_grant(struct sandbox *sandbox, const char *account, const json_t *grant)
{
	const char *id = json_string_value(json_object_get(grant, "credential"));

	return id == NULL ||
	       store_number(sandbox->store, 0,
		       "SELECT count(*) FROM credentials WHERE id = ? AND account = ?", "ss", id,
		       account) > 0;
}

/* Who answers, in words that a client compares with the metadata's (RFC 9207, 2). */
static void issuer_of(const struct request *request, char out[128])
{
	snprintf(out, 128, "%s%s", request->sandbox->origin,
		request->sandbox->options->oauth2_issuer &&
				strncmp(request->path, "/csc/v2/", 8) == 0
			? OAUTH_ISSUER_PATH
			: "");
}

static void give_code(struct request *request, struct response *response, const char *account,
	const char *redirect_uri, const char *challenge, const char *state, const char *grant)
{
	struct store *store = request->sandbox->store;
	char code[CODEC_TOKEN_MAX], issuer[128];
	uint8_t hash[CODEC_SHA256];

	issuer_of(request, issuer);
	if (!codec_token(code)) {
		response->status = 500;
		return;
	}
	hash_of(code, hash);
	store_run(store, "INSERT INTO codes VALUES (?, ?, ?, ?, ?, NULL, ?)", "bsssis", hash,
		sizeof hash, account, redirect_uri, challenge, store_seconds(store) + CODE_SECONDS,
		*grant != '\0' ? grant : NULL);
	http_redirect(response, redirect_uri, "code", code, "state", state, "iss", issuer, NULL);
}

void oauth_authorize(struct request *request, struct response *response)
{
	struct store *store = request->sandbox->store;
	struct buffer page = BUFFER_INIT(256), login = BUFFER_INIT(256),
		      password = BUFFER_INIT(1024), choice = BUFFER_INIT(64);
	uint8_t hash[CODEC_SHA256];
	sqlite3_stmt *query = NULL;
	json_t *grant = NULL;

	http_form(request, "page", &page);
	http_form(request, "login", &login);
	http_form(request, "password", &password);
	http_form(request, "choice", &choice);
	hash_of(buffer_text(&page), hash);
	query = store_query(store,
		"SELECT redirect_uri, state, challenge, grant FROM pages WHERE hash = ? AND "
		"expires "
		">= ?",
		"bi", hash, sizeof hash, store_seconds(store));
	bool known = store_next(store, &query);
	if (known && *store_text(query, 3) != '\0')
		grant = json_loads(store_text(query, 3), 0, NULL);
	if (!known || (grant != NULL) != is_cloud(request)) {
		html_message(response, 400, title(request, NULL),
			"Страница устарела. Начните вход заново.");
	} else if (strcmp(buffer_text(&choice), "decline") == 0) {
		http_redirect(response, store_text(query, 0), "error", "access_denied", "state",
			store_text(query, 1), NULL);
	} else if (!accounts_check(store, buffer_text(&login), buffer_text(&password)) ||
		   !may_grant(request->sandbox, buffer_text(&login), grant)) {
		html_login(response, 403, title(request, grant), "authorize", "page",
			buffer_text(&page), "Неверный логин или пароль.");
	} else {
		give_code(request, response, buffer_text(&login), store_text(query, 0),
			store_text(query, 2), store_text(query, 1), store_text(query, 3));
	}
	store_end(&query);
	json_decref(grant);
	if (response->status == 303)
		store_run(store, "DELETE FROM pages WHERE hash = ?", "b", hash, sizeof hash);
	buffer_free(&page);
	buffer_free(&login);
	buffer_free(&password);
	buffer_free(&choice);
}

void oauth_metadata(struct request *request, struct response *response)
{
	const char *origin = request->sandbox->origin;

	http_json(response, 200,
		json_pack("{s:o,s:o,s:o,s:o,s:[s,s],s:[s],s:[s,s,s],s:[s],s:[s,s],s:b}", "issuer",
			json_sprintf("%s%s", origin, OAUTH_ISSUER_PATH), "authorization_endpoint",
			json_sprintf("%s/csc/v2/oauth2/authorize", origin), "token_endpoint",
			json_sprintf("%s/csc/v2/oauth2/token", origin), "revocation_endpoint",
			json_sprintf("%s/csc/v2/oauth2/revoke", origin), "scopes_supported",
			"service", "credential", "response_types_supported", "code",
			"grant_types_supported", "authorization_code", "refresh_token",
			"client_credentials", "code_challenge_methods_supported", "S256",
			"token_endpoint_auth_methods_supported", "none", "client_secret_post",
			"authorization_response_iss_parameter_supported", 1));
}
