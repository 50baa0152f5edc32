/*
 * authority: a key that certifies, and its certificate. RSA, EC, or GOST R 34.10-2012, which signs with the project's
 * own code (gost_key.h).
 */
#ifndef PODPIS_SANDBOX_AUTHORITY_H
#define PODPIS_SANDBOX_AUTHORITY_H

#include <openssl/x509.h>

#include "module/support/buffer.h"
#include "tests/sandbox/gost_key.h"
#include "tests/sandbox/store.h"

struct authority {
	X509 *certificate;
	EVP_PKEY *key;         /* of a GOST authority only the public one */
	struct gost_key *gost; /* NULL: none */
};

enum authority_kind {
	AUTHORITY_ROOT,
	AUTHORITY_ISSUER,
	AUTHORITY_SERVER, /* which certifies nobody */
};

struct authority_plan {
	enum authority_kind kind;
	const char *setting; /* where it is kept; NULL: nowhere */
	const char *common_name, *organisation;
	const char *key; /* "rsa", "ec", or "gost:" and a parameter set */
	int days;
	const char *alternative_names; /* as OpenSSL has them; NULL: none */
};

/* Signed by `issuer`, or by itself where that is NULL; valid from the day before `now` (seconds). */
bool authority_make(const struct authority_plan *plan, const struct authority *issuer, int64_t now,
	struct authority *out);
/* The one that is kept, else it is made and kept. */
bool authority_open(struct store *store, const struct authority_plan *plan,
	const struct authority *issuer, struct authority *out);
/* Of the same certificate, with another key: what it signs is nobody's. */
bool authority_pretend(const struct authority *authority, struct authority *out);
void authority_clear(struct authority *authority);

/* DER, appended. */
bool authority_sign(const struct authority *authority, X509 *certificate, struct buffer *der);
bool authority_sign_list(const struct authority *authority, X509_CRL *list, struct buffer *der);

/* ---- parts of certificates */

bool authority_extension(X509 *certificate, X509 *issuer, int nid, const char *value);
/* Random, positive, 16 bytes long. */
bool authority_serial(X509 *certificate, uint8_t serial[16]);
bool authority_dates(X509 *certificate, int64_t not_before, int64_t not_after);

#endif
