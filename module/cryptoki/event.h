/*
 * event: C_WaitForSlotEvent (PKCS #11 v3.0, 5.5.4).
 */
#ifndef PODPIS_CRYPTOKI_EVENT_H
#define PODPIS_CRYPTOKI_EVENT_H

#include "module/cryptoki/gate.h"

/*
 * Tokens of other modules come and go: asked every half second, in the caller's own thread. Nothing else does.
 * When C_Finalize comes, CKR_CRYPTOKI_NOT_INITIALIZED.
 */
CK_RV event_wait(struct passage *passage, CK_FLAGS flags, CK_SLOT_ID *slot, const void *reserved);

#endif
