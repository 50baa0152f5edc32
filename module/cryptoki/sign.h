/*
 * sign: C_Sign and its family (PKCS #11 v3.0, 5.13). Key and mechanism: use.h. The sessions given are locked.
 */
#ifndef PODPIS_CRYPTOKI_SIGN_H
#define PODPIS_CRYPTOKI_SIGN_H

#include "module/cryptoki/session.h"

/* Also C_SignRecover: `use` is one of the session's. A NULL signature asks for its length, and signs nothing. */
CK_RV sign_whole(struct session *session, struct use *use, const uint8_t *data, CK_ULONG length,
	uint8_t *signature, CK_ULONG *signature_length);
CK_RV sign_update(struct session *session, const uint8_t *data, CK_ULONG length);
CK_RV sign_final(struct session *session, uint8_t *signature, CK_ULONG *signature_length);

#endif
