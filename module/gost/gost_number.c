#include "module/gost/gost_number.h"

#include <string.h>

#define LIMBS_256 (32 / sizeof(gost_limb))
#define LIMBS_512 (64 / sizeof(gost_limb))

/* The compiler must not find out that a mask has two values only, and branch on it. */
static inline gost_limb hide(gost_limb mask)
{
	__asm__("" : "+r"(mask));
	return mask;
}

/* All bits set for 1, none for 0. */
static inline gost_limb mask_of(gost_limb bit)
{
	return hide((gost_limb)0 - bit);
}

gost_limb gost_is_equal(size_t a, size_t b)
{
	gost_limb difference = (gost_limb)(a ^ b);

	return ~mask_of((difference | ((gost_limb)0 - difference)) >> (GOST_LIMB_BITS - 1));
}

gost_limb gost_is_zero(const struct gost_modulus *modulus, const struct gost_number *a)
{
	gost_limb all = 0;

	for (size_t i = 0; i < modulus->limbs; i++)
		all |= a->limb[i];
	return gost_is_equal(all, 0);
}

void gost_select(const struct gost_modulus *modulus, struct gost_number *out,
	const struct gost_number *a, gost_limb mask)
{
	for (size_t i = 0; i < modulus->limbs; i++)
		out->limb[i] ^= (out->limb[i] ^ a->limb[i]) & mask;
}

/* out = a - b; the borrow. */
static inline gost_limb subtract(
	gost_limb *out, const gost_limb *a, const gost_limb *b, size_t limbs)
{
	gost_limb borrow = 0;

	for (size_t i = 0; i < limbs; i++) {
		gost_two_limbs difference = (gost_two_limbs)a[i] - b[i] - borrow;
		out[i] = (gost_limb)difference;
		borrow = (gost_limb)(difference >> GOST_LIMB_BITS) & 1;
	}
	return borrow;
}

/* out = (carry * R + a) less the modulus, once, where it is as large. */
static inline void subtract_once(const struct gost_modulus *modulus, struct gost_number *out,
	const gost_limb *a, gost_limb carry, size_t limbs)
{
	struct gost_number less;
	gost_limb borrow = subtract(less.limb, a, modulus->value.limb, limbs);
	gost_limb keep = mask_of(borrow & ~carry & 1);

	for (size_t i = 0; i < limbs; i++)
		out->limb[i] = less.limb[i] ^ ((less.limb[i] ^ a[i]) & keep);
}

static inline void add(const struct gost_modulus *modulus, struct gost_number *out,
	const struct gost_number *a, const struct gost_number *b, size_t limbs)
{
	struct gost_number sum;
	gost_limb carry = 0;

	for (size_t i = 0; i < limbs; i++) {
		gost_two_limbs part = (gost_two_limbs)a->limb[i] + b->limb[i] + carry;
		sum.limb[i] = (gost_limb)part;
		carry = (gost_limb)(part >> GOST_LIMB_BITS);
	}
	subtract_once(modulus, out, sum.limb, carry, limbs);
}

static inline void subtract_modular(const struct gost_modulus *modulus, struct gost_number *out,
	const struct gost_number *a, const struct gost_number *b, size_t limbs)
{
	struct gost_number difference;
	gost_limb borrowed = mask_of(subtract(difference.limb, a->limb, b->limb, limbs));
	gost_limb carry = 0;

	for (size_t i = 0; i < limbs; i++) {
		gost_two_limbs part = (gost_two_limbs)difference.limb[i] +
				      (modulus->value.limb[i] & borrowed) + carry;
		out->limb[i] = (gost_limb)part;
		carry = (gost_limb)(part >> GOST_LIMB_BITS);
	}
}

/* Montgomery's product, limb by limb, product and reduction side by side (FIOS: Koç, Acar, Kaliski, 1996). */
static inline __attribute__((always_inline)) void multiply(const struct gost_modulus *modulus,
	struct gost_number *out, const struct gost_number *a, const struct gost_number *b,
	size_t limbs)
{
	gost_limb sum[GOST_LIMBS_MAX + 1] = {0};

#pragma GCC unroll 16
	for (size_t i = 0; i < limbs; i++) {
		gost_two_limbs product = (gost_two_limbs)a->limb[0] * b->limb[i] + sum[0];
		gost_limb factor = (gost_limb)product * modulus->inverse;
		gost_two_limbs reduced =
			(gost_two_limbs)factor * modulus->value.limb[0] + (gost_limb)product;

#pragma GCC unroll 16
		for (size_t j = 1; j < limbs; j++) {
			product = (gost_two_limbs)a->limb[j] * b->limb[i] + sum[j] +
				  (gost_limb)(product >> GOST_LIMB_BITS);
			reduced = (gost_two_limbs)factor * modulus->value.limb[j] +
				  (gost_limb)product + (gost_limb)(reduced >> GOST_LIMB_BITS);
			sum[j - 1] = (gost_limb)reduced;
		}
		product = (gost_two_limbs)sum[limbs] + (gost_limb)(product >> GOST_LIMB_BITS) +
			  (gost_limb)(reduced >> GOST_LIMB_BITS);
		sum[limbs - 1] = (gost_limb)product;
		sum[limbs] = (gost_limb)(product >> GOST_LIMB_BITS);
	}
	subtract_once(modulus, out, sum, sum[limbs], limbs);
}

/* Two sizes, each with its loops unrolled. */
void gost_add(const struct gost_modulus *modulus, struct gost_number *out,
	const struct gost_number *a, const struct gost_number *b)
{
	if (modulus->limbs == LIMBS_256)
		add(modulus, out, a, b, LIMBS_256);
	else
		add(modulus, out, a, b, LIMBS_512);
}

void gost_subtract(const struct gost_modulus *modulus, struct gost_number *out,
	const struct gost_number *a, const struct gost_number *b)
{
	if (modulus->limbs == LIMBS_256)
		subtract_modular(modulus, out, a, b, LIMBS_256);
	else
		subtract_modular(modulus, out, a, b, LIMBS_512);
}

void gost_multiply(const struct gost_modulus *modulus, struct gost_number *out,
	const struct gost_number *a, const struct gost_number *b)
{
	if (modulus->limbs == LIMBS_256)
		multiply(modulus, out, a, b, LIMBS_256);
	else
		multiply(modulus, out, a, b, LIMBS_512);
}

void gost_load_little(
	const struct gost_modulus *modulus, struct gost_number *out, const uint8_t *in)
{
	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < modulus->bytes; i++)
		out->limb[i / sizeof(gost_limb)] |= (gost_limb)in[i]
						    << (8 * (i % sizeof(gost_limb)));
}

void gost_load_big(const struct gost_modulus *modulus, struct gost_number *out, const uint8_t *in)
{
	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < modulus->bytes; i++)
		out->limb[i / sizeof(gost_limb)] |= (gost_limb)in[modulus->bytes - 1 - i]
						    << (8 * (i % sizeof(gost_limb)));
}

static uint8_t byte_of(const struct gost_number *number, size_t i)
{
	return (uint8_t)(number->limb[i / sizeof(gost_limb)] >> (8 * (i % sizeof(gost_limb))));
}

void gost_store_little(
	const struct gost_modulus *modulus, const struct gost_number *in, uint8_t *out)
{
	for (size_t i = 0; i < modulus->bytes; i++)
		out[i] = byte_of(in, i);
}

void gost_store_big(const struct gost_modulus *modulus, const struct gost_number *in, uint8_t *out)
{
	for (size_t i = 0; i < modulus->bytes; i++)
		out[modulus->bytes - 1 - i] = byte_of(in, i);
}

void gost_enter(
	const struct gost_modulus *modulus, struct gost_number *out, const struct gost_number *in)
{
	gost_multiply(modulus, out, in, &modulus->square);
}

void gost_leave(
	const struct gost_modulus *modulus, struct gost_number *out, const struct gost_number *in)
{
	const struct gost_number one = {.limb = {1}};

	gost_multiply(modulus, out, in, &one);
}

void gost_reduce(const struct gost_modulus *modulus, struct gost_number *out,
	const struct gost_number *low, const struct gost_number *high)
{
	struct gost_number upper;

	gost_enter(modulus, &upper, high); /* high * R */
	gost_enter(modulus, out, low);
	gost_leave(modulus, out, out);
	gost_add(modulus, out, out, &upper);
	explicit_bzero(&upper, sizeof(upper));
}

/* Fermat: a to the modulus less two. The exponent is public, its windows of four bits are, too. */
void gost_invert(
	const struct gost_modulus *modulus, struct gost_number *out, const struct gost_number *a)
{
	const struct gost_number two = {.limb = {2}};
	struct gost_number exponent, powers[16], result = modulus->one;

	subtract(exponent.limb, modulus->value.limb, two.limb, modulus->limbs);
	powers[0] = modulus->one;
	for (size_t i = 1; i < 16; i++)
		gost_multiply(modulus, &powers[i], &powers[i - 1], a);
	for (size_t i = 2 * modulus->bytes; i-- > 0;) {
		size_t digit = (byte_of(&exponent, i / 2) >> (4 * (i % 2))) & 15;

		for (size_t j = 0; j < 4; j++)
			gost_multiply(modulus, &result, &result, &result);
		if (digit != 0)
			gost_multiply(modulus, &result, &result, &powers[digit]);
	}
	*out = result;
	explicit_bzero(powers, sizeof(powers));
	explicit_bzero(&result, sizeof(result));
}

bool gost_is_reduced(const struct gost_modulus *modulus, const struct gost_number *a)
{
	struct gost_number unused;
	gost_limb borrow = subtract(unused.limb, a->limb, modulus->value.limb, modulus->limbs);

	explicit_bzero(&unused, sizeof(unused));
	return borrow != 0;
}

void gost_modulus_init(struct gost_modulus *modulus, const uint8_t *value, size_t bytes)
{
	const struct gost_number one = {.limb = {1}}, zero = {.limb = {0}};
	gost_limb inverse = 1;

	modulus->bytes = bytes;
	modulus->limbs = bytes / sizeof(gost_limb);
	gost_load_big(modulus, &modulus->value, value);
	/* Newton: each step doubles the bits that are right. */
	for (size_t bits = 1; bits < GOST_LIMB_BITS; bits *= 2)
		inverse *= 2 - modulus->value.limb[0] * inverse;
	modulus->inverse = (gost_limb)0 - inverse;
	/* R and R * R, by doubling 1. */
	gost_subtract(modulus, &modulus->one, &one, &zero);
	for (size_t i = 0; i < 8 * bytes; i++)
		gost_add(modulus, &modulus->one, &modulus->one, &modulus->one);
	modulus->square = modulus->one;
	for (size_t i = 0; i < 8 * bytes; i++)
		gost_add(modulus, &modulus->square, &modulus->square, &modulus->square);
}
