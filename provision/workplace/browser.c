#include "provision/workplace/browser.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/close_range.h>

#include "module/support/http.h"
#include "provision/i18n.h"

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

/* In the child: becomes the opener, or tells the parent why not. */
static void become(const char *url, char **environment, int report)
{
	char *const arguments[] = {(char *)"xdg-open", (char *)(uintptr_t)url, NULL};
	int null = open("/dev/null", O_RDWR), cause;
	pid_t child;

	/* A grandchild of its own session: nobody waits for the browser, no terminal kills it. */
	setsid();
	/* The tool ignores it; a browser need not. */
	signal(SIGPIPE, SIG_DFL);
	child = fork();
	if (child <= 0) {
		if (child == 0 && null >= 0 && dup2(null, 0) == 0 && dup2(null, 1) == 1 &&
			dup2(null, 2) == 2 && close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
			execvpe(arguments[0], arguments, environment);
		cause = errno;
		if (write(report, &cause, sizeof(cause)) < 0)
			_exit(127);
	}
	_exit(0);
}

static int start(const char *url)
{
	char **environment = clean_environment();
	int pipes[2], cause = 0;
	ssize_t got;
	pid_t child;

	if (environment == NULL || pipe2(pipes, O_CLOEXEC) != 0) {
		free(environment);
		return ENOMEM;
	}
	child = fork();
	if (child == 0)
		become(url, environment, pipes[1]);
	close(pipes[1]);
	if (child < 0) {
		cause = errno;
	} else {
		while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
			;
		/* The other end closes when the opener runs; else its reason comes through. */
		while ((got = read(pipes[0], &cause, sizeof(cause))) < 0 && errno == EINTR)
			;
		if (got != sizeof(cause))
			cause = 0;
	}
	close(pipes[0]);
	free(environment);
	return cause;
}

bool browser_open(void *context, const char *url, struct error *err)
{
	const struct browser *browser = context;
	struct output *output = browser->output;
	/* With --json stdout has its one value at the end; the person reads stderr. */
	FILE *out = output->json ? stderr : output->out;
	int cause;

	if (!http_address_valid(url))
		return error_set(err, ERROR_FAILED, _("not an address for a browser"));
	if (browser->show_only) {
		fprintf(out, _("Open this address in a browser of this machine:\n  %s\n"), url);
	} else {
		cause = start(url);
		if (cause == 0)
			fprintf(out,
				_("The browser opens. If it does not, open this address:\n  %s\n"),
				url);
		else
			fprintf(out,
				_("No browser starts (xdg-open: %s). Open this address:\n  %s\n"),
				strerror(cause), url);
	}
	fflush(out);
	return true;
}
