#include <errno.h>
#include <string.h>
#include <time.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "module/store/vault/pin.h"
#include "module/store/vault/record.h"
#include "module/support/secret.h"
#include "module/support/text.h"

/* What new wraps are made with: 32 MiB, about 70 ms on a machine of 2023. */
#define SCRYPT_N ((uint64_t)1 << 15)
#define SCRYPT_R 8
#define SCRYPT_P 1
/*
 * What is accepted from a file, which anybody may have written: two doublings, 128 MiB, so that the next, stronger
 * writer is understood, and no file takes more of the host than that.
 */
#define SCRYPT_N_MAX (SCRYPT_N << 2)

#define DELAY_FIRST  50   /* ms */
#define DELAY_MAX    2000 /* ms */

static const char aad_wrap[] = "podpis vault 1 pin"; /* with its NUL */
#define AAD_SIZE (sizeof(aad_wrap) + SEAL_UUID + 4 + 8 + 4 + 4 + PIN_SALT)

CK_RV pin_check(const uint8_t *pin, size_t length)
{
	if (length < PIN_MIN || length > PIN_MAX)
		return CKR_PIN_LEN_RANGE;
	if (memchr(pin, '\0', length) != NULL || !text_is_utf8((const char *)pin, length))
		return CKR_PIN_INVALID;
	return CKR_OK;
}

static CK_RV scrypt(struct crypto *crypto, const struct pin_wrap *wrap, const uint8_t *pin,
	size_t length, uint8_t out[SEAL_KEY])
{
	EVP_KDF *kdf = EVP_KDF_fetch(crypto_libctx(crypto), "SCRYPT", NULL);
	EVP_KDF_CTX *ctx = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
	uint64_t n = wrap->n, memory = 128 * wrap->r * (wrap->n + wrap->p + 2) + (1 << 20);
	uint32_t r = wrap->r, p = wrap->p;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(
			OSSL_KDF_PARAM_PASSWORD, (void *)(uintptr_t)pin, length),
		OSSL_PARAM_construct_octet_string(
			OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)wrap->salt, PIN_SALT),
		OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n),
		OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_R, &r),
		OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_P, &p),
		OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &memory),
		OSSL_PARAM_construct_end(),
	};
	CK_RV rv = CKR_OK;

	if (ctx == NULL || EVP_KDF_derive(ctx, out, SEAL_KEY, params) != 1)
		rv = crypto_failed(crypto, "vault: scrypt", CKR_GENERAL_ERROR);
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return rv;
}

/* What is bound to a wrap, in the order in which its digest takes it, too. */
static void wrap_aad(
	const uint8_t uuid[SEAL_UUID], const struct pin_wrap *wrap, uint8_t out[AAD_SIZE])
{
	memcpy(out, aad_wrap, sizeof(aad_wrap));
	out += sizeof(aad_wrap);
	memcpy(out, uuid, SEAL_UUID);
	out += SEAL_UUID;
	record_put32(out, wrap->role);
	record_put64(out + 4, wrap->n);
	record_put32(out + 12, wrap->r);
	record_put32(out + 16, wrap->p);
	memcpy(out + 20, wrap->salt, PIN_SALT);
}

CK_RV pin_wrap(struct crypto *crypto, const uint8_t uuid[SEAL_UUID], CK_USER_TYPE role,
	const uint8_t *pin, size_t length, const uint8_t token_key[SEAL_KEY], struct pin_wrap *out)
{
	struct pin_wrap wrap = {
		.role = (uint32_t)role, .n = SCRYPT_N, .r = SCRYPT_R, .p = SCRYPT_P};
	struct secret *key = secret_new(NULL, SEAL_KEY);
	uint8_t aad[AAD_SIZE];
	CK_RV rv = CKR_HOST_MEMORY;

	if (key == NULL)
		goto out;
	rv = crypto_random(crypto, wrap.salt, PIN_SALT);
	if (rv != CKR_OK)
		goto out;
	rv = scrypt(crypto, &wrap, pin, length, key->data);
	if (rv != CKR_OK)
		goto out;
	wrap_aad(uuid, &wrap, aad);
	rv = seal_wrap(crypto, key->data, aad, sizeof(aad), token_key, SEAL_KEY, wrap.wrapped);
	if (rv == CKR_OK)
		*out = wrap;
out:
	secret_free(key);
	return rv;
}

bool pin_bounded(const struct pin_wrap *wrap)
{
	return wrap->n >= SCRYPT_N && wrap->n <= SCRYPT_N_MAX && (wrap->n & (wrap->n - 1)) == 0 &&
	       wrap->r == SCRYPT_R && wrap->p == SCRYPT_P;
}

CK_RV pin_unwrap(struct crypto *crypto, const uint8_t uuid[SEAL_UUID], const struct pin_wrap *wrap,
	const uint8_t *pin, size_t length, uint8_t token_key[SEAL_KEY])
{
	struct secret *key;
	uint8_t aad[AAD_SIZE];
	CK_RV rv;

	if (!pin_bounded(wrap))
		return CKR_DEVICE_ERROR;
	key = secret_new(NULL, SEAL_KEY);
	if (key == NULL)
		return CKR_HOST_MEMORY;
	rv = scrypt(crypto, wrap, pin, length, key->data);
	if (rv == CKR_OK) {
		wrap_aad(uuid, wrap, aad);
		rv = seal_unwrap(
			crypto, key->data, aad, sizeof(aad), wrap->wrapped, PIN_WRAPPED, token_key);
		if (rv == CKR_DEVICE_ERROR)
			rv = CKR_PIN_INCORRECT;
	}
	secret_free(key);
	return rv;
}

void pin_digest(
	const uint8_t uuid[SEAL_UUID], const struct pin_wrap *wrap, uint8_t out[SEAL_CHECKSUM])
{
	uint8_t aad[AAD_SIZE];
	struct checksum_piece pieces[] = {{aad, sizeof(aad)}, {wrap->wrapped, PIN_WRAPPED}};

	wrap_aad(uuid, wrap, aad);
	checksum_make(pieces, 2, out);
}

CK_FLAGS pin_flags(CK_USER_TYPE role, unsigned tries)
{
	static const CK_FLAGS flags[2][3] = {
		[CKU_SO] = {CKF_SO_PIN_COUNT_LOW, CKF_SO_PIN_FINAL_TRY, CKF_SO_PIN_LOCKED},
		[CKU_USER] = {CKF_USER_PIN_COUNT_LOW, CKF_USER_PIN_FINAL_TRY, CKF_USER_PIN_LOCKED},
	};

	if (tries >= PIN_TRIES)
		return flags[role][2];
	return (tries > 0 ? flags[role][0] : 0) | (tries == PIN_TRIES - 1 ? flags[role][1] : 0);
}

unsigned pin_delay_ms(unsigned tries)
{
	unsigned ms = DELAY_FIRST;

	while (tries > 1 && ms < DELAY_MAX) {
		ms *= 2;
		tries--;
	}
	return ms < DELAY_MAX ? ms : DELAY_MAX;
}

void pin_delay(unsigned tries)
{
	long ms = pin_delay_ms(tries);
	struct timespec left = {ms / 1000, ms % 1000 * 1000000};
	while (nanosleep(&left, &left) != 0 && errno == EINTR)
		continue;
}
