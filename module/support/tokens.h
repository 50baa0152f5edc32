/*
 * tokens: a login's tokens, in a file that all processes of a person share.
 *
 * FOLDER/NAME.json, mode 0600 in a folder with 0700, replaced by rename: an object whose members "access_token",
 * "refresh_token", "expires_at", "lifetime" and "url" are known here; others are the caller's. An access token
 * that is not fresh is renewed by one process, under a lock on a side file, while the others wait for the result:
 * a refresh token works once. The lock is the open file's: it falls with the process. It has a deadline. A folder
 * that somebody else may write is not used (ERROR_WORKPLACE).
 *
 * Tokens of another address than the service's present one are never used: the file keeps the address.
 */
#ifndef PODPIS_SUPPORT_TOKENS_H
#define PODPIS_SUPPORT_TOKENS_H

#include "module/support/oauth.h"

struct tokens;

/* Nothing is read yet. Whatever `name` is, it becomes one plain file's. */
bool tokens_open(const char *folder, const char *name, const char *url, struct tokens **out,
	struct error *err);
void tokens_close(struct tokens *tokens); /* NULL is fine */

/* The file, or an empty object where there is none or it is another address's. tokens_wipe frees it. */
bool tokens_load(const struct tokens *tokens, json_t **out, struct error *err);
bool tokens_save(const struct tokens *tokens, json_t *json, struct error *err);
/* No error where there is none. */
bool tokens_remove(const struct tokens *tokens, struct error *err);
/* Drops the reference, its texts wiped first, those of objects in it too. NULL is fine. */
void tokens_wipe(json_t *json);

/* The lock is *out's: close(2) ends it. `interrupt` ends the wait for it; NULL: nobody does. */
bool tokens_lock(const struct tokens *tokens, const struct interrupt *interrupt, int *out,
	struct error *err);

const char *tokens_text(const json_t *json, const char *name); /* NULL: not there, or no text */
void tokens_set_text(json_t *json, const char *name, const char *text); /* NULL: takes it away */
void tokens_set_grant(json_t *json, const struct oauth_grant *grant);
/* Is its access token one to try? `stale`: one that the service has just refused; may be NULL. */
bool tokens_fresh(const json_t *json, const struct secret *stale);

/* Tells the service that the login with these tokens is over. ERROR_UNREACHABLE, or another: it does not know. */
typedef bool tokens_revoke(void *context, const json_t *json, struct error *err);

/*
 * Ends a login and forgets it, a damaged file too. *was: there was one; only then is anybody told. False with
 * *told true: it could not be forgotten; with *told false: it is forgotten here, and `err` says why the service
 * does not know.
 */
bool tokens_forget(struct tokens *tokens, tokens_revoke *revoke, void *context, bool *was,
	bool *told, struct error *err);

/* How a new grant is got in place of what the object holds. */
struct tokens_renewal {
	/* ERROR_PERSON: the login has ended for good. */
	bool (*renew)(
		void *context, const json_t *json, struct oauth_grant *out, struct error *err);
	void *context;
	bool from_nothing;          /* also where there is no token at all */
	struct interrupt interrupt; /* ends the wait for the lock */
};

/*
 * The file with a fresh access token; one without any token is left so, unless the renewal is `from_nothing`. When
 * the login has ended, its tokens are taken out of the file, so that nobody asks again. *out is set whenever the
 * file could be read, also with false.
 */
bool tokens_current(struct tokens *tokens, const struct secret *stale,
	const struct tokens_renewal *renewal, json_t **out, struct error *err);

#endif
