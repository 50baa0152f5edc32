/*
 * deferred: answers of the cloud signing service that are there later: authorisations (CSC v2.0, 11.7) and signatures
 * made in asynchronous mode (11.10, 11.12).
 *
 * An answer has a random handle, kept as SHA-256. It is its caller's alone, can be asked for as often as wanted from
 * the moment when it is ready, and is forgotten when its time is over.
 */
#ifndef PODPIS_SANDBOX_DEFERRED_H
#define PODPIS_SANDBOX_DEFERRED_H

#include "tests/sandbox/codec.h"
#include "tests/sandbox/http.h"

#define DEFERRED_KEEP_MS (3600 * 1000) /* where nobody asks for another time */

/* Takes `answer`: ready after `delay_ms`, and kept for `keep_ms` from then on. False: it could not be written. */
bool deferred_put(struct request *request, json_t *answer, int64_t delay_ms, int64_t keep_ms,
	char handle[CODEC_TOKEN_MAX]);

enum deferred_state { DEFERRED_UNKNOWN, DEFERRED_PENDING, DEFERRED_READY };
/* *answer is set where it is ready. */
enum deferred_state deferred_get(struct request *request, const char *handle, json_t **answer);

#endif
