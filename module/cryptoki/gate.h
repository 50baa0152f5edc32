/*
 * gate: the way into the module and out of it (PKCS #11 v3.0, 5.4; docs/architecture.md, rules 2 and 3).
 *
 * Every entry passes the gate: it finds the module that C_Initialize made, and counts itself in, so that
 * C_Finalize frees nothing that a call still uses. The gate and the fork counter are cryptoki's only globals.
 *
 * A fork: the child handler only bumps the counter. A gate made before the fork is not the child's: there
 * Cryptoki is not initialised, until a C_Initialize makes a new gate. The old one, with the parent's module
 * behind it, is left alone for ever: its locks may be held by threads that the child does not have.
 *
 * The gate itself (1 KB) stays after C_Finalize, so that late callers find a closed door, not freed memory.
 */
#ifndef PODPIS_CRYPTOKI_GATE_H
#define PODPIS_CRYPTOKI_GATE_H

#include <stdbool.h>

#include "module/support/pkcs11.h"

struct config;
struct gate;
struct module;

/* One passage: belongs to the thread that came in. */
struct passage {
	struct gate *gate;
	unsigned door;
	struct module *module;
};

/* CKR_CRYPTOKI_NOT_INITIALIZED, also in a forked child and while C_Finalize is at work. */
CK_RV gate_enter(struct passage *out);
void gate_leave(struct passage *passage);

/*
 * What C_Initialize makes the module with. `parents` is, in a forked child, the module that its parent had
 * when it forked, else NULL: frozen memory, whose locks may be held for ever.
 */
struct gate_maker {
	CK_RV(*make)
	(const struct gate_maker *maker, const struct module *parents, struct module **out);
	CK_FLAGS flags;         /* the host's, from CK_C_INITIALIZE_ARGS */
	struct config **config; /* taken by `make`, which leaves NULL */
};

/* C_Initialize: CKR_CRYPTOKI_ALREADY_INITIALIZED, or what `make` answers. One at a time. */
CK_RV gate_open(const struct gate_maker *maker);

/*
 * C_Finalize: closes the gate, tells the module (`closing`, briefly), wakes those who wait (gate_wait), lets all
 * calls end, then calls `destroy`.
 * When a call does not end within GATE_PATIENCE seconds (its thread was killed, or hangs in a driver), the
 * module is left alone rather than freed under it.
 */
CK_RV gate_close(void (*closing)(struct module *module), void (*destroy)(struct module *module));
#define GATE_PATIENCE 60

/*
 * Waits until C_Finalize wants everyone out, or for so many milliseconds unless they are 0; for
 * C_WaitForSlotEvent. False: out.
 */
bool gate_wait(struct passage *passage, unsigned milliseconds);

#endif
