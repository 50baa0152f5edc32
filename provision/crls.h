/*
 * crls: revocation lists (RFC 5280, 5) from files, folders and signatures, as OpenSSL reads them.
 */
#ifndef PODPIS_PROVISION_CRLS_H
#define PODPIS_PROVISION_CRLS_H

#include <stdint.h>
#include <openssl/x509.h>

#include "module/support/error.h"

#define CRLS_MAX 1024

struct crls {
	STACK_OF(X509_CRL) * list; /* NULL: none */
};

/* A file of PEM lists or one in DER, or a folder, whose files that are lists are taken. ERROR_USAGE. */
bool crls_load(struct crls *crls, const char *path, struct error *err);
/* One in DER. */
bool crls_add(struct crls *crls, const uint8_t *der, size_t length, struct error *err);
void crls_clear(struct crls *crls);

#endif
