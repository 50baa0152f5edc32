#include "provision/commands/commands.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "provision/application.h"
#include "provision/flow/submission.h"
#include "provision/profile.h"
#include "provision/uri.h"

#define RESERVED_ID 20 /* bytes of CKA_ID, random */
#define LABEL_TRIES 100

const struct option options_apply[] = {
	{"profile", "NAME", N_("kind of certificate; individual when not given"), false},
	{"identification", "HOW", N_("in-person (when not given), signature or biometric"), false},
	{"key", "KIND",
		N_("rsa:2048 (when not given), rsa:3072, rsa:4096, ec:P-256, ec:P-384, ec:P-521, "
		   "ed25519"),
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

/* All problems at once, each with its field and rule. */
static bool check_person(struct context *context, struct person *person,
	const struct profile *profile, struct error *err)
{
	struct buffer problems = BUFFER_INIT(16 * 1024);
	json_t *list;
	char *line, *rest = NULL, *text;
	size_t count = 0;

	if (person->values[PERSON_COUNTRY] == NULL && !person_set(person, PERSON_COUNTRY, "RU"))
		return error_set(err, ERROR_FAILED, _("out of memory"));
	if (person_check(person, profile->required, &problems)) {
		buffer_free(&problems);
		return true;
	}
	text = strdup(buffer_text(&problems));
	list = json_array();
	for (line = text != NULL ? strtok_r(text, "\n", &rest) : NULL; line != NULL;
		line = strtok_r(NULL, "\n", &rest)) {
		char *colon = strstr(line, ": ");

		output_progress(&context->output, "  %s", line);
		if (count++ == 0)
			error_set(err, ERROR_USAGE, _("the person's data: %s"), line);
		else if (err != NULL && strlen(err->message) + strlen(line) + 4 < ERROR_MESSAGE_MAX)
			strcat(strcat(err->message, "; "), line);
		if (colon == NULL)
			continue;
		*colon = '\0';
		json_array_append_new(
			list, json_pack("{s:s, s:s}", "name", line, "reason", colon + 2));
	}
	output_json(&context->output, "fields", list);
	free(text);
	buffer_free(&problems);
	return false;
}

static bool fill_person(
	struct journal_application *row, const struct person *person, struct error *err)
{
	json_t *object = person_json(person);
	char *text = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;
	char *holder = person_full_name(person);
	bool done = text != NULL && holder != NULL && journal_text(&row->person, text) &&
		    journal_text(&row->holder, holder);

	json_decref(object);
	free(text);
	free(holder);
	return done || error_set(err, ERROR_FAILED, _("out of memory"));
}

/* What makes two commands the same wish. */
static bool make_fingerprint(
	struct context *context, struct journal_application *row, struct error *err)
{
	struct buffer text = BUFFER_INIT(64 * 1024);
	uint8_t hash[32];
	char hex[65];
	bool done;

	buffer_printf(&text, "%s\n%s\n%s\n%s\n%s\n%s\n%s\n%s", row->authority, row->profile,
		row->identification, row->account != NULL ? row->account : "",
		row->slot_uri != NULL ? row->slot_uri : "",
		row->key_spec != NULL ? row->key_spec : "", given(context, "signer", ""),
		row->person);
	done = buffer_ok(&text) && application_sha256(text.data, text.length, hash, err);
	buffer_free(&text);
	if (!done)
		return error_set(err, ERROR_FAILED, _("out of memory"));
	application_hex(hash, sizeof(hash), hex);
	return journal_text(&row->fingerprint, hex) ||
	       error_set(err, ERROR_FAILED, _("out of memory"));
}

/* The label that key pair and certificate share: the person and the authority, and a number when taken. */
static bool choose_label(struct signing *signing, struct error *err)
{
	struct journal_application *row = &signing->flow->row;
	bool taken = true;

	for (unsigned i = 1; taken && i < LABEL_TRIES; i++) {
		char number[16] = "", *label = NULL;
		bool kept;

		if (i > 1)
			snprintf(number, sizeof(number), " (%u)", i);
		if (asprintf(&label, "%s — %s%s", row->holder, row->authority, number) < 0)
			return error_set(err, ERROR_FAILED, _("out of memory"));
		kept = journal_text(&row->label, label);
		free(label);
		if (!kept)
			return error_set(err, ERROR_FAILED, _("out of memory"));
		if (!token_key_label_taken(&signing->slot, row->label, &taken, err))
			return false;
	}
	return true;
}

/* Everything about the keys, before the row exists: slot, login, signer, label, reserved CKA_ID. */
static bool prepare_keys(struct signing *signing, struct error *err)
{
	struct flow *flow = signing->flow;
	struct journal_application *row = &flow->row;
	const char *signer = options_get(&flow->context->options, "signer");
	uint8_t reserved[RESERVED_ID];

	if (row->key_spec == NULL)
		return true;
	if (!signing_open_slot(signing, err))
		return false;
	if (signer != NULL || strcmp(row->identification, "in-person") != 0) {
		char *own = NULL;
		bool done;

		if (signer == NULL) {
			own = uri_format(&signing->slot, NULL, 0, NULL);
			signer = own;
		}
		done = signer != NULL && signing_open_signer(signing, signer, NULL, err);
		free(own);
		if (!done)
			return error_prefix(err, _("the signature that signs the application"));
		if (!journal_text(&row->signer_uri, signing->signer.uri) ||
			!journal_bytes(
				&row->signer_sha256, signing->signer.own->certificate.sha256, 32))
			return error_set(err, ERROR_FAILED, _("out of memory"));
		if (signing->signer.own->certificate.not_after < time(NULL))
			return error_set(err, ERROR_USAGE,
				_("the signature that is to sign the application has expired"));
	}
	if (RAND_bytes(reserved, sizeof(reserved)) != 1 ||
		!journal_bytes(&row->key_reserved, reserved, sizeof(reserved)))
		return error_set(err, ERROR_FAILED, _("no random numbers"));
	return choose_label(signing, err);
}

/* Is that application still under way, so that this command means it? */
static bool under_way(const struct journal_application *row)
{
	return !flow_state_info(row->state)->final;
}

/* Goes on with an application that stands in the journal: sends it when it was not, else just shows it. */
static bool go_on(struct context *context, int64_t id, struct error *err)
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
	done = true;
out:
	signing_clear(&signing);
	flow_close(&flow);
	return done;
}

static bool show_dry_run(struct flow *flow, struct error *err)
{
	struct output *output = &flow->context->output;
	struct buffer json = BUFFER_INIT(64 * 1024);
	bool done = submission_preview(flow, &json, err);

	if (done) {
		output_text(output,
			_("This would be sent to %s, with a PKCS#10 by a new key (%s) in %s:\n"),
			flow->row.authority, flow->row.key_spec != NULL ? flow->row.key_spec : "—",
			flow->row.slot_uri != NULL ? flow->row.slot_uri : "—");
		output_text(output, "%s\n", buffer_text(&json));
		output_json(output, "application",
			json_loadb((const char *)json.data, json.length, 0, NULL));
		output_json(output, "dry_run", json_true());
	}
	buffer_free(&json);
	return done;
}

/* The row of a new application, from options; the slot is found, not logged in. */
static bool fill_row(struct signing *signing, struct error *err)
{
	struct flow *flow = signing->flow;
	struct context *context = flow->context;
	struct journal_application *row = &flow->row;
	const struct profile *profile;
	enum identification_kind kind;
	struct person person = {0};
	const char *authority, *key;
	bool done = false;
	char *uri;

	if (!context_authority(context, &authority, err) ||
		!profile_find(given(context, "profile", "individual"), &profile, err) ||
		!profile_identification(
			given(context, "identification", "in-person"), &kind, err) ||
		!person_from_options(&person, &context->options, err) ||
		!check_person(context, &person, profile, err) || !fill_person(row, &person, err))
		goto out;
	if (!journal_text(&row->authority, authority) ||
		!journal_text(&row->profile, profile->name) ||
		!journal_text(
			&row->identification, given(context, "identification", "in-person")) ||
		!journal_text(&row->account, options_get(&context->options, "for"))) {
		error_set(err, ERROR_FAILED, _("out of memory"));
		goto out;
	}
	if (row->account == NULL) {
		key = given(context, "key", "rsa:2048");
		if (!token_key_spec_check(key, err) ||
			!signing_find_slot(context, &signing->slot, err))
			goto out;
		signing->has_slot = true;
		uri = uri_format(&signing->slot, NULL, 0, NULL);
		done = uri != NULL && journal_text(&row->slot_uri, uri) &&
		       journal_text(&row->key_spec, key);
		free(uri);
		if (!done) {
			error_set(err, ERROR_FAILED, _("out of memory"));
			goto out;
		}
	}
	done = make_fingerprint(context, row, err);
out:
	person_clear(&person);
	return done;
}

static bool find_under_way(struct flow *flow, int64_t *id, struct error *err)
{
	struct journal_application row = {0};
	bool done;

	*id = 0;
	if (options_has(&flow->context->options, "another"))
		return true;
	if (!journal_find_fingerprint(flow->journal, flow->row.fingerprint, id, err))
		return false;
	if (*id == 0)
		return true;
	done = journal_load(flow->journal, *id, &row, err);
	if (done && !under_way(&row))
		*id = 0;
	journal_application_clear(&row);
	return done;
}

/* Adds the row unless another process was quicker: then *id is its row. */
static bool add_row(struct flow *flow, int64_t *id, struct error *err)
{
	int lock = -1;
	bool done;

	if (!journal_lock(flow->journal, 0, &lock, NULL, err))
		return false;
	done = find_under_way(flow, id, err);
	if (done && *id == 0) {
		done = journal_add(flow->journal, &flow->row, "drafted", NULL, err) &&
		       journal_lock(flow->journal, flow->row.id, &flow->lock, NULL, err);
	}
	journal_unlock(lock);
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
		done = show_dry_run(&flow, err);
		goto out;
	}
	if (!find_under_way(&flow, &known, err))
		goto out;
	if (known == 0) {
		/* What can be refused is refused before anything is made: the login, the authority's template. */
		if (!prepare_keys(&signing, err) ||
			(flow.row.key_spec != NULL && !submission_try(&flow, err)) ||
			!add_row(&flow, &known, err))
			goto out;
	}
	if (known != 0) {
		signing_clear(&signing);
		flow_close(&flow);
		*id = known;
		return go_on(context, known, err);
	}
	*id = flow.row.id;
	if (!submission_run(&signing, err))
		goto out;
	commands_tell(&flow, true);
	done = true;
out:
	signing_clear(&signing);
	flow_close(&flow);
	return done;
}

static bool person_given(const struct options *options)
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
	struct journal_application *row = &flow->row;
	json_t *object = row->person != NULL ? json_loads(row->person, 0, NULL) : NULL;
	struct person person = {0};
	const struct profile *profile;
	bool done;

	done = (object == NULL || person_from_json(&person, object, err)) &&
	       profile_find(row->profile, &profile, err) &&
	       person_from_options(&person, &flow->context->options, err) &&
	       check_person(flow->context, &person, profile, err) && fill_person(row, &person, err);
	json_decref(object);
	person_clear(&person);
	return done;
}

/* Returned, or a draft that was refused: other data, same application, same key. */
static bool correct(struct signing *signing, struct error *err)
{
	struct flow *flow = signing->flow;

	if (flow->row.state == STATE_RETURNED && !person_given(&flow->context->options)) {
		flow_verdict(&flow->row, err);
		return error_prefix(
			err, _("nothing was corrected (--data FILE, or the field's option)"));
	}
	if (!correct_person(flow, err))
		return false;
	if (options_has(&flow->context->options, "dry-run"))
		return show_dry_run(flow, err);
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
	const char *key = given(context, "key", "rsa:2048");
	bool done;
	char *uri;

	if (row->person == NULL)
		return error_set(
			err, ERROR_FAILED, _("the authority does not say what was applied for"));
	if (!correct_person(flow, err))
		return false;
	if (row->slot_uri == NULL) {
		if (!token_key_spec_check(key, err) ||
			!signing_find_slot(context, &signing->slot, err))
			return false;
		signing->has_slot = true;
		uri = uri_format(&signing->slot, NULL, 0, NULL);
		done = uri != NULL && journal_text(&row->slot_uri, uri) &&
		       journal_text(&row->key_spec, key);
		free(uri);
		if (!done)
			return error_set(err, ERROR_FAILED, _("out of memory"));
		if (options_has(&context->options, "dry-run"))
			return show_dry_run(flow, err);
		if (!prepare_keys(signing, err) || !submission_try(flow, err) ||
			!journal_save(flow->journal, row, "completing", NULL, err))
			return false;
	}
	if (options_has(&context->options, "dry-run"))
		return show_dry_run(flow, err);
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
	if (done && !dry_run)
		commands_tell(&flow, true);
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
