#include "module/support/oauth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "module/support/base64.h"
#include "module/support/text.h"

static bool encode(const uint8_t *bytes, char text[44])
{
	struct buffer out = BUFFER_INIT(43);
	bool ok = base64_encode_url(bytes, 32, &out);

	if (ok)
		memcpy(text, buffer_text(&out), 44);
	buffer_free(&out);
	return ok;
}

bool oauth_attempt_new(struct oauth_attempt *attempt, struct error *err)
{
	uint8_t verifier[32], state[32], challenge[32];
	bool ok;

	ok = getentropy(verifier, sizeof(verifier)) == 0 && getentropy(state, sizeof(state)) == 0 &&
	     encode(verifier, attempt->verifier) && encode(state, attempt->state) &&
	     EVP_Digest(attempt->verifier, 43, challenge, NULL, EVP_sha256(), NULL) == 1 &&
	     encode(challenge, attempt->challenge);
	explicit_bzero(verifier, sizeof(verifier));
	explicit_bzero(state, sizeof(state));
	return ok || error_set(err, ERROR_FAILED, "no random bytes");
}

void oauth_attempt_clear(struct oauth_attempt *attempt)
{
	explicit_bzero(attempt, sizeof(*attempt));
}

bool oauth_address(const struct oauth_service *service, const struct oauth_attempt *attempt,
	const char *redirect_uri, struct buffer *url, struct error *err)
{
	const char *endpoint = service->authorization_endpoint;
	struct buffer query = BUFFER_INIT(8192);
	bool ok = false;

	if (!http_address_valid(endpoint) || strchr(endpoint, '#') != NULL) {
		error_set(err, ERROR_UNREACHABLE, "not an https address to log in at: %.200s",
			endpoint);
		goto out;
	}
	http_form_add(&query, "response_type", "code");
	http_form_add(&query, "client_id", service->client_id);
	http_form_add(&query, "redirect_uri", redirect_uri);
	http_form_add(&query, "state", attempt->state);
	http_form_add(&query, "code_challenge", attempt->challenge);
	http_form_add(&query, "code_challenge_method", "S256");
	if (service->scope != NULL)
		http_form_add(&query, "scope", service->scope);
	ok = buffer_ok(&query) &&
	     buffer_printf(url, "%s%c%s", endpoint, strchr(endpoint, '?') != NULL ? '&' : '?',
		     buffer_text(&query));
	if (!ok)
		error_set(err, ERROR_FAILED, "the address to log in at is too long");
out:
	buffer_free(&query);
	return ok;
}

void oauth_grant_clear(struct oauth_grant *grant)
{
	secret_free(grant->access);
	secret_free(grant->refresh);
	json_decref(grant->extra);
	*grant = (struct oauth_grant){0};
}

/* Moves a token out of the JSON: 1 taken, 0 not there, -1 not a token (RFC 6750, 2.1). */
static int take_token(json_t *json, const char *name, struct secret **out)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=";
	const json_t *member = json_object_get(json, name);
	const char *text = json_string_value(member);
	size_t length;

	if (member == NULL || json_is_null(member))
		return 0;
	if (text == NULL)
		return -1;
	length = json_string_length(member);
	if (length == 0 || length > OAUTH_TOKEN_MAX || strspn(text, alphabet) != length)
		return -1;
	*out = secret_new(text, length);
	explicit_bzero((char *)(uintptr_t)text, length);
	json_object_del(json, name);
	return *out != NULL ? 1 : -1;
}

bool oauth_grant_read(const struct http *http, json_t *json, const char *type,
	struct oauth_grant *out, struct error *err)
{
	const char *given = json_string_value(json_object_get(json, "token_type"));
	const json_t *expires = json_object_get(json, "expires_in");
	struct oauth_grant grant = {0};
	int access, refresh;

	access = take_token(json, "access_token", &grant.access);
	refresh = take_token(json, "refresh_token", &grant.refresh);
	/* "SAD": what a credential's authorisation gives (CSC v1.0.4, 8.3.3). */
	if (access != 1 || refresh < 0 ||
		(type != NULL && (given == NULL || (strcasecmp(given, type) != 0 &&
							   strcasecmp(given, "SAD") != 0))) ||
		(expires != NULL &&
			(!json_is_integer(expires) || json_integer_value(expires) < 0))) {
		oauth_grant_clear(&grant);
		return error_set(err, ERROR_UNREACHABLE,
			"%s: the login's answer holds no usable token", http_peer_name(http));
	}
	if (expires != NULL)
		grant.expires_in = json_integer_value(expires) < 86400L * 365
					   ? (long)json_integer_value(expires)
					   : 86400L * 365;
	grant.extra = json_incref(json);
	*out = grant;
	return true;
}

/* A server's text, made fit for a line on a terminal. */
static void copy_plain(const json_t *json, const char *name, char *out, size_t size)
{
	const char *text = json_string_value(json_object_get(json, name));

	snprintf(out, size, "%s", text != NULL ? text : "");
	out[text_cut(out, strlen(out), size - 2)] = '\0';
	text_plain(out);
}

bool oauth_refused(const struct http *http, const struct http_response *response, struct error *err)
{
	char code[64] = "", description[300] = "";
	json_t *json = NULL;

	if (http_response_json(http, response, &json, NULL)) {
		copy_plain(json, "error", code, sizeof(code));
		copy_plain(json, "error_description", description, sizeof(description));
	}
	json_decref(json);
	if (strcmp(code, "invalid_grant") == 0 || strcmp(code, "access_denied") == 0)
		return error_set(err, ERROR_PERSON, "%s: the login was refused%s%s",
			http_peer_name(http), description[0] != '\0' ? ": " : "", description);
	return error_set(err,
		response->status >= 500 || response->status == 429 ? ERROR_UNREACHABLE
								   : ERROR_FAILED,
		"%s: the login answers HTTP %ld%s%s%s%s", http_peer_name(http), response->status,
		code[0] != '\0' ? ", " : "", code, description[0] != '\0' ? ": " : "", description);
}

static bool ask(struct http *http, const char *endpoint, const struct buffer *form,
	struct http_response *response, struct error *err)
{
	const struct http_request request = {
		.method = "POST",
		.path = endpoint,
		.accept = "application/json",
		.content_type = "application/x-www-form-urlencoded",
		.body = form->data,
		.length = form->length,
		.limit = 64 << 10,
	};

	if (!buffer_ok(form))
		return error_set(err, ERROR_FAILED, "the login is too long");
	if (!http_address_valid(endpoint))
		return error_set(err, ERROR_UNREACHABLE,
			"not an https address to log in at: %.200s", endpoint);
	return http_send(http, &request, response, err);
}

static bool token(struct http *http, const struct oauth_service *service, struct buffer *form,
	struct oauth_grant *out, struct error *err)
{
	struct http_response response = {0};
	json_t *json = NULL;
	bool ok = false;

	if (!ask(http, service->token_endpoint, form, &response, err))
		goto out;
	if (response.status != 200) {
		oauth_refused(http, &response, err);
		goto out;
	}
	ok = http_response_json(http, &response, &json, err) &&
	     oauth_grant_read(http, json, "Bearer", out, err);
out:
	json_decref(json);
	http_response_clear(&response);
	buffer_free(form);
	return ok;
}

/* Whose request it is; the first fields of the form. */
static void add_client(const struct oauth_service *service, struct buffer *form)
{
	http_form_add(form, "client_id", service->client_id);
	if (service->client_secret != NULL)
		http_form_add(form, "client_secret", (const char *)service->client_secret->data);
}

bool oauth_code(struct http *http, const struct oauth_service *service, const char *code,
	const char *redirect_uri, const char *verifier, struct oauth_grant *out, struct error *err)
{
	struct buffer form = BUFFER_INIT(4 * OAUTH_TOKEN_MAX);

	http_form_add(&form, "grant_type", "authorization_code");
	add_client(service, &form);
	http_form_add(&form, "code", code);
	http_form_add(&form, "redirect_uri", redirect_uri);
	http_form_add(&form, "code_verifier", verifier);
	return token(http, service, &form, out, err);
}

bool oauth_refresh(struct http *http, const struct oauth_service *service,
	const struct secret *refresh, struct oauth_grant *out, struct error *err)
{
	struct buffer form = BUFFER_INIT(4 * OAUTH_TOKEN_MAX);

	http_form_add(&form, "grant_type", "refresh_token");
	add_client(service, &form);
	http_form_add(&form, "refresh_token", (const char *)refresh->data);
	return token(http, service, &form, out, err);
}

bool oauth_password(struct http *http, const struct oauth_service *service, const char *account,
	const struct secret *password, struct oauth_grant *out, struct error *err)
{
	struct buffer form = BUFFER_INIT(4 * OAUTH_TOKEN_MAX);

	http_form_add(&form, "grant_type", "password");
	add_client(service, &form);
	http_form_add(&form, "username", account);
	http_form_add(&form, "password", (const char *)password->data);
	return token(http, service, &form, out, err);
}

bool oauth_client(struct http *http, const struct oauth_service *service, struct oauth_grant *out,
	struct error *err)
{
	struct buffer form = BUFFER_INIT(4 * OAUTH_TOKEN_MAX);

	http_form_add(&form, "grant_type", "client_credentials");
	add_client(service, &form);
	if (service->scope != NULL)
		http_form_add(&form, "scope", service->scope);
	return token(http, service, &form, out, err);
}

bool oauth_revoke(struct http *http, const struct oauth_service *service,
	const struct secret *revoked, struct error *err)
{
	struct buffer form = BUFFER_INIT(4 * OAUTH_TOKEN_MAX);
	struct http_response response = {0};
	bool ok;

	http_form_add(&form, "token", (const char *)revoked->data);
	add_client(service, &form);
	ok = ask(http, service->revocation_endpoint, &form, &response, err);
	/* 200, says RFC 7009; 204, says CSC. */
	if (ok && response.status != 200 && response.status != 204)
		ok = oauth_refused(http, &response, err);
	http_response_clear(&response);
	buffer_free(&form);
	return ok;
}
