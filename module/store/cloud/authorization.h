/*
 * authorization: what a credential's signatures need: signature activation data, SAD (CSC v1.0.4, 11.6; v2.0, 11.6).
 *
 * One for a number of signatures is kept and used up. Where a PIN alone gets a new one, the PIN of the login is kept
 * with it, in locked memory, and used again until the logout; a one-time password is not. A change while another
 * thread is at work is found by its number, so that no lock is held across a request.
 */
#ifndef PODPIS_STORE_CLOUD_AUTHORIZATION_H
#define PODPIS_STORE_CLOUD_AUTHORIZATION_H

#include "module/store/cloud/algorithm.h"
#include "module/store/cloud/service.h"

struct authorization;

/* What is given outlives it. */
CK_RV authorization_new(struct service *service, struct log *log, struct authorization **out);
void authorization_free(struct authorization *authorization); /* NULL is fine */

/* For one request or several. */
struct sad {
	struct secret *text;
	bool bearer;   /* shown in place of the login's token (version 2, from the browser) */
	unsigned left; /* signatures */
	unsigned long number;
};
void sad_clear(struct sad *sad);

/* PIN and one-time password, as they are in the one text that an application passes. */
struct answers {
	struct secret *pin, *otp; /* NULL: not wanted */
};
/*
 * Parts the text as the credential wants it. Where the one-time password is missing and the service sends it, it is
 * asked to; CKR_PIN_INCORRECT then, and where anything else is missing.
 */
CK_RV authorization_answers(struct authorization *authorization,
	const struct credential *credential, const uint8_t *text, size_t length,
	const struct patience *patience, struct answers *out);
void answers_clear(struct answers *answers);

/*
 * The login of a credential whose authorisations are for any hashes: authorises at once. `text` is not looked at where
 * the browser is the way.
 */
CK_RV authorization_login(struct authorization *authorization, const struct credential *credential,
	const uint8_t *text, size_t length, const struct patience *patience);
void authorization_logout(struct authorization *authorization);

/* Is there one to sign with, or what gets a new one without a person? */
bool authorization_alive(struct authorization *authorization, const struct credential *credential);

/* The live one, or a new one. CKR_USER_NOT_LOGGED_IN: it takes another login. */
CK_RV authorization_get(struct authorization *authorization, const struct credential *credential,
	const struct patience *patience, struct sad *out);
/* So many signatures of it went out. */
void authorization_spend(
	struct authorization *authorization, const struct sad *sad, unsigned count);
/* The service does not take it. */
void authorization_void(struct authorization *authorization, const struct sad *sad);

/* For this hash only; never kept. */
CK_RV authorization_once(struct authorization *authorization, const struct credential *credential,
	const struct answers *answers, const struct algorithm *algorithm, const uint8_t *hash,
	const struct patience *patience, struct sad *out);

CK_RV authorization_send_otp(struct authorization *authorization,
	const struct credential *credential, const struct patience *patience);

#endif
