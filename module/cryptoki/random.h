/*
 * random: C_GenerateRandom and C_SeedRandom (PKCS #11 v3.0, 5.19).
 *
 * What a generator's call costs does not depend on the bytes, so a session draws small requests from a stock
 * of its own. A byte is wiped when it is given, the rest when the session is closed; a process never gives
 * what another one's stock held.
 */
#ifndef PODPIS_CRYPTOKI_RANDOM_H
#define PODPIS_CRYPTOKI_RANDOM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "module/support/pkcs11.h"

#define RANDOM_SMALL 64 /* bytes; larger requests go to the generator */
#define RANDOM_STOCK 256

struct session;

struct random {
	uint8_t bytes[RANDOM_STOCK];
	size_t left;   /* at the front */
	pid_t process; /* that drew them */
};

CK_RV random_generate(struct session *session, uint8_t *out, CK_ULONG length);
/* The generator seeds itself; what an application has is mixed in. */
CK_RV random_seed(struct session *session, const uint8_t *seed, CK_ULONG length);
/* Wipes what is left. */
void random_end(struct random *random);

#endif
