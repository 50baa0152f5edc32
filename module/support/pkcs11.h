/*
 * pkcs11: Cryptoki's types and numbers.
 *
 * p11-kit's header has PKCS#11 2.40; what 3.0 adds to it (OASIS PKCS #11 v3.0, including the errata) and
 * the vendor numbers that applications send stand here.
 */
#ifndef PODPIS_SUPPORT_PKCS11_H
#define PODPIS_SUPPORT_PKCS11_H

#include <p11-kit/pkcs11.h>

/* PKCS #11 v3.0, 3.2 and 4: profiles, unique ids */
#ifndef CKO_PROFILE
#define CKO_PROFILE 0x00000009UL
#endif
#ifndef CKA_PROFILE_ID
#define CKA_PROFILE_ID 0x00000601UL
#endif
#ifndef CKA_UNIQUE_ID
#define CKA_UNIQUE_ID 0x00000004UL
#endif
#define CKP_INVALID_ID                0x00000000UL
#define CKP_BASELINE_PROVIDER         0x00000001UL
#define CKP_EXTENDED_PROVIDER         0x00000002UL
#define CKP_AUTHENTICATION_TOKEN      0x00000003UL
#define CKP_PUBLIC_CERTIFICATES_TOKEN 0x00000004UL
#define CKP_VENDOR_DEFINED            0x80000000UL

#endif
