/*
 * cms: SignedData (RFC 5652) with the signed attributes of CAdES-BES (ETSI EN 319 122-1): contentType,
 * messageDigest, signingTime, signingCertificateV2 (ESSCertIDv2, RFC 5035).
 *
 * One signer. Without a certificate (a key that does not have one yet) the signer is named by its
 * subjectKeyIdentifier and signingCertificateV2 is left out. Ed25519 follows RFC 8419.
 */
#ifndef PODPIS_ASN1_CMS_H
#define PODPIS_ASN1_CMS_H

#include <time.h>

#include "asn1/signer.h"

struct cms_certificate {
	const uint8_t *der;
	size_t length;
};

struct cms_signing {
	const struct signer *signer;
	const struct cms_certificate
		*certificates;    /* the signer's first, then its chain; all are embedded */
	size_t certificate_count; /* may be 0, then `key_identifier` is used */
	const uint8_t *key_identifier;
	size_t key_identifier_length;
	bool attached;       /* the content goes into the structure */
	time_t signing_time; /* UTC */
};

bool cms_sign(const struct cms_signing *signing, const uint8_t *content, size_t length,
	struct buffer *der, struct error *err);

/* What a SignedData says; pointers go into the buffer that was decoded. */
struct cms {
	const uint8_t *content; /* NULL when detached */
	size_t content_length;
	struct cms_certificate *certificates;
	size_t certificate_count;
	const uint8_t *
		signer_certificate; /* DER of the one that the SignerInfo names; NULL if not embedded */
	size_t signer_certificate_length;
	time_t signing_time;            /* 0: not there */
	uint8_t certificate_sha256[32]; /* of signingCertificateV2 */
	bool has_certificate_sha256;
	enum signature_algorithm algorithm;
};

/*
 * Strict DER, exactly one signer, signed attributes as above. `content` is what a detached signature is over
 * (NULL for attached). `spki` is the key to verify with, or NULL for the embedded signer's certificate.
 * Verifies digest, signature and signingCertificateV2; the certificate's own trust is the caller's matter.
 */
bool cms_verify(const uint8_t *der, size_t length, const uint8_t *content, size_t content_length,
	const uint8_t *spki, size_t spki_length, struct cms *cms, struct error *err);
void cms_clear(struct cms *cms);

/* The certificates of a "certs-only" SignedData (.p7b) or any other, without verifying. */
bool cms_certificates(const uint8_t *der, size_t length, struct cms *cms, struct error *err);

#endif
