#include "module/support/cloud_account.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#define SIGNATURES_MAX 100000

/* What each login needs. */
static const struct {
	const char *name;
	const char *keys[3];
} logins[] = {
	[CLOUD_LOGIN_OAUTH2CODE] = {"oauth2code", {"client-id"}},
	[CLOUD_LOGIN_CLIENT] = {"client", {"client-id", "client-secret-file"}},
	[CLOUD_LOGIN_BASIC] = {"basic", {"username"}},
	[CLOUD_LOGIN_EXTERNAL] = {"external", {"bearer-command"}},
	[CLOUD_LOGIN_NONE] = {"none", {NULL}},
};

static bool read_login(
	const struct config_section *section, struct cloud_account *account, struct error *err)
{
	const char *name = config_get(section, "login");
	size_t login = CLOUD_LOGIN_OAUTH2CODE;

	while (name != NULL && login < sizeof(logins) / sizeof(logins[0]) &&
		strcmp(logins[login].name, name) != 0)
		login++;
	if (login == sizeof(logins) / sizeof(logins[0]))
		return error_set(err, ERROR_USAGE, "there is no login '%.40s'", name);
	for (size_t i = 0; i < 3 && logins[login].keys[i] != NULL; i++) {
		if (config_get(section, logins[login].keys[i]) == NULL)
			return error_set(err, ERROR_USAGE, "login = %s needs %s",
				logins[login].name, logins[login].keys[i]);
	}
	account->login = (enum cloud_login)login;
	return true;
}

/* The version is the path's last part: .../csc/v1, .../csc/v2. */
static bool read_url(
	const struct config_section *section, struct cloud_account *account, struct error *err)
{
	const char *url = config_get(section, "url");
	size_t length;

	if (url == NULL)
		return error_set(err, ERROR_USAGE, "the url is missing");
	if (!http_address_valid(url) || strpbrk(url, "?#") != NULL)
		return error_set(err, ERROR_USAGE, "not an https address: %.200s", url);
	account->url = strdup(url);
	if (account->url == NULL)
		return error_set(err, ERROR_FAILED, "out of memory");
	for (length = strlen(url); url[length - 1] == '/'; length--)
		account->url[length - 1] = '\0';
	if (length > 3 && strcmp(account->url + length - 3, "/v1") == 0)
		account->version = 1;
	else if (length > 3 && strcmp(account->url + length - 3, "/v2") == 0)
		account->version = 2;
	else
		return error_set(err, ERROR_USAGE,
			"the url ends with the version of the CSC API, /v1 or /v2: %.200s", url);
	return true;
}

static bool read_signatures(
	const struct config_section *section, struct cloud_account *account, struct error *err)
{
	const char *text = config_get(section, "signatures");
	char *end = NULL;
	unsigned long value;

	if (text == NULL)
		return true;
	value = strtoul(text, &end, 10);
	if (strspn(text, "0123456789") != strlen(text) || *end != '\0' || value == 0 ||
		value > SIGNATURES_MAX)
		return error_set(err, ERROR_USAGE,
			"signatures is a number from 1 to %d, not '%.40s'", SIGNATURES_MAX, text);
	account->signatures = (unsigned)value;
	return true;
}

static bool copy_texts(const struct config_section *section, struct cloud_account *account)
{
	const struct {
		const char *key;
		char **place;
	} texts[] = {
		{"ca-file", &account->ca_file},
		{"client-id", &account->client_id},
		{"client-secret-file", &account->client_secret_file},
		{"username", &account->username},
		{"password-file", &account->password_file},
		{"bearer-command", &account->bearer_command},
		{"credential", &account->credential},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const char *value = config_get(section, texts[i].key);

		if (value != NULL && (*texts[i].place = strdup(value)) == NULL)
			return false;
	}
	return true;
}

static const char *or_empty(const char *text)
{
	return text != NULL ? text : "";
}

static bool make_key(struct cloud_account *account)
{
	struct buffer text = BUFFER_INIT(64 << 10);
	uint8_t hash[32];
	bool ok = buffer_printf(&text, "%s\n%s\n%s\n%s\n%s", account->url,
			  logins[account->login].name, or_empty(account->client_id),
			  or_empty(account->username), or_empty(account->credential)) &&
		  EVP_Q_digest(NULL, "SHA256", NULL, text.data, text.length, hash, NULL) == 1;

	for (size_t i = 0; ok && i < sizeof(hash); i++)
		snprintf(account->key + 2 * i, 3, "%02x", hash[i]);
	buffer_free(&text);
	return ok;
}

static bool open_tokens(struct cloud_account *account, struct error *err)
{
	char *state = config_state_dir(), *folder = NULL;
	bool ok = state != NULL && asprintf(&folder, "%s/cloud", state) >= 0;

	if (ok)
		ok = tokens_open(folder, account->key, account->url, &account->tokens, err);
	else
		error_set(
			err, ERROR_FAILED, "there is no place for state: neither home nor memory");
	free(state);
	free(folder);
	return ok;
}

bool cloud_account_open(
	const struct config_section *section, struct cloud_account **out, struct error *err)
{
	struct cloud_account *account = calloc(1, sizeof(*account));
	bool ok = false;

	if (account == NULL)
		return error_set(err, ERROR_FAILED, "out of memory");
	if (!read_url(section, account, err) || !read_login(section, account, err) ||
		!read_signatures(section, account, err))
		goto out;
	if (!copy_texts(section, account) || !make_key(account)) {
		error_set(err, ERROR_FAILED, "the account's key can't be made");
		goto out;
	}
	ok = open_tokens(account, err);
	if (ok) {
		*out = account;
		account = NULL;
	}
out:
	cloud_account_close(account);
	return ok;
}

void cloud_account_close(struct cloud_account *account)
{
	if (account == NULL)
		return;
	tokens_close(account->tokens);
	free(account->url);
	free(account->ca_file);
	free(account->client_id);
	free(account->client_secret_file);
	free(account->username);
	free(account->password_file);
	free(account->bearer_command);
	free(account->credential);
	free(account);
}
