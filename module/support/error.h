/*
 * error: what went wrong, for asn1/, provision/ and the support they share with module/.
 *
 * A function that can fail returns bool (true: done) and takes a `struct error *` as its last
 * parameter, which it fills on false and leaves alone on true. Output parameters are set on success
 * only. The pointer may be NULL where the caller does not want to know.
 *
 * The codes are the tool's exit codes (podpis(1), EXIT STATUS), so that a failure keeps its meaning
 * from where it happens to the shell. module/ proper speaks CK_RV instead.
 */
#ifndef PODPIS_SUPPORT_ERROR_H
#define PODPIS_SUPPORT_ERROR_H

#include <stdbool.h>

enum error_code {
	ERROR_NONE = 0,
	ERROR_FAILED = 1,  /* anything without a code of its own */
	ERROR_USAGE = 2,   /* the command line, the configuration or the person's data are wrong */
	ERROR_REFUSED = 3, /* the authority rejected or returned the application */
	ERROR_UNREACHABLE = 4, /* the authority does not answer, or is not who it should be */
	ERROR_WAITING = 5,     /* the authority is still working */
	ERROR_PERSON = 6,      /* a person has to do something first */
	ERROR_PIN = 7,         /* PIN wrong or locked */
	ERROR_WORKPLACE = 8,   /* module, slot or configuration is not set up */
};

#define ERROR_MESSAGE_MAX 1024 /* bytes, with the NUL; longer messages are cut at a character */

struct error {
	enum error_code code;
	char message[ERROR_MESSAGE_MAX]; /* one line, UTF-8, no full stop, never a secret */
};

/* Fills err (unless NULL) and returns false, so that a function can end with `return error_set(...)`. */
bool error_set(struct error *err, enum error_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * The format in the user's language. The tool has this function; the module is a guest whose messages go to the log,
 * and has none.
 */
const char *error_translate(const char *format)
	__attribute__((weak, visibility("hidden"), format_arg(1)));

/* Puts "<text>: " before the message that err already has, and returns false. */
bool error_prefix(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
