#include "module/cryptoki/forward.h"

#include "module/cryptoki/call.h"
#include "module/cryptoki/foreign.h"

static CK_RV forward_unsupported(CK_SESSION_HANDLE session, const char *name)
{
	struct call call;
	CK_RV rv = call_begin_session(&call, CALL_PLAIN, session);

	return rv == CKR_OK ? call_end(&call, name, CKR_FUNCTION_NOT_SUPPORTED) : rv;
}

#define FORWARD(name, own, ...)                                                                    \
	CK_RV name(FORWARD_PARAMETERS(__VA_ARGS__))                                                \
	{                                                                                          \
		struct foreign_call call;                                                          \
		CK_RV rv;                                                                          \
		if (!session_is_foreign(session))                                                  \
			return own;                                                                \
		rv = foreign_begin(&call, session);                                                \
		if (rv != CKR_OK)                                                                  \
			return rv;                                                                 \
		rv = INNER_CALL(                                                                   \
			call.visit.functions, name, FORWARD_ARGUMENTS(call.inner, __VA_ARGS__));   \
		return foreign_end(&call, #name, rv);                                              \
	}

#define FORWARD_TO_OWN(name, ...)                                                                  \
	FORWARD(name, own_##name(FORWARD_ARGUMENTS(session, __VA_ARGS__)), __VA_ARGS__)
#define FORWARD_TO_NONE(name, ...) FORWARD(name, forward_unsupported(session, #name), __VA_ARGS__)

FORWARD_OR_OWN(FORWARD_TO_OWN)

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
FORWARD_ONLY(FORWARD_TO_NONE)
#pragma GCC diagnostic pop

CK_RV C_CloseSession(CK_SESSION_HANDLE session)
{
	return session_is_foreign(session) ? foreign_close(session) : own_C_CloseSession(session);
}

CK_RV C_GetSessionInfo(CK_SESSION_HANDLE session, CK_SESSION_INFO *info)
{
	return session_is_foreign(session) ? foreign_session_info(session, info)
					   : own_C_GetSessionInfo(session, info);
}

CK_RV C_FindObjectsInit(CK_SESSION_HANDLE session, CK_ATTRIBUTE_PTR templ, CK_ULONG count)
{
	return session_is_foreign(session) ? foreign_find_init(session, templ, count)
					   : own_C_FindObjectsInit(session, templ, count);
}
