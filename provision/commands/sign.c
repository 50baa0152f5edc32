#include "provision/commands/commands.h"

#include "provision/flow/documents.h"

static const struct option options_sign[] = {
	{"accept", "FIELD", N_("signs although the certificate form differs in this field"), true},
	{0},
};

/* Nothing is to be signed now: was it, will it be, or can't it be? */
static bool nothing_to_sign(struct flow *flow, struct error *err)
{
	static const enum flow_state before[] = {STATE_PROCESSING, STATE_AWAITING_CONFIRMATION};
	static const enum flow_state after[] = {STATE_REVIEWING, STATE_AWAITING_IDENTIFICATION,
		STATE_IDENTIFYING, STATE_IDENTIFICATION_FAILED, STATE_APPROVING, STATE_READY,
		STATE_CONFIRMED, STATE_DOWNLOADED, STATE_INSTALL_FAILED, STATE_INSTALLED};
	enum flow_state state = flow->row.state;
	enum flow_step step = flow_next(&flow->row);
	char text[FLOW_STEP_TEXT_MAX];

	for (size_t i = 0; i < sizeof(after) / sizeof(after[0]); i++) {
		if (state == after[i]) {
			output_progress(
				&flow->context->output, _("The documents are signed already."));
			return true;
		}
	}
	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		if (state == before[i])
			return flow_verdict(&flow->row, err);
	}
	if (step == FLOW_SUBMIT || step == FLOW_COMPLETE)
		return error_set(err, ERROR_PERSON, _("application %lld: first comes: %s"),
			(long long)flow->row.id, flow_step_text(&flow->row, text));
	return flow_verdict(&flow->row, err) &&
	       error_set(err, ERROR_REFUSED, _("nothing is to be signed: application %lld is %s"),
		       (long long)flow->row.id, flow_state_info(state)->name);
}

static bool run(struct context *context, struct error *err)
{
	struct flow flow;
	bool done;

	if (!flow_open(context, context->options.arguments[0], &flow, err))
		return false;
	done = flow_refresh(&flow, err);
	if (done)
		done = flow_next(&flow.row) == FLOW_SIGN ? documents_sign(&flow, err)
							 : nothing_to_sign(&flow, err);
	commands_tell(&flow, done);
	done = done && commands_not_refused(&flow, err);
	flow_close(&flow);
	return done;
}

const struct command sign_command = {
	.name = "sign",
	.arguments = "ID",
	.summary = N_(
		"shows the certificate's contents against the application and signs all documents "
		"(«Подписать»)"),
	.options = {options_slot, options_signer, options_sign, options_authority, options_dry_run},
	.minimum = 1,
	.maximum = 1,
	.run = run,
};
