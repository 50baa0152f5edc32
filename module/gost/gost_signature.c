#include "module/gost/gost_signature.h"

#include <string.h>

#include <nettle/sha2.h>

#define BLINDING_USES 32

/* A random number less than q, but for 2^-256 without bias: twice as many bits, reduced. */
static void reduce_bytes(
	const struct gost_modulus *q, struct gost_number *out, const uint8_t *bytes)
{
	struct gost_number low, high;

	gost_load_little(q, &low, bytes);
	gost_load_little(q, &high, bytes + q->bytes);
	gost_reduce(q, out, &low, &high);
	explicit_bzero(&low, sizeof(low));
	explicit_bzero(&high, sizeof(high));
}

static bool random_number(
	const struct gost_modulus *q, gost_random *random, void *context, struct gost_number *out)
{
	uint8_t bytes[2 * GOST_BYTES_MAX];
	bool done = random(context, bytes, 2 * q->bytes);

	if (done)
		reduce_bytes(q, out, bytes);
	explicit_bzero(bytes, sizeof(bytes));
	return done;
}

/* The digest as a number modulo q, 1 for 0 (RFC 7091, 6.1, step 2). */
static void digest_number(
	const struct gost_modulus *q, struct gost_number *e, const uint8_t *digest)
{
	const struct gost_number one = {.limb = {1}}, zero = {.limb = {0}};

	gost_load_little(q, e, digest);
	gost_reduce(q, e, e, &zero);
	gost_select(q, e, &one, gost_is_zero(q, e));
}

bool gost_private_is_valid(const struct gost_group *group, const uint8_t *d)
{
	struct gost_number number;
	bool valid;

	gost_load_little(&group->q, &number, d);
	valid = gost_is_reduced(&group->q, &number) & (gost_is_zero(&group->q, &number) == 0);
	GOST_TELL(valid);
	explicit_bzero(&number, sizeof(number));
	return valid;
}

bool gost_private_generate(
	const struct gost_group *group, gost_random *random, void *context, uint8_t *d)
{
	struct gost_number number;

	do {
		if (!random_number(&group->q, random, context, &number))
			return false;
		gost_store_little(&group->q, &number, d);
	} while (!gost_private_is_valid(group, d));
	explicit_bzero(&number, sizeof(number));
	return true;
}

bool gost_private_public(const struct gost_group *group, const struct gost_table *table,
	gost_random *random, void *context, const uint8_t *d, uint8_t *public_key)
{
	struct gost_number number, share;
	struct gost_point point, other;
	bool done = random_number(&group->q, random, context, &share);

	if (!done)
		return false;
	gost_load_little(&group->q, &number, d);
	gost_subtract(&group->q, &number, &number, &share);
	gost_base_multiply(group, table, &point, &share);
	gost_base_multiply(group, table, &other, &number);
	gost_point_add(group, &point, &point, &other);
	done = gost_point_store(group, &point, public_key);
	explicit_bzero(&number, sizeof(number));
	explicit_bzero(&share, sizeof(share));
	explicit_bzero(&point, sizeof(point));
	explicit_bzero(&other, sizeof(other));
	return done;
}

/* RFC 7091, 6.2. */
bool gost_signature_verify(const struct gost_group *group, const struct gost_point *public_key,
	const uint8_t *digest, const uint8_t *signature)
{
	const struct gost_number zero = {.limb = {0}};
	const struct gost_modulus *q = &group->q;
	struct gost_number r, s, e, u, v, x;
	struct gost_point point;
	uint8_t affine[2 * GOST_BYTES_MAX];

	gost_load_big(q, &s, signature);
	gost_load_big(q, &r, signature + q->bytes);
	if (!gost_is_reduced(q, &r) || !gost_is_reduced(q, &s) || gost_is_zero(q, &r) != 0 ||
		gost_is_zero(q, &s) != 0)
		return false;
	digest_number(q, &e, digest);
	gost_enter(q, &e, &e);
	gost_invert(q, &e, &e);
	gost_multiply(q, &u, &s, &e);
	gost_multiply(q, &v, &r, &e);
	gost_subtract(q, &v, &zero, &v);
	gost_point_combine(group, &point, &u, &v, public_key);
	if (!gost_point_store(group, &point, affine))
		return false;
	gost_load_little(q, &x, affine);
	gost_reduce(q, &x, &x, &zero);
	gost_subtract(q, &x, &x, &r);
	return gost_is_zero(q, &x) != 0;
}

void gost_signer_init(struct gost_signer *signer, const struct gost_group *group,
	const struct gost_table *table, gost_random *random, void *context, const uint8_t *d)
{
	memset(signer, 0, sizeof(*signer));
	signer->group = group;
	signer->table = table;
	signer->random = random;
	signer->context = context;
	gost_load_little(&group->q, &signer->d, d);
	gost_enter(&group->q, &signer->d, &signer->d);
}

void gost_signer_clear(struct gost_signer *signer)
{
	explicit_bzero(signer, sizeof(*signer));
}

static bool blind(struct gost_signer *signer)
{
	const struct gost_group *group = signer->group;

	if (signer->uses > 0) {
		gost_add(&group->q, &signer->blind, &signer->blind, &signer->blind);
		gost_point_add(
			group, &signer->blind_point, &signer->blind_point, &signer->blind_point);
	} else {
		if (!random_number(&group->q, signer->random, signer->context, &signer->blind))
			return false;
		gost_base_multiply(group, signer->table, &signer->blind_point, &signer->blind);
		signer->uses = BLINDING_USES;
	}
	signer->uses--;
	return true;
}

/* RFC 7091, 6.1, steps 4 and 5. */
bool gost_signer_sign_with(struct gost_signer *signer, const struct gost_number *k,
	const uint8_t *digest, uint8_t *signature, bool *again)
{
	const struct gost_number zero = {.limb = {0}};
	const struct gost_modulus *q = &signer->group->q;
	struct gost_number e, r, s, masked, share, part;

	if (!blind(signer) || !random_number(q, signer->random, signer->context, &share))
		return false;
	gost_subtract(q, &masked, k, &signer->blind);
	gost_base_multiply_from(signer->group, signer->table, &r, &masked, &signer->blind_point);
	gost_reduce(q, &r, &r, &zero);
	digest_number(q, &e, digest);
	gost_enter(q, &e, &e);
	/* s = rd + ke = r * share + r * (d - share) + e * blind + e * (k - blind) */
	gost_multiply(q, &s, &r, &share);
	gost_subtract(q, &share, &signer->d, &share);
	gost_multiply(q, &part, &r, &share);
	gost_add(q, &s, &s, &part);
	gost_multiply(q, &part, &e, &signer->blind);
	gost_add(q, &s, &s, &part);
	gost_multiply(q, &part, &e, &masked);
	gost_add(q, &s, &s, &part);
	*again = (gost_is_zero(q, &r) | gost_is_zero(q, &s)) != 0;
	GOST_TELL(*again);
	gost_store_big(q, &s, signature);
	gost_store_big(q, &r, signature + q->bytes);
	explicit_bzero(&masked, sizeof(masked));
	explicit_bzero(&share, sizeof(share));
	explicit_bzero(&part, sizeof(part));
	return true;
}

/* As many SHA-512 as it takes, of counter, key, digest and random bytes. */
static bool choose_nonce(
	const struct gost_signer *signer, const uint8_t *digest, struct gost_number *k)
{
	const struct gost_modulus *q = &signer->group->q;
	uint8_t bytes[2 * GOST_BYTES_MAX], random[GOST_BYTES_MAX], key[GOST_BYTES_MAX];
	struct sha512_ctx hash;

	if (!signer->random(signer->context, random, sizeof(random)))
		return false;
	gost_store_little(q, &signer->d, key);
	sha512_init(&hash);
	for (uint8_t i = 0; i < 2 * q->bytes / SHA512_DIGEST_SIZE; i++) {
		sha512_update(&hash, sizeof(i), &i);
		sha512_update(&hash, q->bytes, key);
		sha512_update(&hash, q->bytes, digest);
		sha512_update(&hash, sizeof(random), random);
		sha512_digest(&hash, SHA512_DIGEST_SIZE, bytes + i * SHA512_DIGEST_SIZE);
	}
	reduce_bytes(q, k, bytes);
	explicit_bzero(&hash, sizeof(hash));
	explicit_bzero(bytes, sizeof(bytes));
	explicit_bzero(random, sizeof(random));
	explicit_bzero(key, sizeof(key));
	return true;
}

bool gost_signer_sign(struct gost_signer *signer, const uint8_t *digest, uint8_t *signature)
{
	struct gost_number k;
	bool done, again = false;

	do
		done = choose_nonce(signer, digest, &k) &&
		       gost_signer_sign_with(signer, &k, digest, signature, &again);
	while (done && again);
	explicit_bzero(&k, sizeof(k));
	return done;
}
