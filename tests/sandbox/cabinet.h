/*
 * cabinet: the applications over HTTP, docs/authority-api.yaml: filing, status, signatures, certificate.
 */
#ifndef PODPIS_SANDBOX_CABINET_H
#define PODPIS_SANDBOX_CABINET_H

#include "tests/sandbox/application.h"

enum cabinet_access {
	CABINET_READ,   /* whose it is, or an administrator */
	CABINET_HOLDER, /* whose it is */
	CABINET_ADMINISTRATOR,
};

/*
 * Loads the application that the path names, settled, if the token opens it; else the response is the error.
 * To be cleared in either case.
 */
bool cabinet_open(struct request *request, struct response *response, enum cabinet_access access,
	struct application *out);

/* 409 with the application as it is, unless the action is allowed. */
bool cabinet_allows(struct request *request, struct response *response,
	const struct application *application, unsigned action);

/* Settles and answers the Status. `token` NULL: without. */
void cabinet_answer(struct request *request, struct response *response, unsigned status,
	const char *id, const char *token);

/*
 * Reads the Idempotency-Key. CABINET_SEEN: answered already, `id` is the application; CABINET_REFUSED: the
 * response is the error; CABINET_NEW: cabinet_remember has to follow when the work is done.
 */
enum cabinet_key { CABINET_NEW, CABINET_SEEN, CABINET_REFUSED };
enum cabinet_key cabinet_key(
	struct request *request, struct response *response, char id[HTTP_NAME_MAX]);
void cabinet_remember(struct request *request, const char *id);

void cabinet_info(struct request *request, struct response *response);
void cabinet_template(struct request *request, struct response *response);
void cabinet_list(struct request *request, struct response *response);
void cabinet_status(struct request *request, struct response *response);
void cabinet_certificate(struct request *request, struct response *response);
void cabinet_confirm(struct request *request, struct response *response);
void cabinet_cancel(struct request *request, struct response *response);
void cabinet_crl(struct request *request, struct response *response);

#endif
