/*
 * algorithm: the one table of signature algorithms, and the AlgorithmIdentifiers (RFC 5280, 4.1.1.2) that
 * they are written as in a request, in a certificate and in CMS.
 *
 * Whether parameters are NULL or absent is written as the algorithm's own standard says, and read more
 * widely only where that standard says so.
 */
#ifndef PODPIS_ASN1_ALGORITHM_H
#define PODPIS_ASN1_ALGORITHM_H

#include <libtasn1.h>

#include "asn1/signer.h"

enum algorithm_parameters {
	PARAMETERS_ABSENT = 1,
	PARAMETERS_NULL = 2,
	PARAMETERS_EITHER = 3, /* where one is read */
};

#define STREEBOG_256 "STREEBOG-256"
#define STREEBOG_512 "STREEBOG-512"

struct algorithm {
	enum signature_algorithm signature;
	const char *name; /* for messages */
	const char *key;  /* OpenSSL's name of the key's type; NULL: GOST */
	/* signatureAlgorithm of X.509 and PKCS #10, also taken in CMS */
	const char *oid;
	enum algorithm_parameters written, read;
	/* signatureAlgorithm of CMS */
	const char *cms_oid;
	enum algorithm_parameters cms_written, cms_read;
	/* digestAlgorithm of CMS; parameters are left out and NULL is taken (RFC 5754, 2) */
	const char *digest_oid;
	const char *digest;
	/* What OpenSSL is to hash with when it verifies; NULL: that is the algorithm's own matter. */
	const char *verify_digest;
};

/* NULL for a number that is none. */
const struct algorithm *algorithm_find(enum signature_algorithm signature);

/* Writes an AlgorithmIdentifier into the field. */
bool algorithm_write(asn1_node node, const char *field, const char *oid,
	enum algorithm_parameters parameters, struct error *err);

/*
 * Reads an AlgorithmIdentifier whose parameters are NULL or absent; `parameters` says which. Any other
 * parameters are an error.
 */
bool algorithm_read(asn1_node node, const char *field, char oid[64],
	enum algorithm_parameters *parameters, struct error *err);

/* The signature algorithm of a request or a certificate. */
bool algorithm_read_signature(
	asn1_node node, const char *field, const struct algorithm **algorithm, struct error *err);

/* The two of a SignerInfo, which must fit each other. */
bool algorithm_read_cms(asn1_node node, const char *digest_field, const char *signature_field,
	const struct algorithm **algorithm, struct error *err);

/* The digest's OID to OpenSSL's name, or NULL. */
const char *algorithm_digest_name(const char *oid);

/* OpenSSL's digest, in the default context, or Streebog. */
bool algorithm_digest(const char *name, const void *data, size_t length, uint8_t digest[64],
	size_t *digest_length, struct error *err);

#endif
