#include "provision/flow/submission.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "provision/application.h"
#include "provision/flow/cloud_key.h"
#include "provision/flow/dictation.h"
#include "provision/flow/renewal.h"
#include "provision/i18n.h"
#include "provision/profile.h"

#define APPLICATION_MAX (64 * 1024)
#define STRUCTURE_MAX   (1024 * 1024)
#define STEP            "submit"

static bool load_person(
	const struct journal_application *row, struct person *person, struct error *err)
{
	json_t *object = row->person != NULL ? json_loads(row->person, 0, NULL) : NULL;
	bool done = object != NULL
			    ? person_from_json(person, object, err)
			    : error_set(err, ERROR_FAILED, _("the journal: no person's data"));

	json_decref(object);
	return done;
}

static bool make_application(
	const struct flow *flow, struct application *application, struct error *err)
{
	const struct journal_application *row = &flow->row;

	application->created = time(NULL);
	application->profile = strdup(row->profile);
	application->identification = strdup(row->identification);
	if (application->profile == NULL || application->identification == NULL)
		return error_set(err, ERROR_FAILED, _("out of memory"));
	if (cloud_key_is(row) && (application->cloud_key = strdup(row->key_spec)) == NULL)
		return error_set(err, ERROR_FAILED, _("out of memory"));
	if (!load_person(row, &application->person, err))
		return false;
	application->has_signer = row->signer_sha256.length == 32;
	if (application->has_signer)
		memcpy(application->signer_sha256, row->signer_sha256.data, 32);
	return true;
}

bool submission_preview(struct flow *flow, struct buffer *json, struct error *err)
{
	struct application application = {0};
	bool done = make_application(flow, &application, err) &&
		    application_encode(&application, json, err);

	application_clear(&application);
	return done;
}

/* A dictated subject is no reason to ask for somebody else's certificate. */
static bool check_template(const struct flow *flow, const struct person *person,
	const struct authority_template *templ, struct error *err)
{
	struct profile profile;

	if (!profile_find(flow->row.profile, &profile, err))
		return false;
	for (size_t i = 0; i < templ->subject.count; i++) {
		const struct name_attribute *attribute = &templ->subject.attributes[i];
		const char *key = profile_attribute_name(attribute->oid);
		char *wanted = profile_attribute_value(&profile, person, attribute->oid);
		bool same = wanted == NULL || strcmp(wanted, attribute->value) == 0;

		if (!same && !options_names(&flow->context->options, "accept", key)) {
			error_set(err, ERROR_FAILED,
				_("the authority wants %s \"%s\" in the request, the person's data "
				  "say \"%s\" "
				  "(--accept %s takes it)"),
				key, attribute->value, wanted, key);
			free(wanted);
			return false;
		}
		free(wanted);
	}
	return true;
}

bool submission_template(struct flow *flow, const struct person *person,
	struct authority_template *templ, struct error *err)
{
	struct authority_template made = {0};
	struct buffer json = BUFFER_INIT(APPLICATION_MAX);
	struct profile profile;
	enum identification_kind kind;
	bool done = false;

	if (!profile_find(flow->row.profile, &profile, err) ||
		!profile_identification(flow->row.identification, &kind, err) ||
		!flow_authority(flow, err) || !submission_preview(flow, &json, err))
		goto out;
	if (flow->authority->class->request_template == NULL) {
		if (!profile_request(&profile, person, kind, &made.subject, &made.extensions, err))
			goto out;
	} else if (!flow->authority->class->request_template(flow->authority, flow->row.profile,
			   json.data, json.length, &made, err)) {
		goto out;
	}
	if (!check_template(flow, person, &made, err) ||
		!renewal_same_subject(flow, &made.subject, err))
		goto out;
	*templ = made;
	made = (struct authority_template){0};
	done = true;
out:
	authority_template_clear(&made);
	buffer_free(&json);
	return done;
}

bool submission_try(struct flow *flow, struct error *err)
{
	struct authority_template templ = {0};
	struct person person = {0};
	bool done = load_person(&flow->row, &person, err) &&
		    submission_template(flow, &person, &templ, err);

	authority_template_clear(&templ);
	person_clear(&person);
	return done;
}

static bool save(struct flow *flow, const char *event, const char *detail, struct error *err)
{
	return journal_save(flow->journal, &flow->row, event, detail, err);
}

/*
 * Moves the pair from the reserved CKA_ID to the one that follows from the public key. A token that does
 * not let its ids be changed keeps the reserved one.
 */
static bool name_key(struct signing *signing, struct error *err)
{
	struct flow *flow = signing->flow;
	struct journal_application *row = &flow->row;
	char *uri;
	bool done;

	if ((row->key_id.length != row->key_reserved.length ||
		    memcmp(row->key_id.data, row->key_reserved.data, row->key_id.length) != 0) &&
		!token_key_rename(&signing->slot, row->key_reserved.data, row->key_reserved.length,
			row->key_id.data, row->key_id.length, row->label, NULL)) {
		if (!journal_bytes(&row->key_id, row->key_reserved.data, row->key_reserved.length))
			return error_set(err, ERROR_FAILED, _("out of memory"));
	}
	uri = uri_format(&signing->slot, row->key_id.data, row->key_id.length, "private");
	done = uri != NULL && journal_text(&row->key_uri, uri);
	free(uri);
	return done ? save(flow, "key-named", row->key_uri, err)
		    : error_set(err, ERROR_FAILED, _("out of memory"));
}

static bool know_key(struct signing *signing, struct error *err)
{
	struct flow *flow = signing->flow;
	struct journal_application *row = &flow->row;
	struct token_key key = {0};
	uint8_t identifier[20];
	bool done = false;

	if (!token_key_open(&signing->slot, row->key_reserved.data, row->key_reserved.length, NULL,
		    0, &key, err) ||
		!spki_key_identifier(key.spki.data, key.spki.length, identifier, err))
		goto out;
	if (!journal_bytes(&row->spki, key.spki.data, key.spki.length) ||
		!journal_bytes(&row->key_id, identifier, sizeof(identifier))) {
		error_set(err, ERROR_FAILED, _("out of memory"));
		goto out;
	}
	done = save(flow, "key-made", row->key_spec, err);
out:
	token_key_clear(&key);
	return done;
}

/* One key, whatever happened before: its reserved CKA_ID was in the journal before it was made. */
static bool ensure_key(struct signing *signing, struct error *err)
{
	struct flow *flow = signing->flow;
	struct journal_application *row = &flow->row;
	enum token_key_found found;

	if (row->key_uri != NULL)
		return signing_open_key(signing, err);
	if (!signing_open_slot(signing, err))
		return false;
	if (row->spki.data == NULL) {
		if (!token_key_look(&signing->slot, row->key_reserved.data,
			    row->key_reserved.length, &found, err))
			return false;
		/* A token that was interrupted between the halves: the half is of no use to anybody. */
		if (found == TOKEN_KEY_HALF &&
			!token_key_destroy(&signing->slot, row->key_reserved.data,
				row->key_reserved.length, err))
			return false;
		if (found != TOKEN_KEY_PAIR) {
			output_progress(&flow->context->output, _("A new key (%s) is made in %s…"),
				row->key_spec, signing->slot.label);
			if (!token_key_generate(&signing->slot, row->key_spec,
				    row->key_reserved.data, row->key_reserved.length, row->label,
				    err))
				return false;
		}
		if (!know_key(signing, err))
			return false;
	}
	return name_key(signing, err) && signing_open_key(signing, err);
}

/* PKCS#10, application and signature, into the row together. */
static bool make_documents(struct signing *signing, struct error *err)
{
	struct flow *flow = signing->flow;
	struct journal_application *row = &flow->row;
	struct buffer request = BUFFER_INIT(STRUCTURE_MAX), subject = BUFFER_INIT(STRUCTURE_MAX),
		      json = BUFFER_INIT(APPLICATION_MAX), signature = BUFFER_INIT(STRUCTURE_MAX);
	struct authority_template templ = {0};
	struct application application = {0};
	struct csr made = {0};
	struct signer signer;
	bool done = false;

	if (!make_application(flow, &application, err))
		goto out;
	if (application.cloud_key != NULL) {
		/* The key is made, and the subject written, by the authority. */
		if (!submission_template(flow, &application.person, &templ, err) ||
			!dictation_show(flow, &application.person, &templ, err) ||
			!name_encode(&templ.subject, &subject, err))
			goto out;
	} else if (row->key_spec != NULL) {
		if (!submission_template(flow, &application.person, &templ, err) ||
			!dictation_show(flow, &application.person, &templ, err) ||
			!ensure_key(signing, err))
			goto out;
		signer = token_key_signer(&signing->key);
		if (!csr_create(&templ.subject, signing->key.spki.data, signing->key.spki.length,
			    &templ.extensions, &signer, &request, err) ||
			!csr_decode(request.data, request.length, &made, err))
			goto out;
		application.has_request = true;
		if (!application_sha256(
			    request.data, request.length, application.request_sha256, err))
			goto out;
	}
	if (!application_encode(&application, &json, err))
		goto out;
	if (row->signer_uri != NULL && (!signing_open_pinned(signing, err) ||
					       !token_signer_sign(&signing->signer, json.data,
						       json.length, time(NULL), &signature, err)))
		goto out;
	if (!journal_bytes(&row->request, request.data, request.length) ||
		!journal_bytes(&row->subject, subject.data, subject.length) ||
		!journal_bytes(&row->application, json.data, json.length) ||
		!journal_bytes(&row->signature, signature.data, signature.length)) {
		error_set(err, ERROR_FAILED, _("out of memory"));
		goto out;
	}
	done = save(flow, "signed", NULL, err);
out:
	csr_clear(&made);
	application_clear(&application);
	authority_template_clear(&templ);
	buffer_free(&request);
	buffer_free(&subject);
	buffer_free(&json);
	buffer_free(&signature);
	return done;
}

bool submission_pending(struct flow *flow, bool *pending, struct error *err)
{
	return journal_step_pending(flow->journal, flow->row.id, STEP, pending, err);
}

/* Refused for what it says: the next try says something else, with another key. */
static bool take_refusal(struct flow *flow, struct journal_step *step, const struct error *refusal,
	struct error *err)
{
	struct journal_application *row = &flow->row;

	if (row->remote_id == NULL && !journal_text(&row->reason, refusal->message))
		return error_set(err, ERROR_FAILED, _("out of memory"));
	journal_bytes(&row->application, NULL, 0);
	journal_bytes(&row->signature, NULL, 0);
	return journal_answer(
		flow->journal, row, "refused", refusal->message, step, refusal->message, err);
}

static bool send(struct flow *flow, struct error *err)
{
	struct journal_application *row = &flow->row;
	struct authority_status status = {0};
	struct journal_step step = {0};
	struct error problem = {0};
	bool done = false;

	if (!flow_authority(flow, err) ||
		!flow_has(flow, (const void *)(uintptr_t)flow->authority->class->submit, "submit",
			err) ||
		!journal_step_begin(flow->journal, row->id, STEP, NULL, 0, &step, err))
		goto out;
	done = flow->authority->class->submit(flow->authority,
		&(struct authority_submission){
			.idempotency_key = step.idempotency_key,
			.id = row->remote_id,
			.for_account = row->account,
			.application = row->application.data,
			.application_length = row->application.length,
			.request = row->request.length > 0 ? row->request.data : NULL,
			.request_length = row->request.length,
			.signature = row->signature.length > 0 ? row->signature.data : NULL,
			.signature_length = row->signature.length,
		},
		&status, &problem);
	if (!done) {
		if ((problem.code == ERROR_REFUSED || problem.code == ERROR_USAGE) &&
			!take_refusal(flow, &step, &problem, err))
			goto out;
		if (err != NULL)
			*err = problem;
		goto out;
	}
	done = flow_answer(flow, &status, "submitted", &step, err);
out:
	journal_step_clear(&step);
	return done;
}

bool submission_run(struct signing *signing, struct error *err)
{
	struct flow *flow = signing->flow;

	if (flow->row.application.data == NULL && !make_documents(signing, err))
		return false;
	return send(flow, err);
}
