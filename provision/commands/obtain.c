#include "provision/commands/commands.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "provision/commands/identify.h"
#include "provision/flow/documents.h"
#include "provision/flow/installation.h"
#include "provision/flow/submission.h"

#define STEPS_MAX 64 /* of one run; a flow that needs more runs in a circle */

static const struct option options_obtain[] = {
	{"wait", NULL, N_("waits for the authority, and goes on"), false},
	{0},
};

/* At the portal a person is needed: without one at the terminal it is not worth waiting at the loopback. */
static bool identify(struct flow *flow, struct error *err)
{
	if (!isatty(STDIN_FILENO))
		return error_set(err, ERROR_PERSON,
			_("application %lld: the person has to prove who it is: podpis identify "
			  "%lld"),
			(long long)flow->row.id, (long long)flow->row.id);
	return identify_flow(flow, err);
}

static bool submit(struct flow *flow, bool complete, struct error *err)
{
	struct signing signing;
	bool done;

	signing_init(&signing, flow);
	done = complete ? apply_complete(&signing, err) : submission_run(&signing, err);
	signing_clear(&signing);
	return done;
}

static bool wait(struct flow *flow, struct error *err)
{
	if (options_has(&flow->context->options, "wait"))
		return flow_wait(flow, err);
	return flow_verdict(&flow->row, err);
}

static bool do_step(struct flow *flow, enum flow_step step, struct error *err)
{
	switch (step) {
	case FLOW_SUBMIT:
		return submit(flow, false, err);
	case FLOW_COMPLETE:
		return submit(flow, true, err);
	case FLOW_WAIT:
		return wait(flow, err);
	case FLOW_SIGN:
		return documents_sign(flow, err);
	case FLOW_IDENTIFY:
		return identify(flow, err);
	case FLOW_DOWNLOAD:
		return installation_download(flow, err);
	case FLOW_INSTALL:
		return installation_install(flow, NULL, err);
	case FLOW_ACKNOWLEDGE:
		return installation_acknowledge(flow, err);
	case FLOW_CORRECT:
	case FLOW_NOTHING:
		break;
	}
	return flow_verdict(&flow->row, err);
}

/* Everything that can be done now; false with ERROR_WAITING, ERROR_PERSON … says what it stopped at. */
static bool obtain(struct flow *flow, struct error *err)
{
	bool pending = false;

	if (!submission_pending(flow, &pending, err) || (pending && !submit(flow, false, err)))
		return false;
	if (!flow_refresh(flow, err))
		return false;
	for (unsigned i = 0; i < STEPS_MAX; i++) {
		enum flow_step step = flow_next(&flow->row);

		if (step == FLOW_NOTHING || step == FLOW_CORRECT)
			return flow_verdict(&flow->row, err);
		output_progress(&flow->context->output, _("Application %lld: %s"),
			(long long)flow->row.id, _(flow_state_info(flow->row.state)->description));
		if (!do_step(flow, step, err))
			return false;
	}
	return error_set(err, ERROR_FAILED,
		_("application %lld does not get on: it is %s again and again"),
		(long long)flow->row.id, flow_state_info(flow->row.state)->name);
}

/* --dry-run: what would come first, as far as the journal knows. */
static bool tell(const struct flow *flow)
{
	char text[FLOW_STEP_TEXT_MAX];

	output_text(&flow->context->output, _("Application %lld: %s\n"), (long long)flow->row.id,
		flow_step_text(&flow->row, text));
	return true;
}

bool obtain_application(struct context *context, int64_t id, json_t *list, struct error *err)
{
	struct flow flow;
	bool done;

	if (!flow_open_id(context, id, &flow, err))
		return false;
	done = flow_dry_run(&flow) ? tell(&flow) : obtain(&flow, err);
	json_array_append_new(list, flow_json(&flow.row));
	if (flow.lock >= 0 && !flow_dry_run(&flow))
		flow_show(&flow);
	flow_close(&flow);
	return done;
}

/* All that are not finished. */
static bool collect(struct context *context, int64_t **ids, size_t *count, struct error *err)
{
	struct journal *journal = NULL;
	size_t all = 0, used = 0;
	bool done;

	(void)context;
	done = journal_look(&journal, err) && journal_ids(journal, ids, &all, err);
	for (size_t i = 0; i < all && done; i++) {
		struct journal_application row = {0};

		done = journal_load(journal, (*ids)[i], &row, err);
		if (done && (!flow_state_info(row.state)->final || flow_next(&row) != FLOW_NOTHING))
			(*ids)[used++] = (*ids)[i];
		journal_application_clear(&row);
	}
	journal_close(journal);
	*count = used;
	return done;
}

static bool find(struct context *context, const char *name, int64_t *id, struct error *err)
{
	struct flow flow;

	if (!flow_open(context, name, &flow, err))
		return false;
	*id = flow.row.id;
	flow_close(&flow);
	return true;
}

/* The ids that are meant: the arguments', the one that the person's data make, or all. */
static bool choose(struct context *context, int64_t **ids, size_t *count, struct error *err)
{
	const struct options *options = &context->options;
	bool applies = apply_person_given(options);

	if (options->argument_count == 0 && !applies)
		return collect(context, ids, count, err);
	*count = applies ? 1 : options->argument_count;
	*ids = calloc(*count, sizeof(**ids));
	if (*ids == NULL)
		return error_set(err, ERROR_FAILED, _("out of memory"));
	if (applies)
		return apply_run(context, *ids, err);
	for (size_t i = 0; i < *count; i++) {
		if (!find(context, options->arguments[i], &(*ids)[i], err))
			return false;
	}
	return true;
}

static bool run(struct context *context, struct error *err)
{
	struct error first = {0};
	json_t *list = json_array();
	int64_t *ids = NULL;
	size_t count = 0;
	bool done;

	done = choose(context, &ids, &count, err);
	/* What was only shown has no application yet. */
	if (done && count == 1 && ids[0] == 0)
		count = 0;
	for (size_t i = 0; i < count && done; i++) {
		struct error problem = {0};

		/* One that waits does not hold up the others; what is worse than waiting counts. */
		if (!obtain_application(context, ids[i], list, &problem) &&
			(first.code == ERROR_NONE || first.code == ERROR_WAITING))
			first = problem;
	}
	if (done && count == 0 && !options_has(&context->options, "dry-run"))
		output_text(&context->output, "%s\n", _("Nothing is under way."));
	output_json(&context->output, "applications", list);
	free(ids);
	if (!done)
		return false;
	*err = first;
	return first.code == ERROR_NONE;
}

const struct command obtain_command = {
	.name = "obtain",
	.arguments = "[ID…]",
	.summary = N_(
		"runs every step that can be run, says what it stopped at, goes on when run again"),
	.options = {options_obtain, options_authority, options_slot, options_apply, options_signer,
		options_person, options_identify, options_dry_run},
	.maximum = OPTIONS_ARGUMENTS_MAX,
	.run = run,
};
