#include "module/cryptoki/event.h"

CK_RV event_wait(
	struct passage *passage, CK_FLAGS flags, const CK_SLOT_ID *slot, const void *reserved)
{
	if (slot == NULL || reserved != NULL)
		return CKR_ARGUMENTS_BAD;
	if ((flags & CKF_DONT_BLOCK) != 0)
		return CKR_NO_EVENT;
	gate_wait(passage);
	return CKR_CRYPTOKI_NOT_INITIALIZED;
}
