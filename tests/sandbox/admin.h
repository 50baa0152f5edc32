/*
 * admin: what only the administrator of the registration centre may do, except for confirming (signing.h).
 */
#ifndef PODPIS_SANDBOX_ADMIN_H
#define PODPIS_SANDBOX_ADMIN_H

#include "tests/sandbox/http.h"

void admin_accounts(struct request *request, struct response *response);
void admin_return(struct request *request, struct response *response);
void admin_reject(struct request *request, struct response *response);

#endif
