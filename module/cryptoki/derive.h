/*
 * derive: the secret of CKM_ECDH1_DERIVE (Current Mechanisms v3.0, 2.3.20).
 */
#ifndef PODPIS_CRYPTOKI_DERIVE_H
#define PODPIS_CRYPTOKI_DERIVE_H

#include "module/cryptoki/session.h"

/*
 * `*length` is how many bytes are wanted, 0 for as many as there are; CKD_NULL gives the last ones of the
 * shared x coordinate, a hash those of ANSI X9.63's function. The caller wipes and frees `*out`.
 * CKR_MECHANISM_PARAM_INVALID, CKR_TEMPLATE_INCONSISTENT (more than there are, or than the limit).
 */
CK_RV derive_ecdh(struct session *session, const struct object *base,
	const CK_ECDH1_DERIVE_PARAMS *parameter, uint8_t **out, CK_ULONG *length);

#endif
