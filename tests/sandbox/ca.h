/*
 * ca: the throw-away authorities: a root, an issuing authority below it, their revocation lists, and the same once more
 * with GOST R 34.10-2012; and one for the server's own TLS certificate. The authorities' keys and certificates stay the
 * same as long as the store.
 */
#ifndef PODPIS_SANDBOX_CA_H
#define PODPIS_SANDBOX_CA_H

#include <openssl/x509.h>

#include "module/support/buffer.h"
#include "module/support/error.h"
#include "tests/sandbox/profile.h"
#include "tests/sandbox/store.h"

#define CA_NAME      "Испытательный удостоверяющий центр «Подпись»"
#define CA_NAME_GOST CA_NAME " (ГОСТ)"

/* Months that a certificate is valid, and that its key may sign. */
#define CA_CERTIFICATE_MONTHS 15
#define CA_KEY_MONTHS         12

struct ca;

/* Two roots, each with its issuing authority. */
enum ca_family {
	CA_ORDINARY, /* RSA or EC */
	CA_GOST,
	CA_FAMILIES,
};

/* Whose certificate such a key gets: GOST keys those of GOST, all others, and NULL, the ordinary ones. */
enum ca_family ca_family_of(const EVP_PKEY *key);
const char *ca_name(enum ca_family family); /* the issuing authority's common name */

/*
 * Makes what is not there yet: RSA keys if `rsa`, else EC. From here on OpenSSL's default context knows GOST keys. The server's certificate is new each time and names
 * loopback and `address`.
 */
bool ca_open(
	struct store *store, bool rsa, const char *address, struct ca **out, struct error *err);
void ca_close(struct ca *ca);

/* DER of the root and of the issuing authority; PEM of the TLS side. Appended. */
bool ca_root(const struct ca *ca, enum ca_family family, struct buffer *der);
bool ca_issuer(const struct ca *ca, enum ca_family family, struct buffer *der);
/* DER of the authority that issued the certificate. */
bool ca_chain(const struct ca *ca, const struct buffer *certificate, struct buffer *der);
bool ca_root_pem(const struct ca *ca, enum ca_family family, struct buffer *pem);
bool ca_tls_root_pem(const struct ca *ca, struct buffer *pem);
bool ca_tls_certificate_pem(const struct ca *ca, struct buffer *pem);
bool ca_tls_key_pem(const struct ca *ca, struct buffer *pem);

struct ca_order {
	enum ca_family family;
	X509_REQ *request; /* whose key is certified, unless one of the two is given */
	EVP_PKEY *key;
	const struct buffer *spki; /* DER: GOST keys, which OpenSSL does not write */
	const struct profile_template *templ;
	const char *crl_url;
	bool foreign; /* by an issuer of the same name that nobody knows */
	bool expired; /* ended yesterday */
};

struct ca_certificate {
	uint8_t *der; /* OPENSSL_free */
	size_t length;
	uint8_t serial[16];
	int64_t not_after;
};

bool ca_issue(struct ca *ca, const struct ca_order *order, struct ca_certificate *out);

/*
 * A certificate that nobody ever sees, for the signature of a key that has none yet: CMS verifiers take
 * certificates only. NULL: failed.
 */
X509 *ca_stand_in(struct ca *ca, X509_REQ *request);

/* Signed by an issuing authority, and within its dates now. */
bool ca_issued(struct ca *ca, X509 *certificate);

/* The issuing authority's list, or the root's (which is empty): DER, fresh. Appended. */
bool ca_crl(struct ca *ca, enum ca_family family, bool root, struct buffer *der);

#endif
