/*
 * cms_parts: what the writer and the reader of SignedData have in common.
 */
#ifndef PODPIS_ASN1_CMS_PARTS_H
#define PODPIS_ASN1_CMS_PARTS_H

#include <libtasn1.h>

#include "asn1/algorithm.h"
#include "asn1/cms.h"
#include "asn1/der.h"
#include "asn1/oid.h"

#define OID_DATA                   "1.2.840.113549.1.7.1"
#define OID_SIGNED_DATA            "1.2.840.113549.1.7.2"
#define OID_CONTENT_TYPE           "1.2.840.113549.1.9.3"
#define OID_MESSAGE_DIGEST         "1.2.840.113549.1.9.4"
#define OID_SIGNING_TIME           "1.2.840.113549.1.9.5"
#define OID_SIGNING_CERTIFICATE_V2 "1.2.840.113549.1.9.16.2.47"

#define CMS_CONTENT_MAX            (DER_CMS_MAX - DER_MAX) /* bytes of an attached content */
#define CMS_CERTIFICATES_MAX       32
#define CMS_SIGNERS_MAX            64

/* What is read of a SignedData; `data` belongs to the whole, the last part to the SignerInfo that is looked at. */
struct cms_signed {
	const uint8_t *der;
	size_t length;
	struct buffer copy; /* of cms_open */
	bool strict;        /* DER throughout, nothing that we would not write */
	asn1_node data;
	char content_type[OID_TEXT_MAX];
	struct cms cms;
	struct cms_certificate *crls;
	size_t crl_count, signer_count;

	asn1_node info;
	struct buffer info_der;
	const struct algorithm *algorithm;
	struct certificate signer; /* empty when it is not there */
};

#define CMS_SIGNED_INIT                                                                            \
	((struct cms_signed){.copy = BUFFER_INIT(DER_CMS_MAX), .info_der = BUFFER_INIT(DER_MAX)})

/* Takes apart what `der` and `length` are; all but the signers. */
bool cms_signed_read(struct cms_signed *signed_data, struct error *err);
void cms_signed_clear(struct cms_signed *signed_data);
void cms_signed_clear_signer(struct cms_signed *signed_data);

#endif
