#include "module/cryptoki/foreign.h"

#include "module/cryptoki/module.h"

/* ---- sessions */

CK_RV foreign_begin(struct foreign_call *call, CK_SESSION_HANDLE handle)
{
	CK_RV rv = gate_enter(&call->passage);

	if (rv != CKR_OK)
		return rv;
	struct session *session = session_at(call->passage.module, handle);
	call->handle = handle;
	call->session = session;
	rv = CKR_SESSION_HANDLE_INVALID;
	if (session == NULL || session->handle != handle)
		goto out;
	struct inner *inner = session->inner;
	call->inner = session->inner_handle;
	unsigned long epoch = session->inner_epoch;
	struct slot *slot = session->slot;
	/* Still open: what was read belongs to this handle. */
	if (session->handle != handle)
		goto out;
	call->token = slot->token;
	rv = inner_return(inner, epoch, &call->visit);
	if (rv == CKR_OK)
		return CKR_OK;
	if (rv == CKR_SESSION_HANDLE_INVALID)
		session_forget(session, handle);
out:
	gate_leave(&call->passage);
	return rv;
}

/* What becomes of an answer that is not the token's own. */
static CK_RV foreign_judge(struct foreign_call *call, CK_RV rv)
{
	if (rv == CKR_BUFFER_TOO_SMALL)
		return rv;
	if (rv == CKR_CRYPTOKI_NOT_INITIALIZED) {
		inner_lost(&call->visit);
		rv = CKR_SESSION_HANDLE_INVALID;
	} else if (call->token->class->gone(call->token, &call->visit, rv)) {
		rv = CKR_DEVICE_REMOVED;
	} else if (rv != CKR_SESSION_HANDLE_INVALID) {
		return rv;
	}
	session_forget(call->session, call->handle);
	return rv;
}

CK_RV foreign_end(struct foreign_call *call, const char *name, CK_RV rv)
{
	if (rv != CKR_OK) {
		if (log_wants(call->passage.module->log, LOG_LEVEL_DEBUG))
			log_debug(call->passage.module->log, "%s of slot %s answers 0x%lx", name,
				call->token->description, rv);
		rv = foreign_judge(call, rv);
	}
	inner_leave(&call->visit);
	gate_leave(&call->passage);
	return rv;
}

/* Our handle goes first: whoever comes next finds none, while calls under way end in the module. */
CK_RV foreign_close(CK_SESSION_HANDLE handle)
{
	struct foreign_call call;
	CK_RV rv = foreign_begin(&call, handle);

	if (rv != CKR_OK)
		return rv;
	if (session_forget(call.session, handle))
		rv = call.visit.functions->C_CloseSession(call.inner);
	else
		rv = CKR_SESSION_HANDLE_INVALID;
	return foreign_end(&call, "C_CloseSession", rv);
}

CK_RV foreign_session_info(CK_SESSION_HANDLE handle, CK_SESSION_INFO *out)
{
	struct foreign_call call;
	CK_SESSION_INFO info;
	CK_RV rv = foreign_begin(&call, handle);

	if (rv != CKR_OK)
		return rv;
	rv = INNER_CALL(
		call.visit.functions, C_GetSessionInfo, call.inner, out != NULL ? &info : NULL);
	/* Hosts ask this to learn whether the token is still there. */
	if (rv == CKR_OK && call.token->class->gone(call.token, &call.visit, CKR_OK))
		rv = CKR_DEVICE_REMOVED;
	if (rv == CKR_OK && out != NULL) {
		*out = info;
		out->slotID = call.session->slot->id;
	}
	return foreign_end(&call, "C_GetSessionInfo", rv);
}

CK_RV foreign_find_init(CK_SESSION_HANDLE handle, CK_ATTRIBUTE *templ, CK_ULONG count)
{
	struct foreign_call call;
	CK_RV rv = foreign_begin(&call, handle);

	if (rv != CKR_OK)
		return rv;
	/* A token that has gone has no objects: but that is not what the host wants to know. */
	rv = call.token->class->gone(call.token, &call.visit, CKR_OK)
		     ? CKR_DEVICE_REMOVED
		     : INNER_CALL(
			       call.visit.functions, C_FindObjectsInit, call.inner, templ, count);
	return foreign_end(&call, "C_FindObjectsInit", rv);
}

/* ---- slots */

/* One call of a slot's function. */
struct foreign_place {
	struct inner_visit visit;
	CK_SLOT_ID slot;
};

static CK_RV foreign_enter(struct slot *slot, struct foreign_place *out)
{
	struct token *token = slot->token;
	return token->class->enter(token, &out->visit, &out->slot);
}

static CK_RV foreign_leave(struct foreign_place *place, CK_RV rv)
{
	if (rv == CKR_CRYPTOKI_NOT_INITIALIZED)
		inner_lost(&place->visit);
	inner_leave(&place->visit);
	return rv;
}

/*
 * Enters, does `action`, which uses `place`, and leaves; where the host ended the module behind our back, once
 * more.
 */
#define FOREIGN_DO(rv, slot, place, action)                                                        \
	do {                                                                                       \
		(rv) = CKR_CRYPTOKI_NOT_INITIALIZED;                                               \
		for (int tries_ = 0; tries_ < 2 && (rv) == CKR_CRYPTOKI_NOT_INITIALIZED;           \
			tries_++) {                                                                \
			(rv) = foreign_enter(slot, &(place));                                      \
			if ((rv) == CKR_OK)                                                        \
				(rv) = foreign_leave(&(place), action);                            \
		}                                                                                  \
		if ((rv) == CKR_CRYPTOKI_NOT_INITIALIZED)                                          \
			(rv) = CKR_DEVICE_ERROR;                                                   \
	} while (0)

static CK_RV foreign_ask(struct slot *slot, CK_SLOT_INFO *out)
{
	struct foreign_place place;
	CK_RV rv;

	FOREIGN_DO(rv, slot, place, place.visit.functions->C_GetSlotInfo(place.slot, out));
	return rv;
}

bool foreign_is_present(struct slot *slot)
{
	CK_SLOT_INFO info;
	unsigned unknown = SLOT_SEEN_NEVER;
	bool present = foreign_ask(slot, &info) == CKR_OK && (info.flags & CKF_TOKEN_PRESENT) != 0;

	atomic_compare_exchange_strong(
		&slot->seen, &unknown, present ? SLOT_SEEN_PRESENT : SLOT_SEEN_EMPTY);
	return present;
}

CK_RV foreign_slot_info(struct slot *slot, CK_SLOT_INFO *out)
{
	CK_SLOT_INFO info = {.flags = 0};

	if (out == NULL)
		return CKR_ARGUMENTS_BAD;
	if (foreign_ask(slot, &info) != CKR_OK) {
		info = (CK_SLOT_INFO){.flags = 0};
		module_pad(info.manufacturerID, sizeof(info.manufacturerID), "Podpis");
	}
	module_pad(info.slotDescription, sizeof(info.slotDescription), slot->description);
	*out = info;
	return CKR_OK;
}

CK_RV foreign_token_info(struct slot *slot, CK_TOKEN_INFO *out)
{
	struct foreign_place place;
	CK_RV rv;

	FOREIGN_DO(rv, slot, place, place.visit.functions->C_GetTokenInfo(place.slot, out));
	return rv;
}

CK_RV foreign_mechanism_list(struct slot *slot, CK_MECHANISM_TYPE *list, CK_ULONG *count)
{
	struct foreign_place place;
	CK_RV rv;

	FOREIGN_DO(rv, slot, place,
		INNER_CALL(place.visit.functions, C_GetMechanismList, place.slot, list, count));
	return rv;
}

CK_RV foreign_mechanism_info(struct slot *slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *out)
{
	struct foreign_place place;
	CK_RV rv;

	FOREIGN_DO(rv, slot, place,
		INNER_CALL(place.visit.functions, C_GetMechanismInfo, place.slot, type, out));
	return rv;
}

CK_RV foreign_init_token(struct slot *slot, CK_UTF8CHAR *pin, CK_ULONG length, CK_UTF8CHAR *label)
{
	struct foreign_place place;
	CK_RV rv;

	FOREIGN_DO(rv, slot, place,
		INNER_CALL(place.visit.functions, C_InitToken, place.slot, pin, length, label));
	return rv;
}

/*
 * The module gave a handle that one of ours has already: it closed that session itself, when its token went,
 * and nobody has noticed. It must not come back to life as another's.
 */
static void foreign_forget_stale(
	struct module *module, const struct inner *inner, CK_SESSION_HANDLE given)
{
	size_t count = session_count(module);

	for (size_t i = 0; i < count; i++) {
		struct session *session = session_at(module, i + 1);
		CK_SESSION_HANDLE handle = session->handle;
		if (session_is_foreign(handle) && session->inner == inner &&
			session->inner_handle == given)
			session_forget(session, handle);
	}
}

/* Inside the module; no notifications are sent, so that it gets no callback. */
static CK_RV foreign_open_inside(struct module *module, struct slot *slot,
	const struct foreign_place *place, CK_FLAGS flags, CK_SESSION_HANDLE *out)
{
	CK_SESSION_HANDLE inner = CK_INVALID_HANDLE;
	CK_RV rv = place->visit.functions->C_OpenSession(place->slot, flags, NULL, NULL, &inner);

	if (rv != CKR_OK)
		return rv;
	foreign_forget_stale(module, place->visit.inner, inner);
	struct session *session = session_take(module);
	if (session == NULL) {
		place->visit.functions->C_CloseSession(inner);
		return CKR_SESSION_COUNT;
	}
	session->slot = slot;
	session->inner = place->visit.inner;
	session->inner_handle = inner;
	session->inner_epoch = place->visit.epoch;
	struct token *token = slot->token;
	token->class->count(token, place->visit.epoch, 1);
	*out = session_name(session, SESSION_FOREIGN);
	return CKR_OK;
}

CK_RV foreign_open(struct module *module, struct slot *slot, CK_FLAGS flags, CK_SESSION_HANDLE *out)
{
	struct foreign_place place;
	CK_RV rv;

	if (out == NULL)
		return CKR_ARGUMENTS_BAD;
	FOREIGN_DO(rv, slot, place, foreign_open_inside(module, slot, &place, flags, out));
	return rv;
}

CK_RV foreign_close_all(struct module *module, struct slot *slot)
{
	size_t count = session_count(module);
	CK_RV rv = CKR_OK;

	for (size_t i = 0; i < count; i++) {
		struct session *session = session_at(module, i + 1);
		CK_SESSION_HANDLE handle = session->handle;
		if (session_is_foreign(handle) && session->slot == slot) {
			CK_RV closed = foreign_close(handle);
			if (closed != CKR_OK && closed != CKR_SESSION_HANDLE_INVALID &&
				closed != CKR_DEVICE_REMOVED)
				rv = closed;
		}
	}
	return rv;
}
