/*
 * route: which request is whose: the table of paths, who may come in, one transaction a request.
 */
#ifndef PODPIS_SANDBOX_ROUTE_H
#define PODPIS_SANDBOX_ROUTE_H

#include "tests/sandbox/http.h"

/*
 * Answers. On the list's listener (`lists`) there are the revocation lists only. Not to be called by two threads
 * at once.
 */
void route_dispatch(struct request *request, struct response *response, bool lists);

#endif
