#include "tests/sandbox/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tests/sandbox/accounts.h"
#include "tests/sandbox/codec.h"
#include "tests/sandbox/store.h"

#define REALM         "csc"
#define NONCE_SECONDS 300
#define HEX_MAX       65 /* characters of a hash, with the NUL */
#define VALUE_MAX     257

static const struct algorithm {
	const char *name, *digest; /* RFC 7616's, OpenSSL's */
} algorithms[] = {{"SHA-256", "SHA256"}, {"MD5", "MD5"}};

/* The parameters of one Authorization (3.4). */
struct answer {
	char username[VALUE_MAX], realm[VALUE_MAX], nonce[VALUE_MAX], uri[VALUE_MAX];
	char response[VALUE_MAX], algorithm[VALUE_MAX], cnonce[VALUE_MAX], qop[VALUE_MAX];
	char nc[VALUE_MAX];
};

static char *member(struct answer *answer, const char *name, size_t length)
{
	const struct {
		const char *name;
		char *value;
	} members[] = {
		{"username", answer->username},
		{"realm", answer->realm},
		{"nonce", answer->nonce},
		{"uri", answer->uri},
		{"response", answer->response},
		{"algorithm", answer->algorithm},
		{"cnonce", answer->cnonce},
		{"qop", answer->qop},
		{"nc", answer->nc},
	};

	for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
		if (strlen(members[i].name) == length &&
			strncasecmp(members[i].name, name, length) == 0)
			return members[i].value;
	}
	return NULL;
}

/* A token or a quoted string (RFC 9110, 5.6); where it ends, or NULL. `out` may be NULL. */
static const char *read_value(const char *at, char *out)
{
	bool quoted = *at == '"';
	size_t length = 0;

	at += quoted;
	for (; *at != '\0' && (quoted ? *at != '"' : strchr(", \t", *at) == NULL); at++) {
		if (quoted && *at == '\\' && *++at == '\0')
			return NULL;
		if (length == VALUE_MAX - 1)
			return NULL;
		if (out != NULL)
			out[length] = *at;
		length++;
	}
	if (out != NULL)
		out[length] = '\0';
	return !quoted ? at : *at == '"' ? at + 1 : NULL;
}

/* name=value, name="value", ...: each once; others than ours are left alone. */
static bool parse(const char *at, struct answer *out)
{
	while (*at != '\0') {
		size_t length = strcspn(at, "=, \t\"");
		char *value = member(out, at, length);

		if (length == 0 || at[length] != '=' || (value != NULL && *value != '\0'))
			return false;
		at = read_value(at + length + 1, value);
		if (at == NULL || (*at != '\0' && strchr(", \t", *at) == NULL))
			return false;
		at += strspn(at, ", \t");
	}
	return true;
}

/* Hexadecimal, of parts with colons between them; NULL ends them. */
static bool hash(const char *digest, char out[HEX_MAX], const char *const parts[])
{
	struct buffer text = BUFFER_INIT(4096);
	uint8_t bytes[32];
	size_t length = 0;
	bool ok;

	for (size_t i = 0; parts[i] != NULL; i++)
		buffer_printf(&text, "%s%s", i > 0 ? ":" : "", parts[i]);
	ok = buffer_ok(&text) &&
	     EVP_Q_digest(NULL, digest, NULL, text.data, text.length, bytes, &length) == 1;
	if (ok)
		codec_hex(bytes, length, out);
	buffer_free(&text);
	return ok;
}

static bool response_fits(const struct request *request, const struct algorithm *algorithm,
	const struct answer *answer, const char *password)
{
	char secret[HEX_MAX], what[HEX_MAX], right[HEX_MAX];

	return hash(algorithm->digest, secret,
		       (const char *const[]){answer->username, REALM, password, NULL}) &&
	       hash(algorithm->digest, what,
		       (const char *const[]){request->method, answer->uri, NULL}) &&
	       hash(algorithm->digest, right,
		       (const char *const[]){secret, answer->nonce, answer->nc, answer->cnonce,
			       answer->qop, what, NULL}) &&
	       strlen(answer->response) == strlen(right) &&
	       CRYPTO_memcmp(answer->response, right, strlen(right)) == 0;
}

/* Takes the count, which no request before had. */
static bool use_nonce(struct store *store, const struct answer *answer)
{
	int64_t count = (int64_t)strtoul(answer->nc, NULL, 16);
	uint8_t key[CODEC_SHA256];

	codec_sha256(answer->nonce, strlen(answer->nonce), key);
	if (store_number(store, 0,
		    "SELECT count(*) FROM nonces WHERE hash = ? AND expires >= ? AND count < ?",
		    "bii", key, sizeof key, store_seconds(store), count) == 0)
		return false;
	store_run(
		store, "UPDATE nonces SET count = ? WHERE hash = ?", "ib", count, key, sizeof key);
	return true;
}

enum digest_answer digest_check(struct request *request, bool md5_only, struct buffer *login)
{
	const char *header = http_header(request, "Authorization");
	struct store *store = request->sandbox->store;
	const struct algorithm *algorithm = NULL;
	struct buffer password = BUFFER_INIT(256);
	struct answer answer = {.username = ""};
	enum digest_answer found = DIGEST_MALFORMED;

	if (header == NULL || strncasecmp(header, "Digest ", 7) != 0 || !parse(header + 7, &answer))
		return DIGEST_MALFORMED;
	/* Without a name it is MD5 (3.3). */
	for (size_t i = md5_only; i < sizeof algorithms / sizeof *algorithms; i++) {
		if (strcasecmp(answer.algorithm[0] != '\0' ? answer.algorithm : "MD5",
			    algorithms[i].name) == 0)
			algorithm = &algorithms[i];
	}
	if (algorithm == NULL || strcmp(answer.realm, REALM) != 0 || answer.cnonce[0] == '\0' ||
		strcmp(answer.uri, request->path) != 0 || strcmp(answer.qop, "auth") != 0 ||
		strlen(answer.nc) != 8 || strspn(answer.nc, "0123456789abcdefABCDEF") != 8)
		return DIGEST_MALFORMED;
	if (!accounts_password(store, answer.username, &password) ||
		!response_fits(request, algorithm, &answer, buffer_text(&password)))
		found = DIGEST_WRONG;
	else if (!use_nonce(store, &answer))
		found = DIGEST_STALE;
	else if (buffer_append_text(login, answer.username))
		found = DIGEST_OK;
	buffer_free(&password);
	return found;
}

bool digest_challenge(struct request *request, struct response *response, bool md5_only, bool stale)
{
	struct store *store = request->sandbox->store;
	struct buffer text = BUFFER_INIT(512);
	char nonce[CODEC_TOKEN_MAX];
	uint8_t key[CODEC_SHA256];

	if (!codec_token(nonce))
		return false;
	codec_sha256(nonce, strlen(nonce), key);
	store_run(store, "DELETE FROM nonces WHERE expires < ?", "i", store_seconds(store));
	store_run(store, "INSERT INTO nonces VALUES (?, ?, 0)", "bi", key, sizeof key,
		store_seconds(store) + NONCE_SECONDS);
	for (size_t i = md5_only; i < sizeof algorithms / sizeof *algorithms; i++) {
		buffer_reset(&text);
		buffer_printf(&text,
			"Digest realm=\"" REALM
			"\", qop=\"auth\", algorithm=%s, nonce=\"%s\", charset=UTF-8%s",
			algorithms[i].name, nonce, stale ? ", stale=true" : "");
		http_add_header(response, "WWW-Authenticate", buffer_text(&text));
	}
	buffer_free(&text);
	response->keep = true; /* the nonce */
	return true;
}
