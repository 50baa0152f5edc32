/*
 * cms: SignedData (RFC 5652) with the signed attributes of CAdES-BES (ETSI EN 319 122-1): contentType,
 * messageDigest, signingTime, signingCertificateV2 (ESSCertIDv2, RFC 5035).
 *
 * What is made has one signer. Without a certificate (a key that does not have one yet) he is named by its
 * subjectKeyIdentifier and signingCertificateV2 is left out. Ed25519 follows RFC 8419. What is read is either
 * just that (cms_verify), or anything that other programs make (cms_open).
 */
#ifndef PODPIS_ASN1_CMS_H
#define PODPIS_ASN1_CMS_H

#include <time.h>

#include "asn1/certificate.h"
#include "asn1/message_digest.h"
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

/* The digest that such a signature takes of the content, by name ("SHA256"). NULL for no algorithm. */
const char *cms_digest_name(enum signature_algorithm algorithm);

/*
 * The same for a content of any size, of which the caller has the digest by that name. Always detached.
 */
bool cms_sign_digest(const struct cms_signing *signing, const uint8_t *digest, size_t digest_length,
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

/*
 * A SignedData by any program: BER or DER, its sets in any order, any number of signers, any content type.
 * The bytes are copied; what is given out points into the copy. Nothing is verified by opening.
 */
struct cms_signed;

/* ERROR_USAGE when it is no SignedData. */
bool cms_open(
	const uint8_t *data, size_t length, struct cms_signed **signed_data, struct error *err);
void cms_close(struct cms_signed *signed_data);

/* The content (NULL: detached). */
void cms_content(
	const struct cms_signed *signed_data, const uint8_t **content, size_t *content_length);
/* The X.509 certificates and revocation lists in it, which anybody may have put there. */
const struct cms_certificate *cms_signed_certificates(
	const struct cms_signed *signed_data, size_t *count);
const struct cms_certificate *cms_signed_crls(const struct cms_signed *signed_data, size_t *count);

size_t cms_signer_count(const struct cms_signed *signed_data);

struct cms_signer {
	const struct certificate *certificate; /* NULL: neither embedded nor among the others */
	char named[512];                       /* how the SignerInfo names it, for a person */
	const char *algorithm;                 /* for a person; NULL when it is not supported */
	time_t signing_time;                   /* 0: not there; its own claim, nobody else's */
	bool cades; /* signingCertificateV2 is there: CAdES-BES in form, whether it verifies or not */
};

/*
 * What signer `number` (from 0) says of himself. His certificate may be among `others` (NULL: none). It is
 * valid up to the next call.
 */
bool cms_signer_read(struct cms_signed *signed_data, size_t number,
	const struct certificates *others, struct cms_signer *signer, struct error *err);

/* What a detached signature is over; the digest is asked for by name. */
struct cms_source {
	bool (*digest)(void *context, const char *name, uint8_t digest[MESSAGE_DIGEST_MAX],
		size_t *length, struct error *err);
	void *context;
};

/*
 * Verifies the signer that was read last: content (from `source` for a detached signature, else NULL),
 * signed attributes, signature, signingCertificateV2 when there is one.
 */
bool cms_signer_verify(
	struct cms_signed *signed_data, const struct cms_source *source, struct error *err);

/* The certificates of a "certs-only" SignedData (.p7b) or any other, without verifying. */
bool cms_certificates(const uint8_t *der, size_t length, struct cms *cms, struct error *err);

#endif
