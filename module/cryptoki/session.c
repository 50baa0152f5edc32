#include "module/cryptoki/session.h"

#include <stdlib.h>

#include "module/cryptoki/login.h"
#include "module/cryptoki/module.h"

/* A handle: generation, then SESSION_FOREIGN, then index + 1. */
#define SESSION_INDEX_MASK      (SESSION_FOREIGN - 1)
#define SESSION_GENERATION_BIT  (SESSION_FOREIGN << 1)
#define SESSION_GENERATION_MASK (~0UL / SESSION_GENERATION_BIT)

_Static_assert(SESSION_CHUNK *SESSION_CHUNKS < SESSION_INDEX_MASK, "indices fit their bits");

void session_table_open(struct session_table *table)
{
	pthread_mutex_init(&table->mutex, NULL);
}

static void session_end_operations(struct session *session)
{
	find_free(&session->find);
	digest_free(&session->digest);
	random_end(&session->random);
	use_free(&session->sign);
	use_free(&session->verify);
	use_free(&session->encrypt);
	use_free(&session->decrypt);
	use_free(&session->sign_recover);
	use_free(&session->verify_recover);
}

void session_table_close(struct session_table *table)
{
	for (size_t i = 0; i < table->count; i++) {
		struct session *session = &table->chunks[i / SESSION_CHUNK][i % SESSION_CHUNK];
		session_end_operations(session);
		pthread_mutex_destroy(&session->mutex);
	}
	for (size_t i = 0; i < SESSION_CHUNKS; i++)
		free(table->chunks[i]);
	pthread_mutex_destroy(&table->mutex);
}

struct session *session_at(struct module *module, CK_SESSION_HANDLE handle)
{
	CK_ULONG index = (handle & SESSION_INDEX_MASK) - 1;
	if (handle == CK_INVALID_HANDLE || index >= SESSION_CHUNK * SESSION_CHUNKS)
		return NULL;
	struct session *chunk = atomic_load_explicit(
		&module->sessions.chunks[index / SESSION_CHUNK], memory_order_acquire);
	return chunk != NULL ? &chunk[index % SESSION_CHUNK] : NULL;
}

CK_RV session_lock(struct module *module, CK_SESSION_HANDLE handle, struct session **out)
{
	struct session *session = session_at(module, handle);
	if (session == NULL || session_is_foreign(handle))
		return CKR_SESSION_HANDLE_INVALID;
	pthread_mutex_lock(&session->mutex);
	if (atomic_load_explicit(&session->handle, memory_order_relaxed) != handle) {
		pthread_mutex_unlock(&session->mutex);
		return CKR_SESSION_HANDLE_INVALID;
	}
	*out = session;
	return CKR_OK;
}

CK_RV session_lock_ending(struct module *module, CK_SESSION_HANDLE handle, struct session **out)
{
	struct session *session = session_at(module, handle);

	if (session == NULL || session->handle != handle)
		return CKR_SESSION_HANDLE_INVALID;
	atomic_fetch_add(&session->cancels, 1);
	CK_RV rv = session_lock(module, handle, out);
	atomic_fetch_sub(&session->cancels, 1);
	return rv;
}

void session_unlock(struct session *session)
{
	pthread_mutex_unlock(&session->mutex);
}

size_t session_count(struct module *module)
{
	pthread_mutex_lock(&module->sessions.mutex);
	size_t count = module->sessions.count;
	pthread_mutex_unlock(&module->sessions.mutex);
	return count;
}

/* Taken from the list, or made. */
struct session *session_take(struct module *module)
{
	struct session_table *table = &module->sessions;

	pthread_mutex_lock(&table->mutex);
	struct session *session = table->free;
	if (session != NULL) {
		table->free = session->next;
	} else if (table->count < SESSION_CHUNK * SESSION_CHUNKS) {
		struct session *_Atomic *chunk = &table->chunks[table->count / SESSION_CHUNK];
		if (*chunk == NULL)
			*chunk = calloc(SESSION_CHUNK, sizeof(struct session));
		if (*chunk != NULL) {
			session = &(*chunk)[table->count % SESSION_CHUNK];
			pthread_mutex_init(&session->mutex, NULL);
			session->module = module;
			session->index = table->count++;
		}
	}
	pthread_mutex_unlock(&table->mutex);
	return session;
}

static void session_give(struct session *session)
{
	struct session_table *table = &session->module->sessions;

	pthread_mutex_lock(&table->mutex);
	session->next = table->free;
	table->free = session;
	pthread_mutex_unlock(&table->mutex);
}

CK_SESSION_HANDLE session_name(struct session *session, CK_SESSION_HANDLE kind)
{
	session->generation = (session->generation + 1) & SESSION_GENERATION_MASK;
	CK_SESSION_HANDLE handle =
		session->generation * SESSION_GENERATION_BIT | kind | (session->index + 1);
	session->handle = handle;
	return handle;
}

bool session_forget(struct session *session, CK_SESSION_HANDLE handle)
{
	struct slot *slot = session->slot;
	unsigned long epoch = session->inner_epoch;

	if (!atomic_compare_exchange_strong(&session->handle, &handle, CK_INVALID_HANDLE))
		return false;
	struct token *token = slot->token;
	token->class->count(token, epoch, -1);
	session_give(session);
	return true;
}

/* PKCS #11 v3.0, 5.6.1: no read-only session beside the SO. */
static CK_RV session_enrol(struct slot *slot, CK_FLAGS flags)
{
	bool rw = (flags & CKF_RW_SESSION) != 0;
	CK_RV rv = CKR_OK;

	pthread_mutex_lock(&slot->mutex);
	if (!rw && (slot->so_login || slot->user == CKU_SO)) {
		rv = CKR_SESSION_READ_WRITE_SO_EXISTS;
	} else {
		slot->sessions++;
		slot->rw_sessions += rw;
	}
	pthread_mutex_unlock(&slot->mutex);
	return rv;
}

CK_RV session_open(
	struct module *module, CK_SLOT_ID slot_id, CK_FLAGS flags, CK_SESSION_HANDLE *out)
{
	struct token_info info;
	struct slot *slot = NULL;
	struct session *session = NULL;
	CK_RV rv;

	if (out == NULL)
		return CKR_ARGUMENTS_BAD;
	rv = slot_find_token(&module->slots, slot_id, &slot, &info);
	if (rv != CKR_OK)
		return rv;
	if ((flags & CKF_SERIAL_SESSION) == 0)
		return CKR_SESSION_PARALLEL_NOT_SUPPORTED;
	if ((info.flags & CKF_TOKEN_INITIALIZED) == 0)
		return CKR_TOKEN_NOT_RECOGNIZED;
	session = session_take(module);
	if (session == NULL)
		return CKR_SESSION_COUNT;
	rv = session_enrol(slot, flags);
	if (rv != CKR_OK) {
		session_give(session);
		return rv;
	}
	pthread_mutex_lock(&session->mutex);
	session->slot = slot;
	session->flags = flags & (CKF_SERIAL_SESSION | CKF_RW_SESSION);
	CK_SESSION_HANDLE handle = session_name(session, 0);
	pthread_mutex_unlock(&session->mutex);
	*out = handle;
	return CKR_OK;
}

CK_RV session_close(struct session *session)
{
	struct slot *slot = session->slot;
	CK_SESSION_HANDLE handle = session->handle;
	bool rw = session_is_rw(session);

	session_end_operations(session);
	session->handle = CK_INVALID_HANDLE;
	shelf_drop_session(&slot->shelf, handle);
	pthread_mutex_lock(&slot->mutex);
	slot->sessions--;
	slot->rw_sessions -= rw;
	if (slot->sessions == 0)
		login_forget(slot);
	pthread_mutex_unlock(&slot->mutex);
	session_give(session);
	return CKR_OK;
}

CK_RV session_close_all(struct module *module, CK_SLOT_ID slot_id)
{
	struct slot *slot = NULL;
	CK_RV rv = slot_find(&module->slots, slot_id, &slot);

	if (rv != CKR_OK)
		return rv;
	size_t count = session_count(module);
	for (size_t i = 0; i < count; i++) {
		struct session *session = session_at(module, i + 1);
		bool ending = session->handle != CK_INVALID_HANDLE && session->slot == slot;
		atomic_fetch_add(&session->cancels, ending);
		pthread_mutex_lock(&session->mutex);
		atomic_fetch_sub(&session->cancels, ending);
		if (session->handle != CK_INVALID_HANDLE && session->slot == slot)
			session_close(session);
		pthread_mutex_unlock(&session->mutex);
	}
	return CKR_OK;
}

static CK_STATE session_state(CK_USER_TYPE user, bool rw)
{
	if (user == CKU_SO)
		return CKS_RW_SO_FUNCTIONS;
	if (user == CKU_USER)
		return rw ? CKS_RW_USER_FUNCTIONS : CKS_RO_USER_FUNCTIONS;
	return rw ? CKS_RW_PUBLIC_SESSION : CKS_RO_PUBLIC_SESSION;
}

CK_RV session_info(struct module *module, CK_SESSION_HANDLE handle, CK_SESSION_INFO *out)
{
	struct session *session = session_at(module, handle);

	if (session == NULL || session->handle != handle)
		return CKR_SESSION_HANDLE_INVALID;
	struct slot *slot = session->slot;
	CK_FLAGS flags = session->flags;
	/* Still open: what was read belongs to this handle. */
	if (session->handle != handle)
		return CKR_SESSION_HANDLE_INVALID;
	if (out == NULL)
		return CKR_ARGUMENTS_BAD;
	login_notice(slot);
	*out = (CK_SESSION_INFO){
		.slotID = slot->id,
		.state = session_state(slot->user, (flags & CKF_RW_SESSION) != 0),
		.flags = flags,
	};
	return CKR_OK;
}

CK_RV session_cancel(struct session *session, CK_FLAGS flags)
{
	const struct {
		CK_FLAGS flag;
		struct use *use;
	} uses[] = {
		{CKF_SIGN, &session->sign},
		{CKF_VERIFY, &session->verify},
		{CKF_ENCRYPT, &session->encrypt},
		{CKF_DECRYPT, &session->decrypt},
		{CKF_SIGN_RECOVER, &session->sign_recover},
		{CKF_VERIFY_RECOVER, &session->verify_recover},
	};

	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++)
		if ((flags & uses[i].flag) != 0)
			use_end(uses[i].use);
	if ((flags & CKF_DIGEST) != 0)
		digest_end(&session->digest);
	if ((flags & CKF_FIND_OBJECTS) != 0)
		find_free(&session->find);
	return CKR_OK;
}

CK_RV session_save(struct session *session, const CK_ULONG *length)
{
	if (length == NULL)
		return CKR_ARGUMENTS_BAD;
	if (session->sign.active || session->verify.active || session->encrypt.active ||
		session->decrypt.active || session->sign_recover.active ||
		session->verify_recover.active || session->digest.active || session->find.active)
		return CKR_STATE_UNSAVEABLE;
	return CKR_OPERATION_NOT_INITIALIZED;
}
