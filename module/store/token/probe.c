#include "module/store/token/probe.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char program[] = "podpis-probe";

bool probe_is_self(void)
{
	return getenv(PROBE_VARIABLE) != NULL;
}

/*
 * Beside the object that this code is in, else where it was installed; with what the installed tree was put under
 * before it, as far as this object is there.
 */
static bool probe_path(char path[PATH_MAX])
{
	static const char installed[] = PODPIS_MODULE_DIR;
	Dl_info info = {0};
	int root = 0;

	if (dladdr(program, &info) != 0 && strchr(info.dli_fname, '/') != NULL) {
		int directory = (int)(strrchr(info.dli_fname, '/') - info.dli_fname);

		root = directory - (int)(sizeof(installed) - 1);
		if (root < 0 ||
			memcmp(info.dli_fname + root, installed, sizeof(installed) - 1) != 0)
			root = 0;
		if (snprintf(path, PATH_MAX, "%.*s/%s", directory, info.dli_fname, program) <
				PATH_MAX &&
			access(path, X_OK) == 0)
			return true;
	}
	return snprintf(path, PATH_MAX, "%.*s%s/%s", root, root > 0 ? info.dli_fname : "",
		       PODPIS_LIBEXEC_DIR, program) < PATH_MAX &&
	       access(path, X_OK) == 0;
}

/* The host's environment and PROBE_VARIABLE; only the array is ours. */
static char **probe_environment(void)
{
	static char variable[] = PROBE_VARIABLE "=1";
	size_t count = 0;

	while (environ[count] != NULL)
		count++;
	char **list = calloc(count + 2, sizeof(*list));
	if (list != NULL) {
		memcpy(list, environ, count * sizeof(*list));
		list[count] = variable;
	}
	return list;
}

/* The probe gets nothing of the host's but its environment; its noise is nobody's. */
static bool probe_spawn(const char *path, CK_FLAGS flags, int report, pid_t *child)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	char helper[PATH_MAX], module[PATH_MAX], number[24];
	char *arguments[] = {helper, module, number, NULL};
	char **environment = probe_environment();
	sigset_t none;
	bool spawned;

	snprintf(number, sizeof(number), "%lu", flags);
	if (environment == NULL || !probe_path(helper) ||
		snprintf(module, sizeof(module), "%s", path) >= (int)sizeof(module)) {
		free(environment);
		return false;
	}
	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	spawned = posix_spawnattr_setsigmask(&attributes, &none) == 0 &&
		  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK) == 0 &&
		  posix_spawn_file_actions_adddup2(&actions, report, PROBE_FD) == 0 &&
		  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0) == 0 &&
		  posix_spawn_file_actions_adddup2(&actions, 0, 1) == 0 &&
		  posix_spawn_file_actions_adddup2(&actions, 0, 2) == 0 &&
		  posix_spawn_file_actions_addclosefrom_np(&actions, PROBE_FD + 1) == 0 &&
		  posix_spawn(child, helper, &actions, &attributes, arguments, environment) == 0;
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	free(environment);
	return spawned;
}

/* One byte: it came through; the end without one: it crashed. */
static enum probe probe_wait(int report)
{
	struct pollfd fd = {.fd = report, .events = POLLIN};
	struct timespec now;
	char byte;

	clock_gettime(CLOCK_MONOTONIC, &now);
	long end = now.tv_sec * 1000 + now.tv_nsec / 1000000 + PROBE_PATIENCE * 1000;
	for (;;) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		long left = end - (now.tv_sec * 1000 + now.tv_nsec / 1000000);
		int ready = left > 0 ? poll(&fd, 1, (int)left) : 0;
		if (ready == 0)
			return PROBE_HUNG;
		if (ready < 0 && errno == EINTR)
			continue;
		ssize_t got = read(report, &byte, 1);
		if (got >= 0 || errno != EINTR)
			return got == 1 ? PROBE_SURVIVED : PROBE_CRASHED;
	}
}

/*
 * Takes the process away, without waiting for one that hangs in a driver, and without a kill after a host that
 * reaps every child of its process was faster.
 */
static void probe_reap(pid_t child)
{
	const struct timespec moment = {.tv_nsec = 5000000};

	for (int i = 0; i < 200; i++) {
		pid_t got = waitpid(child, NULL, WNOHANG);
		if (got == child || (got < 0 && errno != EINTR))
			return;
		kill(child, SIGKILL);
		nanosleep(&moment, NULL);
	}
}

enum probe probe_module(const char *path, CK_FLAGS flags)
{
	enum probe result = PROBE_UNKNOWN;
	int ends[2];
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return PROBE_UNKNOWN;
	if (ends[1] == PROBE_FD) {
		/* dup2 onto itself would leave it close-on-exec. */
		int other = fcntl(ends[1], F_DUPFD_CLOEXEC, PROBE_FD + 1);
		close(ends[1]);
		ends[1] = other;
	}
	bool spawned = ends[1] >= 0 && probe_spawn(path, flags, ends[1], &child);
	if (ends[1] >= 0)
		close(ends[1]);
	if (spawned) {
		result = probe_wait(ends[0]);
		probe_reap(child);
	}
	close(ends[0]);
	return result;
}
