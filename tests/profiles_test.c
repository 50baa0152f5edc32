/* profile.c: the profiles that the token says it has, each walked as its consumers walk it (OASIS PKCS #11 Profiles v3.0, 3). */
#include <string.h>

#include "tests/module_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static CK_BBOOL yes = CK_TRUE;
static CK_OBJECT_CLASS certificate_class = CKO_CERTIFICATE;
static const char certificate[] = "a certificate's bytes";

static int make_objects(void **state)
{
	CK_CERTIFICATE_TYPE x509 = CKC_X_509;
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &certificate_class, sizeof(certificate_class)},
		{CKA_CERTIFICATE_TYPE, &x509, sizeof(x509)}, {CKA_TOKEN, &yes, 1},
		{CKA_SUBJECT, "subject", 7}, {CKA_LABEL, "certificate", 11},
		{CKA_VALUE, (void *)(uintptr_t)certificate, sizeof(certificate)}};
	CK_ATTRIBUTE public_label = {CKA_LABEL, "rsa-public", 10};
	CK_ATTRIBUTE private_label = {CKA_LABEL, "rsa-private", 11};
	CK_OBJECT_HANDLE object = 0;

	fixture_open_token(state);
	CK_SESSION_HANDLE session = fixture_user();
	struct fixture_pair pair = fixture_generate(session, FIXTURE_RSA, true, NULL, 0);
	assert_ok(p11->C_SetAttributeValue(session, pair.public_key, &public_label, 1));
	assert_ok(p11->C_SetAttributeValue(session, pair.private_key, &private_label, 1));
	assert_ok(p11->C_CreateObject(session, templ, COUNT(templ), &object));
	assert_ok(p11->C_Finalize(NULL));
	return 0;
}

/* What every profile begins with: the token's slot. */
static CK_SLOT_ID begin(void)
{
	CK_INFO info;
	CK_SLOT_ID slots[4];
	CK_ULONG count = 0;

	assert_ok(p11->C_Initialize(NULL));
	assert_ok(p11->C_GetInfo(&info));
	assert_int_equal(info.cryptokiVersion.major, 3);
	assert_ok(p11->C_GetSlotList(CK_TRUE, NULL, &count));
	assert_in_range(count, 1, COUNT(slots));
	assert_ok(p11->C_GetSlotList(CK_TRUE, slots, &count));
	return slots[0];
}

static void end(CK_SLOT_ID slot, CK_SESSION_HANDLE session)
{
	assert_ok(p11->C_CloseSession(session));
	assert_ok(p11->C_CloseAllSessions(slot));
	assert_ok(p11->C_Finalize(NULL));
}

static CK_OBJECT_HANDLE find(CK_SESSION_HANDLE session, CK_ATTRIBUTE *templ, CK_ULONG count)
{
	CK_OBJECT_HANDLE object = 0;
	CK_ULONG found = 0;

	assert_ok(p11->C_FindObjectsInit(session, templ, count));
	assert_ok(p11->C_FindObjects(session, &object, 1, &found));
	assert_ok(p11->C_FindObjectsFinal(session));
	assert_int_equal(found, 1);
	return object;
}

static CK_SESSION_HANDLE session_with(CK_SLOT_ID slot, CK_ULONG profile)
{
	CK_OBJECT_CLASS class = CKO_PROFILE;
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &class, sizeof(class)}, {CKA_TOKEN, &yes, 1},
		{CKA_PROFILE_ID, &profile, sizeof(profile)}};
	CK_SESSION_HANDLE session = 0;

	assert_ok(p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &session));
	find(session, templ, COUNT(templ));
	return session;
}

static void baseline(void **state)
{
	const CK_FLAGS flags =
		CKF_RNG | CKF_LOGIN_REQUIRED | CKF_USER_PIN_INITIALIZED | CKF_TOKEN_INITIALIZED;
	CK_SLOT_INFO slot_info;
	CK_TOKEN_INFO token_info;
	CK_ATTRIBUTE on_token = {CKA_TOKEN, &yes, 1};

	(void)state;
	CK_SLOT_ID slot = begin();
	assert_ok(p11->C_GetSlotInfo(slot, &slot_info));
	assert_true((slot_info.flags & CKF_TOKEN_PRESENT) != 0);
	assert_ok(p11->C_GetTokenInfo(slot, &token_info));
	assert_int_equal(token_info.flags & flags, flags);
	CK_SESSION_HANDLE session = session_with(slot, CKP_BASELINE_PROVIDER);
	find(session, &on_token, 1);
	end(slot, session);
}

static void authentication_token(void **state)
{
	CK_OBJECT_CLASS public_class = CKO_PUBLIC_KEY, private_class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE public_templ[] = {{CKA_TOKEN, &yes, 1}, {CKA_LABEL, "rsa-public", 10},
		{CKA_CLASS, &public_class, sizeof(public_class)}};
	CK_ATTRIBUTE private_templ[] = {{CKA_TOKEN, &yes, 1}, {CKA_LABEL, "rsa-private", 11},
		{CKA_CLASS, &private_class, sizeof(private_class)}};
	CK_MECHANISM mechanism = {CKM_SHA256_RSA_PKCS, NULL, 0};
	CK_BYTE modulus[1024], exponent[1024], data[] = "a challenge", signature[1024];
	CK_ATTRIBUTE numbers[] = {{CKA_MODULUS, modulus, sizeof(modulus)},
		{CKA_PUBLIC_EXPONENT, exponent, sizeof(exponent)}};
	CK_ULONG length = sizeof(signature);

	(void)state;
	CK_SLOT_ID slot = begin();
	CK_SESSION_HANDLE session = session_with(slot, CKP_AUTHENTICATION_TOKEN);
	assert_ok(p11->C_Login(session, CKU_USER, (CK_UTF8CHAR *)FIXTURE_PIN, strlen(FIXTURE_PIN)));
	CK_OBJECT_HANDLE public_key = find(session, public_templ, COUNT(public_templ));
	assert_ok(p11->C_GetAttributeValue(session, public_key, numbers, COUNT(numbers)));
	assert_int_equal(numbers[0].ulValueLen, 256);
	assert_int_equal(numbers[1].ulValueLen, 3);
	CK_OBJECT_HANDLE private_key = find(session, private_templ, COUNT(private_templ));
	assert_ok(p11->C_SignInit(session, &mechanism, private_key));
	assert_ok(p11->C_Sign(session, data, sizeof(data), signature, &length));
	assert_int_equal(length, 256);
	assert_ok(p11->C_VerifyInit(session, &mechanism, public_key));
	assert_ok(p11->C_Verify(session, data, sizeof(data), signature, length));
	assert_ok(p11->C_Logout(session));
	end(slot, session);
}

/* Without a login. */
static void public_certificates_token(void **state)
{
	CK_ATTRIBUTE templ[] = {
		{CKA_TOKEN, &yes, 1}, {CKA_CLASS, &certificate_class, sizeof(certificate_class)}};
	CK_BYTE label[11], value[sizeof(certificate)];
	CK_ATTRIBUTE attributes[] = {{CKA_LABEL, NULL, 0}, {CKA_VALUE, NULL, 0}};

	(void)state;
	CK_SLOT_ID slot = begin();
	CK_SESSION_HANDLE session = session_with(slot, CKP_PUBLIC_CERTIFICATES_TOKEN);
	CK_OBJECT_HANDLE object = find(session, templ, COUNT(templ));
	assert_ok(p11->C_GetAttributeValue(session, object, attributes, COUNT(attributes)));
	assert_int_equal(attributes[0].ulValueLen, sizeof(label));
	assert_int_equal(attributes[1].ulValueLen, sizeof(value));
	attributes[0].pValue = label;
	attributes[1].pValue = value;
	assert_ok(p11->C_GetAttributeValue(session, object, attributes, COUNT(attributes)));
	assert_memory_equal(label, "certificate", sizeof(label));
	assert_memory_equal(value, certificate, sizeof(value));
	end(slot, session);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(baseline),
		cmocka_unit_test(authentication_token),
		cmocka_unit_test(public_certificates_token),
	};
	return cmocka_run_group_tests(tests, make_objects, fixture_close);
}
