/*
 * program: another program, run to its end, without a terminal that it could ask at. It keeps the lock of
 * settings_lock, if there is one, also when this process is killed.
 */
#ifndef PODPIS_WORKPLACE_PROGRAM_H
#define PODPIS_WORKPLACE_PROGRAM_H

#include "module/support/error.h"

/* Is there a program of this name in PATH? */
bool program_there(const char *name);

/* Runs it, `arguments` ended by NULL. ERROR_FAILED says what it complained of; ERROR_WORKPLACE: there is none. */
bool program_run(const char *const *arguments, struct error *err);

#endif
