#include "provision/commands/commands.h"

#include "provision/flow/installation.h"

const struct option options_install[] = {
	{"anchor", "FILE", N_("the authority's root certificate, where it names none itself"),
		false},
	{0},
};

static const struct option options_install_only[] = {
	{"certificate", "FILE",
		N_("installs this certificate (PEM, DER, PKCS#7), not the fetched one"), false},
	{"accept", "FIELD", N_("installs although the certificate differs in this field"), true},
	{0},
};

/* The certificate into the journal, when it was not fetched yet. */
static bool have_certificate(struct flow *flow, struct error *err)
{
	char text[FLOW_STEP_TEXT_MAX];

	if (flow->row.certificates != NULL)
		return true;
	if (!flow_refresh(flow, err))
		return false;
	if (flow_next(&flow->row) == FLOW_DOWNLOAD)
		return installation_download(flow, err);
	return flow_verdict(&flow->row, err) &&
	       error_set(err, ERROR_PERSON, _("there is no certificate yet; first: %s"),
		       flow_step_text(&flow->row, text));
}

static bool run(struct context *context, struct error *err)
{
	const char *path = options_get(&context->options, "certificate");
	struct flow flow;
	bool done;

	if (!flow_open(context, context->options.arguments[0], &flow, err))
		return false;
	if (flow.row.installed != 0 && path == NULL) {
		output_progress(&context->output, _("The certificate is installed already."));
		done = true;
	} else {
		done = (path != NULL || have_certificate(&flow, err)) &&
		       installation_install(&flow, path, err);
	}
	done = done && (flow_dry_run(&flow) || installation_acknowledge(&flow, err));
	commands_tell(&flow, done);
	flow_close(&flow);
	return done;
}

const struct command install_command = {
	.name = "install",
	.arguments = "ID",
	.summary =
		N_("checks the certificate, writes it beside its key and proves it («Установить»)"),
	.options = {options_install_only, options_install, options_slot, options_authority,
		options_dry_run},
	.minimum = 1,
	.maximum = 1,
	.run = run,
};
