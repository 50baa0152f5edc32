/* Decryption, encryption, key agreement and digests. */
#include <string.h>

#include "tests/module_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static CK_SESSION_HANDLE session;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static struct fixture_pair rsa;

static int open_keys(void **state)
{
	fixture_open_token(state);
	session = fixture_user();
	rsa = fixture_generate(session, FIXTURE_RSA, true, NULL, 0);
	return 0;
}

static CK_RSA_PKCS_OAEP_PARAMS oaep1 = {CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0};
static CK_RSA_PKCS_OAEP_PARAMS oaep256 = {
	CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, "a label", 7};

static void decryption(void **state)
{
	CK_MECHANISM mechanisms[] = {
		{CKM_RSA_PKCS, NULL, 0},
		{CKM_RSA_PKCS_OAEP, &oaep1, sizeof(oaep1)},
		{CKM_RSA_PKCS_OAEP, &oaep256, sizeof(oaep256)},
	};
	CK_BYTE text[] = "forty-two bytes of something that is secret", cipher[256], plain[256];

	(void)state;
	for (size_t i = 0; i < COUNT(mechanisms); i++) {
		CK_ULONG length = 0, size = sizeof(cipher);
		assert_ok(p11->C_EncryptInit(session, &mechanisms[i], rsa.public_key));
		assert_ok(p11->C_Encrypt(session, text, sizeof(text), NULL, &length));
		assert_int_equal(length, 256);
		assert_ok(p11->C_Encrypt(session, text, sizeof(text), cipher, &size));
		assert_int_equal(size, 256);

		assert_ok(p11->C_DecryptInit(session, &mechanisms[i], rsa.private_key));
		assert_ok(p11->C_Decrypt(session, cipher, size, NULL, &length));
		assert_in_range(length, sizeof(text), 256);
		length = sizeof(text) - 1;
		assert_rv(p11->C_Decrypt(session, cipher, size, plain, &length),
			CKR_BUFFER_TOO_SMALL);
		assert_int_equal(length, sizeof(text));
		/* What fits is enough, though it was not known before that it would. */
		assert_ok(p11->C_Decrypt(session, cipher, size, plain, &length));
		assert_int_equal(length, sizeof(text));
		assert_memory_equal(plain, text, length);

		length = sizeof(plain);
		assert_ok(p11->C_DecryptInit(session, &mechanisms[i], rsa.private_key));
		assert_ok(p11->C_DecryptUpdate(session, cipher, 100, NULL, &length));
		assert_int_equal(length, 0);
		length = sizeof(plain);
		assert_ok(p11->C_DecryptUpdate(session, cipher, 100, plain, &length));
		assert_int_equal(length, 0);
		length = sizeof(plain);
		assert_ok(p11->C_DecryptUpdate(session, cipher + 100, 156, plain, &length));
		length = sizeof(plain);
		assert_ok(p11->C_DecryptFinal(session, plain, &length));
		assert_memory_equal(plain, text, sizeof(text));

		length = sizeof(plain);
		assert_ok(p11->C_DecryptInit(session, &mechanisms[i], rsa.private_key));
		assert_rv(p11->C_Decrypt(session, cipher, 255, plain, &length),
			CKR_ENCRYPTED_DATA_LEN_RANGE);
		assert_rv(p11->C_Decrypt(session, cipher, 256, plain, &length),
			CKR_OPERATION_NOT_INITIALIZED);
	}
	/* A label of its own belongs to OAEP. */
	CK_ULONG length = sizeof(plain);
	assert_ok(p11->C_DecryptInit(session, &mechanisms[1], rsa.private_key));
	assert_rv(p11->C_Decrypt(session, cipher, 256, plain, &length), CKR_ENCRYPTED_DATA_INVALID);
	mechanisms[1].ulParameterLen--;
	assert_rv(p11->C_DecryptInit(session, &mechanisms[1], rsa.private_key),
		CKR_MECHANISM_PARAM_INVALID);
}

/* The other party's point: an OCTET STRING, bare, bare and compressed, compressed in an OCTET STRING. */
enum form {
	WRAPPED,
	BARE,
	COMPRESSED,
	COMPRESSED_WRAPPED,
};

/* Makes of a whole point in an OCTET STRING (P-256, P-384) another form; tells where it begins. */
static CK_BYTE *point_as(enum form form, CK_BYTE *point, CK_ULONG *length)
{
	CK_ULONG size = (*length - 3) / 2;

	if (form == WRAPPED)
		return point;
	if (form == BARE) {
		*length -= 2;
		return point + 2;
	}
	point[1] = (CK_BYTE)(1 + size);
	point[2] = 2 + (point[*length - 1] & 1);
	*length = 1 + size + (form == COMPRESSED ? 0 : 2);
	return point + (form == COMPRESSED ? 2 : 0);
}

static CK_OBJECT_HANDLE derive(struct fixture_pair mine, struct fixture_pair theirs, CK_ULONG kdf,
	CK_ULONG length, enum form form, CK_RV expected)
{
	CK_BYTE point[160];
	CK_OBJECT_CLASS secret = CKO_SECRET_KEY;
	CK_KEY_TYPE generic = CKK_GENERIC_SECRET;
	CK_OBJECT_HANDLE object = 0;
	CK_ULONG point_length = fixture_get(session, theirs.public_key, CKA_EC_POINT, point, 160);
	CK_BYTE *public_data = point_as(form, point, &point_length);
	CK_ECDH1_DERIVE_PARAMS parameter = {kdf, 0, NULL, point_length, public_data};
	CK_MECHANISM mechanism = {CKM_ECDH1_DERIVE, &parameter, sizeof(parameter)};
	CK_ATTRIBUTE templ[] = {
		{CKA_CLASS, &secret, sizeof(secret)},
		{CKA_KEY_TYPE, &generic, sizeof(generic)},
		{CKA_SENSITIVE, &no, 1},
		{CKA_EXTRACTABLE, &yes, 1},
		{CKA_VALUE_LEN, &length, sizeof(length)},
	};

	assert_rv(p11->C_DeriveKey(session, &mechanism, mine.private_key, templ,
			  length != 0 ? 5 : 4, &object),
		expected);
	return object;
}

static void agreement(void **state)
{
	CK_BYTE a[128], b[128];

	(void)state;
	for (int kind = FIXTURE_P256; kind <= FIXTURE_P384; kind++) {
		CK_ULONG size = kind == FIXTURE_P256 ? 32 : 48;
		struct fixture_pair one =
			fixture_generate(session, (enum fixture_kind)kind, true, NULL, 0);
		struct fixture_pair two =
			fixture_generate(session, (enum fixture_kind)kind, false, NULL, 0);
		CK_OBJECT_HANDLE x = derive(one, two, CKD_NULL, 0, WRAPPED, CKR_OK);
		CK_OBJECT_HANDLE y = derive(two, one, CKD_NULL, 0, BARE, CKR_OK);
		assert_int_equal(fixture_get(session, x, CKA_VALUE, a, 128), size);
		assert_int_equal(fixture_get(session, y, CKA_VALUE, b, 128), size);
		assert_memory_equal(a, b, size);
		assert_false(fixture_get_bool(session, x, CKA_ALWAYS_SENSITIVE));
		assert_false(fixture_get_bool(session, x, CKA_LOCAL));
		assert_int_equal(fixture_get(session, x, CKA_CHECK_VALUE, b, 128), 3);
		for (int form = COMPRESSED; form <= COMPRESSED_WRAPPED; form++) {
			y = derive(two, one, CKD_NULL, 0, (enum form)form, CKR_OK);
			assert_int_equal(fixture_get(session, y, CKA_VALUE, b, 128), size);
			assert_memory_equal(a, b, size);
		}
		/* Cut at the front; the functions give more than there is. */
		y = derive(two, one, CKD_NULL, 16, WRAPPED, CKR_OK);
		assert_int_equal(fixture_get(session, y, CKA_VALUE, b, 128), 16);
		assert_memory_equal(a + size - 16, b, 16);
		derive(two, one, CKD_NULL, size + 1, WRAPPED, CKR_TEMPLATE_INCONSISTENT);
		x = derive(one, two, CKD_SHA256_KDF, 80, WRAPPED, CKR_OK);
		y = derive(two, one, CKD_SHA256_KDF, 80, WRAPPED, CKR_OK);
		assert_int_equal(fixture_get(session, x, CKA_VALUE, a, 128), 80);
		assert_int_equal(fixture_get(session, y, CKA_VALUE, b, 128), 80);
		assert_memory_equal(a, b, 80);
		derive(one, two, 77, 0, WRAPPED, CKR_MECHANISM_PARAM_INVALID);
	}
	CK_ATTRIBUTE forbidden = {CKA_DERIVE, &no, 1};
	struct fixture_pair pair = fixture_generate(session, FIXTURE_P256, true, NULL, 0);
	assert_ok(p11->C_SetAttributeValue(session, pair.private_key, &forbidden, 1));
	derive(pair, pair, CKD_NULL, 0, WRAPPED, CKR_KEY_FUNCTION_NOT_PERMITTED);
	pair = (struct fixture_pair){pair.public_key, rsa.private_key};
	derive(pair, pair, CKD_NULL, 0, WRAPPED, CKR_KEY_TYPE_INCONSISTENT);
}

/* A public key that is given compressed is kept whole; both forms verify, and a private key knows its own. */
static void compressed_points(void **state)
{
	CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
	CK_KEY_TYPE type = CKK_EC;
	CK_BYTE curve[32], whole[160], point[160], odd[160], signature[64], digest[32] = "digest";
	struct fixture_pair pair = fixture_generate(session, FIXTURE_P256, false, NULL, 0);
	CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
	CK_ULONG whole_length = fixture_get(session, pair.public_key, CKA_EC_POINT, whole, 160);
	CK_ULONG length = sizeof(signature);
	CK_ATTRIBUTE templ[] = {
		{CKA_CLASS, &class, sizeof(class)},
		{CKA_KEY_TYPE, &type, sizeof(type)},
		{CKA_EC_PARAMS, curve,
			fixture_get(session, pair.public_key, CKA_EC_PARAMS, curve, 32)},
		{CKA_EC_POINT, NULL, whole_length},
	};
	CK_OBJECT_HANDLE key = 0;

	(void)state;
	assert_ok(p11->C_SignInit(session, &ecdsa, pair.private_key));
	assert_ok(p11->C_Sign(session, digest, sizeof(digest), signature, &length));
	memcpy(point, whole, whole_length);
	templ[3].pValue = point_as(COMPRESSED_WRAPPED, point, &templ[3].ulValueLen);
	assert_ok(p11->C_CreateObject(session, templ, 4, &key));
	assert_int_equal(fixture_get(session, key, CKA_EC_POINT, odd, 160), whole_length);
	assert_memory_equal(odd, whole, whole_length);
	assert_ok(p11->C_VerifyInit(session, &ecdsa, key));
	assert_ok(p11->C_Verify(session, digest, sizeof(digest), signature, length));

	/* The other root is another point, and a form of a length that is not its own is none. */
	point[2] ^= 1;
	assert_ok(p11->C_CreateObject(session, templ, 4, &key));
	assert_ok(p11->C_VerifyInit(session, &ecdsa, key));
	assert_rv(p11->C_Verify(session, digest, sizeof(digest), signature, length),
		CKR_SIGNATURE_INVALID);
	point[2] = 4;
	assert_rv(p11->C_CreateObject(session, templ, 4, &key), CKR_ATTRIBUTE_VALUE_INVALID);
	templ[3].pValue = whole;
	templ[3].ulValueLen = whole_length;
	whole[2] = 2;
	assert_rv(p11->C_CreateObject(session, templ, 4, &key), CKR_ATTRIBUTE_VALUE_INVALID);
}

static void digests(void **state)
{
	static const struct {
		CK_MECHANISM_TYPE type;
		CK_ULONG size;
		CK_BYTE first[4]; /* of the digest of "abc" (FIPS 180-4's examples) */
	} cases[] = {
		{CKM_SHA_1, 20, {0xa9, 0x99, 0x3e, 0x36}},
		{CKM_SHA224, 28, {0x23, 0x09, 0x7d, 0x22}},
		{CKM_SHA256, 32, {0xba, 0x78, 0x16, 0xbf}},
		{CKM_SHA384, 48, {0xcb, 0x00, 0x75, 0x3f}},
		{CKM_SHA512, 64, {0xdd, 0xaf, 0x35, 0xa1}},
	};
	CK_BYTE abc[] = {'a', 'b', 'c'}, digest[64];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		CK_MECHANISM mechanism = {cases[i].type, NULL, 0};
		CK_ULONG length = 0;
		for (int twice = 0; twice < 2; twice++) {
			assert_ok(p11->C_DigestInit(session, &mechanism));
			assert_ok(p11->C_Digest(session, abc, 3, NULL, &length));
			assert_int_equal(length, cases[i].size);
			length--;
			assert_rv(p11->C_Digest(session, abc, 3, digest, &length),
				CKR_BUFFER_TOO_SMALL);
			assert_ok(p11->C_Digest(session, abc, 3, digest, &length));
			assert_memory_equal(digest, cases[i].first, 4);
		}
		memset(digest, 0, sizeof(digest));
		assert_ok(p11->C_DigestInit(session, &mechanism));
		assert_rv(p11->C_DigestInit(session, &mechanism), CKR_OPERATION_ACTIVE);
		assert_ok(p11->C_DigestUpdate(session, abc, 1));
		assert_ok(p11->C_DigestUpdate(session, abc + 1, 2));
		length = sizeof(digest);
		assert_ok(p11->C_DigestFinal(session, digest, &length));
		assert_memory_equal(digest, cases[i].first, 4);
		assert_rv(p11->C_DigestFinal(session, digest, &length),
			CKR_OPERATION_NOT_INITIALIZED);
		assert_ok(p11->C_DigestInit(session, &mechanism));
		assert_ok(p11->C_DigestUpdate(session, abc, 1));
		assert_rv(p11->C_Digest(session, abc, 3, digest, &length), CKR_OPERATION_ACTIVE);
		assert_rv(p11->C_DigestUpdate(session, abc, 1), CKR_OPERATION_NOT_INITIALIZED);
		assert_ok(p11->C_DigestInit(session, &mechanism));
		assert_ok(p11->C_Digest(session, abc, 3, NULL, &length));
		assert_rv(p11->C_DigestFinal(session, digest, &length), CKR_OPERATION_ACTIVE);
		assert_rv(p11->C_Digest(session, abc, 3, digest, &length),
			CKR_OPERATION_NOT_INITIALIZED);
	}
	CK_MECHANISM mechanism = {CKM_SHA256, NULL, 0};
	assert_ok(p11->C_DigestInit(session, &mechanism));
	assert_rv(p11->C_DigestKey(session, rsa.private_key), CKR_KEY_INDIGESTIBLE);
	assert_rv(p11->C_DigestUpdate(session, abc, 1), CKR_OPERATION_NOT_INITIALIZED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decryption),
		cmocka_unit_test(agreement),
		cmocka_unit_test(compressed_points),
		cmocka_unit_test(digests),
	};
	return cmocka_run_group_tests(tests, open_keys, fixture_close);
}
