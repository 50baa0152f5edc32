/* Making keys: what may be asked, and what is kept. */
#include <string.h>

#include "tests/module_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static CK_SESSION_HANDLE session;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

static int open_session(void **state)
{
	fixture_open_token(state);
	session = fixture_user();
	return 0;
}

static void key_pairs(void **state)
{
	CK_MECHANISM ec = {CKM_EC_KEY_PAIR_GEN, NULL, 0},
		     edwards = {CKM_EC_EDWARDS_KEY_PAIR_GEN, NULL, 0};
	CK_MECHANISM wrong = {CKM_RSA_PKCS_KEY_PAIR_GEN, "x", 1},
		     rsa_gen = {CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0};
	CK_BYTE name[] = {0x13, 0x0c, 'e', 'd', 'w', 'a', 'r', 'd', 's', '2', '5', '5', '1', '9'};
	CK_BYTE unknown[] = {0x06, 0x03, 0x2b, 0x65, 0x77}, params[32];
	CK_ULONG bits = 1016;
	CK_ATTRIBUTE curve = {CKA_EC_PARAMS, name, sizeof(name)},
		     size = {CKA_MODULUS_BITS, &bits, sizeof(bits)};
	CK_ATTRIBUTE value = {CKA_VALUE, "x", 1};
	CK_OBJECT_HANDLE a = 0, b = 0;

	(void)state;
	/* The name of the curve stays as the application wrote it, for both keys. */
	assert_ok(p11->C_GenerateKeyPair(session, &edwards, &curve, 1, NULL, 0, &a, &b));
	assert_int_equal(fixture_get(session, a, CKA_EC_PARAMS, params, 32), sizeof(name));
	assert_memory_equal(params, name, sizeof(name));
	assert_int_equal(fixture_get(session, b, CKA_EC_PARAMS, params, 32), sizeof(name));
	assert_int_equal(fixture_get_ulong(session, b, CKA_KEY_TYPE), CKK_EC_EDWARDS);
	assert_int_equal(
		fixture_get_ulong(session, b, CKA_KEY_GEN_MECHANISM), CKM_EC_EDWARDS_KEY_PAIR_GEN);

	curve = (CK_ATTRIBUTE){CKA_EC_PARAMS, unknown, sizeof(unknown)};
	assert_rv(p11->C_GenerateKeyPair(session, &ec, &curve, 1, NULL, 0, &a, &b),
		CKR_CURVE_NOT_SUPPORTED);
	assert_rv(p11->C_GenerateKeyPair(session, &ec, NULL, 0, NULL, 0, &a, &b),
		CKR_TEMPLATE_INCOMPLETE);
	assert_rv(p11->C_GenerateKeyPair(session, &ec, &curve, 1, &value, 1, &a, &b),
		CKR_ATTRIBUTE_READ_ONLY);
	assert_rv(p11->C_GenerateKeyPair(session, &rsa_gen, &size, 1, NULL, 0, &a, &b),
		CKR_KEY_SIZE_RANGE);
	assert_rv(p11->C_GenerateKeyPair(session, &wrong, &size, 1, NULL, 0, &a, &b),
		CKR_MECHANISM_PARAM_INVALID);
	assert_rv(p11->C_GenerateKeyPair(session, &ec, &curve, 1, NULL, 0, NULL, &b),
		CKR_ARGUMENTS_BAD);
}

/* Small RSA keys serve old peers and test tools for the length of a session; none is kept. */
static void small_keys_are_not_kept(void **state)
{
	CK_MECHANISM rsa = {CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0};
	CK_ULONG bits[] = {1024, 2047}, found = 0;
	CK_OBJECT_HANDLE a = 0, b = 0, list[1];
	CK_ATTRIBUTE size = {CKA_MODULUS_BITS, NULL, sizeof(bits[0])}, keep = {CKA_TOKEN, &yes, 1};

	(void)state;
	for (size_t i = 0; i < COUNT(bits); i++) {
		CK_ATTRIBUTE kept[] = {size, keep};
		size.pValue = kept[0].pValue = &bits[i];
		assert_ok(p11->C_GenerateKeyPair(session, &rsa, &size, 1, NULL, 0, &a, &b));
		assert_int_equal(fixture_get_ulong(session, a, CKA_MODULUS_BITS), bits[i]);
		assert_rv(p11->C_GenerateKeyPair(session, &rsa, kept, 2, NULL, 0, &a, &b),
			CKR_KEY_SIZE_RANGE);
		assert_rv(p11->C_GenerateKeyPair(session, &rsa, &size, 1, &keep, 1, &a, &b),
			CKR_KEY_SIZE_RANGE);
		assert_rv(p11->C_CopyObject(session, a, &keep, 1, &b), CKR_KEY_SIZE_RANGE);
	}
	assert_ok(p11->C_FindObjectsInit(session, &keep, 1));
	assert_ok(p11->C_FindObjects(session, list, 1, &found));
	assert_ok(p11->C_FindObjectsFinal(session));
	/* Only the profiles are of the token. */
	assert_int_equal(found, 1);
	assert_int_equal(fixture_get_ulong(session, list[0], CKA_CLASS), CKO_PROFILE);
}

/* FIPS 186-4 asks for 2^16 < e. What is smaller is for a session, too; an even number or 1 is none. */
static void small_exponents_are_not_kept(void **state)
{
	CK_MECHANISM rsa = {CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0},
		     sign = {CKM_SHA256_RSA_PKCS, NULL, 0};
	CK_BYTE three[] = {3}, long_three[] = {0, 0, 3}, last[] = {0xff, 0xff}, even[] = {4},
		one[] = {1};
	CK_BYTE data[] = "data", signature[256], exponent[8];
	CK_ULONG bits = 2048, length = sizeof(signature);
	CK_ATTRIBUTE templ[] = {{CKA_MODULUS_BITS, &bits, sizeof(bits)},
		{CKA_PUBLIC_EXPONENT, three, sizeof(three)}, {CKA_TOKEN, &yes, 1}};
	CK_OBJECT_HANDLE a = 0, b = 0;

	(void)state;
	assert_ok(p11->C_GenerateKeyPair(session, &rsa, templ, 2, NULL, 0, &a, &b));
	assert_int_equal(fixture_get(session, a, CKA_PUBLIC_EXPONENT, exponent, 8), 1);
	assert_int_equal(exponent[0], 3);
	assert_ok(p11->C_SignInit(session, &sign, b));
	assert_ok(p11->C_Sign(session, data, sizeof(data), signature, &length));
	assert_ok(p11->C_VerifyInit(session, &sign, a));
	assert_ok(p11->C_Verify(session, data, sizeof(data), signature, length));

	assert_rv(p11->C_GenerateKeyPair(session, &rsa, templ, 3, NULL, 0, &a, &b),
		CKR_ATTRIBUTE_VALUE_INVALID);
	assert_rv(p11->C_GenerateKeyPair(session, &rsa, templ, 2, &templ[2], 1, &a, &b),
		CKR_ATTRIBUTE_VALUE_INVALID);
	templ[1] = (CK_ATTRIBUTE){CKA_PUBLIC_EXPONENT, long_three, sizeof(long_three)};
	assert_rv(p11->C_GenerateKeyPair(session, &rsa, templ, 3, NULL, 0, &a, &b),
		CKR_ATTRIBUTE_VALUE_INVALID);
	templ[1] = (CK_ATTRIBUTE){CKA_PUBLIC_EXPONENT, last, sizeof(last)};
	assert_rv(p11->C_GenerateKeyPair(session, &rsa, templ, 3, NULL, 0, &a, &b),
		CKR_ATTRIBUTE_VALUE_INVALID);
	templ[1] = (CK_ATTRIBUTE){CKA_PUBLIC_EXPONENT, even, sizeof(even)};
	assert_rv(p11->C_GenerateKeyPair(session, &rsa, templ, 2, NULL, 0, &a, &b),
		CKR_ATTRIBUTE_VALUE_INVALID);
	templ[1] = (CK_ATTRIBUTE){CKA_PUBLIC_EXPONENT, one, sizeof(one)};
	assert_rv(p11->C_GenerateKeyPair(session, &rsa, templ, 2, NULL, 0, &a, &b),
		CKR_ATTRIBUTE_VALUE_INVALID);
}

/* A private key in the vault may be shown without a login; it is neither made nor used without one. */
static void private_keys_of_the_token_need_a_login(void **state)
{
	CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
	CK_MECHANISM ec = {CKM_EC_KEY_PAIR_GEN, NULL, 0}, ecdsa = {CKM_ECDSA, NULL, 0};
	CK_ATTRIBUTE curve = {CKA_EC_PARAMS, p256, sizeof(p256)};
	CK_ATTRIBUTE shown[] = {{CKA_PRIVATE, &no, 1}, {CKA_TOKEN, &yes, 1}};
	CK_OBJECT_HANDLE a = 0, b = 0;

	(void)state;
	assert_ok(p11->C_GenerateKeyPair(session, &ec, &curve, 1, shown, 2, &a, &b));
	assert_ok(p11->C_Logout(session));
	assert_false(fixture_get_bool(session, b, CKA_PRIVATE));
	assert_rv(p11->C_SignInit(session, &ecdsa, b), CKR_USER_NOT_LOGGED_IN);
	assert_rv(p11->C_GenerateKeyPair(session, &ec, &curve, 1, shown, 2, &a, &b),
		CKR_TEMPLATE_INCONSISTENT);
	assert_ok(p11->C_GenerateKeyPair(session, &ec, &curve, 1, shown, 1, &a, &b));
	assert_rv(p11->C_CopyObject(session, b, &shown[1], 1, &a), CKR_TEMPLATE_INCONSISTENT);
	assert_ok(p11->C_Login(session, CKU_USER, (CK_UTF8CHAR *)FIXTURE_PIN, strlen(FIXTURE_PIN)));
}

static void secret_keys(void **state)
{
	CK_MECHANISM aes = {CKM_AES_KEY_GEN, NULL, 0},
		     generic = {CKM_GENERIC_SECRET_KEY_GEN, NULL, 0};
	CK_ULONG length = 16;
	CK_ATTRIBUTE size = {CKA_VALUE_LEN, &length, sizeof(length)};
	CK_OBJECT_HANDLE key = 0;

	(void)state;
	assert_rv(p11->C_GenerateKey(session, &aes, &size, 1, &key), CKR_MECHANISM_INVALID);
	assert_rv(p11->C_GenerateKey(session, &generic, &size, 1, &key), CKR_MECHANISM_INVALID);
	assert_rv(p11->C_GenerateKey(session, NULL, &size, 1, &key), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_GenerateKey(session, &aes, NULL, 1, &key), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_GenerateKey(session, &aes, &size, 1, NULL), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_GenerateKey(0, &aes, &size, 1, &key), CKR_SESSION_HANDLE_INVALID);
	assert_int_equal(key, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(key_pairs),
		cmocka_unit_test(small_keys_are_not_kept),
		cmocka_unit_test(small_exponents_are_not_kept),
		cmocka_unit_test(private_keys_of_the_token_need_a_login),
		cmocka_unit_test(secret_keys),
	};
	return cmocka_run_group_tests(tests, open_session, fixture_close);
}
