/*
 * objects: a credential as a token shows it: its certificate, the chain above it, the public and the private key, with
 * all their attributes (PKCS #11 v3.0, 4.6 to 4.9). CKA_ID is the key's SHA-1, the label the holder and the issuer.
 */
#ifndef PODPIS_STORE_CLOUD_OBJECTS_H
#define PODPIS_STORE_CLOUD_OBJECTS_H

#include "module/store/cloud/credential.h"
#include "module/store/store.h"

#define OBJECTS_PRIVATE_KEY 1 /* added to the base id */
#define OBJECTS_PUBLIC_KEY  2
#define OBJECTS_CERTIFICATE 3 /* and those that follow */
#define OBJECTS_MAX         16

/* Ids from `base` on. The list is the caller's, freed with object_list_free. */
CK_RV objects_make(const struct credential *credential, uint64_t base, struct object_list *out);

/* What the certificate calls its holder, plain UTF-8, never empty. */
void objects_holder(const struct credential *credential, char *out, size_t size);

/* Does its use take a login? */
static inline bool objects_private(const struct credential *credential)
{
	return credential->mode != CREDENTIAL_IMPLICIT;
}

/* Is each use authorised by itself? */
static inline bool objects_each(const struct credential *credential)
{
	return credential->mode == CREDENTIAL_EXPLICIT && credential->scal == 2;
}

#endif
