#include "module/support/oauth_browser.h"

#include "module/support/loopback.h"

bool oauth_browser_login(struct http *http, const struct oauth_service *service,
	const struct oauth_browser *browser, struct oauth_grant *out, struct error *err)
{
	struct buffer url = BUFFER_INIT(8192), code = BUFFER_INIT(OAUTH_TOKEN_MAX);
	struct oauth_attempt attempt = {0};
	struct loopback *loopback = NULL;
	bool ok;

	ok = oauth_attempt_new(&attempt, err) && loopback_open(browser->log, &loopback, err) &&
	     oauth_address(service, &attempt, loopback_uri(loopback), &url, err) &&
	     browser->browse(browser->context, buffer_text(&url), err) &&
	     loopback_wait(
		     loopback, attempt.state, browser->seconds, &browser->interrupt, &code, err) &&
	     oauth_code(http, service, buffer_text(&code), loopback_uri(loopback), attempt.verifier,
		     out, err);
	loopback_close(loopback);
	oauth_attempt_clear(&attempt);
	buffer_free(&code);
	buffer_free(&url);
	return ok;
}
