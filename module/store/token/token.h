/*
 * token: the store of a slot that stands for a token behind another PKCS#11 module (podpis.conf(5), store =
 * token): for the one that a PKCS#11 URI names, or for each slot that the module has.
 *
 * Nothing of the token is kept here but which slot of the module it is in. A token that a URI names is looked
 * for wherever the module may have it, and is looked at before a session opens: what is in the reader now may be
 * another one.
 */
#ifndef PODPIS_STORE_TOKEN_TOKEN_H
#define PODPIS_STORE_TOKEN_TOKEN_H

#include "module/store/store.h"

extern const struct store_class token_store_class;

#endif
