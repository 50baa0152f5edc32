/*
 * pin: what a PIN may be, and the token key wrapped under one (docs/vault-format.md, "PINs").
 *
 * A PIN is 4 to 64 bytes of UTF-8 without NUL. scrypt (RFC 7914) makes a key of it, AES-256-GCM wraps the
 * token key with that; vault, role and parameters are bound as associated data. Wrong PINs are counted by
 * the caller on disk before they are tried here; ten lock the role. Nothing here touches the disk.
 */
#ifndef PODPIS_STORE_VAULT_PIN_H
#define PODPIS_STORE_VAULT_PIN_H

#include "module/store/vault/seal.h"

#define PIN_MIN     4 /* bytes */
#define PIN_MAX     64
#define PIN_TRIES   10 /* wrong PINs until the role is locked */
#define PIN_SALT    16
#define PIN_WRAPPED (SEAL_KEY + SEAL_OVERHEAD)

/* One role's wrapped token key, as it stands in the file. */
struct pin_wrap {
	uint32_t role; /* CKU_SO or CKU_USER, which are 0 and 1 */
	uint64_t n;
	uint32_t r, p;
	uint8_t salt[PIN_SALT];
	uint8_t wrapped[PIN_WRAPPED];
};

/* Is this fit to become a PIN? CKR_PIN_LEN_RANGE, CKR_PIN_INVALID. */
CK_RV pin_check(const uint8_t *pin, size_t length);

/* Wraps with a fresh salt and today's parameters. Takes about 70 ms and 32 MiB. */
CK_RV pin_wrap(struct crypto *crypto, const uint8_t uuid[SEAL_UUID], CK_USER_TYPE role,
	const uint8_t *pin, size_t length, const uint8_t token_key[SEAL_KEY], struct pin_wrap *out);

/*
 * Are scrypt's parameters as dear as this module's own, and not much dearer? They decide over memory and time before
 * anything is known to be authentic (docs/vault-format.md, "PINs").
 */
bool pin_bounded(const struct pin_wrap *wrap);

/* CKR_PIN_INCORRECT; CKR_DEVICE_ERROR when the parameters are out of bounds. */
CK_RV pin_unwrap(struct crypto *crypto, const uint8_t uuid[SEAL_UUID], const struct pin_wrap *wrap,
	const uint8_t *pin, size_t length, uint8_t token_key[SEAL_KEY]);

/* SHA-256 over all of a wrap: what the root lists. */
void pin_digest(
	const uint8_t uuid[SEAL_UUID], const struct pin_wrap *wrap, uint8_t out[SEAL_CHECKSUM]);

/* CKF_USER_PIN_COUNT_LOW, _FINAL_TRY, _LOCKED or the SO's, for so many wrong PINs in a row. */
CK_FLAGS pin_flags(CK_USER_TYPE role, unsigned tries);

/* How long the answer to so many wrong PINs in a row takes: 50 ms, doubled each time, up to 2 s. */
unsigned pin_delay_ms(unsigned tries);
/* Waits as long. */
void pin_delay(unsigned tries);

#endif
