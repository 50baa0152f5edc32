/*
 * csr: PKCS#10 certification requests (RFC 2986).
 */
#ifndef PODPIS_ASN1_CSR_H
#define PODPIS_ASN1_CSR_H

#include "asn1/extension.h"
#include "asn1/name.h"
#include "asn1/signer.h"

struct csr {
	struct name subject;
	uint8_t *spki; /* DER SubjectPublicKeyInfo */
	size_t spki_length;
	struct extensions
		extensions; /* those of the extensionRequest attribute (RFC 2985, 5.4.2) */
};

/* Builds CertificationRequestInfo, has it signed, appends the DER request. */
bool csr_create(const struct name *subject, const uint8_t *spki, size_t spki_length,
	const struct extensions *extensions, const struct signer *signer, struct buffer *der,
	struct error *err);

/* Parses strictly and verifies the proof of possession. The caller frees with csr_clear. */
bool csr_decode(const uint8_t *der, size_t length, struct csr *csr, struct error *err);
void csr_clear(struct csr *csr);

#endif
