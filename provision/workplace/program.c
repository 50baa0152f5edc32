#include "provision/workplace/program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "module/support/buffer.h"
#include "module/support/text.h"
#include "provision/i18n.h"

bool program_there(const char *name)
{
	const char *path = getenv("PATH");
	struct buffer file = BUFFER_INIT(4096);
	bool there = false;

	while (path != NULL && !there) {
		size_t length = strcspn(path, ":");

		buffer_reset(&file);
		there = length > 0 && buffer_printf(&file, "%.*s/%s", (int)length, path, name) &&
			access(buffer_text(&file), X_OK) == 0;
		path = path[length] == ':' ? path + length + 1 : NULL;
	}
	buffer_free(&file);
	return there;
}

/* In the child. A session of its own has no terminal: what would be asked there fails. */
static void become(const char *const *arguments, int output)
{
	int null = open("/dev/null", O_RDWR);

	setsid();
	signal(SIGPIPE, SIG_DFL);
	if (null >= 0 && dup2(null, 0) == 0 && dup2(output, 1) == 1 && dup2(output, 2) == 2)
		execvp(arguments[0], (char *const *)(uintptr_t)arguments);
	_exit(127);
}

/* All that it prints; of much, the beginning. */
static void listen_to(int fd, struct buffer *said)
{
	char block[1024];
	ssize_t got;

	while ((got = read(fd, block, sizeof(block))) > 0 || (got < 0 && errno == EINTR))
		if (got > 0 && said->length + (size_t)got <= said->limit)
			buffer_append(said, block, (size_t)got);
}

bool program_run(const char *const *arguments, struct error *err)
{
	struct buffer said = BUFFER_INIT(4096);
	int pipes[2], status = 0;
	pid_t child, got;
	bool done;

	if (!program_there(arguments[0]))
		return error_set(err, ERROR_WORKPLACE, _("there is no program %s"), arguments[0]);
	if (pipe2(pipes, O_CLOEXEC) != 0)
		return error_set(err, ERROR_FAILED, "%s: %s", arguments[0], strerror(errno));
	child = fork();
	if (child == 0)
		become(arguments, pipes[1]);
	close(pipes[1]);
	if (child > 0)
		listen_to(pipes[0], &said);
	close(pipes[0]);
	do
		got = child > 0 ? waitpid(child, &status, 0) : -1;
	while (got < 0 && child > 0 && errno == EINTR);
	done = got == child && got > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
	if (!done) {
		if (said.data != NULL) {
			said.data[strcspn((char *)said.data, "\n")] = '\0';
			text_plain((char *)said.data);
		}
		error_set(err, ERROR_FAILED, _("%s failed: %s"), arguments[0], buffer_text(&said));
	}
	buffer_free(&said);
	return done;
}
