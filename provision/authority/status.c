#include "provision/authority/status.h"

#include <stdlib.h>
#include <string.h>

#include "provision/authority/answer.h"
#include "provision/i18n.h"

#define WAIT_MAX                                                                                   \
	(30LL * 86400) /* seconds; an authority that wants to be left alone longer is asked sooner */

static const struct {
	const char *name;
	unsigned action;
} actions[] = {
	{"request", ACTION_REQUEST},
	{"resubmit", ACTION_RESUBMIT},
	{"sign", ACTION_SIGN},
	{"identify", ACTION_IDENTIFY},
	{"download", ACTION_DOWNLOAD},
	{"confirm", ACTION_CONFIRM},
	{"cancel", ACTION_CANCEL},
	{"revoke", ACTION_REVOKE},
};

static bool decode_state(const json_t *json, enum flow_state *out, struct error *err)
{
	char *name = NULL;
	bool ok;

	if (!answer_text(json, "state", 64, false, &name, err))
		return false;
	ok = flow_state_by_name(name, out) && flow_state_info(*out)->remote;
	if (!ok)
		error_set(err, ERROR_UNREACHABLE,
			_("the authority names a state that this podpis does not know: %s"), name);
	free(name);
	return ok;
}

static bool decode_actions(const json_t *json, unsigned *out, struct error *err)
{
	const json_t *list;

	if (!answer_array(json, "actions", 64, &list, err))
		return false;
	*out = 0;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *name = json_string_value(json_array_get(list, i));

		if (name == NULL)
			return answer_wrong("actions", _("a list of texts"), err);
		/* An action that is not known is not offered; the others are. */
		for (size_t j = 0; j < sizeof(actions) / sizeof(actions[0]); j++)
			if (strcmp(name, actions[j].name) == 0)
				*out |= actions[j].action;
	}
	return true;
}

static bool decode_fields(const json_t *json, struct authority_status *status, struct error *err)
{
	const json_t *list;

	if (!answer_array(json, "fields", STATUS_FIELDS_MAX, &list, err))
		return false;
	status->fields = calloc(json_array_size(list) + 1, sizeof(*status->fields));
	if (status->fields == NULL)
		return error_set(err, ERROR_FAILED, _("out of memory"));
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct authority_field *field = &status->fields[status->field_count++];
		const json_t *entry = json_array_get(list, i);

		if (!answer_text(entry, "name", 64, false, &field->name, err) ||
			!answer_text(entry, "reason", 1024, false, &field->reason, err))
			return error_prefix(err, "fields");
	}
	return true;
}

static bool decode_document(
	const json_t *entry, struct authority_document *document, struct error *err)
{
	char *signer = NULL;
	long long size;
	bool ok = false;

	if (!answer_id(entry, "id", &document->id, err) ||
		!answer_text(entry, "title", 256, false, &document->title, err) ||
		!answer_text(entry, "media_type", 128, false, &document->media_type, err) ||
		!answer_sha256(entry, "sha256", document->sha256, err) ||
		!answer_integer(entry, "size", 0, STATUS_DOCUMENT_BYTES, &size, err) ||
		!answer_bool(entry, "form", &document->is_form, err) ||
		!answer_text(entry, "signer", 32, false, &signer, err))
		goto out;
	document->size = (size_t)size;
	if (strcmp(signer, "application") == 0)
		document->signer = DOCUMENT_SIGNER_APPLICATION;
	else if (strcmp(signer, "new-key") == 0)
		document->signer = DOCUMENT_SIGNER_NEW_KEY;
	else {
		answer_wrong("signer", "application, new-key", err);
		goto out;
	}
	ok = true;
out:
	free(signer);
	return ok || error_prefix(err, "documents");
}

static bool decode_documents(const json_t *json, struct authority_status *status, struct error *err)
{
	const json_t *list;

	if (!answer_array(json, "documents", STATUS_DOCUMENTS_MAX, &list, err))
		return false;
	status->documents = calloc(json_array_size(list) + 1, sizeof(*status->documents));
	if (status->documents == NULL)
		return error_set(err, ERROR_FAILED, _("out of memory"));
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct authority_document *document = &status->documents[status->document_count++];

		if (!decode_document(json_array_get(list, i), document, err))
			return false;
		for (size_t j = 0; j < i; j++)
			if (strcmp(status->documents[j].id, document->id) == 0)
				return answer_wrong(
					"documents", _("a list of different ones"), err);
	}
	return true;
}

static bool decode_token(const json_t *json, char **out, struct error *err)
{
	const json_t *member = json_object_get(json, "application_token");

	if (!answer_text(json, "application_token", 4096, true, out, err))
		return false;
	/* The JSON's copy is not needed any more. */
	if (*out != NULL)
		explicit_bzero(
			(char *)(uintptr_t)json_string_value(member), json_string_length(member));
	return true;
}

bool status_decode(const json_t *json, struct authority_status *out, struct error *err)
{
	struct authority_status status = {0};
	const json_t *application = json_object_get(json, "application");
	const json_t *hash = json_object_get(json, "certificate_sha256");
	long long wait;
	bool ok = false;

	if (!json_is_object(json)) {
		answer_wrong("application", _("an object"), err);
		goto out;
	}
	if (!answer_id(json, "id", &status.id, err) || !decode_state(json, &status.state, err) ||
		!answer_text(json, "status", 512, false, &status.words, err) ||
		!answer_bool(json, "poll", &status.poll, err) ||
		!answer_integer(json, "next_poll_seconds", 0, INT32_MAX, &wait, err) ||
		!answer_text(json, "reason", 2048, true, &status.reason, err) ||
		!answer_text(json, "holder", 512, true, &status.holder, err) ||
		!decode_fields(json, &status, err) || !decode_actions(json, &status.actions, err) ||
		!decode_documents(json, &status, err) || !decode_token(json, &status.token, err))
		goto out;
	status.has_application_sha256 = json_object_get(json, "application_sha256") != NULL;
	if (status.has_application_sha256 &&
		!answer_sha256(json, "application_sha256", status.application_sha256, err))
		goto out;
	status.has_certificate_sha256 = hash != NULL && !json_is_null(hash);
	if (status.has_certificate_sha256 &&
		!answer_sha256(json, "certificate_sha256", status.certificate_sha256, err))
		goto out;
	if (wait > 0)
		status.next_poll = time(NULL) + (time_t)(wait < WAIT_MAX ? wait : WAIT_MAX);
	if (json_is_object(application)) {
		status.summary = json_dumps(application, JSON_COMPACT);
		if (status.summary == NULL) {
			error_set(err, ERROR_FAILED, _("out of memory"));
			goto out;
		}
	} else if (application != NULL && !json_is_null(application)) {
		answer_wrong("application", _("an object"), err);
		goto out;
	}
	*out = status;
	ok = true;
out:
	if (!ok)
		authority_status_clear(&status);
	return ok;
}

bool status_decode_list(
	const json_t *json, struct authority_status **out, size_t *count, struct error *err)
{
	struct authority_status *statuses;
	const json_t *list;
	size_t length;

	if (!answer_array(json, "applications", STATUS_LIST_MAX, &list, err))
		return false;
	length = json_array_size(list);
	statuses = calloc(length + 1, sizeof(*statuses));
	if (statuses == NULL)
		return error_set(err, ERROR_FAILED, _("out of memory"));
	for (size_t i = 0; i < length; i++) {
		if (status_decode(json_array_get(list, i), &statuses[i], err))
			continue;
		while (i-- > 0)
			authority_status_clear(&statuses[i]);
		free(statuses);
		return false;
	}
	*out = statuses;
	*count = length;
	return true;
}

static bool decode_extension(const json_t *entry, struct extensions *extensions, struct error *err)
{
	struct buffer value = BUFFER_INIT(16 << 10);
	char *oid = NULL;
	bool critical, ok;

	ok = answer_text(entry, "oid", 63, false, &oid, err) &&
	     answer_bool(entry, "critical", &critical, err) &&
	     answer_bytes(entry, "value", &value, err) &&
	     extensions_add(extensions, oid, critical, value.data, value.length, err);
	free(oid);
	buffer_free(&value);
	return ok || error_prefix(err, "extensions");
}

bool status_decode_template(const json_t *json, struct authority_template *out, struct error *err)
{
	const json_t *subject, *extensions;
	bool ok = false;

	memset(out, 0, sizeof(*out));
	if (!answer_array(json, "subject", NAME_ATTRIBUTES_MAX, &subject, err) ||
		!answer_array(json, "extensions", EXTENSIONS_MAX, &extensions, err) ||
		!answer_text(json, "note", 2048, true, &out->note, err))
		goto out;
	for (size_t i = 0; i < json_array_size(subject); i++) {
		const json_t *entry = json_array_get(subject, i);
		char *oid = NULL, *value = NULL;
		bool added = answer_text(entry, "oid", 63, false, &oid, err) &&
			     answer_text(entry, "value", 1024, false, &value, err) &&
			     name_add(&out->subject, oid, value, err);

		free(oid);
		free(value);
		if (!added) {
			error_prefix(err, "subject");
			goto out;
		}
	}
	for (size_t i = 0; i < json_array_size(extensions); i++)
		if (!decode_extension(json_array_get(extensions, i), &out->extensions, err))
			goto out;
	if (out->subject.count == 0) {
		answer_wrong("subject", _("a name"), err);
		goto out;
	}
	ok = true;
out:
	if (!ok)
		authority_template_clear(out);
	return ok;
}
