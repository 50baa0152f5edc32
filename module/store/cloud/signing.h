/*
 * signing: the use of a credential's key (operation.h): the hash goes to the service, what comes back is verified
 * with the certificate's key before it is given out.
 */
#ifndef PODPIS_STORE_CLOUD_SIGNING_H
#define PODPIS_STORE_CLOUD_SIGNING_H

#include "module/store/cloud/cloud.h"

/* CKR_MECHANISM_INVALID, CKR_MECHANISM_PARAM_INVALID, CKR_KEY_FUNCTION_NOT_PERMITTED (revoked, expired, disabled). */
CK_RV signing_prepare(struct cloud_token *token, struct holding *holding,
	enum operation_purpose purpose, const CK_MECHANISM *mechanism, struct operation **out);

#endif
