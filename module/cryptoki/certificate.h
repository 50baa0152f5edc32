/*
 * certificate: what an X.509 certificate's own bytes say about its object (PKCS #11 v3.0, 4.6.3).
 */
#ifndef PODPIS_CRYPTOKI_CERTIFICATE_H
#define PODPIS_CRYPTOKI_CERTIFICATE_H

#include "module/cryptoki/template.h"

/*
 * Adds CKA_SUBJECT, CKA_ISSUER, CKA_SERIAL_NUMBER (as DER) and CKA_PUBLIC_KEY_INFO to the draft, where they
 * are missing or empty and CKA_VALUE is a certificate; they point into CKA_VALUE. Bytes that are no
 * certificate are left as they are: the standard does not ask a token to look into them.
 * CKR_ATTRIBUTE_VALUE_INVALID for an unknown CKA_CERTIFICATE_TYPE, CKR_TEMPLATE_INCOMPLETE without value.
 */
CK_RV certificate_fill(struct draft *draft);

#endif
