/*
 * pkcs11: Cryptoki's types and numbers.
 *
 * p11-kit's header has PKCS#11 2.40; what 3.0 adds to it (OASIS PKCS #11 v3.0, including the errata) and
 * the numbers of later or vendors' versions that applications send stand here.
 */
#ifndef PODPIS_SUPPORT_PKCS11_H
#define PODPIS_SUPPORT_PKCS11_H

/* The C_* functions are what the module exports, though everything else is built hidden. */
#pragma GCC visibility push(default)
#include <p11-kit/pkcs11.h>
#pragma GCC visibility pop

#include "module/podpis-gost.h"

/* Profiles and unique ids (PKCS #11 v3.0, 4.4, 4.12; Profiles v3.0) */
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

/* Return values of 3.0 */
#ifndef CKR_AEAD_DECRYPT_FAILED
#define CKR_AEAD_DECRYPT_FAILED     0x00000042UL
#define CKR_OPERATION_CANCEL_FAILED 0x00000202UL
#define CKR_TOKEN_RESOURCE_EXCEEDED 0x00000201UL
#define CKR_KEY_EXHAUSTED           0x00000203UL
#endif

/* Montgomery curves, the Edwards curves' mechanism parameters (Current Mechanisms v3.0, 2.3) */
#ifndef CKK_EC_MONTGOMERY
#define CKK_EC_MONTGOMERY              0x00000041UL
#define CKM_EC_MONTGOMERY_KEY_PAIR_GEN 0x00001056UL
#endif

typedef struct CK_EDDSA_PARAMS {
	CK_BBOOL phFlag;
	CK_ULONG ulContextDataLen;
	CK_BYTE_PTR pContextData;
} CK_EDDSA_PARAMS;
typedef CK_EDDSA_PARAMS *CK_EDDSA_PARAMS_PTR;

#ifndef CKZ_DATA_SPECIFIED
#define CKZ_DATA_SPECIFIED 0x00000001UL
#endif

#ifndef CK_CERTIFICATE_CATEGORY_UNSPECIFIED
#define CK_CERTIFICATE_CATEGORY_UNSPECIFIED 0UL
#endif

/* Flags of mechanisms and of C_SessionCancel */
#define CKF_MESSAGE_ENCRYPT 0x00000002UL
#define CKF_MESSAGE_DECRYPT 0x00000004UL
#define CKF_MESSAGE_SIGN    0x00000008UL
#define CKF_MESSAGE_VERIFY  0x00000010UL
#define CKF_MULTI_MESSAGE   0x00000020UL
#define CKF_FIND_OBJECTS    0x00000040UL
#define CKF_END_OF_MESSAGE  0x00000001UL

/* Interfaces (PKCS #11 v3.0, 3.8) */
#define CKF_INTERFACE_FORK_SAFE 0x00000001UL

typedef struct CK_INTERFACE {
	CK_UTF8CHAR *pInterfaceName;
	CK_VOID_PTR pFunctionList;
	CK_FLAGS flags;
} CK_INTERFACE;
typedef CK_INTERFACE *CK_INTERFACE_PTR;
typedef CK_INTERFACE_PTR *CK_INTERFACE_PTR_PTR;

/*
 * What 3.0 adds to the functions, in the order of CK_FUNCTION_LIST_3_0: each is declared, and has a pointer
 * type CK_C_…, as p11-kit's header has for those of 2.40.
 */
#pragma GCC visibility push(default)
#define PKCS11_FUNCTION(name, ...)                                                                 \
	typedef CK_RV (*CK_##name)(__VA_ARGS__);                                                   \
	CK_RV name(__VA_ARGS__)

PKCS11_FUNCTION(C_GetInterfaceList, CK_INTERFACE_PTR list, CK_ULONG_PTR count);
PKCS11_FUNCTION(C_GetInterface, CK_UTF8CHAR_PTR name, CK_VERSION_PTR version,
	CK_INTERFACE_PTR_PTR interface, CK_FLAGS flags);
PKCS11_FUNCTION(C_LoginUser, CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin,
	CK_ULONG pin_length, CK_UTF8CHAR_PTR name, CK_ULONG name_length);
PKCS11_FUNCTION(C_SessionCancel, CK_SESSION_HANDLE session, CK_FLAGS flags);
PKCS11_FUNCTION(C_MessageEncryptInit, CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism,
	CK_OBJECT_HANDLE key);
PKCS11_FUNCTION(C_EncryptMessage, CK_SESSION_HANDLE session, CK_VOID_PTR parameter,
	CK_ULONG parameter_length, CK_BYTE_PTR associated, CK_ULONG associated_length,
	CK_BYTE_PTR plain, CK_ULONG plain_length, CK_BYTE_PTR cipher, CK_ULONG_PTR cipher_length);
PKCS11_FUNCTION(C_EncryptMessageBegin, CK_SESSION_HANDLE session, CK_VOID_PTR parameter,
	CK_ULONG parameter_length, CK_BYTE_PTR associated, CK_ULONG associated_length);
PKCS11_FUNCTION(C_EncryptMessageNext, CK_SESSION_HANDLE session, CK_VOID_PTR parameter,
	CK_ULONG parameter_length, CK_BYTE_PTR plain, CK_ULONG plain_length, CK_BYTE_PTR cipher,
	CK_ULONG_PTR cipher_length, CK_FLAGS flags);
PKCS11_FUNCTION(C_MessageEncryptFinal, CK_SESSION_HANDLE session);
PKCS11_FUNCTION(C_MessageDecryptInit, CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism,
	CK_OBJECT_HANDLE key);
PKCS11_FUNCTION(C_DecryptMessage, CK_SESSION_HANDLE session, CK_VOID_PTR parameter,
	CK_ULONG parameter_length, CK_BYTE_PTR associated, CK_ULONG associated_length,
	CK_BYTE_PTR cipher, CK_ULONG cipher_length, CK_BYTE_PTR plain, CK_ULONG_PTR plain_length);
PKCS11_FUNCTION(C_DecryptMessageBegin, CK_SESSION_HANDLE session, CK_VOID_PTR parameter,
	CK_ULONG parameter_length, CK_BYTE_PTR associated, CK_ULONG associated_length);
PKCS11_FUNCTION(C_DecryptMessageNext, CK_SESSION_HANDLE session, CK_VOID_PTR parameter,
	CK_ULONG parameter_length, CK_BYTE_PTR cipher, CK_ULONG cipher_length, CK_BYTE_PTR plain,
	CK_ULONG_PTR plain_length, CK_FLAGS flags);
PKCS11_FUNCTION(C_MessageDecryptFinal, CK_SESSION_HANDLE session);
PKCS11_FUNCTION(C_MessageSignInit, CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism,
	CK_OBJECT_HANDLE key);
PKCS11_FUNCTION(C_SignMessage, CK_SESSION_HANDLE session, CK_VOID_PTR parameter,
	CK_ULONG parameter_length, CK_BYTE_PTR data, CK_ULONG data_length, CK_BYTE_PTR signature,
	CK_ULONG_PTR signature_length);
PKCS11_FUNCTION(C_SignMessageBegin, CK_SESSION_HANDLE session, CK_VOID_PTR parameter,
	CK_ULONG parameter_length);
PKCS11_FUNCTION(C_SignMessageNext, CK_SESSION_HANDLE session, CK_VOID_PTR parameter,
	CK_ULONG parameter_length, CK_BYTE_PTR data, CK_ULONG data_length, CK_BYTE_PTR signature,
	CK_ULONG_PTR signature_length);
PKCS11_FUNCTION(C_MessageSignFinal, CK_SESSION_HANDLE session);
PKCS11_FUNCTION(C_MessageVerifyInit, CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism,
	CK_OBJECT_HANDLE key);
PKCS11_FUNCTION(C_VerifyMessage, CK_SESSION_HANDLE session, CK_VOID_PTR parameter,
	CK_ULONG parameter_length, CK_BYTE_PTR data, CK_ULONG data_length, CK_BYTE_PTR signature,
	CK_ULONG signature_length);
PKCS11_FUNCTION(C_VerifyMessageBegin, CK_SESSION_HANDLE session, CK_VOID_PTR parameter,
	CK_ULONG parameter_length);
PKCS11_FUNCTION(C_VerifyMessageNext, CK_SESSION_HANDLE session, CK_VOID_PTR parameter,
	CK_ULONG parameter_length, CK_BYTE_PTR data, CK_ULONG data_length, CK_BYTE_PTR signature,
	CK_ULONG signature_length);
PKCS11_FUNCTION(C_MessageVerifyFinal, CK_SESSION_HANDLE session);
#undef PKCS11_FUNCTION
#pragma GCC visibility pop

/*
 * The functions in the order of the standard's structures (PKCS #11 v3.0, 3.6 and 3.7): the one list that
 * the structure of 3.0 and both of the module's tables are made from.
 */
/* clang-format off */
#define PKCS11_FUNCTIONS_2_40(X)                                                                    \
	X(C_Initialize) X(C_Finalize) X(C_GetInfo) X(C_GetFunctionList)                             \
	X(C_GetSlotList) X(C_GetSlotInfo) X(C_GetTokenInfo)                                         \
	X(C_GetMechanismList) X(C_GetMechanismInfo)                                                 \
	X(C_InitToken) X(C_InitPIN) X(C_SetPIN)                                                     \
	X(C_OpenSession) X(C_CloseSession) X(C_CloseAllSessions) X(C_GetSessionInfo)                \
	X(C_GetOperationState) X(C_SetOperationState) X(C_Login) X(C_Logout)                        \
	X(C_CreateObject) X(C_CopyObject) X(C_DestroyObject) X(C_GetObjectSize)                     \
	X(C_GetAttributeValue) X(C_SetAttributeValue)                                               \
	X(C_FindObjectsInit) X(C_FindObjects) X(C_FindObjectsFinal)                                 \
	X(C_EncryptInit) X(C_Encrypt) X(C_EncryptUpdate) X(C_EncryptFinal)                          \
	X(C_DecryptInit) X(C_Decrypt) X(C_DecryptUpdate) X(C_DecryptFinal)                          \
	X(C_DigestInit) X(C_Digest) X(C_DigestUpdate) X(C_DigestKey) X(C_DigestFinal)               \
	X(C_SignInit) X(C_Sign) X(C_SignUpdate) X(C_SignFinal)                                      \
	X(C_SignRecoverInit) X(C_SignRecover)                                                       \
	X(C_VerifyInit) X(C_Verify) X(C_VerifyUpdate) X(C_VerifyFinal)                              \
	X(C_VerifyRecoverInit) X(C_VerifyRecover)                                                   \
	X(C_DigestEncryptUpdate) X(C_DecryptDigestUpdate)                                           \
	X(C_SignEncryptUpdate) X(C_DecryptVerifyUpdate)                                             \
	X(C_GenerateKey) X(C_GenerateKeyPair) X(C_WrapKey) X(C_UnwrapKey) X(C_DeriveKey)            \
	X(C_SeedRandom) X(C_GenerateRandom)                                                         \
	X(C_GetFunctionStatus) X(C_CancelFunction) X(C_WaitForSlotEvent)

#define PKCS11_FUNCTIONS_3_0(X)                                                                     \
	X(C_GetInterfaceList) X(C_GetInterface) X(C_LoginUser) X(C_SessionCancel)                   \
	X(C_MessageEncryptInit) X(C_EncryptMessage) X(C_EncryptMessageBegin)                        \
	X(C_EncryptMessageNext) X(C_MessageEncryptFinal)                                            \
	X(C_MessageDecryptInit) X(C_DecryptMessage) X(C_DecryptMessageBegin)                        \
	X(C_DecryptMessageNext) X(C_MessageDecryptFinal)                                            \
	X(C_MessageSignInit) X(C_SignMessage) X(C_SignMessageBegin)                                 \
	X(C_SignMessageNext) X(C_MessageSignFinal)                                                  \
	X(C_MessageVerifyInit) X(C_VerifyMessage) X(C_VerifyMessageBegin)                           \
	X(C_VerifyMessageNext) X(C_MessageVerifyFinal)
/* clang-format on */

#define PKCS11_MEMBER(name) CK_##name name;
typedef struct CK_FUNCTION_LIST_3_0 {
	CK_VERSION version;
	PKCS11_FUNCTIONS_2_40(PKCS11_MEMBER) PKCS11_FUNCTIONS_3_0(PKCS11_MEMBER)
} CK_FUNCTION_LIST_3_0;
#undef PKCS11_MEMBER
typedef CK_FUNCTION_LIST_3_0 *CK_FUNCTION_LIST_3_0_PTR;

#endif
