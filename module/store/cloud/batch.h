/*
 * batch: signatures of one credential that wait at the same time go out in one signatures/signHash.
 *
 * The first thread that comes leads: it sends what is there, which is its own hash alone when nobody else waits, so
 * that a lone signature is not delayed. Those that come meanwhile wait; one of them leads next, with all of them. One
 * request is under way at a time. What an authorisation allows bounds how many go together; hashes that are to be
 * signed in different ways go apart.
 *
 * A service that signs in asynchronous mode (v2.0, 11.10: responseID, signPolling) is asked until the signatures are there.
 *
 * Whoever is cancelled leaves. When it is the leader, the request ends with it, and the others' signatures fail: the
 * service may have made them, so they can't be asked for again (CKR_FUNCTION_FAILED).
 */
#ifndef PODPIS_STORE_CLOUD_BATCH_H
#define PODPIS_STORE_CLOUD_BATCH_H

#include "module/store/cloud/authorization.h"

struct batch;

/* What is given outlives it. */
CK_RV batch_new(struct service *service, struct authorization *authorization, struct log *log,
	struct batch **out);
void batch_free(struct batch *batch); /* NULL is fine. Nobody waits. */

/*
 * The signature of `hash`, algorithm->size bytes, as the service gives it, appended to `out`. `answers` NULL: by the
 * credential's kept authorisation, together with others; else by one that is for this hash alone.
 */
CK_RV batch_sign(struct batch *batch, const struct credential *credential,
	const struct algorithm *algorithm, const uint8_t *hash, const struct answers *answers,
	const struct patience *patience, struct buffer *out);

#endif
