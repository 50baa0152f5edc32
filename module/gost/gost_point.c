#include "module/gost/gost_point.h"

#include <stdlib.h>
#include <string.h>

#define WINDOW 6 /* bits */
#define ENTRIES                                                                                    \
	(1 << (WINDOW - 1)) /* multiples 1 to 32: negative ones are the same with another y */

/*
 * Row i holds 1 to 32 times 64^i * base as affine points, x then y, so that a multiple of the base is one addition a
 * row. A lookup reads all of a row.
 */
struct gost_table {
	size_t rows;
	gost_limb limb[]; /* rows * ENTRIES * 2 * limbs */
};

static void load_hex(const struct gost_modulus *modulus, struct gost_number *out, const char *hex)
{
	uint8_t bytes[GOST_BYTES_MAX];

	for (size_t i = 0; i < 2 * modulus->bytes; i++) {
		uint8_t digit = (uint8_t)(hex[i] <= '9' ? hex[i] - '0' : hex[i] - 'A' + 10);
		bytes[i / 2] = (uint8_t)(i % 2 == 0 ? digit << 4 : bytes[i / 2] | digit);
	}
	gost_load_big(modulus, out, bytes);
}

static void set_modulus(struct gost_modulus *modulus, size_t bytes, const char *hex)
{
	struct gost_number value;
	uint8_t big[GOST_BYTES_MAX];

	modulus->bytes = bytes;
	load_hex(modulus, &value, hex);
	gost_store_big(modulus, &value, big);
	gost_modulus_init(modulus, big, bytes);
}

struct gost_group *gost_group_new(const struct gost_curve *curve)
{
	struct gost_group *group = calloc(1, sizeof(*group));
	struct gost_modulus *p;

	if (group == NULL)
		return NULL;
	p = &group->p;
	set_modulus(p, curve->bytes, curve->p);
	set_modulus(&group->q, curve->bytes, curve->q);
	load_hex(p, &group->a, curve->a);
	load_hex(p, &group->b, curve->b);
	load_hex(p, &group->base.x, curve->x);
	load_hex(p, &group->base.y, curve->y);
	gost_enter(p, &group->a, &group->a);
	gost_enter(p, &group->b, &group->b);
	gost_enter(p, &group->base.x, &group->base.x);
	gost_enter(p, &group->base.y, &group->base.y);
	group->base.z = p->one;
	gost_add(p, &group->b3, &group->b, &group->b);
	gost_add(p, &group->b3, &group->b3, &group->b);
	group->cofactor = curve->cofactor;
	return group;
}

void gost_group_free(struct gost_group *group)
{
	if (group == NULL)
		return;
	free((void *)(uintptr_t)atomic_load(&group->table));
	free(group);
}

void gost_point_add(const struct gost_group *group, struct gost_point *out,
	const struct gost_point *a, const struct gost_point *b)
{
	const struct gost_modulus *p = &group->p;
	struct gost_number t0, t1, t2, t3, t4, t5, x, y, z;

	gost_multiply(p, &t0, &a->x, &b->x);
	gost_multiply(p, &t1, &a->y, &b->y);
	gost_multiply(p, &t2, &a->z, &b->z);
	gost_add(p, &t3, &a->x, &a->y);
	gost_add(p, &t4, &b->x, &b->y);
	gost_multiply(p, &t3, &t3, &t4);
	gost_add(p, &t4, &t0, &t1);
	gost_subtract(p, &t3, &t3, &t4);
	gost_add(p, &t4, &a->x, &a->z);
	gost_add(p, &t5, &b->x, &b->z);
	gost_multiply(p, &t4, &t4, &t5);
	gost_add(p, &t5, &t0, &t2);
	gost_subtract(p, &t4, &t4, &t5);
	gost_add(p, &t5, &a->y, &a->z);
	gost_add(p, &x, &b->y, &b->z);
	gost_multiply(p, &t5, &t5, &x);
	gost_add(p, &x, &t1, &t2);
	gost_subtract(p, &t5, &t5, &x);
	gost_multiply(p, &z, &group->a, &t4);
	gost_multiply(p, &x, &group->b3, &t2);
	gost_add(p, &z, &x, &z);
	gost_subtract(p, &x, &t1, &z);
	gost_add(p, &z, &t1, &z);
	gost_multiply(p, &y, &x, &z);
	gost_add(p, &t1, &t0, &t0);
	gost_add(p, &t1, &t1, &t0);
	gost_multiply(p, &t2, &group->a, &t2);
	gost_multiply(p, &t4, &group->b3, &t4);
	gost_add(p, &t1, &t1, &t2);
	gost_subtract(p, &t2, &t0, &t2);
	gost_multiply(p, &t2, &group->a, &t2);
	gost_add(p, &t4, &t4, &t2);
	gost_multiply(p, &t0, &t1, &t4);
	gost_add(p, &y, &y, &t0);
	gost_multiply(p, &t0, &t5, &t4);
	gost_multiply(p, &x, &t3, &x);
	gost_subtract(p, &x, &x, &t0);
	gost_multiply(p, &t0, &t3, &t1);
	gost_multiply(p, &z, &t5, &z);
	gost_add(p, &z, &z, &t0);
	out->x = x;
	out->y = y;
	out->z = z;
}

static void set_infinity(const struct gost_group *group, struct gost_point *out)
{
	memset(out, 0, sizeof(*out));
	out->y = group->p.one;
}

/* Four bits at a time, the two numbers side by side. */
void gost_point_combine(const struct gost_group *group, struct gost_point *out,
	const struct gost_number *u, const struct gost_number *v, const struct gost_point *point)
{
	const struct gost_point *const points[2] = {&group->base, point};
	struct gost_point multiples[2][16], sum;
	uint8_t digits[2][GOST_BYTES_MAX];

	gost_store_little(&group->q, u, digits[0]);
	gost_store_little(&group->q, v, digits[1]);
	set_infinity(group, &sum);
	for (size_t i = 0; i < 2; i++) {
		multiples[i][0] = sum;
		for (size_t j = 1; j < 16; j++)
			gost_point_add(group, &multiples[i][j], &multiples[i][j - 1], points[i]);
	}
	for (size_t i = 2 * group->q.bytes; i-- > 0;) {
		for (size_t j = 0; j < 4; j++)
			gost_point_add(group, &sum, &sum, &sum);
		for (size_t j = 0; j < 2; j++) {
			size_t digit = (digits[j][i / 2] >> (4 * (i % 2))) & 15;

			if (digit != 0)
				gost_point_add(group, &sum, &sum, &multiples[j][digit]);
		}
	}
	*out = sum;
}

static bool is_on_curve(
	const struct gost_group *group, const struct gost_number *x, const struct gost_number *y)
{
	const struct gost_modulus *p = &group->p;
	struct gost_number left, right;

	gost_multiply(p, &left, y, y);
	gost_multiply(p, &right, x, x);
	gost_add(p, &right, &right, &group->a);
	gost_multiply(p, &right, &right, x);
	gost_add(p, &right, &right, &group->b);
	gost_subtract(p, &left, &left, &right);
	return gost_is_zero(p, &left) != 0;
}

/*
 * q * point is the point at infinity. For a point of even order the formulas may have come to (0 : 0 : 0) on the
 * way, which stays so to the end and is not the point at infinity.
 */
static bool is_of_order_q(const struct gost_group *group, const struct gost_point *point)
{
	const struct gost_number zero = {.limb = {0}};
	struct gost_point product;

	if (group->cofactor == 1)
		return true;
	gost_point_combine(group, &product, &zero, &group->q.value, point);
	return gost_is_zero(&group->p, &product.z) != 0 && gost_is_zero(&group->p, &product.y) == 0;
}

bool gost_point_load(const struct gost_group *group, struct gost_point *out, const uint8_t *in)
{
	const struct gost_modulus *p = &group->p;
	struct gost_point point = {.z = p->one};

	gost_load_little(p, &point.x, in);
	gost_load_little(p, &point.y, in + p->bytes);
	if (!gost_is_reduced(p, &point.x) || !gost_is_reduced(p, &point.y))
		return false;
	gost_enter(p, &point.x, &point.x);
	gost_enter(p, &point.y, &point.y);
	if (!is_on_curve(group, &point.x, &point.y) || !is_of_order_q(group, &point))
		return false;
	*out = point;
	return true;
}

bool gost_point_store(const struct gost_group *group, const struct gost_point *point, uint8_t *out)
{
	const struct gost_modulus *p = &group->p;
	struct gost_number inverse, x, y;
	bool is_finite;

	gost_invert(p, &inverse, &point->z);
	gost_multiply(p, &x, &point->x, &inverse);
	gost_multiply(p, &y, &point->y, &inverse);
	gost_leave(p, &x, &x);
	gost_leave(p, &y, &y);
	gost_store_little(p, &x, out);
	gost_store_little(p, &y, out + p->bytes);
	is_finite = gost_is_zero(p, &point->z) == 0;
	explicit_bzero(&inverse, sizeof(inverse));
	return is_finite;
}

static gost_limb *table_entry(
	struct gost_table *table, const struct gost_modulus *p, size_t row, size_t entry)
{
	return table->limb + (row * ENTRIES + entry) * 2 * p->limbs;
}

/* The points of a row become affine with one inversion for all (Montgomery's trick). */
static void table_write_row(const struct gost_group *group, struct gost_table *table, size_t row,
	const struct gost_point points[ENTRIES])
{
	const struct gost_modulus *p = &group->p;
	struct gost_number products[ENTRIES], inverse, one, x, y;

	products[0] = points[0].z;
	for (size_t i = 1; i < ENTRIES; i++)
		gost_multiply(p, &products[i], &products[i - 1], &points[i].z);
	gost_invert(p, &inverse, &products[ENTRIES - 1]);
	for (size_t i = ENTRIES; i-- > 0;) {
		gost_limb *entry = table_entry(table, p, row, i);

		if (i > 0)
			gost_multiply(p, &one, &inverse, &products[i - 1]);
		else
			one = inverse;
		gost_multiply(p, &inverse, &inverse, &points[i].z);
		gost_multiply(p, &x, &points[i].x, &one);
		gost_multiply(p, &y, &points[i].y, &one);
		memcpy(entry, x.limb, p->limbs * sizeof(gost_limb));
		memcpy(entry + p->limbs, y.limb, p->limbs * sizeof(gost_limb));
	}
}

static struct gost_table *table_new(const struct gost_group *group)
{
	const struct gost_modulus *p = &group->p;
	size_t rows = 8 * p->bytes / WINDOW + 1;
	struct gost_table *table =
		malloc(sizeof(*table) + rows * ENTRIES * 2 * p->limbs * sizeof(gost_limb));
	struct gost_point points[ENTRIES], first = group->base;

	if (table == NULL)
		return NULL;
	table->rows = rows;
	for (size_t row = 0; row < rows; row++) {
		points[0] = first;
		for (size_t i = 1; i < ENTRIES; i++)
			gost_point_add(group, &points[i], &points[i - 1], &first);
		table_write_row(group, table, row, points);
		gost_point_add(group, &first, &points[ENTRIES - 1], &points[ENTRIES - 1]);
	}
	return table;
}

const struct gost_table *gost_group_table(struct gost_group *group)
{
	const struct gost_table *table = atomic_load_explicit(&group->table, memory_order_acquire);
	struct gost_table *made;

	if (table != NULL)
		return table;
	/* Two threads may both make it; one of the two is kept. */
	made = table_new(group);
	if (made == NULL)
		return NULL;
	if (atomic_compare_exchange_strong(&group->table, &table, made))
		return made;
	free(made);
	return table;
}

/* A digit of -32 to 32 of a secret number (Booth): the row's bits and the one below. */
struct digit {
	size_t size;
	gost_limb is_negative, is_zero; /* masks */
};

static struct digit digit_of(const struct gost_modulus *q, const struct gost_number *k, size_t row)
{
	size_t at = row * WINDOW; /* one bit higher than where the digit's bits begin */
	size_t limb = at > 0 ? (at - 1) / GOST_LIMB_BITS : 0;
	size_t shift = at > 0 ? (at - 1) % GOST_LIMB_BITS : 0;
	gost_limb bits = k->limb[limb] >> shift, sign;
	struct digit digit;

	if (at == 0)
		bits <<= 1;
	else if (shift > GOST_LIMB_BITS - (WINDOW + 1) && limb + 1 < q->limbs)
		bits |= k->limb[limb + 1] << (GOST_LIMB_BITS - shift);
	bits &= (1 << (WINDOW + 1)) - 1;
	sign = ~((bits >> WINDOW) - 1);
	bits = (((1 << (WINDOW + 1)) - 1 - bits) & sign) | (bits & ~sign);
	digit.size = (size_t)((bits >> 1) + (bits & 1));
	digit.is_negative = sign;
	digit.is_zero = gost_is_equal(digit.size, 0);
	return digit;
}

/* The affine point that a digit stands for; for zero, (0, 0). */
static void table_look_up(const struct gost_group *group, const struct gost_table *table,
	size_t row, const struct digit *digit, struct gost_number *x, struct gost_number *y)
{
	const struct gost_number zero = {.limb = {0}};
	const struct gost_modulus *p = &group->p;
	const gost_limb *entry = table->limb + row * ENTRIES * 2 * p->limbs;
	struct gost_number negative;

	*x = *y = zero;
	for (size_t i = 1; i <= ENTRIES; i++) {
		gost_limb mask = gost_is_equal(i, digit->size);

		for (size_t j = 0; j < p->limbs; j++) {
			x->limb[j] |= entry[j] & mask;
			y->limb[j] |= entry[p->limbs + j] & mask;
		}
		entry += 2 * p->limbs;
	}
	gost_subtract(p, &negative, &zero, y);
	gost_select(p, y, &negative, digit->is_negative);
}

void gost_base_multiply(const struct gost_group *group, const struct gost_table *table,
	struct gost_point *out, const struct gost_number *k)
{
	struct gost_point sum, entry;

	set_infinity(group, &sum);
	for (size_t row = 0; row < table->rows; row++) {
		struct digit digit = digit_of(&group->q, k, row);

		set_infinity(group, &entry);
		entry.z = group->p.one;
		table_look_up(group, table, row, &digit, &entry.x, &entry.y);
		/* (0 : 1 : 0) for a zero */
		gost_select(&group->p, &entry.y, &group->p.one, digit.is_zero);
		for (size_t i = 0; i < group->p.limbs; i++)
			entry.z.limb[i] &= ~digit.is_zero;
		gost_point_add(group, &sum, &sum, &entry);
	}
	*out = sum;
	explicit_bzero(&sum, sizeof(sum));
	explicit_bzero(&entry, sizeof(entry));
}

/* Jacobian coordinates: X / Z^2, Y / Z^3. sum += (x, y), which is neither sum nor its negative. */
static void add_affine(const struct gost_modulus *p, struct gost_point *sum,
	const struct gost_number *x, const struct gost_number *y)
{
	struct gost_number h, hh, r, v, t;

	gost_multiply(p, &t, &sum->z, &sum->z);
	gost_multiply(p, &h, x, &t);
	gost_subtract(p, &h, &h, &sum->x);
	gost_multiply(p, &t, &t, &sum->z);
	gost_multiply(p, &r, y, &t);
	gost_subtract(p, &r, &r, &sum->y);
	gost_multiply(p, &sum->z, &sum->z, &h);
	gost_multiply(p, &hh, &h, &h);
	gost_multiply(p, &v, &sum->x, &hh);
	gost_multiply(p, &h, &h, &hh);
	gost_multiply(p, &sum->x, &r, &r);
	gost_subtract(p, &sum->x, &sum->x, &h);
	gost_subtract(p, &sum->x, &sum->x, &v);
	gost_subtract(p, &sum->x, &sum->x, &v);
	gost_multiply(p, &t, &sum->y, &h);
	gost_subtract(p, &v, &v, &sum->x);
	gost_multiply(p, &sum->y, &r, &v);
	gost_subtract(p, &sum->y, &sum->y, &t);
}

void gost_base_multiply_from(const struct gost_group *group, const struct gost_table *table,
	struct gost_number *x, const struct gost_number *k, const struct gost_point *start)
{
	const struct gost_modulus *p = &group->p;
	struct gost_point sum, next;
	struct gost_number entry_x, entry_y;

	/* From X / Z to X / Z^2. */
	gost_multiply(p, &sum.x, &start->x, &start->z);
	gost_multiply(p, &sum.y, &start->z, &start->z);
	gost_multiply(p, &sum.y, &start->y, &sum.y);
	sum.z = start->z;
	for (size_t row = 0; row < table->rows; row++) {
		struct digit digit = digit_of(&group->q, k, row);

		table_look_up(group, table, row, &digit, &entry_x, &entry_y);
		next = sum;
		add_affine(p, &next, &entry_x, &entry_y);
		gost_select(p, &sum.x, &next.x, ~digit.is_zero);
		gost_select(p, &sum.y, &next.y, ~digit.is_zero);
		gost_select(p, &sum.z, &next.z, ~digit.is_zero);
	}
	gost_multiply(p, &sum.z, &sum.z, &sum.z);
	gost_invert(p, &sum.z, &sum.z);
	gost_multiply(p, x, &sum.x, &sum.z);
	gost_leave(p, x, x);
	explicit_bzero(&sum, sizeof(sum));
	explicit_bzero(&next, sizeof(next));
	explicit_bzero(&entry_x, sizeof(entry_x));
	explicit_bzero(&entry_y, sizeof(entry_y));
}
