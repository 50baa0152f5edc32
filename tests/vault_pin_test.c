/* PINs of a vault: what may be one, the wrapped token key, what a file may ask of scrypt, what wrong ones cost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "module/store/vault/pin.h"

static struct crypto *crypto;
static const uint8_t uuid[SEAL_UUID] = {1, 2, 3};
static const uint8_t token_key[SEAL_KEY] = {4, 5, 6};

static CK_RV check(const char *pin)
{
	return pin_check((const uint8_t *)pin, strlen(pin));
}

static void what_may_be_a_pin(void **state)
{
	char longest[66];

	(void)state;
	memset(longest, 'x', 65);
	longest[65] = '\0';
	assert_int_equal(check("123"), CKR_PIN_LEN_RANGE);
	assert_int_equal(check("1234"), CKR_OK);
	assert_int_equal(check(longest), CKR_PIN_LEN_RANGE);
	assert_int_equal(check(longest + 1), CKR_OK);
	assert_int_equal(check("пароль"), CKR_OK);
	assert_int_equal(check("abc\xff"), CKR_PIN_INVALID);
	assert_int_equal(pin_check((const uint8_t *)"ab\0cd", 5), CKR_PIN_INVALID);
}

static CK_RV unwrap(const struct pin_wrap *wrap, const char *pin, uint8_t out[SEAL_KEY])
{
	return pin_unwrap(crypto, uuid, wrap, (const uint8_t *)pin, strlen(pin), out);
}

static void a_wrap_is_bound(void **state)
{
	static const uint8_t other_uuid[SEAL_UUID] = {9};
	uint8_t key[SEAL_KEY];
	struct pin_wrap wrap, again, altered;

	(void)state;
	assert_int_equal(
		pin_wrap(crypto, uuid, CKU_USER, (const uint8_t *)"1234", 4, token_key, &wrap),
		CKR_OK);
	assert_int_equal(
		pin_wrap(crypto, uuid, CKU_USER, (const uint8_t *)"1234", 4, token_key, &again),
		CKR_OK);
	assert_memory_not_equal(wrap.salt, again.salt, PIN_SALT);
	assert_memory_not_equal(wrap.wrapped, again.wrapped, PIN_WRAPPED);
	assert_int_equal(unwrap(&wrap, "1234", key), CKR_OK);
	assert_memory_equal(key, token_key, SEAL_KEY);
	assert_int_equal(unwrap(&wrap, "1235", key), CKR_PIN_INCORRECT);
	altered = wrap;
	altered.role = CKU_SO;
	assert_int_equal(unwrap(&altered, "1234", key), CKR_PIN_INCORRECT);
	altered = wrap;
	altered.wrapped[20] ^= 1;
	assert_int_equal(unwrap(&altered, "1234", key), CKR_PIN_INCORRECT);
	assert_int_equal(pin_unwrap(crypto, other_uuid, &wrap, (const uint8_t *)"1234", 4, key),
		CKR_PIN_INCORRECT);
}

/* Cheaper than ours, nobody shall be made to believe; dearer than 128 MiB, nobody shall be made to compute. */
static void what_a_file_may_ask_for(void **state)
{
	static const struct {
		uint64_t n;
		uint32_t r, p;
	} refused[] = {{1 << 14, 8, 1}, {0, 8, 1}, {1, 8, 1}, {(1 << 15) + 1, 8, 1},
		{1 << 18, 8, 1}, {1 << 20, 8, 1}, {UINT64_C(1) << 63, 8, 1}, {UINT64_MAX, 8, 1},
		{1 << 15, 1, 1}, {1 << 15, 16, 1}, {1 << 15, UINT32_MAX, 1}, {1 << 15, 8, 0},
		{1 << 15, 8, 2}, {1 << 15, 8, UINT32_MAX}};
	uint8_t key[SEAL_KEY];
	struct pin_wrap wrap;

	(void)state;
	assert_int_equal(
		pin_wrap(crypto, uuid, CKU_USER, (const uint8_t *)"1234", 4, token_key, &wrap),
		CKR_OK);
	/* 32 MiB: what makes a try cost its 50 ms and more. */
	assert_true(128 * wrap.n * wrap.r * wrap.p >= (32 << 20));
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		wrap.n = refused[i].n;
		wrap.r = refused[i].r;
		wrap.p = refused[i].p;
		assert_int_equal(unwrap(&wrap, "1234", key), CKR_DEVICE_ERROR);
	}
	/* A stronger writer is understood: the parameters are bound, so here the PIN does not fit. */
	wrap.r = 8;
	wrap.p = 1;
	for (wrap.n = 1 << 16; wrap.n <= 1 << 17; wrap.n *= 2)
		assert_int_equal(unwrap(&wrap, "1234", key), CKR_PIN_INCORRECT);
}

static void what_wrong_ones_cost(void **state)
{
	static const unsigned right[] = {50, 50, 100, 200, 400, 800, 1600, 2000, 2000, 2000, 2000};

	(void)state;
	for (unsigned tries = 0; tries <= PIN_TRIES; tries++)
		assert_int_equal(pin_delay_ms(tries), right[tries]);
	assert_int_equal(pin_delay_ms(UINT32_MAX), 2000);
}

static void what_is_told_of_them(void **state)
{
	(void)state;
	assert_int_equal(pin_flags(CKU_USER, 0), 0);
	assert_int_equal(pin_flags(CKU_USER, 1), CKF_USER_PIN_COUNT_LOW);
	assert_int_equal(pin_flags(CKU_USER, 8), CKF_USER_PIN_COUNT_LOW);
	assert_int_equal(pin_flags(CKU_USER, 9), CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY);
	assert_int_equal(pin_flags(CKU_USER, 10), CKF_USER_PIN_LOCKED);
	assert_int_equal(pin_flags(CKU_USER, UINT32_MAX), CKF_USER_PIN_LOCKED);
	assert_int_equal(pin_flags(CKU_SO, 9), CKF_SO_PIN_COUNT_LOW | CKF_SO_PIN_FINAL_TRY);
	assert_int_equal(pin_flags(CKU_SO, 10), CKF_SO_PIN_LOCKED);
}

static int open_crypto(void **state)
{
	(void)state;
	crypto_settle();
	return crypto_new(NULL, &crypto) == CKR_OK ? 0 : -1;
}

static int close_crypto(void **state)
{
	(void)state;
	crypto_free(crypto);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_may_be_a_pin),
		cmocka_unit_test(a_wrap_is_bound),
		cmocka_unit_test(what_a_file_may_ask_for),
		cmocka_unit_test(what_wrong_ones_cost),
		cmocka_unit_test(what_is_told_of_them),
	};

	return cmocka_run_group_tests_name("vault_pin", tests, open_crypto, close_crypto);
}
