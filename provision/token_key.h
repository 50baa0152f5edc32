/*
 * token_key: key pairs in a token: made, found again, signed with.
 */
#ifndef PODPIS_PROVISION_TOKEN_KEY_H
#define PODPIS_PROVISION_TOKEN_KEY_H

#include "asn1/signer.h"
#include "asn1/spki.h"
#include "provision/slot.h"

#define TOKEN_ID_MAX 64 /* bytes of CKA_ID */

/*
 * What --key says: "rsa:2048", "ec:P-256", "ed25519", "gost:256", "gost:512", "gost:" and the name of a parameter set of
 * gost_curve.h. ERROR_USAGE lists the possible ones.
 */
bool token_key_spec_check(const char *spec, struct error *err);
/* Is this public key of that kind? */
bool token_key_spec_fits(const char *spec, const uint8_t *spki, size_t spki_length);

/* C_GenerateKeyPair: private, sensitive, for signing only, on the token. */
bool token_key_generate(struct slot *slot, const char *spec, const uint8_t *id, size_t id_length,
	const char *label, struct error *err);

struct token_key {
	struct slot *slot;                        /* not owned; must outlive the key */
	CK_OBJECT_HANDLE private_key, public_key; /* public_key: CK_INVALID_HANDLE when not there */
	bool always_authenticate;
	enum signature_algorithm algorithm;
	CK_MECHANISM_TYPE mechanism; /* what C_Sign is called with */
	bool hash;                   /* the digest is made here, the mechanism signs it */
	struct buffer spki;          /* DER, from the public key object or the certificate */
};

enum token_key_found { TOKEN_KEY_NONE, TOKEN_KEY_HALF, TOKEN_KEY_PAIR };

/*
 * Looks for the pair with that CKA_ID without using it: TOKEN_KEY_HALF when just one of the two is there.
 * Login comes first: private keys are not seen without.
 */
bool token_key_look(struct slot *slot, const uint8_t *id, size_t id_length,
	enum token_key_found *found, struct error *err);

/*
 * The private key with that CKA_ID, ready to sign. `spki` may name its public key (of a certificate); with
 * NULL it is read from the public key object. ERROR_WORKPLACE when there is no such key, ERROR_FAILED when
 * there are several. The caller frees with token_key_clear.
 */
bool token_key_open(struct slot *slot, const uint8_t *id, size_t id_length, const uint8_t *spki,
	size_t spki_length, struct token_key *key, struct error *err);
void token_key_clear(struct token_key *key);

/* For asn1/; the key must outlive the signer. */
struct signer token_key_signer(struct token_key *key);

/* Signs random bytes and verifies with the SPKI: the private key is really that public key's other half. */
bool token_key_prove(struct token_key *key, struct error *err);

/*
 * Gives both halves another CKA_ID and label (NULL: keeps it); each half may have either of the ids. On
 * failure the old id is put back as far as the token lets.
 */
bool token_key_rename(struct slot *slot, const uint8_t *from, size_t from_length, const uint8_t *to,
	size_t to_length, const char *label, struct error *err);
/* Destroys what has that CKA_ID and is a key. */
bool token_key_destroy(struct slot *slot, const uint8_t *id, size_t id_length, struct error *err);

/* Is there a private key with that label? */
bool token_key_label_taken(struct slot *slot, const char *label, bool *taken, struct error *err);

#endif
