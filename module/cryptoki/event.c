#include "module/cryptoki/event.h"

#include "module/cryptoki/foreign.h"
#include "module/cryptoki/module.h"

#define EVENT_PERIOD 500 /* milliseconds */

/* The first slot whose token came or went since it was asked last. `*any`: there are slots to ask. */
static bool event_poll(struct slot_table *table, bool *any, CK_SLOT_ID *out)
{
	*any = false;
	for (size_t i = 0; i < table->count; i++) {
		for (size_t k = 0; k < table->sections[i].count; k++) {
			struct slot *slot = table->sections[i].slots[k];
			if (!slot_is_foreign(slot))
				continue;
			*any = true;
			unsigned now =
				foreign_is_present(slot) ? SLOT_SEEN_PRESENT : SLOT_SEEN_EMPTY;
			if (atomic_exchange(&slot->seen, now) == now)
				continue;
			*out = slot->id;
			return true;
		}
	}
	return false;
}

CK_RV event_wait(struct passage *passage, CK_FLAGS flags, CK_SLOT_ID *slot, const void *reserved)
{
	CK_SLOT_ID id = 0;
	bool any;

	if (slot == NULL || reserved != NULL)
		return CKR_ARGUMENTS_BAD;
	do {
		if (event_poll(&passage->module->slots, &any, &id)) {
			*slot = id;
			return CKR_OK;
		}
		if ((flags & CKF_DONT_BLOCK) != 0)
			return CKR_NO_EVENT;
	} while (gate_wait(passage, any ? EVENT_PERIOD : 0));
	return CKR_CRYPTOKI_NOT_INITIALIZED;
}
