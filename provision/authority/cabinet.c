#include "provision/authority/cabinet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "module/support/base64.h"
#include "provision/authority/answer.h"
#include "provision/authority/certificate_pem.h"
#include "provision/authority/status.h"
#include "provision/i18n.h"

#define CERTIFICATE_BYTES (64 << 10)
#define CHAIN_MAX         8

json_t *cabinet_bytes(const uint8_t *data, size_t length)
{
	struct buffer text = BUFFER_INIT(32 << 20);
	json_t *json = NULL;

	if (data == NULL)
		return json_null();
	if (base64_encode(data, length, &text))
		json = json_stringn_nocheck(buffer_text(&text), text.length);
	buffer_free(&text);
	return json;
}

bool cabinet_call(struct cabinet *cabinet, struct session_call *call, const char *prefix,
	const char *id, const char *suffix, json_t *body, json_t **out, struct error *err)
{
	struct buffer path = BUFFER_INIT(1024);
	bool ok = false;

	if (body == NULL && strcmp(call->method, "GET") != 0) {
		error_set(err, ERROR_FAILED, _("out of memory"));
		goto out;
	}
	if (id != NULL && !answer_id_valid(id)) {
		error_set(
			err, ERROR_USAGE, _("%.64s can't be an application of this authority"), id);
		goto out;
	}
	if (!buffer_printf(&path, "%s%s%s", prefix, id != NULL ? id : "", suffix)) {
		error_set(err, ERROR_FAILED, _("out of memory"));
		goto out;
	}
	call->path = buffer_text(&path);
	call->application = id;
	call->body = body;
	ok = session_json(&cabinet->session, call, out, err);
out:
	call->path = NULL;
	call->body = NULL;
	buffer_free(&path);
	json_decref(body);
	return ok;
}

bool cabinet_status(struct cabinet *cabinet, struct session_call *call, const char *prefix,
	const char *id, const char *suffix, json_t *body, struct authority_status *out,
	struct error *err)
{
	struct authority_status status = {0};
	json_t *json = NULL;
	bool ok = false;

	if (!cabinet_call(cabinet, call, prefix, id, suffix, body, &json, err) ||
		!status_decode(json, &status, err))
		goto out;
	if (id != NULL && strcmp(status.id, id) != 0) {
		error_set(err, ERROR_UNREACHABLE,
			_("the authority's answer is about another application, %s"), status.id);
		authority_status_clear(&status);
		goto out;
	}
	*out = status;
	ok = true;
out:
	json_decref(json);
	return ok;
}

static void cabinet_close(struct authority *authority)
{
	struct cabinet *cabinet = (struct cabinet *)authority;

	session_close(&cabinet->session);
	json_decref(cabinet->info);
	free(cabinet->anchors);
	free(cabinet);
}

static bool cabinet_open(const struct config_section *section, struct log *log,
	struct authority **out, struct error *err)
{
	struct cabinet *cabinet = calloc(1, sizeof(*cabinet));
	const char *anchors = config_get(section, "anchors");

	if (cabinet == NULL)
		return error_set(err, ERROR_FAILED, _("out of memory"));
	cabinet->base.class = &cabinet_class;
	if (anchors != NULL)
		cabinet->anchors = strdup(anchors);
	if ((anchors != NULL && cabinet->anchors == NULL &&
		    !error_set(err, ERROR_FAILED, _("out of memory"))) ||
		!session_open(section, log, &cabinet->session, err)) {
		cabinet_close(&cabinet->base);
		return false;
	}
	cabinet->base.name = cabinet->session.name;
	*out = &cabinet->base;
	return true;
}

static bool cabinet_template(struct authority *authority, const char *profile,
	const uint8_t *application, size_t length, struct authority_template *out,
	struct error *err)
{
	struct session_call call = {.method = "POST", .repeatable = true};
	json_t *answer = NULL, *content;
	bool ok;

	content = json_loadb((const char *)application, length, JSON_REJECT_DUPLICATES, NULL);
	if (content == NULL)
		return error_set(err, ERROR_FAILED, _("the application is not JSON"));
	ok = cabinet_call((struct cabinet *)authority, &call, "/request-template", NULL, "",
		     json_pack("{s:s, s:o}", "profile", profile, "application", content), &answer,
		     err) &&
	     status_decode_template(answer, out, err);
	json_decref(answer);
	return ok;
}

static bool cabinet_submit(struct authority *authority,
	const struct authority_submission *submission, struct authority_status *out,
	struct error *err)
{
	struct cabinet *cabinet = (struct cabinet *)authority;
	struct session_call call = {
		.method = submission->id != NULL ? "PUT" : "POST",
		.idempotency_key = submission->idempotency_key,
	};
	struct error problem;
	json_t *body;

	body = json_pack("{s:o, s:o, s:o, s:s?}", "application",
		cabinet_bytes(submission->application, submission->application_length), "request",
		cabinet_bytes(submission->request, submission->request_length), "signature",
		cabinet_bytes(submission->signature, submission->signature_length), "for",
		submission->for_account);
	if (!cabinet_status(cabinet, &call,
		    submission->id != NULL ? "/applications/" : "/applications", submission->id, "",
		    body, out, err))
		return false;
	/* The application is filed; without its token the login still opens it. */
	if (out->token != NULL && submission->for_account == NULL &&
		!login_keep_application(cabinet->session.login, out->id, out->token, &problem))
		log_warning(cabinet->session.log, "the application's token is not kept: %s",
			problem.message);
	return true;
}

static bool cabinet_poll(struct authority *authority, const char *id, struct authority_status *out,
	struct error *err)
{
	struct session_call call = {.method = "GET"};

	return cabinet_status(
		(struct cabinet *)authority, &call, "/applications/", id, "", NULL, out, err);
}

static bool cabinet_list(struct authority *authority, struct authority_status **out, size_t *count,
	struct error *err)
{
	struct session_call call = {.method = "GET", .limit = 32 << 20};
	json_t *answer = NULL;
	bool ok;

	ok = cabinet_call((struct cabinet *)authority, &call, "/applications", NULL, "", NULL,
		     &answer, err) &&
	     status_decode_list(answer, out, count, err);
	json_decref(answer);
	return ok;
}

static bool cabinet_document(struct authority *authority, const char *id, const char *document,
	struct buffer *out, struct error *err)
{
	struct cabinet *cabinet = (struct cabinet *)authority;
	struct session_call call = {
		.method = "GET", .limit = STATUS_DOCUMENT_BYTES, .application = id};
	struct buffer path = BUFFER_INIT(1024);
	struct http_response response = {0};
	bool ok = false;

	if (!answer_id_valid(id) || !answer_id_valid(document)) {
		error_set(err, ERROR_USAGE, _("there is no document %.64s"), document);
		goto out;
	}
	buffer_printf(&path, "/applications/%s/documents/%s", id, document);
	call.path = buffer_text(&path);
	if (!session_call(&cabinet->session, &call, &response, err))
		goto out;
	ok = buffer_append(out, response.body.data, response.body.length) ||
	     error_set(err, ERROR_FAILED, _("the document is larger than announced"));
out:
	http_response_clear(&response);
	buffer_free(&path);
	return ok;
}

static bool cabinet_upload(struct authority *authority, const char *id, const char *idempotency_key,
	const struct authority_signature *signatures, size_t count, struct authority_status *out,
	struct error *err)
{
	struct session_call call = {.method = "POST", .idempotency_key = idempotency_key};
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++) {
		char hash[65];

		for (size_t j = 0; j < 32; j++)
			snprintf(hash + 2 * j, 3, "%02x", signatures[i].sha256[j]);
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:o}", "document", signatures[i].document,
				      "sha256", hash, "signature",
				      cabinet_bytes(signatures[i].cms, signatures[i].length)));
	}
	if (json_array_size(list) != count) {
		json_decref(list);
		return error_set(err, ERROR_FAILED, _("out of memory"));
	}
	return cabinet_status((struct cabinet *)authority, &call, "/applications/", id,
		"/signatures", json_pack("{s:o}", "signatures", list), out, err);
}

static bool cabinet_identify_begin(struct authority *authority, const char *id,
	struct authority_identification *identification, struct error *err)
{
	struct session_call call = {.method = "POST", .repeatable = true};
	json_t *answer = NULL, *body;
	char *url = NULL;
	bool ok = false;

	body = json_pack("{s:s, s:s, s:s, s:s}", "redirect_uri", identification->redirect_uri,
		"state", identification->state, "code_challenge", identification->code_challenge,
		"code_challenge_method", "S256");
	if (!cabinet_call((struct cabinet *)authority, &call, "/applications/", id,
		    "/identification", body, &answer, err) ||
		!answer_text(answer, "url", 4096, false, &url, err))
		goto out;
	if (!http_address_valid(url)) {
		answer_wrong("url", _("an https address"), err);
		goto out;
	}
	ok = buffer_append_text(&identification->url, url) ||
	     error_set(err, ERROR_FAILED, _("out of memory"));
out:
	free(url);
	json_decref(answer);
	return ok;
}

static bool cabinet_identify_complete(struct authority *authority, const char *id,
	struct authority_identification *identification, struct authority_status *out,
	struct error *err)
{
	/* The same code with the same verifier is answered again. */
	struct session_call call = {.method = "POST", .repeatable = true};

	return cabinet_status((struct cabinet *)authority, &call, "/applications/", id,
		"/identification/complete",
		json_pack("{s:s, s:s}", "code", identification->code, "code_verifier",
			identification->code_verifier),
		out, err);
}

bool cabinet_add_certificates(
	const json_t *answer, const char *name, struct buffer *pem, struct error *err)
{
	struct buffer der = BUFFER_INIT(CERTIFICATE_BYTES);
	const json_t *list;
	bool ok;

	ok = answer_array(answer, name, CHAIN_MAX, &list, err);
	for (size_t i = 0; ok && i < json_array_size(list); i++) {
		json_t *entry = json_pack("{s:O}", name, json_array_get(list, i));

		buffer_reset(&der);
		ok = answer_bytes(entry, name, &der, err) &&
		     certificate_pem(der.data, der.length, pem, err);
		json_decref(entry);
	}
	buffer_free(&der);
	return ok;
}

static bool cabinet_fetch(
	struct authority *authority, const char *id, struct buffer *pem, struct error *err)
{
	struct session_call call = {.method = "GET"};
	struct buffer der = BUFFER_INIT(CERTIFICATE_BYTES);
	json_t *answer = NULL;
	bool ok;

	ok = cabinet_call((struct cabinet *)authority, &call, "/applications/", id, "/certificate",
		     NULL, &answer, err) &&
	     answer_bytes(answer, "certificate", &der, err) &&
	     certificate_pem(der.data, der.length, pem, err) &&
	     cabinet_add_certificates(answer, "chain", pem, err);
	buffer_free(&der);
	json_decref(answer);
	return ok;
}

static bool cabinet_confirm(struct authority *authority, const char *id, const uint8_t sha256[32],
	struct authority_status *out, struct error *err)
{
	struct session_call call = {.method = "POST", .repeatable = true};
	char hash[65];

	for (size_t i = 0; i < 32; i++)
		snprintf(hash + 2 * i, 3, "%02x", sha256[i]);
	return cabinet_status((struct cabinet *)authority, &call, "/applications/", id,
		"/confirmation", json_pack("{s:s}", "certificate_sha256", hash), out, err);
}

static bool cabinet_cancel(struct authority *authority, const char *id, const char *idempotency_key,
	struct authority_status *out, struct error *err)
{
	struct session_call call = {.method = "POST", .idempotency_key = idempotency_key};

	return cabinet_status((struct cabinet *)authority, &call, "/applications/", id,
		"/cancellation", json_object(), out, err);
}

static bool cabinet_revoke(struct authority *authority, const char *id, const char *idempotency_key,
	const struct authority_statement *statement, struct authority_status *out,
	struct error *err)
{
	struct session_call call = {.method = "POST", .idempotency_key = idempotency_key};

	return cabinet_status((struct cabinet *)authority, &call, "/applications/", id,
		"/revocation",
		json_pack("{s:o, s:o}", "statement",
			cabinet_bytes(statement->text, statement->length), "signature",
			cabinet_bytes(statement->cms, statement->cms_length)),
		out, err);
}

const struct authority_class cabinet_class = {
	.protocol = "cabinet",
	.needs_login = true,
	.open = cabinet_open,
	.close = cabinet_close,
	.request_template = cabinet_template,
	.submit = cabinet_submit,
	.poll = cabinet_poll,
	.list = cabinet_list,
	.document = cabinet_document,
	.upload = cabinet_upload,
	.identify_begin = cabinet_identify_begin,
	.identify_complete = cabinet_identify_complete,
	.fetch = cabinet_fetch,
	.anchors = cabinet_anchors,
	.confirm = cabinet_confirm,
	.cancel = cabinet_cancel,
	.revoke = cabinet_revoke,
	.admin_confirm = cabinet_admin_confirm,
	.admin_return = cabinet_admin_return,
	.admin_reject = cabinet_admin_reject,
	.login = cabinet_login,
	.logout = cabinet_logout,
	.account = cabinet_account,
};
