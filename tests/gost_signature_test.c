/* GOST R 34.10-2012: the standard's examples with their k, libgcrypt as an oracle, refusals, threads. */
#include <gcrypt.h>
#include <pthread.h>
#include <stdio.h>

#include "module/gost/gost_curve.h"
#include "tests/gost_support.h"

/* RFC 7091, 7.1 and 7.2, with the curves that they are on. */
static const struct example {
	struct gost_curve curve;
	const char *d, *e, *k, *x, *y, *r, *s;
} examples[] = {
	{{32, 1, "8000000000000000000000000000000000000000000000000000000000000431",
		 "0000000000000000000000000000000000000000000000000000000000000007",
		 "5FBFF498AA938CE739B8E022FBAFEF40563F6E6A3472FC2A514C0CE9DAE23B7E",
		 "8000000000000000000000000000000150FE8A1892976154C59CFC193ACCF5B3",
		 "0000000000000000000000000000000000000000000000000000000000000002",
		 "08E2A8A0E65147D4BD6316030E16D19C85C97F0A9CA267122B96ABBCEA7E8FC8"},
		"7A929ADE789BB9BE10ED359DD39A72C11B60961F49397EEE1D19CE9891EC3B28",
		"2DFBC1B372D89A1188C09C52E0EEC61FCE52032AB1022E8E67ECE6672B043EE5",
		"77105C9B20BCD3122823C8CF6FCC7B956DE33814E95B7FE64FED924594DCEAB3",
		"7F2B49E270DB6D90D8595BEC458B50C58585BA1D4E9B788F6689DBD8E56FD80B",
		"26F1B489D6701DD185C8413A977B3CBBAF64D1C593D26627DFFB101A87FF77DA",
		"41AA28D2F1AB148280CD9ED56FEDA41974053554A42767B83AD043FD39DC0493",
		"01456C64BA4642A1653C235A98A60249BCD6D3F746B631DF928014F6C5BF9C40"},
	{{64, 1,
		 "4531ACD1FE0023C7550D267B6B2FEE80922B14B2FFB90F04D4EB7C09B5D2D15D"
		 "F1D852741AF4704A0458047E80E4546D35B8336FAC224DD81664BBF528BE6373",
		 "0000000000000000000000000000000000000000000000000000000000000000"
		 "0000000000000000000000000000000000000000000000000000000000000007",
		 "1CFF0806A31116DA29D8CFA54E57EB748BC5F377E49400FDD788B649ECA1AC43"
		 "61834013B2AD7322480A89CA58E0CF74BC9E540C2ADD6897FAD0A3084F302ADC",
		 "4531ACD1FE0023C7550D267B6B2FEE80922B14B2FFB90F04D4EB7C09B5D2D15D"
		 "A82F2D7ECB1DBAC719905C5EECC423F1D86E25EDBE23C595D644AAF187E6E6DF",
		 "24D19CC64572EE30F396BF6EBBFD7A6C5213B3B3D7057CC825F91093A68CD762"
		 "FD60611262CD838DC6B60AA7EEE804E28BC849977FAC33B4B530F1B120248A9A",
		 "2BB312A43BD2CE6E0D020613C857ACDDCFBF061E91E5F2C3F32447C259F39B2C"
		 "83AB156D77F1496BF7EB3351E1EE4E43DC1A18B91B24640B6DBB92CB1ADD371E"},
		"0BA6048AADAE241BA40936D47756D7C93091A0E8514669700EE7508E508B1020"
		"72E8123B2200A0563322DAD2827E2714A2636B7BFD18AADFC62967821FA18DD4",
		"3754F3CFACC9E0615C4F4A7C4D8DAB531B09B6F9C170C533A71D147035B0C591"
		"7184EE536593F4414339976C647C5D5A407ADEDB1D560C4FC6777D2972075B8C",
		"0359E7F4B1410FEACC570456C6801496946312120B39D019D455986E364F3658"
		"86748ED7A44B3E794434006011842286212273A6D14CF70EA3AF71BB1AE679F1",
		"115DC5BC96760C7B48598D8AB9E740D4C4A85A65BE33C1815B5C320C854621DD"
		"5A515856D13314AF69BC5B924C8B4DDFF75C45415C1D9DD9DD33612CD530EFE1",
		"37C7C90CD40B0F5621DC3AC1B751CFA0E2634FA0503B3D52639F5D7FB72AFD61"
		"EA199441D943FFE7F0C70A2759A3CDB84C114E1F9339FDF27F35ECA93677BEEC",
		"2F86FA60A081091A23DD795E1E3C689EE512A3C82EE0DCC2643C78EEA8FCACD3"
		"5492558486B20F1C9EC197C90699850260C93BCBCD9C5C3317E19344E173AE36",
		"1081B394696FFE8E6585E7A9362D26B6325F56778AADBC081C0BFBE933D52FF5"
		"823CE288E8C4F362526080DF7F70CE406A6EEB1F56919CB92A9853BDE73E5B4A"},
};

static void little(const char *hex, uint8_t *out, size_t size)
{
	gost_test_hex(hex, out, size);
	gost_test_reverse(out, size);
}

static void standard(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		const struct example *example = &examples[i];
		size_t n = example->curve.bytes;
		uint8_t d[GOST_BYTES_MAX], e[GOST_BYTES_MAX], k[GOST_BYTES_MAX];
		uint8_t expected[2 * GOST_BYTES_MAX], got[2 * GOST_BYTES_MAX];
		struct gost_group *group = gost_group_new(&example->curve);
		struct gost_signer signer;
		struct gost_number number;
		struct gost_point point;
		bool again = true;

		little(example->d, d, n);
		little(example->e, e, n);
		little(example->k, k, n);
		assert_true(gost_private_is_valid(group, d));
		assert_true(gost_private_public(
			group, gost_group_table(group), gost_test_random, NULL, d, got));
		little(example->x, expected, n);
		little(example->y, expected + n, n);
		assert_memory_equal(got, expected, 2 * n);
		assert_true(gost_point_load(group, &point, got));

		gost_test_hex(example->s, expected, n);
		gost_test_hex(example->r, expected + n, n);
		gost_load_little(&group->q, &number, k);
		gost_signer_init(
			&signer, group, gost_group_table(group), gost_test_random, NULL, d);
		/* More often than a blinding lasts. */
		for (size_t j = 0; j < 70; j++) {
			memset(got, 0, sizeof(got));
			assert_true(gost_signer_sign_with(&signer, &number, e, got, &again));
			assert_false(again);
			assert_memory_equal(got, expected, 2 * n);
		}
		assert_true(gost_signature_verify(group, &point, e, expected));
		/* k = 0 has no signature. */
		memset(&number, 0, sizeof(number));
		assert_true(gost_signer_sign_with(&signer, &number, e, got, &again));
		assert_true(again);
		gost_group_free(group);
	}
}

/* ---- libgcrypt, which names the curves */

static const char *const oracle_curves[GOST_CURVES] = {
	"GOST2001-CryptoPro-A",
	"GOST2001-CryptoPro-B",
	"GOST2001-CryptoPro-C",
	"GOST2012-256-A",
	"GOST2012-512-tc26-A",
	"GOST2012-512-tc26-B",
	"GOST2012-512-tc26-C",
};

struct oracle {
	gcry_sexp_t public_key, private_key;
	size_t n;
};

static void oracle_open(struct oracle *oracle, const struct gost_test_key *key, size_t curve)
{
	size_t n = key->group->p.bytes;
	uint8_t point[1 + 2 * GOST_BYTES_MAX] = {4}, d[GOST_BYTES_MAX];
	const char *name = oracle_curves[curve];

	memcpy(point + 1, key->public_key, n);
	memcpy(point + 1 + n, key->public_key + n, n);
	memcpy(d, key->d, n);
	gost_test_reverse(point + 1, n);
	gost_test_reverse(point + 1 + n, n);
	gost_test_reverse(d, n);
	oracle->n = n;
	assert_int_equal(
		gcry_sexp_build(&oracle->public_key, NULL, "(public-key (ecc (curve %s) (q %b)))",
			name, (int)(1 + 2 * n), point),
		0);
	assert_int_equal(gcry_sexp_build(&oracle->private_key, NULL,
				 "(private-key (ecc (curve %s) (q %b) (d %b)))", name,
				 (int)(1 + 2 * n), point, (int)n, d),
		0);
}

static void oracle_close(struct oracle *oracle)
{
	gcry_sexp_release(oracle->public_key);
	gcry_sexp_release(oracle->private_key);
}

static gcry_sexp_t oracle_data(const struct oracle *oracle, const uint8_t *digest)
{
	uint8_t value[GOST_BYTES_MAX];
	gcry_sexp_t data;

	memcpy(value, digest, oracle->n);
	gost_test_reverse(value, oracle->n);
	assert_int_equal(gcry_sexp_build(&data, NULL, "(data (flags gost) (value %b))",
				 (int)oracle->n, value),
		0);
	return data;
}

static bool oracle_verify(
	const struct oracle *oracle, const uint8_t *digest, const uint8_t *signature)
{
	gcry_sexp_t data = oracle_data(oracle, digest), value;
	int n = (int)oracle->n;
	bool good;

	assert_int_equal(gcry_sexp_build(&value, NULL, "(sig-val (gost (r %b) (s %b)))", n,
				 signature + n, n, signature),
		0);
	good = gcry_pk_verify(value, data, oracle->public_key) == 0;
	gcry_sexp_release(data);
	gcry_sexp_release(value);
	return good;
}

static void oracle_number(gcry_sexp_t value, const char *name, uint8_t *out, size_t n)
{
	gcry_sexp_t token = gcry_sexp_find_token(value, name, 1);
	size_t length = 0;
	const char *data = gcry_sexp_nth_data(token, 1, &length);

	while (length > n && *data == 0) {
		data++;
		length--;
	}
	assert_true(length <= n);
	memset(out, 0, n - length);
	memcpy(out + n - length, data, length);
	gcry_sexp_release(token);
}

static void oracle_sign(const struct oracle *oracle, const uint8_t *digest, uint8_t *signature)
{
	gcry_sexp_t data = oracle_data(oracle, digest), value;

	assert_int_equal(gcry_pk_sign(&value, data, oracle->private_key), 0);
	oracle_number(value, "s", signature, oracle->n);
	oracle_number(value, "r", signature + oracle->n, oracle->n);
	gcry_sexp_release(data);
	gcry_sexp_release(value);
}

/* Each of the parts, altered, and another's key. */
static void check_altered(const struct gost_test_key *key, const struct gost_test_key *other,
	const struct oracle *oracle, uint8_t *digest, uint8_t *signature, size_t round)
{
	size_t n = key->group->p.bytes, bit = (round + 1) % (8 * n);

	digest[bit / 8] ^= (uint8_t)(1 << (bit % 8));
	assert_false(gost_signature_verify(key->group, &key->point, digest, signature));
	assert_false(oracle_verify(oracle, digest, signature));
	digest[bit / 8] ^= (uint8_t)(1 << (bit % 8));
	for (size_t half = 0; half < 2; half++) {
		signature[half * n + bit / 8] ^= (uint8_t)(1 << (bit % 8));
		assert_false(gost_signature_verify(key->group, &key->point, digest, signature));
		signature[half * n + bit / 8] ^= (uint8_t)(1 << (bit % 8));
	}
	assert_false(gost_signature_verify(key->group, &other->point, digest, signature));
	assert_true(gost_signature_verify(key->group, &key->point, digest, signature));
}

static void cross(void **state)
{
	const struct gost_set *set;
	size_t rounds = gost_test_rounds(5, 1000);

	(void)state;
	for (size_t i = 0; (set = gost_set_at(i)) != NULL; i++) {
		struct gost_group *group = gost_group_new(set->curve);
		uint8_t digest[GOST_BYTES_MAX], signature[2 * GOST_BYTES_MAX];
		struct gost_test_key key, other;

		gost_test_key_make(&other, group);
		for (size_t j = 0; j < rounds; j++) {
			struct oracle oracle;

			gost_test_key_make(&key, group);
			oracle_open(&oracle, &key, gost_curve_index(set->curve));
			assert_true(gost_test_random(NULL, digest, sizeof(digest)));
			/* 0 and the order count as 1 and 0, which counts as 1. */
			if (j == 0)
				memset(digest, 0, sizeof(digest));
			else if (j == 1)
				gost_store_little(&group->q, &group->q.value, digest);
			gost_test_sign(&key, digest, signature);
			assert_true(oracle_verify(&oracle, digest, signature));
			check_altered(&key, &other, &oracle, digest, signature, j);
			oracle_sign(&oracle, digest, signature);
			assert_true(gost_signature_verify(group, &key.point, digest, signature));
			oracle_close(&oracle);
		}
		gost_group_free(group);
	}
}

/* r or s of zero, of q, of q and what is right, of all bits set. */
static void ranges(void **state)
{
	const struct gost_curve *curve;

	(void)state;
	for (size_t i = 0; (curve = gost_curve_at(i)) != NULL; i++) {
		struct gost_group *group = gost_group_new(curve);
		uint8_t digest[GOST_BYTES_MAX] = {1}, good[2 * GOST_BYTES_MAX];
		uint8_t bad[2 * GOST_BYTES_MAX], d[GOST_BYTES_MAX];
		struct gost_test_key key;
		size_t n = curve->bytes;

		gost_test_key_make(&key, group);
		gost_test_sign(&key, digest, good);
		assert_true(gost_signature_verify(group, &key.point, digest, good));
		for (size_t half = 0; half < 2; half++) {
			memcpy(bad, good, sizeof(bad));
			memset(bad + half * n, 0, n);
			assert_false(gost_signature_verify(group, &key.point, digest, bad));
			gost_store_big(&group->q, &group->q.value, bad + half * n);
			assert_false(gost_signature_verify(group, &key.point, digest, bad));
			memset(bad + half * n, 0xff, n);
			assert_false(gost_signature_verify(group, &key.point, digest, bad));
			/* The right number, q added to it, where that fits. */
			unsigned carry = 0;
			uint8_t order[GOST_BYTES_MAX];
			gost_store_big(&group->q, &group->q.value, order);
			for (size_t j = n; j-- > 0;) {
				carry += (unsigned)good[half * n + j] + order[j];
				bad[half * n + j] = (uint8_t)carry;
				carry >>= 8;
			}
			if (carry == 0)
				assert_false(gost_signature_verify(group, &key.point, digest, bad));
		}
		/* Private keys of 0, q, and more. */
		memset(d, 0, sizeof(d));
		assert_false(gost_private_is_valid(group, d));
		gost_store_little(&group->q, &group->q.value, d);
		assert_false(gost_private_is_valid(group, d));
		d[0]--;
		assert_true(gost_private_is_valid(group, d));
		memset(d, 0xff, sizeof(d));
		assert_false(gost_private_is_valid(group, d));
		gost_group_free(group);
	}
}

/*
 * The base point of CryptoPro-C has x = 0: without the check of r, (s = e, r = 0) would be everybody's signature of
 * everything.
 */
static void zero_of_the_base(void **state)
{
	struct gost_group *group = gost_group_new(gost_curve_at(2));
	uint8_t digest[32] = {7}, signature[64] = {0};
	struct gost_test_key key;

	(void)state;
	assert_true(gost_is_zero(&group->p, &group->base.x) != 0);
	gost_test_key_make(&key, group);
	signature[31] = digest[0];
	assert_false(gost_signature_verify(group, &key.point, digest, signature));
	gost_group_free(group);
}

static bool no_random(void *context, uint8_t *out, size_t length)
{
	size_t *left = context;

	memset(out, 0x55, length);
	if (*left == 0)
		return false;
	--*left;
	return true;
}

/*
 * Without random bytes nothing is signed. With bad ones the nonce still differs from digest to digest, from key to
 * key: two signatures never share an r.
 */
static void bad_random(void **state)
{
	struct gost_group *group = gost_group_new(gost_curve_at(0));
	uint8_t digest[32] = {0}, first[64], second[64];
	struct gost_test_key key;
	struct gost_signer signer;
	size_t left;

	(void)state;
	gost_test_key_make(&key, group);
	for (size_t enough = 0; enough < 3; enough++) {
		left = enough;
		gost_signer_init(&signer, group, key.table, no_random, &left, key.d);
		assert_false(gost_signer_sign(&signer, digest, first));
	}
	left = 100;
	gost_signer_init(&signer, group, key.table, no_random, &left, key.d);
	assert_true(gost_signer_sign(&signer, digest, first));
	/* Two draws a signature, and one for the blinding, which lasts for 32. */
	assert_int_equal(left, 100 - 3);
	for (size_t i = 1; i < 32; i++)
		assert_true(gost_signer_sign(&signer, digest, second));
	assert_int_equal(left, 100 - 2 * 32 - 1);
	digest[31] = 1;
	left = 100;
	assert_true(gost_signer_sign(&signer, digest, second));
	assert_int_equal(left, 100 - 3);
	assert_memory_not_equal(first + 32, second + 32, 32);
	assert_true(gost_signature_verify(group, &key.point, digest, second));
	gost_test_key_make(&key, group);
	gost_signer_init(&signer, group, key.table, no_random, &left, key.d);
	assert_true(gost_signer_sign(&signer, digest, first));
	assert_memory_not_equal(first + 32, second + 32, 32);
	gost_signer_clear(&signer);
	for (size_t i = 0; i < sizeof(signer); i++)
		assert_int_equal(((uint8_t *)&signer)[i], 0);
	gost_group_free(group);
}

#define THREADS 8

/* The table is not there yet when they begin. */
static void *sign_and_verify(void *argument)
{
	struct gost_group *group = argument;
	uint8_t digest[GOST_BYTES_MAX] = {0}, signature[2 * GOST_BYTES_MAX];
	struct gost_test_key key;
	struct gost_signer signer;
	size_t good = 0;

	gost_test_key_make(&key, group);
	gost_signer_init(&signer, group, key.table, gost_test_random, NULL, key.d);
	for (uint8_t i = 0; i < 20; i++) {
		digest[0] = i;
		if (gost_signer_sign(&signer, digest, signature) &&
			gost_signature_verify(group, &key.point, digest, signature))
			good++;
	}
	return (void *)(uintptr_t)good;
}

static void threads(void **state)
{
	(void)state;
	for (size_t i = 0; i < GOST_CURVES; i += 4) {
		struct gost_group *group = gost_group_new(gost_curve_at(i));
		pthread_t running[THREADS];

		for (size_t j = 0; j < THREADS; j++)
			assert_int_equal(
				pthread_create(&running[j], NULL, sign_and_verify, group), 0);
		for (size_t j = 0; j < THREADS; j++) {
			void *good = NULL;

			assert_int_equal(pthread_join(running[j], &good), 0);
			assert_int_equal((uintptr_t)good, 20);
		}
		gost_group_free(group);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(standard),
		cmocka_unit_test(cross),
		cmocka_unit_test(ranges),
		cmocka_unit_test(zero_of_the_base),
		cmocka_unit_test(bad_random),
		cmocka_unit_test(threads),
	};

	if (gcry_check_version(NULL) == NULL)
		return 1;
	gcry_control(GCRYCTL_DISABLE_SECMEM, 0);
	/* Its quick random numbers will do for an oracle. */
	gcry_control(GCRYCTL_ENABLE_QUICK_RANDOM, 0);
	gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
