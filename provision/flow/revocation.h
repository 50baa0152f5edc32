/*
 * revocation: a certificate is given up before its end (RFC 5280, 5.3). The authority is asked with a statement that
 * names certificate and reason, signed by the certificate's own key, another signature of its holder's, or an
 * administrator's.
 */
#ifndef PODPIS_FLOW_REVOCATION_H
#define PODPIS_FLOW_REVOCATION_H

#include "provision/flow/signing.h"

/* Those of RFC 5280's reasons that a person can give; the others are the authority's own affair. */
struct revocation_reason {
	const char *name;    /* "key-compromise" */
	const char *meaning; /* English, for gettext */
};

/* What --reason says, "unspecified" for NULL. ERROR_USAGE lists them. */
bool revocation_reason_find(
	const char *name, const struct revocation_reason **out, struct error *err);

/* Appends the statement's bytes (docs/authority-api.yaml, RevocationStatement). */
bool revocation_statement(const char *application, const uint8_t sha256[32], const char *reason,
	struct buffer *out, struct error *err);

/* With which reason it was asked for and never answered; NULL: it was not. */
bool revocation_asked(struct flow *flow, const struct revocation_reason **asked, struct error *err);
/* The answer was found otherwise. */
bool revocation_settle(struct flow *flow, struct error *err);

/*
 * Signs and sends, with --signer where it is given, else with the certificate's own key. What was signed is in the
 * journal before it is sent, and is sent again as it was when no answer came. The answer is in the row.
 */
bool revocation_send(struct signing *signing, const char *reason, struct error *err);

#endif
