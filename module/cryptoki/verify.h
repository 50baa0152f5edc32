/*
 * verify: C_Verify and its family (PKCS #11 v3.0, 5.15). Key and mechanism: use.h.
 */
#ifndef PODPIS_CRYPTOKI_VERIFY_H
#define PODPIS_CRYPTOKI_VERIFY_H

#include "module/cryptoki/session.h"

CK_RV verify_whole(struct session *session, const uint8_t *data, CK_ULONG length,
	const uint8_t *signature, CK_ULONG signature_length);
CK_RV verify_update(struct session *session, const uint8_t *data, CK_ULONG length);
CK_RV verify_final(struct session *session, const uint8_t *signature, CK_ULONG signature_length);

#endif
