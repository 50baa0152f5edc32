/*
 * inner: a PKCS#11 module behind ours, loaded and initialised once in a process' life of C_Initialize, however
 * many slots stand on it.
 *
 * Nothing is loaded before it is used. A call enters, calls the module's functions, and leaves; it holds no
 * lock meanwhile, unless the module can't lock for itself: then the calls take turns, each waiting
 * INNER_PATIENCE seconds at most. A module that can't be used says so in the log, once for each cause, and is
 * tried again at the next use; one that took long to fail, not before ten times as long has passed.
 *
 * An epoch is the time from one C_Initialize of the module to the next: a session belongs to one.
 */
#ifndef PODPIS_STORE_TOKEN_INNER_H
#define PODPIS_STORE_TOKEN_INNER_H

#include <stdatomic.h>
#include <stdbool.h>

#include "module/store/token/quirks.h"
#include "module/support/log.h"
#include "module/support/pkcs11.h"

#define INNER_PATIENCE 30

struct inner;
struct inner_table;

/*
 * `flags` are the host's for C_Initialize, CKF_LIBRARY_CANT_CREATE_OS_THREADS. `parents`: of the process that
 * this one was forked from, or NULL; only read. NULL without memory.
 */
struct inner_table *inner_table_new(
	struct log *log, CK_FLAGS flags, const struct inner_table *parents);
/* Nobody is inside. C_Finalize of those that the table initialised. */
void inner_table_free(struct inner_table *table);

/* The module of that path (symbolic links followed); nothing is loaded. NULL without memory. `probe`: probe.h */
struct inner *inner_get(struct inner_table *table, const char *path, bool probe);

/* One call inside; belongs to the thread. */
struct inner_visit {
	struct inner *inner;
	const CK_FUNCTION_LIST_3_0 *functions; /* NULL where the module has none */
	unsigned long epoch;
	unsigned door;
	bool turn; /* the module can't lock: nobody else is inside */
};

/*
 * Loads and initialises where need be: CKR_DEVICE_ERROR when that can't be done, or when a module that can't
 * lock is busy for too long.
 */
CK_RV inner_enter(struct inner *inner, struct inner_visit *out);
/* Only into that epoch, loading nothing: CKR_SESSION_HANDLE_INVALID when it is over. */
CK_RV inner_return(struct inner *inner, unsigned long epoch, struct inner_visit *out);
void inner_leave(struct inner_visit *visit);

/* A call of that visit answered CKR_CRYPTOKI_NOT_INITIALIZED: the host, who shares the module, ended it. */
void inner_lost(const struct inner_visit *visit);

/*
 * C_Finalize and C_Initialize, unless that epoch is over already. Nobody else is hurt: CKR_FUNCTION_FAILED
 * when the module is the host's, or a call does not come out within a second. The caller is not inside.
 */
CK_RV inner_restart(struct inner *inner, unsigned long epoch);

unsigned inner_quirks(const struct inner *inner);

/* A token of ours in the module, and the sessions that it has through us in an epoch. Lives as long as it. */
struct resident {
	struct resident *next;
	_Atomic CK_SLOT_ID slot; /* where it was last */
	unsigned long epoch;     /* `sessions` are of this one; under the module's mutex */
	long sessions;
};

void inner_register(struct inner *inner, struct resident *resident);
/* A session of that epoch was opened (1) or ended (-1). */
void inner_count(struct inner *inner, struct resident *resident, unsigned long epoch, int change);
/* Has a token that is well sessions through us, which a restart would end? */
bool inner_is_in_use(const struct inner_visit *visit);

#endif
