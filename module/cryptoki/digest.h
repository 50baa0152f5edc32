/*
 * digest: C_Digest and its family (PKCS #11 v3.0, 5.12). The running hash is kept for the next one.
 */
#ifndef PODPIS_CRYPTOKI_DIGEST_H
#define PODPIS_CRYPTOKI_DIGEST_H

#include <stdbool.h>
#include <stdint.h>

#include "module/support/pkcs11.h"

struct hash;
struct session;

struct digest {
	bool active;
	bool started; /* as in struct use */
	bool asked;
	struct hash *hash;
};

CK_RV digest_init(struct session *session, const CK_MECHANISM *mechanism);
CK_RV digest_whole(struct session *session, const uint8_t *data, CK_ULONG length, uint8_t *out,
	CK_ULONG *out_length);
CK_RV digest_update(struct session *session, const uint8_t *data, CK_ULONG length);
/* The value of a secret key that may be read (CKR_KEY_INDIGESTIBLE otherwise). */
CK_RV digest_key(struct session *session, CK_OBJECT_HANDLE key);
CK_RV digest_final(struct session *session, uint8_t *out, CK_ULONG *out_length);

void digest_end(struct digest *digest);
void digest_free(struct digest *digest);

#endif
