/*
 * certificate: what an X.509 certificate (RFC 5280) says, read strictly. Path validation is OpenSSL's.
 */
#ifndef PODPIS_ASN1_CERTIFICATE_H
#define PODPIS_ASN1_CERTIFICATE_H

#include "asn1/extension.h"
#include "asn1/name.h"

struct certificate {
	uint8_t *der; /* the whole, owned; the other pointers go into it */
	size_t length;
	const uint8_t *serial_der, *issuer_der, *subject_der,
		*spki; /* DER with tag, as CKA_SERIAL_NUMBER etc. want it */
	size_t serial_length, issuer_length, subject_length, spki_length;
	struct name issuer, subject;
	time_t not_before, not_after;
	char signature_oid[64],
		key_oid[64]; /* algorithms, which may be ones that are not known here */
	struct extensions extensions;
	uint8_t sha256[32]; /* of the whole */
	uint8_t sha1[20];   /* the same, as Windows and many cabinets show it */
	uint8_t key_sha1
		[20]; /* of the subjectPublicKey's bits (RFC 5280, 4.2.1.2 (1)): CKA_ID, key identifier */
};

/* DER, all of it. The caller frees with certificate_clear. */
bool certificate_decode(
	const uint8_t *der, size_t length, struct certificate *certificate, struct error *err);
void certificate_clear(struct certificate *certificate);

/*
 * The certificate's signature is this key's, by one of the algorithms of algorithm.h; says nothing of trust. For what
 * OpenSSL can't verify: GOST.
 */
bool certificate_is_signed_by(const struct certificate *certificate, const uint8_t *spki,
	size_t spki_length, struct error *err);

struct certificates {
	size_t count;
	struct certificate *list;
};

/*
 * Whatever a person may have: one or several PEM certificates, DER, PKCS#7 (PEM, DER or BER). At most 32.
 * ERROR_USAGE says what the bytes look like when they are none of these.
 */
bool certificates_read(
	const uint8_t *data, size_t length, struct certificates *certificates, struct error *err);
void certificates_clear(struct certificates *certificates);

#endif
