#include "tests/sandbox/document.h"

#include <openssl/objects.h>
#include <string.h>

#include "tests/sandbox/ca.h"
#include "tests/sandbox/cabinet.h"
#include "tests/sandbox/faults.h"
#include "tests/sandbox/profile.h"
#include "tests/sandbox/store.h"

#define TEXT_PLAIN "text/plain; charset=utf-8"

static const char memo[] = "ПАМЯТКА ПО БЕЗОПАСНОСТИ\n"
			   "\n"
			   "1. Ключ электронной подписи принадлежит только Вам. Не передавайте его "
			   "и ПИН-код никому, в том числе\n"
			   "   сотрудникам удостоверяющего центра и администратору.\n"
			   "2. Перед подписанием прочитайте то, что подписываете.\n"
			   "3. При утрате ключа или подозрении, что он стал известен другим, "
			   "немедленно отзовите сертификат.\n"
			   "4. Не используйте ключ после окончания срока его действия.\n"
			   "5. Храните ключ на защищённом носителе или в защищённом хранилище.\n"
			   "\n"
			   "С памяткой ознакомлен(а).\n";

void document_key_name(X509_REQ *request, char out[32])
{
	static const struct {
		const char *oid, *name;
	} gost[] = {
		{"1.2.643.7.1.1.1.1", "gost:256"},
		{"1.2.643.7.1.1.1.2", "gost:512"},
	};
	static const struct {
		int nid;
		const char *name;
	} curves[] = {
		{NID_X9_62_prime256v1, "ec:P-256"},
		{NID_secp384r1, "ec:P-384"},
		{NID_secp521r1, "ec:P-521"},
	};
	EVP_PKEY *key = X509_REQ_get0_pubkey(request);
	ASN1_OBJECT *algorithm = NULL;
	char text[80] = "";

	out[0] = '\0';
	X509_PUBKEY_get0_param(&algorithm, NULL, NULL, NULL, X509_REQ_get_X509_PUBKEY(request));
	OBJ_obj2txt(text, sizeof text, algorithm, 1);
	for (size_t i = 0; i < sizeof gost / sizeof *gost; i++) {
		if (strcmp(text, gost[i].oid) == 0)
			strcpy(out, gost[i].name);
	}
	if (key == NULL)
		return;
	if (EVP_PKEY_is_a(key, "RSA")) {
		snprintf(out, 32, "rsa:%d", EVP_PKEY_get_bits(key));
	} else if (EVP_PKEY_is_a(key, "ED25519")) {
		strcpy(out, "ed25519");
	} else if (EVP_PKEY_is_a(key, "EC") &&
		   EVP_PKEY_get_group_name(key, text, sizeof text, NULL)) {
		for (size_t i = 0; i < sizeof curves / sizeof *curves; i++) {
			if (OBJ_txt2nid(text) == curves[i].nid)
				strcpy(out, curves[i].name);
		}
	}
}

static void field_line(struct buffer *out, const char *name, const char *label, const char *value)
{
	buffer_printf(out, "%s (%s): %s\n", name, label, value);
}

static void field_lines(
	struct buffer *out, const struct application *application, bool certified, bool altered)
{
	const struct profile *profile = profile_by_name(application->profile);
	const json_t *person = json_object_get(application->json, "person");

	for (enum profile_field field = 0; field < PROFILE_FIELDS; field++) {
		const struct profile_field_info *info = profile_field(field);
		const char *value = json_string_value(json_object_get(person, info->name));

		if (value == NULL || profile_certifies(profile, field) != certified)
			continue;
		if (altered && field == FIELD_GIVEN_NAME)
			value = "Агафон";
		field_line(out, info->name, info->label, value);
	}
}

static void make_form(
	struct sandbox *sandbox, const struct application *application, struct buffer *out)
{
	const uint8_t *p = application->request.data;
	X509_REQ *request = d2i_X509_REQ(NULL, &p, (long)application->request.length);
	bool altered = faults_take(sandbox->faults, FAULT_ALTERED_FORM, NULL);
	char key[32] = "", hex[CODEC_HEX], text[160];

	if (request != NULL)
		document_key_name(request, key);
	codec_hex(application->spki, CODEC_SHA256, hex);
	buffer_append_text(out, "БЛАНК СЕРТИФИКАТА КЛЮЧА ПРОВЕРКИ ЭЛЕКТРОННОЙ ПОДПИСИ\n\n");
	buffer_printf(out, "Заявление № %s\n\nСведения, которые будут внесены в сертификат\n\n",
		application->id);
	field_lines(out, application, true, altered);
	field_line(out, "profile", "Профиль сертификата", application->profile);
	field_line(out, "identification", "Способ идентификации", application->identification);
	if (application_in_cloud(application))
		snprintf(text, sizeof text, "%s",
			json_string_value(json_object_get(application->json, "key")));
	else
		snprintf(text, sizeof text, "%s sha256:%s", key, hex);
	field_line(out, "key", "Ключ проверки электронной подписи", text);
	field_line(out, "issuer", "Издатель",
		ca_name(ca_family_of(request != NULL ? X509_REQ_get0_pubkey(request) : NULL)));
	snprintf(text, sizeof text, "%d месяцев со дня выдачи, ключ подписи %d месяцев",
		CA_CERTIFICATE_MONTHS, CA_KEY_MONTHS);
	field_line(out, "valid-for", "Срок действия", text);
	buffer_append_text(out, "\nСведения о заявителе, которые в сертификат не вносятся\n\n");
	field_lines(out, application, false, altered);
	buffer_append_text(out,
		"\nС содержанием сертификата ознакомлен(а), со сведениями согласен (согласна).\n");
	X509_REQ_free(request);
}

static void keep(struct sandbox *sandbox, const struct application *application, int place,
	const char *id, const char *title, bool form, const struct buffer *body)
{
	uint8_t hash[CODEC_SHA256];
	struct buffer altered = BUFFER_INIT(HTTP_BODY_MAX);

	codec_sha256(body->data, body->length, hash);
	if (faults_take(sandbox->faults, FAULT_ALTERED_DOCUMENT, NULL)) {
		buffer_append(&altered, body->data, body->length);
		/* As many bytes as announced: only the hash tells. */
		altered.data[altered.length - 2] = '!';
	}
	store_run(sandbox->store,
		"INSERT INTO documents (application, id, title, media_type, form, signer, hash, "
		"body, altered, place)"
		" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		"ssssisbbbi", application->id, id, title, TEXT_PLAIN, (int64_t)form,
		application->signature.length > 0 ? "application" : "new-key", hash, sizeof hash,
		body->data, body->length, altered.data, altered.length, (int64_t)place);
	buffer_free(&altered);
}

void document_make_all(struct sandbox *sandbox, const struct application *application)
{
	struct buffer body = BUFFER_INIT(HTTP_BODY_MAX);

	document_remove_all(sandbox, application->id);
	make_form(sandbox, application, &body);
	keep(sandbox, application, 0, "form", "Бланк сертификата", true, &body);
	buffer_reset(&body);
	buffer_append_text(&body, memo);
	keep(sandbox, application, 1, "memo", "Памятка по безопасности", false, &body);
	buffer_free(&body);
}

void document_remove_all(struct sandbox *sandbox, const char *application)
{
	store_run(sandbox->store, "DELETE FROM documents WHERE application = ?", "s", application);
}

json_t *document_list(struct store *store, const char *application)
{
	json_t *list = json_array();
	sqlite3_stmt *query = store_query(store,
		"SELECT id, title, media_type, hash, length(body), signer, form FROM documents"
		" WHERE application = ? ORDER BY place",
		"s", application);

	while (store_next(store, &query)) {
		char hex[CODEC_HEX];

		codec_hex(sqlite3_column_blob(query, 3), CODEC_SHA256, hex);
		json_array_append_new(
			list, json_pack("{s:s,s:s,s:s,s:s,s:I,s:s,s:b}", "id", store_text(query, 0),
				      "title", store_text(query, 1), "media_type",
				      store_text(query, 2), "sha256", hex, "size",
				      (json_int_t)sqlite3_column_int64(query, 4), "signer",
				      store_text(query, 5), "form", sqlite3_column_int(query, 6)));
	}
	return list;
}

void document_get(struct request *request, struct response *response)
{
	struct store *store = request->sandbox->store;
	struct application application;
	sqlite3_stmt *query = NULL;

	if (cabinet_open(request, response, CABINET_READ, &application)) {
		query = store_query(store,
			"SELECT coalesce(altered, body) FROM documents WHERE application = ? AND "
			"id = ?",
			"ss", application.id, request->segments[1]);
		if (store_next(store, &query))
			http_bytes(response, 200, TEXT_PLAIN, sqlite3_column_blob(query, 0),
				(size_t)sqlite3_column_bytes(query, 0));
		else
			http_error(response, 404, "not-found", NULL, "Документа «%s» нет",
				request->segments[1]);
		store_end(&query);
	}
	application_clear(&application);
}
