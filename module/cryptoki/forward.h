/*
 * forward: the functions that have a session, as one list: each goes to the module that the session's token is
 * in (foreign.h), or to our own code.
 *
 * C_X is made from the list (forward.c); own_C_X, where there is one, is in entry.c. A row is the name and the
 * shapes of the parameters behind the session, five at most.
 */
#ifndef PODPIS_CRYPTOKI_FORWARD_H
#define PODPIS_CRYPTOKI_FORWARD_H

#include "module/support/pkcs11.h"

/* clang-format off */
#define SHAPE_NONE(P)
#define SHAPE_FLAGS(P)      P(CK_FLAGS, flags)
#define SHAPE_USER(P)       P(CK_USER_TYPE, user)
#define SHAPE_TEXT(P)       P(CK_UTF8CHAR_PTR, text) P(CK_ULONG, text_length)
#define SHAPE_TEXT_2(P)     P(CK_UTF8CHAR_PTR, text_2) P(CK_ULONG, text_2_length)
#define SHAPE_MECHANISM(P)  P(CK_MECHANISM_PTR, mechanism)
#define SHAPE_OBJECT(P)     P(CK_OBJECT_HANDLE, object)
#define SHAPE_OBJECT_2(P)   P(CK_OBJECT_HANDLE, object_2)
#define SHAPE_TEMPLATE(P)   P(CK_ATTRIBUTE_PTR, templ) P(CK_ULONG, count)
#define SHAPE_TEMPLATE_2(P) P(CK_ATTRIBUTE_PTR, templ_2) P(CK_ULONG, count_2)
#define SHAPE_NEW(P)        P(CK_OBJECT_HANDLE_PTR, new_object)
#define SHAPE_NEW_2(P)      P(CK_OBJECT_HANDLE_PTR, new_object_2)
#define SHAPE_FOUND(P)      P(CK_OBJECT_HANDLE_PTR, list) P(CK_ULONG, max) P(CK_ULONG_PTR, found)
#define SHAPE_SIZE(P)       P(CK_ULONG_PTR, size)
#define SHAPE_PARAMETER(P)  P(CK_VOID_PTR, parameter) P(CK_ULONG, parameter_length)
#define SHAPE_IN(P)         P(CK_BYTE_PTR, in) P(CK_ULONG, in_length)
#define SHAPE_IN_2(P)       P(CK_BYTE_PTR, in_2) P(CK_ULONG, in_2_length)
#define SHAPE_OUT(P)        P(CK_BYTE_PTR, out) P(CK_ULONG_PTR, out_length)

/* What our own tokens can do, too. */
#define FORWARD_OR_OWN(X)                                                  \
	X(C_InitPIN, TEXT, NONE, NONE, NONE, NONE)                         \
	X(C_SetPIN, TEXT, TEXT_2, NONE, NONE, NONE)                        \
	X(C_GetOperationState, OUT, NONE, NONE, NONE, NONE)                \
	X(C_SetOperationState, IN, OBJECT, OBJECT_2, NONE, NONE)           \
	X(C_Login, USER, TEXT, NONE, NONE, NONE)                           \
	X(C_LoginUser, USER, TEXT, TEXT_2, NONE, NONE)                     \
	X(C_Logout, NONE, NONE, NONE, NONE, NONE)                          \
	X(C_SessionCancel, FLAGS, NONE, NONE, NONE, NONE)                  \
	X(C_CreateObject, TEMPLATE, NEW, NONE, NONE, NONE)                 \
	X(C_CopyObject, OBJECT, TEMPLATE, NEW, NONE, NONE)                 \
	X(C_DestroyObject, OBJECT, NONE, NONE, NONE, NONE)                 \
	X(C_GetObjectSize, OBJECT, SIZE, NONE, NONE, NONE)                 \
	X(C_GetAttributeValue, OBJECT, TEMPLATE, NONE, NONE, NONE)         \
	X(C_SetAttributeValue, OBJECT, TEMPLATE, NONE, NONE, NONE)         \
	X(C_FindObjects, FOUND, NONE, NONE, NONE, NONE)                    \
	X(C_FindObjectsFinal, NONE, NONE, NONE, NONE, NONE)                \
	X(C_EncryptInit, MECHANISM, OBJECT, NONE, NONE, NONE)              \
	X(C_Encrypt, IN, OUT, NONE, NONE, NONE)                            \
	X(C_EncryptUpdate, IN, OUT, NONE, NONE, NONE)                      \
	X(C_EncryptFinal, OUT, NONE, NONE, NONE, NONE)                     \
	X(C_DecryptInit, MECHANISM, OBJECT, NONE, NONE, NONE)              \
	X(C_Decrypt, IN, OUT, NONE, NONE, NONE)                            \
	X(C_DecryptUpdate, IN, OUT, NONE, NONE, NONE)                      \
	X(C_DecryptFinal, OUT, NONE, NONE, NONE, NONE)                     \
	X(C_DigestInit, MECHANISM, NONE, NONE, NONE, NONE)                 \
	X(C_Digest, IN, OUT, NONE, NONE, NONE)                             \
	X(C_DigestUpdate, IN, NONE, NONE, NONE, NONE)                      \
	X(C_DigestKey, OBJECT, NONE, NONE, NONE, NONE)                     \
	X(C_DigestFinal, OUT, NONE, NONE, NONE, NONE)                      \
	X(C_SignInit, MECHANISM, OBJECT, NONE, NONE, NONE)                 \
	X(C_Sign, IN, OUT, NONE, NONE, NONE)                               \
	X(C_SignUpdate, IN, NONE, NONE, NONE, NONE)                        \
	X(C_SignFinal, OUT, NONE, NONE, NONE, NONE)                        \
	X(C_SignRecoverInit, MECHANISM, OBJECT, NONE, NONE, NONE)          \
	X(C_SignRecover, IN, OUT, NONE, NONE, NONE)                        \
	X(C_VerifyInit, MECHANISM, OBJECT, NONE, NONE, NONE)               \
	X(C_Verify, IN, IN_2, NONE, NONE, NONE)                            \
	X(C_VerifyUpdate, IN, NONE, NONE, NONE, NONE)                      \
	X(C_VerifyFinal, IN, NONE, NONE, NONE, NONE)                       \
	X(C_VerifyRecoverInit, MECHANISM, OBJECT, NONE, NONE, NONE)        \
	X(C_VerifyRecover, IN, OUT, NONE, NONE, NONE)                      \
	X(C_GenerateKey, MECHANISM, TEMPLATE, NEW, NONE, NONE)             \
	X(C_GenerateKeyPair, MECHANISM, TEMPLATE, TEMPLATE_2, NEW, NEW_2)  \
	X(C_DeriveKey, MECHANISM, OBJECT, TEMPLATE, NEW, NONE)             \
	X(C_SeedRandom, IN, NONE, NONE, NONE, NONE)                        \
	X(C_GenerateRandom, IN, NONE, NONE, NONE, NONE)                    \
	X(C_GetFunctionStatus, NONE, NONE, NONE, NONE, NONE)               \
	X(C_CancelFunction, NONE, NONE, NONE, NONE, NONE)

/* What none of our own tokens can do: CKR_FUNCTION_NOT_SUPPORTED. */
#define FORWARD_ONLY(X)                                                    \
	X(C_DigestEncryptUpdate, IN, OUT, NONE, NONE, NONE)                \
	X(C_DecryptDigestUpdate, IN, OUT, NONE, NONE, NONE)                \
	X(C_SignEncryptUpdate, IN, OUT, NONE, NONE, NONE)                  \
	X(C_DecryptVerifyUpdate, IN, OUT, NONE, NONE, NONE)                \
	X(C_WrapKey, MECHANISM, OBJECT, OBJECT_2, OUT, NONE)               \
	X(C_UnwrapKey, MECHANISM, OBJECT, IN, TEMPLATE, NEW)               \
	X(C_MessageEncryptInit, MECHANISM, OBJECT, NONE, NONE, NONE)       \
	X(C_EncryptMessage, PARAMETER, IN, IN_2, OUT, NONE)                \
	X(C_EncryptMessageBegin, PARAMETER, IN, NONE, NONE, NONE)          \
	X(C_EncryptMessageNext, PARAMETER, IN, OUT, FLAGS, NONE)           \
	X(C_MessageEncryptFinal, NONE, NONE, NONE, NONE, NONE)             \
	X(C_MessageDecryptInit, MECHANISM, OBJECT, NONE, NONE, NONE)       \
	X(C_DecryptMessage, PARAMETER, IN, IN_2, OUT, NONE)                \
	X(C_DecryptMessageBegin, PARAMETER, IN, NONE, NONE, NONE)          \
	X(C_DecryptMessageNext, PARAMETER, IN, OUT, FLAGS, NONE)           \
	X(C_MessageDecryptFinal, NONE, NONE, NONE, NONE, NONE)             \
	X(C_MessageSignInit, MECHANISM, OBJECT, NONE, NONE, NONE)          \
	X(C_SignMessage, PARAMETER, IN, OUT, NONE, NONE)                   \
	X(C_SignMessageBegin, PARAMETER, NONE, NONE, NONE, NONE)           \
	X(C_SignMessageNext, PARAMETER, IN, OUT, NONE, NONE)               \
	X(C_MessageSignFinal, NONE, NONE, NONE, NONE, NONE)                \
	X(C_MessageVerifyInit, MECHANISM, OBJECT, NONE, NONE, NONE)        \
	X(C_VerifyMessage, PARAMETER, IN, IN_2, NONE, NONE)                \
	X(C_VerifyMessageBegin, PARAMETER, NONE, NONE, NONE, NONE)         \
	X(C_VerifyMessageNext, PARAMETER, IN, IN_2, NONE, NONE)            \
	X(C_MessageVerifyFinal, NONE, NONE, NONE, NONE, NONE)
/* clang-format on */

/* The session and the shapes behind it, as parameters and as arguments. */
#define FORWARD_TYPED(type, name) , type name
#define FORWARD_NAMED(type, name) , name
#define FORWARD_PARAMETERS(a, b, c, d, e)                                                          \
	CK_SESSION_HANDLE session SHAPE_##a(FORWARD_TYPED) SHAPE_##b(FORWARD_TYPED)                \
		SHAPE_##c(FORWARD_TYPED) SHAPE_##d(FORWARD_TYPED) SHAPE_##e(FORWARD_TYPED)
#define FORWARD_ARGUMENTS(session, a, b, c, d, e)                                                  \
	session SHAPE_##a(FORWARD_NAMED) SHAPE_##b(FORWARD_NAMED) SHAPE_##c(FORWARD_NAMED)         \
		SHAPE_##d(FORWARD_NAMED) SHAPE_##e(FORWARD_NAMED)

#define FORWARD_DECLARE(name, ...) CK_RV own_##name(FORWARD_PARAMETERS(__VA_ARGS__));
FORWARD_OR_OWN(FORWARD_DECLARE)
#undef FORWARD_DECLARE

/* Those with more to them than to hand on. */
CK_RV own_C_CloseSession(CK_SESSION_HANDLE session);
CK_RV own_C_GetSessionInfo(CK_SESSION_HANDLE session, CK_SESSION_INFO *info);
CK_RV own_C_FindObjectsInit(CK_SESSION_HANDLE session, CK_ATTRIBUTE_PTR templ, CK_ULONG count);

#endif
