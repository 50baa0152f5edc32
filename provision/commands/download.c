#include "provision/commands/commands.h"

#include "provision/flow/installation.h"

static bool run(struct context *context, struct error *err)
{
	char text[FLOW_STEP_TEXT_MAX];
	struct flow flow;
	bool done = true;

	if (!flow_open(context, context->options.arguments[0], &flow, err))
		return false;
	if (flow.row.certificates != NULL) {
		output_progress(&context->output, _("The certificate is here already."));
	} else {
		done = flow_refresh(&flow, err);
		if (done && flow_next(&flow.row) == FLOW_DOWNLOAD)
			done = options_has(&context->options, "dry-run") ||
			       installation_download(&flow, err);
		else if (done)
			done = flow_verdict(&flow.row, err) &&
			       error_set(err, ERROR_PERSON,
				       _("there is no certificate yet; first: %s"),
				       flow_step_text(&flow.row, text));
	}
	commands_tell(&flow, done);
	flow_close(&flow);
	return done;
}

const struct command download_command = {
	.name = "download",
	.arguments = "ID",
	.summary = N_("fetches certificate and chain into the journal («Скачать»)"),
	.options = {options_authority, options_dry_run},
	.minimum = 1,
	.maximum = 1,
	.run = run,
};
