#include "provision/flow/installation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "module/support/base64.h"
#include "provision/application.h"
#include "provision/certificate_check.h"
#include "provision/flow/cloud_key.h"
#include "provision/i18n.h"

#define PEM_MAX   (1024 * 1024)
#define CHAIN_MAX 16

static bool save(struct flow *flow, const char *event, const char *detail, struct error *err)
{
	return flow_dry_run(flow) || journal_save(flow->journal, &flow->row, event, detail, err);
}

/* One form for the journal, whatever the certificates came in. */
static bool to_pem(const struct certificates *list, struct buffer *pem)
{
	struct buffer text = BUFFER_INIT(PEM_MAX);

	for (size_t i = 0; i < list->count; i++) {
		buffer_reset(&text);
		base64_encode(list->list[i].der, list->list[i].length, &text);
		buffer_append_text(pem, "-----BEGIN CERTIFICATE-----\n");
		for (size_t line = 0; line < text.length; line += 64)
			buffer_printf(pem, "%.64s\n", buffer_text(&text) + line);
		buffer_append_text(pem, "-----END CERTIFICATE-----\n");
		pem->failed |= !buffer_ok(&text);
	}
	buffer_free(&text);
	return buffer_ok(pem);
}

/* Reads certificates in any form; the one for the row's key goes first. */
static bool take(const struct flow *flow, const uint8_t *data, size_t length,
	struct certificates *out, struct error *err)
{
	const struct journal_application *row = &flow->row;
	struct certificates list = {0};
	struct certificate first;
	int own;

	if (row->spki.data == NULL && !cloud_key_is(row))
		return error_set(err, ERROR_WORKPLACE,
			_("the key of application %lld is not at this workplace"),
			(long long)row->id);
	if (!certificates_read(data, length, &list, err))
		return false;
	own = row->spki.data != NULL
		      ? certificate_check_own(&list, row->spki.data, row->spki.length)
		      : cloud_key_leaf(&list);
	if (own < 0) {
		certificates_clear(&list);
		return error_set(err, ERROR_FAILED,
			_("the certificate is for another key than that of application %lld"),
			(long long)row->id);
	}
	first = list.list[own];
	memmove(list.list + 1, list.list, (size_t)own * sizeof(first));
	list.list[0] = first;
	*out = list;
	return true;
}

/* Puts certificates into the row. */
static bool keep(
	struct flow *flow, const struct certificates *list, const char *event, struct error *err)
{
	struct journal_application *row = &flow->row;
	struct buffer pem = BUFFER_INIT(PEM_MAX);
	bool done = false;

	if (!to_pem(list, &pem) || !journal_text(&row->certificates, buffer_text(&pem)) ||
		!journal_bytes(&row->certificate_sha256, list->list[0].sha256, 32)) {
		error_set(err, ERROR_FAILED, _("out of memory"));
		goto out;
	}
	row->not_after = (int64_t)list->list[0].not_after;
	if (row->installed == 0)
		row->state = STATE_DOWNLOADED;
	done = save(flow, event, NULL, err);
out:
	buffer_free(&pem);
	return done;
}

/* Why it could not be taken, for whoever looks later; the state stays the authority's. */
static void note_refusal(struct flow *flow, const struct error *problem)
{
	if (journal_text(&flow->row.reason, problem->message))
		save(flow, "certificate-refused", problem->message, NULL);
}

bool installation_download(struct flow *flow, struct error *err)
{
	struct buffer pem = BUFFER_INIT(PEM_MAX);
	struct certificates list = {0};
	bool done = false;

	if (!flow_authority(flow, err) ||
		!flow_has(flow, (const void *)(uintptr_t)flow->authority->class->fetch, "download",
			err) ||
		!flow->authority->class->fetch(flow->authority, flow->row.remote_id, &pem, err))
		goto out;
	if (!take(flow, pem.data, pem.length, &list, err))
		note_refusal(flow, err);
	else
		done = keep(flow, &list, "downloaded", err);
out:
	certificates_clear(&list);
	buffer_free(&pem);
	return done;
}

static bool read_file(
	struct flow *flow, const char *path, struct certificates *list, struct error *err)
{
	struct buffer data = BUFFER_INIT(PEM_MAX);
	bool done;

	if (!buffer_read_file(&data, path))
		done = error_set(err, ERROR_USAGE, "%s: %s", path, strerror(errno));
	else
		done = take(flow, data.data, data.length, list, err) ||
		       error_prefix(err, "%s", path);
	buffer_free(&data);
	return done;
}

/* The authority's own, or those of --anchor. */
static bool load_anchors(struct flow *flow, struct certificates *anchors, struct error *err)
{
	const char *path = options_get(&flow->context->options, "anchor");
	struct buffer pem = BUFFER_INIT(PEM_MAX);
	bool done = false;

	if (path != NULL) {
		if (!buffer_read_file(&pem, path)) {
			error_set(err, ERROR_USAGE, "%s: %s", path, strerror(errno));
			goto out;
		}
	} else if (!flow_authority(flow, err)) {
		goto out;
	} else if (flow->authority->class->anchors != NULL &&
		   !flow->authority->class->anchors(flow->authority, &pem, err)) {
		goto out;
	}
	if (pem.length == 0) {
		error_set(err, ERROR_USAGE,
			_("%s names no trust anchor: give its root certificate with --anchor FILE"),
			flow->row.authority);
		goto out;
	}
	done = certificates_read(pem.data, pem.length, anchors, err);
out:
	buffer_free(&pem);
	return done;
}

/* Shows every finding; false when one of them is not, or can't be, accepted. */
static bool judge(struct flow *flow, const struct certificate_findings *findings, struct error *err)
{
	struct output *output = &flow->context->output;
	struct buffer text = BUFFER_INIT(900);
	json_t *list = json_array();

	for (size_t i = 0; i < findings->count; i++) {
		const struct certificate_finding *one = &findings->list[i];
		bool take = one->may_accept &&
			    options_names(&flow->context->options, "accept", one->field);

		json_array_append_new(list, json_pack("{s:s, s:s, s:b}", "field", one->field,
						    "problem", one->text, "accepted", take));
		output_text(output, "  %s%s%s: %s%s\n", output_colour(output, COLOUR_BAD),
			one->field, output_colour(output, COLOUR_NONE), one->text,
			take ? _(" (accepted)") : "");
		if (!take)
			buffer_printf(&text, "%s%s: %s", text.length > 0 ? "; " : "", one->field,
				one->text);
	}
	if (findings->count > 0)
		output_json(output, "findings", list);
	else
		json_decref(list);
	if (text.length > 0)
		error_set(err, ERROR_FAILED, _("the certificate is not installed: %s"),
			buffer_text(&text));
	buffer_free(&text);
	return err->code == ERROR_NONE;
}

static bool check(struct flow *flow, const struct certificates *list,
	const struct certificates *anchors, struct error *err)
{
	const struct journal_application *row = &flow->row;
	struct application application = {0};
	struct certificate_findings findings = {0};
	struct certificates others = {.count = list->count - 1, .list = list->list + 1};
	struct certificate_expectation expectation = {
		.application = &application,
		.request = row->request.data,
		.request_length = row->request.length,
		.subject = row->subject.data,
		.subject_length = row->subject.length,
		.anchors = anchors,
		.others = &others,
		.now = time(NULL),
	};
	bool done;

	done = application_decode(
		       row->application.data, row->application.length, &application, err) &&
	       certificate_check(&list->list[0], &expectation, &findings, err) &&
	       judge(flow, &findings, err);
	application_clear(&application);
	return done;
}

/* Leaf beside its key, chain with the key identifiers of its own keys; then what was written is read. */
static bool write_all(struct signing *signing, const struct certificates *list,
	const struct certificates *anchors, struct error *err)
{
	const struct journal_application *row = &signing->flow->row;
	const struct certificate *leaf = &list->list[0];
	struct certificates others = {.count = list->count - 1, .list = list->list + 1};
	size_t path[CHAIN_MAX], count = 0;

	if (!certificate_check_chain(leaf, anchors, &others,
		    leaf->not_before > time(NULL) ? leaf->not_before : time(NULL), path, CHAIN_MAX,
		    &count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		const struct certificate *one = &others.list[path[i]];
		const char *name = name_get(&one->subject, "2.5.4.3");

		if (!token_certificate_write(&signing->slot, one, one->key_sha1,
			    sizeof(one->key_sha1), name != NULL ? name : row->authority, err))
			return false;
	}
	return token_certificate_write(
		&signing->slot, leaf, row->key_id.data, row->key_id.length, row->label, err);
}

static bool prove(struct signing *signing, const struct certificate *leaf, struct error *err)
{
	const struct journal_application *row = &signing->flow->row;
	struct token_certificates there = {0};
	const struct token_certificate *own;
	struct token_key key = {0};
	bool done = false;

	if (!token_certificates_load(&signing->slot, &there, err))
		goto out;
	own = token_certificates_find(&there, leaf->sha256);
	if (own == NULL || !own->has_key || own->id_length != row->key_id.length ||
		memcmp(own->id, row->key_id.data, own->id_length) != 0) {
		error_set(err, ERROR_FAILED,
			_("the certificate does not stand beside its key after it was written"));
		goto out;
	}
	done = token_key_open(&signing->slot, own->id, own->id_length, own->certificate.spki,
		       own->certificate.spki_length, &key, err) &&
	       token_key_prove(&key, err);
out:
	token_key_clear(&key);
	token_certificates_clear(&there);
	return done;
}

static bool install(struct flow *flow, const struct certificates *list,
	const struct certificates *anchors, struct error *err)
{
	struct signing signing;
	bool done;

	if (cloud_key_is(&flow->row))
		return cloud_key_install(flow, &list->list[0], err);
	signing_init(&signing, flow);
	/* The key proves itself before anything is written, and again with what was written. */
	done = signing_open_slot(&signing, err) &&
	       token_key_open(&signing.slot, flow->row.key_id.data, flow->row.key_id.length,
		       list->list[0].spki, list->list[0].spki_length, &signing.key, err) &&
	       token_key_prove(&signing.key, err) && write_all(&signing, list, anchors, err) &&
	       prove(&signing, &list->list[0], err);
	signing_clear(&signing);
	return done;
}

/* A failure that only this workplace can mend is written down with its reason. */
static bool note_failure(struct flow *flow, const struct error *problem, struct error *err)
{
	struct journal_application *row = &flow->row;

	if (row->installed == 0 && problem->code == ERROR_FAILED) {
		row->state = STATE_INSTALL_FAILED;
		journal_text(&row->reason, problem->message);
		save(flow, "install-failed", problem->message, NULL);
	}
	if (err != NULL)
		*err = *problem;
	return false;
}

/* The certificate that is to be installed, checked; one from a file is journaled when it is right. */
static bool prepare(struct flow *flow, const char *path, struct certificates *list,
	struct certificates *anchors, struct error *err)
{
	const char *pem = flow->row.certificates;

	if (path == NULL && pem == NULL)
		return error_set(err, ERROR_FAILED, _("the journal: no certificate"));
	if (path != NULL ? !read_file(flow, path, list, err)
			 : !take(flow, (const uint8_t *)pem, strlen(pem), list, err))
		return false;
	return load_anchors(flow, anchors, err) && check(flow, list, anchors, err) &&
	       (path == NULL || keep(flow, list, "certificate-given", err));
}

bool installation_install(struct flow *flow, const char *path, struct error *err)
{
	struct journal_application *row = &flow->row;
	struct certificates list = {0}, anchors = {0};
	struct error problem = {0};
	bool done = false, prepared;

	prepared = prepare(flow, path, &list, &anchors, &problem);
	if (!prepared)
		goto out;
	if (flow_dry_run(flow)) {
		output_text(&flow->context->output,
			_("The certificate is right; it would be installed.\n"));
		done = true;
		goto out;
	}
	if (!install(flow, &list, &anchors, &problem))
		goto out;
	row->installed = (int64_t)time(NULL);
	row->state = STATE_INSTALLED;
	journal_text(&row->reason, NULL);
	done = save(flow, "installed", NULL, &problem);
out:
	certificates_clear(&list);
	certificates_clear(&anchors);
	if (done)
		return true;
	/* A file that is not right says nothing about the certificate that may be here. */
	return prepared || path == NULL ? note_failure(flow, &problem, err)
					: error_set(err, problem.code, "%s", problem.message);
}

bool installation_acknowledge(struct flow *flow, struct error *err)
{
	struct journal_application *row = &flow->row;
	struct authority_status status = {0};

	if (row->acknowledged != 0)
		return true;
	if (!flow_authority(flow, err))
		return false;
	if (flow->authority->class->confirm != NULL && row->remote_id != NULL &&
		row->remote_state != STATE_CONFIRMED) {
		struct error problem = {0};

		if (!flow->authority->class->confirm(flow->authority, row->remote_id,
			    row->certificate_sha256.data, &status, &problem)) {
			/* The answer to an earlier try may have been lost. */
			if (problem.code == ERROR_REFUSED && flow_refresh(flow, NULL) &&
				row->remote_state == STATE_CONFIRMED)
				return installation_acknowledge(flow, err);
			if (err != NULL)
				*err = problem;
			return error_prefix(err,
				_("installed, but the authority has not heard of it; podpis "
				  "install %lld "
				  "tells it"),
				(long long)row->id);
		}
		row->acknowledged = (int64_t)time(NULL);
		return flow_take(flow, &status, "confirmed", err);
	}
	row->acknowledged = (int64_t)time(NULL);
	return save(flow, "confirmed", NULL, err);
}
