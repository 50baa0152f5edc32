/* GOST R 34.10-2012 through the module: every parameter set, every mechanism, import, what is refused, threads. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tests/module_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SET_MAX      11

static CK_SESSION_HANDLE session;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_OBJECT_CLASS public_class = CKO_PUBLIC_KEY, private_class = CKO_PRIVATE_KEY;

static CK_BYTE streebog_256[] = {0x06, 0x08, 0x2a, 0x85, 0x03, 0x07, 0x01, 0x01, 0x02, 0x02};
static CK_BYTE streebog_512[] = {0x06, 0x08, 0x2a, 0x85, 0x03, 0x07, 0x01, 0x01, 0x02, 0x03};
static CK_BYTE gost_94[] = {0x06, 0x07, 0x2a, 0x85, 0x03, 0x02, 0x02, 0x1e, 0x01};

/* As they are sent. */
static struct set {
	CK_BYTE oid[SET_MAX];
	CK_ULONG length;
	CK_ULONG n; /* bytes of a private key */
} sets[] = {
	{{0x06, 0x07, 0x2a, 0x85, 0x03, 0x02, 0x02, 0x23, 0x01}, 9, 32},
	{{0x06, 0x07, 0x2a, 0x85, 0x03, 0x02, 0x02, 0x23, 0x02}, 9, 32},
	{{0x06, 0x07, 0x2a, 0x85, 0x03, 0x02, 0x02, 0x23, 0x03}, 9, 32},
	{{0x06, 0x07, 0x2a, 0x85, 0x03, 0x02, 0x02, 0x24, 0x00}, 9, 32},
	{{0x06, 0x07, 0x2a, 0x85, 0x03, 0x02, 0x02, 0x24, 0x01}, 9, 32},
	{{0x06, 0x09, 0x2a, 0x85, 0x03, 0x07, 0x01, 0x02, 0x01, 0x01, 0x01}, 11, 32},
	{{0x06, 0x09, 0x2a, 0x85, 0x03, 0x07, 0x01, 0x02, 0x01, 0x01, 0x02}, 11, 32},
	{{0x06, 0x09, 0x2a, 0x85, 0x03, 0x07, 0x01, 0x02, 0x01, 0x01, 0x03}, 11, 32},
	{{0x06, 0x09, 0x2a, 0x85, 0x03, 0x07, 0x01, 0x02, 0x01, 0x01, 0x04}, 11, 32},
	{{0x06, 0x09, 0x2a, 0x85, 0x03, 0x07, 0x01, 0x02, 0x01, 0x02, 0x01}, 11, 64},
	{{0x06, 0x09, 0x2a, 0x85, 0x03, 0x07, 0x01, 0x02, 0x01, 0x02, 0x02}, 11, 64},
	{{0x06, 0x09, 0x2a, 0x85, 0x03, 0x07, 0x01, 0x02, 0x01, 0x02, 0x03}, 11, 64},
};
#define SET_256 0
#define SET_512 9

static struct fixture_pair pairs[COUNT(sets)];

static CK_KEY_TYPE key_type(const struct set *set)
{
	return set->n == 32 ? CKK_GOSTR3410 : CKK_GOSTR3410_512;
}

/* The mechanisms of a length: generation, raw, hashing, digest. */
static const CK_MECHANISM_TYPE mechanisms[2][4] = {
	{CKM_GOSTR3410_KEY_PAIR_GEN, CKM_GOSTR3410, CKM_GOSTR3410_WITH_GOSTR3411_12_256,
		CKM_GOSTR3411_12_256},
	{CKM_GOSTR3410_512_KEY_PAIR_GEN, CKM_GOSTR3410_512, CKM_GOSTR3410_WITH_GOSTR3411_12_512,
		CKM_GOSTR3411_12_512},
};

static CK_MECHANISM mechanism_of(const struct set *set, size_t which)
{
	return (CK_MECHANISM){mechanisms[set->n == 64][which], NULL, 0};
}

/* As pkcs11-tool does it: the parameters in both templates, `other` in the private one. */
static CK_RV generate(struct set *set, struct set *other, CK_BYTE *digest, CK_ULONG digest_length,
	CK_BBOOL *token, struct fixture_pair *out)
{
	CK_KEY_TYPE type = key_type(set);
	CK_MECHANISM mechanism = mechanism_of(set, 0);
	CK_ATTRIBUTE public_part[] = {
		{CKA_CLASS, &public_class, sizeof(public_class)},
		{CKA_TOKEN, token, 1},
		{CKA_GOSTR3410_PARAMS, set->oid, set->length},
		{CKA_GOSTR3411_PARAMS, digest, digest_length},
		{CKA_KEY_TYPE, &type, sizeof(type)},
		{CKA_VERIFY, &yes, 1},
	};
	CK_ATTRIBUTE private_part[] = {
		{CKA_CLASS, &private_class, sizeof(private_class)},
		{CKA_TOKEN, token, 1},
		{CKA_EXTRACTABLE, &yes, 1},
		{CKA_SENSITIVE, &no, 1},
		{CKA_GOSTR3410_PARAMS, other->oid, other->length},
		{CKA_GOSTR3411_PARAMS, digest, digest_length},
		{CKA_KEY_TYPE, &type, sizeof(type)},
		{CKA_SIGN, &yes, 1},
	};

	return p11->C_GenerateKeyPair(session, &mechanism, public_part, COUNT(public_part),
		private_part, COUNT(private_part), &out->public_key, &out->private_key);
}

static int open_keys(void **state)
{
	fixture_open_token(state);
	session = fixture_user();
	for (size_t i = 0; i < COUNT(sets); i++) {
		CK_BBOOL token = (CK_BBOOL)(i % 2);

		if (generate(&sets[i], &sets[i], sets[i].n == 32 ? streebog_256 : streebog_512,
			    sizeof(streebog_256), &token, &pairs[i]) != CKR_OK)
			return -1;
	}
	return 0;
}

static void attributes(void **state)
{
	CK_BYTE value[256], other[256];

	(void)state;
	for (size_t i = 0; i < COUNT(sets); i++) {
		const CK_OBJECT_HANDLE parts[] = {pairs[i].public_key, pairs[i].private_key};

		for (size_t j = 0; j < 2; j++) {
			assert_int_equal(fixture_get_ulong(session, parts[j], CKA_KEY_TYPE),
				key_type(&sets[i]));
			assert_int_equal(fixture_get(session, parts[j], CKA_GOSTR3410_PARAMS, value,
						 sizeof(value)),
				sets[i].length);
			assert_memory_equal(value, sets[i].oid, sets[i].length);
			assert_int_equal(fixture_get(session, parts[j], CKA_GOSTR3411_PARAMS, value,
						 sizeof(value)),
				sizeof(streebog_256));
			assert_int_equal(value[9], sets[i].n == 32 ? 2 : 3);
			assert_int_equal(fixture_get(session, parts[j], CKA_GOST28147_PARAMS, value,
						 sizeof(value)),
				0);
			assert_int_equal(
				fixture_get(session, parts[j], CKA_VALUE, value, sizeof(value)),
				j == 0 ? 2 * sets[i].n : sets[i].n);
		}
		/* The SubjectPublicKeyInfo of both ends with the public key's value. */
		fixture_get(session, parts[0], CKA_VALUE, value, sizeof(value));
		for (size_t j = 0; j < 2; j++) {
			CK_ULONG length = fixture_get(
				session, parts[j], CKA_PUBLIC_KEY_INFO, other, sizeof(other));
			assert_true(length > 2 * sets[i].n);
			assert_memory_equal(other + length - 2 * sets[i].n, value, 2 * sets[i].n);
		}
		assert_true(fixture_get_bool(session, parts[1], CKA_LOCAL));
		assert_int_equal(fixture_get_ulong(session, parts[1], CKA_KEY_GEN_MECHANISM),
			mechanisms[sets[i].n == 64][0]);
	}
}

static CK_ULONG sign(CK_MECHANISM mechanism, CK_OBJECT_HANDLE key, CK_BYTE *data, CK_ULONG length,
	CK_BYTE signature[128])
{
	CK_ULONG size = 0;

	assert_ok(p11->C_SignInit(session, &mechanism, key));
	assert_ok(p11->C_Sign(session, data, length, NULL, &size));
	assert_ok(p11->C_Sign(session, data, length, signature, &size));
	return size;
}

static CK_RV verify(CK_MECHANISM mechanism, CK_OBJECT_HANDLE key, CK_BYTE *data, CK_ULONG length,
	CK_BYTE *signature, CK_ULONG signature_length)
{
	assert_ok(p11->C_VerifyInit(session, &mechanism, key));
	return p11->C_Verify(session, data, length, signature, signature_length);
}

/* Hashed by the mechanism, whole and in parts, is the same as hashed before. */
static void every_mechanism(void **state)
{
	CK_BYTE data[1000], digest[64], signature[128];

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (CK_BYTE)(i * 7);
	for (size_t i = 0; i < COUNT(sets); i++) {
		CK_MECHANISM raw = mechanism_of(&sets[i], 1), hashing = mechanism_of(&sets[i], 2),
			     hash = mechanism_of(&sets[i], 3);
		CK_ULONG n = sets[i].n, size = sizeof(digest);
		CK_OBJECT_HANDLE public_key = pairs[i].public_key,
				 private_key = pairs[i].private_key;

		assert_ok(p11->C_DigestInit(session, &hash));
		assert_ok(p11->C_Digest(session, data, sizeof(data), digest, &size));
		assert_int_equal(size, n);

		assert_int_equal(sign(raw, private_key, digest, n, signature), 2 * n);
		assert_ok(verify(raw, public_key, digest, n, signature, 2 * n));
		assert_ok(verify(hashing, public_key, data, sizeof(data), signature, 2 * n));

		size = sizeof(signature);
		assert_ok(p11->C_SignInit(session, &hashing, private_key));
		assert_ok(p11->C_SignUpdate(session, data, 1));
		assert_ok(p11->C_SignUpdate(session, data + 1, sizeof(data) - 1));
		assert_ok(p11->C_SignFinal(session, signature, &size));
		assert_int_equal(size, 2 * n);
		assert_ok(verify(raw, public_key, digest, n, signature, 2 * n));

		signature[n] ^= 1;
		assert_rv(verify(raw, public_key, digest, n, signature, 2 * n),
			CKR_SIGNATURE_INVALID);
		assert_rv(verify(raw, public_key, digest, n, signature, 2 * n - 1),
			CKR_SIGNATURE_LEN_RANGE);
		assert_rv(verify(raw, public_key, digest, n - 1, signature, 2 * n),
			CKR_DATA_LEN_RANGE);
		/* Not a digest. */
		assert_ok(p11->C_SignInit(session, &raw, private_key));
		size = sizeof(signature);
		assert_rv(p11->C_Sign(session, data, n + 1, signature, &size), CKR_DATA_LEN_RANGE);
		assert_ok(p11->C_SignInit(session, &raw, private_key));
		assert_rv(p11->C_Sign(session, data, n - 1, signature, &size), CKR_DATA_LEN_RANGE);
		/* The other length's mechanism, another purpose. */
		CK_MECHANISM other = {mechanisms[n == 32][1], NULL, 0};
		assert_rv(p11->C_SignInit(session, &other, private_key), CKR_KEY_TYPE_INCONSISTENT);
		assert_rv(p11->C_EncryptInit(session, &raw, public_key), CKR_MECHANISM_INVALID);
		raw.pParameter = digest;
		raw.ulParameterLen = 1;
		assert_rv(p11->C_SignInit(session, &raw, private_key), CKR_MECHANISM_PARAM_INVALID);
	}
}

static CK_RV import(
	struct set *set, bool private_part, CK_BYTE *value, CK_ULONG length, CK_OBJECT_HANDLE *out)
{
	CK_KEY_TYPE type = key_type(set);
	CK_ATTRIBUTE templ[] = {
		{CKA_CLASS, private_part ? &private_class : &public_class, sizeof(public_class)},
		{CKA_KEY_TYPE, &type, sizeof(type)},
		{CKA_TOKEN, &yes, 1},
		{CKA_GOSTR3410_PARAMS, set->oid, set->length},
		{CKA_VALUE, value, length},
	};

	return p11->C_CreateObject(session, templ, COUNT(templ), out);
}

static void imported(void **state)
{
	CK_BYTE d[64], point[128], digest[64] = {1, 2, 3}, signature[128], value[128];
	CK_OBJECT_HANDLE private_key = 0, public_key = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(sets); i += 3) {
		CK_MECHANISM raw = mechanism_of(&sets[i], 1);
		CK_ULONG n = sets[i].n;

		fixture_get(session, pairs[i].private_key, CKA_VALUE, d, sizeof(d));
		fixture_get(session, pairs[i].public_key, CKA_VALUE, point, sizeof(point));
		assert_ok(import(&sets[i], true, d, n, &private_key));
		assert_ok(import(&sets[i], false, point, 2 * n, &public_key));
		/* The digest's parameters are told though nobody gave them. */
		assert_int_equal(fixture_get(session, public_key, CKA_GOSTR3411_PARAMS, value,
					 sizeof(value)),
			sizeof(streebog_256));
		sign(raw, private_key, digest, n, signature);
		assert_ok(verify(raw, pairs[i].public_key, digest, n, signature, 2 * n));
		sign(raw, pairs[i].private_key, digest, n, signature);
		assert_ok(verify(raw, public_key, digest, n, signature, 2 * n));
		assert_ok(p11->C_DestroyObject(session, private_key));
		assert_ok(p11->C_DestroyObject(session, public_key));

		/* Too short, too long, off the curve, zero, more than the order. */
		assert_rv(import(&sets[i], true, d, n - 1, &private_key),
			CKR_ATTRIBUTE_VALUE_INVALID);
		assert_rv(import(&sets[i], false, point, n, &public_key),
			CKR_ATTRIBUTE_VALUE_INVALID);
		point[n] ^= 1;
		assert_rv(import(&sets[i], false, point, 2 * n, &public_key),
			CKR_ATTRIBUTE_VALUE_INVALID);
		memset(d, 0, n);
		assert_rv(import(&sets[i], true, d, n, &private_key), CKR_ATTRIBUTE_VALUE_INVALID);
		memset(d, 0xff, n);
		assert_rv(import(&sets[i], true, d, n, &private_key), CKR_ATTRIBUTE_VALUE_INVALID);
	}
}

static void refused(void **state)
{
	struct set unknown = {{0x06, 0x03, 0x2b, 0x65, 0x70}, 5, 32};
	struct fixture_pair pair;
	CK_BYTE sealed[64];
	CK_ATTRIBUTE value = {CKA_VALUE, sealed, sizeof(sealed)},
		     hidden = {CKA_EXTRACTABLE, &no, 1};

	(void)state;
	assert_rv(generate(&unknown, &unknown, streebog_256, sizeof(streebog_256), &no, &pair),
		CKR_CURVE_NOT_SUPPORTED);
	/* Of the other length, another digest's, GOST R 34.11-94's, one in each part. */
	struct set wrong = sets[SET_512];
	wrong.n = 32;
	assert_rv(generate(&wrong, &wrong, streebog_256, sizeof(streebog_256), &no, &pair),
		CKR_CURVE_NOT_SUPPORTED);
	assert_rv(generate(&sets[SET_256], &sets[SET_256], streebog_512, sizeof(streebog_512), &no,
			  &pair),
		CKR_ATTRIBUTE_VALUE_INVALID);
	assert_rv(generate(&sets[SET_256], &sets[SET_256], gost_94, sizeof(gost_94), &no, &pair),
		CKR_ATTRIBUTE_VALUE_INVALID);
	assert_rv(generate(&sets[SET_256], &sets[SET_256 + 1], streebog_256, sizeof(streebog_256),
			  &no, &pair),
		CKR_TEMPLATE_INCONSISTENT);
	/* A private key that may not leave does not. */
	assert_ok(generate(
		&sets[SET_256], &sets[SET_256], streebog_256, sizeof(streebog_256), &no, &pair));
	assert_ok(p11->C_SetAttributeValue(session, pair.private_key, &hidden, 1));
	assert_rv(p11->C_GetAttributeValue(session, pair.private_key, &value, 1),
		CKR_ATTRIBUTE_SENSITIVE);
}

#define THREADS 8

struct work {
	CK_SESSION_HANDLE session;
	size_t set, good;
};

static void *work_run(void *argument)
{
	struct work *work = argument;
	CK_MECHANISM hashing = mechanism_of(&sets[work->set], 2);
	CK_BYTE data[100] = {0}, signature[128];

	for (CK_BYTE i = 0; i < 40; i++) {
		CK_ULONG size = sizeof(signature);

		data[0] = i;
		if (p11->C_SignInit(work->session, &hashing, pairs[work->set].private_key) ==
				CKR_OK &&
			p11->C_Sign(work->session, data, sizeof(data), signature, &size) ==
				CKR_OK &&
			p11->C_VerifyInit(work->session, &hashing, pairs[work->set].public_key) ==
				CKR_OK &&
			p11->C_Verify(work->session, data, sizeof(data), signature, size) == CKR_OK)
			work->good++;
	}
	return NULL;
}

/* One key of the token, one of the session, in sessions of their own. */
static void threads(void **state)
{
	struct work work[THREADS];
	pthread_t running[THREADS];

	(void)state;
	for (size_t i = 0; i < THREADS; i++) {
		work[i] = (struct work){.session = fixture_session(false), .set = i % 2};
		assert_int_equal(pthread_create(&running[i], NULL, work_run, &work[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(running[i], NULL), 0);
		assert_int_equal(work[i].good, 40);
		assert_ok(p11->C_CloseSession(work[i].session));
	}
}

/* What was made is there after a restart. */
static void kept(void **state)
{
	CK_BYTE digest[64] = {4, 5}, signature[128], before[128], after[128];
	CK_OBJECT_HANDLE found[2];
	CK_ULONG count = 0;
	CK_ATTRIBUTE templ[] = {
		{CKA_GOSTR3410_PARAMS, sets[SET_512].oid, sets[SET_512].length},
		{CKA_CLASS, &private_class, sizeof(private_class)},
	};

	(void)state;
	fixture_get(session, pairs[SET_512].public_key, CKA_VALUE, before, sizeof(before));
	fixture_restart();
	session = fixture_user();
	assert_ok(p11->C_FindObjectsInit(session, templ, 2));
	assert_ok(p11->C_FindObjects(session, found, 2, &count));
	assert_ok(p11->C_FindObjectsFinal(session));
	assert_int_equal(count, 1);
	sign(mechanism_of(&sets[SET_512], 1), found[0], digest, 64, signature);
	templ[1].pValue = &public_class;
	assert_ok(p11->C_FindObjectsInit(session, templ, 2));
	assert_ok(p11->C_FindObjects(session, found, 2, &count));
	assert_ok(p11->C_FindObjectsFinal(session));
	assert_int_equal(count, 1);
	fixture_get(session, found[0], CKA_VALUE, after, sizeof(after));
	assert_memory_equal(before, after, 128);
	assert_ok(verify(mechanism_of(&sets[SET_512], 1), found[0], digest, 64, signature, 128));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attributes),
		cmocka_unit_test(every_mechanism),
		cmocka_unit_test(imported),
		cmocka_unit_test(refused),
		cmocka_unit_test(threads),
		cmocka_unit_test(kept),
	};

	return cmocka_run_group_tests(tests, open_keys, fixture_close);
}
