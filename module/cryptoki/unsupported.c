/*
 * unsupported: the functions that exist to say that they are not supported (PKCS #11 v3.0, 5.1). They, too,
 * answer first that Cryptoki is not initialised, or that there is no such session.
 */
#include "module/cryptoki/call.h"

static CK_RV unsupported(const char *name, CK_SESSION_HANDLE session)
{
	struct call call;
	CK_RV rv = call_begin_session(&call, CALL_PLAIN, session);

	return rv == CKR_OK ? call_end(&call, name, CKR_FUNCTION_NOT_SUPPORTED) : rv;
}

/* The parameters are only there for the type. */
#define MECHANISM CK_MECHANISM_PTR mechanism
#define KEY       CK_OBJECT_HANDLE key
#define IN        CK_BYTE_PTR in, CK_ULONG in_length
#define IN_2      CK_BYTE_PTR in_2, CK_ULONG in_2_length
#define OUT       CK_BYTE_PTR out, CK_ULONG_PTR out_length
#define PARAMETER CK_VOID_PTR parameter, CK_ULONG parameter_length
#define TEMPLATE  CK_ATTRIBUTE_PTR templ, CK_ULONG count
#define NEW_KEY   CK_OBJECT_HANDLE_PTR new_key

#pragma GCC diagnostic ignored "-Wunused-parameter"

#define UNSUPPORTED(name, ...)                                                                     \
	CK_RV name(CK_SESSION_HANDLE session, ##__VA_ARGS__)                                       \
	{                                                                                          \
		return unsupported(#name, session);                                                \
	}

UNSUPPORTED(C_DigestEncryptUpdate, IN, OUT)
UNSUPPORTED(C_DecryptDigestUpdate, IN, OUT)
UNSUPPORTED(C_SignEncryptUpdate, IN, OUT)
UNSUPPORTED(C_DecryptVerifyUpdate, IN, OUT)
UNSUPPORTED(C_WrapKey, MECHANISM, KEY, CK_OBJECT_HANDLE wrapped, OUT)
UNSUPPORTED(C_UnwrapKey, MECHANISM, KEY, IN, TEMPLATE, NEW_KEY)
UNSUPPORTED(C_MessageEncryptInit, MECHANISM, KEY)
UNSUPPORTED(C_EncryptMessage, PARAMETER, IN, IN_2, OUT)
UNSUPPORTED(C_EncryptMessageBegin, PARAMETER, IN)
UNSUPPORTED(C_EncryptMessageNext, PARAMETER, IN, OUT, CK_FLAGS flags)
UNSUPPORTED(C_MessageEncryptFinal)
UNSUPPORTED(C_MessageDecryptInit, MECHANISM, KEY)
UNSUPPORTED(C_DecryptMessage, PARAMETER, IN, IN_2, OUT)
UNSUPPORTED(C_DecryptMessageBegin, PARAMETER, IN)
UNSUPPORTED(C_DecryptMessageNext, PARAMETER, IN, OUT, CK_FLAGS flags)
UNSUPPORTED(C_MessageDecryptFinal)
UNSUPPORTED(C_MessageSignInit, MECHANISM, KEY)
UNSUPPORTED(C_SignMessage, PARAMETER, IN, OUT)
UNSUPPORTED(C_SignMessageBegin, PARAMETER)
UNSUPPORTED(C_SignMessageNext, PARAMETER, IN, OUT)
UNSUPPORTED(C_MessageSignFinal)
UNSUPPORTED(C_MessageVerifyInit, MECHANISM, KEY)
UNSUPPORTED(C_VerifyMessage, PARAMETER, IN, IN_2)
UNSUPPORTED(C_VerifyMessageBegin, PARAMETER)
UNSUPPORTED(C_VerifyMessageNext, PARAMETER, IN, IN_2)
UNSUPPORTED(C_MessageVerifyFinal)
