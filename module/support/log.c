#include "module/support/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2000

struct log {
	enum log_level level;
	int fd;      /* -1: to syslog */
	bool opened; /* fd is ours to close */
	char name[64];
};

static const struct {
	const char *name;
	int priority;
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
	size_t level_length = strcspn(setting, ":");
	const char *target = setting[level_length] == ':' ? setting + level_length + 1 : "stderr";
	int fd;

	if (!find_level(setting, level_length, &log->level))
		log_error(log,
			"PODPIS_LOG: no level is called '%.*s' (error, warning, info, debug)",
			(int)level_length, setting);
	if (strcmp(target, "stderr") == 0)
		return;
	if (strcmp(target, "syslog") == 0) {
		log->fd = -1;
		return;
	}
	fd = open(target, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
	if (fd < 0) {
		log_error(log, "PODPIS_LOG: %s: %s", target, strerror(errno));
		return;
	}
	log->fd = fd;
	log->opened = true;
}

struct log *log_new(const char *setting, const char *name, enum log_level quiet)
{
	struct log *log = calloc(1, sizeof(*log));

	if (log == NULL)
		return NULL;
	log->level = quiet;
	log->fd = STDERR_FILENO;
	snprintf(log->name, sizeof(log->name), "%s", name);
	if (setting != NULL && setting[0] != '\0')
		follow(log, setting);
	return log;
}

void log_free(struct log *log)
{
	if (log == NULL)
		return;
	if (log->opened)
		close(log->fd);
	free(log);
}

bool log_wants(const struct log *log, enum log_level level)
{
	return log != NULL && level <= log->level;
}

/* A file is read later and by somebody else: it gets the time and the process. */
static int write_head(const struct log *log, enum log_level level, char *line, size_t size)
{
	struct timespec now;
	struct tm utc;

	if (!log->opened)
		return snprintf(line, size, "%s: %s: ", log->name, levels[level].name);
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	return snprintf(line, size,
		"%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ %s[%ld]: %s: ", utc.tm_year + 1900,
		utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
		now.tv_nsec / 1000000, log->name, (long)getpid(), levels[level].name);
}

void log_write(struct log *log, enum log_level level, const char *format, ...)
{
	char line[LINE_MAX_BYTES + 1];
	int saved = errno, head, body;
	size_t length;
	ssize_t done;
	va_list ap;

	if (!log_wants(log, level))
		return;
	head = log->fd < 0 ? 0 : write_head(log, level, line, sizeof(line));
	if (head < 0)
		goto out;
	va_start(ap, format);
	body = vsnprintf(line + head, sizeof(line) - (size_t)head, format, ap);
	va_end(ap);
	if (body < 0)
		goto out;
	length = (size_t)head + (size_t)body;
	if (length > LINE_MAX_BYTES - 1)
		length = LINE_MAX_BYTES - 1;
	for (size_t i = 0; i < length; i++) {
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	}
	if (log->fd < 0) {
		/* Not openlog: its settings belong to the process, which is somebody else's. */
		line[length] = '\0';
		syslog(LOG_USER | levels[level].priority, "%s: %s", log->name, line);
		goto out;
	}
	line[length] = '\n';
	/* One write a line, so that lines of several processes don't mix. Nobody to tell when it fails. */
	do
		done = write(log->fd, line, length + 1);
	while (done < 0 && errno == EINTR);
out:
	errno = saved;
}
