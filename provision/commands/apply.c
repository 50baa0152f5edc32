#include "provision/commands/commands.h"

#include <stdlib.h>
#include <string.h>

#include "provision/flow/draft.h"
#include "provision/flow/submission.h"

const struct option options_apply[] = {
	{"profile", "NAME", N_("kind of certificate; individual when not given"), false},
	{"identification", "HOW", N_("in-person (when not given), signature or biometric"), false},
	{"key", "KIND",
		N_("rsa:2048 (when not given), rsa:3072, rsa:4096, ec:P-256, ec:P-384, ec:P-521, "
		   "ed25519, gost:256, gost:512, gost: and a parameter set (CryptoPro-A, "
		   "tc26-256-A, ...)"),
		false},
	{"application", "ID", N_("corrects, completes or sends again this application"), false},
	{"for", "ACCOUNT", N_("administrator: files for this person, who then adds the key"),
		false},
	{"another", NULL, N_("a new one, even if the same was applied for and is under way"),
		false},
	{"accept", "FIELD", N_("takes a difference in this field"), true},
	{0},
};

static const char *given(const struct context *context, const char *name, const char *otherwise)
{
	const char *value = options_get(&context->options, name);

	return value != NULL ? value : otherwise;
}

bool apply_go_on(struct context *context, int64_t id, struct error *err)
{
	struct flow flow;
	struct signing signing;
	bool pending = false, done = false;

	if (!flow_open_id(context, id, &flow, err))
		return false;
	signing_init(&signing, &flow);
	if (!submission_pending(&flow, &pending, err))
		goto out;
	if (pending || flow.row.state == STATE_DRAFT) {
		if (!submission_run(&signing, err))
			goto out;
	} else {
		output_progress(&context->output, _("This was applied for already."));
	}
	commands_tell(&flow, true);
	done = commands_not_refused(&flow, err);
out:
	signing_clear(&signing);
	flow_close(&flow);
	return done;
}

/* The row of a new application, from options. */
static bool fill_row(struct signing *signing, struct error *err)
{
	struct flow *flow = signing->flow;
	struct context *context = flow->context;
	struct journal_application *row = &flow->row;
	struct profile profile;
	enum identification_kind kind;
	struct person person = {0};
	const char *authority;
	bool done = false;

	if (!context_authority(context, &authority, err) ||
		!profile_find(given(context, "profile", "individual"), &profile, err) ||
		!profile_identification(
			given(context, "identification", "in-person"), &kind, err) ||
		!person_from_options(&person, &context->options, err))
		goto out;
	if (!journal_text(&row->authority, authority) ||
		!journal_text(&row->profile, profile.name) ||
		!journal_text(
			&row->identification, given(context, "identification", "in-person")) ||
		!journal_text(&row->account, options_get(&context->options, "for"))) {
		error_set(err, ERROR_FAILED, _("out of memory"));
		goto out;
	}
	if (!draft_person(flow, &person, err))
		goto out;
	if (row->account == NULL && !draft_slot(signing, "rsa:2048", err))
		goto out;
	done = profile_takes(&profile, kind, row->key_spec, err) && draft_fingerprint(flow, err);
out:
	person_clear(&person);
	return done;
}

static bool apply_new(struct context *context, int64_t *id, struct error *err)
{
	struct signing signing = {0};
	struct flow flow;
	int64_t known = 0;
	bool done = false;

	if (!flow_new(context, &flow, err))
		return false;
	signing_init(&signing, &flow);
	if (!fill_row(&signing, err))
		goto out;
	if (options_has(&context->options, "dry-run")) {
		done = draft_show(&flow, err);
		goto out;
	}
	if (!draft_find(&flow, &known, err))
		goto out;
	if (known == 0) {
		/* What can be refused is refused before anything is made: the login, the authority's template. */
		if (!draft_keys(&signing, err) ||
			(flow.row.key_spec != NULL && !submission_try(&flow, err)) ||
			!draft_add(&flow, &known, err))
			goto out;
	}
	if (known != 0) {
		signing_clear(&signing);
		flow_close(&flow);
		*id = known;
		return apply_go_on(context, known, err);
	}
	*id = flow.row.id;
	if (!submission_run(&signing, err))
		goto out;
	commands_tell(&flow, true);
	done = commands_not_refused(&flow, err);
out:
	signing_clear(&signing);
	flow_close(&flow);
	return done;
}

bool apply_person_given(const struct options *options)
{
	if (options_has(options, "data"))
		return true;
	for (size_t i = 0; i < PERSON_FIELD_COUNT; i++) {
		if (options_has(options, person_field_info((enum person_field)i)->name))
			return true;
	}
	return false;
}

/* The row's person with the given fields put in place of the old ones. */
static bool correct_person(struct flow *flow, struct error *err)
{
	const char *known = flow->row.person;
	json_t *object = known != NULL ? json_loads(known, 0, NULL) : NULL;
	struct person person = {0};
	bool done;

	done = (object == NULL || person_from_json(&person, object, err)) &&
	       person_from_options(&person, &flow->context->options, err) &&
	       draft_person(flow, &person, err);
	json_decref(object);
	person_clear(&person);
	return done;
}

/* Returned, or a draft that was refused: other data, same application, same key. */
static bool correct(struct signing *signing, struct error *err)
{
	struct flow *flow = signing->flow;

	if (flow->row.state == STATE_RETURNED && !apply_person_given(&flow->context->options)) {
		flow_verdict(&flow->row, err);
		return error_prefix(
			err, _("nothing was corrected (--data FILE, or the field's option)"));
	}
	if (!correct_person(flow, err))
		return false;
	if (options_has(&flow->context->options, "dry-run"))
		return draft_show(flow, err);
	journal_bytes(&flow->row.application, NULL, 0);
	journal_bytes(&flow->row.request, NULL, 0);
	journal_bytes(&flow->row.signature, NULL, 0);
	return journal_save(flow->journal, &flow->row, "corrected", NULL, err) &&
	       submission_run(signing, err);
}

bool apply_complete(struct signing *signing, struct error *err)
{
	struct flow *flow = signing->flow;
	struct context *context = flow->context;
	struct journal_application *row = &flow->row;

	if (row->person == NULL)
		return error_set(
			err, ERROR_FAILED, _("the authority does not say what was applied for"));
	if (!correct_person(flow, err))
		return false;
	if (row->slot_uri == NULL) {
		if (!draft_slot(signing, "rsa:2048", err))
			return false;
		if (options_has(&context->options, "dry-run"))
			return draft_show(flow, err);
		if (!draft_keys(signing, err) || !submission_try(flow, err) ||
			!journal_save(flow->journal, row, "completing", NULL, err))
			return false;
	}
	if (options_has(&context->options, "dry-run"))
		return draft_show(flow, err);
	/* What the administrator's filing or an interrupted try left is made anew, with the same key. */
	journal_bytes(&row->application, NULL, 0);
	return submission_run(signing, err);
}

/* --application ID: sends again, corrects, or completes. */
static bool apply_again(struct context *context, const char *name, int64_t *id, struct error *err)
{
	bool pending = false, done = false, dry_run = options_has(&context->options, "dry-run");
	struct signing signing;
	struct flow flow;

	if (!flow_open(context, name, &flow, err))
		return false;
	signing_init(&signing, &flow);
	*id = flow.row.id;
	if (!submission_pending(&flow, &pending, err))
		goto out;
	if (pending && !dry_run && !submission_run(&signing, err))
		goto out;
	if (!pending && !flow_refresh(&flow, err))
		goto out;
	switch (flow_next(&flow.row)) {
	case FLOW_SUBMIT:
	case FLOW_CORRECT:
		done = correct(&signing, err);
		break;
	case FLOW_COMPLETE:
		done = apply_complete(&signing, err);
		break;
	default:
		output_progress(&context->output, _("This was applied for already."));
		done = true;
		break;
	}
	if (done && !dry_run) {
		commands_tell(&flow, true);
		done = commands_not_refused(&flow, err);
	}
out:
	signing_clear(&signing);
	flow_close(&flow);
	return done;
}

bool apply_run(struct context *context, int64_t *id, struct error *err)
{
	const char *name = options_get(&context->options, "application");

	return name != NULL ? apply_again(context, name, id, err) : apply_new(context, id, err);
}

static bool run(struct context *context, struct error *err)
{
	int64_t id = 0;

	return apply_run(context, &id, err);
}

const struct command apply_command = {
	.name = "apply",
	.summary = N_("applies for a certificate: checks the data, makes the key, signs and sends"),
	.arguments = "",
	.options = {options_authority, options_slot, options_apply, options_signer, options_person,
		options_dry_run},
	.run = run,
};
