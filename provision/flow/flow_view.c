#include "provision/flow/flow.h"

#include <stdlib.h>
#include <string.h>

#include "provision/application.h"
#include "provision/i18n.h"

/* What comes after each state. */
static const enum flow_step steps[STATE_COUNT] = {
	[STATE_DRAFT] = FLOW_SUBMIT,
	[STATE_AWAITING_REQUEST] = FLOW_COMPLETE,
	[STATE_PROCESSING] = FLOW_WAIT,
	[STATE_AWAITING_CONFIRMATION] = FLOW_WAIT,
	[STATE_RETURNED] = FLOW_CORRECT,
	[STATE_REJECTED] = FLOW_NOTHING,
	[STATE_AWAITING_SIGNATURES] = FLOW_SIGN,
	[STATE_REVIEWING] = FLOW_WAIT,
	[STATE_AWAITING_IDENTIFICATION] = FLOW_IDENTIFY,
	[STATE_IDENTIFYING] = FLOW_WAIT,
	[STATE_IDENTIFICATION_FAILED] = FLOW_IDENTIFY,
	[STATE_APPROVING] = FLOW_WAIT,
	[STATE_READY] = FLOW_DOWNLOAD,
	[STATE_CONFIRMED] = FLOW_NOTHING,
	[STATE_CANCELLED] = FLOW_NOTHING,
	[STATE_REVOKED] = FLOW_NOTHING,
	[STATE_DOWNLOADED] = FLOW_INSTALL,
	[STATE_INSTALL_FAILED] = FLOW_INSTALL,
	[STATE_INSTALLED] = FLOW_NOTHING,
};

static const struct {
	const char *name, *text;
} step_texts[] = {
	/* %1$lld is the application's id. */
	[FLOW_NOTHING] = {"", N_("nothing")},
	[FLOW_SUBMIT] = {"apply", N_("to be sent: podpis apply --application %1$lld")},
	[FLOW_COMPLETE] = {"complete",
		N_("your key and request: podpis apply --application %1$lld --slot LABEL")},
	[FLOW_CORRECT] = {"correct",
		N_("to be corrected: podpis apply --application %1$lld --data FILE")},
	[FLOW_WAIT] = {"wait", N_("the authority's turn, ask with: podpis refresh %1$lld")},
	[FLOW_SIGN] = {"sign", N_("podpis sign %1$lld")},
	[FLOW_IDENTIFY] = {"identify", N_("podpis identify %1$lld")},
	[FLOW_DOWNLOAD] = {"download", N_("podpis download %1$lld")},
	[FLOW_INSTALL] = {"install", N_("podpis install %1$lld")},
	[FLOW_ACKNOWLEDGE] = {"acknowledge",
		N_("the receipt is to be confirmed: podpis install %1$lld")},
};

enum flow_step flow_next(const struct journal_application *row)
{
	if (row->state == STATE_INSTALLED && row->acknowledged == 0)
		return FLOW_ACKNOWLEDGE;
	/* The authority has heard of the receipt, but here is no certificate to the key. */
	if (row->state == STATE_CONFIRMED && row->key_uri != NULL)
		return FLOW_DOWNLOAD;
	return steps[row->state];
}

const char *flow_step_text(const struct journal_application *row, char text[FLOW_STEP_TEXT_MAX])
{
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(text, FLOW_STEP_TEXT_MAX, _(step_texts[flow_next(row)].text), (long long)row->id);
#pragma GCC diagnostic pop
	return text;
}

/* "inn: …; snils: …" of the fields that the authority named. */
static void fields_text(const struct journal_application *row, struct buffer *out)
{
	json_t *list = row->fields != NULL ? json_loads(row->fields, 0, NULL) : NULL;
	json_t *field;
	size_t i;

	json_array_foreach(list, i, field)
	{
		const char *name = json_string_value(json_object_get(field, "name"));
		const char *reason = json_string_value(json_object_get(field, "reason"));

		buffer_printf(out, "%s%s: %s", i > 0 ? "; " : "", name != NULL ? name : "?",
			reason != NULL ? reason : "");
	}
	json_decref(list);
}

bool flow_verdict(const struct journal_application *row, struct error *err)
{
	const char *name = flow_state_info(row->state)->name;
	struct buffer fields = BUFFER_INIT(768);
	char when[OUTPUT_TIME_MAX];
	bool good = false;

	switch (row->state) {
	case STATE_RETURNED:
	case STATE_REJECTED:
	case STATE_CANCELLED:
	case STATE_REVOKED:
		fields_text(row, &fields);
		error_set(err, ERROR_REFUSED, _("application %lld is %s%s%s%s%s"),
			(long long)row->id, name, row->reason != NULL ? ": " : "",
			row->reason != NULL ? row->reason : "", fields.length > 0 ? "; " : "",
			buffer_text(&fields));
		break;
	default:
		good = flow_next(row) != FLOW_WAIT;
		if (!good && row->next_poll != 0)
			error_set(err, ERROR_WAITING, _("application %lld: %s; next look at %s"),
				(long long)row->id, row->words != NULL ? row->words : name,
				output_time((time_t)row->next_poll, when));
		else if (!good)
			error_set(err, ERROR_WAITING, "%lld: %s", (long long)row->id,
				row->words != NULL ? row->words : name);
		break;
	}
	buffer_free(&fields);
	return good;
}

static json_t *text_json(const char *text)
{
	return text != NULL ? json_string(text) : json_null();
}

static json_t *parsed_json(const char *text)
{
	json_t *value = text != NULL ? json_loads(text, 0, NULL) : NULL;

	return value != NULL ? value : json_null();
}

static json_t *hash_json(const struct journal_blob *hash)
{
	char text[65];

	if (hash->data == NULL || hash->length != 32)
		return json_null();
	application_hex(hash->data, 32, text);
	return json_string(text);
}

static json_t *time_json(int64_t when)
{
	char text[OUTPUT_TIME_MAX];

	return when != 0 ? json_string(output_time((time_t)when, text)) : json_null();
}

static json_t *actions_json(int64_t actions)
{
	static const char *const names[] = {"request", "resubmit", "sign", "identify", "download",
		"confirm", "cancel", "revoke"};
	json_t *list = json_array();

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if ((actions & (int64_t)1 << i) != 0)
			json_array_append_new(list, json_string(names[i]));
	}
	return list;
}

json_t *flow_json(const struct journal_application *row)
{
	json_t *object = json_object();
	char id[24];

	snprintf(id, sizeof(id), "%lld", (long long)row->id);
	json_object_set_new(object, "id", json_string(id));
	json_object_set_new(object, "authority", text_json(row->authority));
	json_object_set_new(object, "authority_id", text_json(row->remote_id));
	json_object_set_new(object, "state", json_string(flow_state_info(row->state)->name));
	json_object_set_new(object, "authority_state",
		row->remote_id != NULL ? json_string(flow_state_info(row->remote_state)->name)
				       : json_null());
	json_object_set_new(object, "status", text_json(row->words));
	json_object_set_new(object, "next", json_string(step_texts[flow_next(row)].name));
	json_object_set_new(object, "poll", json_boolean(row->poll != 0));
	json_object_set_new(object, "next_poll", time_json(row->next_poll));
	json_object_set_new(object, "reason", text_json(row->reason));
	json_object_set_new(object, "fields", parsed_json(row->fields));
	json_object_set_new(object, "actions", actions_json(row->actions));
	json_object_set_new(object, "documents", parsed_json(row->documents));
	json_object_set_new(object, "holder", text_json(row->holder));
	json_object_set_new(object, "account", text_json(row->account));
	json_object_set_new(object, "profile", text_json(row->profile));
	json_object_set_new(object, "identification", text_json(row->identification));
	json_object_set_new(object, "person", parsed_json(row->person));
	json_object_set_new(object, "renews",
		row->renews != 0 ? json_sprintf("%lld", (long long)row->renews) : json_null());
	json_object_set_new(object, "label", text_json(row->label));
	json_object_set_new(object, "key", text_json(row->key_uri));
	json_object_set_new(object, "signer", text_json(row->signer_uri));
	json_object_set_new(object, "signer_sha256", hash_json(&row->signer_sha256));
	json_object_set_new(object, "certificate_sha256", hash_json(&row->certificate_sha256));
	json_object_set_new(object, "not_after", time_json(row->not_after));
	json_object_set_new(object, "installed_at", time_json(row->installed));
	json_object_set_new(object, "confirmed_at", time_json(row->acknowledged));
	json_object_set_new(object, "created_at", time_json(row->created));
	json_object_set_new(object, "updated_at", time_json(row->updated));
	return object;
}

static enum output_colour state_colour(enum flow_state state)
{
	switch (state) {
	case STATE_RETURNED:
	case STATE_REJECTED:
	case STATE_INSTALL_FAILED:
	case STATE_IDENTIFICATION_FAILED:
		return COLOUR_BAD;
	case STATE_INSTALLED:
	case STATE_CONFIRMED:
		return COLOUR_GOOD;
	default:
		return COLOUR_NOTE;
	}
}

void flow_show(struct flow *flow)
{
	const struct journal_application *row = &flow->row;
	const struct flow_state_info *info = flow_state_info(row->state);
	struct output *output = &flow->context->output;
	struct buffer fields = BUFFER_INIT(4096);
	char when[OUTPUT_TIME_MAX], id[24], text[FLOW_STEP_TEXT_MAX];
	enum flow_step next = flow_next(row);

	snprintf(id, sizeof(id), "%lld", (long long)row->id);
	output_text(output, _("Application %s"), id);
	output_text(output, ": %s%s%s (%s)\n", output_colour(output, state_colour(row->state)),
		info->name, output_colour(output, COLOUR_NONE), _(info->description));
	output_field(output, _("Status"), row->words);
	output_field(output, _("Reason"), row->reason);
	fields_text(row, &fields);
	output_field(output, _("Fields"), buffer_text(&fields));
	if (next != FLOW_NOTHING)
		output_field(output, _("Next"), flow_step_text(row, text));
	if (next == FLOW_WAIT && row->next_poll != 0)
		output_field(output, _("Next look"), output_time((time_t)row->next_poll, when));
	buffer_free(&fields);
}
