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

/* The certificate into the journal, from the file or, when it was not fetched yet, from the authority. */
static bool have_certificate(struct flow *flow, struct error *err)
{
	const char *path = options_get(&flow->context->options, "certificate");
	char text[FLOW_STEP_TEXT_MAX];

	if (path != NULL)
		return installation_read(flow, path, err);
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
	bool dry_run = options_has(&context->options, "dry-run");
	struct flow flow;
	bool done;

	if (!flow_open(context, context->options.arguments[0], &flow, err))
		return false;
	if (flow.row.installed != 0 && !options_has(&context->options, "certificate")) {
		output_progress(&context->output, _("The certificate is installed already."));
		done = true;
	} else {
		done = have_certificate(&flow, err) && installation_install(&flow, err);
	}
	done = done && (dry_run || installation_acknowledge(&flow, err));
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
