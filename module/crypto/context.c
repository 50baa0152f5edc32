#include "module/crypto/context.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/rand.h>

#include "module/crypto/provider.h"
#include "module/gost/gost_point.h"

/* OpenSSL's own name for it, OPENSSL_INIT_BASE_ONLY, is in an internal header; the value is part of its ABI. */
#define INIT_BASE_ONLY UINT64_C(0x00040000)

struct crypto {
	struct log *log;
	pthread_mutex_t waking;
	_Atomic(OSSL_LIB_CTX *) libctx; /* NULL until somebody needs it */
	OSSL_PROVIDER *standard, *names;
	pid_t process; /* that made it */
	_Atomic(struct gost_group *) groups[GOST_CURVES];
};

/*
 * A thread that signed has random number generators of its own in the library context, and OpenSSL 3.0 frees
 * them when that thread ends, whether the context is still there or not. The host's threads outlive
 * C_Finalize; so the context does, too: it waits here for the next C_Initialize.
 */
static _Atomic(struct crypto *) parked;

bool crypto_alive(void)
{
	return OPENSSL_init_crypto(INIT_BASE_ONLY, NULL) == 1;
}

CK_RV crypto_failed(struct crypto *crypto, const char *what, CK_RV rv)
{
	char text[256] = "no reason given";
	unsigned long code = ERR_peek_last_error();

	if (code != 0)
		ERR_error_string_n(code, text, sizeof(text));
	log_error(crypto->log, "%s: OpenSSL: %s", what, text);
	return rv;
}

static atomic_bool settled;

bool crypto_settled(void)
{
	return atomic_load_explicit(&settled, memory_order_acquire);
}

void crypto_settle(void)
{
	if (crypto_settled() || !crypto_alive())
		return;
	/*
	 * When the process comes here before its own OpenSSL is set up, the exit handler must not be set up on our
	 * account: a host that signs while it exits would find OpenSSL cleaned up. OPENSSL_INIT_NO_LOAD_CONFIG has
	 * no place here: it would keep the host's configuration from ever being read. What is wrong with that
	 * configuration is the host's to complain of.
	 */
	(void)OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
	/* Not earlier: the error queue sets up OpenSSL, too, exit handler and all. */
	crypto_enter();
	(void)OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL);
	crypto_leave();
	atomic_store_explicit(&settled, true, memory_order_release);
}

void crypto_enter(void)
{
	ERR_set_mark();
}

void crypto_leave(void)
{
	ERR_pop_to_mark();
}

static void end_libctx(OSSL_LIB_CTX *libctx, OSSL_PROVIDER *standard, OSSL_PROVIDER *names)
{
	if (names != NULL)
		OSSL_PROVIDER_unload(names);
	if (standard != NULL)
		OSSL_PROVIDER_unload(standard);
	OSSL_LIB_CTX_free(libctx);
}

static void crypto_destroy(struct crypto *crypto)
{
	if (crypto == NULL)
		return;
	end_libctx(atomic_load(&crypto->libctx), crypto->standard, crypto->names);
	pthread_mutex_destroy(&crypto->waking);
	for (size_t i = 0; i < GOST_CURVES; i++)
		gost_group_free(atomic_load(&crypto->groups[i]));
	free(crypto);
}

CK_RV crypto_new(struct log *log, struct crypto **out)
{
	struct crypto *crypto;

	if (!crypto_alive()) {
		log_error(log, "OpenSSL: the host has cleaned it up already");
		return CKR_GENERAL_ERROR;
	}
	crypto = atomic_exchange(&parked, NULL);
	/* A parent's is left alone: one of its threads may have held a lock of it while it forked. */
	if (crypto != NULL && crypto->process == getpid()) {
		crypto->log = log;
		*out = crypto;
		return CKR_OK;
	}
	crypto = calloc(1, sizeof(*crypto));
	if (crypto == NULL)
		return CKR_HOST_MEMORY;
	crypto->log = log;
	crypto->process = getpid();
	pthread_mutex_init(&crypto->waking, NULL);
	*out = crypto;
	return CKR_OK;
}

static CK_RV make_libctx(struct crypto *crypto)
{
	OSSL_LIB_CTX *libctx = OSSL_LIB_CTX_new();
	OSSL_PROVIDER *standard = libctx != NULL ? OSSL_PROVIDER_load(libctx, "default") : NULL;
	OSSL_PROVIDER *names = NULL;

	if (standard == NULL || !provider_load(libctx, &names)) {
		crypto_failed(
			crypto, "the private library context can't be set up", CKR_GENERAL_ERROR);
		end_libctx(libctx, standard, names);
		return CKR_GENERAL_ERROR;
	}
	crypto->standard = standard;
	crypto->names = names;
	atomic_store_explicit(&crypto->libctx, libctx, memory_order_release);
	return CKR_OK;
}

bool crypto_awake(struct crypto *crypto)
{
	return atomic_load_explicit(&crypto->libctx, memory_order_acquire) != NULL;
}

CK_RV crypto_wake(struct crypto *crypto)
{
	CK_RV rv = CKR_OK;

	if (crypto_awake(crypto))
		return CKR_OK;
	crypto_settle();
	crypto_enter();
	pthread_mutex_lock(&crypto->waking);
	if (!crypto_awake(crypto))
		rv = make_libctx(crypto);
	pthread_mutex_unlock(&crypto->waking);
	crypto_leave();
	return rv;
}

void crypto_free(struct crypto *crypto)
{
	struct crypto *none = NULL;

	if (crypto == NULL)
		return;
	crypto->log = NULL;
	if (!crypto_awake(crypto)) {
		crypto_destroy(crypto);
		return;
	}
	/* Two at a time are made by tests only, whose threads have ended. */
	if (!atomic_compare_exchange_strong(&parked, &none, crypto))
		crypto_destroy(crypto);
}

OSSL_LIB_CTX *crypto_libctx(struct crypto *crypto)
{
	(void)crypto_wake(crypto);
	return atomic_load_explicit(&crypto->libctx, memory_order_acquire);
}

struct log *crypto_log(struct crypto *crypto)
{
	return crypto->log;
}

struct gost_group *crypto_gost_group(struct crypto *crypto, const struct gost_curve *curve)
{
	_Atomic(struct gost_group *) *place = &crypto->groups[gost_curve_index(curve)];
	struct gost_group *group = atomic_load_explicit(place, memory_order_acquire), *made;

	if (group != NULL)
		return group;
	/* Two threads may both make it; one of the two is kept. */
	made = gost_group_new(curve);
	if (made == NULL || atomic_compare_exchange_strong(place, &group, made))
		return made;
	gost_group_free(made);
	return group;
}

static EVP_RAND_CTX *private_random(struct crypto *crypto)
{
	return crypto_wake(crypto) == CKR_OK ? RAND_get0_private(crypto_libctx(crypto)) : NULL;
}

CK_RV crypto_random(struct crypto *crypto, uint8_t *out, size_t length)
{
	/* Not RAND_bytes_ex: it asks the host's RAND engine, whatever the context. */
	EVP_RAND_CTX *random = private_random(crypto);

	if (random == NULL)
		return crypto_failed(crypto, "random bytes", CKR_RANDOM_NO_RNG);
	if (EVP_RAND_generate(random, out, length, 0, 0, NULL, 0) != 1)
		return crypto_failed(crypto, "random bytes", CKR_RANDOM_NO_RNG);
	return CKR_OK;
}

CK_RV crypto_seed(struct crypto *crypto, const uint8_t *seed, size_t length)
{
	EVP_RAND_CTX *random = private_random(crypto);

	/* As additional input: entropy is still fetched, so that a bad seed makes nothing worse. */
	if (random == NULL || EVP_RAND_reseed(random, 0, NULL, 0, seed, length) != 1)
		return crypto_failed(crypto, "seeding", CKR_RANDOM_NO_RNG);
	return CKR_OK;
}
