/*
 * document: the papers that have to be signed: the certificate form and the memo. They are made once, when
 * the application gets that far, and kept.
 */
#ifndef PODPIS_SANDBOX_DOCUMENT_H
#define PODPIS_SANDBOX_DOCUMENT_H

#include <openssl/x509.h>

#include "tests/sandbox/application.h"

/* Makes the application's documents anew. */
void document_make_all(struct sandbox *sandbox, const struct application *application);
void document_remove_all(struct sandbox *sandbox, const char *application);

/* [Document], as in the API. */
json_t *document_list(struct store *store, const char *application);

/* "ec:P-256", "rsa:2048", "ed25519", "gost:256" of a PKCS#10's key; "" when it is none of these. */
void document_key_name(X509_REQ *request, char out[32]);

/* GET …/documents/{document}. */
void document_get(struct request *request, struct response *response);

#endif
