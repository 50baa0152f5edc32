#include "tests/sandbox/csc.h"

#include <openssl/crypto.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include "tests/sandbox/accounts.h"
#include "tests/sandbox/digest.h"
#include "tests/sandbox/options.h"
#include "tests/sandbox/store.h"

#define LIST_MAX 100 /* credentials a page */

unsigned csc_version(const struct request *request)
{
	return strncmp(request->path, "/csc/v1/", 8) == 0   ? 1
	       : strncmp(request->path, "/csc/v2/", 8) == 0 ? 2
							    : 0;
}

bool csc_error(
	struct response *response, unsigned status, const char *error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	json_t *description = json_vsprintf(format, arguments);
	va_end(arguments);
	http_json(response, status,
		json_pack("{s:s,s:o}", "error", error, "error_description", description));
	return false;
}

/* ---- members of a request */

static bool missing(struct response *response, const char *type, const char *name)
{
	return csc_error(response, 400, "invalid_request",
		"Missing (or invalid type) %s parameter %s", type, name);
}

bool csc_string(const struct request *request, struct response *response, const char *name,
	bool optional, const char **out)
{
	const json_t *member = json_object_get(request->json, name);

	if (member == NULL && optional)
		return true;
	if (!json_is_string(member) || json_string_length(member) == 0 ||
		strlen(json_string_value(member)) != json_string_length(member))
		return missing(response, "string", name);
	*out = json_string_value(member);
	return true;
}

bool csc_number(const struct request *request, struct response *response, const char *name,
	bool optional, int64_t *out)
{
	const json_t *member = json_object_get(request->json, name);

	if (member == NULL && optional)
		return true;
	if (!json_is_integer(member))
		return missing(response, "integer", name);
	*out = json_integer_value(member);
	return true;
}

bool csc_boolean(
	const struct request *request, struct response *response, const char *name, bool *out)
{
	const json_t *member = json_object_get(request->json, name);

	if (member == NULL)
		return true;
	if (!json_is_boolean(member))
		return missing(response, "boolean", name);
	*out = json_is_true(member);
	return true;
}

bool csc_hashes(
	const struct request *request, struct response *response, bool optional, const json_t **out)
{
	const char *name = csc_version(request) == 1 ? "hash" : "hashes";
	const json_t *list = json_object_get(request->json, name);
	struct buffer bytes = BUFFER_INIT(128);
	bool ok = true;

	if (list == NULL && optional)
		return true;
	if (!json_is_array(list))
		return missing(response, "array", name);
	if (json_array_size(list) == 0)
		return csc_error(response, 400, "invalid_request", "Empty %s array", name);
	for (size_t i = 0; ok && i < json_array_size(list); i++) {
		const json_t *hash = json_array_get(list, i);

		buffer_reset(&bytes);
		ok = json_is_string(hash) &&
		     codec_unbase64(json_string_value(hash), json_string_length(hash), &bytes);
	}
	buffer_free(&bytes);
	if (!ok)
		return csc_error(response, 400, "invalid_request",
			"Invalid Base64 %s string parameter", name);
	*out = list;
	return true;
}

bool csc_credential(struct request *request, struct response *response, struct credential *out)
{
	const char *id = NULL;
	bool named = csc_string(request, response, "credentialID", false, &id);
	bool found =
		credential_load(request->sandbox, request->caller.account, named ? id : "", out);

	if (!named)
		return false;
	return found ||
	       csc_error(response, 400, "invalid_request", "Invalid parameter credentialID");
}

size_t csc_digest_size(const char *oid)
{
	static const struct {
		const char *oid;
		size_t size;
	} digests[] = {
		{"2.16.840.1.101.3.4.2.1", 32},
		{"2.16.840.1.101.3.4.2.2", 48},
		{"2.16.840.1.101.3.4.2.3", 64},
		{CSC_STREEBOG_256, 32},
		{CSC_STREEBOG_512, 64},
	};

	for (size_t i = 0; i < sizeof digests / sizeof *digests; i++) {
		if (strcmp(digests[i].oid, oid) == 0)
			return digests[i].size;
	}
	return 0;
}

/* ---- who asks */

bool csc_enter(struct request *request, struct response *response)
{
	const char *value = http_header(request, "Authorization");

	const struct options *options = request->sandbox->options;

	if (value == NULL && options->cloud_login == LOGIN_NONE) {
		snprintf(request->caller.account, sizeof request->caller.account, "%s",
			options->cloud_account);
		return true;
	}
	if (value == NULL || strncasecmp(value, "Bearer ", 7) != 0) {
		csc_error(response, 400, "invalid_request",
			"Missing (or malformed) Authorization HTTP header");
	} else if (!oauth_caller(request->sandbox, value + 7, &request->caller)) {
		csc_error(response, 401, "invalid_token", "Access token is invalid or has expired");
		http_add_header(response, "WWW-Authenticate",
			"Bearer realm=\"csc\", error=\"invalid_token\"");
	} else {
		return true;
	}
	return false;
}

/* ---- calls about no credential */

void csc_info(struct request *request, struct response *response)
{
	static const char *const methods[2][14] = {
		{"auth/login", "auth/revoke", "oauth2/authorize", "oauth2/token", "oauth2/revoke",
			"credentials/list", "credentials/info", "credentials/authorize",
			"credentials/sendOTP", "credentials/extendTransaction",
			"signatures/signHash"},
		{"auth/login", "auth/revoke", "oauth2/authorize", "oauth2/token", "oauth2/revoke",
			"credentials/list", "credentials/info", "credentials/authorize",
			"credentials/authorizeCheck", "credentials/getChallenge",
			"credentials/extendTransaction", "signatures/signHash",
			"signatures/signPolling"},
	};
	unsigned version = csc_version(request);
	bool issuer = version == 2 && request->sandbox->options->oauth2_issuer;
	enum options_login login = request->sandbox->options->cloud_login;
	json_t *list = json_array(), *info, *server, *types;

	for (size_t i = 0; i < 14 && methods[version - 1][i] != NULL; i++)
		json_array_append_new(list, json_string(methods[version - 1][i]));
	/* A service that knows its callers otherwise calls that "external". */
	types = login == LOGIN_NONE
			? json_pack("[s]", "external")
			: json_pack("[s,s,s]", login == LOGIN_BASIC ? "basic" : "digest",
				  "oauth2code", "oauth2client");
	server = issuer ? json_sprintf("%s%s", request->sandbox->origin, OAUTH_ISSUER_PATH)
			: json_sprintf("%s/csc/v%u", request->sandbox->origin, version);
	info = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:o,s:o,s:o}", "specs",
		version == 1 ? "1.0.4.0" : "2.0.0.2", "name", "Podpis sandbox", "logo",
		"https://127.0.0.1/logo.png", "region", "RU", "lang", "ru-RU", "description",
		"Испытательный стенд облачной подписи", "authType", types,
		issuer ? "oauth2Issuer" : "oauth2", server, "methods", list);
	if (version == 2) {
		json_object_set_new(info, "asynchronousOperationMode", json_true());
		json_object_set_new(info, "signAlgorithms",
			json_pack("{s:[s,s,s,s,s,s,s]}", "algos", "1.2.840.113549.1.1.1",
				"1.2.840.113549.1.1.10", "1.2.840.113549.1.1.11",
				"1.2.840.10045.2.1", "1.2.840.10045.4.3.2", "1.2.643.7.1.1.3.2",
				"1.2.643.7.1.1.3.3"));
	}
	http_json(response, 200, info);
}

/* RFC 7617; the password is wiped by its buffer. False: the response is the error. */
static bool log_in_basic(struct request *request, struct response *response, struct buffer *login)
{
	const char *value = http_header(request, "Authorization"), *colon;
	struct buffer pair = BUFFER_INIT(1024);
	bool read = value != NULL && strncasecmp(value, "Basic ", 6) == 0 &&
		    codec_unbase64(value + 6, strlen(value + 6), &pair) &&
		    (colon = strchr(buffer_text(&pair), ':')) != NULL &&
		    buffer_append(login, pair.data, (size_t)(colon - buffer_text(&pair)));
	bool ok = read && accounts_check(request->sandbox->store, buffer_text(login), colon + 1);

	buffer_free(&pair);
	if (!read)
		csc_error(response, 400, "invalid_request", "Malformed authorization header");
	else if (!ok)
		csc_error(response, 401, "authentication_error",
			"An error occurred during authentication process");
	return ok;
}

/* RFC 7616: every refusal is a challenge, too. */
static bool log_in_digest(struct request *request, struct response *response, struct buffer *login)
{
	bool md5_only = request->sandbox->options->cloud_login == LOGIN_DIGEST_MD5;
	enum digest_answer answer = digest_check(request, md5_only, login);

	if (answer == DIGEST_OK)
		return true;
	csc_error(response, 401, "authentication_error",
		"An error occurred during authentication process");
	if (!digest_challenge(request, response, md5_only, answer == DIGEST_STALE))
		response->status = 500;
	return false;
}

void csc_login(struct request *request, struct response *response)
{
	static bool (*const kinds[])(struct request *, struct response *, struct buffer *) = {
		[LOGIN_BASIC] = log_in_basic,
		[LOGIN_DIGEST] = log_in_digest,
		[LOGIN_DIGEST_MD5] = log_in_digest,
	};
	enum options_login kind = request->sandbox->options->cloud_login;
	struct buffer login = BUFFER_INIT(256);
	const char *refresh = NULL;
	bool remember = false;

	if (!csc_string(request, response, "refresh_token", true, &refresh) ||
		!csc_boolean(request, response, "rememberMe", &remember))
		return;
	if (kind == LOGIN_NONE)
		csc_error(response, 400, "invalid_request", "There is no login here");
	else if (refresh != NULL)
		oauth_service_refresh(request, response, refresh);
	else if (kinds[kind](request, response, &login))
		oauth_service_login(request, response, buffer_text(&login), remember);
	buffer_free(&login);
}

void csc_revoke(struct request *request, struct response *response)
{
	const char *token = NULL, *hint = NULL;

	if (!csc_string(request, response, "token", false, &token) ||
		!csc_string(request, response, "token_type_hint", true, &hint))
		return;
	if (hint != NULL && strcmp(hint, "access_token") != 0 &&
		strcmp(hint, "refresh_token") != 0) {
		csc_error(response, 400, "invalid_request",
			"Invalid string parameter token_type_hint");
		return;
	}
	oauth_end_login(request->sandbox, token, false);
	http_bytes(response, 204, NULL, "", 0);
}

/* ---- what there is */

/* The account whose credentials a client may see: its own; one that acts for many names it. */
static bool choose_account(struct request *request, struct response *response, const char **out)
{
	const char *user = NULL;

	*out = request->caller.account;
	if (!csc_string(request, response, "userID", true, &user))
		return false;
	if (request->caller.account[0] != '\0')
		return user == NULL ||
		       csc_error(response, 400, "invalid_request", "userID parameter MUST be null");
	if (user == NULL || !accounts_exists(request->sandbox->store, user))
		return csc_error(response, 400, "invalid_request", "Invalid parameter userID");
	*out = user;
	return true;
}

struct wishes {
	const char *certificates;
	bool certificate_info, auth_info;
};

static bool read_wishes(struct request *request, struct response *response, struct wishes *out)
{
	static const char *const allowed[] = {"none", "single", "chain"};

	*out = (struct wishes){.certificates = "single"};
	if (!csc_string(request, response, "certificates", true, &out->certificates) ||
		!csc_boolean(request, response, "certInfo", &out->certificate_info) ||
		!csc_boolean(request, response, "authInfo", &out->auth_info))
		return false;
	for (size_t i = 0; i < 3; i++) {
		if (strcmp(allowed[i], out->certificates) == 0)
			return true;
	}
	return csc_error(response, 400, "invalid_request", "Invalid parameter certificates");
}

static void add_infos(struct request *request, const char *account, const struct wishes *wishes,
	const json_t *ids, json_t *answer)
{
	json_t *infos = json_array();

	for (size_t i = 0; i < json_array_size(ids); i++) {
		const char *id = json_string_value(json_array_get(ids, i));
		struct credential credential;

		if (credential_load(request->sandbox, account, id, &credential)) {
			json_t *info = credential_info(request->sandbox, &credential, 2,
				wishes->certificates, wishes->certificate_info, wishes->auth_info);

			json_object_set_new(info, "credentialID", json_string(id));
			json_array_append_new(infos, info);
		}
		credential_clear(&credential);
	}
	json_object_set_new(answer, "credentialInfos", infos);
}

/* Cuts the list to a page; the token is the next one's first place. */
static bool cut(struct request *request, struct response *response, json_t *ids, json_t *answer)
{
	const char *token = "0";
	int64_t most = LIST_MAX;
	char *end;

	if (!csc_number(request, response, "maxResults", true, &most) ||
		!csc_string(request, response, "pageToken", true, &token))
		return false;
	unsigned long from = strtoul(token, &end, 10);
	if (most < 1)
		return csc_error(response, 400, "invalid_request", "Invalid parameter maxResults");
	if (*end != '\0' || from > json_array_size(ids))
		return csc_error(response, 400, "invalid_request", "Invalid parameter pageToken");
	if (most > LIST_MAX)
		most = LIST_MAX;
	for (; from > 0; from--)
		json_array_remove(ids, 0);
	if (json_array_size(ids) > (size_t)most) {
		json_object_set_new(answer, "nextPageToken",
			json_sprintf("%lu", strtoul(token, NULL, 10) + (unsigned long)most));
		while (json_array_size(ids) > (size_t)most)
			json_array_remove(ids, json_array_size(ids) - 1);
	}
	return true;
}

void csc_credentials_list(struct request *request, struct response *response)
{
	const char *account;
	struct wishes wishes;
	bool infos = false;
	json_t *ids, *answer = json_object();

	if (!choose_account(request, response, &account) ||
		!read_wishes(request, response, &wishes) ||
		!csc_boolean(request, response, "credentialInfo", &infos)) {
		json_decref(answer);
		return;
	}
	ids = credential_list(request->sandbox, account);
	if (csc_version(request) == 2 || cut(request, response, ids, answer)) {
		json_object_set(answer, "credentialIDs", ids);
		if (infos && csc_version(request) == 2)
			add_infos(request, account, &wishes, ids, answer);
		http_json(response, 200, json_incref(answer));
	}
	json_decref(ids);
	json_decref(answer);
}

void csc_credentials_info(struct request *request, struct response *response)
{
	struct credential credential;
	struct wishes wishes;

	if (csc_credential(request, response, &credential) &&
		read_wishes(request, response, &wishes))
		http_json(response, 200,
			credential_info(request->sandbox, &credential, csc_version(request),
				wishes.certificates, wishes.certificate_info, wishes.auth_info));
	credential_clear(&credential);
}
