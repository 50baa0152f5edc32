#include "module/cryptoki/call.h"

CK_RV call_begin(struct call *call, enum call_need need)
{
	CK_RV rv;

	/* May come back to us through the host's configuration: nothing is held. */
	if (need == CALL_CRYPTO)
		crypto_settle();
	rv = gate_enter(&call->passage);
	if (rv != CKR_OK)
		return rv;
	call->module = call->passage.module;
	call->session = NULL;
	if ((need == CALL_CRYPTO || need == CALL_OBJECT) && !crypto_alive())
		rv = CKR_GENERAL_ERROR;
	else if (need == CALL_CRYPTO)
		rv = crypto_wake(call->module->crypto);
	if (rv != CKR_OK) {
		gate_leave(&call->passage);
		return rv;
	}
	call->crypto =
		need == CALL_CRYPTO || (need == CALL_OBJECT && crypto_awake(call->module->crypto));
	if (call->crypto)
		crypto_enter();
	return CKR_OK;
}

/* The host may have ended OpenSSL meanwhile; then its error queues are gone, too. */
static void call_leave(struct call *call)
{
	if (call->crypto && crypto_alive())
		crypto_leave();
	gate_leave(&call->passage);
}

CK_RV call_begin_session(struct call *call, enum call_need need, CK_SESSION_HANDLE session)
{
	CK_RV rv = call_begin(call, need);

	if (rv != CKR_OK)
		return rv;
	rv = need == CALL_ENDING ? session_lock_ending(call->module, session, &call->session)
				 : session_lock(call->module, session, &call->session);
	if (rv != CKR_OK)
		call_leave(call);
	return rv;
}

CK_RV call_end(struct call *call, const char *name, CK_RV rv)
{
	if (rv != CKR_OK && log_wants(call->module->log, LOG_LEVEL_DEBUG))
		log_debug(call->module->log, "%s answers 0x%lx", name, rv);
	if (call->session != NULL)
		session_unlock(call->session);
	call_leave(call);
	return rv;
}
