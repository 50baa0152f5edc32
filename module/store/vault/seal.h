/*
 * seal: the token key at work (docs/vault-format.md, "Keys").
 *
 * From the vault's 256-bit token key two keys are derived with HKDF-Expand (RFC 5869, SHA-256): one seals
 * attributes (AES-256-GCM, random 96-bit nonces; object and attribute are bound as associated data), one
 * makes the tags over objects, pages and the root (HMAC-SHA-256, cut to 128 bits). The token key itself
 * is kept for wrapping it under a new PIN.
 *
 * A seal may be used by any number of threads. Freeing it wipes the keys.
 */
#ifndef PODPIS_STORE_VAULT_SEAL_H
#define PODPIS_STORE_VAULT_SEAL_H

#include "module/crypto/context.h"
#include "module/support/buffer.h"
#include "module/crypto/checksum.h"

#define SEAL_KEY      32 /* bytes of every key */
#define SEAL_UUID     16
#define SEAL_CHECKSUM CHECKSUM_SIZE /* what tags are made over */
#define SEAL_TAG      16
#define SEAL_NONCE    12
#define SEAL_OVERHEAD (SEAL_NONCE + 16) /* bytes that sealing adds: nonce before, GCM tag behind */

struct seal;

CK_RV seal_new(struct crypto *crypto, const uint8_t uuid[SEAL_UUID],
	const uint8_t token_key[SEAL_KEY], struct seal **out);
void seal_free(struct seal *seal); /* NULL is fine */

const uint8_t *seal_token_key(const struct seal *seal);
const uint8_t *seal_uuid(const struct seal *seal);

CK_RV seal_tag(struct seal *seal, const uint8_t checksum[SEAL_CHECKSUM], uint8_t out[SEAL_TAG]);
/* CKR_DEVICE_ERROR when the tag is not the checksum's; not logged, the caller knows what it is of. */
CK_RV seal_check(
	struct seal *seal, const uint8_t checksum[SEAL_CHECKSUM], const uint8_t tag[SEAL_TAG]);

/* Appends nonce, ciphertext and GCM tag of one attribute's value. */
CK_RV seal_close(struct seal *seal, uint64_t id, uint32_t type, const uint8_t *value, size_t length,
	struct buffer *out);
/* Writes length - SEAL_OVERHEAD bytes. CKR_DEVICE_ERROR when it was not sealed for this place; not logged. */
CK_RV seal_open(struct seal *seal, uint64_t id, uint32_t type, const uint8_t *sealed, size_t length,
	uint8_t *out);

/*
 * The same cipher with a key that was derived from a PIN, for the token key's own wrapping:
 * `out` takes length + SEAL_OVERHEAD bytes, or length - SEAL_OVERHEAD.
 */
CK_RV seal_wrap(struct crypto *crypto, const uint8_t key[SEAL_KEY], const uint8_t *aad,
	size_t aad_length, const uint8_t *in, size_t length, uint8_t *out);
CK_RV seal_unwrap(struct crypto *crypto, const uint8_t key[SEAL_KEY], const uint8_t *aad,
	size_t aad_length, const uint8_t *in, size_t length, uint8_t *out);

#endif
