/*
 * context: the module's own OpenSSL world (docs/architecture.md, rule 1).
 *
 * One private OSSL_LIB_CTX with the default provider and a small built-in provider that hands out the
 * default provider's implementations under names that no ENGINE knows. Nothing is read from openssl.cnf,
 * nothing of the host's is used or changed. Every fetch in module/ goes through this context.
 */
#ifndef PODPIS_CRYPTO_CONTEXT_H
#define PODPIS_CRYPTO_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

#include "module/support/log.h"
#include "module/support/pkcs11.h"

struct crypto;
struct gost_curve;
struct gost_group;

/*
 * Lets OpenSSL read the host's own configuration now, if nothing did before: OpenSSL 3.0 does that for the
 * default context at the first look-up of any name, also one that is ours, and a configuration may load an
 * ENGINE that loads this very module and calls it. Called by every entry that reaches OpenSSL before it takes a
 * lock or passes the gate, so that such a call finds nothing half-made; from then on no look-up reads anything.
 * Ours is not touched by it. Costs nothing the second time.
 */
void crypto_settle(void);
/* That has been done: else nothing of ours ever reached OpenSSL. */
bool crypto_settled(void);

/*
 * Around every entry that reaches OpenSSL: what we leave in this thread's error queue is taken away again,
 * what the host has there stays (a TLS library asks the queue what became of its connection). Not before
 * crypto_settle.
 */
void crypto_enter(void);
void crypto_leave(void);

/* Asleep: OpenSSL is not touched. CKR_GENERAL_ERROR (logged) after OPENSSL_cleanup. `log` outlives the context. */
CK_RV crypto_new(struct log *log, struct crypto **out);

/*
 * Makes the library context, if nobody did: a process that only lists what is there never pays for it.
 * CKR_GENERAL_ERROR (logged) where it can't be set up. Any thread, any time.
 */
CK_RV crypto_wake(struct crypto *crypto);
bool crypto_awake(struct crypto *crypto);

/*
 * Keeps the library context for the next crypto_new of this process. Everything that was made in it is freed
 * before. Safe after the host's OPENSSL_cleanup.
 */
void crypto_free(struct crypto *crypto);

/*
 * False from the host's OPENSSL_cleanup on: no fetch, no signature, nothing but freeing is safe then.
 * Asked by every entry point that reaches OpenSSL.
 */
bool crypto_alive(void);

/* Wakes it. NULL when that fails. */
OSSL_LIB_CTX *crypto_libctx(struct crypto *crypto);
struct log *crypto_log(struct crypto *crypto);

/* The curve's group, made at the first call and the context's from then on. NULL: no memory. */
struct gost_group *crypto_gost_group(struct crypto *crypto, const struct gost_curve *curve);

/* From the context's own private DRBG, never the host's RAND engine. CKR_RANDOM_NO_RNG fails closed. */
CK_RV crypto_random(struct crypto *crypto, uint8_t *out, size_t length);

/* Mixes in what an application has; it can only add. CKR_RANDOM_NO_RNG. */
CK_RV crypto_seed(struct crypto *crypto, const uint8_t *seed, size_t length);

/* Logs the last error in OpenSSL's queue of this thread under `what`, and returns `rv`. */
CK_RV crypto_failed(struct crypto *crypto, const char *what, CK_RV rv);

#endif
