#include "provision/commands/commands.h"

#include <stdlib.h>
#include <string.h>

#include "provision/flow/flow.h"

static const struct option options_refresh[] = {
	{"all", NULL, N_("all applications, and those that wait for you at the authority"), false},
	{"wait", NULL, N_("asks again until the authority has nothing more to do"), false},
	{0},
};

/* Whom one would ask about this application. */
static void tell(const struct flow *flow)
{
	const struct journal_application *row = &flow->row;

	if (row->remote_id == NULL)
		output_text(&flow->context->output,
			_("Application %lld is not sent yet: nobody would be asked.\n"),
			(long long)row->id);
	else
		output_text(&flow->context->output,
			_("%s would be asked about application %lld (%s).\n"), row->authority,
			(long long)row->id, row->remote_id);
}

static bool refresh_flow(struct flow *flow, json_t *list, struct error *err)
{
	bool wait = options_has(&flow->context->options, "wait");
	bool done;

	if (flow_dry_run(flow)) {
		tell(flow);
		json_array_append_new(list, flow_json(&flow->row));
		return true;
	}
	done = wait ? flow_wait(flow, err) : flow_refresh(flow, err);
	if (done || (err->code != ERROR_USAGE && flow->lock >= 0)) {
		json_array_append_new(list, flow_json(&flow->row));
		if (done)
			flow_show(flow);
	}
	return done && flow_verdict(&flow->row, err);
}

/* The first failure that is not just waiting counts; waiting counts more than nothing. */
static void remember(struct error *first, const struct error *err)
{
	if (first->code == ERROR_NONE ||
		(first->code == ERROR_WAITING && err->code != ERROR_WAITING))
		*first = *err;
}

/* Filed by the administrator for this person: the journal does not know of them yet. */
static bool adopt_waiting(struct context *context, struct error *err)
{
	struct authority_status *list = NULL;
	struct flow flow = {.lock = -1};
	const char *name;
	size_t count = 0;
	bool done = false;

	if (!context_authority(context, &name, err))
		return false;
	if (options_has(&context->options, "dry-run")) {
		output_text(&context->output,
			_("%s would be asked for applications that wait for you.\n"), name);
		return true;
	}
	if (!flow_new(context, &flow, err))
		return false;
	if (!journal_text(&flow.row.authority, name) || !flow_authority(&flow, err))
		goto out;
	if (flow.authority->class->list == NULL) {
		done = true;
		goto out;
	}
	if (!flow.authority->class->list(flow.authority, &list, &count, err))
		goto out;
	done = true;
	for (size_t i = 0; i < count; i++) {
		struct flow adopted;

		if (done && (list[i].actions & ACTION_REQUEST) != 0) {
			done = flow_open(context, list[i].id, &adopted, err);
			if (done)
				flow_close(&adopted);
		}
		authority_status_clear(&list[i]);
	}
	free(list);
out:
	flow_close(&flow);
	return done;
}

static bool refresh_known(struct context *context, json_t *list, struct error *first)
{
	struct journal *journal = NULL;
	struct error err = {0};
	int64_t *ids = NULL;
	size_t count = 0;
	bool done = journal_look(&journal, &err) && journal_ids(journal, &ids, &count, &err);

	journal_close(journal);
	if (!done)
		remember(first, &err);
	for (size_t i = 0; i < count && done; i++) {
		struct flow flow;

		err = (struct error){0};
		if (!flow_open_id(context, ids[i], &flow, &err)) {
			remember(first, &err);
			continue;
		}
		if (!flow_state_info(flow.row.state)->final && !refresh_flow(&flow, list, &err))
			remember(first, &err);
		flow_close(&flow);
	}
	free(ids);
	return first->code == ERROR_NONE;
}

static bool run(struct context *context, struct error *err)
{
	const struct options *options = &context->options;
	struct error first = {0};
	json_t *list = json_array();

	if (options_has(options, "all") && !adopt_waiting(context, err))
		first = *err;
	if (options->argument_count == 0)
		refresh_known(context, list, &first);
	for (size_t i = 0; i < options->argument_count; i++) {
		struct error problem = {0};
		struct flow flow;

		if (!flow_open(context, options->arguments[i], &flow, &problem)) {
			remember(&first, &problem);
			continue;
		}
		if (!refresh_flow(&flow, list, &problem))
			remember(&first, &problem);
		flow_close(&flow);
	}
	if (json_array_size(list) == 0 && first.code == ERROR_NONE)
		output_text(&context->output, "%s\n", _("Nothing is under way."));
	output_json(&context->output, "applications", list);
	*err = first;
	return first.code == ERROR_NONE;
}

const struct command refresh_command = {
	.name = "refresh",
	.arguments = "[ID…]",
	.summary = N_("asks the authority what has become of applications («Обновить»)"),
	.options = {options_refresh, options_authority, options_dry_run},
	.maximum = OPTIONS_ARGUMENTS_MAX,
	.run = run,
};
