#include "provision/commands/commands.h"

#include <stdlib.h>
#include <string.h>

#include "provision/crl_point.h"
#include "provision/flow/revocation.h"

const struct option options_revoke[] = {
	{"reason", "REASON",
		N_("unspecified (when not given), key-compromise, affiliation-changed, superseded "
		   "or cessation-of-operation"),
		false},
	{"yes", NULL, N_("asks nobody whether it is meant"), false},
	{0},
};

/* What is given up; there is no way back. */
static void show(
	struct flow *flow, const struct revocation_reason *reason, const struct certificates *own)
{
	struct output *output = &flow->context->output;
	const struct journal_application *row = &flow->row;
	char when[OUTPUT_TIME_MAX];

	output_text(output, "%s\n", _("This certificate is revoked for good:"));
	output_field(output, _("Holder"), row->holder);
	output_field(output, _("Label"), row->label);
	output_field(output, _("Authority"), row->authority);
	if (own->count > 0)
		output_field(output, _("Valid until"), output_time(own->list[0].not_after, when));
	output_field(output, _("Reason"), _(reason->meaning));
}

/* Others learn of it from the list; the authority may take its time. */
static void look(struct flow *flow, const struct certificates *own)
{
	struct output *output = &flow->context->output;
	struct crl_answer answer;
	struct error problem = {0};
	char when[OUTPUT_TIME_MAX];
	bool known;

	if (flow->row.state != STATE_REVOKED || own->count == 0)
		return;
	known = crl_point_look(own, flow->context->log, &answer, &problem);
	if (!known)
		output_text(output, _("The revocation list could not be looked into: %s\n"),
			problem.message);
	else if (answer.listed)
		output_text(output, _("The revocation list has it: %s\n"), answer.address);
	else
		output_text(output, _("The revocation list does not have it yet: %s, next %s\n"),
			answer.address, answer.next != 0 ? output_time(answer.next, when) : "?");
	output_json(output, "crl",
		answer.address[0] != '\0' ? json_string(answer.address) : json_null());
	output_json(output, "listed", known ? json_boolean(answer.listed) : json_null());
}

static bool revoke(struct signing *signing, const struct revocation_reason *reason,
	const struct certificates *own, struct error *err)
{
	struct flow *flow = signing->flow;
	struct journal_application *row = &flow->row;
	const struct revocation_reason *asked = NULL;
	bool dry_run = flow_dry_run(flow);

	if ((!dry_run && !flow_refresh(flow, err)) || !revocation_asked(flow, &asked, err))
		return false;
	if (row->state == STATE_REVOKED) {
		output_progress(&flow->context->output, _("It is revoked already."));
		return dry_run || asked == NULL || revocation_settle(flow, err);
	}
	if (row->remote_id == NULL || (row->actions & ACTION_REVOKE) == 0 ||
		row->certificate_sha256.length != 32)
		return error_set(err, ERROR_REFUSED,
			_("application %lld has no certificate to revoke: it is %s"),
			(long long)row->id, flow_state_info(row->state)->name);
	/* What was signed goes again as it was, so it must be what the person agrees to. */
	if (asked != NULL && asked != reason &&
		options_get(&flow->context->options, "reason") != NULL)
		return error_set(err, ERROR_USAGE,
			_("it was asked for with the reason %s, and no answer came: without "
			  "--reason the same goes again"),
			asked->name);
	show(flow, asked != NULL ? asked : reason, own);
	if (dry_run)
		return true;
	if (!commands_agreed(flow->context, _("Revoke it?"), err))
		return false;
	if (asked != NULL)
		output_progress(&flow->context->output,
			_("It was asked for before, and no answer came: the same goes again."));
	return revocation_send(signing, reason->name, err);
}

static bool run(struct context *context, struct error *err)
{
	const struct revocation_reason *reason = NULL;
	struct certificates own = {0};
	struct signing signing;
	struct flow flow;
	bool done;

	if (!revocation_reason_find(options_get(&context->options, "reason"), &reason, err) ||
		!flow_open(context, context->options.arguments[0], &flow, err))
		return false;
	signing_init(&signing, &flow);
	done = flow.row.certificates == NULL ||
	       certificates_read((const uint8_t *)flow.row.certificates,
		       strlen(flow.row.certificates), &own, err);
	done = done && revoke(&signing, reason, &own, err);
	commands_tell(&flow, done);
	if (done && !flow_dry_run(&flow))
		look(&flow, &own);
	certificates_clear(&own);
	signing_clear(&signing);
	flow_close(&flow);
	return done;
}

const struct command revoke_command = {
	.name = "revoke",
	.arguments = "ID",
	.summary = N_("has a certificate revoked, with its own signature"),
	.options = {options_revoke, options_slot, options_signer, options_authority,
		options_dry_run},
	.minimum = 1,
	.maximum = 1,
	.run = run,
};
