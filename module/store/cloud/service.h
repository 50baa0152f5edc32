/*
 * service: calls to one account's signing service (CSC API), by any number of threads.
 *
 * Each call has a connection of its own while it is under way; connections are kept and used again. Everything runs
 * with the module's own library context as the thread's default one (design, rule 1), and no lock is held.
 *
 * A call is sent again only where the service has not acted on it: an access token that is not taken any more (401)
 * is renewed once, 429 is waited for, and a connection that never came about is tried once more.
 *
 * Errors: CKR_FUNCTION_CANCELED, CKR_PODPIS_LOGIN, _UNREACHABLE, _REFUSED (podpis-cloud.h), and the precise ones of
 * the table in service.c. Each is logged once, here.
 */
#ifndef PODPIS_STORE_CLOUD_SERVICE_H
#define PODPIS_STORE_CLOUD_SERVICE_H

#include "module/crypto/context.h"
#include "module/store/cloud/patience.h"
#include "module/support/cloud_account.h"

#include "module/podpis-cloud.h"

/* The authorisation is not taken: a new one may be. Never leaves the store. */
#define CKR_PODPIS_SAD CKR_PODPIS(0x2f)
/* The service wants the other operationMode. Never leaves batch.c. */
#define CKR_PODPIS_MODE CKR_PODPIS(0x2e)

struct service;

/* What is given outlives the service. `name` is the slot's, for the log. */
CK_RV service_new(const struct cloud_account *account, const char *name, struct crypto *crypto,
	struct log *log, const atomic_bool *closing, struct service **out);
/* No call is under way. After OPENSSL_cleanup connections are left as they are. */
void service_free(struct service *service); /* NULL is fine */

const struct cloud_account *service_account(const struct service *service);

/* What became of a call besides its answer. */
struct service_outcome {
	bool pending; /* 202: "ask again" */
	bool acted;   /* the service may have done what was asked, whether it said so or not */
};

struct service_call {
	const char *path; /* "credentials/list" */
	json_t *body;     /* borrowed */
	/* Instead of the login's token; NULL: that. */
	const struct secret *bearer;
	struct service_outcome *outcome; /* set, also with an error; NULL: that is no matter here */
};

/* An answer with 2xx; *out is an object (for 204, and 202 without one, empty), wiped and freed with tokens_wipe. */
CK_RV service_call(struct service *service, const struct patience *patience,
	const struct service_call *call, json_t **out);

/* A credential's token from the browser (oauth2/authorize with scope=credential). */
struct service_browse {
	const char *credential; /* its id */
	unsigned signatures;
	const char *hashes;         /* base64url, separated by commas; NULL: any */
	const char *hash_algorithm; /* OID; NULL: none */
};
struct oauth_grant;
CK_RV service_browse(struct service *service, const struct patience *patience,
	const struct service_browse *wish, struct oauth_grant *out);

/* Into and out of the module's library context, for what else may ask for the default one. */
OSSL_LIB_CTX *service_enter(struct service *service);
void service_leave(OSSL_LIB_CTX *before);

#endif
