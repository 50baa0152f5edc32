#include "tests/sandbox/filing.h"

#include <string.h>

#include "tests/sandbox/accounts.h"
#include "tests/sandbox/application.h"
#include "tests/sandbox/cabinet.h"
#include "tests/sandbox/check.h"
#include "tests/sandbox/credential.h"
#include "tests/sandbox/oauth.h"
#include "tests/sandbox/signature.h"
#include "tests/sandbox/store.h"

/* ---- the application's JSON */

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

/* A SHA-256 or null; NULL and "" in *out mean null. False when it is neither. */
static bool hash_or_null(
	const json_t *object, const char *name, uint8_t out[CODEC_SHA256], bool *is)
{
	const json_t *value = json_object_get(object, name);

	*is = json_is_string(value);
	return *is ? codec_unhex_sha256(json_string_value(value), out) : json_is_null(value);
}

static bool read_json(struct application *a, struct check_problem *problem)
{
	static const char code[] = "invalid-application";
	const char *name;
	json_t *value;

	json_decref(a->json);
	a->json = json_loadb(buffer_text(&a->body), a->body.length, JSON_REJECT_DUPLICATES, NULL);
	json_t *person = json_object_get(a->json, "person");
	if (!json_is_object(a->json) ||
		json_integer_value(json_object_get(a->json, "version")) != 1 ||
		!json_is_object(person) || !codec_is_time(text_of(a->json, "created_at")))
		return check_refuse(problem, code, "Заявление не читается");
	if (profile_by_name(text_of(a->json, "profile")) == NULL)
		return check_refuse(problem, code, "Неизвестный профиль сертификата");
	if (profile_identification_kind(text_of(a->json, "identification")) < 0)
		return check_refuse(problem, code, "Неизвестный способ идентификации");
	json_object_foreach(person, name, value)
	{
		if (json_string_length(value) == 0)
			return check_refuse(problem, code, "Поле «%s» — не строка или пусто", name);
	}
	value = json_object_get(a->json, "key_location");
	if (value != NULL && !application_in_cloud(a))
		return check_refuse(problem, code, "Неизвестное место хранения ключа");
	if (value != NULL && !credential_key_known(text_of(a->json, "key")))
		return check_refuse(problem, code, "Таких ключей в облаке не бывает");
	snprintf(a->profile, sizeof a->profile, "%s", text_of(a->json, "profile"));
	snprintf(a->identification, sizeof a->identification, "%s",
		text_of(a->json, "identification"));
	return true;
}

static bool check_holder(
	struct sandbox *sandbox, const struct application *a, struct check_problem *problem)
{
	json_t *person = accounts_person(sandbox->store, a->account);
	bool same = strcmp(text_of(json_object_get(a->json, "person"), "snils"),
			    text_of(person, "snils")) == 0;

	json_decref(person);
	if (same)
		return true;
	http_field(problem->fields, "snils", "не совпадает со СНИЛС владельца учётной записи");
	return check_refuse(problem, "invalid-application",
		"Сведения заявления не относятся к владельцу учётной записи");
}

/* ---- the signature on it */

/* What the signer's certificate says about the person must be what the application says: else he must appear. */
static void compare_with_signer(const struct application *a, X509 *signer, json_t *fields)
{
	static const struct {
		const char *oid, *field;
	} compared[] = {
		{"2.5.4.4", "surname"},
		{"1.2.643.3.131.1.1", "inn"},
	};
	const json_t *person = json_object_get(a->json, "person");
	char value[256], names[256];

	for (size_t i = 0; i < sizeof compared / sizeof *compared; i++) {
		signature_subject(signer, compared[i].oid, value, sizeof value);
		if (strcmp(value, text_of(person, compared[i].field)) != 0)
			http_field(fields, compared[i].field,
				"в сертификате подписавшего другое значение: %s", value);
	}
	const char *patronymic = text_of(person, "patronymic");
	snprintf(names, sizeof names, "%s%s%s", text_of(person, "given-name"),
		*patronymic != '\0' ? " " : "", patronymic);
	signature_subject(signer, "2.5.4.42", value, sizeof value);
	if (strcmp(value, names) != 0)
		http_field(fields, "given-name", "в сертификате подписавшего другое значение: %s",
			value);
}

static bool check_signature(struct sandbox *sandbox, struct application *a, const char *signed_by,
	struct check_problem *problem)
{
	uint8_t claimed[CODEC_SHA256];
	bool claims = false, ok = false;
	X509 *signer = NULL;

	if (!hash_or_null(a->json, "signer_sha256", claimed, &claims))
		return check_refuse(
			problem, "invalid-application", "signer_sha256 — не SHA-256 и не null");
	if (a->signature.length == 0) {
		if (claims)
			return check_refuse(problem, "signature-required",
				"В заявлении назван подписавший, а подписи нет");
		if (strcmp(a->identification, "in-person") != 0)
			return check_refuse(problem, "signature-required",
				"При таком способе идентификации заявление подписывают действующей "
				"подписью");
		return true;
	}
	if (!signature_by_certificate(
		    &a->signature, a->body.data, a->body.length, &signer, problem) ||
		!signature_signer_allowed(sandbox, signer, signed_by, a->signer, problem))
		goto out;
	if (!claims || memcmp(claimed, a->signer, CODEC_SHA256) != 0) {
		check_refuse(problem, "wrong-signer",
			"В заявлении назван другой сертификат подписавшего (signer_sha256)");
		goto out;
	}
	if (strcmp(signed_by, a->account) == 0)
		compare_with_signer(a, signer, a->fields);
	ok = true;
out:
	X509_free(signer);
	return ok;
}

/* ---- the PKCS#10 */

static bool check_key_is_new(
	struct sandbox *sandbox, const struct application *a, struct check_problem *problem)
{
	int64_t others = store_number(sandbox->store, 0,
		"SELECT (SELECT count(*) FROM applications WHERE spki = ?1 AND id <> ?2"
		" AND state NOT IN ('rejected', 'cancelled'))"
		" + (SELECT count(*) FROM certificates WHERE spki = ?1 AND application <> ?2)",
		"bs", a->spki, (size_t)CODEC_SHA256, a->id);

	return others == 0 ||
	       check_refuse(problem, "key-reused",
		       "На этот ключ уже есть заявление или сертификат: нужен новый ключ");
}

/* The subject has to be one that can be certified, whoever makes the key. */
static bool check_subject(struct application *a, struct check_problem *problem)
{
	struct profile_template templ;

	if (!profile_template_make(profile_by_name(a->profile), json_object_get(a->json, "person"),
		    a->identification, &templ, problem->fields))
		return check_refuse(
			problem, "invalid-fields", "Сведения не могут быть внесены в сертификат");
	profile_template_clear(&templ);
	return true;
}

static bool check_no_pkcs10(const struct application *a, struct check_problem *problem)
{
	uint8_t hash[CODEC_SHA256];
	bool claims = true;

	return (a->request.length == 0 && hash_or_null(a->json, "request_sha256", hash, &claims) &&
		       !claims) ||
	       check_refuse(problem, "invalid-request",
		       "Ключ в облаке создаёт удостоверяющий центр: request и request_sha256 — "
		       "null");
}

static bool check_pkcs10(
	struct sandbox *sandbox, struct application *a, struct check_problem *problem)
{
	uint8_t claimed[CODEC_SHA256], hash[CODEC_SHA256];
	struct profile_template templ;
	X509_REQ *request = NULL;
	bool claims = false;

	if (!hash_or_null(a->json, "request_sha256", claimed, &claims))
		return check_refuse(
			problem, "invalid-application", "request_sha256 — не SHA-256 и не null");
	codec_sha256(a->request.data, a->request.length, hash);
	if (a->request.length == 0 || !claims || memcmp(claimed, hash, sizeof hash) != 0)
		return check_refuse(problem, "invalid-request",
			"Запроса на сертификат нет, или он не тот, что назван в заявлении "
			"(request_sha256)");
	if (!profile_template_make(profile_by_name(a->profile), json_object_get(a->json, "person"),
		    a->identification, &templ, problem->fields))
		return check_refuse(
			problem, "invalid-fields", "Сведения не могут быть внесены в сертификат");
	bool ok = check_request(&a->request, &templ, &request, a->spki, problem);
	profile_template_clear(&templ);
	X509_REQ_free(request);
	return ok && check_key_is_new(sandbox, a, problem);
}

/* ---- the calls */

static void application_init(struct application *a)
{
	*a = (struct application){.body = BUFFER_INIT(HTTP_BODY_MAX),
		.request = BUFFER_INIT(HTTP_BODY_MAX),
		.signature = BUFFER_INIT(HTTP_BODY_MAX),
		.certificate = BUFFER_INIT(CODEC_SHA256),
		.fields = json_array()};
}

static bool read_parts(struct request *request, struct response *response, struct application *a)
{
	buffer_reset(&a->body);
	buffer_reset(&a->request);
	buffer_reset(&a->signature);
	json_array_clear(a->fields);
	return http_member_base64(request, response, "application", false, &a->body) &&
	       http_member_base64(request, response, "request", true, &a->request) &&
	       http_member_base64(request, response, "signature", true, &a->signature);
}

static void refuse(struct response *response, const struct check_problem *problem)
{
	http_error(
		response, 422, problem->code, json_incref(problem->fields), "%s", problem->message);
}

/* Everything but an administrator's filing, which has no request yet. */
static bool check_all(struct sandbox *sandbox, struct application *a, struct check_problem *problem)
{
	bool ok =
		read_json(a, problem) && check_holder(sandbox, a, problem) &&
		check_signature(sandbox, a, a->account, problem) &&
		(application_in_cloud(a) ? check_no_pkcs10(a, problem) && check_subject(a, problem)
					 : check_pkcs10(sandbox, a, problem));

	if (ok)
		check_fields(json_object_get(a->json, "person"), a->fields);
	return ok;
}

static bool check_filing_for(
	struct request *request, struct application *a, struct check_problem *problem)
{
	struct sandbox *sandbox = request->sandbox;
	uint8_t hash[CODEC_SHA256];
	bool claims = true;

	if (!accounts_exists(sandbox->store, a->account))
		return check_refuse(
			problem, "unknown-account", "Учётной записи «%s» нет", a->account);
	if (!read_json(a, problem) || !check_holder(sandbox, a, problem))
		return false;
	if (a->request.length != 0 || !hash_or_null(a->json, "request_sha256", hash, &claims) ||
		claims)
		return check_refuse(problem, "invalid-request",
			"Запрос на сертификат составляет сам сотрудник: request и request_sha256 — "
			"null");
	return a->signature.length == 0 ||
	       check_signature(sandbox, a, request->who.account, problem);
}

static bool submit(struct request *request, struct response *response, struct application *a)
{
	struct sandbox *sandbox = request->sandbox;
	const char *account = json_string_value(json_object_get(request->json, "for"));
	struct check_problem problem = {.fields = json_array()};
	bool ok;

	if (account != NULL && !request->who.administrator) {
		json_decref(problem.fields);
		return http_error(response, 403, "forbidden", NULL,
			"Подавать заявления за других может только администратор");
	}
	snprintf(a->account, sizeof a->account, "%s",
		account != NULL ? account : request->who.account);
	snprintf(a->filed_by, sizeof a->filed_by, "%s", request->who.account);
	ok = account != NULL ? check_filing_for(request, a, &problem)
			     : check_all(sandbox, a, &problem);
	if (!ok) {
		refuse(response, &problem);
	} else {
		application_create(sandbox, a);
		cabinet_remember(request, a->id);
		if (account != NULL)
			application_enter(
				sandbox, a, AWAITING_REQUEST, store_now(sandbox->store), NULL);
		else
			application_begin(sandbox, a);
	}
	json_decref(problem.fields);
	return ok;
}

void filing_submit(struct request *request, struct response *response)
{
	struct application a;
	char id[HTTP_NAME_MAX] = "", token[CODEC_TOKEN_MAX], location[HTTP_NAME_MAX + 32];
	unsigned status = 200;

	application_init(&a);
	if (request->who.application[0] != '\0') {
		http_error(response, 403, "forbidden", NULL,
			"Этим токеном можно пользоваться только для одного заявления");
		goto out;
	}
	switch (cabinet_key(request, response, id)) {
	case CABINET_REFUSED:
		goto out;
	case CABINET_NEW:
		if (!read_parts(request, response, &a) || !submit(request, response, &a))
			goto out;
		strcpy(id, a.id);
		status = 201;
		break;
	case CABINET_SEEN:
		break;
	}
	if (!oauth_application_token(request->sandbox, id, token)) {
		response->status = 500;
		goto out;
	}
	cabinet_answer(request, response, status, id, token);
	snprintf(location, sizeof location, "/api/applications/%s", id);
	http_add_header(response, "Location", location);
out:
	application_clear(&a);
}

void filing_resubmit(struct request *request, struct response *response)
{
	struct check_problem problem = {.fields = json_array()};
	struct application a;
	char id[HTTP_NAME_MAX];

	if (!cabinet_open(request, response, CABINET_HOLDER, &a))
		goto out;
	switch (cabinet_key(request, response, id)) {
	case CABINET_REFUSED:
		goto out;
	case CABINET_NEW:
		if (!cabinet_allows(request, response, &a, ACTION_REQUEST | ACTION_RESUBMIT) ||
			!read_parts(request, response, &a))
			goto out;
		if (!check_all(request->sandbox, &a, &problem)) {
			refuse(response, &problem);
			goto out;
		}
		cabinet_remember(request, a.id);
		application_begin(request->sandbox, &a);
		break;
	case CABINET_SEEN:
		break;
	}
	cabinet_answer(request, response, 200, a.id, NULL);
out:
	json_decref(problem.fields);
	application_clear(&a);
}
