#include "module/store/cloud/deferred.h"

#include "module/support/tokens.h"

#define PAUSE_MS     100
#define PAUSE_MAX_MS 2000
#define LOST_MAX     5 /* answers, in a row */

CK_RV deferred_wait(struct service *service, struct log *log, const char *credential,
	const struct patience *patience, const struct service_call *call, json_t **out)
{
	struct service_call question = *call;
	long pause = PAUSE_MS;
	unsigned lost = 0;
	struct service_outcome outcome = {.pending = true};
	json_t *answer = NULL;
	CK_RV rv;

	question.outcome = &outcome;
	for (;;) {
		if (!patience_sleep(patience, pause)) {
			if (patience_cancelled(patience))
				return CKR_FUNCTION_CANCELED;
			log_error(log, "credential %s: %s: no answer in time", credential,
				call->path);
			return CKR_PODPIS_UNREACHABLE;
		}
		pause = pause * 2 < PAUSE_MAX_MS ? pause * 2 : PAUSE_MAX_MS;
		rv = service_call(service, patience, &question, &answer);
		if (rv == CKR_PODPIS_UNREACHABLE && ++lost < LOST_MAX)
			continue;
		if (rv != CKR_OK)
			return rv;
		if (!outcome.pending) {
			*out = answer;
			return CKR_OK;
		}
		lost = 0;
		tokens_wipe(answer);
	}
}
