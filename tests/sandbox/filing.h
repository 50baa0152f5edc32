/*
 * filing: an application comes in, or comes back corrected: everything that is checked of it at once.
 */
#ifndef PODPIS_SANDBOX_FILING_H
#define PODPIS_SANDBOX_FILING_H

#include "tests/sandbox/http.h"

void filing_submit(struct request *request, struct response *response); /* POST /applications */
void filing_resubmit(
	struct request *request, struct response *response); /* PUT /applications/{id} */

#endif
