#include "module/crypto/padding.h"

#include <string.h>

#include "module/crypto/hash.h"

#define SIZE_MAX_BYTES 512 /* of the modulus */
#define DIGEST         32
#define BLOCK          64  /* SHA-256's, for HMAC */
#define LENGTHS        128 /* candidates for a false message's length */
#define OVERHEAD       10 /* 00 02, and at least eight bytes that are not zero; another zero follows */

/* Masks are all ones for true, all zeros for false; nothing branches on a secret. */
static size_t mask_of_bit(size_t bit)
{
	__asm__("" : "+r"(bit)); /* the compiler must not see that it is 0 or 1 */
	return (size_t)0 - bit;
}

static size_t is_zero(size_t value)
{
	return mask_of_bit((~value & (value - 1)) >> (sizeof(value) * 8 - 1));
}

static size_t is_equal(size_t a, size_t b)
{
	return is_zero(a ^ b);
}

/* Both below half the range. */
static size_t is_less(size_t a, size_t b)
{
	return mask_of_bit((a - b) >> (sizeof(a) * 8 - 1));
}

static size_t choose(size_t mask, size_t a, size_t b)
{
	return (mask & a) | (~mask & b);
}

/* HMAC-SHA-256 (RFC 2104) of two pieces, with a key of one digest's length. */
static CK_RV hmac(struct hash *hash, const uint8_t key[DIGEST], const void *first,
	size_t first_length, const void *second, size_t second_length, uint8_t out[DIGEST])
{
	uint8_t pad[BLOCK];
	CK_RV rv = CKR_OK;

	for (int outer = 0; outer < 2 && rv == CKR_OK; outer++) {
		memset(pad, outer ? 0x5c : 0x36, sizeof(pad));
		for (size_t i = 0; i < DIGEST; i++)
			pad[i] ^= key[i];
		rv = hash_restart(hash);
		if (rv == CKR_OK)
			rv = hash_update(hash, pad, sizeof(pad));
		if (rv == CKR_OK)
			rv = outer ? hash_update(hash, out, DIGEST)
				   : hash_update(hash, first, first_length);
		if (rv == CKR_OK && !outer)
			rv = hash_update(hash, second, second_length);
		if (rv == CKR_OK)
			rv = hash_final(hash, out);
	}
	explicit_bzero(pad, sizeof(pad));
	return rv;
}

/* The draft's IRPRF: HMACs of a counter, the label and the length in bits, one behind another. */
static CK_RV derive(struct hash *hash, const uint8_t key[DIGEST], const char *label, uint8_t *out,
	size_t length)
{
	uint8_t counter[2], suffix[16], digest[DIGEST];
	size_t label_length = strlen(label);
	CK_RV rv = CKR_OK;

	memcpy(suffix, label, label_length);
	suffix[label_length] = (uint8_t)(length * 8 >> 8);
	suffix[label_length + 1] = (uint8_t)(length * 8);
	for (size_t i = 0; i * DIGEST < length && rv == CKR_OK; i++) {
		size_t part = length - i * DIGEST < DIGEST ? length - i * DIGEST : DIGEST;

		counter[0] = (uint8_t)(i >> 8);
		counter[1] = (uint8_t)i;
		rv = hmac(hash, key, counter, sizeof(counter), suffix, label_length + 2, digest);
		memcpy(out + i * DIGEST, digest, part);
	}
	explicit_bzero(digest, sizeof(digest));
	return rv;
}

/* The last candidate that is short enough; 0 where none is, which is next to impossible. */
static size_t false_length(const uint8_t candidates[2 * LENGTHS], size_t size)
{
	size_t limit = size - OVERHEAD, length = 0, mask = limit;

	for (size_t shift = 1; shift < 16; shift *= 2)
		mask |= mask >> shift; /* as many low bits as the limit has */
	for (size_t i = 0; i < LENGTHS; i++) {
		size_t candidate = ((size_t)candidates[2 * i] << 8 | candidates[2 * i + 1]) & mask;

		length = choose(is_less(candidate, limit), candidate, length);
	}
	return length;
}

/* Where the true message begins, with *good set if there is one. */
static size_t true_start(const uint8_t *block, size_t size, size_t *good)
{
	size_t searching = ~(size_t)0, zero = 0;

	for (size_t i = 2; i < size; i++) {
		size_t here = searching & is_zero(block[i]);

		zero = choose(here, i, zero);
		searching &= ~here;
	}
	*good = is_zero(block[0]) & is_equal(block[1], 2) & ~searching & ~is_less(zero, OVERHEAD);
	return zero + 1;
}

CK_RV padding_secret(
	struct crypto *crypto, const uint8_t *exponent, size_t size, uint8_t secret[PADDING_SECRET])
{
	struct hash *hash = NULL;
	CK_RV rv = hash_new(crypto, CKM_SHA256, &hash);

	if (rv == CKR_OK)
		rv = hash_update(hash, exponent, size);
	if (rv == CKR_OK)
		rv = hash_final(hash, secret);
	hash_free(hash);
	return rv;
}

CK_RV padding_remove(struct crypto *crypto, const uint8_t secret[PADDING_SECRET],
	const uint8_t *ciphertext, const uint8_t *block, size_t size, uint8_t *out,
	size_t *out_length)
{
	uint8_t key[DIGEST], lengths[2 * LENGTHS], message[SIZE_MAX_BYTES];
	size_t good, start, shift;
	struct hash *hash = NULL;
	CK_RV rv = hash_new(crypto, CKM_SHA256, &hash);

	if (rv == CKR_OK)
		rv = hmac(hash, secret, ciphertext, size, NULL, 0, key);
	if (rv == CKR_OK)
		rv = derive(hash, key, "length", lengths, sizeof(lengths));
	if (rv == CKR_OK)
		rv = derive(hash, key, "message", message, size);
	if (rv != CKR_OK)
		goto out;

	start = true_start(block, size, &good);
	start = choose(good, start, size - false_length(lengths, size));
	for (size_t i = 0; i < size; i++)
		out[i] = (uint8_t)choose(good, block[i], message[i]);
	/* Moves the message to the front in steps of powers of two, so that no address tells its length. */
	for (shift = 1; shift < size; shift *= 2) {
		size_t move = ~is_zero(start & shift);

		for (size_t i = 0; i < size; i++)
			out[i] = (uint8_t)choose(
				move, i + shift < size ? out[i + shift] : 0, out[i]);
	}
	*out_length = size - start;
out:
	hash_free(hash);
	explicit_bzero(key, sizeof(key));
	explicit_bzero(lengths, sizeof(lengths));
	explicit_bzero(message, sizeof(message));
	return rv;
}
