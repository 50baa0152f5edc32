/*
 * token_view: what a token holds, for a person who looks for a certificate, and as JSON: which is where, till when, and by
 * which label and URI applications know it. Nothing is asked over a network, nobody has to log in.
 */
#ifndef PODPIS_PROVISION_TOKEN_VIEW_H
#define PODPIS_PROVISION_TOKEN_VIEW_H

#include <time.h>

#include "provision/output.h"
#include "provision/token_certificate.h"

/* Slot, label, and the URI by which other programs find it and its key: rows, and members of `object`. */
void token_view_place(struct output *output, struct slot *slot, const struct token_certificate *one,
	json_t *object);

/*
 * The certificates, those of authorities only with `all`, and the keys that have none, each with its place. The object is
 * the caller's; NULL with err.
 */
json_t *token_view(
	struct output *output, struct slot *slot, bool all, time_t now, struct error *err);

#endif
