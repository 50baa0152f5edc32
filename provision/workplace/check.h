/*
 * check: what `podpis doctor` looks at. Each check adds rows: fine, or what is wrong and what mends it.
 */
#ifndef PODPIS_WORKPLACE_CHECK_H
#define PODPIS_WORKPLACE_CHECK_H

#include "provision/context.h"
#include "provision/workplace/record.h"

enum verdict {
	VERDICT_FINE,
	VERDICT_NOTE, /* worth knowing, nothing is wrong */
	VERDICT_WRONG,
	VERDICT_MENDED, /* was wrong; --fix mended it */
};

struct checks {
	struct context *context;
	struct record *record;
	char *module; /* the path of our own; NULL: it can't be found */
	bool fix, online;
	time_t now;
	json_t *rows; /* objects: check, subject, verdict, text, remedy */
	size_t wrong;
};

/*
 * Adds a row. `name` is the check's in the JSON, `subject` what was looked at, `remedy` a command or what else to
 * do (NULL: nothing).
 */
void check_row(struct checks *checks, const char *name, const char *subject, enum verdict verdict,
	const char *remedy, const char *format, ...) __attribute__((format(printf, 6, 7)));

/* May no one but the person change (`others` 0022), or not even read (0077), the file? --fix sees to it. */
void check_mode(struct checks *checks, const char *name, const char *path, unsigned others);

typedef void check_run(struct checks *checks);

check_run check_configuration, check_module, check_places, check_slots, check_authorities,
	check_engines;

/* The certificates and keys of one token; the slot is opened already. */
void check_certificates(struct checks *checks, struct slot *slot, bool vault);

#endif
