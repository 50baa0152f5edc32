/*
 * gost_provider: public keys and signatures of GOST R 34.10-2012, and Streebog, for OpenSSL's own verification of
 * certificate chains, CRLs, requests and CMS, which would not know them without an ENGINE.
 *
 * A built-in provider for our own programs: the tool, the sandbox, tests; the module verifies for itself. It only
 * verifies: keys that sign are behind PKCS#11. Keys are read as strictly as spki.h does.
 */
#ifndef PODPIS_ASN1_GOST_PROVIDER_H
#define PODPIS_ASN1_GOST_PROVIDER_H

#include <openssl/types.h>

struct gost_provider;

/*
 * Into the default library context; what else is there stays. Once a process. NULL with OpenSSL's error queue filled.
 * Unloaded before the program ends, when no key of its is left.
 */
struct gost_provider *gost_provider_load(void);
void gost_provider_unload(struct gost_provider *provider); /* NULL is fine */

#endif
