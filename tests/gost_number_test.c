/* Modular arithmetic against OpenSSL's BIGNUM, at random and at the edges. */
#include <openssl/bn.h>

#include "module/gost/gost_curve.h"
#include "tests/gost_support.h"

#define ROUNDS 200

struct world {
	struct gost_modulus modulus;
	BIGNUM *value, *r;
	BN_CTX *context;
};

static BIGNUM *big(const struct world *world, const struct gost_number *number)
{
	uint8_t bytes[GOST_BYTES_MAX];

	gost_store_big(&world->modulus, number, bytes);
	return BN_bin2bn(bytes, (int)world->modulus.bytes, NULL);
}

static void assert_same(
	const struct world *world, const struct gost_number *number, BIGNUM *expected)
{
	BIGNUM *got = big(world, number);

	assert_int_equal(BN_cmp(got, expected), 0);
	BN_free(got);
	BN_free(expected);
}

/* 0, 1, the modulus less 1, and random numbers. */
static void pick(const struct world *world, size_t round, struct gost_number *out)
{
	const struct gost_number zero = {.limb = {0}}, one = {.limb = {1}};
	uint8_t bytes[GOST_BYTES_MAX];

	if (round % 5 == 0)
		*out = zero;
	else if (round % 5 == 1)
		*out = one;
	else if (round % 5 == 2)
		gost_subtract(&world->modulus, out, &zero, &one);
	else
		do {
			assert_true(gost_test_random(NULL, bytes, sizeof(bytes)));
			bytes[0] &= 0x7f;
			gost_load_big(&world->modulus, out, bytes);
			gost_reduce(&world->modulus, out, out, &zero);
		} while (!gost_is_reduced(&world->modulus, out));
}

static void check(const struct world *world, size_t round)
{
	const struct gost_modulus *m = &world->modulus;
	struct gost_number a, b, out, inverse;
	BIGNUM *x, *y, *expected;

	pick(world, round, &a);
	pick(world, round / 5, &b);
	x = big(world, &a);
	y = big(world, &b);

	expected = BN_new();
	assert_int_equal(BN_mod_add(expected, x, y, world->value, world->context), 1);
	gost_add(m, &out, &a, &b);
	assert_same(world, &out, expected);

	expected = BN_new();
	assert_int_equal(BN_mod_sub(expected, x, y, world->value, world->context), 1);
	gost_subtract(m, &out, &a, &b);
	assert_same(world, &out, expected);

	expected = BN_new();
	assert_int_equal(BN_mod_mul(expected, x, y, world->value, world->context), 1);
	gost_enter(m, &out, &a);
	gost_multiply(m, &out, &out, &b);
	assert_same(world, &out, expected);

	/* x + y * R */
	expected = BN_new();
	assert_int_equal(BN_mul(expected, y, world->r, world->context), 1);
	assert_int_equal(BN_mod_add(expected, expected, x, world->value, world->context), 1);
	gost_reduce(m, &out, &a, &b);
	assert_same(world, &out, expected);

	gost_enter(m, &inverse, &a);
	gost_invert(m, &inverse, &inverse);
	gost_leave(m, &inverse, &inverse);
	expected = BN_new();
	if (!BN_is_zero(x))
		assert_non_null(BN_mod_inverse(expected, x, world->value, world->context));
	assert_same(world, &inverse, expected);
	assert_int_equal(gost_is_zero(m, &a) != 0, BN_is_zero(x));
	BN_free(x);
	BN_free(y);
}

static void check_modulus(const char *hex, size_t bytes)
{
	struct world world = {.context = BN_CTX_new(), .r = BN_new()};
	struct gost_number all;
	uint8_t value[GOST_BYTES_MAX];

	gost_test_hex(hex, value, bytes);
	gost_modulus_init(&world.modulus, value, bytes);
	world.value = BN_bin2bn(value, (int)bytes, NULL);
	assert_int_equal(BN_set_bit(world.r, (int)(8 * bytes)), 1);
	for (size_t i = 0; i < ROUNDS; i++)
		check(&world, i);
	/* All bits set, twice: the largest that is ever reduced. */
	memset(&all, 0xff, sizeof(all));
	BIGNUM *expected = BN_new(), *one = BN_new();
	assert_int_equal(BN_one(one), 1);
	assert_int_equal(BN_sqr(expected, world.r, world.context), 1);
	assert_int_equal(BN_mod_sub(expected, expected, one, world.value, world.context), 1);
	gost_reduce(&world.modulus, &all, &all, &all);
	assert_same(&world, &all, expected);
	BN_free(one);
	BN_free(world.value);
	BN_free(world.r);
	BN_CTX_free(world.context);
}

static void arithmetic(void **state)
{
	const struct gost_curve *curve;

	(void)state;
	for (size_t i = 0; (curve = gost_curve_at(i)) != NULL; i++) {
		check_modulus(curve->p, curve->bytes);
		check_modulus(curve->q, curve->bytes);
	}
}

static void comparison(void **state)
{
	struct gost_modulus m;
	struct gost_number number;
	uint8_t value[32];

	(void)state;
	gost_test_hex(gost_curve_at(0)->q, value, sizeof(value));
	gost_modulus_init(&m, value, sizeof(value));
	gost_load_big(&m, &number, value);
	assert_false(gost_is_reduced(&m, &number));
	value[31]--;
	gost_load_big(&m, &number, value);
	assert_true(gost_is_reduced(&m, &number));
	memset(value, 0xff, sizeof(value));
	gost_load_big(&m, &number, value);
	assert_false(gost_is_reduced(&m, &number));
	for (size_t i = 0; i < 70; i++)
		for (size_t j = 0; j < 70; j++)
			assert_true(gost_is_equal(i, j) == (i == j ? ~(gost_limb)0 : 0));
}

static void bytes(void **state)
{
	struct gost_modulus m = {.bytes = 32, .limbs = 32 / sizeof(gost_limb)};
	struct gost_number number;
	uint8_t in[32], out[32];

	(void)state;
	for (size_t i = 0; i < 32; i++)
		in[i] = (uint8_t)(i + 1);
	gost_load_little(&m, &number, in);
	gost_store_little(&m, &number, out);
	assert_memory_equal(in, out, 32);
	gost_store_big(&m, &number, out);
	gost_test_reverse(out, 32);
	assert_memory_equal(in, out, 32);
	gost_load_big(&m, &number, in);
	gost_store_big(&m, &number, out);
	assert_memory_equal(in, out, 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arithmetic),
		cmocka_unit_test(comparison),
		cmocka_unit_test(bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
