/*
 * keygen: C_GenerateKeyPair and C_DeriveKey (PKCS #11 v3.0, 5.18). The sessions given are locked.
 */
#ifndef PODPIS_CRYPTOKI_KEYGEN_H
#define PODPIS_CRYPTOKI_KEYGEN_H

#include "module/cryptoki/session.h"

struct keygen_template {
	const CK_ATTRIBUTE *list;
	CK_ULONG count;
};

/* Both keys, or none. */
CK_RV keygen_pair(struct session *session, const CK_MECHANISM *mechanism,
	struct keygen_template public_templ, struct keygen_template private_templ,
	CK_OBJECT_HANDLE *public_out, CK_OBJECT_HANDLE *private_out);

/* C_GenerateKey: no mechanism makes secret keys. CKR_ARGUMENTS_BAD, else CKR_MECHANISM_INVALID. */
CK_RV keygen_secret(
	const CK_MECHANISM *mechanism, struct keygen_template templ, const CK_OBJECT_HANDLE *out);

/* CKM_ECDH1_DERIVE with CKD_NULL or a hash, into a generic secret of the session. */
CK_RV keygen_derive(struct session *session, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE base,
	struct keygen_template templ, CK_OBJECT_HANDLE *out);

#endif
