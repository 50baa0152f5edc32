/*
 * gost_number: arithmetic modulo an odd number of 256 or 512 bits, for the curves of GOST R 34.10-2012.
 *
 * Numbers are little-endian arrays of limbs, as many as the modulus has; values are less than the modulus unless
 * said otherwise; R is the power of two just above them all. Multiplication is Montgomery's: a * b / R. What is
 * read and which branch is taken never depends on a value: the `constant time` test has valgrind follow secrets
 * through the machine code.
 */
#ifndef PODPIS_GOST_NUMBER_H
#define PODPIS_GOST_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* From here on the variable's value is no secret any more: for the test. */
#ifdef PODPIS_MEMCHECK
#include <valgrind/memcheck.h>
#define GOST_TELL(variable) VALGRIND_MAKE_MEM_DEFINED(&(variable), sizeof(variable))
#else
#define GOST_TELL(variable) ((void)0)
#endif

#ifdef __SIZEOF_INT128__
typedef uint64_t gost_limb;
typedef unsigned __int128 gost_two_limbs;
#else
typedef uint32_t gost_limb;
typedef uint64_t gost_two_limbs;
#endif

#define GOST_LIMB_BITS (8 * sizeof(gost_limb))
#define GOST_BYTES_MAX 64
#define GOST_LIMBS_MAX (GOST_BYTES_MAX / sizeof(gost_limb))

struct gost_number {
	gost_limb limb[GOST_LIMBS_MAX];
};

struct gost_modulus {
	size_t bytes; /* 32 or 64 */
	size_t limbs;
	gost_limb inverse;         /* -1 / modulus, modulo 2^GOST_LIMB_BITS */
	struct gost_number value;  /* the modulus */
	struct gost_number one;    /* R, which is 1 in Montgomery's form */
	struct gost_number square; /* R * R, which turns into that form */
};

/* `value` is big-endian, odd, of 32 or 64 bytes. */
void gost_modulus_init(struct gost_modulus *modulus, const uint8_t *value, size_t bytes);

/* From and to `modulus->bytes` bytes; what is loaded may be as large as R. */
void gost_load_big(const struct gost_modulus *modulus, struct gost_number *out, const uint8_t *in);
void gost_load_little(
	const struct gost_modulus *modulus, struct gost_number *out, const uint8_t *in);
void gost_store_big(const struct gost_modulus *modulus, const struct gost_number *in, uint8_t *out);
void gost_store_little(
	const struct gost_modulus *modulus, const struct gost_number *in, uint8_t *out);

/* out may be a or b. */
void gost_add(const struct gost_modulus *modulus, struct gost_number *out,
	const struct gost_number *a, const struct gost_number *b);
void gost_subtract(const struct gost_modulus *modulus, struct gost_number *out,
	const struct gost_number *a, const struct gost_number *b);
/* a * b / R; one of them may be as large as R. */
void gost_multiply(const struct gost_modulus *modulus, struct gost_number *out,
	const struct gost_number *a, const struct gost_number *b);

/* Into Montgomery's form, also of a number as large as R; and out of it. */
void gost_enter(
	const struct gost_modulus *modulus, struct gost_number *out, const struct gost_number *in);
void gost_leave(
	const struct gost_modulus *modulus, struct gost_number *out, const struct gost_number *in);
/* (high * R + low) modulo the modulus, not in Montgomery's form; both may be as large as R. */
void gost_reduce(const struct gost_modulus *modulus, struct gost_number *out,
	const struct gost_number *low, const struct gost_number *high);
/* 1 / a modulo a prime, in Montgomery's form; 0 for 0. */
void gost_invert(
	const struct gost_modulus *modulus, struct gost_number *out, const struct gost_number *a);

/* All bits set, or none. */
gost_limb gost_is_zero(const struct gost_modulus *modulus, const struct gost_number *a);
gost_limb gost_is_equal(size_t a, size_t b);
/* out = a where the mask is all bits set, unchanged where it is zero. */
void gost_select(const struct gost_modulus *modulus, struct gost_number *out,
	const struct gost_number *a, gost_limb mask);
/* Is a < the modulus? Which is no secret, not even of a secret a. */
bool gost_is_reduced(const struct gost_modulus *modulus, const struct gost_number *a);

#endif
