/*
 * gost_support: what the tests of module/gost share: hexadecimal, random bytes, and a libgcrypt that answers as an
 * independent GOST R 34.10-2012.
 */
#ifndef PODPIS_TESTS_GOST_SUPPORT_H
#define PODPIS_TESTS_GOST_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "module/gost/gost_signature.h"

static inline bool gost_test_random(void *context, uint8_t *out, size_t length)
{
	(void)context;
	return getrandom(out, length, 0) == (ssize_t)length;
}

/* Big-endian hexadecimal, padded on the left to `size` bytes. */
static inline void gost_test_hex(const char *hex, uint8_t *out, size_t size)
{
	size_t digits = strlen(hex);

	assert_true(digits <= 2 * size);
	memset(out, 0, size);
	for (size_t i = 0; i < digits; i++) {
		size_t place = digits - 1 - i; /* from the right */
		char digit[2] = {hex[i], '\0'};

		out[size - 1 - place / 2] |=
			(uint8_t)(strtoul(digit, NULL, 16) << (4 * (place % 2)));
	}
}

static inline void gost_test_reverse(uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size / 2; i++) {
		uint8_t kept = bytes[i];

		bytes[i] = bytes[size - 1 - i];
		bytes[size - 1 - i] = kept;
	}
}

/* As many rounds as asked for, all of them with PODPIS_FULL=1. */
static inline size_t gost_test_rounds(size_t plain, size_t full)
{
	return getenv("PODPIS_FULL") != NULL ? full : plain;
}

/* A key pair on a curve. */
struct gost_test_key {
	struct gost_group *group;
	const struct gost_table *table;
	struct gost_point point;
	uint8_t d[GOST_BYTES_MAX], public_key[2 * GOST_BYTES_MAX];
};

static inline void gost_test_key_make(struct gost_test_key *key, struct gost_group *group)
{
	key->group = group;
	key->table = gost_group_table(group);
	assert_non_null(key->table);
	assert_true(gost_private_generate(group, gost_test_random, NULL, key->d));
	assert_true(gost_private_public(
		group, key->table, gost_test_random, NULL, key->d, key->public_key));
	assert_true(gost_point_load(group, &key->point, key->public_key));
}

static inline void gost_test_sign(
	const struct gost_test_key *key, const uint8_t *digest, uint8_t *signature)
{
	struct gost_signer signer;

	gost_signer_init(&signer, key->group, key->table, gost_test_random, NULL, key->d);
	assert_true(gost_signer_sign(&signer, digest, signature));
	gost_signer_clear(&signer);
}

#endif
