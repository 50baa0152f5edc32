/*
 * deferred: an answer that a service gives later: an authorisation that a person confirms elsewhere (CSC v2.0, 11.7), a
 * signature in asynchronous mode (11.12).
 */
#ifndef PODPIS_STORE_CLOUD_DEFERRED_H
#define PODPIS_STORE_CLOUD_DEFERRED_H

#include "module/store/cloud/service.h"

/*
 * Makes the call, with growing pauses, until its answer is there. Asking again changes nothing at the service, so a
 * few lost answers are no end. CKR_PODPIS_UNREACHABLE: the time is up; CKR_FUNCTION_CANCELED; the service's errors.
 * `credential`, its id, is for the log. *out is wiped and freed with tokens_wipe.
 */
CK_RV deferred_wait(struct service *service, struct log *log, const char *credential,
	const struct patience *patience, const struct service_call *call, json_t **out);

#endif
