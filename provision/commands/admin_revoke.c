#include "provision/commands/admin.h"

#include <string.h>

#include "provision/application.h"
#include "provision/flow/revocation.h"

static void show(struct context *context, const struct authority_status *status,
	const struct revocation_reason *reason)
{
	char hash[65];

	application_hex(status->certificate_sha256, 32, hash);
	output_text(&context->output, "%s\n", _("This certificate is revoked for good:"));
	output_field(&context->output, _("Application"), status->id);
	output_field(&context->output, _("Holder"), status->holder);
	output_field(&context->output, "SHA-256", hash);
	output_field(&context->output, _("Reason"), _(reason->meaning));
}

static bool sign_and_send(struct context *context, struct authority *authority,
	const struct authority_status *before, const struct revocation_reason *reason,
	struct error *err)
{
	struct buffer statement = BUFFER_INIT(64 << 10), cms = BUFFER_INIT(1 << 20);
	struct authority_status status = {0};
	char key[JOURNAL_KEY_SIZE];
	bool done = false;

	/* A lost answer needs no key that was written down: the next try asks first, and finds it done. */
	if (!revocation_statement(
		    before->id, before->certificate_sha256, reason->name, &statement, err) ||
		!journal_make_key(key, err) || !admin_sign(context, &statement, &cms, err))
		goto out;
	if (!authority->class->revoke(authority, before->id, key,
		    &(struct authority_statement){
			    statement.data, statement.length, cms.data, cms.length},
		    &status, err))
		goto out;
	admin_tell(context, &status);
	done = true;
out:
	authority_status_clear(&status);
	buffer_free(&statement);
	buffer_free(&cms);
	return done;
}

static bool run(struct context *context, struct error *err)
{
	const char *id = context->options.arguments[0];
	const struct revocation_reason *reason = NULL;
	struct authority *authority = NULL;
	struct authority_status status = {0};
	bool done = false;

	if (!revocation_reason_find(options_get(&context->options, "reason"), &reason, err) ||
		!admin_open(context, &authority, err) ||
		!authority->class->poll(authority, id, &status, err))
		goto out;
	if (status.state == STATE_REVOKED) {
		output_progress(&context->output, _("It is revoked already."));
		admin_tell(context, &status);
		done = true;
		goto out;
	}
	if ((status.actions & ACTION_REVOKE) == 0 || !status.has_certificate_sha256) {
		error_set(err, ERROR_REFUSED,
			_("application %s has no certificate to revoke: it is %s"), id,
			flow_state_info(status.state)->name);
		goto out;
	}
	show(context, &status, reason);
	done = options_has(&context->options, "dry-run") ||
	       (commands_agreed(context, _("Revoke it?"), err) &&
		       sign_and_send(context, authority, &status, reason, err));
out:
	authority_status_clear(&status);
	authority_close(authority);
	return done;
}

const struct command admin_revoke_command = {
	.name = "admin revoke",
	.arguments = "ID",
	.summary = N_("has a certificate revoked, with the administrator's signature"),
	.options = {options_revoke, options_slot, options_signer, options_authority,
		options_dry_run},
	.minimum = 1,
	.maximum = 1,
	.run = run,
};
