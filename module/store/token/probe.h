/*
 * probe: does a PKCS#11 module survive being loaded and initialised? Asked in a process of its own, since a
 * crash in foreign code takes its process along.
 *
 * The process is podpis-probe (probe_main.c), which stands beside the module or where it was installed. It
 * loads the module, calls C_Initialize and C_Finalize, and reports that it came through. What a module does
 * later, in use, is not covered: then the host crashes, as it would with the module used directly.
 */
#ifndef PODPIS_STORE_TOKEN_PROBE_H
#define PODPIS_STORE_TOKEN_PROBE_H

#include <stdbool.h>

#include "module/support/pkcs11.h"

/* Seconds that a module has for it; more than a slow reader needs. */
#define PROBE_PATIENCE 10

enum probe {
	PROBE_SURVIVED, /* whatever it answered */
	PROBE_CRASHED,
	PROBE_HUNG,
	PROBE_UNKNOWN, /* the process could not be started: a sandbox may forbid it */
};

/* Calls no function of the module in this process. */
enum probe probe_module(const char *path, CK_FLAGS flags);

/* This process is a probe: a module below must not probe in turn. */
bool probe_is_self(void);

#define PROBE_FD       3 /* where podpis-probe reports, with one byte */
#define PROBE_VARIABLE "PODPIS_PROBE"

#endif
