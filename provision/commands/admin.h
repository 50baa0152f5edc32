/*
 * admin: what the commands of the registration centre's administrator share.
 */
#ifndef PODPIS_COMMANDS_ADMIN_H
#define PODPIS_COMMANDS_ADMIN_H

#include "provision/authority/authority.h"
#include "provision/commands/commands.h"

/* The authority, when who is logged in there is an administrator. ERROR_USAGE when not. */
bool admin_open(struct context *context, struct authority **out, struct error *err);

/*
 * Appends a detached CMS of the statement with the administrator's own signature, from --signer, else the one in the
 * token of --slot; tells which that is.
 */
bool admin_sign(struct context *context, const struct buffer *statement, struct buffer *cms,
	struct error *err);

/* One application, for --json. */
json_t *admin_json(const struct authority_status *status);

/* Tells where the application stands after a step. */
void admin_tell(struct context *context, const struct authority_status *status);

#endif
