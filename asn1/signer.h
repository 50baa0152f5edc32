/*
 * signer: how a structure that is built here gets its signature.
 *
 * The key is somewhere else (behind C_Sign); a signer says which algorithm it will use and signs bytes.
 * Signatures are given as X.509 and CMS want them (RSA: the block, ECDSA: DER Ecdsa-Sig-Value, Ed25519: 64
 * bytes, GOST: s || r); `signature_from_pkcs11` turns Cryptoki's r || s into that.
 */
#ifndef PODPIS_ASN1_SIGNER_H
#define PODPIS_ASN1_SIGNER_H

#include <stddef.h>
#include <stdint.h>

#include "module/support/buffer.h"
#include "module/support/error.h"

enum signature_algorithm {
	SIGNATURE_RSA_SHA256, /* RFC 4055, PKCS #1 v1.5 */
	SIGNATURE_RSA_SHA384,
	SIGNATURE_RSA_SHA512,
	SIGNATURE_ECDSA_SHA256, /* RFC 5758 */
	SIGNATURE_ECDSA_SHA384,
	SIGNATURE_ECDSA_SHA512,
	SIGNATURE_ED25519,  /* RFC 8410, RFC 8419 (digest in CMS: SHA-512) */
	SIGNATURE_GOST_256, /* RFC 9215: GOST R 34.10-2012 with Streebog of the same size */
	SIGNATURE_GOST_512,
};

struct signer {
	enum signature_algorithm algorithm;
	void *context;
	/* Signs `length` bytes as they are (hashing is the signer's). Appends to `signature`. */
	bool (*sign)(void *context, const uint8_t *data, size_t length, struct buffer *signature,
		struct error *err);
};

/* r || s of equal halves to DER for the ECDSA algorithms; the others are copied. Appends to `out`. */
bool signature_from_pkcs11(enum signature_algorithm algorithm, const uint8_t *signature,
	size_t length, struct buffer *out, struct error *err);

/*
 * Verifies with the public key (DER SubjectPublicKeyInfo), through OpenSSL's default context: for
 * provision/ and tests, never for module/. ERROR_FAILED: "the signature does not match".
 */
bool signature_verify(enum signature_algorithm algorithm, const uint8_t *spki, size_t spki_length,
	const uint8_t *data, size_t length, const uint8_t *signature, size_t signature_length,
	struct error *err);

#endif
