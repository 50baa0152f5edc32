#include "provision/commands/admin.h"

#include <stdlib.h>
#include <string.h>

#include "provision/person.h"

#define COLUMNS 5

static const struct option options_list[] = {
	{"state", "STATE", N_("only those in this state"), false},
	{0},
};

static const struct option options_return[] = {
	{"field", "FIELD", N_("what is wrong, as person.ini names it"), false},
	{"reason", "TEXT", N_("why, in words for the applicant"), false},
	{0},
};

static const struct option options_reject[] = {
	{"reason", "TEXT", N_("why, in words for the applicant"), false},
	{0},
};

bool admin_open(struct context *context, struct authority **out, struct error *err)
{
	struct authority *authority = NULL;
	struct authority_account account;
	const char *name;

	if (!context_authority(context, &name, err) ||
		!authority_open(context->config, name, context->log, &authority, err))
		return false;
	if (authority->class->account == NULL || authority->class->admin_confirm == NULL) {
		error_set(err, ERROR_USAGE, _("%s has no administrators"), name);
	} else if (authority->class->account(authority, &account, err)) {
		if (strcmp(account.role, "administrator") == 0) {
			*out = authority;
			return true;
		}
		error_set(err, ERROR_USAGE, _("%s is no administrator at %s"), account.name, name);
	}
	authority_close(authority);
	return false;
}

/* The administrator's own signature, from --signer, else the one in the token of --slot. */
struct administrator {
	struct uri uri;
	struct slot slot;
	struct token_signer signer;
};

static void administrator_clear(struct administrator *administrator)
{
	token_signer_clear(&administrator->signer);
	slot_close(&administrator->slot);
	uri_clear(&administrator->uri);
}

static bool administrator_open(
	struct context *context, struct administrator *administrator, struct error *err)
{
	const struct options *options = &context->options;
	const char *text = options_get(options, "signer");
	const char *module = options_get(options, "signer-module");
	struct slot_wish wish = {
		.module_path = options_get(options, "module"),
		.name = options_get(options, "slot"),
	};
	enum pin_kind kind = PIN_USER;

	if (text != NULL) {
		if (!uri_parse(text, &administrator->uri, err))
			return false;
		wish = uri_wish(&administrator->uri);
		if (module != NULL)
			wish.module_path = module;
		if (pin_given(&context->pins, options, PIN_SIGNER) ||
			!pin_given(&context->pins, options, PIN_USER))
			kind = PIN_SIGNER;
	}
	return slot_open(&context->modules, &wish, &administrator->slot, err) &&
	       slot_login_with(&administrator->slot, &context->pins, options, kind, err) &&
	       token_signer_open(&administrator->slot, text != NULL ? &administrator->uri : NULL,
		       NULL, &administrator->signer, err);
}

bool admin_sign(struct context *context, const struct buffer *statement, struct buffer *cms,
	struct error *err)
{
	struct administrator administrator = {0};
	bool done = administrator_open(context, &administrator, err) &&
		    token_signer_sign(&administrator.signer, statement->data, statement->length,
			    time(NULL), cms, err);

	if (done)
		output_field(&context->output, _("Signed with"), administrator.signer.uri);
	administrator_clear(&administrator);
	return done;
}

json_t *admin_json(const struct authority_status *status)
{
	json_t *application = status->summary != NULL ? json_loads(status->summary, 0, NULL) : NULL;
	json_t *fields = json_array();

	for (size_t i = 0; i < status->field_count; i++)
		json_array_append_new(
			fields, json_pack("{s:s, s:s}", "name", status->fields[i].name, "reason",
					status->fields[i].reason));
	return json_pack("{s:s, s:s, s:s, s:s?, s:s?, s:o, s:o}", "id", status->id, "state",
		flow_state_info(status->state)->name, "status", status->words, "holder",
		status->holder, "reason", status->reason, "fields", fields, "application",
		application != NULL ? application : json_null());
}

void admin_tell(struct context *context, const struct authority_status *status)
{
	output_text(&context->output, _("Application %s of %s: %s (%s)\n"), status->id,
		status->holder != NULL ? status->holder : "?", status->words,
		flow_state_info(status->state)->name);
	output_json(&context->output, "application", admin_json(status));
}

static void show_list(struct context *context, const struct authority_status *list, size_t count,
	const enum flow_state *only)
{
	const char **cells = calloc((count + 1) * COLUMNS, sizeof(*cells));
	json_t *array = json_array();
	size_t rows = 1;

	if (cells == NULL)
		return;
	cells[0] = _("ID");
	cells[1] = _("State");
	cells[2] = _("Holder");
	cells[3] = _("Status");
	cells[4] = _("Reason");
	for (size_t i = 0; i < count; i++) {
		const char **row = cells + rows * COLUMNS;

		if (only != NULL && list[i].state != *only)
			continue;
		row[0] = list[i].id;
		row[1] = flow_state_info(list[i].state)->name;
		row[2] = list[i].holder;
		row[3] = list[i].words;
		row[4] = list[i].reason;
		rows++;
		json_array_append_new(array, admin_json(&list[i]));
	}
	if (rows > 1)
		output_table(&context->output, cells, rows, COLUMNS);
	else
		output_text(&context->output, "%s\n", _("There are no such applications."));
	output_json(&context->output, "applications", array);
	free(cells);
}

static bool list_run(struct context *context, struct error *err)
{
	const char *state = options_get(&context->options, "state");
	struct authority_status *list = NULL;
	struct authority *authority = NULL;
	enum flow_state only;
	size_t count = 0;
	bool done = false;

	if (state != NULL && !flow_state_by_name(state, &only))
		return error_set(err, ERROR_USAGE, _("there is no state %s"), state);
	if (!admin_open(context, &authority, err))
		goto out;
	if (options_has(&context->options, "dry-run")) {
		output_text(&context->output,
			_("%s would be asked for the organisation's applications.\n"),
			authority->name);
		output_json(&context->output, "authority", json_string(authority->name));
		done = true;
		goto out;
	}
	if (!authority->class->list(authority, &list, &count, err))
		goto out;
	show_list(context, list, count, state != NULL ? &only : NULL);
	done = true;
out:
	for (size_t i = 0; i < count; i++)
		authority_status_clear(&list[i]);
	free(list);
	authority_close(authority);
	return done;
}

/* Sends it back, or away; doing it again where it is so already does nothing. */
static bool send_back(struct context *context, bool for_good, struct error *err)
{
	const char *reason = options_get(&context->options, "reason");
	const char *field = for_good ? NULL : options_get(&context->options, "field");
	/* The authority's id, as `admin list` shows it: the journal's numbers are of one's own applications. */
	const char *id = context->options.arguments[0];
	enum flow_state after = for_good ? STATE_REJECTED : STATE_RETURNED;
	struct authority_status before = {0}, status = {0};
	struct authority *authority = NULL;
	enum person_field known;
	bool done = false;

	if (reason == NULL || reason[0] == '\0')
		return error_set(
			err, ERROR_USAGE, _("--reason TEXT: the applicant has to know why"));
	if (field != NULL && !person_field_by_name(field, &known))
		return error_set(err, ERROR_USAGE, _("there is no field %s"), field);
	if (!admin_open(context, &authority, err) ||
		!authority->class->poll(authority, id, &before, err))
		goto out;
	if (before.state == after) {
		admin_tell(context, &before);
		done = true;
		goto out;
	}
	if (options_has(&context->options, "dry-run")) {
		admin_tell(context, &before);
		output_text(&context->output,
			for_good ? _("It would be rejected: %s\n")
				 : _("It would be returned: %s\n"),
			reason);
		done = true;
		goto out;
	}
	done = for_good
		       ? authority->class->admin_reject(authority, id, reason, &status, err)
		       : authority->class->admin_return(authority, id, field, reason, &status, err);
	if (done)
		admin_tell(context, &status);
out:
	authority_status_clear(&before);
	authority_status_clear(&status);
	authority_close(authority);
	return done;
}

static bool return_run(struct context *context, struct error *err)
{
	return send_back(context, false, err);
}

static bool reject_run(struct context *context, struct error *err)
{
	return send_back(context, true, err);
}

const struct command admin_list_command = {
	.name = "admin list",
	.arguments = "",
	.summary = N_("the administrator's view: the organisation's applications"),
	.options = {options_list, options_authority, options_dry_run},
	.run = list_run,
};

const struct command admin_return_command = {
	.name = "admin return",
	.arguments = "ID",
	.summary = N_("returns an application to its applicant for correction"),
	.options = {options_return, options_authority, options_dry_run},
	.minimum = 1,
	.maximum = 1,
	.run = return_run,
};

const struct command admin_reject_command = {
	.name = "admin reject",
	.arguments = "ID",
	.summary = N_("refuses an application for good"),
	.options = {options_reject, options_authority, options_dry_run},
	.minimum = 1,
	.maximum = 1,
	.run = reject_run,
};
