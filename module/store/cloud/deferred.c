#include "module/store/cloud/deferred.h"

#include "module/support/tokens.h"

#define PAUSE_MS     250
#define PAUSE_MAX_MS 2000
#define LOST_MAX     5 /* answers, in a row */

CK_RV deferred_wait(struct service *service, struct log *log, const char *what,
	const struct patience *patience, const struct service_call *call, json_t **out)
{
	struct service_call question = *call;
	long pause = PAUSE_MS;
	unsigned lost = 0;
	bool pending = true;
	json_t *answer = NULL;
	CK_RV rv;

	question.pending = &pending;
	for (;;) {
		if (!patience_sleep(patience, pause)) {
			log_error(log, "%s: %s: no answer came in time", what, call->path);
			return patience_cancelled(patience) ? CKR_FUNCTION_CANCELED
							    : CKR_PODPIS_UNREACHABLE;
		}
		pause = pause * 2 < PAUSE_MAX_MS ? pause * 2 : PAUSE_MAX_MS;
		rv = service_call(service, patience, &question, &answer);
		if (rv == CKR_PODPIS_UNREACHABLE && ++lost < LOST_MAX)
			continue;
		if (rv != CKR_OK)
			return rv;
		if (!pending) {
			*out = answer;
			return CKR_OK;
		}
		lost = 0;
		tokens_wipe(answer);
	}
}
