/*
 * signing_certificate: the value of the attribute signingCertificateV2 (RFC 5035, 3; CAdES-BES needs it, ETSI
 * EN 319 122-1, 5.2.2.3): the digest of the signer's certificate, with its issuer and serial number, so that
 * no other certificate for the same key can be put in its place.
 */
#ifndef PODPIS_ASN1_SIGNING_CERTIFICATE_H
#define PODPIS_ASN1_SIGNING_CERTIFICATE_H

#include "asn1/certificate.h"

/* With SHA-256. */
bool signing_certificate_encode(
	const struct certificate *certificate, struct buffer *der, struct error *err);

/*
 * The first ESSCertIDv2 is the signer's. With a certificate (`certificate->der` not NULL) it is compared. The
 * digest is given when it is SHA-256, which `has_sha256` says.
 */
bool signing_certificate_check(const uint8_t *der, size_t length,
	const struct certificate *certificate, uint8_t sha256[32], bool *has_sha256,
	struct error *err);

#endif
