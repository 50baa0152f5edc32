#include "provision/flow/renewal.h"

#include <stdlib.h>
#include <string.h>

#include "provision/flow/cloud_key.h"
#include "provision/flow/draft.h"
#include "provision/i18n.h"
#include "provision/profile.h"

#define DAY 86400

time_t renewal_end(const struct certificate *certificate)
{
	const struct extension *extension =
		extensions_find(&certificate->extensions, OID_PRIVATE_KEY_USAGE_PERIOD);
	time_t begin = 0, end = 0;

	if (extension != NULL &&
		key_period_decode(extension->value, extension->length, &begin, &end, NULL) &&
		end != 0 && end < certificate->not_after)
		return end;
	return certificate->not_after;
}

bool renewal_allowed(
	const struct certificate *certificate, time_t now, unsigned days, struct error *err)
{
	time_t end = renewal_end(certificate);
	char when[OUTPUT_TIME_MAX];

	output_time(end, when);
	if (certificate->not_after < now)
		return error_set(err, ERROR_REFUSED,
			_("the certificate ended on %s, so nothing is signed with it any more: "
			  "podpis apply"),
			output_time(certificate->not_after, when));
	if (end < now)
		return error_set(err, ERROR_REFUSED,
			_("the key's period ended on %s, so nothing is signed with it any more: "
			  "podpis apply"),
			when);
	if (end - now < (time_t)days * DAY)
		return error_set(err, ERROR_REFUSED,
			_("it ends on %s, before a renewal is approved (%u days, "
			  "--approval-days): "
			  "podpis apply"),
			when, days);
	return true;
}

bool renewal_certificate(
	const struct journal_application *row, struct certificates *certificates, struct error *err)
{
	if (row->state == STATE_REVOKED)
		return error_set(err, ERROR_REFUSED, _("the certificate is revoked: podpis apply"));
	if (row->certificates == NULL || row->installed == 0)
		return error_set(err, ERROR_REFUSED,
			_("there is no installed certificate to renew: it is %s"),
			flow_state_info(row->state)->name);
	if (row->key_uri == NULL || row->slot_uri == NULL || row->key_spec == NULL)
		return error_set(err, ERROR_WORKPLACE, _("its key is not at this workplace"));
	return certificates_read(
		(const uint8_t *)row->certificates, strlen(row->certificates), certificates, err);
}

/* Beside the old key, as it is, unless something else is wished for. */
static bool fill_key(
	struct signing *signing, const struct journal_application *old, struct error *err)
{
	const struct options *options = &signing->flow->context->options;
	struct journal_application *row = &signing->flow->row;
	const char *key = options_get(options, "key");

	if (options_has(options, "slot") || options_has(options, "module"))
		return draft_slot(signing, old->key_spec, err);
	if (key == NULL)
		key = old->key_spec;
	return token_key_spec_check(key, err) &&
	       ((journal_text(&row->slot_uri, old->slot_uri) &&
			journal_text(&row->key_spec, key)) ||
		       error_set(err, ERROR_FAILED, _("out of memory")));
}

static bool fill_person(struct flow *flow, const struct journal_application *old, struct error *err)
{
	json_t *object = old->person != NULL ? json_loads(old->person, 0, NULL) : NULL;
	struct person person = {0};
	bool done;

	done = (object != NULL ||
		       error_set(err, ERROR_FAILED, _("the journal: no person's data"))) &&
	       person_from_json(&person, object, err) && draft_person(flow, &person, err);
	json_decref(object);
	person_clear(&person);
	return done;
}

bool renewal_fill(struct signing *signing, const struct journal_application *old, struct error *err)
{
	struct journal_application *row = &signing->flow->row;
	struct profile profile;

	row->renews = old->id;
	if (!journal_text(&row->authority, old->authority) ||
		!journal_text(&row->profile, old->profile) ||
		!journal_text(&row->identification, "signature") ||
		!journal_text(&row->signer_uri, old->key_uri) ||
		!journal_bytes(&row->signer_sha256, old->certificate_sha256.data,
			old->certificate_sha256.length))
		return error_set(err, ERROR_FAILED, _("out of memory"));
	return fill_person(signing->flow, old, err) && fill_key(signing, old, err) &&
	       profile_find(row->profile, &profile, err) &&
	       profile_takes(&profile, IDENTIFICATION_SIGNATURE, row->key_spec, err) &&
	       draft_fingerprint(signing->flow, err);
}

static size_t count_of(const struct name *name, const char *oid)
{
	size_t count = 0;

	for (size_t i = 0; i < name->count; i++)
		count += strcmp(name->attributes[i].oid, oid) == 0;
	return count;
}

/* Notes the attributes of `name` that `other` does not have just so. */
static void compare(const struct options *options, const struct name *name,
	const struct name *other, bool all, struct buffer *differing)
{
	for (size_t i = 0; i < name->count; i++) {
		const struct name_attribute *one = &name->attributes[i];
		const char *key = profile_attribute_name(one->oid), *there = NULL;
		bool same = false, more = count_of(name, one->oid) > count_of(other, one->oid);

		for (size_t j = 0; j < other->count && !same; j++) {
			if (strcmp(other->attributes[j].oid, one->oid) != 0)
				continue;
			there = other->attributes[j].value;
			same = strcmp(there, one->value) == 0;
		}
		/* The second time round just what the first could not see: other kinds, and more of one. */
		if (same || (!all && there != NULL && !more) ||
			options_names(options, "accept", key))
			continue;
		buffer_printf(differing, "%s%s: \"%s\"", differing->length > 0 ? "; " : "", key,
			one->value);
		buffer_printf(differing, all ? _(", now \"%s\"") : _(", before \"%s\""),
			there != NULL ? there : "");
	}
}

bool renewal_same_subject(const struct flow *flow, const struct name *subject, struct error *err)
{
	const struct options *options = &flow->context->options;
	struct buffer differing = BUFFER_INIT(700);
	struct journal_application old = {0};
	struct certificates certificates = {0};
	bool done = false;

	if (flow->row.renews == 0)
		return true;
	if (!journal_load(flow->journal, flow->row.renews, &old, err) ||
		!renewal_certificate(&old, &certificates, err))
		goto out;
	compare(options, &certificates.list[0].subject, subject, true, &differing);
	compare(options, subject, &certificates.list[0].subject, false, &differing);
	done = (buffer_ok(&differing) && differing.length == 0) ||
	       error_set(err, ERROR_FAILED,
		       _("a renewal takes no change, and the certificate would say something else "
			 "(%s): podpis apply applies with the new data, --accept FIELD takes it"),
		       buffer_text(&differing));
out:
	certificates_clear(&certificates);
	journal_application_clear(&old);
	buffer_free(&differing);
	return done;
}

/* An installed certificate of the journal. */
struct held {
	int64_t id, renews;
	time_t end;
	struct certificates certificates;
};

static bool follows(const struct held *next, const struct held *one)
{
	const struct certificate *a = &next->certificates.list[0], *b = &one->certificates.list[0];

	return next->end > one->end &&
	       (next->renews == one->id ||
		       (strcmp(a->key_oid, b->key_oid) == 0 &&
			       a->subject_length == b->subject_length &&
			       memcmp(a->subject_der, b->subject_der, a->subject_length) == 0));
}

static bool hold_all(struct journal *journal, const int64_t *ids, size_t count, struct held *list,
	size_t *held, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		struct journal_application row = {0};
		struct held *one = &list[*held];

		if (!journal_load(journal, ids[i], &row, err))
			return false;
		if (renewal_certificate(&row, &one->certificates, NULL)) {
			one->id = row.id;
			one->renews = row.renews;
			one->end = renewal_end(&one->certificates.list[0]);
			(*held)++;
		}
		journal_application_clear(&row);
	}
	return true;
}

bool renewal_due(struct journal *journal, time_t now, unsigned days, int64_t **ids, size_t *count,
	struct error *err)
{
	const time_t span = (time_t)days * DAY;
	struct held *list = NULL;
	int64_t *all = NULL;
	size_t known = 0, held = 0, used = 0;
	bool done = false;

	if (!journal_ids(journal, &all, &known, err))
		return false;
	list = calloc(known + 1, sizeof(*list));
	if (list == NULL) {
		error_set(err, ERROR_FAILED, _("out of memory"));
		goto out;
	}
	if (!hold_all(journal, all, known, list, &held, err))
		goto out;
	/* The ids that stay move to the front of those that were found. */
	for (size_t i = 0; i < held; i++) {
		bool due = list[i].end - now < span && now - list[i].end < span;

		for (size_t j = 0; due && j < held; j++)
			due = !follows(&list[j], &list[i]);
		if (due)
			all[used++] = list[i].id;
	}
	*ids = all;
	*count = used;
	all = NULL;
	done = true;
out:
	for (size_t i = 0; list != NULL && i < held; i++)
		certificates_clear(&list[i].certificates);
	free(list);
	free(all);
	return done;
}
