/*
 * session: sessions, their states and their handles (PKCS #11 v3.0, 5.6).
 *
 * A handle is an index into the table and a generation, so that a closed session's handle does not become
 * another's. Sessions' memory is never given back before C_Finalize; a session is found without a lock
 * and used under its own, which no other session shares. Order of locks: session, slot's login, slot.
 */
#ifndef PODPIS_CRYPTOKI_SESSION_H
#define PODPIS_CRYPTOKI_SESSION_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "module/cryptoki/digest.h"
#include "module/cryptoki/find.h"
#include "module/cryptoki/random.h"
#include "module/cryptoki/slot.h"
#include "module/cryptoki/use.h"

#define SESSION_CHUNK  64   /* sessions in one piece of memory */
#define SESSION_CHUNKS 4096 /* so many pieces at most */

struct session {
	pthread_mutex_t mutex; /* held by the one call that uses the session */
	/* Written under the mutex; session_info reads them without. */
	_Atomic CK_SESSION_HANDLE handle; /* 0: not open */
	struct slot *_Atomic slot;
	_Atomic CK_FLAGS flags;

	struct module *module;
	/* A foreign session: the other module, its handle, and the epoch (inner.h) that it belongs to. */
	struct inner *_Atomic inner;
	_Atomic CK_SESSION_HANDLE inner_handle;
	atomic_ulong inner_epoch;

	/* How many calls want the one that uses the session to end; it looks while it waits for others. */
	atomic_uint cancels;

	CK_ULONG index, generation;
	struct session *next; /* in the list of those that are not open */

	struct find find;
	struct digest digest;
	struct random random;
	struct use sign, verify, encrypt, decrypt, sign_recover, verify_recover;
};

struct session_table {
	pthread_mutex_t mutex; /* over opening and closing */
	size_t count;          /* sessions ever made */
	struct session *free;
	struct session *_Atomic chunks[SESSION_CHUNKS];
};

void session_table_open(struct session_table *table);
void session_table_close(struct session_table *table);

/* A bit of a handle: the session is another module's (foreign.h). */
#define SESSION_FOREIGN (1UL << 19)

static inline bool session_is_foreign(CK_SESSION_HANDLE handle)
{
	return (handle & SESSION_FOREIGN) != 0;
}

/* What a handle points at, open or not; NULL: nothing. `i + 1` for the i-th of session_count. */
struct session *session_at(struct module *module, CK_SESSION_HANDLE handle);
size_t session_count(struct module *module);
/* One that is not open. NULL: too many, or no memory. */
struct session *session_take(struct module *module);
/* Opens what was taken, filled in, under a new handle; `kind` is 0 or SESSION_FOREIGN. */
CK_SESSION_HANDLE session_name(struct session *session, CK_SESSION_HANDLE kind);
/* Ends a foreign session, if that is still its handle. */
bool session_forget(struct session *session, CK_SESSION_HANDLE handle);

/* The open session, of our own, locked; CKR_SESSION_HANDLE_INVALID. */
CK_RV session_lock(struct module *module, CK_SESSION_HANDLE handle, struct session **out);
/* The same for one who ends what the session does: a call that waits for a service gives up. */
CK_RV session_lock_ending(struct module *module, CK_SESSION_HANDLE handle, struct session **out);
void session_unlock(struct session *session);

CK_RV session_open(
	struct module *module, CK_SLOT_ID slot_id, CK_FLAGS flags, CK_SESSION_HANDLE *out);
/* `session` is locked, and stays so. The last one of a slot logs out. */
CK_RV session_close(struct session *session);
CK_RV session_close_all(struct module *module, CK_SLOT_ID slot_id);
/* Does not wait for a call that uses the session. */
CK_RV session_info(struct module *module, CK_SESSION_HANDLE handle, CK_SESSION_INFO *out);

/* C_SessionCancel: ends the operations that the flags name. */
CK_RV session_cancel(struct session *session, CK_FLAGS flags);
/* C_GetOperationState: there is none that could be saved. */
CK_RV session_save(struct session *session, const CK_ULONG *length);

static inline struct token *session_token(struct session *session)
{
	return session->slot->token;
}

static inline bool session_is_rw(struct session *session)
{
	return (session->flags & CKF_RW_SESSION) != 0;
}

#endif
