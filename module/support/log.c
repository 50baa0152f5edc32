#include "module/support/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "module/support/text.h"

#define LINE_MAX_BYTES 2000

enum target { TARGET_STDERR, TARGET_SYSLOG, TARGET_FILE };

struct log {
	char name[64];
	enum log_level level;
	enum target target;
	int fd; /* of TARGET_FILE, else -1 */
};

static const struct {
	const char *name;
	int priority; /* syslog's */
} levels[] = {
	[LOG_LEVEL_ERROR] = {"error", LOG_ERR},
	[LOG_LEVEL_WARNING] = {"warning", LOG_WARNING},
	[LOG_LEVEL_INFO] = {"info", LOG_INFO},
	[LOG_LEVEL_DEBUG] = {"debug", LOG_DEBUG},
};

static bool find_level(const char *name, size_t length, enum log_level *out)
{
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (strlen(levels[i].name) == length && memcmp(levels[i].name, name, length) == 0) {
			*out = (enum log_level)i;
			return true;
		}
	}
	return false;
}

/* Follows LEVEL[:TARGET]. Complains through the log itself, which falls back to stderr. */
static void follow(struct log *log, const char *setting)
{
	size_t length = strcspn(setting, ":");
	const char *target = setting[length] == ':' ? setting + length + 1 : "stderr";

	if (!find_level(setting, length, &log->level))
		log_error(log,
			"PODPIS_LOG: no level is called '%.*s' (error, warning, info, debug)",
			(int)length, setting);
	if (strcmp(target, "stderr") == 0)
		return;
	if (strcmp(target, "syslog") == 0) {
		log->target = TARGET_SYSLOG;
		return;
	}
	log->fd = open(target, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
	if (log->fd < 0) {
		log_error(log, "PODPIS_LOG: %s: %m", target);
		return;
	}
	log->target = TARGET_FILE;
}

struct log *log_new(const char *setting, const char *name, enum log_level quiet)
{
	struct log *log = calloc(1, sizeof(*log));

	if (log == NULL)
		return NULL;
	log->fd = -1;
	log->level = quiet;
	snprintf(log->name, sizeof(log->name), "%s", name);
	if (setting != NULL && setting[0] != '\0')
		follow(log, setting);
	return log;
}

void log_free(struct log *log)
{
	if (log == NULL)
		return;
	if (log->fd >= 0)
		close(log->fd);
	free(log);
}

bool log_wants(const struct log *log, enum log_level level)
{
	return log != NULL && level <= log->level;
}

/*
 * Writes a whole line at once, so that lines of several processes do not mix. A reader that has gone away
 * must not kill the host, which did not ask for our output: SIGPIPE is taken back if it was ours.
 */
static void write_line(int fd, const char *line, size_t length)
{
	sigset_t pipe_only, before, pending;
	struct timespec now = {0, 0};
	bool was_pending;
	ssize_t put;

	sigemptyset(&pipe_only);
	sigaddset(&pipe_only, SIGPIPE);
	if (sigpending(&pending) != 0 || pthread_sigmask(SIG_BLOCK, &pipe_only, &before) != 0)
		return;
	was_pending = sigismember(&pending, SIGPIPE) == 1;
	while (length > 0) {
		put = write(fd, line, length);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0 && errno == EPIPE && !was_pending) {
			while (sigtimedwait(&pipe_only, NULL, &now) < 0 && errno == EINTR)
				;
		}
		if (put <= 0)
			break;
		line += put;
		length -= (size_t)put;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* "2026-01-31T12:00:00.123Z podpis[4711] " */
static size_t print_stamp(const struct log *log, char *out, size_t size)
{
	struct timespec now;
	struct tm tm;
	char seconds[32];
	int length;

	clock_gettime(CLOCK_REALTIME, &now);
	if (gmtime_r(&now.tv_sec, &tm) == NULL ||
		strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		seconds[0] = '\0';
	length = snprintf(out, size, "%s.%03ldZ %s[%ld] ", seconds, now.tv_nsec / 1000000,
		log->name, (long)getpid());
	return length > 0 && (size_t)length < size ? (size_t)length : 0;
}

void log_write(struct log *log, enum log_level level, const char *format, ...)
{
	char message[LINE_MAX_BYTES + 4], line[LINE_MAX_BYTES + 256];
	int saved = errno, length;
	size_t stamp = 0;
	va_list ap;

	if (!log_wants(log, level))
		return;
	/* `%m` in the format means the caller's errno. */
	va_start(ap, format);
	length = vsnprintf(message, sizeof(message), format, ap);
	va_end(ap);
	if (length < 0)
		goto out;
	message[text_cut(message, strlen(message), LINE_MAX_BYTES)] = '\0';
	text_plain(message);

	if (log->target == TARGET_SYSLOG) {
		/* No openlog: the name it sets is the host's. */
		syslog(LOG_USER | levels[level].priority, "%s: %s", log->name, message);
		goto out;
	}
	if (log->target == TARGET_FILE)
		stamp = print_stamp(log, line, sizeof(line) - LINE_MAX_BYTES - 64);
	length = snprintf(line + stamp, sizeof(line) - stamp, "%s%s%s: %s\n",
		log->target == TARGET_FILE ? "" : log->name, log->target == TARGET_FILE ? "" : ": ",
		levels[level].name, message);
	if (length < 0)
		goto out;
	write_line(
		log->target == TARGET_FILE ? log->fd : STDERR_FILENO, line, stamp + (size_t)length);
out:
	errno = saved;
}
