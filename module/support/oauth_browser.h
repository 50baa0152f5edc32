/*
 * oauth_browser: a login through the person's browser and back to a loopback address (RFC 8252, 7.3), with PKCE.
 */
#ifndef PODPIS_SUPPORT_OAUTH_BROWSER_H
#define PODPIS_SUPPORT_OAUTH_BROWSER_H

#include "module/support/oauth.h"

struct oauth_browser {
	/* Sends the person to the address; false ends the attempt. */
	bool (*browse)(void *context, const char *url, struct error *err);
	void *context;
	unsigned seconds; /* how long the person may take */
	struct interrupt interrupt;
	struct log *log;
};

/* ERROR_PERSON: declined there, or not back in time; else as loopback_wait and oauth_code say. */
bool oauth_browser_login(struct http *http, const struct oauth_service *service,
	const struct oauth_browser *browser, struct oauth_grant *out, struct error *err);

#endif
