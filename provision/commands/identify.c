#include "provision/commands/identify.h"

#include <string.h>

#include "module/support/loopback.h"
#include "module/support/oauth.h"
#include "provision/commands/commands.h"
#include "provision/flow/documents.h"
#include "provision/workplace/browser.h"

#define PORTAL_SECONDS 600 /* as long as the portal's address lives */

const struct option options_identify[] = {
	{"no-browser", NULL, N_("shows the address instead of opening it"), false},
	{0},
};

/* Is it the time? *due false: it was done before. */
static bool check_time(const struct journal_application *row, bool *due, struct error *err)
{
	enum flow_step step = flow_next(row);
	char text[FLOW_STEP_TEXT_MAX];

	*due = step == FLOW_IDENTIFY;
	if (*due)
		return true;
	if (row->identification != NULL && strcmp(row->identification, "biometric") != 0)
		return error_set(err, ERROR_USAGE,
			_("application %lld is identified otherwise (%s): nothing is to be done on "
			  "the "
			  "portal"),
			(long long)row->id, row->identification);
	if (step == FLOW_SUBMIT || step == FLOW_COMPLETE || step == FLOW_SIGN)
		return error_set(err, ERROR_PERSON, _("application %lld: first comes: %s"),
			(long long)row->id, flow_step_text(row, text));
	if (row->state == STATE_PROCESSING || row->state == STATE_REVIEWING || step == FLOW_CORRECT)
		return flow_verdict(row, err);
	return row->state != STATE_REJECTED && row->state != STATE_CANCELLED
		       ? true
		       : flow_verdict(row, err);
}

/* The certificate's contents against the application: who goes to the portal has read them. */
static bool show_contents(struct flow *flow, struct error *err)
{
	struct documents documents = {0};
	bool done;

	done = documents_read(&flow->row, &documents, err) &&
	       (documents.count == 0 || (documents_fetch(flow, &documents, err) &&
						documents_compare(flow, &documents, err)));
	documents_clear(&documents);
	return done;
}

static bool over_and_back(struct flow *flow, struct error *err)
{
	const struct authority_class *class = flow->authority->class;
	struct browser browser = {
		.output = &flow->context->output,
		.show_only = options_has(&flow->context->options, "no-browser"),
	};
	struct authority_identification way = {.url = BUFFER_INIT(4096)};
	struct buffer code = BUFFER_INIT(OAUTH_TOKEN_MAX);
	struct authority_status status = {0};
	struct oauth_attempt attempt = {0};
	struct loopback *loopback = NULL;
	bool done = false, came_back;

	if (!oauth_attempt_new(&attempt, err) || !loopback_open(flow->context->log, &loopback, err))
		goto out;
	way.redirect_uri = loopback_uri(loopback);
	way.state = attempt.state;
	way.code_challenge = attempt.challenge;
	if (!class->identify_begin(flow->authority, flow->row.remote_id, &way, err) ||
		!journal_save(flow->journal, &flow->row, "identification-begun", NULL, err) ||
		!browser_open(&browser, buffer_text(&way.url), err))
		goto out;
	output_progress(&flow->context->output,
		_("Waiting for the way back from the portal, %d minutes at most"),
		PORTAL_SECONDS / 60);
	/* Whoever wants to see the application meanwhile does not wait for the person at the portal. */
	flow_pause(flow);
	came_back = loopback_wait(loopback, attempt.state, PORTAL_SECONDS, NULL, &code, err);
	if (!flow_resume(flow, came_back ? err : NULL))
		goto out;
	if (!came_back) {
		error_prefix(err, _("application %lld is not identified"), (long long)flow->row.id);
		goto out;
	}
	way.code = buffer_text(&code);
	way.code_verifier = attempt.verifier;
	done = class->identify_complete(flow->authority, flow->row.remote_id, &way, &status, err) &&
	       flow_take(flow, &status, "identified", err);
out:
	loopback_close(loopback);
	oauth_attempt_clear(&attempt);
	buffer_free(&code);
	buffer_free(&way.url);
	return done;
}

bool identify_flow(struct flow *flow, struct error *err)
{
	bool due = false;

	if (!flow_authority(flow, err) ||
		!flow_has(flow, (const void *)(uintptr_t)flow->authority->class->identify_begin,
			"identify", err) ||
		!flow_refresh(flow, err) || !check_time(&flow->row, &due, err))
		return false;
	if (!due) {
		output_progress(&flow->context->output, _("Application %lld: already identified"),
			(long long)flow->row.id);
		return true;
	}
	if (!show_contents(flow, err))
		return false;
	if (!flow_dry_run(flow))
		return over_and_back(flow, err);
	output_text(&flow->context->output, _("The browser would open the identity portal.\n"));
	return true;
}

static bool run(struct context *context, struct error *err)
{
	struct flow flow;
	bool done;

	if (!flow_open(context, context->options.arguments[0], &flow, err))
		return false;
	done = identify_flow(&flow, err);
	commands_tell(&flow, done);
	flow_close(&flow);
	return done;
}

static const struct option options_contents[] = {
	{"accept", "FIELD", N_("goes on although this field of the certificate differs"), true},
	{0},
};

const struct command identify_command = {
	.name = "identify",
	.arguments = "ID",
	.summary = N_("«Приступить»: to the identity portal in the browser, and back"),
	.options = {options_identify, options_contents, options_authority, options_dry_run},
	.minimum = 1,
	.maximum = 1,
	.run = run,
};
