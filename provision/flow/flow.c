#include "provision/flow/flow.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "provision/application.h"
#include "provision/i18n.h"

#define POLL_DEFAULT 15   /* seconds, where the authority has no wish */
#define POLL_MAX     3600 /* a wish for more is looked at every hour */
#define RETRIES      6    /* of a wait, when the authority can't be reached */

bool flow_dry_run(const struct flow *flow)
{
	return options_has(&flow->context->options, "dry-run");
}

bool flow_new(struct context *context, struct flow *flow, struct error *err)
{
	*flow = (struct flow){.context = context, .lock = -1};
	return flow_dry_run(flow) ? journal_look(&flow->journal, err)
				  : journal_open(&flow->journal, err);
}

void flow_close(struct flow *flow)
{
	if (flow->authority != NULL)
		authority_close(flow->authority);
	journal_application_clear(&flow->row);
	if (flow->journal != NULL) {
		journal_unlock(flow->lock);
		journal_close(flow->journal);
	}
	*flow = (struct flow){.lock = -1};
}

static bool lock_and_load(struct flow *flow, int64_t id, struct error *err)
{
	if (!journal_try_lock(flow->journal, id, &flow->lock, err))
		return false;
	if (flow->lock < 0) {
		output_progress(&flow->context->output,
			_("Another podpis is working on application %lld; waiting for it…"),
			(long long)id);
		if (!journal_lock(flow->journal, id, &flow->lock, NULL, err))
			return false;
	}
	return journal_load(flow->journal, id, &flow->row, err);
}

void flow_pause(struct flow *flow)
{
	journal_unlock(flow->lock);
	flow->lock = -1;
}

bool flow_resume(struct flow *flow, struct error *err)
{
	return lock_and_load(flow, flow->row.id, err);
}

bool flow_open_id(struct context *context, int64_t id, struct flow *flow, struct error *err)
{
	struct flow made;

	if (!flow_new(context, &made, err))
		return false;
	if (!lock_and_load(&made, id, err)) {
		flow_close(&made);
		return false;
	}
	*flow = made;
	return true;
}

bool flow_authority(struct flow *flow, struct error *err)
{
	if (flow->authority != NULL)
		return true;
	return context_check_config(flow->context, err) &&
	       authority_open(flow->context->config, flow->row.authority, flow->context->log,
		       &flow->authority, err);
}

bool flow_has(const struct flow *flow, const void *function, const char *step, struct error *err)
{
	return function != NULL ||
	       error_set(err, ERROR_USAGE,
		       _("%s: an authority with the protocol %s has no such step (%s)"),
		       flow->row.authority, flow->authority->class->protocol, step);
}

/* What the tool calls it: the authority's state, until the certificate is here. */
static enum flow_state settle(const struct journal_application *row)
{
	if (row->remote_state == STATE_CANCELLED || row->remote_state == STATE_REVOKED ||
		row->remote_state == STATE_REJECTED)
		return row->remote_state;
	if (row->installed != 0)
		return STATE_INSTALLED;
	if (row->certificates != NULL)
		return row->state == STATE_INSTALL_FAILED ? STATE_INSTALL_FAILED : STATE_DOWNLOADED;
	return row->remote_id != NULL ? row->remote_state : STATE_DRAFT;
}

static char *fields_json(const struct authority_status *status)
{
	json_t *list = json_array();
	char *text;

	for (size_t i = 0; i < status->field_count; i++)
		json_array_append_new(list, json_pack("{s:s, s:s?}", "name", status->fields[i].name,
						    "reason", status->fields[i].reason));
	text = json_dumps(list, JSON_COMPACT);
	json_decref(list);
	return text;
}

static char *documents_json(const struct authority_status *status)
{
	json_t *list = json_array();
	char *text;

	for (size_t i = 0; i < status->document_count; i++) {
		const struct authority_document *document = &status->documents[i];
		char hash[65];

		application_hex(document->sha256, 32, hash);
		json_array_append_new(
			list, json_pack("{s:s, s:s?, s:s?, s:s, s:I, s:s, s:b}", "id", document->id,
				      "title", document->title, "media_type", document->media_type,
				      "sha256", hash, "size", (json_int_t)document->size, "signer",
				      document->signer == DOCUMENT_SIGNER_NEW_KEY ? "new-key"
										  : "application",
				      "form", document->is_form));
	}
	text = json_dumps(list, JSON_COMPACT);
	json_decref(list);
	return text;
}

/* What the journal does not know of an application that somebody else filed. */
static bool take_summary(
	struct flow *flow, const struct authority_status *status, struct error *err)
{
	struct journal_application *row = &flow->row;
	struct application application = {0};
	json_t *person;
	char *text = NULL;
	bool done = false;

	if (row->person != NULL || status->summary == NULL)
		return true;
	if (!application_decode(
		    (const uint8_t *)status->summary, strlen(status->summary), &application, err)) {
		error_prefix(err, _("the authority's copy of the application"));
		goto out;
	}
	person = person_json(&application.person);
	text = person != NULL ? json_dumps(person, JSON_COMPACT) : NULL;
	json_decref(person);
	free(row->holder);
	row->holder = person_full_name(&application.person);
	done = text != NULL && row->holder != NULL && journal_text(&row->person, text) &&
	       journal_text(&row->profile, application.profile) &&
	       journal_text(&row->identification, application.identification);
	if (!done)
		error_set(err, ERROR_FAILED, _("out of memory"));
out:
	free(text);
	application_clear(&application);
	return done;
}

bool flow_answer(struct flow *flow, struct authority_status *status, const char *event,
	struct journal_step *step, struct error *err)
{
	struct journal_application *row = &flow->row;
	bool changed = row->remote_id == NULL || row->remote_state != status->state ||
		       (status->words != NULL &&
			       (row->words == NULL || strcmp(row->words, status->words) != 0));
	char *fields = fields_json(status), *documents = documents_json(status);
	bool done = false;

	if (fields == NULL || documents == NULL ||
		!journal_text(&row->remote_id, status->id != NULL ? status->id : row->remote_id) ||
		!journal_text(&row->words, status->words) ||
		!journal_text(&row->reason, status->reason) ||
		!journal_text(&row->fields, fields) || !journal_text(&row->documents, documents)) {
		error_set(err, ERROR_FAILED, _("out of memory"));
		goto out;
	}
	/* What was fetched is known better. */
	if (status->has_certificate_sha256 && row->certificates == NULL &&
		!journal_bytes(&row->certificate_sha256, status->certificate_sha256, 32)) {
		error_set(err, ERROR_FAILED, _("out of memory"));
		goto out;
	}
	row->remote_state = status->state;
	row->actions = (int64_t)status->actions;
	row->poll = status->poll;
	row->next_poll = (int64_t)status->next_poll;
	if (!take_summary(flow, status, err))
		goto out;
	row->state = settle(row);
	if (flow_dry_run(flow))
		done = true;
	else if (row->id == 0)
		done = journal_add(
			flow->journal, row, event, flow_state_info(row->state)->name, err);
	else
		done = journal_answer(flow->journal, row,
			changed || strcmp(event, "refreshed") != 0 ? event : NULL,
			flow_state_info(row->state)->name, step, event, err);
out:
	free(fields);
	free(documents);
	authority_status_clear(status);
	return done;
}

bool flow_take(
	struct flow *flow, struct authority_status *status, const char *event, struct error *err)
{
	return flow_answer(flow, status, event, NULL, err);
}

/* The application's row from the authority, for an id that the journal does not know. */
static bool adopt(struct flow *flow, const char *id, struct error *err)
{
	struct authority_status status = {0};
	const char *authority;
	int64_t known = 0;
	int lock = -1;
	bool done = false;

	if (!context_authority(flow->context, &authority, err))
		return false;
	if (flow_dry_run(flow))
		return error_set(err, ERROR_USAGE, _("%s would be asked"), authority);
	if (!journal_text(&flow->row.authority, authority) || !flow_authority(flow, err) ||
		!flow_has(
			flow, (const void *)(uintptr_t)flow->authority->class->poll, "poll", err) ||
		!flow->authority->class->poll(flow->authority, id, &status, err))
		return false;
	if (!journal_lock(flow->journal, 0, &lock, NULL, err))
		goto out;
	/* Another process may have been quicker. */
	if (!journal_find_remote(flow->journal, authority, status.id, &known, err))
		goto out;
	if (known == 0 && !flow_take(flow, &status, "adopted", err))
		goto out;
	done = lock_and_load(flow, known != 0 ? known : flow->row.id, err);
out:
	journal_unlock(lock);
	authority_status_clear(&status);
	return done;
}

bool flow_open(struct context *context, const char *id, struct flow *flow, struct error *err)
{
	struct flow made;
	int64_t number = 0;
	bool done;

	if (!flow_new(context, &made, err))
		return false;
	done = journal_find(made.journal, id, &number, err);
	if (done && number != 0) {
		done = lock_and_load(&made, number, err);
	} else if (done && strlen(id) < 4) {
		/* Too short for an authority's id: do not bother it. */
		done = error_set(err, ERROR_USAGE,
			_("there is no application %s; podpis list shows them"), id);
	} else if (done) {
		done = adopt(&made, id, err);
		if (!done && err != NULL &&
			(err->code == ERROR_REFUSED || err->code == ERROR_FAILED ||
				err->code == ERROR_USAGE)) {
			err->code = ERROR_USAGE;
			error_prefix(err, _("there is no application %s in the journal"), id);
		}
	}
	if (!done) {
		flow_close(&made);
		return false;
	}
	*flow = made;
	return true;
}

bool flow_refresh(struct flow *flow, struct error *err)
{
	struct authority_status status = {0};

	if (flow->row.remote_id == NULL)
		return true;
	if (!flow_authority(flow, err))
		return false;
	if (flow->authority->class->poll == NULL)
		return true;
	if (!flow->authority->class->poll(flow->authority, flow->row.remote_id, &status, err))
		return false;
	return flow_take(flow, &status, "refreshed", err);
}

static void wait_until(time_t when)
{
	time_t now = time(NULL);
	time_t seconds = when > now ? when - now : when == 0 ? POLL_DEFAULT : 1;
	struct timespec rest = {.tv_sec = seconds < POLL_MAX ? seconds : POLL_MAX};

	while (nanosleep(&rest, &rest) != 0)
		;
}

bool flow_wait(struct flow *flow, struct error *err)
{
	unsigned failures = 0;
	char *shown = NULL;
	bool done = false;

	for (;;) {
		struct error problem = {0};

		if (flow_refresh(flow, &problem)) {
			failures = 0;
			if (flow_next(&flow->row) != FLOW_WAIT) {
				done = true;
				break;
			}
			if (flow->row.words != NULL &&
				(shown == NULL || strcmp(shown, flow->row.words) != 0)) {
				output_progress(&flow->context->output, "%s", flow->row.words);
				journal_text(&shown, flow->row.words);
			}
		} else if (problem.code != ERROR_UNREACHABLE || ++failures > RETRIES) {
			if (err != NULL)
				*err = problem;
			break;
		}
		flow_pause(flow);
		wait_until(
			failures > 0 ? time(NULL) + (1 << failures) : (time_t)flow->row.next_poll);
		if (!flow_resume(flow, err))
			break;
	}
	free(shown);
	return done;
}
