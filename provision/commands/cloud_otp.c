#include "provision/commands/commands.h"

#include <string.h>

#include "provision/cloud_slots.h"

#define SENT (PODPIS_CLOUD_OTP | PODPIS_CLOUD_OTP_SENT)

static bool is_named(const struct cloud_slot *slot, const char *name)
{
	return strcmp(slot->credential.id, name) == 0 || strcmp(slot->label, name) == 0 ||
	       strcmp(slot->section->name, name) == 0;
}

/* The one that is named and wants a password that is sent; one that wants none is no answer to a slot's name. */
static bool choose(const struct cloud_slots *cloud, const char *name, const struct cloud_slot **out,
	struct error *err)
{
	struct buffer there = BUFFER_INIT(600);
	const struct cloud_slot *found = NULL;
	size_t named = 0, sent = 0;

	for (size_t i = 0; i < cloud->count; i++) {
		const struct cloud_slot *slot = &cloud->list[i];

		if (!slot->known || !is_named(slot, name))
			continue;
		named++;
		if ((slot->credential.wants & SENT) != SENT)
			continue;
		buffer_printf(&there, "%s%s", sent > 0 ? ", " : "", slot->credential.id);
		found = slot;
		sent++;
	}
	if (sent == 1)
		*out = found;
	else if (sent > 1)
		error_set(err, ERROR_USAGE, _("several credentials fit; say which: %s"),
			buffer_text(&there));
	else if (named > 0)
		error_set(err, ERROR_USAGE,
			_("%s wants no one-time password that the service sends"), name);
	else
		error_set(err, ERROR_WORKPLACE,
			_("no credential %s is known; podpis cloud list shows them, podpis cloud "
			  "refresh asks for them"),
			name);
	buffer_free(&there);
	return sent == 1;
}

static bool run(struct context *context, struct error *err)
{
	bool dry = options_has(&context->options, "dry-run"), done = false;
	struct cloud_slots cloud = {.functions = NULL};
	const struct cloud_slot *slot = NULL;

	if (!cloud_slots_open(context, &cloud, err) ||
		!choose(&cloud, context->options.arguments[0], &slot, err) ||
		(!dry && !cloud_slots_send_otp(context, &cloud, slot, err)))
		goto out;
	output_text(&context->output,
		dry ? _("The service of %s would be asked to send the one-time password of %s.\n")
		    : _("The service of %s sends the one-time password of %s. It goes behind the "
			"PIN, after a space.\n"),
		slot->section->name, slot->credential.id);
	output_json(&context->output, "slot", json_string(slot->section->name));
	output_json(&context->output, "credential", json_string(slot->credential.id));
	output_json(&context->output, "sent", json_boolean(!dry));
	done = true;
out:
	cloud_slots_close(&cloud);
	return done;
}

const struct command cloud_otp_command = {
	.name = "cloud otp",
	.arguments = "SLOT|CREDENTIAL",
	.summary = N_("has the signing service send a credential's one-time password"),
	.options = {options_cloud, options_dry_run},
	.minimum = 1,
	.maximum = 1,
	.run = run,
};
