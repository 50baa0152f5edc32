/*
 * signing: what comes in signed after the application: its documents, and statements about it (confirmation
 * by the administrator, revocation).
 */
#ifndef PODPIS_SANDBOX_SIGNING_H
#define PODPIS_SANDBOX_SIGNING_H

#include "tests/sandbox/http.h"

void signing_documents(struct request *request, struct response *response);
void signing_confirmation(struct request *request, struct response *response);
void signing_revocation(struct request *request, struct response *response);

#endif
