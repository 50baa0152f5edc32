#include "provision/commands/commands.h"

#include "provision/flow/submission.h"

#define STEP "cancel"

static const struct option options_cancel[] = {
	{"delete-key", NULL, N_("also destroys the key that was made for it"), false},
	{0},
};

/* Nothing of it was ever sent. */
static bool cancel_draft(struct flow *flow, struct error *err)
{
	flow->row.state = STATE_CANCELLED;
	flow->row.remote_state = STATE_CANCELLED;
	return journal_save(flow->journal, &flow->row, "cancelled", NULL, err);
}

static bool cancel_sent(struct flow *flow, struct error *err)
{
	struct authority_status status = {0};
	struct journal_step step = {0};
	struct error problem = {0};
	bool done = false;

	if (!flow_authority(flow, err) ||
		!flow_has(flow, (const void *)(uintptr_t)flow->authority->class->cancel, "cancel",
			err) ||
		!journal_step_begin(flow->journal, flow->row.id, STEP, NULL, 0, &step, err))
		goto out;
	if (!flow->authority->class->cancel(flow->authority, flow->row.remote_id,
		    step.idempotency_key, &status, &problem)) {
		if (problem.code == ERROR_REFUSED || problem.code == ERROR_USAGE)
			journal_step_end(flow->journal, &step, problem.message, NULL);
		*err = problem;
		goto out;
	}
	done = flow_answer(flow, &status, "cancelled", &step, err);
out:
	journal_step_clear(&step);
	return done;
}

/* A key that a certificate was issued for is never destroyed here. */
static bool delete_key(struct signing *signing, struct error *err)
{
	struct flow *flow = signing->flow;
	struct journal_application *row = &flow->row;

	if (row->key_reserved.data == NULL)
		return true;
	if (row->certificates != NULL)
		return error_set(err, ERROR_USAGE,
			_("there is a certificate for this key, so it is not destroyed"));
	if (!signing_open_slot(signing, err) ||
		!token_key_destroy(
			&signing->slot, row->key_reserved.data, row->key_reserved.length, err) ||
		(row->key_id.data != NULL && !token_key_destroy(&signing->slot, row->key_id.data,
						     row->key_id.length, err)))
		return false;
	return journal_text(&row->key_uri, NULL) &&
	       journal_save(flow->journal, row, "key-destroyed", NULL, err);
}

static bool cancel(struct signing *signing, struct error *err)
{
	struct flow *flow = signing->flow;
	struct journal_application *row = &flow->row;
	bool pending = false;

	if (!submission_pending(flow, &pending, err))
		return false;
	/* It may have arrived: only the authority can say, and only it can cancel it then. */
	if (pending && !submission_run(signing, err))
		return false;
	if (!flow_refresh(flow, err))
		return false;
	if (row->state == STATE_CANCELLED)
		return true;
	if (row->remote_id == NULL)
		return cancel_draft(flow, err);
	if (flow_state_info(row->state)->final || (row->actions & ACTION_CANCEL) == 0)
		return error_set(err, ERROR_REFUSED,
			_("application %lld can't be cancelled any more: it is %s"),
			(long long)row->id, flow_state_info(row->state)->name);
	return cancel_sent(flow, err);
}

static bool run(struct context *context, struct error *err)
{
	struct signing signing;
	struct flow flow;
	bool done;

	if (!flow_open(context, context->options.arguments[0], &flow, err))
		return false;
	signing_init(&signing, &flow);
	if (options_has(&context->options, "dry-run")) {
		output_text(&context->output, _("Application %lld would be cancelled.\n"),
			(long long)flow.row.id);
		done = true;
	} else {
		done = cancel(&signing, err) &&
		       (!options_has(&context->options, "delete-key") || delete_key(&signing, err));
	}
	commands_tell(&flow, done);
	signing_clear(&signing);
	flow_close(&flow);
	return done;
}

const struct command cancel_command = {
	.name = "cancel",
	.arguments = "ID",
	.summary = N_("takes an application back"),
	.options = {options_cancel, options_slot, options_authority, options_dry_run},
	.minimum = 1,
	.maximum = 1,
	.run = run,
};
