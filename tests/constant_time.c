/*
 * constant_time [leak]: run by valgrind, with every secret marked as not initialised: a branch or an address that
 * depends on one is an error that memcheck reports (Langley's ctgrind). With "leak", a secret goes through what is for
 * public numbers only, to see that it would be found.
 */
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include <valgrind/memcheck.h>

#include "module/gost/gost_signature.h"

static bool secret_random(void *context, uint8_t *out, size_t length)
{
	(void)context;
	if (getrandom(out, length, 0) != (ssize_t)length)
		return false;
	VALGRIND_MAKE_MEM_UNDEFINED(out, length);
	return true;
}

/* More than one blinding, keys made and taken. */
static bool sign_secretly(const struct gost_curve *curve)
{
	struct gost_group *group = gost_group_new(curve);
	const struct gost_table *table = gost_group_table(group);
	uint8_t d[GOST_BYTES_MAX], public_key[2 * GOST_BYTES_MAX];
	uint8_t digest[GOST_BYTES_MAX] = {1}, signature[2 * GOST_BYTES_MAX];
	struct gost_point point;
	struct gost_signer signer;
	bool good;

	good = gost_private_generate(group, secret_random, NULL, d) &&
	       gost_private_is_valid(group, d);
	if (good) {
		good = gost_private_public(group, table, secret_random, NULL, d, public_key);
		GOST_TELL(good);
		GOST_TELL(public_key);
		good = good && gost_point_load(group, &point, public_key);
	}
	gost_signer_init(&signer, group, table, secret_random, NULL, d);
	for (size_t i = 0; i < 34 && good; i++) {
		digest[1] = (uint8_t)i;
		good = gost_signer_sign(&signer, digest, signature);
		GOST_TELL(signature);
	}
	good = good && gost_signature_verify(group, &point, digest, signature);
	gost_signer_clear(&signer);
	gost_group_free(group);
	return good;
}

static bool leak(void)
{
	struct gost_group *group = gost_group_new(gost_curve_at(0));
	struct gost_number secret = {.limb = {5}};
	struct gost_point point;

	VALGRIND_MAKE_MEM_UNDEFINED(&secret, sizeof(secret));
	gost_point_combine(group, &point, &secret, &group->q.one, &group->base);
	gost_group_free(group);
	return true;
}

int main(int argc, char **argv)
{
	const struct gost_curve *curve;

	if (argc > 1 && strcmp(argv[1], "leak") == 0)
		return leak() ? 0 : 1;
	for (size_t i = 0; (curve = gost_curve_at(i)) != NULL; i++)
		if (!sign_secretly(curve)) {
			fprintf(stderr, "curve %zu: the signature is not good\n", i);
			return 1;
		}
	return 0;
}
