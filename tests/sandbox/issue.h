/*
 * issue: a certificate for an approved application, into the store, and what is asked about it afterwards.
 */
#ifndef PODPIS_SANDBOX_ISSUE_H
#define PODPIS_SANDBOX_ISSUE_H

#include "tests/sandbox/application.h"
#include "tests/sandbox/ca.h"

/* Issues from the PKCS#10 and writes the certificate's SHA-256 into the application (not saved). */
bool issue_certificate(struct sandbox *sandbox, struct application *application);

/* The certificate's DER, by its SHA-256. False when there is none. */
bool issue_find(struct store *store, const uint8_t hash[CODEC_SHA256], struct buffer *der);

/* RFC 5280's number of a reason's name, -1 for an unknown one. */
int issue_revocation_reason(const char *name);
void issue_revoke(struct sandbox *sandbox, const uint8_t hash[CODEC_SHA256], int reason);

/* The addresses of a family's issuing authority's list and its root's. */
#define ISSUE_URL_MAX 128
void issue_crl_urls(const struct sandbox *sandbox, enum ca_family family,
	char issuer[ISSUE_URL_MAX], char root[ISSUE_URL_MAX]);

#endif
