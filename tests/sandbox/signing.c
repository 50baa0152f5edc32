#include "tests/sandbox/signing.h"

#include <string.h>

#include "tests/sandbox/accounts.h"
#include "tests/sandbox/ca.h"
#include "tests/sandbox/cabinet.h"
#include "tests/sandbox/issue.h"
#include "tests/sandbox/signature.h"
#include "tests/sandbox/store.h"

/* ---- documents */

static X509 *stand_in_for(struct sandbox *sandbox, const struct application *a)
{
	const uint8_t *p = a->request.data;
	X509_REQ *request = d2i_X509_REQ(NULL, &p, (long)a->request.length);
	X509 *stand_in = request != NULL ? ca_stand_in(sandbox->ca, request) : NULL;

	X509_REQ_free(request);
	return stand_in;
}

static bool check_one(struct sandbox *sandbox, const struct application *a, bool by_new_key,
	const struct buffer *body, const struct buffer *cms, struct check_problem *problem)
{
	uint8_t hash[CODEC_SHA256];
	X509 *signer = NULL;
	bool ok = false;

	if (by_new_key) {
		signer = stand_in_for(sandbox, a);
		ok = signer != NULL &&
		     signature_by_key(cms, body->data, body->length, signer, problem);
	} else if (signature_by_certificate(cms, body->data, body->length, &signer, problem) &&
		   signature_signer_allowed(sandbox, signer, a->account, hash, problem)) {
		ok = memcmp(hash, a->signer, sizeof hash) == 0 ||
		     check_refuse(problem, "wrong-signer",
			     "Документы нужно подписать той же подписью, что и заявление");
	}
	X509_free(signer);
	return ok;
}

/* One document's signature: found in the list, over what was announced, by whom it has to be; then kept. */
static bool take_document(struct sandbox *sandbox, const struct application *a, sqlite3_stmt *row,
	const json_t *signatures, struct check_problem *problem)
{
	struct buffer body = BUFFER_INIT(HTTP_BODY_MAX), cms = BUFFER_INIT(HTTP_BODY_MAX);
	uint8_t claimed[CODEC_SHA256];
	const char *id = store_text(row, 0), *text, *sha256;
	const json_t *entry, *mine = NULL;
	size_t index;
	bool ok = false;

	json_array_foreach(signatures, index, entry)
	{
		const char *document = json_string_value(json_object_get(entry, "document"));

		if (document != NULL && strcmp(document, id) == 0)
			mine = entry;
	}
	text = json_string_value(json_object_get(mine, "signature"));
	sha256 = json_string_value(json_object_get(mine, "sha256"));
	store_blob(row, 2, &body);
	if (mine == NULL || text == NULL)
		check_refuse(problem, "documents-incomplete", "Не подписан документ «%s»", id);
	else if (sha256 == NULL || !codec_unhex_sha256(sha256, claimed) ||
		 !store_equals(row, 1, claimed, sizeof claimed))
		check_refuse(problem, "document-altered",
			"Подписан не тот документ «%s», который был предложен", id);
	else if (!codec_unbase64(text, strlen(text), &cms) || cms.length == 0)
		check_refuse(
			problem, "invalid-signature", "Подпись документа «%s» не читается", id);
	else
		ok = check_one(sandbox, a, strcmp(store_text(row, 3), "new-key") == 0, &body, &cms,
			problem);
	if (ok)
		store_run(sandbox->store,
			"UPDATE documents SET signature = ? WHERE application = ? AND id = ?",
			"bss", cms.data, cms.length, a->id, id);
	buffer_free(&body);
	buffer_free(&cms);
	return ok;
}

static bool take_documents(struct sandbox *sandbox, const struct application *a,
	const json_t *signatures, struct check_problem *problem)
{
	sqlite3_stmt *row = store_query(sandbox->store,
		"SELECT id, hash, body, signer FROM documents WHERE application = ? ORDER BY place",
		"s", a->id);
	size_t count = 0;
	bool ok = true;

	while (ok && store_next(sandbox->store, &row)) {
		ok = take_document(sandbox, a, row, signatures, problem);
		count++;
	}
	store_end(&row);
	if (ok && count != json_array_size(signatures))
		ok = check_refuse(problem, "documents-incomplete",
			"Каждый документ подписывают один раз, и только предложенные документы");
	return ok;
}

void signing_documents(struct request *request, struct response *response)
{
	struct check_problem problem = {.fields = json_array()};
	const json_t *signatures = json_object_get(request->json, "signatures");
	struct application a;
	char id[HTTP_NAME_MAX];

	if (!cabinet_open(request, response, CABINET_HOLDER, &a))
		goto out;
	if (!json_is_array(signatures)) {
		http_error(response, 400, "bad-request", NULL, "в запросе нет списка «signatures»");
		goto out;
	}
	switch (cabinet_key(request, response, id)) {
	case CABINET_REFUSED:
		goto out;
	case CABINET_NEW:
		if (!cabinet_allows(request, response, &a, ACTION_SIGN))
			goto out;
		if (!take_documents(request->sandbox, &a, signatures, &problem)) {
			http_error(response, 422, problem.code, NULL, "%s", problem.message);
			goto out;
		}
		cabinet_remember(request, a.id);
		application_enter(
			request->sandbox, &a, REVIEWING, store_now(request->sandbox->store), NULL);
		break;
	case CABINET_SEEN:
		break;
	}
	cabinet_answer(request, response, 200, a.id, NULL);
out:
	json_decref(problem.fields);
	application_clear(&a);
}

/* ---- statements */

struct statement {
	struct buffer bytes, signature;
	json_t *json;
};

/* Signed by whom the token belongs to. */
static bool read_statement(
	struct request *request, struct response *response, struct statement *statement)
{
	struct check_problem problem = {0};
	uint8_t hash[CODEC_SHA256];
	X509 *signer = NULL;
	bool ok = false;

	*statement =
		(struct statement){BUFFER_INIT(HTTP_BODY_MAX), BUFFER_INIT(HTTP_BODY_MAX), NULL};
	if (!http_member_base64(request, response, "statement", false, &statement->bytes) ||
		!http_member_base64(request, response, "signature", false, &statement->signature))
		return false;
	statement->json = json_loadb(buffer_text(&statement->bytes), statement->bytes.length,
		JSON_REJECT_DUPLICATES, NULL);
	ok = signature_by_certificate(&statement->signature, statement->bytes.data,
		     statement->bytes.length, &signer, &problem) &&
	     signature_signer_allowed(
		     request->sandbox, signer, request->who.account, hash, &problem);
	if (!ok)
		http_error(response, 422, problem.code, NULL, "%s", problem.message);
	X509_free(signer);
	return ok;
}

static void statement_free(struct statement *statement)
{
	buffer_free(&statement->bytes);
	buffer_free(&statement->signature);
	json_decref(statement->json);
}

static bool says(const struct statement *statement, const char *name, const char *value)
{
	const char *said = json_string_value(json_object_get(statement->json, name));

	return said != NULL && strcmp(said, value) == 0;
}

static void application_hash(const struct application *a, char hex[CODEC_HEX])
{
	uint8_t hash[CODEC_SHA256];

	codec_sha256(a->body.data, a->body.length, hash);
	codec_hex(hash, sizeof hash, hex);
}

static bool confirms(const struct statement *statement, const struct application *a)
{
	json_t *holder = accounts_full_name(json_object_get(a->json, "person"));
	char hex[CODEC_HEX];

	application_hash(a, hex);
	bool ok = says(statement, "application", a->id) &&
		  says(statement, "application_sha256", hex) &&
		  says(statement, "holder", json_string_value(holder)) &&
		  says(statement, "identification", "in-person") &&
		  json_string_length(json_object_get(statement->json, "statement")) > 0;
	json_decref(holder);
	return ok;
}

/* The very statement by which it was confirmed, once more. */
static bool confirmed_so(
	struct store *store, const struct application *a, const struct statement *statement)
{
	return store_number(store, 0,
		       "SELECT count(*) FROM applications WHERE id = ? AND statement = ?", "sb",
		       a->id, statement->bytes.data, statement->bytes.length) > 0;
}

void signing_confirmation(struct request *request, struct response *response)
{
	struct store *store = request->sandbox->store;
	struct statement statement = {0};
	struct application a;

	if (!cabinet_open(request, response, CABINET_ADMINISTRATOR, &a))
		goto out;
	if (strcmp(a.account, request->who.account) == 0) {
		http_error(response, 403, "forbidden", NULL,
			"Своё заявление подтверждает другой администратор или оператор");
		goto out;
	}
	if (!read_statement(request, response, &statement))
		goto out;
	if (!confirms(&statement, &a)) {
		http_error(response, 422, "invalid-statement", NULL,
			"Подтверждение не относится к этому заявлению");
		goto out;
	}
	if (a.state != AWAITING_CONFIRMATION) {
		if (!confirmed_so(store, &a, &statement)) {
			cabinet_allows(request, response, &a, 0);
			goto out;
		}
	} else {
		store_run(store, "UPDATE applications SET statement = ? WHERE id = ?", "bs",
			statement.bytes.data, statement.bytes.length, a.id);
		application_confirmed(request->sandbox, &a, store_now(store));
	}
	cabinet_answer(request, response, 200, a.id, NULL);
out:
	statement_free(&statement);
	application_clear(&a);
}

static bool revoke(struct request *request, struct response *response, struct application *a)
{
	struct statement statement = {0};
	char hex[CODEC_HEX];
	bool ok = false;

	if (!read_statement(request, response, &statement))
		goto out;
	codec_hex(a->certificate.data, a->certificate.length, hex);
	const char *name = json_string_value(json_object_get(statement.json, "reason"));
	int reason = name != NULL ? issue_revocation_reason(name) : -1;
	if (reason < 0 || !says(&statement, "application", a->id) ||
		!says(&statement, "certificate_sha256", hex)) {
		http_error(response, 422, "invalid-statement", NULL,
			"Заявление на отзыв не относится к этому сертификату, или причина "
			"неизвестна");
		goto out;
	}
	issue_revoke(request->sandbox, a->certificate.data, reason);
	application_enter(request->sandbox, a, REVOKED, store_now(request->sandbox->store), name);
	ok = true;
out:
	statement_free(&statement);
	return ok;
}

void signing_revocation(struct request *request, struct response *response)
{
	struct application a;
	char id[HTTP_NAME_MAX];

	if (!cabinet_open(request, response, CABINET_READ, &a))
		goto out;
	switch (cabinet_key(request, response, id)) {
	case CABINET_REFUSED:
		goto out;
	case CABINET_NEW:
		if (!cabinet_allows(request, response, &a, ACTION_REVOKE) ||
			!revoke(request, response, &a))
			goto out;
		cabinet_remember(request, a.id);
		break;
	case CABINET_SEEN:
		break;
	}
	cabinet_answer(request, response, 200, a.id, NULL);
out:
	application_clear(&a);
}
