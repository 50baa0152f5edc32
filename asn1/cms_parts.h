/*
 * cms_parts: what the writer and the reader of SignedData have in common.
 */
#ifndef PODPIS_ASN1_CMS_PARTS_H
#define PODPIS_ASN1_CMS_PARTS_H

#define OID_DATA                   "1.2.840.113549.1.7.1"
#define OID_SIGNED_DATA            "1.2.840.113549.1.7.2"
#define OID_CONTENT_TYPE           "1.2.840.113549.1.9.3"
#define OID_MESSAGE_DIGEST         "1.2.840.113549.1.9.4"
#define OID_SIGNING_TIME           "1.2.840.113549.1.9.5"
#define OID_SIGNING_CERTIFICATE_V2 "1.2.840.113549.1.9.16.2.47"

#define CMS_CONTENT_MAX            (DER_CMS_MAX - DER_MAX) /* bytes of an attached content */
#define CMS_CERTIFICATES_MAX       32

#endif
