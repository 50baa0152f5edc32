/*
 * cloud_session: a person's login at the signing service of a cloud slot: made, kept where the module finds it
 * (cloud_account.h), ended.
 */
#ifndef PODPIS_PROVISION_CLOUD_SESSION_H
#define PODPIS_PROVISION_CLOUD_SESSION_H

#include "module/support/cloud_account.h"
#include "module/support/oauth_browser.h"

struct cloud_session {
	const char *name; /* of the slot's section */
	struct cloud_account *account;
	struct http *http;
	struct log *log;
};

/* ERROR_USAGE: the section is wrong. Nobody is asked anything yet. The section outlives the session. */
bool cloud_session_open(const struct config_section *section, struct log *log,
	struct cloud_session *out, struct error *err);
void cloud_session_close(struct cloud_session *session);

/* Does `podpis cloud login` make a login for this account, which it then keeps? */
bool cloud_session_is_kept(const struct cloud_session *session);

/* Is one kept? Nobody is asked whether it still holds. */
bool cloud_session_there(const struct cloud_session *session, bool *there, struct error *err);

/*
 * Each replaces what was kept. The browser is for login = oauth2code, the password for login = basic. ERROR_PERSON:
 * declined, not back in time, or not the password.
 */
bool cloud_session_through_browser(
	struct cloud_session *session, const struct oauth_browser *browser, struct error *err);
bool cloud_session_with_password(
	struct cloud_session *session, const struct secret *password, struct error *err);

/* *was: there was one. ERROR_UNREACHABLE: it is forgotten here, but the service could not be told. */
bool cloud_session_end(struct cloud_session *session, bool *was, struct error *err);

#endif
