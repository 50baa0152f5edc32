#include "provision/authority/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "provision/authority/answer.h"
#include "provision/authority/certificate_pem.h"
#include "module/support/folder.h"
#include "provision/i18n.h"

struct file {
	struct authority base; /* first */
	char *name, *folder, *anchors;
};

static void file_close(struct authority *authority)
{
	struct file *file = (struct file *)authority;

	free(file->name);
	free(file->folder);
	free(file->anchors);
	free(file);
}

static bool file_open(const struct config_section *section, struct log *log, struct authority **out,
	struct error *err)
{
	const char *folder = config_get(section, "folder"),
		   *anchors = config_get(section, "anchors");
	struct file *file;

	(void)log;
	if (folder == NULL || folder[0] == '\0')
		return error_set(err, ERROR_USAGE, _("the folder is missing"));
	file = calloc(1, sizeof(*file));
	if (file == NULL)
		return error_set(err, ERROR_FAILED, _("out of memory"));
	file->base.class = &file_class;
	file->name = strdup(section->name);
	file->folder = strdup(folder);
	file->anchors = anchors != NULL ? strdup(anchors) : NULL;
	file->base.name = file->name;
	if (file->name == NULL || file->folder == NULL ||
		(anchors != NULL && file->anchors == NULL)) {
		file_close(&file->base);
		return error_set(err, ERROR_FAILED, _("out of memory"));
	}
	*out = &file->base;
	return true;
}

static char *box_path(struct authority *authority, const char *id, struct error *err)
{
	char *path;

	if (!answer_id_valid(id)) {
		error_set(
			err, ERROR_USAGE, _("%.64s can't be an application of this authority"), id);
		return NULL;
	}
	if (asprintf(&path, "%s/%s", ((struct file *)authority)->folder, id) < 0) {
		error_set(err, ERROR_FAILED, _("out of memory"));
		return NULL;
	}
	return path;
}

static bool status_of(struct authority *authority, const char *id, struct authority_status *out,
	struct error *err)
{
	char *box = box_path(authority, id, err);
	bool ok = box != NULL && file_box_status(box, id, out, err);

	free(box);
	return ok;
}

/* PEM beside the DER: most web cabinets take this one. */
static bool write_request(
	const char *box, const struct authority_submission *submission, struct error *err)
{
	struct buffer pem = BUFFER_INIT(1 << 20);
	bool ok;

	ok = certificate_pem_block("CERTIFICATE REQUEST", submission->request,
		     submission->request_length, &pem, err) &&
	     folder_write(
		     box, "request.p10", submission->request, submission->request_length, err) &&
	     folder_write(box, "request.pem", pem.data, pem.length, err);
	buffer_free(&pem);
	return ok;
}

/* Is what lies there the same? Another application under an old key would be a mistake of ours. */
static bool check_same(
	const char *box, const struct authority_submission *submission, struct error *err)
{
	struct buffer old = BUFFER_INIT(FILE_BYTES);
	bool there = false, ok;

	ok = folder_read(box, "application.json", &old, &there, err);
	if (ok && there &&
		(old.length != submission->application_length ||
			memcmp(old.data, submission->application, old.length) != 0))
		ok = error_set(err, ERROR_FAILED, _("%s holds another application"), box);
	buffer_free(&old);
	return ok;
}

static bool file_submit(struct authority *authority, const struct authority_submission *submission,
	struct authority_status *out, struct error *err)
{
	const char *id = submission->id != NULL ? submission->id : submission->idempotency_key;
	char *box = NULL;
	bool ok = false;

	if (submission->for_account != NULL)
		return error_set(err, ERROR_USAGE,
			_("this authority has no accounts: apply with the person's own tool"));
	if (submission->request == NULL)
		return error_set(err, ERROR_USAGE, _("this authority wants the request at once"));
	box = box_path(authority, id, err);
	if (box == NULL || !folder_make(box, err))
		goto out;
	if (submission->id == NULL && !check_same(box, submission, err))
		goto out;
	if (!write_request(box, submission, err))
		goto out;
	if (submission->signature != NULL
			? !folder_write(box, "application.json.p7s", submission->signature,
				  submission->signature_length, err)
			: !folder_remove(box, "application.json.p7s", err))
		goto out;
	if (!file_box_explain(box, submission->signature != NULL, err))
		goto out;
	/* The last one: a folder without it is half-made, and no application. */
	if (!folder_write(box, "application.json", submission->application,
		    submission->application_length, err))
		goto out;
	ok = file_box_status(box, id, out, err);
out:
	free(box);
	return ok;
}

static bool file_poll(struct authority *authority, const char *id, struct authority_status *out,
	struct error *err)
{
	return status_of(authority, id, out, err);
}

static bool file_list(struct authority *authority, struct authority_status **out, size_t *count,
	struct error *err)
{
	const char *folder = ((struct file *)authority)->folder;
	struct authority_status *statuses = NULL;
	size_t names_count = 0, length = 0;
	struct error problem = {0};
	char **names = NULL;
	bool ok = false;

	if (!folder_names(folder, true, &names, &names_count, err))
		return false;
	statuses = calloc(names_count + 1, sizeof(*statuses));
	if (statuses == NULL) {
		error_set(err, ERROR_FAILED, _("out of memory"));
		goto out;
	}
	for (size_t i = 0; i < names_count; i++) {
		/* Other folders may stand beside the applications'. */
		if (!answer_id_valid(names[i]))
			continue;
		if (status_of(authority, names[i], &statuses[length], &problem))
			length++;
		else if (problem.code != ERROR_USAGE) {
			error_set(err, problem.code, "%s", problem.message);
			goto out;
		}
	}
	*out = statuses;
	*count = length;
	ok = true;
out:
	folder_names_free(names, names_count);
	if (!ok) {
		for (size_t i = 0; statuses != NULL && i < length; i++)
			authority_status_clear(&statuses[i]);
		free(statuses);
	}
	return ok;
}

static bool file_document(struct authority *authority, const char *id, const char *document,
	struct buffer *out, struct error *err)
{
	char *box = box_path(authority, id, err), *name = NULL;
	bool ok = box != NULL && file_box_document(box, document, &name, out, err);

	free(name);
	free(box);
	return ok;
}

static bool write_signature(const char *box, const char *documents,
	const struct authority_signature *signature, struct error *err)
{
	struct buffer content = BUFFER_INIT(FILE_BYTES);
	char *name = NULL, *beside = NULL;
	uint8_t hash[32];
	bool ok = false;

	if (!file_box_document(box, signature->document, &name, &content, err))
		goto out;
	if (EVP_Digest(content.data != NULL ? content.data : (const uint8_t *)"", content.length,
		    hash, NULL, EVP_sha256(), NULL) != 1 ||
		memcmp(hash, signature->sha256, 32) != 0) {
		error_set(
			err, ERROR_REFUSED, _("%s has been altered since it was announced"), name);
		goto out;
	}
	if (asprintf(&beside, "%s.p7s", name) < 0) {
		beside = NULL;
		error_set(err, ERROR_FAILED, _("out of memory"));
		goto out;
	}
	ok = folder_write(documents, beside, signature->cms, signature->length, err);
out:
	free(beside);
	free(name);
	buffer_free(&content);
	return ok;
}

static bool file_upload(struct authority *authority, const char *id, const char *idempotency_key,
	const struct authority_signature *signatures, size_t count, struct authority_status *out,
	struct error *err)
{
	char *box = box_path(authority, id, err), *documents = NULL;
	bool ok = false;

	(void)idempotency_key; /* a file that is written twice is the same file */
	if (box == NULL)
		goto out;
	if (asprintf(&documents, "%s/documents", box) < 0) {
		documents = NULL;
		error_set(err, ERROR_FAILED, _("out of memory"));
		goto out;
	}
	for (size_t i = 0; i < count; i++)
		if (!write_signature(box, documents, &signatures[i], err))
			goto out;
	ok = file_box_status(box, id, out, err);
out:
	free(documents);
	free(box);
	return ok;
}

static bool file_fetch(
	struct authority *authority, const char *id, struct buffer *pem, struct error *err)
{
	char *box = box_path(authority, id, err);
	bool ok = box != NULL && file_box_certificates(box, pem, err);

	free(box);
	return ok;
}

static bool file_anchors(struct authority *authority, struct buffer *pem, struct error *err)
{
	const char *path = ((struct file *)authority)->anchors;

	return path == NULL || certificate_pem_file(path, pem, err);
}

static bool mark(struct authority *authority, const char *id, const char *name, const char *text,
	struct authority_status *out, struct error *err)
{
	char *box = box_path(authority, id, err);
	struct authority_status status = {0};
	bool ok;

	ok = box != NULL && file_box_status(box, id, &status, err) &&
	     folder_write(box, name, text, strlen(text), err) && file_box_status(box, id, out, err);
	authority_status_clear(&status);
	free(box);
	return ok;
}

static bool file_confirm(struct authority *authority, const char *id, const uint8_t sha256[32],
	struct authority_status *out, struct error *err)
{
	char text[2 * 32 + 2];

	for (size_t i = 0; i < 32; i++)
		snprintf(text + 2 * i, 4, "%02x\n", sha256[i]);
	return mark(authority, id, "received", text, out, err);
}

static bool file_cancel(struct authority *authority, const char *id, const char *idempotency_key,
	struct authority_status *out, struct error *err)
{
	(void)idempotency_key;
	return mark(authority, id, "cancelled", "", out, err);
}

static bool file_revoke(struct authority *authority, const char *id, const char *idempotency_key,
	const struct authority_statement *statement, struct authority_status *out,
	struct error *err)
{
	char *box = box_path(authority, id, err);
	struct authority_status status = {0};
	bool ok;

	(void)idempotency_key;
	/* The statement goes last: a folder without it asks for nothing. */
	ok = box != NULL && file_box_status(box, id, &status, err) &&
	     folder_write(
		     box, FILE_REVOCATION ".p7s", statement->cms, statement->cms_length, err) &&
	     file_box_explain_revocation(box, err) &&
	     folder_write(box, FILE_REVOCATION, statement->text, statement->length, err) &&
	     file_box_status(box, id, out, err);
	authority_status_clear(&status);
	free(box);
	return ok;
}

const struct authority_class file_class = {
	.protocol = "file",
	.open = file_open,
	.close = file_close,
	.submit = file_submit,
	.poll = file_poll,
	.list = file_list,
	.document = file_document,
	.upload = file_upload,
	.fetch = file_fetch,
	.anchors = file_anchors,
	.confirm = file_confirm,
	.cancel = file_cancel,
	.revoke = file_revoke,
};
