/*
 * provider: the default provider's algorithms under names that no ENGINE knows.
 *
 * Below its providers OpenSSL 3.0 still asks the host's ENGINEs for whatever it knows by number (RSA, EC,
 * ED25519), in every library context. An algorithm with a name of our own has no number, so nobody is asked.
 * This built-in provider lists the default provider's implementations as PODPIS-RSA, PODPIS-EC and
 * PODPIS-ED25519; keys made under these names use them all the way down. Digests are there, too (PODPIS-SHA1,
 * PODPIS-SHA2-256, ...), for hashing; where OpenSSL fetches a digest itself (in PSS, OAEP, Ed25519, its random
 * generators) it takes the ordinary name, and an ENGINE for digests is asked.
 */
#ifndef PODPIS_CRYPTO_PROVIDER_H
#define PODPIS_CRYPTO_PROVIDER_H

#include <stdbool.h>

#include <openssl/types.h>

#define PROVIDER_NAME    "podpis"
#define PROVIDER_QUERY   "provider=podpis" /* the property query of every fetch of these names */
#define PROVIDER_PREFIX  "PODPIS-"
#define PROVIDER_RSA     "PODPIS-RSA"
#define PROVIDER_EC      "PODPIS-EC"
#define PROVIDER_ED25519 "PODPIS-ED25519"

/*
 * Loads it into a library context that has the default provider loaded. False with OpenSSL's error queue
 * filled. *out is unloaded before the default provider is.
 */
bool provider_load(OSSL_LIB_CTX *libctx, OSSL_PROVIDER **out);

#endif
