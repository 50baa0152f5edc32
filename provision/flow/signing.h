/*
 * signing: the two keys of an application, opened when they are needed and never confused: the new key, in
 * the slot that the journal names, and the signature that signed the application, pinned by its
 * certificate's SHA-256.
 */
#ifndef PODPIS_FLOW_SIGNING_H
#define PODPIS_FLOW_SIGNING_H

#include "provision/flow/flow.h"
#include "provision/token_certificate.h"

struct signing {
	struct flow *flow;
	struct slot slot;         /* of the new key; zero until opened */
	struct slot other;        /* of the signer, when that is another token */
	struct slot *signer_slot; /* one of the two */
	struct token_key key;     /* the new key */
	struct token_signer signer;
	bool has_slot, has_key, has_signer;
};

void signing_init(struct signing *signing, struct flow *flow);
void signing_clear(struct signing *signing);

/* Opens the row's slot_uri, and logs in. */
bool signing_open_slot(struct signing *signing, struct error *err);

/* The slot that --slot and --module mean, without a login. */
bool signing_find_slot(struct context *context, struct slot *slot, struct error *err);

/* Opens the row's new key by key_id. The slot is opened first when it isn't. */
bool signing_open_key(struct signing *signing, struct error *err);

/*
 * Opens the signature that `text` (a PKCS#11 URI) means and that, unless `sha256` is NULL, has this
 * certificate. Its token is logged in, with the PIN of the new key's token when it is the same one.
 */
bool signing_open_signer(
	struct signing *signing, const char *text, const uint8_t *sha256, struct error *err);

/*
 * The signature that signed this application, and no other: ERROR_USAGE when --signer means another.
 */
bool signing_open_pinned(struct signing *signing, struct error *err);

/* Detached CMS by the new key, which has no certificate yet: named by its key identifier. */
bool signing_by_new_key(struct signing *signing, const uint8_t *content, size_t length, time_t when,
	struct buffer *cms, struct error *err);

#endif
