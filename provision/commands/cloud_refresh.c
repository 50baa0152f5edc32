#include "provision/commands/commands.h"

#include "provision/cloud_slots.h"

/* One section: done, or why not, into the list of all. */
static bool refresh_one(struct context *context, struct cloud_slots *cloud,
	const struct config_section *section, json_t *list, struct error *err)
{
	unsigned long count = 0;
	json_t *entry = json_pack("{s:s}", "slot", section->name);
	struct error problem = {0};
	bool dry = options_has(&context->options, "dry-run"), done = true;

	json_array_append_new(list, entry);
	if (dry) {
		output_text(&context->output,
			_("%s: %s would be asked for the account's credentials.\n"), section->name,
			config_get(section, "url"));
		return true;
	}
	if (section->problem != NULL)
		done = error_set(&problem, ERROR_USAGE, "%s", section->problem);
	done = done && cloud_slots_refresh(context, cloud, section, &count, &problem);
	if (done) {
		output_text(&context->output,
			P_("%s: %lu credential.\n", "%s: %lu credentials.\n", count), section->name,
			count);
		json_object_set_new(entry, "credentials", json_integer((json_int_t)count));
		return true;
	}
	json_object_set_new(entry, "error", json_string(problem.message));
	return error_set(err, problem.code, "%s", problem.message);
}

static bool run(struct context *context, struct error *err)
{
	const struct config_section *only = NULL, *section;
	json_t *list = json_array();
	struct cloud_slots cloud = {.functions = NULL};
	bool done = false, dry = options_has(&context->options, "dry-run");
	size_t cursor = 0, count = 0;
	struct error first = {0}, later;

	if (context->options.argument_count > 0 &&
		!cloud_slots_section(context, context->options.arguments[0], &only, err))
		goto out;
	if (!dry && !cloud_slots_open(context, &cloud, err))
		goto out;
	while ((section = cloud_slots_next(context->config, &cursor)) != NULL) {
		if (only != NULL && section != only)
			continue;
		/* One that fails does not keep the others from theirs; the first decides the exit status. */
		if (!refresh_one(context, &cloud, section, list, &later)) {
			if (first.code != ERROR_NONE)
				output_progress(&context->output, "%s", later.message);
			else
				first = later;
		}
		count++;
	}
	if (count == 0)
		done = error_set(
			err, ERROR_WORKPLACE, _("podpis.conf has no slot with store = cloud"));
	else
		done = first.code == ERROR_NONE || error_set(err, first.code, "%s", first.message);
out:
	output_json(&context->output, "slots", list);
	cloud_slots_close(&cloud);
	return done;
}

const struct command cloud_refresh_command = {
	.name = "cloud refresh",
	.arguments = "[SLOT]",
	.summary = N_("asks signing services which credentials there are now, and what became of "
		      "them"),
	.options = {options_cloud, options_dry_run},
	.maximum = 1,
	.run = run,
};
