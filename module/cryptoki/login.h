/*
 * login: who is logged in at a slot, and the PINs (PKCS #11 v3.0, 5.5.9 to 5.5.11, 5.6.8 to 5.6.10).
 *
 * A login is the application's: all sessions of the slot share it. The store checks the PIN, which may take
 * seconds; of the slot, only other logins, PIN changes and initialisations wait for that.
 */
#ifndef PODPIS_CRYPTOKI_LOGIN_H
#define PODPIS_CRYPTOKI_LOGIN_H

#include "module/cryptoki/session.h"

CK_RV login_enter(
	struct session *session, CK_USER_TYPE user, const CK_UTF8CHAR *pin, CK_ULONG length);
/* C_LoginUser: no token has named users. */
CK_RV login_enter_named(struct session *session, CK_USER_TYPE user, const CK_UTF8CHAR *pin,
	CK_ULONG length, const CK_UTF8CHAR *name, CK_ULONG name_length);
CK_RV login_leave(struct session *session);

/* Logs out where somebody is logged in. The slot's mutex is held. */
void login_forget(struct slot *slot);
/* Logs out where the token has ended the login by itself. No lock of the slot's is held but perhaps `login`. */
void login_notice(struct slot *slot);

CK_RV login_init_token(struct module *module, CK_SLOT_ID slot_id, const CK_UTF8CHAR *pin,
	CK_ULONG length, const CK_UTF8CHAR *label);
CK_RV login_init_pin(struct session *session, const CK_UTF8CHAR *pin, CK_ULONG length);
CK_RV login_set_pin(struct session *session, const CK_UTF8CHAR *old_pin, CK_ULONG old_length,
	const CK_UTF8CHAR *new_pin, CK_ULONG new_length);

#endif
