/* Signing and verifying with every mechanism, the size convention, and the ends of operations. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tests/module_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static CK_SESSION_HANDLE session;
static struct fixture_pair pairs[4];

static int open_keys(void **state)
{
	fixture_open_token(state);
	session = fixture_user();
	pairs[FIXTURE_RSA] = fixture_generate(session, FIXTURE_RSA, true, NULL, 0);
	pairs[FIXTURE_P256] = fixture_generate(session, FIXTURE_P256, true, NULL, 0);
	pairs[FIXTURE_P384] = fixture_generate(session, FIXTURE_P384, false, NULL, 0);
	pairs[FIXTURE_ED25519] = fixture_generate(session, FIXTURE_ED25519, true, NULL, 0);
	return 0;
}

static CK_RSA_PKCS_PSS_PARAMS pss1 = {CKM_SHA_1, CKG_MGF1_SHA1, 20};
static CK_RSA_PKCS_PSS_PARAMS pss256 = {CKM_SHA256, CKG_MGF1_SHA256, 32};
static CK_RSA_PKCS_PSS_PARAMS pss512 = {CKM_SHA512, CKG_MGF1_SHA512, 0};

static const struct {
	enum fixture_kind kind;
	CK_MECHANISM mechanism;
	CK_ULONG data;      /* bytes that are signed */
	CK_ULONG signature; /* bytes of it */
} uses[] = {
	{FIXTURE_RSA, {CKM_RSA_PKCS, NULL, 0}, 51, 256},
	{FIXTURE_RSA, {CKM_RSA_X_509, NULL, 0}, 250, 256},
	{FIXTURE_RSA, {CKM_RSA_PKCS_PSS, &pss256, sizeof(pss256)}, 32, 256},
	{FIXTURE_RSA, {CKM_SHA1_RSA_PKCS, NULL, 0}, 1000, 256},
	{FIXTURE_RSA, {CKM_SHA224_RSA_PKCS, NULL, 0}, 1000, 256},
	{FIXTURE_RSA, {CKM_SHA256_RSA_PKCS, NULL, 0}, 1000, 256},
	{FIXTURE_RSA, {CKM_SHA384_RSA_PKCS, NULL, 0}, 1000, 256},
	{FIXTURE_RSA, {CKM_SHA512_RSA_PKCS, NULL, 0}, 1000, 256},
	{FIXTURE_RSA, {CKM_SHA1_RSA_PKCS_PSS, &pss1, sizeof(pss1)}, 1000, 256},
	{FIXTURE_RSA, {CKM_SHA256_RSA_PKCS_PSS, &pss256, sizeof(pss256)}, 1000, 256},
	{FIXTURE_RSA, {CKM_SHA512_RSA_PKCS_PSS, &pss512, sizeof(pss512)}, 1000, 256},
	{FIXTURE_P256, {CKM_ECDSA, NULL, 0}, 32, 64},
	{FIXTURE_P256, {CKM_ECDSA_SHA1, NULL, 0}, 1000, 64},
	{FIXTURE_P256, {CKM_ECDSA_SHA224, NULL, 0}, 1000, 64},
	{FIXTURE_P256, {CKM_ECDSA_SHA256, NULL, 0}, 1000, 64},
	{FIXTURE_P256, {CKM_ECDSA_SHA512, NULL, 0}, 1000, 64},
	{FIXTURE_P384, {CKM_ECDSA_SHA384, NULL, 0}, 1000, 96},
	{FIXTURE_ED25519, {CKM_EDDSA, NULL, 0}, 1000, 64},
};

static void every_mechanism(void **state)
{
	CK_BYTE data[1000], signature[256], parts[256];

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (CK_BYTE)(i * 7);
	for (size_t i = 0; i < COUNT(uses); i++) {
		CK_MECHANISM mechanism = uses[i].mechanism;
		struct fixture_pair pair = pairs[uses[i].kind];
		CK_ULONG length = 0, size = uses[i].data;

		assert_ok(p11->C_SignInit(session, &mechanism, pair.private_key));
		assert_ok(p11->C_Sign(session, data, size, NULL, &length));
		assert_int_equal(length, uses[i].signature);
		length--;
		assert_rv(
			p11->C_Sign(session, data, size, signature, &length), CKR_BUFFER_TOO_SMALL);
		assert_int_equal(length, uses[i].signature);
		assert_ok(p11->C_Sign(session, data, size, signature, &length));
		assert_int_equal(length, uses[i].signature);
		assert_rv(p11->C_Sign(session, data, size, signature, &length),
			CKR_OPERATION_NOT_INITIALIZED);

		assert_ok(p11->C_VerifyInit(session, &mechanism, pair.public_key));
		assert_ok(p11->C_Verify(session, data, size, signature, length));

		/* In parts, and the other way round. */
		length = sizeof(parts);
		assert_ok(p11->C_SignInit(session, &mechanism, pair.private_key));
		assert_ok(p11->C_SignUpdate(session, data, 10));
		assert_ok(p11->C_SignUpdate(session, NULL, 0));
		assert_ok(p11->C_SignUpdate(session, data + 10, size - 10));
		assert_ok(p11->C_SignFinal(session, parts, &length));
		assert_ok(p11->C_VerifyInit(session, &mechanism, pair.public_key));
		assert_ok(p11->C_VerifyUpdate(session, data, size - 1));
		assert_ok(p11->C_VerifyUpdate(session, data + size - 1, 1));
		assert_ok(p11->C_VerifyFinal(session, parts, length));

		/* Other data, another signature, another length. */
		data[0] ^= 1;
		assert_ok(p11->C_VerifyInit(session, &mechanism, pair.public_key));
		assert_rv(p11->C_Verify(session, data, size, signature, length),
			CKR_SIGNATURE_INVALID);
		data[0] ^= 1;
		signature[length / 2] ^= 1;
		assert_ok(p11->C_VerifyInit(session, &mechanism, pair.public_key));
		assert_rv(p11->C_Verify(session, data, size, signature, length),
			CKR_SIGNATURE_INVALID);
		assert_ok(p11->C_VerifyInit(session, &mechanism, pair.public_key));
		assert_rv(p11->C_Verify(session, data, size, signature, length - 1),
			CKR_SIGNATURE_LEN_RANGE);
		assert_rv(p11->C_VerifyFinal(session, signature, length),
			CKR_OPERATION_NOT_INITIALIZED);
	}
}

/* What was signed comes out of the signature again, with nothing else of it needed. */
static void recovery(void **state)
{
	CK_MECHANISM mechanisms[] = {{CKM_RSA_PKCS, NULL, 0}, {CKM_RSA_X_509, NULL, 0}};
	CK_BBOOL no = CK_FALSE;
	CK_ATTRIBUTE sign = {CKA_SIGN_RECOVER, &no, 1};
	struct fixture_pair pair = fixture_generate(session, FIXTURE_RSA, false, NULL, 0);
	CK_MECHANISM hashing = {CKM_SHA256_RSA_PKCS, NULL, 0};
	CK_BYTE data[] = "thirty bytes that come back...", signature[256], out[256];
	CK_ULONG length = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(mechanisms); i++) {
		assert_rv(p11->C_SignRecover(session, data, 30, signature, &length),
			CKR_OPERATION_NOT_INITIALIZED);
		assert_ok(p11->C_SignRecoverInit(session, &mechanisms[i], pair.private_key));
		assert_rv(p11->C_SignRecoverInit(session, &mechanisms[i], pair.private_key),
			CKR_OPERATION_ACTIVE);
		assert_ok(p11->C_SignRecover(session, data, 30, NULL, &length));
		assert_int_equal(length, 256);
		length = 255;
		assert_rv(p11->C_SignRecover(session, data, 30, signature, &length),
			CKR_BUFFER_TOO_SMALL);
		assert_int_equal(length, 256);
		assert_ok(p11->C_SignRecover(session, data, 30, signature, &length));

		assert_ok(p11->C_VerifyRecoverInit(session, &mechanisms[i], pair.public_key));
		length = 29;
		assert_rv(p11->C_VerifyRecover(session, signature, 256, out, &length),
			CKR_BUFFER_TOO_SMALL);
		length = sizeof(out);
		assert_ok(p11->C_VerifyRecover(session, signature, 256, out, &length));
		assert_int_equal(length, i == 0 ? 30 : 256);
		assert_memory_equal(out + length - 30, data, 30);

		assert_ok(p11->C_VerifyRecoverInit(session, &mechanisms[i], pair.public_key));
		assert_rv(p11->C_VerifyRecover(session, signature, 255, out, &length),
			CKR_SIGNATURE_LEN_RANGE);
		assert_ok(p11->C_VerifyRecoverInit(session, &mechanisms[i], pair.public_key));
		assert_rv(p11->C_VerifyRecover(session, signature, 257, out, &length),
			CKR_SIGNATURE_LEN_RANGE);
		assert_rv(p11->C_VerifyRecover(session, signature, 256, out, &length),
			CKR_OPERATION_NOT_INITIALIZED);
	}
	signature[0] ^= 1;
	assert_ok(p11->C_VerifyRecoverInit(session, &mechanisms[0], pair.public_key));
	assert_rv(
		p11->C_VerifyRecover(session, signature, 256, out, &length), CKR_SIGNATURE_INVALID);
	assert_rv(
		p11->C_SignRecoverInit(session, &hashing, pair.private_key), CKR_MECHANISM_INVALID);
	/* Signing is not signing with recovery: each has its place in the session, and its permission. */
	assert_ok(p11->C_SignRecoverInit(session, &mechanisms[0], pair.private_key));
	assert_ok(p11->C_SignInit(session, &mechanisms[0], pair.private_key));
	assert_ok(p11->C_SessionCancel(session, CKF_SIGN_RECOVER));
	assert_rv(p11->C_SignRecover(session, data, 30, signature, &length),
		CKR_OPERATION_NOT_INITIALIZED);
	assert_ok(p11->C_SessionCancel(session, CKF_SIGN));
	assert_ok(p11->C_SetAttributeValue(session, pair.private_key, &sign, 1));
	assert_rv(p11->C_SignRecoverInit(session, &mechanisms[0], pair.private_key),
		CKR_KEY_FUNCTION_NOT_PERMITTED);
	assert_ok(p11->C_SignInit(session, &mechanisms[0], pair.private_key));
	assert_ok(p11->C_SessionCancel(session, CKF_SIGN));
}

static void wrong_keys(void **state)
{
	CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0}, rsa = {CKM_RSA_PKCS, NULL, 0};
	CK_MECHANISM unknown = {CKM_DES3_CBC, NULL, 0}, digest = {CKM_SHA256, NULL, 0};
	CK_MECHANISM pss = {CKM_SHA256_RSA_PKCS_PSS, &pss512, sizeof(pss512)};
	CK_BBOOL no = CK_FALSE;
	CK_ATTRIBUTE not_for_signing[] = {{CKA_DECRYPT, &no, 1}};
	CK_MECHANISM_TYPE only = CKM_ECDSA_SHA256;
	CK_ATTRIBUTE allowed[] = {{CKA_ALLOWED_MECHANISMS, &only, sizeof(only)}};

	(void)state;
	assert_rv(p11->C_SignInit(session, &ecdsa, pairs[FIXTURE_RSA].private_key),
		CKR_KEY_TYPE_INCONSISTENT);
	assert_rv(p11->C_SignInit(session, &rsa, pairs[FIXTURE_P256].private_key),
		CKR_KEY_TYPE_INCONSISTENT);
	assert_rv(p11->C_SignInit(session, &rsa, pairs[FIXTURE_RSA].public_key),
		CKR_KEY_FUNCTION_NOT_PERMITTED);
	assert_rv(p11->C_SignInit(session, &unknown, pairs[FIXTURE_RSA].private_key),
		CKR_MECHANISM_INVALID);
	assert_rv(p11->C_SignInit(session, &digest, pairs[FIXTURE_RSA].private_key),
		CKR_MECHANISM_INVALID);
	assert_rv(p11->C_SignInit(session, &pss, pairs[FIXTURE_RSA].private_key),
		CKR_MECHANISM_PARAM_INVALID);
	assert_rv(p11->C_SignInit(session, &rsa, 12345678), CKR_KEY_HANDLE_INVALID);
	assert_rv(p11->C_SignInit(session, NULL, 0), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_SignInit(session + 1, &rsa, 1), CKR_SESSION_HANDLE_INVALID);

	struct fixture_pair pair =
		fixture_generate(session, FIXTURE_RSA, false, not_for_signing, 1);
	assert_rv(p11->C_DecryptInit(session, &rsa, pair.private_key),
		CKR_KEY_FUNCTION_NOT_PERMITTED);
	pair = fixture_generate(session, FIXTURE_P256, false, allowed, 1);
	assert_rv(p11->C_SignInit(session, &ecdsa, pair.private_key), CKR_MECHANISM_INVALID);
	ecdsa.mechanism = CKM_ECDSA_SHA256;
	assert_ok(p11->C_SignInit(session, &ecdsa, pair.private_key));
	assert_ok(p11->C_SignInit(session, NULL, 0));
}

/* Every error but CKR_BUFFER_TOO_SMALL ends the operation. */
static void errors_end_operations(void **state)
{
	CK_MECHANISM rsa = {CKM_RSA_PKCS, NULL, 0};
	CK_OBJECT_HANDLE key = pairs[FIXTURE_RSA].private_key;
	CK_BYTE data[300] = {0}, signature[256];
	CK_ULONG length = sizeof(signature);

	(void)state;
	assert_ok(p11->C_SignInit(session, &rsa, key));
	assert_rv(p11->C_SignInit(session, &rsa, key), CKR_OPERATION_ACTIVE);
	assert_rv(p11->C_Sign(session, data, 246, signature, &length), CKR_DATA_LEN_RANGE);
	assert_rv(p11->C_Sign(session, data, 1, signature, &length), CKR_OPERATION_NOT_INITIALIZED);

	assert_ok(p11->C_SignInit(session, &rsa, key));
	assert_rv(p11->C_Sign(session, NULL, 5, signature, &length), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_SignFinal(session, signature, &length), CKR_OPERATION_NOT_INITIALIZED);

	assert_ok(p11->C_SignInit(session, &rsa, key));
	assert_rv(p11->C_Sign(session, data, 5, signature, NULL), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_SignUpdate(session, data, 1), CKR_OPERATION_NOT_INITIALIZED);

	/* C_Sign does not end what was begun in parts. */
	assert_ok(p11->C_SignInit(session, &rsa, key));
	assert_ok(p11->C_SignUpdate(session, data, 5));
	assert_rv(p11->C_Sign(session, data, 5, signature, &length), CKR_OPERATION_ACTIVE);
	assert_rv(p11->C_SignUpdate(session, data, 5), CKR_OPERATION_NOT_INITIALIZED);

	/* C_SignFinal does not end what was asked of C_Sign: it would sign nothing at all. */
	assert_ok(p11->C_SignInit(session, &rsa, key));
	assert_ok(p11->C_Sign(session, data, 5, NULL, &length));
	assert_rv(p11->C_SignFinal(session, signature, &length), CKR_OPERATION_ACTIVE);
	assert_rv(p11->C_Sign(session, data, 5, signature, &length), CKR_OPERATION_NOT_INITIALIZED);

	assert_ok(p11->C_SignInit(session, &rsa, key));
	assert_ok(p11->C_SignUpdate(session, data, 245));
	assert_rv(p11->C_SignUpdate(session, data, 1), CKR_DATA_LEN_RANGE);
	assert_rv(p11->C_SignFinal(session, signature, &length), CKR_OPERATION_NOT_INITIALIZED);

	/* C_SignFinal's size query goes on; so does C_Sign's into parts. */
	assert_ok(p11->C_SignInit(session, &rsa, key));
	assert_ok(p11->C_Sign(session, data, 5, NULL, &length));
	assert_ok(p11->C_SignUpdate(session, data, 5));
	assert_ok(p11->C_SignFinal(session, NULL, &length));
	length = 10;
	assert_rv(p11->C_SignFinal(session, signature, &length), CKR_BUFFER_TOO_SMALL);
	assert_ok(p11->C_SignFinal(session, signature, &length));

	/* Cancelled in both ways of 3.0. */
	assert_ok(p11->C_SignInit(session, &rsa, key));
	assert_rv(p11->C_GetOperationState(session, NULL, &length), CKR_STATE_UNSAVEABLE);
	assert_ok(p11->C_SessionCancel(session, CKF_SIGN));
	assert_rv(p11->C_SignUpdate(session, data, 1), CKR_OPERATION_NOT_INITIALIZED);
	assert_rv(p11->C_GetOperationState(session, NULL, &length), CKR_OPERATION_NOT_INITIALIZED);
	assert_ok(p11->C_SignInit(session, &rsa, key));
	assert_ok(p11->C_SignInit(session, NULL, 0));
	assert_rv(p11->C_SignUpdate(session, data, 1), CKR_OPERATION_NOT_INITIALIZED);
}

/* A prepared operation must not outlive what it was prepared for. */
static void kept_operations_follow_the_key(void **state)
{
	CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
	CK_MECHANISM pss = {CKM_RSA_PKCS_PSS, &pss256, sizeof(pss256)};
	CK_BYTE data[64] = {1}, signature[256];
	CK_ULONG length = sizeof(signature);
	struct fixture_pair first = fixture_generate(session, FIXTURE_P256, true, NULL, 0);
	struct fixture_pair second = fixture_generate(session, FIXTURE_P256, true, NULL, 0);
	CK_BBOOL no = CK_FALSE;
	CK_ATTRIBUTE forbid = {CKA_SIGN, &no, 1};

	(void)state;
	assert_ok(p11->C_SignInit(session, &ecdsa, first.private_key));
	assert_ok(p11->C_Sign(session, data, 32, signature, &length));
	assert_ok(p11->C_SignInit(session, &ecdsa, second.private_key));
	assert_ok(p11->C_Sign(session, data, 32, signature, &length));
	assert_ok(p11->C_VerifyInit(session, &ecdsa, second.public_key));
	assert_ok(p11->C_Verify(session, data, 32, signature, length));
	/* Forbidden now. */
	assert_ok(p11->C_SetAttributeValue(session, second.private_key, &forbid, 1));
	assert_rv(p11->C_SignInit(session, &ecdsa, second.private_key),
		CKR_KEY_FUNCTION_NOT_PERMITTED);
	/* Destroyed now. */
	assert_ok(p11->C_SignInit(session, &ecdsa, first.private_key));
	assert_ok(p11->C_SessionCancel(session, CKF_SIGN));
	assert_ok(p11->C_DestroyObject(session, first.private_key));
	assert_rv(p11->C_SignInit(session, &ecdsa, first.private_key), CKR_KEY_HANDLE_INVALID);
	/* Other parameters. */
	length = sizeof(signature);
	assert_ok(p11->C_SignInit(session, &pss, pairs[FIXTURE_RSA].private_key));
	assert_ok(p11->C_Sign(session, data, 32, signature, &length));
	pss.pParameter = &pss512;
	assert_ok(p11->C_SignInit(session, &pss, pairs[FIXTURE_RSA].private_key));
	assert_rv(p11->C_Sign(session, data, 32, signature, &length), CKR_DATA_LEN_RANGE);
	length = sizeof(signature);
	assert_ok(p11->C_SignInit(session, &pss, pairs[FIXTURE_RSA].private_key));
	assert_ok(p11->C_Sign(session, data, 64, signature, &length));
	assert_ok(p11->C_VerifyInit(session, &pss, pairs[FIXTURE_RSA].public_key));
	assert_ok(p11->C_Verify(session, data, 64, signature, length));
}

static void a_login_later(void **state)
{
	CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
	CK_OBJECT_HANDLE key = 0, old = pairs[FIXTURE_P256].private_key;
	CK_BYTE data[32] = {1}, signature[64], name[64];
	CK_ULONG length = sizeof(signature), found = 0;
	CK_ATTRIBUTE unique = {CKA_UNIQUE_ID, name, 0};

	(void)state;
	unique.ulValueLen = fixture_get(session, old, CKA_UNIQUE_ID, name, sizeof(name));
	assert_ok(p11->C_SignInit(session, &ecdsa, old));
	assert_ok(p11->C_Logout(session));
	assert_rv(p11->C_Sign(session, data, 32, signature, &length), CKR_USER_NOT_LOGGED_IN);
	assert_rv(p11->C_SignInit(session, &ecdsa, old), CKR_KEY_HANDLE_INVALID);
	assert_ok(p11->C_Login(session, CKU_USER, (CK_UTF8CHAR *)FIXTURE_PIN, strlen(FIXTURE_PIN)));
	/* The old handle stays dead; the key has a new one. */
	assert_rv(p11->C_SignInit(session, &ecdsa, old), CKR_KEY_HANDLE_INVALID);
	assert_ok(p11->C_FindObjectsInit(session, &unique, 1));
	assert_ok(p11->C_FindObjects(session, &key, 1, &found));
	assert_ok(p11->C_FindObjectsFinal(session));
	assert_int_equal(found, 1);
	assert_ok(p11->C_SignInit(session, &ecdsa, key));
	assert_ok(p11->C_Sign(session, data, 32, signature, &length));
	/* The private session key went with the login. */
	assert_rv(p11->C_SignInit(session, &ecdsa, pairs[FIXTURE_P384].private_key),
		CKR_KEY_HANDLE_INVALID);
}

static void always_authenticate(void **state)
{
	CK_BBOOL yes = CK_TRUE;
	CK_ATTRIBUTE always = {CKA_ALWAYS_AUTHENTICATE, &yes, 1};
	CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
	CK_BYTE data[32] = {1}, signature[64];
	CK_ULONG length = sizeof(signature);
	CK_UTF8CHAR *pin = (CK_UTF8CHAR *)FIXTURE_PIN;
	struct fixture_pair pair = fixture_generate(session, FIXTURE_P256, true, &always, 1);

	(void)state;
	assert_rv(p11->C_Login(session, CKU_CONTEXT_SPECIFIC, pin, strlen(FIXTURE_PIN)),
		CKR_OPERATION_NOT_INITIALIZED);
	for (int i = 0; i < 2; i++) {
		assert_ok(p11->C_SignInit(session, &ecdsa, pair.private_key));
		assert_rv(
			p11->C_Sign(session, data, 32, signature, &length), CKR_USER_NOT_LOGGED_IN);
		assert_ok(p11->C_SignInit(session, &ecdsa, pair.private_key));
		assert_rv(p11->C_Login(session, CKU_CONTEXT_SPECIFIC, (CK_UTF8CHAR *)"wrong", 5),
			CKR_PIN_INCORRECT);
		assert_ok(p11->C_Login(session, CKU_CONTEXT_SPECIFIC, pin, strlen(FIXTURE_PIN)));
		assert_ok(p11->C_Sign(session, data, 32, NULL, &length));
		assert_ok(p11->C_Sign(session, data, 32, signature, &length));
	}
	assert_ok(p11->C_DestroyObject(session, pair.private_key));
}

/* PKCS #11 v3.0, 4.9: a lock ends the login, too. The vault answers ten wrong PINs slowly: in full runs only. */
static void always_authenticate_locks(void **state)
{
	CK_BBOOL yes = CK_TRUE;
	CK_ATTRIBUTE always = {CKA_ALWAYS_AUTHENTICATE, &yes, 1};
	CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
	CK_UTF8CHAR wrong[] = "wrong";
	CK_SESSION_INFO info;
	CK_RV rv = CKR_PIN_INCORRECT;

	(void)state;
	if (getenv("PODPIS_FULL") == NULL)
		skip();
	struct fixture_pair pair = fixture_generate(session, FIXTURE_P256, true, &always, 1);
	assert_ok(p11->C_SignInit(session, &ecdsa, pair.private_key));
	for (int i = 0; i < 11 && rv == CKR_PIN_INCORRECT; i++) {
		assert_ok(p11->C_GetSessionInfo(session, &info));
		assert_int_equal(info.state, CKS_RW_USER_FUNCTIONS);
		rv = p11->C_Login(session, CKU_CONTEXT_SPECIFIC, wrong, 5);
	}
	assert_int_equal(rv, CKR_PIN_LOCKED);
	assert_ok(p11->C_GetSessionInfo(session, &info));
	assert_int_equal(info.state, CKS_RW_PUBLIC_SESSION);
}

#define THREADS 8
#define ROUNDS  60

static void *sign_often(void *argument)
{
	size_t number = (size_t)(uintptr_t)argument;
	CK_BYTE data[32] = {(CK_BYTE)number}, signature[256];
	CK_RV rv = CKR_OK;

	for (int i = 0; i < ROUNDS && rv == CKR_OK; i++) {
		CK_SESSION_HANDLE own = 0;
		CK_ULONG length = sizeof(signature);
		enum fixture_kind kind = (number + (size_t)i) % 2 ? FIXTURE_P256 : FIXTURE_ED25519;
		CK_MECHANISM mechanism = {kind == FIXTURE_P256 ? CKM_ECDSA : CKM_EDDSA, NULL, 0};
		rv = p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &own);
		if (rv == CKR_OK)
			rv = p11->C_SignInit(own, &mechanism, pairs[kind].private_key);
		if (rv == CKR_OK)
			rv = p11->C_Sign(own, data, sizeof(data), signature, &length);
		if (rv == CKR_OK)
			rv = p11->C_VerifyInit(own, &mechanism, pairs[kind].public_key);
		if (rv == CKR_OK)
			rv = p11->C_Verify(own, data, sizeof(data), signature, length);
		if (rv == CKR_OK)
			rv = p11->C_FindObjectsInit(own, NULL, 0);
		if (rv == CKR_OK)
			rv = p11->C_CloseSession(own);
	}
	return (void *)(uintptr_t)rv;
}

static void many_threads(void **state)
{
	pthread_t threads[THREADS];

	(void)state;
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, sign_often, (void *)(uintptr_t)i), 0);
	for (size_t i = 0; i < THREADS; i++) {
		void *rv = NULL;
		assert_int_equal(pthread_join(threads[i], &rv), 0);
		assert_int_equal((uintptr_t)rv, CKR_OK);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_mechanism),
		cmocka_unit_test(recovery),
		cmocka_unit_test(wrong_keys),
		cmocka_unit_test(errors_end_operations),
		cmocka_unit_test(kept_operations_follow_the_key),
		cmocka_unit_test(always_authenticate),
		cmocka_unit_test(many_threads),
		/* Last: the other tests' handles end with the login. */
		cmocka_unit_test(a_login_later),
		cmocka_unit_test(always_authenticate_locks),
	};
	return cmocka_run_group_tests(tests, open_keys, fixture_close);
}
