/*
 * identify: what commands that go through the browser share.
 */
#ifndef PODPIS_COMMANDS_IDENTIFY_H
#define PODPIS_COMMANDS_IDENTIFY_H

#include "provision/authority/authority.h"
#include "provision/flow/flow.h"

extern const struct option options_identify[]; /* no-browser */

/*
 * «Приступить»: shows what the certificate will say, sends the person to the identity portal, waits for the
 * way back, and tells the authority. True as well when that was done before. ERROR_PERSON: declined, or not
 * back in time; it may be begun anew.
 */
bool identify_flow(struct flow *flow, struct error *err);

/* The authority of the first argument, of --authority, or the only one. */
bool login_authority(struct context *context, struct authority **out, struct error *err);

#endif
