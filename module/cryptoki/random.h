/*
 * random: C_GenerateRandom and C_SeedRandom (PKCS #11 v3.0, 5.19).
 */
#ifndef PODPIS_CRYPTOKI_RANDOM_H
#define PODPIS_CRYPTOKI_RANDOM_H

#include "module/cryptoki/session.h"

CK_RV random_generate(struct session *session, uint8_t *out, CK_ULONG length);
/* The generator seeds itself; what an application has is mixed in. */
CK_RV random_seed(struct session *session, const uint8_t *seed, CK_ULONG length);

#endif
