#include "provision/flow/revocation.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "module/support/base64.h"
#include "provision/application.h"
#include "provision/i18n.h"

#define STEP          "revoke"
#define STATEMENT_MAX (64 << 10)
#define CMS_MAX       (1 << 20)

static const struct revocation_reason reasons[] = {
	{"unspecified", N_("no reason is given")},
	{"key-compromise", N_("somebody else may have the key, or it is lost")},
	{"affiliation-changed", N_("name, position or organisation have changed")},
	{"superseded", N_("another certificate is in its place")},
	{"cessation-of-operation", N_("it is not needed any more")},
};

bool revocation_reason_find(
	const char *name, const struct revocation_reason **out, struct error *err)
{
	struct buffer names = BUFFER_INIT(512);

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (name == NULL || strcmp(name, reasons[i].name) == 0) {
			*out = &reasons[i];
			buffer_free(&names);
			return true;
		}
		buffer_printf(&names, "%s%s", i > 0 ? ", " : "", reasons[i].name);
	}
	error_set(err, ERROR_USAGE, _("there is no reason %s; there are: %s"), name,
		buffer_text(&names));
	buffer_free(&names);
	return false;
}

bool revocation_statement(const char *application, const uint8_t sha256[32], const char *reason,
	struct buffer *out, struct error *err)
{
	char hex[65], *text;
	json_t *json;
	bool done;

	application_hex(sha256, 32, hex);
	json = json_pack("{s:s, s:s, s:s}", "application", application, "certificate_sha256", hex,
		"reason", reason);
	text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
	done = text != NULL && buffer_append_text(out, text);
	free(text);
	json_decref(json);
	return done || error_set(err, ERROR_FAILED, _("out of memory"));
}

bool revocation_asked(struct flow *flow, const struct revocation_reason **asked, struct error *err)
{
	struct journal_step step = {0};
	json_t *json, *statement;
	const char *text, *name;
	bool pending, done;

	*asked = NULL;
	if (!journal_step_find(flow->journal, flow->row.id, STEP, &step, &pending, err))
		return false;
	if (!pending)
		return true;
	json = json_loadb((const char *)step.payload.data, step.payload.length, 0, NULL);
	text = json_string_value(json_object_get(json, "statement"));
	statement = text != NULL ? json_loads(text, 0, NULL) : NULL;
	name = json_string_value(json_object_get(statement, "reason"));
	done = name != NULL
		       ? revocation_reason_find(name, asked, err)
		       : error_set(err, ERROR_FAILED, _("the journal: a signature can't be read"));
	json_decref(statement);
	json_decref(json);
	journal_step_clear(&step);
	return done;
}

bool revocation_settle(struct flow *flow, struct error *err)
{
	return journal_step_drop(flow->journal, flow->row.id, STEP, err);
}

static bool open_signer(struct signing *signing, struct error *err)
{
	const struct journal_application *row = &signing->flow->row;
	const char *given = options_get(&signing->flow->context->options, "signer");

	if (given != NULL)
		return signing_open_signer(signing, given, NULL, err);
	if (row->key_uri == NULL || row->certificate_sha256.length != 32)
		return error_set(err, ERROR_WORKPLACE,
			_("its key is not at this workplace: --signer URI names another signature "
			  "of its holder's, or the administrator asks (podpis admin revoke %s)"),
			row->remote_id);
	return signing_open_signer(signing, row->key_uri, row->certificate_sha256.data, err);
}

/* What goes into the journal's step: both halves, since a second signature would not be the same bytes. */
static char *pack(const struct buffer *statement, const struct buffer *cms)
{
	struct buffer text = BUFFER_INIT(2 * CMS_MAX);
	json_t *json = NULL;
	char *packed = NULL;

	if (base64_encode(cms->data, cms->length, &text))
		json = json_pack("{s:s#, s:s#}", "statement", buffer_text(statement),
			(int)statement->length, "signature", buffer_text(&text), (int)text.length);
	if (json != NULL)
		packed = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	buffer_free(&text);
	return packed;
}

static bool make(
	struct signing *signing, const char *reason, struct journal_step *step, struct error *err)
{
	struct flow *flow = signing->flow;
	struct buffer statement = BUFFER_INIT(STATEMENT_MAX), cms = BUFFER_INIT(CMS_MAX);
	char *payload = NULL;
	bool done = false;

	if (!revocation_statement(flow->row.remote_id, flow->row.certificate_sha256.data, reason,
		    &statement, err) ||
		!open_signer(signing, err) ||
		!token_signer_sign(
			&signing->signer, statement.data, statement.length, time(NULL), &cms, err))
		goto out;
	payload = pack(&statement, &cms);
	done = payload != NULL ? journal_step_begin(flow->journal, flow->row.id, STEP,
					 (const uint8_t *)payload, strlen(payload), step, err)
			       : error_set(err, ERROR_FAILED, _("out of memory"));
out:
	free(payload);
	buffer_free(&statement);
	buffer_free(&cms);
	return done;
}

/* A step that was refused is over; the next try may say something else. */
static bool send(struct flow *flow, struct journal_step *step, struct error *err)
{
	json_t *json = json_loadb((const char *)step->payload.data, step->payload.length, 0, NULL);
	const char *text = json_string_value(json_object_get(json, "statement"));
	const char *encoded = json_string_value(json_object_get(json, "signature"));
	struct buffer cms = BUFFER_INIT(CMS_MAX);
	struct authority_status status = {0};
	struct error problem = {0};
	bool done = false;

	if (text == NULL || encoded == NULL || !base64_decode(encoded, strlen(encoded), &cms)) {
		error_set(err, ERROR_FAILED, _("the journal: a signature can't be read"));
		goto out;
	}
	if (!flow->authority->class->revoke(flow->authority, flow->row.remote_id,
		    step->idempotency_key,
		    &(struct authority_statement){
			    (const uint8_t *)text, strlen(text), cms.data, cms.length},
		    &status, &problem)) {
		if (problem.code == ERROR_REFUSED || problem.code == ERROR_USAGE)
			journal_step_end(flow->journal, step, problem.message, NULL);
		*err = problem;
		goto out;
	}
	done = flow_answer(flow, &status,
		status.state == STATE_REVOKED ? "revoked" : "revocation-requested", step, err);
out:
	buffer_free(&cms);
	json_decref(json);
	return done;
}

bool revocation_send(struct signing *signing, const char *reason, struct error *err)
{
	struct flow *flow = signing->flow;
	struct journal_step step = {0};
	bool pending = false, done = false;

	if (!flow_authority(flow, err) ||
		!flow_has(flow, (const void *)(uintptr_t)flow->authority->class->revoke, "revoke",
			err) ||
		!journal_step_find(flow->journal, flow->row.id, STEP, &step, &pending, err) ||
		(!pending && !make(signing, reason, &step, err)))
		goto out;
	done = send(flow, &step, err);
out:
	journal_step_clear(&step);
	return done;
}
