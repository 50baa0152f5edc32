/*
 * browser: a person is sent to an address, by the desktop's own way (opener.h), or by showing it. It is shown in any
 * case, so that it can be opened elsewhere.
 */
#ifndef PODPIS_WORKPLACE_BROWSER_H
#define PODPIS_WORKPLACE_BROWSER_H

#include <stdbool.h>

#include "module/support/error.h"
#include "provision/output.h"

/* For authority_login's browse, and by itself. */
struct browser {
	struct output *output;
	bool show_only; /* --no-browser */
};

/*
 * ERROR_FAILED: not an https address. A browser that does not start is no error: the address was shown, and
 * that is said.
 */
bool browser_open(void *browser, const char *url, struct error *err);

#endif
