/*
 * event: C_WaitForSlotEvent (PKCS #11 v3.0, 5.5.4).
 */
#ifndef PODPIS_CRYPTOKI_EVENT_H
#define PODPIS_CRYPTOKI_EVENT_H

#include "module/cryptoki/gate.h"

/* Vaults neither come nor go: waits until C_Finalize, and then answers CKR_CRYPTOKI_NOT_INITIALIZED. */
CK_RV event_wait(
	struct passage *passage, CK_FLAGS flags, const CK_SLOT_ID *slot, const void *reserved);

#endif
