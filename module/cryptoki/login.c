#include "module/cryptoki/login.h"

#include "module/cryptoki/argument.h"
#include "module/cryptoki/module.h"

/* A PIN may be left out only where the token has a way of its own to ask for it (PKCS #11 v3.0, 5.6.8). */
static CK_RV login_check_pin(struct token *token, const CK_UTF8CHAR *pin, CK_ULONG length)
{
	struct token_info info;

	if (pin != NULL)
		return argument_is_bytes(pin, length) ? CKR_OK : CKR_ARGUMENTS_BAD;
	CK_RV rv = token->class->info(token, &info);
	if (rv == CKR_OK && (length != 0 || (info.flags & CKF_PROTECTED_AUTHENTICATION_PATH) == 0))
		rv = CKR_ARGUMENTS_BAD;
	return rv;
}

/* The PIN for an operation that was begun with a CKA_ALWAYS_AUTHENTICATE key. */
static CK_RV login_context(struct session *session, const CK_UTF8CHAR *pin, CK_ULONG length)
{
	struct use *uses[] = {&session->sign, &session->decrypt, &session->sign_recover};
	struct token *token = session_token(session);
	struct use *waiting = NULL;

	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++)
		if (uses[i]->active && uses[i]->unproved)
			waiting = uses[i];
	if (waiting == NULL)
		return CKR_OPERATION_NOT_INITIALIZED;
	if (session->slot->user != CKU_USER)
		return CKR_USER_NOT_LOGGED_IN;
	struct operation *operation = waiting->operation;
	if (operation->class->authorise != NULL) {
		CK_RV answer = operation->class->authorise(operation, pin, length);
		waiting->unproved = answer != CKR_OK;
		return answer;
	}
	pthread_mutex_lock(&session->slot->login);
	CK_RV rv = token->class->login(token, CKU_CONTEXT_SPECIFIC, pin, length);
	/* The lock ends the login, too (PKCS #11 v3.0, 4.9). */
	pthread_mutex_lock(&session->slot->mutex);
	if (rv == CKR_PIN_LOCKED)
		login_forget(session->slot);
	pthread_mutex_unlock(&session->slot->mutex);
	pthread_mutex_unlock(&session->slot->login);
	if (rv == CKR_OK)
		waiting->unproved = false;
	return rv;
}

/* What the sessions' and the login's states allow; marks the SO's login as under way. */
static CK_RV login_begin(struct slot *slot, CK_USER_TYPE user)
{
	CK_RV rv = CKR_OK;

	pthread_mutex_lock(&slot->mutex);
	if (slot->user == user)
		rv = CKR_USER_ALREADY_LOGGED_IN;
	else if (slot->user != SLOT_USER_NONE)
		rv = CKR_USER_ANOTHER_ALREADY_LOGGED_IN;
	else if (user == CKU_SO && slot->sessions > slot->rw_sessions)
		rv = CKR_SESSION_READ_ONLY_EXISTS;
	else
		slot->so_login = user == CKU_SO;
	pthread_mutex_unlock(&slot->mutex);
	return rv;
}

static void login_end(struct slot *slot, CK_USER_TYPE user)
{
	pthread_mutex_lock(&slot->mutex);
	slot->so_login = false;
	if (user != SLOT_USER_NONE) {
		slot->user = user;
		slot->epoch++;
	}
	pthread_mutex_unlock(&slot->mutex);
}

CK_RV login_enter(
	struct session *session, CK_USER_TYPE user, const CK_UTF8CHAR *pin, CK_ULONG length)
{
	struct slot *slot = session->slot;
	struct token *token = session_token(session);
	struct token_info info;
	CK_RV rv;

	if (user != CKU_SO && user != CKU_USER && user != CKU_CONTEXT_SPECIFIC)
		return CKR_USER_TYPE_INVALID;
	rv = login_check_pin(token, pin, length);
	if (rv != CKR_OK)
		return rv;
	if (user == CKU_CONTEXT_SPECIFIC)
		return login_context(session, pin, length);
	pthread_mutex_lock(&slot->login);
	if (slot->user != SLOT_USER_NONE && token->class->info(token, &info) == CKR_OK)
		login_notice(slot);
	rv = login_begin(slot, user);
	if (rv == CKR_OK) {
		token->cancelled = &session->cancels;
		rv = token->class->login(token, user, pin, length);
		token->cancelled = NULL;
		login_end(slot, rv == CKR_OK ? user : SLOT_USER_NONE);
	}
	pthread_mutex_unlock(&slot->login);
	return rv;
}

CK_RV login_enter_named(struct session *session, CK_USER_TYPE user, const CK_UTF8CHAR *pin,
	CK_ULONG length, const CK_UTF8CHAR *name, CK_ULONG name_length)
{
	if (name_length != 0)
		return name == NULL ? CKR_ARGUMENTS_BAD : CKR_FUNCTION_NOT_SUPPORTED;
	return login_enter(session, user, pin, length);
}

void login_forget(struct slot *slot)
{
	struct token *token = slot->token;

	if (slot->user == SLOT_USER_NONE)
		return;
	slot->user = SLOT_USER_NONE;
	slot->epoch++;
	token->class->logout(token);
	shelf_drop_private(&slot->shelf);
}

void login_notice(struct slot *slot)
{
	struct token *token = slot->token;
	unsigned long epoch = slot->epoch;

	if (slot->user == SLOT_USER_NONE || token->class->logged_in == NULL ||
		token->class->logged_in(token))
		return;
	pthread_mutex_lock(&slot->mutex);
	if (slot->epoch == epoch)
		login_forget(slot);
	pthread_mutex_unlock(&slot->mutex);
}

CK_RV login_leave(struct session *session)
{
	struct slot *slot = session->slot;
	CK_RV rv = CKR_OK;

	pthread_mutex_lock(&slot->login);
	pthread_mutex_lock(&slot->mutex);
	if (slot->user == SLOT_USER_NONE)
		rv = CKR_USER_NOT_LOGGED_IN;
	else
		login_forget(slot);
	pthread_mutex_unlock(&slot->mutex);
	pthread_mutex_unlock(&slot->login);
	return rv;
}

CK_RV login_init_token(struct module *module, CK_SLOT_ID slot_id, const CK_UTF8CHAR *pin,
	CK_ULONG length, const CK_UTF8CHAR *label)
{
	struct slot *slot = NULL;
	CK_RV rv = slot_find_token(&module->slots, slot_id, &slot, NULL);

	if (rv != CKR_OK)
		return rv;
	struct token *token = slot->token;
	if (label == NULL)
		return CKR_ARGUMENTS_BAD;
	rv = login_check_pin(token, pin, length);
	if (rv != CKR_OK)
		return rv;
	pthread_mutex_lock(&slot->login);
	pthread_mutex_lock(&slot->mutex);
	if (slot->sessions != 0)
		rv = CKR_SESSION_EXISTS;
	pthread_mutex_unlock(&slot->mutex);
	if (rv == CKR_OK)
		rv = token->class->init(token, pin, length, (const char *)label);
	pthread_mutex_unlock(&slot->login);
	return rv;
}

CK_RV login_init_pin(struct session *session, const CK_UTF8CHAR *pin, CK_ULONG length)
{
	struct slot *slot = session->slot;
	struct token *token = session_token(session);
	CK_RV rv;

	if (slot->user != CKU_SO)
		return CKR_USER_NOT_LOGGED_IN;
	rv = login_check_pin(token, pin, length);
	if (rv != CKR_OK)
		return rv;
	pthread_mutex_lock(&slot->login);
	rv = token->class->init_pin(token, pin, length);
	pthread_mutex_unlock(&slot->login);
	return rv;
}

/* The SO changes his own PIN, anyone else the user's (PKCS #11 v3.0, 5.5.11). */
CK_RV login_set_pin(struct session *session, const CK_UTF8CHAR *old_pin, CK_ULONG old_length,
	const CK_UTF8CHAR *new_pin, CK_ULONG new_length)
{
	struct slot *slot = session->slot;
	struct token *token = session_token(session);
	CK_RV rv;

	if (!session_is_rw(session))
		return CKR_SESSION_READ_ONLY;
	rv = login_check_pin(token, old_pin, old_length);
	if (rv == CKR_OK)
		rv = login_check_pin(token, new_pin, new_length);
	if (rv != CKR_OK)
		return rv;
	pthread_mutex_lock(&slot->login);
	CK_USER_TYPE user = slot->user == CKU_SO ? CKU_SO : CKU_USER;
	rv = token->class->set_pin(token, user, old_pin, old_length, new_pin, new_length);
	pthread_mutex_unlock(&slot->login);
	return rv;
}
