/*
 * pin: where PINs come from: --pin-file and its kin, PODPIS_PIN and its kin, else a question on the
 * terminal (/dev/tty, echo off, restored on signals). Never the command line.
 *
 * The environment's PINs are taken out of it when the tool starts, before anything else is started.
 * A file's PIN is its first line; a file that others may read is refused.
 */
#ifndef PODPIS_PROVISION_PIN_H
#define PODPIS_PROVISION_PIN_H

#include "module/support/error.h"
#include "module/support/secret.h"
#include "provision/options.h"

enum pin_kind { PIN_USER, PIN_SIGNER, PIN_SO, PIN_NEW, PIN_COUNT };

/* What was asked for is asked once a process: a command may need the same token several times. */
#define PINS_ASKED_MAX 4

struct pins {
	struct secret *environment[PIN_COUNT];
	struct {
		char *prompt;
		struct secret *pin;
	} asked[PINS_ASKED_MAX];
};

/* Takes the PINs out of the environment. Call first, while there is one thread. */
void pins_init(struct pins *pins);
void pins_clear(struct pins *pins);

/* The name of the option that gives it: "pin-file" and its kin. */
const char *pin_option(enum pin_kind kind);

/*
 * The PIN, from the kind's option, else its variable, else asked for with `prompt` (already translated,
 * without colon). ERROR_PERSON when it would have to be asked for and there is no terminal.
 * The caller frees with secret_free.
 */
bool pin_get(struct pins *pins, const struct options *options, enum pin_kind kind,
	const char *prompt, struct secret **out, struct error *err);
/* The same for a new PIN: asked for twice. */
bool pin_get_new(struct pins *pins, const struct options *options, enum pin_kind kind,
	const char *prompt, struct secret **out, struct error *err);

/* Is it given by option or variable, so that nobody is asked? */
bool pin_given(const struct pins *pins, const struct options *options, enum pin_kind kind);

/* The first line of a file that only its owner may read (a password file, too). */
bool pin_read_file(const char *path, struct secret **out, struct error *err);
/* Asks on the terminal; ERROR_PERSON without one. */
bool pin_ask(const char *prompt, struct secret **out, struct error *err);

#endif
