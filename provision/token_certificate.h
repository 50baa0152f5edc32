/*
 * token_certificate: certificates in a token: found, with the key beside them, and written.
 */
#ifndef PODPIS_PROVISION_TOKEN_CERTIFICATE_H
#define PODPIS_PROVISION_TOKEN_CERTIFICATE_H

#include "asn1/certificate.h"
#include "provision/token_key.h"
#include "provision/uri.h"

struct token_certificate {
	CK_OBJECT_HANDLE handle;
	uint8_t id[TOKEN_ID_MAX];
	size_t id_length;
	bool has_key; /* a private key with the same CKA_ID is seen (after login) */
	struct certificate certificate;
};

struct token_certificates {
	size_t count;
	struct token_certificate *list;
};

/* All readable X.509 certificates of the token; one that can't be parsed is left out. */
bool token_certificates_load(
	struct slot *slot, struct token_certificates *certificates, struct error *err);
void token_certificates_clear(struct token_certificates *certificates);

/* The one with that SHA-256, or NULL. */
const struct token_certificate *token_certificates_find(
	const struct token_certificates *certificates, const uint8_t sha256[32]);

/* Does the URI (NULL: any) mean it, by CKA_ID and label? */
bool token_certificate_fits(
	struct slot *slot, const struct token_certificate *one, const struct uri *uri);

/*
 * The chain above `leaf` as far as the token holds it, by issuer name: pointers into `certificates`, at most
 * `max`, self-signed ones left out. Returns the number.
 */
size_t token_certificates_chain(const struct token_certificates *certificates,
	const struct certificate *leaf, const struct certificate **chain, size_t max);

/*
 * Writes one certificate object: CKA_ID, label, and every attribute that applications look for. When the
 * very same certificate is there already only id and label are put right.
 */
bool token_certificate_write(struct slot *slot, const struct certificate *certificate,
	const uint8_t *id, size_t id_length, const char *label, struct error *err);

/* A certificate with its private key, to sign with. The slot stays the caller's. */
struct token_signer {
	struct slot *slot;
	struct token_certificates certificates; /* all of the token, for the chain */
	const struct token_certificate *own;
	struct token_key key;
	char *uri; /* of the private key */
};

/*
 * Finds the certificate that `uri` means and that, unless NULL, has this SHA-256, and opens its key. Where
 * neither says which (`uri` NULL, or only a token's) it is the only one that is valid now. The slot must be
 * logged in. ERROR_USAGE when several fit, naming them.
 */
bool token_signer_open(struct slot *slot, const struct uri *uri, const uint8_t *sha256,
	struct token_signer *out, struct error *err);
void token_signer_clear(struct token_signer *signer);

/* Detached CMS (CAdES-BES) over the content, with the certificate and its chain embedded. */
bool token_signer_sign(struct token_signer *signer, const uint8_t *content, size_t length,
	time_t signing_time, struct buffer *cms, struct error *err);
/* The same with the content in it. */
bool token_signer_attach(struct token_signer *signer, const uint8_t *content, size_t length,
	time_t signing_time, struct buffer *cms, struct error *err);
/* Detached, over a content of any size, given by its digest (cms_digest_name of the key's algorithm). */
bool token_signer_sign_digest(struct token_signer *signer, const uint8_t *digest, size_t length,
	time_t signing_time, struct buffer *cms, struct error *err);

#endif
