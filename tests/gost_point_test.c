/* The curves and their points against OpenSSL's EC_GROUP. */
#include <openssl/bn.h>
#include <openssl/ec.h>

#include "tests/gost_support.h"

#define ROUNDS 12

struct oracle {
	EC_GROUP *group;
	BN_CTX *context;
	size_t bytes;
};

static BIGNUM *number(const char *hex)
{
	BIGNUM *out = NULL;

	assert_true(BN_hex2bn(&out, hex) > 0);
	return out;
}

static void oracle_open(struct oracle *oracle, const struct gost_curve *curve)
{
	BIGNUM *p = number(curve->p), *a = number(curve->a), *b = number(curve->b),
	       *q = number(curve->q), *x = number(curve->x), *y = number(curve->y), *h = BN_new();
	EC_POINT *base;

	oracle->context = BN_CTX_new();
	oracle->bytes = curve->bytes;
	oracle->group = EC_GROUP_new_curve_GFp(p, a, b, oracle->context);
	assert_non_null(oracle->group);
	base = EC_POINT_new(oracle->group);
	/* Fails where the point is not on the curve. */
	assert_int_equal(
		EC_POINT_set_affine_coordinates(oracle->group, base, x, y, oracle->context), 1);
	assert_int_equal(BN_set_word(h, curve->cofactor), 1);
	assert_int_equal(EC_GROUP_set_generator(oracle->group, base, q, h), 1);
	/* Order, cofactor and discriminant are what they are said to be. */
	assert_int_equal(EC_GROUP_check(oracle->group, oracle->context), 1);
	EC_POINT_free(base);
	BN_free(p);
	BN_free(a);
	BN_free(b);
	BN_free(q);
	BN_free(x);
	BN_free(y);
	BN_free(h);
}

static void oracle_close(struct oracle *oracle)
{
	EC_GROUP_free(oracle->group);
	BN_CTX_free(oracle->context);
}

/* X || Y, little-endian; false for infinity. */
static bool oracle_bytes(const struct oracle *oracle, const EC_POINT *point, uint8_t *out)
{
	BIGNUM *x = BN_new(), *y = BN_new();
	int size = (int)oracle->bytes;
	bool finite = EC_POINT_is_at_infinity(oracle->group, point) == 0;

	if (finite) {
		assert_int_equal(EC_POINT_get_affine_coordinates(
					 oracle->group, point, x, y, oracle->context),
			1);
		assert_int_equal(BN_bn2lebinpad(x, out, size), size);
		assert_int_equal(BN_bn2lebinpad(y, out + size, size), size);
	}
	BN_free(x);
	BN_free(y);
	return finite;
}

static BIGNUM *oracle_number(const struct gost_group *group, const struct gost_number *k)
{
	uint8_t bytes[GOST_BYTES_MAX];

	gost_store_big(&group->q, k, bytes);
	return BN_bin2bn(bytes, (int)group->q.bytes, NULL);
}

static void random_scalar(const struct gost_group *group, struct gost_number *k)
{
	uint8_t bytes[GOST_BYTES_MAX];

	assert_true(gost_private_generate(group, gost_test_random, NULL, bytes));
	gost_load_little(&group->q, k, bytes);
}

/* k * base as OpenSSL has it, and as we do. */
static void check_multiple(
	const struct oracle *oracle, struct gost_group *group, const struct gost_number *k)
{
	EC_POINT *expected = EC_POINT_new(oracle->group);
	BIGNUM *big = oracle_number(group, k);
	uint8_t theirs[2 * GOST_BYTES_MAX], ours[2 * GOST_BYTES_MAX];
	struct gost_point point;
	bool finite;

	assert_int_equal(
		EC_POINT_mul(oracle->group, expected, big, NULL, NULL, oracle->context), 1);
	finite = oracle_bytes(oracle, expected, theirs);
	gost_base_multiply(group, gost_group_table(group), &point, k);
	assert_int_equal(gost_point_store(group, &point, ours), finite);
	if (finite)
		assert_memory_equal(ours, theirs, 2 * oracle->bytes);
	EC_POINT_free(expected);
	BN_free(big);
}

static void multiples(void **state)
{
	const struct gost_number zero = {.limb = {0}}, one = {.limb = {1}};
	const struct gost_curve *curve;

	(void)state;
	for (size_t i = 0; (curve = gost_curve_at(i)) != NULL; i++) {
		struct gost_group *group = gost_group_new(curve);
		struct gost_number k;
		struct oracle oracle;

		oracle_open(&oracle, curve);
		for (size_t j = 0; j < ROUNDS; j++) {
			random_scalar(group, &k);
			check_multiple(&oracle, group, &k);
		}
		/* Small ones, powers of two, q - 1, q, all bits set: the digits' edges. */
		k = zero;
		for (size_t j = 0; j < 34; j++) {
			check_multiple(&oracle, group, &k);
			k.limb[0]++;
		}
		for (size_t j = 0; j < 8 * curve->bytes; j += 5) {
			k = zero;
			k.limb[j / GOST_LIMB_BITS] = (gost_limb)1 << (j % GOST_LIMB_BITS);
			check_multiple(&oracle, group, &k);
		}
		check_multiple(&oracle, group, &group->q.value);
		gost_subtract(&group->q, &k, &zero, &one);
		check_multiple(&oracle, group, &k);
		memset(&k, 0xff, sizeof(k));
		check_multiple(&oracle, group, &k);
		oracle_close(&oracle);
		gost_group_free(group);
	}
}

/* start + k * base, and u * base + v * point. */
static void sums(void **state)
{
	const struct gost_curve *curve;

	(void)state;
	for (size_t i = 0; (curve = gost_curve_at(i)) != NULL; i++) {
		struct gost_group *group = gost_group_new(curve);
		const struct gost_table *table = gost_group_table(group);
		uint8_t theirs[2 * GOST_BYTES_MAX], ours[2 * GOST_BYTES_MAX];
		struct gost_number s, k, sum, x;
		struct gost_point start, point;
		struct oracle oracle;

		oracle_open(&oracle, curve);
		for (size_t j = 0; j < ROUNDS; j++) {
			EC_POINT *expected = EC_POINT_new(oracle.group);
			BIGNUM *big;

			random_scalar(group, &s);
			random_scalar(group, &k);
			gost_base_multiply(group, table, &start, &s);
			gost_add(&group->q, &sum, &s, &k);
			big = oracle_number(group, &sum);
			assert_int_equal(EC_POINT_mul(oracle.group, expected, big, NULL, NULL,
						 oracle.context),
				1);
			assert_true(oracle_bytes(&oracle, expected, theirs));
			gost_base_multiply_from(group, table, &x, &k, &start);
			gost_store_little(&group->p, &x, ours);
			assert_memory_equal(ours, theirs, curve->bytes);
			BN_free(big);

			/* (k + s * s) * base */
			gost_enter(&group->q, &sum, &s);
			gost_multiply(&group->q, &sum, &sum, &s);
			gost_add(&group->q, &sum, &sum, &k);
			big = oracle_number(group, &sum);
			assert_int_equal(EC_POINT_mul(oracle.group, expected, big, NULL, NULL,
						 oracle.context),
				1);
			assert_true(oracle_bytes(&oracle, expected, theirs));
			gost_point_combine(group, &point, &k, &s, &start);
			assert_true(gost_point_store(group, &point, ours));
			assert_memory_equal(ours, theirs, 2 * curve->bytes);
			BN_free(big);
			EC_POINT_free(expected);
		}
		oracle_close(&oracle);
		gost_group_free(group);
	}
}

/* A point of a cofactor's order, found by multiplying random points of the curve with q. */
static bool small_point(const struct oracle *oracle, uint8_t *out, uint8_t *mixed)
{
	EC_POINT *point = EC_POINT_new(oracle->group), *product = EC_POINT_new(oracle->group);
	BIGNUM *x = BN_new();
	bool found = false;

	for (unsigned i = 1; i < 1000 && !found; i++) {
		assert_int_equal(BN_set_word(x, i), 1);
		if (EC_POINT_set_compressed_coordinates(
			    oracle->group, point, x, 0, oracle->context) != 1)
			continue;
		assert_int_equal(EC_POINT_mul(oracle->group, product, NULL, point,
					 EC_GROUP_get0_order(oracle->group), oracle->context),
			1);
		found = oracle_bytes(oracle, product, out) && oracle_bytes(oracle, point, mixed);
	}
	EC_POINT_free(point);
	EC_POINT_free(product);
	BN_free(x);
	return found;
}

static void refusals(void **state)
{
	const struct gost_curve *curve;
	size_t small = 0;

	(void)state;
	for (size_t i = 0; (curve = gost_curve_at(i)) != NULL; i++) {
		struct gost_group *group = gost_group_new(curve);
		uint8_t bytes[2 * GOST_BYTES_MAX], other[2 * GOST_BYTES_MAX];
		struct gost_test_key key;
		struct gost_point point;
		struct oracle oracle;

		gost_test_key_make(&key, group);
		/* Each bit of it, the coordinates exchanged, nothing at all, coordinates of p and more. */
		for (size_t j = 0; j < 16 * curve->bytes; j++) {
			memcpy(bytes, key.public_key, sizeof(bytes));
			bytes[j / 8] ^= (uint8_t)(1 << (j % 8));
			assert_false(gost_point_load(group, &point, bytes));
		}
		memset(bytes, 0, sizeof(bytes));
		assert_false(gost_point_load(group, &point, bytes));
		memset(bytes, 0xff, sizeof(bytes));
		assert_false(gost_point_load(group, &point, bytes));
		/* The base point with p added to its x is that point, not reduced. */
		assert_true(gost_point_store(group, &group->base, bytes));
		assert_true(gost_point_load(group, &point, bytes));
		gost_store_little(&group->p, &group->p.value, bytes);
		assert_false(gost_point_load(group, &point, bytes));
		/* On the curve, but not multiples of the base. */
		oracle_open(&oracle, curve);
		if (small_point(&oracle, bytes, other)) {
			small++;
			assert_false(gost_point_load(group, &point, bytes));
			assert_false(gost_point_load(group, &point, other));
		} else {
			assert_int_equal(curve->cofactor, 1);
		}
		oracle_close(&oracle);
		gost_group_free(group);
	}
	assert_int_equal(small, 2);
}

static void sets(void **state)
{
	const struct gost_set *set;

	(void)state;
	for (size_t i = 0; (set = gost_set_at(i)) != NULL; i++) {
		assert_ptr_equal(gost_set_find(set->oid, set->oid_length), set);
		assert_ptr_equal(gost_set_named(set->name), set);
		assert_null(gost_set_find(set->oid, set->oid_length - 1));
		assert_true(gost_curve_index(set->curve) < GOST_CURVES);
	}
	assert_null(gost_set_named("CryptoPro-D"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(multiples),
		cmocka_unit_test(sums),
		cmocka_unit_test(refusals),
		cmocka_unit_test(sets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
