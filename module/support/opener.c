#include "module/support/opener.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define NOT_THERE 127 /* the shell's own word for it */

extern char **environ;

/* The environment without what is ours; the strings stay the process's. */
static char **clean_environment(void)
{
	size_t count = 0, kept = 0;
	char **list;

	while (environ[count] != NULL)
		count++;
	list = calloc(count + 1, sizeof(*list));
	for (size_t i = 0; list != NULL && i < count; i++)
		if (strncmp(environ[i], "PODPIS_", 7) != 0)
			list[kept++] = environ[i];
	return list;
}

/* The shell ends at once; what it has started is nobody's child. */
static int spawn(const char *url, char **environment, pid_t *process)
{
	static const char script[] =
		"command -v xdg-open >/dev/null || exit 127; xdg-open \"$1\" &";
	const char *const arguments[] = {"sh", "-c", script, "sh", url, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, pipe;
	int failure;

	sigemptyset(&none);
	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0);
	posix_spawn_file_actions_adddup2(&actions, 0, 1);
	posix_spawn_file_actions_adddup2(&actions, 0, 2);
	posix_spawn_file_actions_addclosefrom_np(&actions, 3);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &pipe);
	posix_spawnattr_setflags(
		&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	failure = posix_spawn(process, "/bin/sh", &actions, &attributes,
		(char *const *)(uintptr_t)arguments, environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return failure;
}

int opener_start(const char *url)
{
	char **environment = clean_environment();
	int failure = ENOMEM, status = 0;
	pid_t process;

	if (environment != NULL)
		failure = spawn(url, environment, &process);
	free(environment);
	if (failure != 0)
		return failure;
	while (waitpid(process, &status, 0) < 0 && errno == EINTR)
		;
	/* A host that ignores SIGCHLD leaves no status behind: then it has started, as far as anybody knows. */
	return WIFEXITED(status) && WEXITSTATUS(status) == NOT_THERE ? ENOENT : 0;
}
