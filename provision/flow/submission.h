/*
 * submission: from the person's data to the sent application: key, request, application, signature.
 *
 * Each part is in the journal before the next is begun, the key's CKA_ID before the key. Run again after
 * whatever happened, it goes on where it stopped; what was sent is sent again with the same idempotency key.
 */
#ifndef PODPIS_FLOW_SUBMISSION_H
#define PODPIS_FLOW_SUBMISSION_H

#include "provision/flow/signing.h"
#include "provision/person.h"

/*
 * Sends what the row says. The row is in the journal, locked; `signing` may have its slot and signer open
 * already. ERROR_UNREACHABLE: it stays a draft, or what it was; nothing is lost.
 */
bool submission_run(struct signing *signing, struct error *err);

/* Is something sent of which nothing is known? Then that is sent again before anything else. */
bool submission_pending(struct flow *flow, bool *pending, struct error *err);

/*
 * The subject and the extensions that the authority wants for these data, or our own where it does not
 * dictate. A subject that says something else than the person's data is refused (ERROR_REFUSED) unless
 * --accept names the field.
 */
bool submission_template(struct flow *flow, const struct person *person,
	struct authority_template *templ, struct error *err);

/* Asks for the template of the row's person and drops it: what would be refused is refused before a key is made. */
bool submission_try(struct flow *flow, struct error *err);

/* The application's JSON without a request: what --dry-run shows. */
bool submission_preview(struct flow *flow, struct buffer *json, struct error *err);

#endif
