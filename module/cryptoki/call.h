/*
 * call: one call of a C_* function under way: through the gate, with its session.
 */
#ifndef PODPIS_CRYPTOKI_CALL_H
#define PODPIS_CRYPTOKI_CALL_H

#include "module/cryptoki/gate.h"
#include "module/cryptoki/module.h"

struct call {
	struct passage passage;
	struct module *module;
	struct session *session; /* NULL where the function has none */
	bool crypto;             /* between crypto_enter and crypto_leave */
};

/*
 * CALL_CRYPTO: reaches OpenSSL, which the host may have ended (design, rule 1): then CKR_GENERAL_ERROR.
 * CALL_OBJECT: reads objects, and reaches OpenSSL only for what a login has opened, so does not wake it.
 * CALL_ENDING: ends what the session does, also a call that waits.
 */
enum call_need { CALL_PLAIN, CALL_OBJECT, CALL_CRYPTO, CALL_ENDING };

CK_RV call_begin(struct call *call, enum call_need need);
/* The same with the session, locked: CKR_SESSION_HANDLE_INVALID. */
CK_RV call_begin_session(struct call *call, enum call_need need, CK_SESSION_HANDLE session);
/* Ends what was begun, and returns rv. */
CK_RV call_end(struct call *call, const char *name, CK_RV rv);

#endif
