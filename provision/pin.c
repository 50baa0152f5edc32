#include "provision/pin.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "module/support/text.h"
#include "provision/i18n.h"

#define PIN_BYTES_MAX 256 /* a password file's line, too */
#define TICK_MS       200 /* how long a signal may wait while the echo is off */

static const struct {
	const char *option, *variable;
} sources[PIN_COUNT] = {
	[PIN_USER] = {"pin-file", "PODPIS_PIN"},
	[PIN_SIGNER] = {"signer-pin-file", "PODPIS_SIGNER_PIN"},
	[PIN_SO] = {"so-pin-file", "PODPIS_SO_PIN"},
	[PIN_NEW] = {"new-pin-file", "PODPIS_NEW_PIN"},
};

void pins_init(struct pins *pins)
{
	for (int kind = 0; kind < PIN_COUNT; kind++) {
		char *value = secure_getenv(sources[kind].variable);

		pins->environment[kind] = NULL;
		if (value != NULL) {
			pins->environment[kind] = secret_new(value, strlen(value));
			/* /proc/PID/environ shows the memory itself, so unsetenv is not enough. */
			explicit_bzero(value, strlen(value));
		}
		unsetenv(sources[kind].variable);
	}
}

void pins_clear(struct pins *pins)
{
	for (int kind = 0; kind < PIN_COUNT; kind++) {
		secret_free(pins->environment[kind]);
		pins->environment[kind] = NULL;
	}
	for (size_t i = 0; i < PINS_ASKED_MAX; i++) {
		free(pins->asked[i].prompt);
		secret_free(pins->asked[i].pin);
		pins->asked[i].prompt = NULL;
		pins->asked[i].pin = NULL;
	}
}

const char *pin_option(enum pin_kind kind)
{
	return sources[kind].option;
}

static bool keep(const char *line, size_t length, struct secret **out, struct error *err)
{
	*out = secret_new(line, length);
	return *out != NULL || error_set(err, ERROR_FAILED, _("out of memory"));
}

bool pin_read_file(const char *path, struct secret **out, struct error *err)
{
	char line[PIN_BYTES_MAX + 2];
	size_t length = 0;
	struct stat st;
	bool done = false;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_set(err, ERROR_USAGE, "%s: %s", path, strerror(errno));
	if (fstat(fd, &st) != 0 || (S_ISREG(st.st_mode) && (st.st_mode & 077) != 0)) {
		error_set(err, ERROR_USAGE,
			_("%s: others can read it; a PIN belongs in a file of mode 0600"), path);
		goto out;
	}
	while (length < sizeof(line)) {
		ssize_t got = read(fd, line + length, sizeof(line) - length);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			error_set(err, ERROR_USAGE, "%s: %s", path, strerror(errno));
			goto out;
		}
		if (got == 0)
			break;
		length += (size_t)got;
	}
	if (memchr(line, '\n', length) != NULL)
		length = (size_t)((char *)memchr(line, '\n', length) - line);
	if (length > 0 && line[length - 1] == '\r')
		length--;
	if (length == 0 || length > PIN_BYTES_MAX || memchr(line, '\0', length) != NULL) {
		error_set(err, ERROR_USAGE, _("%s: its first line has to be 1 to %d bytes of text"),
			path, PIN_BYTES_MAX);
		goto out;
	}
	done = keep(line, length, out, err);
out:
	explicit_bzero(line, sizeof(line));
	close(fd);
	return done;
}

/*
 * Signals that end or stop the process are held back while the echo is off, and delivered when it is on
 * again: no handler, no global. The wait looks at what is pending, so that ^C ends it at once.
 */
static const int held_signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU};

static bool read_line(int fd, const char *prompt, char *line, size_t size, size_t *length)
{
	struct termios old, quiet;
	sigset_t set, before, pending;
	bool done = false, echo_off;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(held_signals) / sizeof(held_signals[0]); i++)
		sigaddset(&set, held_signals[i]);
	pthread_sigmask(SIG_BLOCK, &set, &before);
	echo_off = tcgetattr(fd, &old) == 0;
	if (echo_off) {
		quiet = old;
		quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
		tcsetattr(fd, TCSAFLUSH, &quiet);
	}
	/* Not before: what is typed at once would be echoed, and thrown away. */
	dprintf(fd, "%s: ", prompt);
	*length = 0;
	for (;;) {
		struct pollfd terminal = {.fd = fd, .events = POLLIN};
		ssize_t got;
		int ready = poll(&terminal, 1, TICK_MS);

		sigpending(&pending);
		if (sigismember(&pending, SIGINT) || sigismember(&pending, SIGTERM) ||
			sigismember(&pending, SIGHUP) || sigismember(&pending, SIGQUIT) ||
			sigismember(&pending, SIGTSTP))
			break;
		if (ready <= 0)
			continue;
		got = read(fd, line + *length, 1);
		if (got <= 0)
			break;
		if (line[*length] == '\n') {
			done = true;
			break;
		}
		if (++*length == size)
			break;
	}
	if (echo_off)
		tcsetattr(fd, TCSAFLUSH, &old);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return done;
}

bool pin_ask(const char *prompt, struct secret **out, struct error *err)
{
	char line[PIN_BYTES_MAX + 1], plain[256];
	size_t length = 0;
	bool done = false;
	int fd;

	fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return error_set(err, ERROR_PERSON,
			_("%s is wanted, and there is no terminal to ask on"), prompt);
	/* A token's label is in it, which comes from wherever the token does. */
	snprintf(plain, sizeof(plain), "%s", prompt);
	text_plain(plain);
	if (!read_line(fd, plain, line, sizeof(line), &length) || length == 0)
		error_set(err, ERROR_PERSON,
			length > PIN_BYTES_MAX ? _("what was entered is too long")
					       : _("nothing was entered"));
	else
		done = keep(line, length, out, err);
	dprintf(fd, "\n");
	explicit_bzero(line, sizeof(line));
	close(fd);
	return done;
}

bool pin_given(const struct pins *pins, const struct options *options, enum pin_kind kind)
{
	return options_has(options, sources[kind].option) || pins->environment[kind] != NULL;
}

static bool from_given(struct pins *pins, const struct options *options, enum pin_kind kind,
	struct secret **out, struct error *err)
{
	const char *path = options_get(options, sources[kind].option);

	if (path != NULL)
		return pin_read_file(path, out, err);
	return keep((const char *)pins->environment[kind]->data, pins->environment[kind]->length,
		out, err);
}

static bool ask_named(
	enum pin_kind kind, const char *prompt, struct secret **out, struct error *err)
{
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return error_set(err, ERROR_PERSON,
			_("%s is wanted, and there is no terminal to ask on: give --%s FILE or %s"),
			prompt, sources[kind].option, sources[kind].variable);
	close(fd);
	return pin_ask(prompt, out, err);
}

bool pin_get(struct pins *pins, const struct options *options, enum pin_kind kind,
	const char *prompt, struct secret **out, struct error *err)
{
	size_t free_place = PINS_ASKED_MAX;

	if (pin_given(pins, options, kind))
		return from_given(pins, options, kind, out, err);
	for (size_t i = 0; i < PINS_ASKED_MAX; i++) {
		if (pins->asked[i].prompt == NULL)
			free_place = i;
		else if (strcmp(pins->asked[i].prompt, prompt) == 0)
			return keep((const char *)pins->asked[i].pin->data,
				pins->asked[i].pin->length, out, err);
	}
	if (!ask_named(kind, prompt, out, err))
		return false;
	if (free_place < PINS_ASKED_MAX) {
		pins->asked[free_place].pin = secret_new((*out)->data, (*out)->length);
		if (pins->asked[free_place].pin != NULL)
			pins->asked[free_place].prompt = strdup(prompt);
	}
	return true;
}

bool pin_get_new(struct pins *pins, const struct options *options, enum pin_kind kind,
	const char *prompt, struct secret **out, struct error *err)
{
	struct secret *first = NULL, *second = NULL;
	char again[256];
	bool done = false;

	if (pin_given(pins, options, kind))
		return from_given(pins, options, kind, out, err);
	snprintf(again, sizeof(again), _("%s, again"), prompt);
	if (!ask_named(kind, prompt, &first, err) || !pin_ask(again, &second, err))
		goto out;
	if (!secret_equal(first, second)) {
		error_set(err, ERROR_PERSON, _("the two entries differ"));
		goto out;
	}
	*out = first;
	first = NULL;
	done = true;
out:
	secret_free(first);
	secret_free(second);
	return done;
}
