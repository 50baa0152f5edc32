#include "provision/commands/admin.h"

#include <stdlib.h>
#include <string.h>

#include "provision/application.h"

/*
 * What the authority shows of the application has to be what its hash says: the statement is about the bytes
 * that the applicant sent, so the administrator must have seen just these.
 */
static bool check_shown(
	const struct authority_status *status, struct application *application, struct error *err)
{
	struct buffer bytes = BUFFER_INIT(1 << 20);
	uint8_t hash[32];
	bool done = false;

	if (status->summary == NULL || !status->has_application_sha256) {
		error_set(err, ERROR_FAILED, _("the authority does not show what was applied for"));
		goto out;
	}
	if (!application_decode(
		    (const uint8_t *)status->summary, strlen(status->summary), application, err) ||
		!application_encode(application, &bytes, err) ||
		!application_sha256(bytes.data, bytes.length, hash, err)) {
		error_prefix(err, _("the application as the authority shows it"));
		goto out;
	}
	if (memcmp(hash, status->application_sha256, sizeof(hash)) != 0) {
		error_set(err, ERROR_FAILED,
			_("what the authority shows is not what was applied for (its SHA-256 "
			  "differs)"));
		goto out;
	}
	done = true;
out:
	buffer_free(&bytes);
	return done;
}

static void show_person(struct context *context, const struct authority_status *status,
	const struct application *application)
{
	output_text(&context->output, "%s\n",
		_("You confirm that you established in person who this is:"));
	output_field(&context->output, _("Application"), status->id);
	output_field(&context->output, _("Profile"), application->profile);
	for (size_t i = 0; i < PERSON_FIELD_COUNT; i++)
		output_field(&context->output, _(person_field_info((enum person_field)i)->label),
			application->person.values[i]);
}

static bool make_statement(const struct authority_status *status,
	const struct application *application, struct buffer *out, struct error *err)
{
	char *holder = person_full_name(&application->person), *text = NULL;
	char hash[65];
	json_t *json;
	bool done;

	application_hex(status->application_sha256, 32, hash);
	json = json_pack("{s:s, s:s, s:s, s:s, s:s}", "application", status->id,
		"application_sha256", hash, "holder", holder, "identification", "in-person",
		"statement", "Личность заявителя установлена при личном присутствии");
	text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
	done = text != NULL && buffer_append_text(out, text);
	free(holder);
	free(text);
	json_decref(json);
	return done || error_set(err, ERROR_FAILED, _("out of memory"));
}

static bool sign_and_send(struct context *context, struct authority *authority,
	const struct authority_status *before, const struct application *application,
	struct error *err)
{
	struct buffer statement = BUFFER_INIT(64 << 10), cms = BUFFER_INIT(1 << 20);
	struct authority_status status = {0};
	bool done = false;

	if (!make_statement(before, application, &statement, err) ||
		!admin_sign(context, &statement, &cms, err))
		goto out;
	if (!authority->class->admin_confirm(authority, before->id, statement.data,
		    statement.length, cms.data, cms.length, &status, err))
		goto out;
	admin_tell(context, &status);
	done = true;
out:
	authority_status_clear(&status);
	buffer_free(&statement);
	buffer_free(&cms);
	return done;
}

/* Past the point of confirming, and not refused: it was done before. */
static bool confirmed_before(enum flow_state state)
{
	return state >= STATE_AWAITING_SIGNATURES && state <= STATE_CONFIRMED;
}

static bool run(struct context *context, struct error *err)
{
	struct application application = {0};
	struct authority *authority = NULL;
	struct authority_status status = {0};
	const char *id = context->options.arguments[0];
	bool done = false;

	if (!admin_open(context, &authority, err) ||
		!authority->class->poll(authority, id, &status, err))
		goto out;
	if (confirmed_before(status.state)) {
		output_progress(
			&context->output, _("Application %s is past its confirmation already"), id);
		admin_tell(context, &status);
		done = true;
		goto out;
	}
	if (status.state != STATE_AWAITING_CONFIRMATION) {
		error_set(err, ERROR_REFUSED, _("application %s is not to be confirmed: it is %s"),
			id, flow_state_info(status.state)->name);
		goto out;
	}
	if (!check_shown(&status, &application, err))
		goto out;
	show_person(context, &status, &application);
	if (options_has(&context->options, "dry-run"))
		done = true;
	else
		done = sign_and_send(context, authority, &status, &application, err);
out:
	application_clear(&application);
	authority_status_clear(&status);
	authority_close(authority);
	return done;
}

const struct command admin_confirm_command = {
	.name = "admin confirm",
	.arguments = "ID",
	.summary = N_("confirms with the administrator's signature who the applicant is"),
	.options = {options_slot, options_signer, options_authority, options_dry_run},
	.minimum = 1,
	.maximum = 1,
	.run = run,
};
