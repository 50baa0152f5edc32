#include "module/store/cloud/login.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "module/support/cloud_login.h"

#define SECRET_BYTES    4096 /* of a file with a secret */
#define COMMAND_SECONDS 30
#define SERVER          "oauth2" /* member of the tokens' file, and of `info` */

extern char **environ;

struct login {
	const struct cloud_account *account;
	pthread_mutex_t mutex; /* over what follows */
	struct secret *external;
};

bool login_new(const struct cloud_account *account, struct login **out)
{
	struct login *login = calloc(1, sizeof(*login));

	if (login == NULL)
		return false;
	login->account = account;
	pthread_mutex_init(&login->mutex, NULL);
	*out = login;
	return true;
}

void login_free(struct login *login)
{
	if (login == NULL)
		return;
	secret_free(login->external);
	pthread_mutex_destroy(&login->mutex);
	free(login);
}

/* A file's first line. */
static bool read_secret(const char *path, struct secret **out, struct error *err)
{
	struct buffer text = BUFFER_INIT(SECRET_BYTES);
	size_t length = 0;

	if (!buffer_read_file(&text, path))
		error_set(err, ERROR_WORKPLACE, "%s can't be read: %s", path, strerror(errno));
	else if ((length = strcspn(buffer_text(&text), "\r\n")) == 0)
		error_set(err, ERROR_WORKPLACE, "%s is empty", path);
	else
		*out = secret_new(text.data, length);
	buffer_free(&text);
	return length > 0 && *out != NULL;
}

/* ---- info: a call that needs no token */

static int append(const char *data, size_t length, void *buffer)
{
	return buffer_append(buffer, data, length) ? 0 : -1;
}

static bool ask(struct http *http, struct http_request *request, const char *path,
	const json_t *body, json_t **out, struct error *err)
{
	struct buffer text = BUFFER_INIT(64 << 10);
	struct http_response response = {0};
	bool ok = json_dump_callback(body, append, &text, JSON_COMPACT) == 0 ||
		  error_set(err, ERROR_FAILED, "out of memory");

	request->method = "POST";
	request->path = path;
	request->accept = "application/json";
	request->content_type = "application/json";
	request->body = text.data;
	request->length = text.length;
	request->limit = 256 << 10;
	ok = ok && http_send(http, request, &response, err);
	if (ok && response.status != 200)
		ok = error_set(err,
			response.status == 400 || response.status == 401 ? ERROR_PERSON
									 : ERROR_UNREACHABLE,
			"%s: %s is answered with HTTP %ld", http_peer_name(http), path + 1,
			response.status);
	ok = ok && http_response_json(http, &response, out, err);
	http_response_clear(&response);
	buffer_free(&text);
	return ok;
}

/* ---- each kind of login: a new grant in place of what the file holds */

struct renewal {
	struct login *login;
	struct http *http;
	const char *server; /* the authorisation server; NULL: not needed */
};

static bool renew_basic(const struct renewal *renewal, const json_t *json, struct oauth_grant *out,
	struct error *err)
{
	const struct cloud_account *account = renewal->login->account;
	struct secret *password = NULL;
	const char *refresh = tokens_text(json, "refresh_token");
	struct error problem = {0};
	bool ok;

	if (refresh != NULL) {
		if (cloud_login_refresh(renewal->http, refresh, out, &problem))
			return true;
		if (problem.code != ERROR_PERSON)
			return error_set(err, problem.code, "%s", problem.message);
	}
	/* It was asked for by `podpis cloud login`, and is nowhere. */
	if (account->password_file == NULL)
		return error_set(err, ERROR_PERSON, "the login has ended");
	if (!read_secret(account->password_file, &password, err))
		return false;
	ok = cloud_login_basic(renewal->http, account->username, password, false, out, &problem);
	/* Perhaps it wants the same in another shape. */
	if (!ok && problem.code == ERROR_PERSON)
		ok = cloud_login_basic(
			renewal->http, account->username, password, true, out, &problem);
	secret_free(password);
	return ok || error_set(err, problem.code, "%s", problem.message);
}

static bool endpoint(const char *server, const char *name, char out[1024], struct error *err)
{
	int length = snprintf(out, 1024, "%s/oauth2/%s", server, name);

	return (length > 0 && length < 1024) ||
	       error_set(err, ERROR_UNREACHABLE, "the authorisation server's address is too long");
}

static bool renew_client(const struct renewal *renewal, const json_t *json, struct oauth_grant *out,
	struct error *err)
{
	const struct cloud_account *account = renewal->login->account;
	struct secret *secret = NULL;
	char token[1024];
	struct oauth_service service = {
		.token_endpoint = token, .client_id = account->client_id, .scope = "service"};
	bool ok = endpoint(renewal->server, "token", token, err) &&
		  read_secret(account->client_secret_file, &secret, err) &&
		  oauth_client(renewal->http, &service, secret, out, err);

	(void)json;
	secret_free(secret);
	return ok;
}

/* Where the tokens came from is where they are renewed: `podpis cloud login` has written it down. */
static bool renew_browser(const struct renewal *renewal, const json_t *json,
	struct oauth_grant *out, struct error *err)
{
	const char *text = tokens_text(json, "refresh_token");
	struct oauth_service service = {
		.token_endpoint = tokens_text(json, "token_endpoint"),
		.client_id = renewal->login->account->client_id,
	};
	struct secret *refresh;
	bool ok;

	if (text == NULL || service.token_endpoint == NULL)
		return error_set(err, ERROR_PERSON, "the login has ended");
	refresh = secret_new(text, strlen(text));
	ok = refresh != NULL ? oauth_refresh(renewal->http, &service, refresh, out, err)
			     : error_set(err, ERROR_FAILED, "out of memory");
	secret_free(refresh);
	return ok;
}

typedef bool renew_kind(const struct renewal *renewal, const json_t *json, struct oauth_grant *out,
	struct error *err);

static const struct {
	renew_kind *renew; /* NULL: no tokens in a file */
	bool from_nothing; /* no person is needed */
	bool server;
} kinds[] = {
	[CLOUD_LOGIN_OAUTH2CODE] = {renew_browser, false, false},
	[CLOUD_LOGIN_CLIENT] = {renew_client, true, true},
	[CLOUD_LOGIN_BASIC] = {renew_basic, true, false},
	[CLOUD_LOGIN_EXTERNAL] = {NULL, false, false},
	[CLOUD_LOGIN_NONE] = {NULL, false, false},
};

/* Under the file's lock. */
static bool renew(void *context, const json_t *json, struct oauth_grant *out, struct error *err)
{
	struct renewal *renewal = context;
	struct login *login = renewal->login;
	const char *known = tokens_text(json, SERVER);
	char *asked = NULL;
	bool ok = true;

	renewal->server = known;
	if (kinds[login->account->login].server && known == NULL) {
		ok = login_server(login, renewal->http, &asked, err);
		renewal->server = asked;
	}
	ok = ok && kinds[login->account->login].renew(renewal, json, out, err);
	free(asked);
	return ok;
}

bool login_server(struct login *login, struct http *http, char **out, struct error *err)
{
	json_t *json = NULL, *body = NULL, *info = NULL;
	struct http_request request = {.tries = 1};
	const char *server;
	bool ok = false;

	/* `podpis cloud login` may have written it there. */
	if (!tokens_load(login->account->tokens, &json, err))
		return false;
	server = tokens_text(json, SERVER);
	if (server == NULL) {
		body = json_object();
		if (!ask(http, &request, "/info", body, &info, err))
			goto out;
		server = tokens_text(info, SERVER);
	}
	if (server == NULL || !http_address_valid(server)) {
		error_set(err, ERROR_UNREACHABLE, "%s: the service names no authorisation server",
			http_peer_name(http));
		goto out;
	}
	*out = strdup(server);
	ok = *out != NULL || error_set(err, ERROR_FAILED, "out of memory");
	for (size_t length = ok ? strlen(*out) : 0; length > 0 && (*out)[length - 1] == '/';)
		(*out)[--length] = '\0';
out:
	json_decref(body);
	json_decref(info);
	tokens_wipe(json);
	return ok;
}

static bool from_file(struct login *login, struct http *http, const struct secret *stale,
	struct secret **out, struct error *err)
{
	struct renewal renewal = {.login = login, .http = http};
	enum cloud_login kind = login->account->login;
	json_t *json = NULL;
	const char *access;
	bool ok = tokens_current(login->account->tokens, stale, kinds[kind].from_nothing, renew,
		&renewal, &json, err);

	if (ok) {
		access = tokens_text(json, "access_token");
		if (access == NULL)
			ok = error_set(err, ERROR_PERSON, "nobody is logged in");
		else
			*out = secret_new(access, strlen(access));
		ok = ok && (*out != NULL || error_set(err, ERROR_FAILED, "out of memory"));
	}
	tokens_wipe(json);
	return ok;
}

/* ---- a token from elsewhere */

static void stop_command(pid_t process)
{
	kill(-process, SIGKILL);
	while (waitpid(process, NULL, 0) < 0 && errno == EINTR)
		;
}

/* Reads until the end; false past the deadline. */
static bool read_all(int fd, struct buffer *out)
{
	struct timespec now;
	char piece[1024];
	long end, left;

	clock_gettime(CLOCK_MONOTONIC, &now);
	end = now.tv_sec + COMMAND_SECONDS;
	for (;;) {
		struct pollfd wait = {.fd = fd, .events = POLLIN};

		clock_gettime(CLOCK_MONOTONIC, &now);
		left = end - now.tv_sec;
		if (left <= 0 || poll(&wait, 1, (int)left * 1000) == 0)
			return false;
		ssize_t got = read(fd, piece, sizeof(piece));
		if (got == 0)
			break;
		if (got < 0 && errno != EINTR)
			return false;
		if (got > 0 && !buffer_append(out, piece, (size_t)got))
			return false;
	}
	explicit_bzero(piece, sizeof(piece));
	return true;
}

/* In a process group of its own, so that what it starts ends with it. */
static bool start_command(const char *command, int out, pid_t *process)
{
	char *const arguments[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c",
		(char *)(uintptr_t)command, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	int failed;

	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out, 1);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
	failed = posix_spawn(process, "/bin/sh", &actions, &attributes, arguments, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return failed == 0;
}

static bool run_command(const char *command, struct secret **out, struct error *err)
{
	struct buffer text = BUFFER_INIT(OAUTH_TOKEN_MAX + 2);
	int pipes[2] = {-1, -1}, status = -1;
	size_t length = 0;
	pid_t process;
	bool ok = false;

	if (pipe2(pipes, O_CLOEXEC) != 0 || !start_command(command, pipes[1], &process)) {
		error_set(err, ERROR_WORKPLACE, "bearer-command can't be started");
		goto out;
	}
	close(pipes[1]);
	pipes[1] = -1;
	if (!read_all(pipes[0], &text)) {
		stop_command(process);
		error_set(err, ERROR_WORKPLACE,
			"bearer-command did not come to an end, or says too much");
		goto out;
	}
	while (waitpid(process, &status, 0) < 0 && errno == EINTR)
		;
	length = strcspn(buffer_text(&text), "\r\n");
	/* A host that ignores SIGCHLD leaves no status behind: then the token has to do. */
	if ((status != -1 && (!WIFEXITED(status) || WEXITSTATUS(status) != 0)) || length == 0) {
		error_set(err, ERROR_PERSON, "bearer-command gave no token");
		goto out;
	}
	*out = secret_new(text.data, length);
	ok = *out != NULL;
out:
	for (size_t i = 0; i < 2; i++) {
		if (pipes[i] >= 0)
			close(pipes[i]);
	}
	buffer_free(&text);
	return ok;
}

static bool from_command(
	struct login *login, const struct secret *stale, struct secret **out, struct error *err)
{
	struct secret *fresh = NULL;

	pthread_mutex_lock(&login->mutex);
	if (login->external != NULL && (stale == NULL || !secret_equal(login->external, stale)))
		*out = secret_new(login->external->data, login->external->length);
	pthread_mutex_unlock(&login->mutex);
	if (*out != NULL)
		return true;
	if (!run_command(login->account->bearer_command, &fresh, err))
		return false;
	*out = secret_new(fresh->data, fresh->length);
	pthread_mutex_lock(&login->mutex);
	secret_free(login->external);
	login->external = fresh;
	pthread_mutex_unlock(&login->mutex);
	return *out != NULL || error_set(err, ERROR_FAILED, "out of memory");
}

bool login_bearer(struct login *login, struct http *http, const struct secret *stale,
	struct secret **out, struct error *err)
{
	enum cloud_login kind = login->account->login;

	*out = NULL;
	if (kinds[kind].renew != NULL)
		return from_file(login, http, stale, out, err);
	if (kind == CLOUD_LOGIN_EXTERNAL)
		return from_command(login, stale, out, err);
	return stale == NULL || error_set(err, ERROR_PERSON, "the service wants a login");
}
