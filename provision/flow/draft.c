#include "provision/flow/draft.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "provision/application.h"
#include "provision/flow/cloud_key.h"
#include "provision/flow/submission.h"
#include "provision/i18n.h"

#define RESERVED_ID 20 /* bytes of CKA_ID, random */
#define LABEL_TRIES 100

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
	if (profile_check(profile, person, &problems)) {
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

bool draft_person(struct flow *flow, struct person *person, struct error *err)
{
	struct buffer warnings = BUFFER_INIT(4096);
	struct profile profile;
	bool done;

	done = profile_find(flow->row.profile, &profile, err) &&
	       check_person(flow->context, person, &profile, err) &&
	       fill_person(&flow->row, person, err);
	if (done)
		profile_warnings(&profile, person, &warnings);
	if (warnings.length > 0)
		output_progress(&flow->context->output, "%s", buffer_text(&warnings));
	buffer_free(&warnings);
	return done;
}

bool draft_slot(struct signing *signing, const char *usual, struct error *err)
{
	struct context *context = signing->flow->context;
	struct journal_application *row = &signing->flow->row;
	const char *key = options_get(&context->options, "key");
	bool done;
	char *uri;

	if (key == NULL)
		key = usual;
	if (!token_key_spec_check(key, err))
		return false;
	if (cloud_key_wanted(context))
		return cloud_key_choose(signing->flow, key, err);
	if (!signing_find_slot(context, &signing->slot, err))
		return false;
	signing->has_slot = true;
	uri = uri_format(&signing->slot, NULL, 0, NULL);
	done = uri != NULL && journal_text(&row->slot_uri, uri) &&
	       journal_text(&row->key_spec, key);
	free(uri);
	return done || error_set(err, ERROR_FAILED, _("out of memory"));
}

bool draft_fingerprint(struct flow *flow, struct error *err)
{
	struct journal_application *row = &flow->row;
	const char *signer = options_get(&flow->context->options, "signer");
	struct buffer text = BUFFER_INIT(64 * 1024);
	uint8_t hash[32];
	char hex[65];
	bool done;

	if (row->renews != 0)
		/* One renewal of a certificate at a time, whatever else was said of it. */
		buffer_printf(&text, "renews %lld", (long long)row->renews);
	else
		buffer_printf(&text, "%s\n%s\n%s\n%s\n%s\n%s\n%s\n%s", row->authority, row->profile,
			row->identification, row->account != NULL ? row->account : "",
			row->slot_uri != NULL ? row->slot_uri : "",
			row->key_spec != NULL ? row->key_spec : "", signer != NULL ? signer : "",
			row->person);
	done = buffer_ok(&text) && application_sha256(text.data, text.length, hash, err);
	buffer_free(&text);
	if (!done)
		return error_set(err, ERROR_FAILED, _("out of memory"));
	application_hex(hash, sizeof(hash), hex);
	return journal_text(&row->fingerprint, hex) ||
	       error_set(err, ERROR_FAILED, _("out of memory"));
}

bool draft_find(struct flow *flow, int64_t *id, struct error *err)
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
	if (done && flow_state_info(row.state)->final)
		*id = 0;
	journal_application_clear(&row);
	return done;
}

bool draft_add(struct flow *flow, int64_t *id, struct error *err)
{
	int lock = -1;
	bool done;

	if (!journal_lock(flow->journal, 0, &lock, NULL, err))
		return false;
	done = draft_find(flow, id, err);
	if (done && *id == 0) {
		done = journal_add(flow->journal, &flow->row, "drafted", NULL, err) &&
		       journal_lock(flow->journal, flow->row.id, &flow->lock, NULL, err);
	}
	journal_unlock(lock);
	return done;
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

/* The signature that signs the application, found and pinned; the new key's token is where it is looked for first. */
static bool draft_signer(struct signing *signing, const char *signer, struct error *err)
{
	struct journal_application *row = &signing->flow->row;
	char *own = NULL;
	bool done;

	/* A renewal is signed with what it renews, and with nothing else. */
	if (row->renews != 0)
		return signing_open_pinned(signing, err);
	if (signer == NULL && cloud_key_is(row))
		return error_set(err, ERROR_USAGE,
			_("say with --signer which signature signs the application"));
	if (signer == NULL) {
		own = uri_format(&signing->slot, NULL, 0, NULL);
		signer = own;
	}
	done = signer != NULL && signing_open_signer(signing, signer, NULL, err);
	free(own);
	if (!done)
		return error_prefix(err, _("the signature that signs the application"));
	if (!journal_text(&row->signer_uri, signing->signer.uri) ||
		!journal_bytes(&row->signer_sha256, signing->signer.own->certificate.sha256, 32))
		return error_set(err, ERROR_FAILED, _("out of memory"));
	return signing->signer.own->certificate.not_after >= time(NULL) ||
	       error_set(err, ERROR_USAGE,
		       _("the signature that is to sign the application has expired"));
}

bool draft_keys(struct signing *signing, struct error *err)
{
	struct flow *flow = signing->flow;
	struct journal_application *row = &flow->row;
	const char *signer = options_get(&flow->context->options, "signer");
	bool cloud = cloud_key_is(row);
	uint8_t reserved[RESERVED_ID];

	if (row->key_spec == NULL)
		return true;
	if (!cloud && !signing_open_slot(signing, err))
		return false;
	if ((signer != NULL || strcmp(row->identification, "in-person") != 0) &&
		!draft_signer(signing, signer, err))
		return false;
	if (cloud)
		return true;
	if (RAND_bytes(reserved, sizeof(reserved)) != 1 ||
		!journal_bytes(&row->key_reserved, reserved, sizeof(reserved)))
		return error_set(err, ERROR_FAILED, _("no random numbers"));
	return choose_label(signing, err);
}

bool draft_show(struct flow *flow, struct error *err)
{
	struct output *output = &flow->context->output;
	struct buffer json = BUFFER_INIT(64 * 1024);
	bool done = submission_preview(flow, &json, err);

	if (done) {
		output_text(output,
			cloud_key_is(&flow->row)
				? _("This would be sent to %s, which would make a key (%s) in "
				    "%s:\n")
				: _("This would be sent to %s, with a PKCS#10 by a new key (%s) in "
				    "%s:\n"),
			flow->row.authority, flow->row.key_spec != NULL ? flow->row.key_spec : "—",
			flow->row.slot_uri != NULL ? flow->row.slot_uri : "—");
		output_text(output, "%s\n", buffer_text(&json));
		output_json(output, "application",
			json_loadb((const char *)json.data, json.length, 0, NULL));
	}
	buffer_free(&json);
	return done;
}
