/*
 * padding: PKCS #1 v1.5 encryption padding taken off without telling whether it was right.
 *
 * An application that shows in any way, be it only in its timing, whether a ciphertext's padding was right
 * decrypts for everybody (Bleichenbacher's attack). So a wrong padding is no error: it gives a message, too,
 * of a length and content that depend on the key and the ciphertext only ("implicit rejection",
 * draft-irtf-cfrg-rsa-guidance; OpenSSL 3.2 and NSS do the same).
 */
#ifndef PODPIS_CRYPTO_PADDING_H
#define PODPIS_CRYPTO_PADDING_H

#include "module/crypto/context.h"

#define PADDING_SECRET 32 /* bytes */

/* What the false messages are derived from: the SHA-256 of the private exponent, as long as the modulus. */
CK_RV padding_secret(struct crypto *crypto, const uint8_t *exponent, size_t size,
	uint8_t secret[PADDING_SECRET]);

/*
 * `block` is the decrypted block, `ciphertext` what it was decrypted from, both of `size` bytes, 256 to 512.
 * Writes at most size - 11 bytes of `out`, which has room for `size`; all of it is written to. The time taken
 * depends on `size` only. Fails only where SHA-256 does.
 */
CK_RV padding_remove(struct crypto *crypto, const uint8_t secret[PADDING_SECRET],
	const uint8_t *ciphertext, const uint8_t *block, size_t size, uint8_t *out,
	size_t *out_length);

#endif
