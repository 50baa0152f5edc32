/*
 * signature: CMS signatures (docs/authority-api.yaml, "Signatures"), read with OpenSSL, verified with GnuTLS
 * and with OpenSSL: both have to agree, where both can. OpenSSL has GOST from asn1/gost_provider.h, which is the
 * project's own code; GnuTLS has its own for two of the curves; Ed25519 is GnuTLS's alone.
 */
#ifndef PODPIS_SANDBOX_SIGNATURE_H
#define PODPIS_SANDBOX_SIGNATURE_H

#include <openssl/x509.h>

#include "tests/sandbox/check.h"
#include "tests/sandbox/sandbox.h"

/*
 * By a certificate, which the CMS holds: *signer is that certificate (the caller frees it). Says nothing about
 * whether it may sign. Code: invalid-signature.
 */
bool signature_by_certificate(const struct buffer *cms, const void *content, size_t length,
	X509 **signer, struct check_problem *problem);

/* By a key without a certificate; `stand_in` holds it, see ca_stand_in. */
bool signature_by_key(const struct buffer *cms, const void *content, size_t length, X509 *stand_in,
	struct check_problem *problem);

/*
 * The certificate may sign now: this authority issued it to that account, with that SNILS; its dates and its
 * key's hold, it is not revoked. Code: wrong-signer. `hash` is its SHA-256.
 */
bool signature_signer_allowed(struct sandbox *sandbox, X509 *signer, const char *account,
	uint8_t hash[CODEC_SHA256], struct check_problem *problem);

/* The value of a subject's attribute, UTF-8, or "". */
void signature_subject(X509 *certificate, const char *oid, char *out, size_t size);

#endif
