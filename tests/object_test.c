/* Objects: creation, copies, changes, values, and the rules of their attributes. */
#include <stdlib.h>
#include <string.h>

#include "tests/module_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static CK_SESSION_HANDLE session;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_OBJECT_CLASS data_class = CKO_DATA, certificate_class = CKO_CERTIFICATE,
		       private_class = CKO_PRIVATE_KEY, public_class = CKO_PUBLIC_KEY,
		       secret_class = CKO_SECRET_KEY;
static CK_KEY_TYPE ec = CKK_EC, generic = CKK_GENERIC_SECRET;
static CK_CERTIFICATE_TYPE x509 = CKC_X_509;

static int open_session(void **state)
{
	fixture_open_token(state);
	session = fixture_user();
	return 0;
}

static CK_OBJECT_HANDLE create(CK_ATTRIBUTE *templ, CK_ULONG count)
{
	CK_OBJECT_HANDLE object = 0;
	assert_ok(p11->C_CreateObject(session, templ, count, &object));
	return object;
}

static void data_objects(void **state)
{
	CK_BYTE text[64];
	CK_OBJECT_HANDLE copy = 0;
	CK_ULONG size = 0;

	(void)state;
	for (int token = 0; token < 2; token++) {
		CK_BBOOL on_token = (CK_BBOOL)token;
		CK_ATTRIBUTE templ[] = {
			{CKA_CLASS, &data_class, sizeof(data_class)},
			{CKA_TOKEN, &on_token, 1},
			{CKA_LABEL, "label", 5},
			{CKA_VALUE, "value", 5},
		};
		CK_OBJECT_HANDLE object = create(templ, COUNT(templ));
		assert_int_equal(fixture_get_bool(session, object, CKA_TOKEN), token);
		assert_false(fixture_get_bool(session, object, CKA_PRIVATE));
		assert_true(fixture_get_bool(session, object, CKA_MODIFIABLE));
		assert_true(fixture_get_bool(session, object, CKA_COPYABLE));
		assert_true(fixture_get_bool(session, object, CKA_DESTROYABLE));
		assert_int_equal(fixture_get(session, object, CKA_APPLICATION, text, 64), 0);
		assert_int_equal(fixture_get(session, object, CKA_UNIQUE_ID, text, 64), 32);

		CK_ATTRIBUTE change[] = {{CKA_VALUE, "other value", 11}, {CKA_LABEL, "", 0}};
		assert_ok(p11->C_SetAttributeValue(session, object, change, 2));
		assert_int_equal(fixture_get(session, object, CKA_VALUE, text, 64), 11);
		assert_memory_equal(text, "other value", 11);
		assert_int_equal(fixture_get(session, object, CKA_LABEL, text, 64), 0);
		assert_ok(p11->C_GetObjectSize(session, object, &size));
		assert_true(size > 11);

		CK_ATTRIBUTE other[] = {{CKA_TOKEN, &no, 1}, {CKA_LABEL, "copy", 4}};
		CK_BYTE first[32], second[32];
		assert_ok(p11->C_CopyObject(session, object, other, 2, &copy));
		assert_int_equal(fixture_get(session, copy, CKA_VALUE, text, 64), 11);
		assert_int_equal(fixture_get(session, copy, CKA_LABEL, text, 64), 4);
		fixture_get(session, object, CKA_UNIQUE_ID, first, 32);
		fixture_get(session, copy, CKA_UNIQUE_ID, second, 32);
		assert_memory_not_equal(first, second, 32);

		assert_ok(p11->C_DestroyObject(session, object));
		assert_rv(p11->C_DestroyObject(session, object), CKR_OBJECT_HANDLE_INVALID);
		assert_rv(p11->C_GetObjectSize(session, object, &size), CKR_OBJECT_HANDLE_INVALID);
		assert_ok(p11->C_DestroyObject(session, copy));
	}
}

/* Every entry of a template is answered, whatever is wrong with the others. */
static void values_are_answered_one_by_one(void **state)
{
	CK_ATTRIBUTE templ[] = {
		{CKA_CLASS, &data_class, sizeof(data_class)}, {CKA_VALUE, "12345", 5}};
	CK_OBJECT_HANDLE object = create(templ, COUNT(templ));
	CK_BYTE small[2], value[8];
	CK_OBJECT_CLASS class = 0;
	CK_ATTRIBUTE get[] = {
		{0xdeadbeef, value, sizeof(value)},
		{CKA_MODULUS, value, sizeof(value)},
		{CKA_VALUE, small, sizeof(small)},
		{CKA_VALUE, NULL, 0},
		{CKA_CLASS, &class, sizeof(class)},
		{CKA_VALUE, value, sizeof(value)},
	};

	(void)state;
	CK_RV rv = p11->C_GetAttributeValue(session, object, get, COUNT(get));
	assert_true(rv == CKR_ATTRIBUTE_TYPE_INVALID || rv == CKR_BUFFER_TOO_SMALL);
	assert_int_equal(get[0].ulValueLen, CK_UNAVAILABLE_INFORMATION);
	assert_int_equal(get[1].ulValueLen, CK_UNAVAILABLE_INFORMATION);
	assert_int_equal(get[2].ulValueLen, CK_UNAVAILABLE_INFORMATION);
	assert_int_equal(get[3].ulValueLen, 5);
	assert_int_equal(class, CKO_DATA);
	assert_int_equal(get[5].ulValueLen, 5);
	assert_memory_equal(value, "12345", 5);
	assert_rv(p11->C_GetAttributeValue(session, object, get, 1), CKR_ATTRIBUTE_TYPE_INVALID);
	get[2].ulValueLen = sizeof(small);
	assert_rv(p11->C_GetAttributeValue(session, object, &get[2], 1), CKR_BUFFER_TOO_SMALL);
	assert_rv(p11->C_GetAttributeValue(session, object, NULL, 1), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_GetAttributeValue(session, 0, get, 1), CKR_OBJECT_HANDLE_INVALID);
	assert_ok(p11->C_DestroyObject(session, object));
}

static void refused_templates(void **state)
{
	CK_BBOOL nonsense = 7;
	CK_OBJECT_CLASS hardware = CKO_HW_FEATURE, profile = CKO_PROFILE;
	CK_ATTRIBUTE class_data = {CKA_CLASS, &data_class, sizeof(data_class)};
	CK_ATTRIBUTE class_private = {CKA_CLASS, &private_class, sizeof(private_class)};
	CK_ATTRIBUTE class_certificate = {CKA_CLASS, &certificate_class, sizeof(certificate_class)};
	CK_ATTRIBUTE key_ec = {CKA_KEY_TYPE, &ec, sizeof(ec)};
	const struct {
		CK_ATTRIBUTE templ[4];
		CK_ULONG count;
		CK_RV rv;
	} cases[] = {
		{{{CKA_LABEL, "x", 1}}, 1, CKR_TEMPLATE_INCOMPLETE},
		{{{CKA_CLASS, &data_class, 3}}, 1, CKR_ATTRIBUTE_VALUE_INVALID},
		{{{CKA_CLASS, &hardware, sizeof(hardware)}}, 1, CKR_ATTRIBUTE_VALUE_INVALID},
		{{{CKA_CLASS, &profile, sizeof(profile)}}, 1, CKR_ATTRIBUTE_VALUE_INVALID},
		{{class_data, {0xdeadbeef, "x", 1}}, 2, CKR_ATTRIBUTE_TYPE_INVALID},
		{{class_data, {CKA_MODULUS, "x", 1}}, 2, CKR_TEMPLATE_INCONSISTENT},
		{{class_data, {CKA_TOKEN, &nonsense, 1}}, 2, CKR_ATTRIBUTE_VALUE_INVALID},
		{{class_data, {CKA_TOKEN, NULL, 1}}, 2, CKR_ATTRIBUTE_VALUE_INVALID},
		{{class_data, {CKA_LABEL, "x", 1}, {CKA_LABEL, "y", 1}}, 3,
			CKR_TEMPLATE_INCONSISTENT},
		{{class_data, {CKA_UNIQUE_ID, "x", 1}}, 2, CKR_ATTRIBUTE_READ_ONLY},
		{{class_private, key_ec}, 2, CKR_TEMPLATE_INCOMPLETE},
		{{class_private}, 1, CKR_TEMPLATE_INCOMPLETE},
		{{class_private, {CKA_KEY_TYPE, &generic, sizeof(generic)}}, 2,
			CKR_ATTRIBUTE_VALUE_INVALID},
		{{class_private, key_ec, {CKA_LOCAL, &yes, 1}}, 3, CKR_ATTRIBUTE_READ_ONLY},
		{{class_certificate, {CKA_CERTIFICATE_TYPE, &x509, sizeof(x509)}}, 2,
			CKR_TEMPLATE_INCOMPLETE},
		{{class_certificate, {CKA_CERTIFICATE_TYPE, &x509, sizeof(x509)},
			 {CKA_VALUE, "x", 1}},
			3, CKR_TEMPLATE_INCOMPLETE},
		{{class_certificate, {CKA_CERTIFICATE_TYPE, &x509, sizeof(x509)},
			 {CKA_TRUSTED, &yes, 1}},
			3, CKR_ATTRIBUTE_READ_ONLY},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		CK_OBJECT_HANDLE object = 0;
		CK_RV rv = p11->C_CreateObject(session, (CK_ATTRIBUTE *)(uintptr_t)cases[i].templ,
			cases[i].count, &object);
		if (rv != cases[i].rv)
			print_error("case %zu\n", i);
		assert_int_equal(rv, cases[i].rv);
	}
	CK_OBJECT_HANDLE object = 0;
	assert_rv(p11->C_CreateObject(session, NULL, 0, &object), CKR_ARGUMENTS_BAD);
	assert_rv(p11->C_CreateObject(session, &class_data, 1, NULL), CKR_ARGUMENTS_BAD);
}

static void permissions(void **state)
{
	CK_SESSION_HANDLE ro = fixture_session(false);
	CK_OBJECT_HANDLE object = 0, fixed = 0;
	CK_ATTRIBUTE on_token[] = {
		{CKA_CLASS, &data_class, sizeof(data_class)}, {CKA_TOKEN, &yes, 1}};
	CK_ATTRIBUTE stubborn[] = {{CKA_CLASS, &data_class, sizeof(data_class)},
		{CKA_MODIFIABLE, &no, 1}, {CKA_COPYABLE, &no, 1}, {CKA_DESTROYABLE, &no, 1}};
	CK_ATTRIBUTE label = {CKA_LABEL, "x", 1}, token = {CKA_TOKEN, &yes, 1};
	CK_ATTRIBUTE copyable = {CKA_COPYABLE, &yes, 1};

	(void)state;
	assert_rv(p11->C_CreateObject(ro, on_token, 2, &object), CKR_SESSION_READ_ONLY);
	object = create(on_token, 2);
	assert_rv(p11->C_SetAttributeValue(ro, object, &label, 1), CKR_SESSION_READ_ONLY);
	assert_rv(p11->C_DestroyObject(ro, object), CKR_SESSION_READ_ONLY);
	assert_rv(p11->C_SetAttributeValue(session, object, &token, 1), CKR_ATTRIBUTE_READ_ONLY);
	assert_ok(p11->C_DestroyObject(session, object));

	assert_ok(p11->C_CreateObject(ro, stubborn, COUNT(stubborn), &fixed));
	assert_rv(p11->C_SetAttributeValue(session, fixed, &label, 1), CKR_ACTION_PROHIBITED);
	assert_rv(p11->C_CopyObject(session, fixed, NULL, 0, &object), CKR_ACTION_PROHIBITED);
	assert_rv(p11->C_DestroyObject(session, fixed), CKR_ACTION_PROHIBITED);
	/* It goes with its session all the same. */
	assert_ok(p11->C_CloseSession(ro));
	assert_rv(p11->C_CopyObject(session, fixed, NULL, 0, &object), CKR_OBJECT_HANDLE_INVALID);

	object = create(on_token, 1);
	copyable.pValue = &no;
	assert_ok(p11->C_SetAttributeValue(session, object, &copyable, 1));
	copyable.pValue = &yes;
	assert_rv(p11->C_SetAttributeValue(session, object, &copyable, 1), CKR_ATTRIBUTE_READ_ONLY);
	assert_ok(p11->C_DestroyObject(session, object));
}

static void generated_keys(void **state)
{
	CK_BYTE buffer[600];
	CK_ATTRIBUTE open_key[] = {{CKA_SENSITIVE, &no, 1}, {CKA_EXTRACTABLE, &yes, 1}};

	(void)state;
	for (int kind = FIXTURE_RSA; kind <= FIXTURE_ED25519; kind++) {
		struct fixture_pair pair =
			fixture_generate(session, (enum fixture_kind)kind, true, NULL, 0);
		CK_OBJECT_HANDLE key = pair.private_key;
		CK_ATTRIBUTE_TYPE secret = kind == FIXTURE_RSA ? CKA_PRIVATE_EXPONENT : CKA_VALUE;
		CK_ATTRIBUTE value = {secret, buffer, sizeof(buffer)};
		CK_BYTE mine[600], other[600];

		assert_true(fixture_get_bool(session, key, CKA_LOCAL));
		assert_true(fixture_get_bool(session, pair.public_key, CKA_LOCAL));
		assert_true(fixture_get_bool(session, key, CKA_PRIVATE));
		assert_true(fixture_get_bool(session, key, CKA_SENSITIVE));
		assert_true(fixture_get_bool(session, key, CKA_ALWAYS_SENSITIVE));
		assert_false(fixture_get_bool(session, key, CKA_EXTRACTABLE));
		assert_true(fixture_get_bool(session, key, CKA_NEVER_EXTRACTABLE));
		assert_false(fixture_get_bool(session, key, CKA_ALWAYS_AUTHENTICATE));
		assert_false(fixture_get_bool(session, key, CKA_WRAP_WITH_TRUSTED));
		assert_int_equal(fixture_get(session, key, CKA_START_DATE, buffer, 8), 0);
		assert_int_equal(fixture_get(session, key, CKA_ALLOWED_MECHANISMS, buffer, 8), 0);
		assert_int_equal(fixture_get(session, key, CKA_SUBJECT, buffer, 8), 0);
		assert_rv(
			p11->C_GetAttributeValue(session, key, &value, 1), CKR_ATTRIBUTE_SENSITIVE);
		assert_int_equal(value.ulValueLen, CK_UNAVAILABLE_INFORMATION);
		CK_ULONG length = fixture_get(session, key, CKA_PUBLIC_KEY_INFO, mine, 600);
		assert_true(length > 40);
		assert_int_equal(
			fixture_get(session, pair.public_key, CKA_PUBLIC_KEY_INFO, other, 600),
			length);
		assert_memory_equal(mine, other, length);

		CK_ATTRIBUTE lower[] = {{CKA_SENSITIVE, &no, 1}},
			     raise[] = {{CKA_EXTRACTABLE, &yes, 1}};
		assert_rv(
			p11->C_SetAttributeValue(session, key, lower, 1), CKR_ATTRIBUTE_READ_ONLY);
		assert_rv(
			p11->C_SetAttributeValue(session, key, raise, 1), CKR_ATTRIBUTE_READ_ONLY);
		CK_OBJECT_HANDLE copy = 0;
		assert_rv(
			p11->C_CopyObject(session, key, lower, 1, &copy), CKR_ATTRIBUTE_READ_ONLY);
		CK_ATTRIBUTE open = {CKA_PRIVATE, &no, 1};
		assert_rv(
			p11->C_CopyObject(session, key, &open, 1, &copy), CKR_ATTRIBUTE_READ_ONLY);
		assert_ok(p11->C_DestroyObject(session, key));
		assert_ok(p11->C_DestroyObject(session, pair.public_key));

		if (kind == FIXTURE_RSA)
			continue;
		/* An extractable key shows itself, as long as it is not made sensitive. */
		for (int token = 0; token < 2; token++) {
			pair = fixture_generate(
				session, (enum fixture_kind)kind, token == 1, open_key, 2);
			assert_false(
				fixture_get_bool(session, pair.private_key, CKA_ALWAYS_SENSITIVE));
			length = fixture_get(session, pair.private_key, CKA_VALUE, buffer, 600);
			assert_in_range(length, 30, 48);
			lower[0].pValue = &yes;
			assert_ok(p11->C_SetAttributeValue(session, pair.private_key, lower, 1));
			lower[0].pValue = &no;
			value = (CK_ATTRIBUTE){CKA_VALUE, buffer, 600};
			assert_rv(p11->C_GetAttributeValue(session, pair.private_key, &value, 1),
				CKR_ATTRIBUTE_SENSITIVE);
			assert_ok(p11->C_DestroyObject(session, pair.private_key));
			assert_ok(p11->C_DestroyObject(session, pair.public_key));
		}
	}
}

/* Out with its values, in again as another object, to the same signatures. */
static void imported_keys(void **state)
{
	CK_ATTRIBUTE open_key[] = {{CKA_SENSITIVE, &no, 1}, {CKA_EXTRACTABLE, &yes, 1}};
	struct fixture_pair pair = fixture_generate(session, FIXTURE_P256, false, open_key, 2);
	struct fixture_pair other = fixture_generate(session, FIXTURE_P256, false, open_key, 2);
	CK_BYTE params[32], value[64], point[160], data[32] = {5}, signature[64];
	CK_BYTE again[160];
	CK_ULONG params_length = fixture_get(session, pair.private_key, CKA_EC_PARAMS, params, 32);
	CK_ULONG value_length = fixture_get(session, pair.private_key, CKA_VALUE, value, 64);
	CK_ULONG point_length = fixture_get(session, other.public_key, CKA_EC_POINT, point, 160);
	CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
	CK_ULONG length = sizeof(signature);
	CK_OBJECT_HANDLE object = 0, copy = 0;

	(void)state;
	CK_ATTRIBUTE templ[] = {
		{CKA_CLASS, &private_class, sizeof(private_class)},
		{CKA_KEY_TYPE, &ec, sizeof(ec)},
		{CKA_EC_PARAMS, params, params_length},
		{CKA_VALUE, value, value_length},
		{CKA_TOKEN, &yes, 1},
		{CKA_EC_POINT, point, point_length},
	};
	/* The point of another key does not belong to it. */
	assert_rv(p11->C_CreateObject(session, templ, 6, &object), CKR_TEMPLATE_INCONSISTENT);
	object = create(templ, 5);
	assert_false(fixture_get_bool(session, object, CKA_LOCAL));
	assert_false(fixture_get_bool(session, object, CKA_ALWAYS_SENSITIVE));
	assert_false(fixture_get_bool(session, object, CKA_NEVER_EXTRACTABLE));
	assert_int_equal(fixture_get_ulong(session, object, CKA_KEY_GEN_MECHANISM),
		CK_UNAVAILABLE_INFORMATION);
	assert_ok(p11->C_SignInit(session, &ecdsa, object));
	assert_ok(p11->C_Sign(session, data, 32, signature, &length));
	assert_ok(p11->C_VerifyInit(session, &ecdsa, pair.public_key));
	assert_ok(p11->C_Verify(session, data, 32, signature, length));
	/* A sensitive key can be copied within the token, and signs the same. */
	CK_ATTRIBUTE label = {CKA_LABEL, "copy", 4};
	assert_ok(p11->C_CopyObject(session, object, &label, 1, &copy));
	assert_ok(p11->C_DestroyObject(session, object));
	assert_ok(p11->C_SignInit(session, &ecdsa, copy));
	assert_ok(p11->C_Sign(session, data, 32, signature, &length));
	assert_ok(p11->C_VerifyInit(session, &ecdsa, pair.public_key));
	assert_ok(p11->C_Verify(session, data, 32, signature, length));
	assert_ok(p11->C_DestroyObject(session, copy));

	CK_ATTRIBUTE public_templ[] = {
		{CKA_CLASS, &public_class, sizeof(public_class)},
		{CKA_KEY_TYPE, &ec, sizeof(ec)},
		{CKA_EC_PARAMS, params, params_length},
		{CKA_EC_POINT, point, point_length},
	};
	object = create(public_templ, 4);
	assert_int_equal(
		fixture_get(session, object, CKA_EC_POINT, again, sizeof(again)), point_length);
	assert_ok(p11->C_DestroyObject(session, object));
	point[10] ^= 1;
	CK_RV rv = p11->C_CreateObject(session, public_templ, 4, &object);
	assert_true(rv == CKR_ATTRIBUTE_VALUE_INVALID);
}

/* SEQUENCE { SEQUENCE { [0] {}, INTEGER 1234, SEQUENCE {}, issuer, SEQUENCE {}, subject, SEQUENCE {} } } */
static CK_BYTE small_certificate[] = {0x30, 0x18, 0x30, 0x16, 0xa0, 0x00, 0x02, 0x02, 0x12, 0x34,
	0x30, 0x00, 0x30, 0x02, 0x05, 0x00, 0x30, 0x00, 0x30, 0x02, 0x31, 0x00, 0x30, 0x02, 0x05,
	0x00};

static void certificates(void **state)
{
	CK_ATTRIBUTE templ[] = {
		{CKA_CLASS, &certificate_class, sizeof(certificate_class)},
		{CKA_CERTIFICATE_TYPE, &x509, sizeof(x509)},
		{CKA_TOKEN, &yes, 1},
		{CKA_VALUE, small_certificate, sizeof(small_certificate)},
	};
	CK_OBJECT_HANDLE object = create(templ, 4);
	CK_BYTE value[64];
	CK_ATTRIBUTE change = {CKA_VALUE, "x", 1}, id = {CKA_ID, "id", 2};

	(void)state;
	assert_int_equal(fixture_get(session, object, CKA_SUBJECT, value, 64), 4);
	assert_memory_equal(value, "\x30\x02\x31\x00", 4);
	assert_int_equal(fixture_get(session, object, CKA_ISSUER, value, 64), 4);
	assert_memory_equal(value, "\x30\x02\x05\x00", 4);
	assert_int_equal(fixture_get(session, object, CKA_SERIAL_NUMBER, value, 64), 4);
	assert_memory_equal(value, "\x02\x02\x12\x34", 4);
	assert_int_equal(fixture_get(session, object, CKA_PUBLIC_KEY_INFO, value, 64), 4);
	assert_int_equal(fixture_get(session, object, CKA_CHECK_VALUE, value, 64), 3);
	assert_int_equal(fixture_get_ulong(session, object, CKA_CERTIFICATE_CATEGORY), 0);
	assert_int_equal(fixture_get_ulong(session, object, CKA_NAME_HASH_ALGORITHM), CKM_SHA_1);
	assert_false(fixture_get_bool(session, object, CKA_TRUSTED));
	assert_rv(p11->C_SetAttributeValue(session, object, &change, 1), CKR_ATTRIBUTE_READ_ONLY);
	assert_ok(p11->C_SetAttributeValue(session, object, &id, 1));
	assert_int_equal(fixture_get(session, object, CKA_ID, value, 64), 2);
	assert_ok(p11->C_DestroyObject(session, object));
}

static void secrets(void **state)
{
	CK_ATTRIBUTE templ[] = {
		{CKA_CLASS, &secret_class, sizeof(secret_class)},
		{CKA_KEY_TYPE, &generic, sizeof(generic)},
		{CKA_VALUE, "0123456789abcdef", 16},
		{CKA_SENSITIVE, &yes, 1},
		{CKA_TOKEN, &yes, 1},
	};
	CK_OBJECT_HANDLE object = 0;
	CK_BYTE value[64];
	CK_ATTRIBUTE get = {CKA_VALUE, value, sizeof(value)};
	CK_ULONG found = 0;

	(void)state;
	assert_rv(p11->C_CreateObject(session, templ, 5, &object), CKR_TEMPLATE_INCONSISTENT);
	object = create(templ, 4);
	assert_int_equal(fixture_get_ulong(session, object, CKA_VALUE_LEN), 16);
	assert_rv(p11->C_GetAttributeValue(session, object, &get, 1), CKR_ATTRIBUTE_SENSITIVE);
	/* Nor can it be found by guessing. */
	assert_ok(p11->C_FindObjectsInit(session, &templ[2], 1));
	assert_ok(p11->C_FindObjects(session, &object, 1, &found));
	assert_int_equal(found, 0);
	assert_ok(p11->C_FindObjectsFinal(session));
}

static void who_sees_private_objects(void **state)
{
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &data_class, sizeof(data_class)}, {CKA_TOKEN, &yes, 1},
		{CKA_PRIVATE, &yes, 1}, {CKA_LABEL, "secret", 6}};
	CK_OBJECT_HANDLE on_token = create(templ, 4), in_session = 0, object = 0;
	CK_ULONG found = 0, size = 0;

	(void)state;
	templ[1].pValue = &no;
	in_session = create(templ, 4);
	assert_ok(p11->C_Logout(session));
	assert_rv(p11->C_GetObjectSize(session, on_token, &size), CKR_OBJECT_HANDLE_INVALID);
	assert_rv(p11->C_GetObjectSize(session, in_session, &size), CKR_OBJECT_HANDLE_INVALID);
	assert_ok(p11->C_FindObjectsInit(session, &templ[3], 1));
	assert_ok(p11->C_FindObjects(session, &object, 1, &found));
	assert_int_equal(found, 0);
	assert_ok(p11->C_FindObjectsFinal(session));
	assert_rv(p11->C_CreateObject(session, templ, 4, &object), CKR_USER_NOT_LOGGED_IN);
	assert_ok(p11->C_Login(session, CKU_USER, (CK_UTF8CHAR *)FIXTURE_PIN, strlen(FIXTURE_PIN)));
	/* The old handle stays dead, for every use; the object has a new one. */
	assert_rv(p11->C_GetObjectSize(session, on_token, &size), CKR_OBJECT_HANDLE_INVALID);
	assert_rv(p11->C_SetAttributeValue(session, on_token, &templ[3], 1),
		CKR_OBJECT_HANDLE_INVALID);
	assert_rv(p11->C_DestroyObject(session, on_token), CKR_OBJECT_HANDLE_INVALID);
	assert_rv(p11->C_GetObjectSize(session, in_session, &size), CKR_OBJECT_HANDLE_INVALID);
	assert_ok(p11->C_FindObjectsInit(session, &templ[3], 1));
	assert_ok(p11->C_FindObjects(session, &object, 1, &found));
	assert_int_equal(found, 1);
	assert_ok(p11->C_FindObjectsFinal(session));
	assert_int_not_equal(object, on_token);
	/* The same for all sessions of the login, and whatever is done to the object. */
	CK_SESSION_HANDLE other = fixture_session(false);
	assert_ok(p11->C_GetObjectSize(other, object, &size));
	assert_ok(p11->C_SetAttributeValue(session, object, &templ[3], 1));
	assert_ok(p11->C_GetObjectSize(other, object, &size));
	assert_ok(p11->C_CloseSession(other));
	assert_ok(p11->C_DestroyObject(session, object));
}

/* A copy takes what it may, has a name of its own, and is the same key. */
static void copies(void **state)
{
	CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
	struct fixture_pair pair = fixture_generate(session, FIXTURE_P256, true, NULL, 0);
	CK_ATTRIBUTE said_again[] = {{CKA_SENSITIVE, &yes, 1}, {CKA_EXTRACTABLE, &no, 1},
		{CKA_PRIVATE, &yes, 1}, {CKA_LABEL, "copy", 4}, {CKA_TOKEN, &no, 1}};
	CK_ATTRIBUTE fixed[] = {{CKA_CLASS, &private_class, sizeof(private_class)},
		{CKA_KEY_TYPE, &ec, sizeof(ec)}, {CKA_LOCAL, &yes, 1}};
	CK_BYTE name[2][64], data[32] = {1}, signature[64];
	CK_ULONG length = sizeof(signature), names = 0;
	CK_OBJECT_HANDLE copy = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(fixed); i++)
		assert_rv(p11->C_CopyObject(session, pair.private_key, &fixed[i], 1, &copy),
			CKR_ATTRIBUTE_READ_ONLY);
	/* What is for good is read-only from then on; in a copy it may be said again. */
	for (size_t i = 0; i < 2; i++)
		assert_rv(p11->C_SetAttributeValue(session, pair.private_key, &said_again[i], 1),
			CKR_ATTRIBUTE_READ_ONLY);
	assert_ok(
		p11->C_CopyObject(session, pair.private_key, said_again, COUNT(said_again), &copy));
	assert_false(fixture_get_bool(session, copy, CKA_TOKEN));
	assert_true(fixture_get_bool(session, copy, CKA_ALWAYS_SENSITIVE));
	assert_true(fixture_get_bool(session, copy, CKA_NEVER_EXTRACTABLE));
	assert_true(fixture_get_bool(session, copy, CKA_LOCAL));
	names = fixture_get(session, pair.private_key, CKA_UNIQUE_ID, name[0], sizeof(name[0]));
	assert_int_equal(
		fixture_get(session, copy, CKA_UNIQUE_ID, name[1], sizeof(name[1])), names);
	assert_memory_not_equal(name[0], name[1], names);
	assert_ok(p11->C_DestroyObject(session, pair.private_key));
	assert_ok(p11->C_SignInit(session, &ecdsa, copy));
	assert_ok(p11->C_Sign(session, data, sizeof(data), signature, &length));
	assert_ok(p11->C_VerifyInit(session, &ecdsa, pair.public_key));
	assert_ok(p11->C_Verify(session, data, sizeof(data), signature, length));
	assert_ok(p11->C_DestroyObject(session, copy));
	assert_ok(p11->C_DestroyObject(session, pair.public_key));
}

/* PKCS #11 v3.0, 4.9: only a private object can ask for the PIN each time. */
static void always_authenticate_is_for_private_keys(void **state)
{
	CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
	CK_MECHANISM mechanism = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
	CK_ATTRIBUTE curve = {CKA_EC_PARAMS, p256, sizeof(p256)};
	CK_ATTRIBUTE templ[] = {{CKA_ALWAYS_AUTHENTICATE, &yes, 1}, {CKA_PRIVATE, &no, 1}};
	CK_OBJECT_HANDLE a = 0, b = 0;

	(void)state;
	assert_rv(p11->C_GenerateKeyPair(session, &mechanism, &curve, 1, templ, 2, &a, &b),
		CKR_TEMPLATE_INCONSISTENT);
	assert_ok(p11->C_GenerateKeyPair(session, &mechanism, &curve, 1, templ, 1, &a, &b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(data_objects),
		cmocka_unit_test(values_are_answered_one_by_one),
		cmocka_unit_test(refused_templates),
		cmocka_unit_test(permissions),
		cmocka_unit_test(generated_keys),
		cmocka_unit_test(imported_keys),
		cmocka_unit_test(certificates),
		cmocka_unit_test(secrets),
		cmocka_unit_test(copies),
		cmocka_unit_test(who_sees_private_objects),
		cmocka_unit_test(always_authenticate_is_for_private_keys),
	};
	return cmocka_run_group_tests(tests, open_session, fixture_close);
}
