#include "provision/workplace/browser.h"

#include <string.h>

#include "module/support/http.h"
#include "module/support/opener.h"
#include "provision/i18n.h"

bool browser_open(void *context, const char *url, struct error *err)
{
	const struct browser *browser = context;
	struct output *output = browser->output;
	/* With --json stdout has its one value at the end; the person reads stderr. */
	FILE *out = output->json ? stderr : output->out;
	int cause;

	if (!http_address_valid(url))
		return error_set(err, ERROR_FAILED, _("not an address for a browser"));
	if (browser->show_only) {
		fprintf(out, _("Open this address in a browser of this machine:\n  %s\n"), url);
	} else {
		cause = opener_start(url);
		if (cause == 0)
			fprintf(out,
				_("The browser opens. If it does not, open this address:\n  %s\n"),
				url);
		else
			fprintf(out,
				_("No browser starts (xdg-open: %s). Open this address:\n  %s\n"),
				strerror(cause), url);
	}
	fflush(out);
	return true;
}
