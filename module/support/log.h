/*
 * log: one line for each thing that went wrong, where it happened, with the foreign code.
 *
 * PODPIS_LOG=LEVEL[:TARGET]: levels error, warning, info, debug; target stderr (default),
 * syslog, or the path of a file, which is made with mode 0600 and appended to in whole lines, so that
 * several processes may share it. Without the variable errors and warnings of the tool go to stderr and
 * the module is silent but for errors. Nothing secret is ever passed to a log function: no PIN, token,
 * key or plaintext, not even its length.
 *
 * A log is made once and shared; writing is thread-safe and keeps errno.
 */
#ifndef PODPIS_SUPPORT_LOG_H
#define PODPIS_SUPPORT_LOG_H

#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

struct log;

/*
 * `setting` is the value of PODPIS_LOG or NULL; `name` stands before each line ("podpis-pkcs11"), `quiet`
 * is the level without a setting. A setting that can't be followed (unknown level, file that can't be
 * opened) falls back to stderr and says so in a line. NULL only without memory.
 */
struct log *log_new(const char *setting, const char *name, enum log_level quiet);
void log_free(struct log *log);

/* A NULL log drops the line. A line is cut at 2,000 bytes; control characters are shown as '?'. */
void log_write(struct log *log, enum log_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
bool log_wants(const struct log *log, enum log_level level);

#define log_error(log, ...)   log_write(log, LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(log, ...) log_write(log, LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(log, ...)    log_write(log, LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(log, ...)   log_write(log, LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
