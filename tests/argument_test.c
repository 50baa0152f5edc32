/*
 * No pointer, no length: every function is called with each of its pointers NULL, and with lengths that
 * no memory has, and answers an error.
 */
#include <string.h>

#include "tests/module_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define HUGE         ((CK_ULONG)-1)

static CK_SESSION_HANDLE session;
static struct fixture_pair rsa;
static CK_MECHANISM pkcs = {CKM_RSA_PKCS, NULL, 0}, hashing = {CKM_SHA256_RSA_PKCS, NULL, 0},
		    sha256 = {CKM_SHA256, NULL, 0};

static int open_keys(void **state)
{
	CK_BBOOL yes = CK_TRUE;
	CK_ATTRIBUTE recover = {CKA_SIGN_RECOVER, &yes, 1};

	fixture_open_token(state);
	session = fixture_user();
	rsa = fixture_generate(session, FIXTURE_RSA, false, &recover, 1);
	return 0;
}

static void slots_and_tokens(void **state)
{
	CK_UTF8CHAR label[32], pin[] = "123456";
	CK_SLOT_ID slots[4];
	CK_ULONG count = HUGE;

	(void)state;
	memset(label, ' ', sizeof(label));
	assert_rv(p11->C_GetInfo(NULL), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_GetSlotList(CK_TRUE, NULL, NULL), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_GetSlotList(CK_TRUE, slots, NULL), CKR_ARGUMENTS_BAD);
	assert_ok(p11->C_GetSlotList(CK_TRUE, slots, &count));
	assert_int_equal(count, 1);
	assert_rv(p11->C_GetSlotInfo(0, NULL), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_GetTokenInfo(0, NULL), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_GetMechanismList(0, NULL, NULL), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_GetMechanismInfo(0, CKM_RSA_PKCS, NULL), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, NULL, NULL), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, slots, slots), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, slots, NULL), CKR_NO_EVENT);
	assert_rv(p11->C_InitToken(0, NULL, 8, label), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_InitToken(0, pin, HUGE, label), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_InitToken(0, pin, 6, NULL), CKR_ARGUMENTS_BAD);
	/* Slots that there are none of come before everything else that is wrong. */
	for (CK_SLOT_ID slot = 1; slot != 0; slot = slot << 16 | slot << 1) {
		CK_SLOT_INFO slot_info;
		CK_TOKEN_INFO token_info;
		CK_MECHANISM_INFO mechanism_info;

		assert_rv(p11->C_GetSlotInfo(slot, &slot_info), CKR_SLOT_ID_INVALID);
		assert_rv(p11->C_GetTokenInfo(slot, &token_info), CKR_SLOT_ID_INVALID);
		assert_rv(p11->C_GetMechanismList(slot, NULL, &count), CKR_SLOT_ID_INVALID);
		assert_rv(p11->C_GetMechanismInfo(slot, CKM_RSA_PKCS, &mechanism_info),
			CKR_SLOT_ID_INVALID);
		assert_rv(p11->C_InitToken(slot, pin, 6, label), CKR_SLOT_ID_INVALID);
		assert_rv(p11->C_CloseAllSessions(slot), CKR_SLOT_ID_INVALID);
	}
}

static void sessions_and_pins(void **state)
{
	CK_UTF8CHAR pin[] = "123456";
	CK_ULONG length = 0;
	CK_BYTE byte = 0;

	(void)state;
	assert_rv(p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, NULL), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_GetSessionInfo(session, NULL), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_Login(session, CKU_USER, NULL, 0), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_Login(session, CKU_USER, pin, HUGE), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_LoginUser(session, CKU_USER, pin, 6, NULL, 1), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_SetPIN(session, NULL, 6, pin, 6), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_SetPIN(session, pin, 6, NULL, 6), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_SetPIN(session, pin, HUGE, pin, 6), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_SetPIN(session, pin, 6, pin, HUGE), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_GetOperationState(session, NULL, NULL), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_SetOperationState(session, NULL, 1, 0, 0), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_SetOperationState(session, &byte, 1, 0, 0), CKR_SAVED_STATE_INVALID);
	assert_rv(p11->C_GetOperationState(session, NULL, &length), CKR_OPERATION_NOT_INITIALIZED);
}

static void objects(void **state)
{
	CK_OBJECT_CLASS data = CKO_DATA;
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &data, sizeof(data)}, {CKA_LABEL, NULL, 4}};
	CK_ATTRIBUTE long_value[] = {{CKA_CLASS, &data, sizeof(data)}, {CKA_LABEL, "x", HUGE}};
	CK_OBJECT_HANDLE object = 0, handles[2];
	CK_ULONG count = 0;

	(void)state;
	assert_rv(p11->C_CreateObject(session, NULL, 1, &object), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_CreateObject(session, templ, 1, NULL), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_CreateObject(session, templ, HUGE, &object), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_CreateObject(session, templ, 2, &object), CKR_ATTRIBUTE_VALUE_INVALID);
	assert_rv(
		p11->C_CreateObject(session, long_value, 2, &object), CKR_ATTRIBUTE_VALUE_INVALID);
	assert_ok(p11->C_CreateObject(session, templ, 1, &object));
	assert_rv(p11->C_CopyObject(session, object, NULL, 1, handles), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_CopyObject(session, object, templ, HUGE, handles), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_CopyObject(session, object, NULL, 0, NULL), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_GetObjectSize(session, object, NULL), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_GetAttributeValue(session, object, NULL, 1), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_GetAttributeValue(session, object, templ, HUGE), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_SetAttributeValue(session, object, NULL, 1), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_SetAttributeValue(session, object, templ, HUGE), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_SetAttributeValue(session, object, &long_value[1], 1),
		CKR_ATTRIBUTE_VALUE_INVALID);
	assert_rv(p11->C_FindObjectsInit(session, NULL, 1), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_FindObjectsInit(session, templ, HUGE), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_FindObjectsInit(session, &templ[1], 1), CKR_ATTRIBUTE_VALUE_INVALID);
	assert_ok(p11->C_FindObjectsInit(session, templ, 1));
	assert_rv(p11->C_FindObjects(session, NULL, 2, &count), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_FindObjects(session, handles, 2, NULL), CKR_ARGUMENTS_BAD);
	assert_ok(p11->C_FindObjects(session, handles, HUGE, &count));
	assert_int_equal(count, 1);
	assert_ok(p11->C_FindObjectsFinal(session));
	for (CK_OBJECT_HANDLE none = 0; none != 1; none = none == 0      ? HUGE
							  : none == HUGE ? HUGE >> 1
									 : 1) {
		assert_rv(p11->C_DestroyObject(session, none), CKR_OBJECT_HANDLE_INVALID);
		assert_rv(p11->C_GetObjectSize(session, none, &count), CKR_OBJECT_HANDLE_INVALID);
		assert_rv(p11->C_CopyObject(session, none, NULL, 0, handles),
			CKR_OBJECT_HANDLE_INVALID);
		assert_rv(p11->C_SignInit(session, &pkcs, none), CKR_KEY_HANDLE_INVALID);
	}
	assert_ok(p11->C_DestroyObject(session, object));
}

typedef CK_RV (*whole_function)(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *);

/* One call that takes data and gives something: begun anew each time, since an error ends it. */
static void whole(CK_RV (*begin)(CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE),
	CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key, whole_function function)
{
	CK_BYTE in[16] = {0}, out[512];
	CK_ULONG length = sizeof(out);

	assert_rv(begin(session, NULL, key), CKR_ARGUMENTS_BAD);
	assert_rv(begin(0, mechanism, key), CKR_SESSION_HANDLE_INVALID);
	assert_ok(begin(session, mechanism, key));
	assert_rv(function(session, in, sizeof(in), out, NULL), CKR_ARGUMENTS_BAD);
	assert_rv(function(session, in, sizeof(in), out, &length), CKR_OPERATION_NOT_INITIALIZED);
	assert_ok(begin(session, mechanism, key));
	assert_rv(function(session, NULL, sizeof(in), out, &length), CKR_ARGUMENTS_BAD);
	assert_ok(begin(session, mechanism, key));
	assert_rv(function(session, in, HUGE, out, &length), CKR_ARGUMENTS_BAD);
	/* Both a way to end what is active, and none to end what is not. */
	assert_ok(begin(session, mechanism, key));
	assert_ok(begin(session, NULL, 0));
	assert_rv(begin(session, NULL, 0), CKR_ARGUMENTS_BAD);
}

static CK_RV digest_begin(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
	(void)key;
	return p11->C_DigestInit(handle, mechanism);
}

static CK_RV verify_nothing(CK_SESSION_HANDLE handle, CK_BYTE *data, CK_ULONG length,
	CK_BYTE *signature, CK_ULONG *signature_length)
{
	/* The shape of the others: without a length, there is no signature. */
	return p11->C_Verify(handle, data, length, signature_length != NULL ? signature : NULL,
		signature_length != NULL ? 256 : 0);
}

static void operations(void **state)
{
	(void)state;
	whole(p11->C_EncryptInit, &pkcs, rsa.public_key, p11->C_Encrypt);
	whole(p11->C_DecryptInit, &pkcs, rsa.private_key, p11->C_Decrypt);
	whole(digest_begin, &sha256, 0, p11->C_Digest);
	whole(p11->C_SignInit, &pkcs, rsa.private_key, p11->C_Sign);
	whole(p11->C_SignInit, &hashing, rsa.private_key, p11->C_Sign);
	whole(p11->C_VerifyInit, &hashing, rsa.public_key, verify_nothing);
	whole(p11->C_SignRecoverInit, &pkcs, rsa.private_key, p11->C_SignRecover);
}

static void operations_in_parts(void **state)
{
	CK_BYTE bytes[16] = {0};
	CK_ULONG length = 0;

	(void)state;
	assert_ok(p11->C_SignInit(session, &hashing, rsa.private_key));
	assert_rv(p11->C_SignUpdate(session, NULL, 1), CKR_ARGUMENTS_BAD);
	assert_ok(p11->C_SignInit(session, &pkcs, rsa.private_key));
	assert_rv(p11->C_SignUpdate(session, bytes, HUGE), CKR_ARGUMENTS_BAD);
	assert_ok(p11->C_SignInit(session, &pkcs, rsa.private_key));
	assert_rv(p11->C_SignFinal(session, bytes, NULL), CKR_ARGUMENTS_BAD);
	assert_ok(p11->C_VerifyInit(session, &hashing, rsa.public_key));
	assert_rv(p11->C_VerifyUpdate(session, bytes, HUGE), CKR_ARGUMENTS_BAD);
	assert_ok(p11->C_VerifyInit(session, &hashing, rsa.public_key));
	assert_rv(p11->C_VerifyFinal(session, NULL, 256), CKR_ARGUMENTS_BAD);
	assert_ok(p11->C_VerifyInit(session, &hashing, rsa.public_key));
	assert_rv(p11->C_VerifyFinal(session, bytes, HUGE), CKR_SIGNATURE_LEN_RANGE);
	assert_ok(p11->C_DigestInit(session, &sha256));
	assert_rv(p11->C_DigestUpdate(session, bytes, HUGE), CKR_ARGUMENTS_BAD);
	assert_ok(p11->C_DigestInit(session, &sha256));
	assert_rv(p11->C_DigestFinal(session, bytes, NULL), CKR_ARGUMENTS_BAD);
	assert_ok(p11->C_EncryptInit(session, &pkcs, rsa.public_key));
	assert_rv(p11->C_EncryptUpdate(session, bytes, HUGE, bytes, &length), CKR_ARGUMENTS_BAD);
	assert_ok(p11->C_DecryptInit(session, &pkcs, rsa.private_key));
	assert_rv(p11->C_DecryptUpdate(session, bytes, 1, bytes, NULL), CKR_ARGUMENTS_BAD);
	assert_ok(p11->C_DecryptInit(session, &pkcs, rsa.private_key));
	assert_rv(p11->C_DecryptFinal(session, bytes, NULL), CKR_ARGUMENTS_BAD);
}

static void mechanism_parameters(void **state)
{
	CK_RSA_PKCS_OAEP_PARAMS oaep = {CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, "x", HUGE};
	CK_RSA_PKCS_PSS_PARAMS pss = {CKM_SHA256, CKG_MGF1_SHA256, HUGE};
	CK_ECDH1_DERIVE_PARAMS ecdh = {CKD_SHA256_KDF, HUGE, (CK_BYTE *)"x", 1, (CK_BYTE *)"x"};
	CK_MECHANISM bad[] = {
		{CKM_RSA_PKCS_OAEP, &oaep, sizeof(oaep)},
		{CKM_RSA_PKCS_OAEP, NULL, sizeof(oaep)},
		{CKM_RSA_PKCS_OAEP, NULL, 0},
		{CKM_RSA_PKCS_OAEP, &oaep, sizeof(oaep) - 1},
		{CKM_RSA_PKCS, NULL, 1},
	};
	CK_MECHANISM sign[] = {{CKM_RSA_PKCS_PSS, &pss, sizeof(pss)},
		{CKM_RSA_PKCS_PSS, NULL, sizeof(pss)}, {CKM_SHA256_RSA_PKCS_PSS, &pss, 3},
		{CKM_RSA_PKCS, &pss, sizeof(pss)}};
	CK_MECHANISM derive = {CKM_ECDH1_DERIVE, &ecdh, sizeof(ecdh)};
	CK_OBJECT_HANDLE key = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_rv(p11->C_EncryptInit(session, &bad[i], rsa.public_key),
			CKR_MECHANISM_PARAM_INVALID);
	for (size_t i = 0; i < COUNT(sign); i++)
		assert_rv(p11->C_SignInit(session, &sign[i], rsa.private_key),
			CKR_MECHANISM_PARAM_INVALID);
	struct fixture_pair pair = fixture_generate(session, FIXTURE_P256, false, NULL, 0);
	assert_rv(p11->C_DeriveKey(session, &derive, pair.private_key, NULL, 0, &key),
		CKR_MECHANISM_PARAM_INVALID);
	ecdh.ulSharedDataLen = 0;
	ecdh.ulPublicDataLen = HUGE;
	assert_rv(p11->C_DeriveKey(session, &derive, pair.private_key, NULL, 0, &key),
		CKR_MECHANISM_PARAM_INVALID);
	assert_rv(p11->C_DeriveKey(session, NULL, pair.private_key, NULL, 0, &key),
		CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_DeriveKey(session, &derive, pair.private_key, NULL, 0, NULL),
		CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_GenerateKeyPair(session, NULL, NULL, 0, NULL, 0, &key, &key),
		CKR_ARGUMENTS_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slots_and_tokens),
		cmocka_unit_test(sessions_and_pins),
		cmocka_unit_test(objects),
		cmocka_unit_test(operations),
		cmocka_unit_test(operations_in_parts),
		cmocka_unit_test(mechanism_parameters),
	};
	return cmocka_run_group_tests(tests, open_keys, fixture_close);
}
