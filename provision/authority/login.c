#include "provision/authority/login.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "provision/authority/folder.h"
#include "provision/i18n.h"

#define LOGIN_BYTES       (4 << 20)
#define LOCK_SECONDS      90 /* longer than a refresh takes at most */
#define EARLY_SECONDS     30 /* a token that ends so soon is renewed */
#define APPLICATIONS_KEPT 1000

struct login {
	char *authority, *url, *folder;
	char *file, *lock; /* names in the folder */
	struct log *log;
};

/* Wipes every text of a JSON value before it goes. */
static void forget(json_t *json)
{
	const char *key;
	json_t *member;

	if (json == NULL)
		return;
	if (json_is_string(json))
		explicit_bzero(
			(char *)(uintptr_t)json_string_value(json), json_string_length(json));
	json_object_foreach(json, key, member) if (json_is_string(member)) explicit_bzero(
		(char *)(uintptr_t)json_string_value(member), json_string_length(member));
	member = json_object_get(json, "applications");
	if (json_is_object(member) && member != json)
		forget(json_incref(member));
	json_decref(json);
}

bool login_open(const char *authority, const char *url, struct log *log, struct login **out,
	struct error *err)
{
	struct login *login = calloc(1, sizeof(*login));
	struct buffer name = BUFFER_INIT(1024);
	char *state = config_state_dir();
	bool ok = false;

	if (login == NULL)
		goto out;
	login->log = log;
	/* Whatever the section is called, the name is one plain file's. */
	if (authority[0] == '.') {
		buffer_append_text(&name, "%2E");
		http_escape(&name, authority + 1);
	} else {
		http_escape(&name, authority);
	}
	login->authority = strdup(authority);
	login->url = strdup(url);
	if (state == NULL || !buffer_ok(&name) || login->authority == NULL || login->url == NULL)
		goto out;
	if (asprintf(&login->folder, "%s/login", state) < 0)
		login->folder = NULL;
	if (asprintf(&login->file, "%s.json", buffer_text(&name)) < 0)
		login->file = NULL;
	if (asprintf(&login->lock, "%s.lock", buffer_text(&name)) < 0)
		login->lock = NULL;
	ok = login->folder != NULL && login->file != NULL && login->lock != NULL;
out:
	free(state);
	buffer_free(&name);
	if (ok) {
		*out = login;
		return true;
	}
	login_close(login);
	return error_set(err, ERROR_FAILED, _("out of memory, or no home directory"));
}

void login_close(struct login *login)
{
	if (login == NULL)
		return;
	free(login->authority);
	free(login->url);
	free(login->folder);
	free(login->file);
	free(login->lock);
	free(login);
}

/* The file as JSON, or an empty object when there is none or it belongs to another address. */
static bool load(const struct login *login, json_t **out, struct error *err)
{
	struct buffer text = BUFFER_INIT(LOGIN_BYTES);
	const char *url;
	json_t *json = NULL;
	bool there = false, ok = false;

	if (!folder_read(login->folder, login->file, &text, &there, err))
		goto out;
	if (there) {
		json = json_loadb(buffer_text(&text), text.length, JSON_REJECT_DUPLICATES, NULL);
		if (!json_is_object(json)) {
			error_set(err, ERROR_FAILED,
				_("%s/%s is damaged; podpis login %s makes a new one"),
				login->folder, login->file, login->authority);
			goto out;
		}
		url = json_string_value(json_object_get(json, "url"));
		if (url == NULL || strcmp(url, login->url) != 0) {
			forget(json);
			json = NULL;
		}
	}
	if (json == NULL)
		json = json_object();
	ok = json != NULL || error_set(err, ERROR_FAILED, _("out of memory"));
	if (ok) {
		*out = json;
		json = NULL;
	}
out:
	forget(json);
	buffer_free(&text);
	return ok;
}

static int append(const char *data, size_t length, void *buffer)
{
	return buffer_append(buffer, data, length) ? 0 : -1;
}

static bool save(const struct login *login, json_t *json, struct error *err)
{
	struct buffer text = BUFFER_INIT(LOGIN_BYTES);
	bool ok = false;

	if (json_object_set_new(json, "version", json_integer(1)) != 0 ||
		json_object_set_new(json, "url", json_string(login->url)) != 0 ||
		json_dump_callback(json, append, &text, JSON_INDENT(1)) != 0) {
		error_set(err, ERROR_FAILED, _("out of memory"));
		goto out;
	}
	ok = folder_write(login->folder, login->file, text.data, text.length, err);
out:
	buffer_free(&text);
	return ok;
}

/* The lock that all processes share; falls when it is closed, or the process dies. */
static bool lock(const struct login *login, int *out, struct error *err)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char *path = NULL;
	int fd = -1;

	if (!folder_make(login->folder, err))
		return false;
	if (asprintf(&path, "%s/%s", login->folder, login->lock) < 0)
		return error_set(err, ERROR_FAILED, _("out of memory"));
	fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	for (unsigned tries = 0; fd >= 0 && fcntl(fd, F_OFD_SETLK, &whole) != 0; tries++) {
		if ((errno != EAGAIN && errno != EACCES && errno != EINTR) ||
			tries > LOCK_SECONDS * 50) {
			close(fd);
			fd = -1;
			break;
		}
		nanosleep(&(struct timespec){.tv_nsec = 20 * 1000 * 1000}, NULL);
	}
	if (fd < 0)
		error_set(err, ERROR_FAILED, _("%s can't be locked: %s"), path, strerror(errno));
	else
		*out = fd;
	free(path);
	return fd >= 0;
}

static void set_text(json_t *json, const char *name, const char *text)
{
	if (text != NULL)
		json_object_set_new(json, name, json_string(text));
	else
		json_object_del(json, name);
}

static const char *get_text(const json_t *json, const char *name)
{
	return json_string_value(json_object_get(json, name));
}

static void set_grant(json_t *json, const struct oauth_grant *grant)
{
	long seconds = grant->expires_in > 0 ? grant->expires_in : 3600;

	set_text(json, "access_token", (const char *)grant->access->data);
	/* RFC 6749, 6: without a new refresh token the old one goes on. */
	if (grant->refresh != NULL)
		set_text(json, "refresh_token", (const char *)grant->refresh->data);
	json_object_set_new(json, "expires_at", json_integer((json_int_t)time(NULL) + seconds));
	json_object_set_new(json, "lifetime", json_integer(seconds));
}

bool login_store(struct login *login, const struct oauth_service *service,
	const struct oauth_grant *grant, const struct authority_account *account, struct error *err)
{
	json_t *json = NULL, *fresh = json_object(), *kept;
	const char *before;
	bool ok = false;
	int fd = -1;

	if (fresh == NULL || !lock(login, &fd, err))
		goto out;
	/* A damaged file is replaced. */
	if (!load(login, &json, NULL))
		json = json_object();
	before = get_text(json, "account");
	kept = json_object_get(json, "applications");
	if (before != NULL && strcmp(before, account->account) == 0 && json_is_object(kept))
		json_object_set(fresh, "applications", kept);
	set_grant(fresh, grant);
	set_text(fresh, "account", account->account);
	set_text(fresh, "name", account->name);
	set_text(fresh, "role", account->role);
	set_text(fresh, "client_id", service->client_id);
	set_text(fresh, "token_endpoint", service->token_endpoint);
	set_text(fresh, "revocation_endpoint", service->revocation_endpoint);
	ok = save(login, fresh, err);
out:
	if (fd >= 0)
		close(fd);
	/* Shared with `fresh`, so that it is not wiped under it. */
	json_object_del(json, "applications");
	forget(json);
	forget(fresh);
	return ok;
}

static bool nobody(const struct login *login, struct error *err)
{
	return error_set(err, ERROR_PERSON, _("nobody is logged in at %s: run podpis login %s"),
		login->authority, login->authority);
}

bool login_account(struct login *login, struct authority_account *out, struct error *err)
{
	json_t *json = NULL;
	const char *text;
	bool ok;

	if (!load(login, &json, err))
		return false;
	ok = get_text(json, "access_token") != NULL;
	if (ok) {
		memset(out, 0, sizeof(*out));
		text = get_text(json, "account");
		snprintf(out->account, sizeof(out->account), "%s", text != NULL ? text : "");
		text = get_text(json, "name");
		snprintf(out->name, sizeof(out->name), "%s", text != NULL ? text : "");
		text = get_text(json, "role");
		snprintf(out->role, sizeof(out->role), "%s", text != NULL ? text : "");
	}
	forget(json);
	return ok || nobody(login, err);
}

/* Is the login's access token one to try? */
static bool fresh_enough(const json_t *json, const struct secret *stale)
{
	const char *access = get_text(json, "access_token");
	json_int_t expires = json_integer_value(json_object_get(json, "expires_at")),
		   now = time(NULL);
	json_int_t lifetime = json_integer_value(json_object_get(json, "lifetime"));
	json_int_t early =
		lifetime > 0 && lifetime < 4 * EARLY_SECONDS ? lifetime / 4 : EARLY_SECONDS;

	if (access == NULL || (stale != NULL && strcmp(access, (const char *)stale->data) == 0))
		return false;
	/* A clock that was put back makes no token live longer than it may. */
	return now < expires - early && now >= expires - lifetime - early;
}

static bool give(const char *token, struct secret **out, struct error *err)
{
	*out = secret_new(token, strlen(token));
	return *out != NULL || error_set(err, ERROR_FAILED, _("out of memory"));
}

/* Under the lock. */
static bool renew(struct login *login, struct http *http, json_t *json, struct error *err)
{
	const struct oauth_service service = {
		.token_endpoint = get_text(json, "token_endpoint"),
		.client_id = get_text(json, "client_id"),
	};
	const char *token = get_text(json, "refresh_token");
	struct secret *refresh = token != NULL ? secret_new(token, strlen(token)) : NULL;
	struct oauth_grant grant = {0};
	struct error problem = {0};
	bool ok = false;

	if (refresh == NULL || service.token_endpoint == NULL || service.client_id == NULL) {
		problem.code = ERROR_PERSON;
	} else if (oauth_refresh(http, &service, refresh, &grant, &problem)) {
		log_debug(login->log, "the login at %s is renewed", login->authority);
		set_grant(json, &grant);
		ok = save(login, json, err);
		goto out;
	}
	if (problem.code == ERROR_PERSON) {
		/* It has ended for good: asking again would only be another request. */
		log_info(login->log, "the login at %s has ended", login->authority);
		set_text(json, "access_token", NULL);
		set_text(json, "refresh_token", NULL);
		if (save(login, json, err))
			error_set(err, ERROR_PERSON,
				_("the login at %s has ended: run podpis login %s"),
				login->authority, login->authority);
	} else {
		error_set(err, problem.code, "%s", problem.message);
	}
out:
	oauth_grant_clear(&grant);
	secret_free(refresh);
	return ok;
}

bool login_bearer(struct login *login, struct http *http, const char *application,
	const struct secret *stale, struct secret **out, struct error *err)
{
	const char *token;
	json_t *json = NULL;
	bool ok = false;
	int fd = -1;

	if (!load(login, &json, err))
		goto out;
	if (!fresh_enough(json, stale) && get_text(json, "access_token") != NULL) {
		/* Whoever comes second finds what the first one got. */
		if (!lock(login, &fd, err))
			goto out;
		forget(json);
		json = NULL;
		if (!load(login, &json, err))
			goto out;
		if (!fresh_enough(json, stale) && get_text(json, "access_token") != NULL &&
			!renew(login, http, json, err) &&
			(application == NULL || get_text(json, "access_token") != NULL))
			goto out;
	}
	token = get_text(json, "access_token");
	if (token == NULL && application != NULL)
		token = get_text(json_object_get(json, "applications"), application);
	if (token == NULL || (stale != NULL && strcmp(token, (const char *)stale->data) == 0)) {
		nobody(login, err);
		goto out;
	}
	ok = give(token, out, err);
out:
	if (fd >= 0)
		close(fd);
	forget(json);
	return ok;
}

bool login_keep_application(
	struct login *login, const char *application, const char *token, struct error *err)
{
	json_t *json = NULL, *applications;
	bool ok = false;
	int fd = -1;

	if (!lock(login, &fd, err) || !load(login, &json, err))
		goto out;
	applications = json_object_get(json, "applications");
	if (!json_is_object(applications) || json_object_size(applications) >= APPLICATIONS_KEPT) {
		applications = json_object();
		json_object_set_new(json, "applications", applications);
	}
	set_text(applications, application, token);
	ok = save(login, json, err);
out:
	if (fd >= 0)
		close(fd);
	forget(json);
	return ok;
}

bool login_forget(struct login *login, struct http *http, bool *was, struct error *err)
{
	struct oauth_service service = {0};
	struct secret *secret = NULL;
	struct error problem = {0};
	bool told = true, ok = false;
	json_t *json = NULL;
	const char *token;
	int fd = -1;

	if (!lock(login, &fd, err))
		goto out;
	/* A damaged file is removed, too. */
	load(login, &json, NULL);
	token = get_text(json, "refresh_token");
	if (token == NULL)
		token = get_text(json, "access_token");
	*was = token != NULL;
	service.revocation_endpoint = get_text(json, "revocation_endpoint");
	service.client_id = get_text(json, "client_id");
	if (token != NULL && service.revocation_endpoint != NULL && service.client_id != NULL) {
		secret = secret_new(token, strlen(token));
		told = secret != NULL && oauth_revoke(http, &service, secret, &problem);
	}
	if (!folder_remove(login->folder, login->file, err))
		goto out;
	ok = told;
	if (!told)
		error_set(err, ERROR_UNREACHABLE,
			_("the login is forgotten here, but %s could not be told: %s"),
			login->authority, problem.message);
out:
	if (fd >= 0)
		close(fd);
	secret_free(secret);
	forget(json);
	return ok;
}
