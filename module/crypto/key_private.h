/*
 * key_private: what the files of module/crypto that make and use keys share. Not for others.
 */
#ifndef PODPIS_CRYPTO_KEY_PRIVATE_H
#define PODPIS_CRYPTO_KEY_PRIVATE_H

#include <stdatomic.h>
#include <stdbool.h>

#include <openssl/types.h>

#include "module/crypto/key.h"
#include "module/support/buffer.h"
#include "module/support/error.h"

/* One algorithm: how its keys come from attributes and go back. A row a PKCS#11 key type and curve family. */
struct key_class {
	CK_KEY_TYPE type;
	const char *name; /* the provider's: PROVIDER_RSA */
	CK_MECHANISM_TYPE generation;
	/* Sets pkey, bits, has_private and what is the class's own. */
	CK_RV (*decode)(struct key *key, const struct attributes *object, bool private_part);
	CK_RV (*generate)(struct key *key, const struct attributes *public_template);
	CK_RV (*encode)(const struct key *key, bool private_part, struct attributes **out);
	bool (*public_info)(const struct key *key, struct buffer *der, struct error *err);
	/* Not OpenSSL's: what frees its part, and its own key_prepare. NULL in the others. */
	void (*clear)(struct key *key);
	CK_RV(*prepare)
	(struct key *key, enum operation_purpose purpose, const CK_MECHANISM *mechanism,
		struct operation **out);
};

struct curve {
	const char *group; /* OpenSSL's name */
	int nid;
	unsigned bits;      /* of the order */
	size_t order_size;  /* bytes of the order: half a signature */
	size_t point_size;  /* bytes of an uncompressed point */
	const uint8_t *oid; /* DER */
	size_t oid_size;
};

struct key {
	atomic_uint references;
	struct crypto *crypto;
	const struct key_class *class;
	EVP_PKEY *pkey;
	bool has_private;
	size_t bits;
	const struct curve *curve; /* EC only */
	struct gost_key *gost;     /* GOST only, which has no pkey */
};

extern const struct key_class key_class_rsa, key_class_ec, key_class_ed25519, key_class_gost_256,
	key_class_gost_512;

/* A context for the key type in the module's own world; NULL with the error queue filled. */
EVP_PKEY_CTX *key_context(const struct key *key);
EVP_PKEY_CTX *key_context_of_type(struct crypto *crypto, const struct key_class *class);

/* Makes key->pkey from parameters. CKR_ATTRIBUTE_VALUE_INVALID when OpenSSL does not want them. */
CK_RV key_from_params(struct key *key, int selection, OSSL_PARAM params[]);
/* The same from what a builder holds; with the private part or without, which the key then knows. */
CK_RV key_from_builder(struct key *key, bool private_part, OSSL_PARAM_BLD *builder);

/* A number of the key as bytes, big-endian; `size` 0: as long as it is, else padded to it. The caller frees. */
CK_RV key_number(
	const struct key *key, const char *name, size_t size, uint8_t **out, size_t *length);

/* The point of a CKA_EC_POINT: the content of a DER OCTET STRING, or the value itself, of `size` bytes; or NULL. */
const uint8_t *key_point(const CK_ATTRIBUTE *attribute, size_t size);

/* Wraps at most 255 bytes into a DER OCTET STRING and returns its length; `out` has room for `length` + 3. */
size_t key_octet_string(const uint8_t *bytes, size_t length, uint8_t *out);

#endif
