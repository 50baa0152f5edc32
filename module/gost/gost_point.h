/*
 * gost_point: points of a curve and their multiples.
 *
 * Points are added with the complete formulas of Renes, Costello and Batina (2016, algorithm 1), which have no
 * special cases among points of odd order: no branch, and none to forget. All points here are multiples of the
 * base point, whose order is prime; gost_point_load takes no others.
 */
#ifndef PODPIS_GOST_POINT_H
#define PODPIS_GOST_POINT_H

#include <stdatomic.h>

#include "module/gost/gost_curve.h"
#include "module/gost/gost_number.h"

/* X / Z, Y / Z; (0 : 1 : 0) is the point at infinity. Coordinates are in Montgomery's form modulo p. */
struct gost_point {
	struct gost_number x, y, z;
};

struct gost_table;

/* A curve, ready for work. Shared by threads once it is set up. */
struct gost_group {
	struct gost_modulus p, q;
	struct gost_number a, b, b3; /* b3 = 3b */
	unsigned cofactor;
	struct gost_point base;
	_Atomic(const struct gost_table *)
		table; /* of multiples of the base point; NULL: not yet made */
};

/* NULL: no memory. */
struct gost_group *gost_group_new(const struct gost_curve *curve);
void gost_group_free(struct gost_group *group); /* NULL is fine */
/* The table, made at the first call: 90 or 350 kB in 2 or 10 ms. NULL: no memory. It is the group's. */
const struct gost_table *gost_group_table(struct gost_group *group);

void gost_point_add(const struct gost_group *group, struct gost_point *out,
	const struct gost_point *a, const struct gost_point *b);

/* X || Y, little-endian. False when that is no point of the curve, or none of order q. */
bool gost_point_load(const struct gost_group *group, struct gost_point *out, const uint8_t *in);
/* False for the point at infinity. */
bool gost_point_store(const struct gost_group *group, const struct gost_point *point, uint8_t *out);

/* u * base + v * point, for public numbers: the time taken tells them. */
void gost_point_combine(const struct gost_group *group, struct gost_point *out,
	const struct gost_number *u, const struct gost_number *v, const struct gost_point *point);

/* k * base, for a secret k < R. */
void gost_base_multiply(const struct gost_group *group, const struct gost_table *table,
	struct gost_point *out, const struct gost_number *k);

/*
 * The x of start + k * base, not in Montgomery's form, for a secret k < R and a start that nobody knows: faster
 * than the above, with formulas whose special cases such a start meets with a probability below 2^-240. 0 then.
 */
void gost_base_multiply_from(const struct gost_group *group, const struct gost_table *table,
	struct gost_number *x, const struct gost_number *k, const struct gost_point *start);

#endif
