/*
 * patience: how long a call may wait for a service, and who can end it before: C_SessionCancel, C_CloseSession and
 * C_Finalize of another thread.
 */
#ifndef PODPIS_STORE_CLOUD_PATIENCE_H
#define PODPIS_STORE_CLOUD_PATIENCE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "module/support/pkcs11.h"

struct patience {
	const atomic_uint *cancelled; /* not 0: over; NULL: never cancelled */
	const atomic_bool *closing;
	long until; /* patience_now's milliseconds */
};

/* Milliseconds of a clock that nobody sets. */
long patience_now(void);
struct patience patience_for(
	unsigned seconds, const atomic_bool *closing, const atomic_uint *cancelled);

/* The same people can end it; it is over sooner. */
struct patience patience_within(const struct patience *patience, unsigned seconds);

/* In seconds. */
unsigned patience_left(const struct patience *patience);

bool patience_cancelled(const struct patience *patience);
/* Cancelled, or its time is up. `context` is a struct patience: for http_settings. */
bool patience_over(const void *context);

/* False, sooner, when it is over. */
bool patience_sleep(const struct patience *patience, long milliseconds);

#endif
