#include "tests/sandbox_process.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "module/support/http.h"

#define OPTIONS_MAX 80

struct sandbox_process {
	pid_t process;
	char folder[300], origin[64], file[400];
	json_t *ready;
	struct http *http;
};

static const char *text(const json_t *json, const char *name)
{
	return json_string_value(json_object_get(json, name));
}

static void wait_until_ready(struct sandbox_process *sandbox, const char *path)
{
	for (unsigned tries = 0; sandbox->ready == NULL; tries++) {
		assert_true(tries < 3000);
		assert_int_equal(waitpid(sandbox->process, NULL, WNOHANG), 0);
		nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
		sandbox->ready = json_load_file(path, 0, NULL);
	}
}

struct sandbox_process *sandbox_start(const char *folder, const char *const *options)
{
	struct sandbox_process *sandbox = calloc(1, sizeof(*sandbox));
	char ready[400], log[400];
	const char *arguments[OPTIONS_MAX] = {
		"podpis-sandbox", "--control", "--state", sandbox->folder, "--ready-file", ready};
	posix_spawn_file_actions_t actions;
	const char *plain[] = {"LC_ALL=C.UTF-8", NULL};
	size_t count = 6;

	snprintf(sandbox->folder, sizeof(sandbox->folder), "%s/sandbox", folder);
	snprintf(ready, sizeof(ready), "%s/ready.json", folder);
	snprintf(log, sizeof(log), "%s/sandbox.log", folder);
	unlink(ready);
	for (; *options != NULL; options++)
		arguments[count++] = *options;
	/* Nothing of the test's own environment, which may change how OpenSSL works. */
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	posix_spawn_file_actions_adddup2(&actions, 1, 2);
	assert_int_equal(
		posix_spawn(&sandbox->process, getenv("PODPIS_TEST_SANDBOX"), &actions, NULL,
			(char *const *)(uintptr_t)arguments, (char *const *)(uintptr_t)plain),
		0);
	posix_spawn_file_actions_destroy(&actions);
	wait_until_ready(sandbox, ready);
	snprintf(sandbox->origin, sizeof(sandbox->origin), "%s", text(sandbox->ready, "url"));
	*strstr(sandbox->origin, "/api") = '\0';
	struct http_settings settings = {
		.base = sandbox->origin, .ca_file = text(sandbox->ready, "ca_file")};
	assert_true(http_new(&settings, &sandbox->http, NULL));
	return sandbox;
}

void sandbox_stop(struct sandbox_process *sandbox)
{
	kill(sandbox->process, SIGTERM);
	waitpid(sandbox->process, NULL, 0);
	http_free(sandbox->http);
	json_decref(sandbox->ready);
	free(sandbox);
}

const char *sandbox_origin(const struct sandbox_process *sandbox)
{
	return sandbox->origin;
}

const char *sandbox_ca(const struct sandbox_process *sandbox)
{
	return text(sandbox->ready, "ca_file");
}

const char *sandbox_file(struct sandbox_process *sandbox, const char *name)
{
	snprintf(sandbox->file, sizeof(sandbox->file), "%s/%s", sandbox->folder, name);
	return sandbox->file;
}

const char *sandbox_password_file(struct sandbox_process *sandbox, const char *account)
{
	char name[100];

	snprintf(name, sizeof(name), "accounts/%s.password", account);
	return sandbox_file(sandbox, name);
}

char *sandbox_otp(const struct sandbox_process *sandbox, const char *credential)
{
	char path[400], line[32] = "";

	snprintf(path, sizeof(path), "%s/otp/%s", sandbox->folder, credential);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	assert_non_null(fgets(line, sizeof(line), file));
	fclose(file);
	line[strcspn(line, "\n")] = '\0';
	return strdup(line);
}

/* ---- /control */

static json_t *control(
	struct sandbox_process *sandbox, const char *method, const char *path, json_t *body)
{
	char *sent = body != NULL ? json_dumps(body, 0) : NULL;
	struct http_request request = {
		.method = method,
		.path = path,
		.content_type = "application/json",
		.body = sent,
		.length = sent != NULL ? strlen(sent) : 0,
		/* The server may have dropped the connection, on somebody else's account. */
		.tries = 3,
	};
	struct http_response response = {0};
	struct error err = {0};
	json_t *json = NULL;

	if (!http_send(sandbox->http, &request, &response, &err))
		fail_msg("%s", err.message);
	assert_in_range(response.status, 200, 299);
	if (response.body.length > 0 && strcmp(response.media_type, "application/json") == 0)
		assert_true(http_response_json(sandbox->http, &response, &json, NULL));
	http_response_clear(&response);
	json_decref(body);
	free(sent);
	return json;
}

long sandbox_requests(struct sandbox_process *sandbox, const char *path)
{
	json_t *json = control(sandbox, "GET", "/control/requests", NULL), *count;
	const char *name;
	long found = 0;

	json_object_foreach(json_object_get(json, "requests"), name, count)
	{
		if (path == NULL || strcmp(path, name) == 0)
			found += (long)json_integer_value(count);
	}
	json_decref(json);
	return found;
}

long sandbox_connections(struct sandbox_process *sandbox)
{
	json_t *json = control(sandbox, "GET", "/control/requests", NULL);
	long count = (long)json_integer_value(json_object_get(json, "connections"));

	json_decref(json);
	return count;
}

void sandbox_forget_requests(struct sandbox_process *sandbox)
{
	json_decref(control(sandbox, "DELETE", "/control/requests", NULL));
}

long sandbox_signatures(struct sandbox_process *sandbox)
{
	json_t *json = control(sandbox, "GET", "/control/summary", NULL);
	const json_t *count = json_object_get(json, "cloud_signatures");

	assert_true(json_is_integer(count));
	long found = (long)json_integer_value(count);
	json_decref(json);
	return found;
}

void sandbox_fault(struct sandbox_process *sandbox, const char *specification)
{
	json_decref(control(
		sandbox, "POST", "/control/faults", json_pack("{s:s}", "fault", specification)));
}

size_t sandbox_faults(struct sandbox_process *sandbox)
{
	json_t *json = control(sandbox, "GET", "/control/faults", NULL);
	size_t count = json_array_size(json_object_get(json, "faults"));

	json_decref(json);
	return count;
}

void sandbox_no_faults(struct sandbox_process *sandbox)
{
	json_decref(control(sandbox, "DELETE", "/control/faults", NULL));
}

void sandbox_advance(struct sandbox_process *sandbox, long seconds)
{
	json_decref(control(sandbox, "POST", "/control/clock",
		json_pack("{s:I}", "advance_seconds", (json_int_t)seconds)));
}
