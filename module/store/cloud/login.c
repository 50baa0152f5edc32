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
#include <unistd.h>

#include "module/support/cloud_login.h"

#define COMMAND_SECONDS 30
#define COMMAND_LOOK_MS 10 /* between two looks at whether it has ended */

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

/* ---- each kind of login: a new grant in place of what the file holds */

struct renewal {
	const struct cloud_account *account;
	struct http *http;
};

static bool renew_basic(const struct renewal *renewal, const json_t *json, struct oauth_grant *out,
	struct error *err)
{
	const struct cloud_account *account = renewal->account;
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
	if (!cloud_secret_read(account->password_file, &password, err))
		return false;
	ok = cloud_login_basic(renewal->http, account->username, password, false, out, &problem);
	/* Perhaps it wants the same in another shape. */
	if (!ok && problem.code == ERROR_PERSON)
		ok = cloud_login_basic(
			renewal->http, account->username, password, true, out, &problem);
	secret_free(password);
	return ok || error_set(err, problem.code, "%s", problem.message);
}

static bool renew_client(const struct renewal *renewal, const json_t *json, struct oauth_grant *out,
	struct error *err)
{
	struct cloud_doors doors = {0};
	struct cloud_client client = {.secret = NULL};
	bool ok = cloud_login_doors(renewal->http, renewal->account, &doors, err) &&
		  cloud_client_open(renewal->account, &doors, "service", &client, err) &&
		  oauth_client(renewal->http, &client.service, out, err);

	(void)json;
	cloud_client_close(&client);
	cloud_doors_clear(&doors);
	return ok;
}

/* Where the tokens came from is where they are renewed: `podpis cloud login` has written it down. */
static bool renew_browser(const struct renewal *renewal, const json_t *json,
	struct oauth_grant *out, struct error *err)
{
	const char *text = tokens_text(json, "refresh_token"),
		   *endpoint = tokens_text(json, "token_endpoint");
	const struct cloud_doors doors = {.token = (char *)(uintptr_t)endpoint};
	struct cloud_client client = {.secret = NULL};
	struct secret *refresh = NULL;
	bool ok;

	if (text == NULL || endpoint == NULL)
		return error_set(err, ERROR_PERSON, "the login has ended");
	ok = cloud_client_open(renewal->account, &doors, NULL, &client, err) &&
	     ((refresh = secret_new(text, strlen(text))) != NULL ||
		     error_set(err, ERROR_FAILED, "out of memory")) &&
	     oauth_refresh(renewal->http, &client.service, refresh, out, err);
	secret_free(refresh);
	cloud_client_close(&client);
	return ok;
}

typedef bool renew_kind(const struct renewal *renewal, const json_t *json, struct oauth_grant *out,
	struct error *err);

static const struct {
	renew_kind *renew; /* NULL: no tokens in a file */
	bool from_nothing; /* no person is needed */
} kinds[] = {
	[CLOUD_LOGIN_OAUTH2CODE] = {renew_browser, false},
	[CLOUD_LOGIN_CLIENT] = {renew_client, true},
	[CLOUD_LOGIN_BASIC] = {renew_basic, true},
	[CLOUD_LOGIN_EXTERNAL] = {NULL, false},
	[CLOUD_LOGIN_NONE] = {NULL, false},
};

/* Under the file's lock. */
static bool renew(void *context, const json_t *json, struct oauth_grant *out, struct error *err)
{
	const struct renewal *renewal = context;

	return kinds[renewal->account->login].renew(renewal, json, out, err);
}

static bool from_file(const struct login *login, struct http *http, const struct patience *patience,
	const struct secret *stale, struct secret **out, struct error *err)
{
	struct renewal where = {.account = login->account, .http = http};
	const struct tokens_renewal renewal = {
		.renew = renew,
		.context = &where,
		.from_nothing = kinds[login->account->login].from_nothing,
		.interrupt = {patience_over, patience},
	};
	json_t *json = NULL;
	const char *access;
	bool ok = tokens_current(login->account->tokens, stale, &renewal, &json, err);

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

/* Reads until the end; false when there is no more time, or it is too much. */
static bool read_all(int fd, const struct patience *patience, struct buffer *out)
{
	char piece[1024];
	bool ok = false;

	while (!patience_over(patience)) {
		struct pollfd wait = {.fd = fd, .events = POLLIN};

		if (poll(&wait, 1, INTERRUPT_MS) <= 0)
			continue;
		ssize_t got = read(fd, piece, sizeof(piece));
		if (got < 0 && errno == EINTR)
			continue;
		ok = got == 0;
		if (got <= 0 || !buffer_append(out, piece, (size_t)got))
			break;
	}
	explicit_bzero(piece, sizeof(piece));
	return ok;
}

/*
 * Its status; false when it is still at work and there is no more time. In a host that ignores SIGCHLD none is left
 * behind: then the token has to do.
 */
static bool wait_for_end(pid_t process, const struct patience *patience, int *status)
{
	pid_t ended;

	*status = 0;
	while ((ended = waitpid(process, status, WNOHANG)) == 0 &&
		patience_sleep(patience, COMMAND_LOOK_MS))
		;
	return ended != 0;
}

static void stop_command(pid_t process)
{
	kill(-process, SIGKILL);
	while (waitpid(process, NULL, 0) < 0 && errno == EINTR)
		;
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
	posix_spawn_file_actions_addclosefrom_np(&actions, 3);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
	failed = posix_spawn(process, "/bin/sh", &actions, &attributes, arguments, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return failed == 0;
}

static bool run_command(
	const char *command, const struct patience *whole, struct secret **out, struct error *err)
{
	const struct patience patience = patience_within(whole, COMMAND_SECONDS);
	struct buffer text = BUFFER_INIT(OAUTH_TOKEN_MAX + 2);
	int pipes[2] = {-1, -1}, status = 0;
	size_t length;
	pid_t process;
	bool ok = false;

	if (pipe2(pipes, O_CLOEXEC) != 0 || !start_command(command, pipes[1], &process)) {
		error_set(err, ERROR_WORKPLACE, "bearer-command can't be started");
		goto out;
	}
	close(pipes[1]);
	pipes[1] = -1;
	if (!read_all(pipes[0], &patience, &text) || !wait_for_end(process, &patience, &status)) {
		stop_command(process);
		error_set(err, ERROR_WORKPLACE,
			"bearer-command did not come to an end, or says too much");
		goto out;
	}
	length = strcspn(buffer_text(&text), "\r\n");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || length == 0) {
		error_set(err, ERROR_PERSON, "bearer-command gave no token");
		goto out;
	}
	*out = secret_new(text.data, length);
	ok = *out != NULL || error_set(err, ERROR_FAILED, "out of memory");
out:
	for (size_t i = 0; i < 2; i++) {
		if (pipes[i] >= 0)
			close(pipes[i]);
	}
	buffer_free(&text);
	return ok;
}

static bool from_command(struct login *login, const struct patience *patience,
	const struct secret *stale, struct secret **out, struct error *err)
{
	struct secret *fresh = NULL;

	pthread_mutex_lock(&login->mutex);
	if (login->external != NULL && (stale == NULL || !secret_equal(login->external, stale)))
		*out = secret_new(login->external->data, login->external->length);
	pthread_mutex_unlock(&login->mutex);
	if (*out != NULL)
		return true;
	if (!run_command(login->account->bearer_command, patience, &fresh, err))
		return false;
	*out = secret_new(fresh->data, fresh->length);
	pthread_mutex_lock(&login->mutex);
	secret_free(login->external);
	login->external = fresh;
	pthread_mutex_unlock(&login->mutex);
	return *out != NULL || error_set(err, ERROR_FAILED, "out of memory");
}

bool login_bearer(struct login *login, struct http *http, const struct patience *patience,
	const struct secret *stale, struct secret **out, struct error *err)
{
	enum cloud_login kind = login->account->login;

	*out = NULL;
	if (kinds[kind].renew != NULL)
		return from_file(login, http, patience, stale, out, err);
	if (kind == CLOUD_LOGIN_EXTERNAL)
		return from_command(login, patience, stale, out, err);
	return stale == NULL || error_set(err, ERROR_PERSON, "the service wants a login");
}
