/*
 * profile: the profiles that a token conforms to, as objects (PKCS #11 v3.0, 4.12; Profiles v3.0).
 */
#ifndef PODPIS_CRYPTOKI_PROFILE_H
#define PODPIS_CRYPTOKI_PROFILE_H

#include "module/cryptoki/shelf.h"

/* Puts the profile objects on a new slot's shelf. CKR_HOST_MEMORY. */
CK_RV profile_place(struct shelf *shelf);

#endif
