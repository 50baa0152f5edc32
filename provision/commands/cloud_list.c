#include "provision/commands/commands.h"

#include <stdlib.h>

#include "provision/cloud_slots.h"

#define COLUMNS 8

/* A credential and what its certificate says, as it is shown. */
struct line {
	const struct cloud_slot *slot;
	char *holder;
	time_t not_after;
	char scal[24], multisign[24], until[OUTPUT_TIME_MAX];
};

static const char *wants_text(const PODPIS_CLOUD_CREDENTIAL *credential)
{
	bool pin = (credential->wants & PODPIS_CLOUD_PIN) != 0,
	     otp = (credential->wants & PODPIS_CLOUD_OTP) != 0;

	if (credential->mode == PODPIS_CLOUD_OAUTH2CODE)
		return _("the browser");
	if (credential->mode == PODPIS_CLOUD_IMPLICIT || (!pin && !otp))
		return _("nothing");
	return pin && otp ? _("PIN and OTP") : pin ? _("PIN") : _("OTP");
}

static const char *mode_name(const PODPIS_CLOUD_CREDENTIAL *credential)
{
	static const char *const names[] = {
		[PODPIS_CLOUD_IMPLICIT] = "implicit",
		[PODPIS_CLOUD_EXPLICIT] = "explicit",
		[PODPIS_CLOUD_OAUTH2CODE] = "oauth2code",
	};

	return credential->mode < sizeof(names) / sizeof(names[0]) ? names[credential->mode] : "";
}

static const char *status_of(const struct line *line)
{
	const char *status = line->slot->credential.status;

	return status[0] != '\0' ? status : "valid";
}

static json_t *to_json(const struct line *line)
{
	const PODPIS_CLOUD_CREDENTIAL *credential = &line->slot->credential;
	char read_at[OUTPUT_TIME_MAX];

	return json_pack("{s:s,s:s,s:s,s:s,s:o,s:s,s:s,s:b,s:b,s:b,s:I,s:I,s:o,s:s}", "slot",
		line->slot->section->name, "id", credential->id, "label", line->slot->label,
		"description", credential->description, "holder",
		line->holder != NULL ? json_string(line->holder) : json_null(), "status",
		status_of(line), "mode", mode_name(credential), "pin",
		(credential->wants & PODPIS_CLOUD_PIN) != 0, "otp",
		(credential->wants & PODPIS_CLOUD_OTP) != 0, "otp_sent",
		(credential->wants & PODPIS_CLOUD_OTP_SENT) != 0, "scal",
		(json_int_t)credential->scal, "multisign", (json_int_t)credential->multisign,
		"valid_until", line->not_after != 0 ? json_string(line->until) : json_null(),
		"read_at", output_time((time_t)credential->read, read_at));
}

static bool fill(const struct cloud_slots *cloud, const struct cloud_slot *slot, struct line *line,
	struct error *err)
{
	const PODPIS_CLOUD_CREDENTIAL *credential = &slot->credential;

	line->slot = slot;
	if (!cloud_slots_holder(cloud, slot, &line->holder, &line->not_after, err))
		return error_prefix(err, "%s", credential->id);
	snprintf(line->scal, sizeof(line->scal), "%lu", credential->scal);
	snprintf(line->multisign, sizeof(line->multisign), "%lu", credential->multisign);
	if (line->not_after != 0)
		output_time(line->not_after, line->until);
	return true;
}

static void show(struct output *output, const struct line *lines, size_t count, const char **cells)
{
	static const char *const heads[COLUMNS] = {N_("Slot"), N_("Credential"), N_("Holder"),
		N_("Status"), N_("SCAL"), N_("Signatures"), N_("Asks for"), N_("Valid until")};

	for (size_t i = 0; i < COLUMNS; i++)
		cells[i] = _(heads[i]);
	for (size_t i = 0; i < count; i++) {
		const char **row = cells + (i + 1) * COLUMNS;

		row[0] = lines[i].slot->section->name;
		row[1] = lines[i].slot->credential.id;
		row[2] = lines[i].holder;
		row[3] = status_of(&lines[i]);
		row[4] = lines[i].scal;
		row[5] = lines[i].multisign;
		row[6] = wants_text(&lines[i].slot->credential);
		row[7] = lines[i].until;
	}
	output_table(output, cells, count + 1, COLUMNS);
}

/* An account of which nothing is known is said to be one: the list would just leave it out. */
static size_t say_unknown(
	struct context *context, const struct cloud_slots *cloud, const struct config_section *only)
{
	const struct config_section *section;
	size_t cursor = 0, count = 0;

	while ((section = cloud_slots_next(context->config, &cursor)) != NULL) {
		bool known = false;

		if (only != NULL && section != only)
			continue;
		count++;
		for (size_t i = 0; i < cloud->count; i++)
			known |= cloud->list[i].section == section && cloud->list[i].known;
		if (!known)
			output_progress(&context->output,
				_("%s: no credential is known; podpis cloud refresh %s asks for "
				  "them"),
				section->name, section->name);
	}
	return count;
}

/* From what is kept on this machine: nobody is asked. */
static bool run(struct context *context, struct error *err)
{
	const struct config_section *only = NULL;
	struct cloud_slots cloud = {.functions = NULL};
	json_t *array = json_array();
	struct line *lines = NULL;
	const char **cells = NULL;
	size_t count = 0;
	bool done = false;

	if ((context->options.argument_count > 0 &&
		    !cloud_slots_section(context, context->options.arguments[0], &only, err)) ||
		!cloud_slots_open(context, &cloud, err))
		goto out;
	lines = calloc(cloud.count + 1, sizeof(*lines));
	cells = calloc((cloud.count + 1) * COLUMNS, sizeof(*cells));
	if (lines == NULL || cells == NULL) {
		error_set(err, ERROR_FAILED, _("out of memory"));
		goto out;
	}
	if (say_unknown(context, &cloud, only) == 0) {
		error_set(err, ERROR_WORKPLACE, _("podpis.conf has no slot with store = cloud"));
		goto out;
	}
	for (size_t i = 0; i < cloud.count; i++) {
		if (!cloud.list[i].known || (only != NULL && cloud.list[i].section != only))
			continue;
		if (!fill(&cloud, &cloud.list[i], &lines[count], err))
			goto out;
		json_array_append_new(array, to_json(&lines[count]));
		count++;
	}
	if (count > 0)
		show(&context->output, lines, count, cells);
	done = true;
out:
	output_json(&context->output, "credentials", array);
	for (size_t i = 0; i < count; i++)
		free(lines[i].holder);
	free(lines);
	free(cells);
	cloud_slots_close(&cloud);
	return done;
}

const struct command cloud_list_command = {
	.name = "cloud list",
	.arguments = "[SLOT]",
	.summary = N_("lists the credentials in the cloud, as they were when last asked for"),
	.options = {options_cloud, options_dry_run},
	.maximum = 1,
	.run = run,
};
