#include "provision/commands/commands.h"

#include "provision/cloud_slots.h"
#include "provision/cloud_session.h"

static bool run(struct context *context, struct error *err)
{
	struct cloud_session session = {.name = NULL};
	const struct config_section *section = NULL;
	bool dry = options_has(&context->options, "dry-run"), was = false, done = false;

	if (!cloud_slots_section(context, context->options.arguments[0], &section, err) ||
		!cloud_session_open(section, context->log, &session, err))
		goto out;
	output_json(&context->output, "slot", json_string(session.name));
	if (dry ? !cloud_session_there(&session, &was, err)
		: !cloud_session_end(&session, &was, err))
		goto out;
	if (!was)
		output_text(&context->output, _("There was no login at %s.\n"), session.name);
	else
		output_text(&context->output,
			dry ? _("The login at %s would be ended there and forgotten here.\n")
			    : _("Logged out at %s.\n"),
			session.name);
	output_json(&context->output, "was-logged-in", json_boolean(was));
	done = true;
out:
	cloud_session_close(&session);
	return done;
}

const struct command cloud_logout_command = {
	.name = "cloud logout",
	.arguments = "SLOT",
	.summary = N_("ends the login at the signing service of a cloud slot, and forgets it here"),
	.options = {options_dry_run},
	.minimum = 1,
	.maximum = 1,
	.run = run,
};
