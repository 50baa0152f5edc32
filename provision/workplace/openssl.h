/*
 * openssl: a configuration of OpenSSL's that makes the module known, config(5).
 *
 * openssl.cnf is not edited: what every program on the machine reads is not ours to change. Ours reads it and adds to
 * the sections that it has, so that it may stand in its place, and the administrator's settings (providers, lowest
 * protocol versions) hold as before.
 */
#ifndef PODPIS_WORKPLACE_OPENSSL_H
#define PODPIS_WORKPLACE_OPENSSL_H

/* libp11's engine "pkcs11", or pkcs11-provider. */
enum openssl_way { OPENSSL_ENGINE, OPENSSL_PROVIDER };

/* The file's text, on top of the system's file, which need not be there. NULL without memory. The caller frees. */
char *openssl_fragment(const char *system, const char *module, enum openssl_way way);

#endif
