#include "provision/flow/documents.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "module/support/base64.h"
#include "provision/application.h"
#include "provision/form.h"
#include "provision/i18n.h"

#define DOCUMENT_MAX  (16 * 1024 * 1024)
#define DOCUMENTS_MAX 32
#define CMS_MAX       (1024 * 1024)
#define STEP          "upload"

void documents_clear(struct documents *documents)
{
	for (size_t i = 0; i < documents->count; i++) {
		struct document *document = &documents->list[i];

		free(document->id);
		free(document->title);
		free(document->media_type);
		buffer_free(&document->content);
	}
	free(documents->list);
	*documents = (struct documents){0};
}

static bool hex_hash(const char *text, uint8_t hash[32])
{
	if (text == NULL || strlen(text) != 64 || strspn(text, "0123456789abcdef") != 64)
		return false;
	for (size_t i = 0; i < 32; i++) {
		char pair[3] = {text[2 * i], text[2 * i + 1], '\0'};

		hash[i] = (uint8_t)strtoul(pair, NULL, 16);
	}
	return true;
}

static char *copy_member(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return strdup(text != NULL ? text : "");
}

bool documents_read(
	const struct journal_application *row, struct documents *documents, struct error *err)
{
	json_t *list = row->documents != NULL ? json_loads(row->documents, 0, NULL) : NULL;
	struct documents made = {0};
	size_t count = json_array_size(list);
	bool done = false;

	if (count > DOCUMENTS_MAX) {
		error_set(err, ERROR_FAILED, _("the authority announces too many documents"));
		goto out;
	}
	made.list = calloc(count > 0 ? count : 1, sizeof(*made.list));
	if (made.list == NULL) {
		error_set(err, ERROR_FAILED, _("out of memory"));
		goto out;
	}
	for (; made.count < count; made.count++) {
		const json_t *object = json_array_get(list, made.count);
		struct document *document = &made.list[made.count];
		const char *signer = json_string_value(json_object_get(object, "signer"));

		document->content = BUFFER_INIT(DOCUMENT_MAX);
		document->id = copy_member(object, "id");
		document->title = copy_member(object, "title");
		document->media_type = copy_member(object, "media_type");
		document->by_new_key = signer != NULL && strcmp(signer, "new-key") == 0;
		document->is_form = json_is_true(json_object_get(object, "form"));
		if (document->id == NULL || document->title == NULL ||
			document->media_type == NULL ||
			!hex_hash(json_string_value(json_object_get(object, "sha256")),
				document->sha256)) {
			made.count++;
			error_set(err, ERROR_FAILED, _("the journal: a document can't be read"));
			goto out;
		}
	}
	*documents = made;
	made = (struct documents){0};
	done = true;
out:
	documents_clear(&made);
	json_decref(list);
	return done;
}

bool documents_fetch(struct flow *flow, struct documents *documents, struct error *err)
{
	const struct authority_class *class;

	if (!flow_authority(flow, err))
		return false;
	class = flow->authority->class;
	if (!flow_has(flow, (const void *)(uintptr_t) class->document, "documents", err))
		return false;
	for (size_t i = 0; i < documents->count; i++) {
		struct document *document = &documents->list[i];
		uint8_t hash[32];

		buffer_reset(&document->content);
		if (!class->document(flow->authority, flow->row.remote_id, document->id,
			    &document->content, err) ||
			!application_sha256(
				document->content.data, document->content.length, hash, err))
			return false;
		if (memcmp(hash, document->sha256, sizeof(hash)) != 0)
			return error_set(err, ERROR_FAILED,
				_("the document %s is not the one that was announced (its SHA-256 "
				  "differs); "
				  "nothing was signed"),
				document->id);
	}
	return true;
}

static void accept_rows(const struct options *options, struct form_comparison *comparison)
{
	for (size_t i = 0; i < comparison->count; i++) {
		if (options_names(options, "accept", comparison->rows[i].name))
			comparison->rows[i].accepted = true;
	}
}

static const char *verdict_text(const struct form_row *row)
{
	static const char *const texts[] = {
		[FORM_SAME] = N_("same"),
		[FORM_DIFFERS] = N_("DIFFERS"),
		[FORM_MISSING] = N_("MISSING"),
		[FORM_ADDED] = N_("ADDED"),
		[FORM_INFORMS] = "",
	};

	if (row->accepted && row->verdict != FORM_SAME && row->verdict != FORM_INFORMS)
		return _("accepted");
	return texts[row->verdict][0] != '\0' ? _(texts[row->verdict]) : "";
}

/* Two equal hashes side by side would only make the table wide; JSON has them whole. */
static const char *shorten(const struct form_row *row, const char *value, char text[64])
{
	static const char mark[] = "sha256:";
	const char *hash = strstr(value, mark);

	if (row->verdict != FORM_SAME || hash == NULL || strlen(hash) < sizeof(mark) + 16)
		return value;
	snprintf(text, 64, "%.*s…", (int)(hash - value + (ptrdiff_t)sizeof(mark) - 1 + 16), value);
	return text;
}

static void show_comparison(struct output *output, const struct form_comparison *comparison)
{
	static const char *const names[] = {"same", "differs", "missing", "added", "informs"};
	const char **cells = calloc((comparison->count + 1) * 4, sizeof(*cells));
	char texts[2][64];
	json_t *list = json_array();

	if (cells == NULL)
		return;
	cells[0] = _("Field");
	cells[1] = _("Application");
	cells[2] = _("Certificate");
	cells[3] = "";
	for (size_t i = 0; i < comparison->count; i++) {
		const struct form_row *row = &comparison->rows[i];
		const char **line = cells + (i + 1) * 4;

		line[0] = row->name;
		line[1] = row->applied != NULL ? row->applied : "—";
		line[2] = row->certified != NULL ? row->certified : "—";
		if (strcmp(row->name, "key") == 0) {
			line[1] = shorten(row, line[1], texts[0]);
			line[2] = shorten(row, line[2], texts[1]);
		}
		line[3] = verdict_text(row);
		json_array_append_new(
			list, json_pack("{s:s, s:s?, s:s?, s:s, s:b}", "name", row->name,
				      "application", row->applied, "certificate", row->certified,
				      "verdict", names[row->verdict], "accepted", row->accepted));
	}
	output_table(output, cells, comparison->count + 1, 4);
	output_json(output, "comparison", list);
	free(cells);
}

/* The fields' names, for the message. */
static bool refuse_differences(const struct form_comparison *comparison, struct error *err)
{
	struct buffer names = BUFFER_INIT(512);

	if (form_differences(comparison) == 0)
		return true;
	for (size_t i = 0; i < comparison->count; i++) {
		const struct form_row *row = &comparison->rows[i];

		if (row->verdict == FORM_SAME || row->verdict == FORM_INFORMS || row->accepted)
			continue;
		buffer_printf(&names, "%s%s", names.length > 0 ? ", " : "", row->name);
	}
	error_set(err, ERROR_FAILED,
		_("the certificate form differs from the application in: %s; nothing was signed "
		  "(--accept FIELD signs it all the same)"),
		buffer_text(&names));
	buffer_free(&names);
	return false;
}

bool documents_compare(struct flow *flow, const struct documents *documents, struct error *err)
{
	const struct journal_application *row = &flow->row;
	struct application application = {0};
	struct form_comparison comparison = {0};
	struct form form = {0};
	uint8_t spki_hash[32];
	bool done = false, compared = false;

	if (!application_decode(row->application.data, row->application.length, &application, err))
		goto out;
	if (row->spki.data != NULL &&
		!application_sha256(row->spki.data, row->spki.length, spki_hash, err))
		goto out;
	for (size_t i = 0; i < documents->count; i++) {
		const struct document *document = &documents->list[i];

		output_text(&flow->context->output, "%s: %s (%zu %s)\n", document->id,
			document->title, document->content.length, _("bytes"));
		if (!document->is_form)
			continue;
		form_clear(&form);
		form_comparison_clear(&comparison);
		if (!form_parse(document->content.data, document->content.length, &form, err))
			goto out;
		if (!form_compare(&form, &application, row->spki.data != NULL ? spki_hash : NULL,
			    &comparison)) {
			error_set(err, ERROR_FAILED, _("out of memory"));
			goto out;
		}
		accept_rows(&flow->context->options, &comparison);
		show_comparison(&flow->context->output, &comparison);
		if (!refuse_differences(&comparison, err))
			goto out;
		compared = true;
	}
	if (!compared)
		output_progress(&flow->context->output,
			_("None of the documents is a form that can be compared with the "
			  "application: read them (podpis show %lld --documents)"),
			(long long)row->id);
	done = true;
out:
	form_clear(&form);
	form_comparison_clear(&comparison);
	application_clear(&application);
	return done;
}

/* The signatures as the journal keeps them until they are answered for. */
static bool make_signatures(struct signing *signing, const struct documents *documents,
	char **payload, struct error *err)
{
	json_t *list = json_array();
	struct buffer cms = BUFFER_INIT(CMS_MAX), text = BUFFER_INIT(CMS_MAX * 2);
	time_t now = time(NULL);
	bool done = false;

	for (size_t i = 0; i < documents->count; i++) {
		const struct document *document = &documents->list[i];
		char hash[65];
		bool made;

		buffer_reset(&cms);
		if (document->by_new_key)
			made = signing_by_new_key(signing, document->content.data,
				document->content.length, now, &cms, err);
		else
			made = signing_open_pinned(signing, err) &&
			       token_signer_sign(&signing->signer, document->content.data,
				       document->content.length, now, &cms, err);
		if (!made) {
			error_prefix(err, "%s", document->id);
			goto out;
		}
		application_hex(document->sha256, 32, hash);
		buffer_reset(&text);
		if (!base64_encode(cms.data, cms.length, &text)) {
			error_set(err, ERROR_FAILED, _("out of memory"));
			goto out;
		}
		json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "document", document->id,
						    "sha256", hash, "cms", buffer_text(&text)));
	}
	*payload = json_dumps(list, JSON_COMPACT);
	done = *payload != NULL || error_set(err, ERROR_FAILED, _("out of memory"));
out:
	buffer_free(&cms);
	buffer_free(&text);
	json_decref(list);
	return done;
}

/* Do these signatures belong to the documents as they are announced now? */
static bool fits(const json_t *list, const struct documents *documents)
{
	if (json_array_size(list) != documents->count)
		return false;
	for (size_t i = 0; i < documents->count; i++) {
		const json_t *object = json_array_get(list, i);
		const char *id = json_string_value(json_object_get(object, "document"));
		const char *hash = json_string_value(json_object_get(object, "sha256"));
		char wanted[65];

		application_hex(documents->list[i].sha256, 32, wanted);
		if (id == NULL || hash == NULL || strcmp(id, documents->list[i].id) != 0 ||
			strcmp(hash, wanted) != 0)
			return false;
	}
	return true;
}

static bool upload(struct flow *flow, const struct journal_step *step, const json_t *list,
	struct authority_status *status, struct error *err)
{
	size_t count = json_array_size(list);
	struct authority_signature *signatures = calloc(count, sizeof(*signatures));
	struct buffer *bytes = calloc(count, sizeof(*bytes));
	bool done = false;

	if (signatures == NULL || bytes == NULL) {
		error_set(err, ERROR_FAILED, _("out of memory"));
		goto out;
	}
	for (size_t i = 0; i < count; i++) {
		const json_t *object = json_array_get(list, i);
		const char *cms = json_string_value(json_object_get(object, "cms"));

		bytes[i] = BUFFER_INIT(CMS_MAX);
		signatures[i].document = json_string_value(json_object_get(object, "document"));
		if (cms == NULL || !base64_decode(cms, strlen(cms), &bytes[i]) ||
			!hex_hash(json_string_value(json_object_get(object, "sha256")),
				signatures[i].sha256)) {
			error_set(err, ERROR_FAILED, _("the journal: a signature can't be read"));
			goto out;
		}
		signatures[i].cms = bytes[i].data;
		signatures[i].length = bytes[i].length;
	}
	done = flow->authority->class->upload(flow->authority, flow->row.remote_id,
		step->idempotency_key, signatures, count, status, err);
out:
	for (size_t i = 0; i < count && bytes != NULL; i++)
		buffer_free(&bytes[i]);
	free(bytes);
	free(signatures);
	return done;
}

/* Sends what is in the step; false, with the step ended, when it was refused for good. */
static bool send(struct flow *flow, struct journal_step *step, struct error *err)
{
	struct authority_status status = {0};
	struct error problem = {0};
	json_t *list = json_loadb((const char *)step->payload.data, step->payload.length, 0, NULL);
	bool done = false;

	if (list == NULL) {
		error_set(err, ERROR_FAILED, _("the journal: signatures can't be read"));
		goto out;
	}
	output_progress(&flow->context->output, _("%zu signatures are sent to %s…"),
		json_array_size(list), flow->row.authority);
	if (!upload(flow, step, list, &status, &problem)) {
		if (problem.code == ERROR_REFUSED || problem.code == ERROR_USAGE)
			journal_step_end(flow->journal, step, problem.message, NULL);
		if (err != NULL)
			*err = problem;
		goto out;
	}
	done = flow_answer(flow, &status, "documents-signed", step, err);
out:
	json_decref(list);
	return done;
}

/* Signatures that were made before, and perhaps sent: the same ones go again. */
static bool resend(
	struct flow *flow, const struct documents *documents, bool *sent, struct error *err)
{
	struct journal_step step = {0};
	bool pending = false, done = false;
	json_t *list;

	*sent = false;
	if (!journal_step_find(flow->journal, flow->row.id, STEP, &step, &pending, err))
		return false;
	if (!pending)
		return true;
	list = json_loadb((const char *)step.payload.data, step.payload.length, 0, NULL);
	if (!fits(list, documents)) {
		done = journal_step_drop(flow->journal, flow->row.id, STEP, err);
	} else {
		*sent = true;
		done = send(flow, &step, err);
	}
	json_decref(list);
	journal_step_clear(&step);
	return done;
}

static bool sign_and_send(struct flow *flow, const struct documents *documents, struct error *err)
{
	struct journal_step step = {0};
	struct signing signing;
	char *payload = NULL;
	bool done = false;

	signing_init(&signing, flow);
	if (!make_signatures(&signing, documents, &payload, err) ||
		!journal_step_begin(flow->journal, flow->row.id, STEP, (const uint8_t *)payload,
			strlen(payload), &step, err))
		goto out;
	done = send(flow, &step, err);
out:
	journal_step_clear(&step);
	signing_clear(&signing);
	free(payload);
	return done;
}

bool documents_sign(struct flow *flow, struct error *err)
{
	struct documents documents = {0};
	bool sent = false, done = false;

	if (!flow_authority(flow, err) ||
		!flow_has(flow, (const void *)(uintptr_t)flow->authority->class->upload, "sign",
			err) ||
		!documents_read(&flow->row, &documents, err))
		goto out;
	if (documents.count == 0) {
		error_set(err, ERROR_FAILED, _("the authority announces no documents to sign"));
		goto out;
	}
	if (!documents_fetch(flow, &documents, err) || !documents_compare(flow, &documents, err))
		goto out;
	if (options_has(&flow->context->options, "dry-run")) {
		output_text(&flow->context->output, _("These %zu documents would be signed.\n"),
			documents.count);
		done = true;
		goto out;
	}
	done = resend(flow, &documents, &sent, err) &&
	       (sent || sign_and_send(flow, &documents, err));
out:
	documents_clear(&documents);
	return done;
}
