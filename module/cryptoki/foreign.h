/*
 * foreign: slots and sessions whose token is another PKCS#11 module's, which takes the calls over.
 *
 * A foreign session's handle says so itself (session_is_foreign), so that our own code is spared the question
 * and the other module's calls are spared our own locks: handle and epoch are read, the module is entered, and
 * the call goes on with the module's own session handle. Mechanisms, object handles, attributes and answers are
 * the module's. Slot ids and session handles are mapped, nothing else.
 *
 * A session ends when the module says that there is none such, when it was started anew, or with
 * C_CloseSession; then its handle is invalid, and the next C_OpenSession finds the token wherever it is now.
 */
#ifndef PODPIS_CRYPTOKI_FOREIGN_H
#define PODPIS_CRYPTOKI_FOREIGN_H

#include <stdbool.h>

#include "module/cryptoki/gate.h"
#include "module/cryptoki/session.h"
#include "module/store/token/inner.h"

/* A function of the other module, which may lack it. */
#define INNER_CALL(functions, name, ...)                                                           \
	((functions)->name != NULL ? (functions)->name(__VA_ARGS__) : CKR_FUNCTION_NOT_SUPPORTED)

/* One call of a session's function; belongs to the thread. */
struct foreign_call {
	struct passage passage;
	struct session *session;
	CK_SESSION_HANDLE handle, inner; /* ours, the module's */
	struct token *token;
	struct inner_visit visit;
};

CK_RV foreign_begin(struct foreign_call *call, CK_SESSION_HANDLE handle);
/* Ends what was begun, and returns what the host gets for the module's answer. */
CK_RV foreign_end(struct foreign_call *call, const char *name, CK_RV rv);

CK_RV foreign_close(CK_SESSION_HANDLE handle);
CK_RV foreign_session_info(CK_SESSION_HANDLE handle, CK_SESSION_INFO *out);
CK_RV foreign_find_init(CK_SESSION_HANDLE handle, CK_ATTRIBUTE *templ, CK_ULONG count);

/* The rest is for the functions with a slot, which have passed the gate. */

static inline bool slot_is_foreign(struct slot *slot)
{
	struct token *token = slot->token;
	return token != NULL && token->class->enter != NULL;
}

bool foreign_is_present(struct slot *slot);
/* A slot that can't be asked is an empty one. */
CK_RV foreign_slot_info(struct slot *slot, CK_SLOT_INFO *out);
CK_RV foreign_token_info(struct slot *slot, CK_TOKEN_INFO *out);
CK_RV foreign_mechanism_list(struct slot *slot, CK_MECHANISM_TYPE *list, CK_ULONG *count);
CK_RV foreign_mechanism_info(struct slot *slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *out);
CK_RV foreign_init_token(struct slot *slot, CK_UTF8CHAR *pin, CK_ULONG length, CK_UTF8CHAR *label);
CK_RV foreign_open(
	struct module *module, struct slot *slot, CK_FLAGS flags, CK_SESSION_HANDLE *out);
/* One by one: the module's other sessions may be the host's own. */
CK_RV foreign_close_all(struct module *module, struct slot *slot);

#endif
