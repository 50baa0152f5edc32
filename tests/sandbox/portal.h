/*
 * portal: the identity portal of the state, as far as the cabinet needs it: a login page, a page on which
 * the person agrees to the use of his biometric data, the way back; and the cabinet's two calls around it.
 */
#ifndef PODPIS_SANDBOX_PORTAL_H
#define PODPIS_SANDBOX_PORTAL_H

#include "tests/sandbox/http.h"

void portal_begin(struct request *request, struct response *response); /* POST …/identification */
void portal_complete(struct request *request, struct response *response); /* …/complete */

/* In the browser: /portal/{session}, /portal/{session}/login, /portal/{session}/consent. */
void portal_page(struct request *request, struct response *response);
void portal_login(struct request *request, struct response *response);
void portal_consent(struct request *request, struct response *response);

#endif
