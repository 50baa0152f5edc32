#include "provision/commands/commands.h"

#include "provision/flow/installation.h"

static bool download(struct flow *flow, struct error *err)
{
	bool again = flow->row.state == STATE_INSTALL_FAILED;
	char text[FLOW_STEP_TEXT_MAX];

	if (!flow_refresh(flow, err))
		return false;
	if (!again && flow_next(&flow->row) != FLOW_DOWNLOAD)
		return flow_verdict(&flow->row, err) &&
		       error_set(err, ERROR_PERSON, _("there is no certificate yet; first: %s"),
			       flow_step_text(&flow->row, text));
	if (!flow_dry_run(flow))
		return installation_download(flow, err);
	output_text(&flow->context->output,
		_("Certificate and chain would be fetched from %s into the journal.\n"),
		flow->row.authority);
	return true;
}

static bool run(struct context *context, struct error *err)
{
	struct flow flow;
	bool done = true;

	if (!flow_open(context, context->options.arguments[0], &flow, err))
		return false;
	/* One that could not be installed may have been replaced at the authority. */
	if (flow.row.certificates != NULL && flow.row.state != STATE_INSTALL_FAILED)
		output_progress(&context->output, _("The certificate is here already."));
	else
		done = download(&flow, err);
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
