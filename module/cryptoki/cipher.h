/*
 * cipher: C_Encrypt, C_Decrypt and their families, for RSA (PKCS #11 v3.0, 5.8 and 5.10). Parts are collected
 * and worked on at the end. Key and mechanism: use.h; `use` is the session's for the purpose.
 */
#ifndef PODPIS_CRYPTOKI_CIPHER_H
#define PODPIS_CRYPTOKI_CIPHER_H

#include "module/cryptoki/session.h"

CK_RV cipher_whole(struct session *session, struct use *use, const uint8_t *in, CK_ULONG in_length,
	uint8_t *out, CK_ULONG *out_length);
/* Gives nothing out yet. With `out` NULL it is a question for the length, and takes nothing in. */
CK_RV cipher_update(struct session *session, struct use *use, const uint8_t *in, CK_ULONG in_length,
	const uint8_t *out, CK_ULONG *out_length);
CK_RV cipher_final(struct session *session, struct use *use, uint8_t *out, CK_ULONG *out_length);

#endif
