#include "provision/commands/commands.h"

#include <stdlib.h>
#include <string.h>

#include "provision/flow/documents.h"
#include "provision/person.h"

static const struct option options_show[] = {
	{"documents", NULL, N_("fetches the documents to sign and shows their text"), false},
	{0},
};

static void show_person(struct output *output, const struct journal_application *row)
{
	json_t *person = row->person != NULL ? json_loads(row->person, 0, NULL) : NULL;

	for (size_t i = 0; i < PERSON_FIELD_COUNT && person != NULL; i++) {
		const struct person_field_info *info = person_field_info((enum person_field)i);

		output_field(output, _(info->label),
			json_string_value(json_object_get(person, info->name)));
	}
	json_decref(person);
}

static void show_times(struct output *output, const struct journal_application *row)
{
	const struct {
		const char *label;
		int64_t when;
	} times[] = {
		{_("Created"), row->created},
		{_("Changed"), row->updated},
		{_("Installed"), row->installed},
		{_("Valid until"), row->not_after},
	};
	char text[OUTPUT_TIME_MAX];

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		if (times[i].when != 0)
			output_field(
				output, times[i].label, output_time((time_t)times[i].when, text));
	}
}

static bool show_events(struct flow *flow, struct error *err)
{
	struct output *output = &flow->context->output;
	struct journal_event *events = NULL;
	json_t *list = json_array();
	size_t count = 0;

	if (!journal_events(flow->journal, flow->row.id, &events, &count, err)) {
		json_decref(list);
		return false;
	}
	output_text(output, "%s:\n", _("Events"));
	for (size_t i = 0; i < count; i++) {
		char when[OUTPUT_TIME_MAX];

		output_time((time_t)events[i].at, when);
		output_text(output, "  %s  %-18s %s\n", when, events[i].kind,
			events[i].detail != NULL ? events[i].detail : "");
		json_array_append_new(list, json_pack("{s:s, s:s, s:s?}", "at", when, "kind",
						    events[i].kind, "detail", events[i].detail));
	}
	output_json(output, "events", list);
	journal_events_free(events, count);
	return true;
}

/* Only plain text is shown; what a terminal would take as a command is not. */
static bool show_documents(struct flow *flow, struct error *err)
{
	struct output *output = &flow->context->output;
	struct documents documents = {0};
	json_t *list = json_array();
	bool done;

	done = documents_read(&flow->row, &documents, err) &&
	       (flow_dry_run(flow) || documents_fetch(flow, &documents, err));
	for (size_t i = 0; i < documents.count && done; i++) {
		const struct document *document = &documents.list[i];
		bool text =
			!flow_dry_run(flow) && strncmp(document->media_type, "text/plain", 10) == 0;

		output_text(output, "\n%s== %s: %s%s\n", output_colour(output, COLOUR_BOLD),
			document->id, document->title, output_colour(output, COLOUR_NONE));
		if (flow_dry_run(flow))
			output_text(
				output, _("It would be fetched from %s.\n"), flow->row.authority);
		else if (text)
			output_lines(output, buffer_text(&document->content));
		else
			output_text(output, "(%s, %zu %s)\n", document->media_type,
				document->content.length, _("bytes"));
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:o?}", "id", document->id, "title",
				      document->title, "text",
				      text ? json_stringn(buffer_text(&document->content),
						     document->content.length)
					   : json_null()));
	}
	output_json(output, "texts", list);
	documents_clear(&documents);
	return done;
}

static bool run(struct context *context, struct error *err)
{
	const struct journal_application *row;
	struct flow flow;
	bool done;

	if (!flow_open(context, context->options.arguments[0], &flow, err))
		return false;
	row = &flow.row;
	commands_tell(&flow, true);
	output_field(&context->output, _("Authority"), row->authority);
	output_field(&context->output, _("Authority's ID"), row->remote_id);
	output_field(&context->output, _("Profile"), row->profile);
	output_field(&context->output, _("Identification"), row->identification);
	output_field(&context->output, _("Filed for"), row->account);
	show_person(&context->output, row);
	output_field(&context->output, _("Label"), row->label);
	output_field(&context->output, _("Key"), row->key_uri);
	output_field(&context->output, _("Signed by"), row->signer_uri);
	show_times(&context->output, row);
	done = show_events(&flow, err) &&
	       (!options_has(&context->options, "documents") || show_documents(&flow, err));
	flow_close(&flow);
	return done;
}

const struct command show_command = {
	.name = "show",
	.arguments = "ID",
	.summary = N_("shows all that is known about an application"),
	.options = {options_show, options_authority, options_dry_run},
	.minimum = 1,
	.maximum = 1,
	.run = run,
};
