/*
 * podpis-gost: what PKCS#11 leaves to vendors for GOST R 34.10-2012 and GOST R 34.11-2012 (Streebog), with the numbers
 * of the Russian standards committee TC 26 that other modules and pkcs11-tool use, too. Keys of 256 bits have the
 * standard's own numbers: CKK_GOSTR3410, CKM_GOSTR3410_KEY_PAIR_GEN, CKM_GOSTR3410. Include after a pkcs11.h.
 *
 * CKA_GOSTR3410_PARAMS and CKA_GOSTR3411_PARAMS hold the DER of an OID, CKA_VALUE the number d or the point X || Y,
 * little-endian each; a signature is s || r, big-endian each.
 */
#ifndef PODPIS_GOST_H
#define PODPIS_GOST_H

#define CK_VENDOR_PKCS11_RU_TEAM_TC26       (0x80000000UL | 0x54321000UL)

#define CKK_GOSTR3410_512                   (CK_VENDOR_PKCS11_RU_TEAM_TC26 | 0x003UL)

#define CKM_GOSTR3410_512_KEY_PAIR_GEN      (CK_VENDOR_PKCS11_RU_TEAM_TC26 | 0x005UL)
#define CKM_GOSTR3410_512                   (CK_VENDOR_PKCS11_RU_TEAM_TC26 | 0x006UL)
#define CKM_GOSTR3410_WITH_GOSTR3411_12_256 (CK_VENDOR_PKCS11_RU_TEAM_TC26 | 0x008UL)
#define CKM_GOSTR3410_WITH_GOSTR3411_12_512 (CK_VENDOR_PKCS11_RU_TEAM_TC26 | 0x009UL)
#define CKM_GOSTR3411_12_256                (CK_VENDOR_PKCS11_RU_TEAM_TC26 | 0x012UL)
#define CKM_GOSTR3411_12_512                (CK_VENDOR_PKCS11_RU_TEAM_TC26 | 0x013UL)

#endif
