#include "provision/commands/commands.h"

#include <stdlib.h>
#include <string.h>

#include "provision/flow/flow.h"

#define COLUMNS 6

static bool load_all(
	struct journal *journal, struct journal_application **out, size_t *count, struct error *err)
{
	struct journal_application *list;
	int64_t *ids = NULL;
	bool done = false;

	if (!journal_ids(journal, &ids, count, err))
		return false;
	list = calloc(*count + 1, sizeof(*list));
	if (list == NULL) {
		error_set(err, ERROR_FAILED, _("out of memory"));
		goto out;
	}
	for (size_t i = 0; i < *count; i++) {
		if (!journal_load(journal, ids[i], &list[i], err)) {
			for (size_t j = 0; j < i; j++)
				journal_application_clear(&list[j]);
			free(list);
			goto out;
		}
	}
	*out = list;
	done = true;
out:
	free(ids);
	return done;
}

static bool show(struct output *output, const struct journal_application *list, size_t count,
	struct error *err)
{
	const char **cells = calloc((count + 1) * COLUMNS, sizeof(*cells));
	char(*ids)[24] = calloc(count + 1, sizeof(*ids));
	char(*ends)[OUTPUT_TIME_MAX] = calloc(count + 1, sizeof(*ends));
	static const char *const heads[COLUMNS] = {N_("ID"), N_("State"), N_("Status"),
		N_("Holder"), N_("Authority"), N_("Valid until")};
	bool done = cells != NULL && ids != NULL && ends != NULL;

	for (size_t i = 0; i < COLUMNS && done; i++)
		cells[i] = _(heads[i]);
	for (size_t i = 0; i < count && done; i++) {
		const char **row = cells + (i + 1) * COLUMNS;

		snprintf(ids[i], sizeof(ids[i]), "%lld", (long long)list[i].id);
		if (list[i].not_after != 0)
			output_time((time_t)list[i].not_after, ends[i]);
		row[0] = ids[i];
		row[1] = flow_state_info(list[i].state)->name;
		row[2] = list[i].words;
		row[3] = list[i].holder;
		row[4] = list[i].authority;
		row[5] = ends[i];
	}
	if (done && count > 0)
		output_table(output, cells, count + 1, COLUMNS);
	else if (done)
		output_text(output, "%s\n", _("There are no applications yet."));
	free(cells);
	free(ids);
	free(ends);
	return done || error_set(err, ERROR_FAILED, _("out of memory"));
}

/* Only the journal is looked at: --dry-run has nothing to hold back. */
static bool run(struct context *context, struct error *err)
{
	struct journal_application *list = NULL;
	struct journal *journal = NULL;
	json_t *array = json_array();
	size_t count = 0;
	bool done;

	done = journal_look(&journal, err) && load_all(journal, &list, &count, err) &&
	       show(&context->output, list, count, err);
	for (size_t i = 0; i < count && list != NULL; i++) {
		json_array_append_new(array, flow_json(&list[i]));
		journal_application_clear(&list[i]);
	}
	output_json(&context->output, "applications", array);
	free(list);
	journal_close(journal);
	return done;
}

const struct command list_command = {
	.name = "list",
	.arguments = "",
	.summary = N_("lists the applications in the journal"),
	.options = {options_dry_run},
	.run = run,
};
