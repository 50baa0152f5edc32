/*
 * entry: the C_* functions. Each passes the gate, finds its session, and hands over to the file that knows.
 * Those with a session come from forward.c; those that need no C_Initialize are in interface.c.
 */
#include "module/cryptoki/call.h"
#include "module/cryptoki/cipher.h"
#include "module/cryptoki/event.h"
#include "module/cryptoki/foreign.h"
#include "module/cryptoki/forward.h"
#include "module/cryptoki/keygen.h"
#include "module/cryptoki/login.h"
#include "module/cryptoki/module.h"
#include "module/cryptoki/object.h"
#include "module/cryptoki/random.h"
#include "module/cryptoki/sign.h"
#include "module/cryptoki/verify.h"

/* The shapes of an entry; the action may use `call`. */
#define ENTRY(name, need, parameters, action)                                                      \
	CK_RV name parameters                                                                      \
	{                                                                                          \
		struct call call;                                                                  \
		CK_RV rv = call_begin(&call, need);                                                \
		return rv == CKR_OK ? call_end(&call, #name, action) : rv;                         \
	}

/* With a slot: what goes to the module that has the token, and what is ours. */
#define ENTRY_SLOT(name, need, parameters, foreign, action)                                        \
	CK_RV name parameters                                                                      \
	{                                                                                          \
		struct slot *place = NULL;                                                         \
		struct call call;                                                                  \
		CK_RV rv = call_begin(&call, need);                                                \
		if (rv != CKR_OK)                                                                  \
			return rv;                                                                 \
		bool away = slot_find(&call.module->slots, slot, &place) == CKR_OK &&              \
			    slot_is_foreign(place);                                                \
		return call_end(&call, #name, away ? (foreign) : (action));                        \
	}

/* With a session of our own; forward.c makes the C_ function that calls it. */
#define ENTRY_SESSION(name, need, parameters, action)                                              \
	CK_RV own_##name parameters                                                                \
	{                                                                                          \
		struct call call;                                                                  \
		CK_RV rv = call_begin_session(&call, need, session);                               \
		return rv == CKR_OK ? call_end(&call, #name, action) : rv;                         \
	}

CK_RV C_Initialize(CK_VOID_PTR arguments)
{
	return module_initialize(arguments);
}

CK_RV C_Finalize(CK_VOID_PTR reserved)
{
	return module_finalize(reserved);
}

ENTRY(C_GetInfo, CALL_PLAIN, (CK_INFO * info), module_info(info))

ENTRY(C_GetSlotList, CALL_PLAIN, (CK_BBOOL present, CK_SLOT_ID_PTR list, CK_ULONG_PTR count),
	slot_list(call.module, present != CK_FALSE, list, count))

ENTRY(C_GetSlotInfo, CALL_PLAIN, (CK_SLOT_ID slot, CK_SLOT_INFO *info),
	slot_info(call.module, slot, info))

ENTRY_SLOT(C_GetTokenInfo, CALL_PLAIN, (CK_SLOT_ID slot, CK_TOKEN_INFO *info),
	foreign_token_info(place, info), slot_token_info(call.module, slot, info))

ENTRY_SLOT(C_GetMechanismList, CALL_PLAIN,
	(CK_SLOT_ID slot, CK_MECHANISM_TYPE_PTR list, CK_ULONG_PTR count),
	foreign_mechanism_list(place, list, count), mechanism_list(call.module, slot, list, count))

ENTRY_SLOT(C_GetMechanismInfo, CALL_PLAIN,
	(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info),
	foreign_mechanism_info(place, type, info), mechanism_info(call.module, slot, type, info))

ENTRY(C_WaitForSlotEvent, CALL_PLAIN, (CK_FLAGS flags, CK_SLOT_ID_PTR slot, CK_VOID_PTR reserved),
	event_wait(&call.passage, flags, slot, reserved))

ENTRY_SLOT(C_InitToken, CALL_CRYPTO,
	(CK_SLOT_ID slot, CK_UTF8CHAR_PTR pin, CK_ULONG length, CK_UTF8CHAR_PTR label),
	foreign_init_token(place, pin, length, label),
	login_init_token(call.module, slot, pin, length, label))

ENTRY_SESSION(C_InitPIN, CALL_CRYPTO,
	(CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR pin, CK_ULONG length),
	login_init_pin(call.session, pin, length))

ENTRY_SESSION(C_SetPIN, CALL_CRYPTO,
	(CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR old_pin, CK_ULONG old_length,
		CK_UTF8CHAR_PTR new_pin, CK_ULONG new_length),
	login_set_pin(call.session, old_pin, old_length, new_pin, new_length))

/* No notifications are sent: `application` and `notify` are not kept. */
ENTRY_SLOT(C_OpenSession, CALL_PLAIN,
	(CK_SLOT_ID slot, CK_FLAGS flags, CK_VOID_PTR application, CK_NOTIFY notify,
		CK_SESSION_HANDLE_PTR session),
	((void)application, (void)notify, foreign_open(call.module, place, flags, session)),
	((void)application, (void)notify, session_open(call.module, slot, flags, session)))

ENTRY_SESSION(C_CloseSession, CALL_ENDING, (CK_SESSION_HANDLE session), session_close(call.session))

ENTRY_SLOT(C_CloseAllSessions, CALL_PLAIN, (CK_SLOT_ID slot), foreign_close_all(call.module, place),
	session_close_all(call.module, slot))

ENTRY(own_C_GetSessionInfo, CALL_PLAIN, (CK_SESSION_HANDLE session, CK_SESSION_INFO *info),
	session_info(call.module, session, info))

ENTRY_SESSION(C_GetOperationState, CALL_PLAIN,
	(CK_SESSION_HANDLE session, CK_BYTE_PTR state, CK_ULONG_PTR length),
	((void)state, session_save(call.session, length)))

ENTRY_SESSION(C_SetOperationState, CALL_PLAIN,
	(CK_SESSION_HANDLE session, CK_BYTE_PTR state, CK_ULONG length, CK_OBJECT_HANDLE encryption,
		CK_OBJECT_HANDLE authentication),
	((void)length, (void)encryption, (void)authentication,
		state == NULL ? CKR_ARGUMENTS_BAD : CKR_SAVED_STATE_INVALID))

ENTRY_SESSION(C_Login, CALL_CRYPTO,
	(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin, CK_ULONG length),
	login_enter(call.session, user, pin, length))

ENTRY_SESSION(C_LoginUser, CALL_CRYPTO,
	(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin, CK_ULONG length,
		CK_UTF8CHAR_PTR name, CK_ULONG name_length),
	login_enter_named(call.session, user, pin, length, name, name_length))

ENTRY_SESSION(C_Logout, CALL_PLAIN, (CK_SESSION_HANDLE session), login_leave(call.session))

ENTRY_SESSION(C_SessionCancel, CALL_ENDING, (CK_SESSION_HANDLE session, CK_FLAGS flags),
	session_cancel(call.session, flags))

ENTRY_SESSION(C_CreateObject, CALL_CRYPTO,
	(CK_SESSION_HANDLE session, CK_ATTRIBUTE_PTR templ, CK_ULONG count,
		CK_OBJECT_HANDLE_PTR out),
	object_create(call.session, templ, count, out))

ENTRY_SESSION(C_CopyObject, CALL_CRYPTO,
	(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_PTR templ, CK_ULONG count,
		CK_OBJECT_HANDLE_PTR out),
	object_copy(call.session, object, templ, count, out))

ENTRY_SESSION(C_DestroyObject, CALL_CRYPTO, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object),
	object_destroy(call.session, object))

ENTRY_SESSION(C_GetObjectSize, CALL_OBJECT,
	(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ULONG_PTR size),
	object_get_size(call.session, object, size))

ENTRY_SESSION(C_GetAttributeValue, CALL_OBJECT,
	(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_PTR templ,
		CK_ULONG count),
	object_get_values(call.session, object, templ, count))

ENTRY_SESSION(C_SetAttributeValue, CALL_CRYPTO,
	(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_PTR templ,
		CK_ULONG count),
	object_set_values(call.session, object, templ, count))

ENTRY_SESSION(C_FindObjectsInit, CALL_OBJECT,
	(CK_SESSION_HANDLE session, CK_ATTRIBUTE_PTR templ, CK_ULONG count),
	find_init(call.session, templ, count))

ENTRY_SESSION(C_FindObjects, CALL_PLAIN,
	(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE_PTR list, CK_ULONG max, CK_ULONG_PTR count),
	find_next(call.session, list, max, count))

ENTRY_SESSION(C_FindObjectsFinal, CALL_PLAIN, (CK_SESSION_HANDLE session), find_final(call.session))

ENTRY_SESSION(C_EncryptInit, CALL_CRYPTO,
	(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key),
	use_init(call.session, &call.session->encrypt, OPERATION_ENCRYPT, mechanism, key))

ENTRY_SESSION(C_Encrypt, CALL_CRYPTO,
	(CK_SESSION_HANDLE session, CK_BYTE_PTR in, CK_ULONG in_length, CK_BYTE_PTR out,
		CK_ULONG_PTR out_length),
	cipher_whole(call.session, &call.session->encrypt, in, in_length, out, out_length))

ENTRY_SESSION(C_EncryptUpdate, CALL_CRYPTO,
	(CK_SESSION_HANDLE session, CK_BYTE_PTR in, CK_ULONG in_length, CK_BYTE_PTR out,
		CK_ULONG_PTR out_length),
	cipher_update(call.session, &call.session->encrypt, in, in_length, out, out_length))

ENTRY_SESSION(C_EncryptFinal, CALL_CRYPTO,
	(CK_SESSION_HANDLE session, CK_BYTE_PTR out, CK_ULONG_PTR out_length),
	cipher_final(call.session, &call.session->encrypt, out, out_length))

ENTRY_SESSION(C_DecryptInit, CALL_CRYPTO,
	(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key),
	use_init(call.session, &call.session->decrypt, OPERATION_DECRYPT, mechanism, key))

ENTRY_SESSION(C_Decrypt, CALL_CRYPTO,
	(CK_SESSION_HANDLE session, CK_BYTE_PTR in, CK_ULONG in_length, CK_BYTE_PTR out,
		CK_ULONG_PTR out_length),
	cipher_whole(call.session, &call.session->decrypt, in, in_length, out, out_length))

ENTRY_SESSION(C_DecryptUpdate, CALL_CRYPTO,
	(CK_SESSION_HANDLE session, CK_BYTE_PTR in, CK_ULONG in_length, CK_BYTE_PTR out,
		CK_ULONG_PTR out_length),
	cipher_update(call.session, &call.session->decrypt, in, in_length, out, out_length))

ENTRY_SESSION(C_DecryptFinal, CALL_CRYPTO,
	(CK_SESSION_HANDLE session, CK_BYTE_PTR out, CK_ULONG_PTR out_length),
	cipher_final(call.session, &call.session->decrypt, out, out_length))

ENTRY_SESSION(C_DigestInit, CALL_CRYPTO, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism),
	digest_init(call.session, mechanism))

ENTRY_SESSION(C_Digest, CALL_CRYPTO,
	(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG length, CK_BYTE_PTR out,
		CK_ULONG_PTR out_length),
	digest_whole(call.session, data, length, out, out_length))

ENTRY_SESSION(C_DigestUpdate, CALL_CRYPTO,
	(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG length),
	digest_update(call.session, data, length))

ENTRY_SESSION(C_DigestKey, CALL_CRYPTO, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key),
	digest_key(call.session, key))

ENTRY_SESSION(C_DigestFinal, CALL_CRYPTO,
	(CK_SESSION_HANDLE session, CK_BYTE_PTR out, CK_ULONG_PTR out_length),
	digest_final(call.session, out, out_length))

ENTRY_SESSION(C_SignInit, CALL_CRYPTO,
	(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key),
	use_init(call.session, &call.session->sign, OPERATION_SIGN, mechanism, key))

ENTRY_SESSION(C_Sign, CALL_CRYPTO,
	(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG length, CK_BYTE_PTR out,
		CK_ULONG_PTR out_length),
	sign_whole(call.session, &call.session->sign, data, length, out, out_length))

ENTRY_SESSION(C_SignUpdate, CALL_CRYPTO,
	(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG length),
	sign_update(call.session, data, length))

ENTRY_SESSION(C_SignFinal, CALL_CRYPTO,
	(CK_SESSION_HANDLE session, CK_BYTE_PTR out, CK_ULONG_PTR out_length),
	sign_final(call.session, out, out_length))

ENTRY_SESSION(C_SignRecoverInit, CALL_CRYPTO,
	(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key),
	use_init(call.session, &call.session->sign_recover, OPERATION_SIGN_RECOVER, mechanism, key))

ENTRY_SESSION(C_SignRecover, CALL_CRYPTO,
	(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG length, CK_BYTE_PTR out,
		CK_ULONG_PTR out_length),
	sign_whole(call.session, &call.session->sign_recover, data, length, out, out_length))

ENTRY_SESSION(C_VerifyInit, CALL_CRYPTO,
	(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key),
	use_init(call.session, &call.session->verify, OPERATION_VERIFY, mechanism, key))

ENTRY_SESSION(C_Verify, CALL_CRYPTO,
	(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG length, CK_BYTE_PTR signature,
		CK_ULONG signature_length),
	verify_whole(call.session, data, length, signature, signature_length))

ENTRY_SESSION(C_VerifyUpdate, CALL_CRYPTO,
	(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG length),
	verify_update(call.session, data, length))

ENTRY_SESSION(C_VerifyFinal, CALL_CRYPTO,
	(CK_SESSION_HANDLE session, CK_BYTE_PTR signature, CK_ULONG signature_length),
	verify_final(call.session, signature, signature_length))

ENTRY_SESSION(C_VerifyRecoverInit, CALL_CRYPTO,
	(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key),
	use_init(call.session, &call.session->verify_recover, OPERATION_VERIFY_RECOVER, mechanism,
		key))

/* The same work as a decryption: something comes out of which only the upper bound is known before. */
ENTRY_SESSION(C_VerifyRecover, CALL_CRYPTO,
	(CK_SESSION_HANDLE session, CK_BYTE_PTR signature, CK_ULONG length, CK_BYTE_PTR out,
		CK_ULONG_PTR out_length),
	cipher_whole(
		call.session, &call.session->verify_recover, signature, length, out, out_length))

ENTRY_SESSION(C_GenerateKey, CALL_CRYPTO,
	(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_ATTRIBUTE_PTR templ,
		CK_ULONG count, CK_OBJECT_HANDLE_PTR out),
	keygen_secret(mechanism, (struct keygen_template){templ, count}, out))

ENTRY_SESSION(C_GenerateKeyPair, CALL_CRYPTO,
	(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_ATTRIBUTE_PTR public_templ,
		CK_ULONG public_count, CK_ATTRIBUTE_PTR private_templ, CK_ULONG private_count,
		CK_OBJECT_HANDLE_PTR public_key, CK_OBJECT_HANDLE_PTR private_key),
	keygen_pair(call.session, mechanism, (struct keygen_template){public_templ, public_count},
		(struct keygen_template){private_templ, private_count}, public_key, private_key))

ENTRY_SESSION(C_DeriveKey, CALL_CRYPTO,
	(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE base,
		CK_ATTRIBUTE_PTR templ, CK_ULONG count, CK_OBJECT_HANDLE_PTR out),
	keygen_derive(call.session, mechanism, base, (struct keygen_template){templ, count}, out))

ENTRY_SESSION(C_SeedRandom, CALL_CRYPTO,
	(CK_SESSION_HANDLE session, CK_BYTE_PTR seed, CK_ULONG length),
	random_seed(call.session, seed, length))

ENTRY_SESSION(C_GenerateRandom, CALL_CRYPTO,
	(CK_SESSION_HANDLE session, CK_BYTE_PTR out, CK_ULONG length),
	random_generate(call.session, out, length))

ENTRY_SESSION(
	C_GetFunctionStatus, CALL_PLAIN, (CK_SESSION_HANDLE session), CKR_FUNCTION_NOT_PARALLEL)

ENTRY_SESSION(C_CancelFunction, CALL_PLAIN, (CK_SESSION_HANDLE session), CKR_FUNCTION_NOT_PARALLEL)
