#include "tests/sandbox/application.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/sandbox/accounts.h"
#include "tests/sandbox/document.h"
#include "tests/sandbox/faults.h"
#include "tests/sandbox/issue.h"
#include "tests/sandbox/options.h"
#include "tests/sandbox/store.h"

#define ATTEMPTS 3 /* at the portal */

static const struct application_state_info infos[APPLICATION_STATES] = {
	[AWAITING_REQUEST] = {"awaiting-request", "awaiting-request",
		"Подготовка заявления. Требуется запрос на сертификат", false,
		ACTION_REQUEST | ACTION_CANCEL | ACTION_REJECT},
	[PROCESSING] = {"processing", "processing",
		"Рассмотрение заявления. Идет обработка заявления", true,
		ACTION_CANCEL | ACTION_RETURN | ACTION_REJECT},
	[AWAITING_CONFIRMATION] = {"awaiting-confirmation", "awaiting-confirmation",
		"Рассмотрение заявления. Требуется подтверждение личности администратором", true,
		ACTION_CANCEL | ACTION_RETURN | ACTION_REJECT},
	[AWAITING_OPERATOR] = {"awaiting-operator", "awaiting-confirmation",
		"Рассмотрение заявления. Идет подтверждение личности оператором", true,
		ACTION_CANCEL | ACTION_RETURN | ACTION_REJECT},
	[RETURNED] = {"returned", "returned",
		"Рассмотрение заявления. Заявление возвращено на исправление", false,
		ACTION_RESUBMIT | ACTION_CANCEL | ACTION_REJECT},
	[REJECTED] = {"rejected", "rejected", "Отказ. В выпуске сертификата отказано", false, 0},
	[AWAITING_SIGNATURES] = {"awaiting-signatures", "awaiting-signatures",
		"Подготовка сертификата. Требуется подписать документы", false,
		ACTION_SIGN | ACTION_CANCEL | ACTION_REJECT},
	[REVIEWING] = {"reviewing", "reviewing",
		"Подготовка сертификата. Идет проверка подписанного сертификата", true,
		ACTION_CANCEL | ACTION_RETURN | ACTION_REJECT},
	[AWAITING_IDENTIFICATION] = {"awaiting-identification", "awaiting-identification",
		"Подтверждение личности. Требуется подтвердить личность по биометрическим данным",
		false, ACTION_IDENTIFY | ACTION_CANCEL | ACTION_REJECT},
	[IDENTIFYING_FACE] = {"identifying-face", "identifying",
		"Подтверждение личности. Идет проверка личности по биометрии", true, ACTION_REJECT},
	[IDENTIFYING_DATA] = {"identifying-data", "identifying",
		"Подтверждение личности. Идет проверка соответствия данных", true, ACTION_REJECT},
	[IDENTIFICATION_FAILED] = {"identification-failed", "identification-failed",
		"Подтверждение личности. Личность не подтверждена", false,
		ACTION_IDENTIFY | ACTION_CANCEL | ACTION_REJECT},
	[APPROVING] = {"approving", "approving",
		"Подготовка сертификата. Идет одобрение сертификата", true, ACTION_REJECT},
	[READY] = {"ready", "ready", "Готово. Сертификат ЭП получен", false,
		ACTION_DOWNLOAD | ACTION_CONFIRM | ACTION_REVOKE},
	[CONFIRMED] = {"confirmed", "confirmed", "Готово. Получение сертификата подтверждено",
		false, ACTION_DOWNLOAD | ACTION_REVOKE},
	[CANCELLED] = {"cancelled", "cancelled", "Отменено. Заявление отозвано", false, 0},
	[REVOKED] = {"revoked", "revoked", "Аннулировано. Сертификат ЭП отозван", false,
		ACTION_DOWNLOAD},
};

const struct application_state_info *application_state_info(enum application_state state)
{
	return &infos[state];
}

bool application_state_known(const char *name)
{
	for (size_t i = 0; i < APPLICATION_STATES; i++) {
		if (strcmp(infos[i].name, name) == 0)
			return true;
	}
	return false;
}

bool application_allows(const struct application *application, unsigned action)
{
	return (infos[application->state].actions & action) != 0;
}

/* ---- keeping */

static void read_hash(sqlite3_stmt *query, int column, uint8_t out[CODEC_SHA256])
{
	if (sqlite3_column_bytes(query, column) == CODEC_SHA256)
		memcpy(out, sqlite3_column_blob(query, column), CODEC_SHA256);
}

static void read_text(sqlite3_stmt *query, int column, char *out, size_t size)
{
	snprintf(out, size, "%s", store_text(query, column));
}

static void read_row(sqlite3_stmt *query, struct application *out)
{
	const char *state = store_text(query, 3);

	read_text(query, 0, out->id, sizeof out->id);
	read_text(query, 1, out->account, sizeof out->account);
	read_text(query, 2, out->filed_by, sizeof out->filed_by);
	for (size_t i = 0; i < APPLICATION_STATES; i++) {
		if (strcmp(infos[i].key, state) == 0)
			out->state = (enum application_state)i;
	}
	out->due = sqlite3_column_int64(query, 4);
	if (sqlite3_column_type(query, 5) != SQLITE_NULL)
		out->reason = strdup(store_text(query, 5));
	out->fields = json_loads(store_text(query, 6), 0, NULL);
	store_blob(query, 7, &out->body);
	out->json = json_loadb(buffer_text(&out->body), out->body.length, 0, NULL);
	store_blob(query, 8, &out->request);
	read_hash(query, 9, out->spki);
	store_blob(query, 10, &out->signature);
	read_hash(query, 11, out->signer);
	read_text(query, 12, out->profile, sizeof out->profile);
	read_text(query, 13, out->identification, sizeof out->identification);
	out->created = sqlite3_column_int64(query, 14);
	out->updated = sqlite3_column_int64(query, 15);
	store_blob(query, 16, &out->certificate);
	out->attempts = sqlite3_column_int64(query, 17);
	read_text(query, 18, out->portal_account, sizeof out->portal_account);
	out->face = sqlite3_column_int(query, 19) != 0;
}

bool application_load(struct store *store, const char *id, struct application *out)
{
	*out = (struct application){.body = BUFFER_INIT(HTTP_BODY_MAX),
		.request = BUFFER_INIT(HTTP_BODY_MAX),
		.signature = BUFFER_INIT(HTTP_BODY_MAX),
		.certificate = BUFFER_INIT(CODEC_SHA256)};
	sqlite3_stmt *query = store_query(store,
		"SELECT id, account, filed_by, state, due, reason, fields, body, request, spki, "
		"signature, signer,"
		" profile, identification, created, updated, certificate, attempts, "
		"portal_account, face"
		" FROM applications WHERE id = ?",
		"s", id);
	bool found = store_next(store, &query);

	if (found)
		read_row(query, out);
	store_end(&query);
	return found;
}

void application_clear(struct application *application)
{
	free(application->reason);
	json_decref(application->fields);
	json_decref(application->json);
	buffer_free(&application->body);
	buffer_free(&application->request);
	buffer_free(&application->signature);
	buffer_free(&application->certificate);
	application->reason = NULL;
	application->fields = application->json = NULL;
}

void application_save(struct sandbox *sandbox, struct application *a)
{
	char *fields = json_dumps(a->fields, JSON_COMPACT);
	bool request = a->request.length > 0, signature = a->signature.length > 0;

	a->updated = store_seconds(sandbox->store);
	store_run(sandbox->store,
		"UPDATE applications SET state = ?, due = nullif(?, 0), reason = ?, fields = ?, "
		"body = ?, request = ?,"
		" spki = ?, signature = ?, signer = ?, profile = ?, identification = ?, updated = "
		"?, certificate = ?,"
		" attempts = ?, portal_account = ?, face = ? WHERE id = ?",
		"sissbbbbbssibisis", infos[a->state].key, a->due, a->reason,
		fields != NULL ? fields : "[]", a->body.data, a->body.length,
		request ? a->request.data : NULL, a->request.length, request ? a->spki : NULL,
		sizeof a->spki, signature ? a->signature.data : NULL, a->signature.length,
		signature ? a->signer : NULL, sizeof a->signer, a->profile, a->identification,
		a->updated, a->certificate.length > 0 ? a->certificate.data : NULL,
		a->certificate.length, a->attempts, a->portal_account, (int64_t)a->face, a->id);
	free(fields);
}

void application_create(struct sandbox *sandbox, struct application *a)
{
	struct store *store = sandbox->store;
	time_t now = (time_t)store_seconds(store);
	struct tm tm;

	store_run(store,
		"INSERT INTO applications (account, filed_by, state, since, body, profile, "
		"identification, created, updated)"
		" VALUES (?, ?, '', 0, x'', '', '', ?, 0)",
		"ssi", a->account, a->filed_by, (int64_t)now);
	int64_t number = store_number(store, 0, "SELECT max(number) FROM applications", "");
	gmtime_r(&now, &tm);
	snprintf(a->id, sizeof a->id, "%04d-%06lld", tm.tm_year + 1900, (long long)number);
	a->created = now;
	store_run(store, "UPDATE applications SET id = ? WHERE number = ?", "si", a->id, number);
}

/* ---- states */

/* How long a state lasts that ends by itself, in milliseconds; 0 for the others. */
static int64_t lasts(const struct sandbox *sandbox, enum application_state state)
{
	int64_t verify = sandbox->options->verify_ms, moment = verify < 1000 ? verify : 1000;

	switch (state) {
	case AWAITING_OPERATOR:
	case REVIEWING:
		return verify;
	case PROCESSING:
	case IDENTIFYING_FACE:
	case IDENTIFYING_DATA:
	case APPROVING:
		return moment;
	default:
		return -1;
	}
}

void application_enter(struct sandbox *sandbox, struct application *application,
	enum application_state state, int64_t when, const char *reason)
{
	int64_t duration = lasts(sandbox, state);
	char *copy = reason != NULL ? strdup(reason) : NULL;

	application->state = state;
	application->due = duration >= 0 ? when + duration : 0;
	free(application->reason);
	application->reason = copy;
	if (state != RETURNED)
		json_array_clear(application->fields);
	application_save(sandbox, application);
	store_run(sandbox->store, "UPDATE applications SET since = ? WHERE id = ?", "is", when,
		application->id);
	store_run(sandbox->store,
		"INSERT INTO events (application, time, state, note) VALUES (?, ?, ?, ?)", "siss",
		application->id, when, infos[state].name, reason != NULL ? reason : "");
}

/* A return or rejection that was asked for. */
static bool refused_by_fault(struct sandbox *sandbox, struct application *application,
	enum fault_kind returning, enum fault_kind rejecting, int64_t when)
{
	struct buffer argument = BUFFER_INIT(4096);
	bool refused = false;

	if (faults_take(sandbox->faults, returning, &argument)) {
		/* "FIELD REASON" */
		const char *text = buffer_text(&argument), *space = strchr(text, ' ');
		char field[64];

		snprintf(field, sizeof field, "%.*s",
			(int)(space != NULL ? space - text : (long)strlen(text)), text);
		const char *reason = space != NULL ? space + 1 : "Требуется исправление";
		json_array_clear(application->fields);
		http_field(application->fields, field, "%s", reason);
		application_enter(sandbox, application, RETURNED, when, reason);
		refused = true;
	} else if (faults_take(sandbox->faults, rejecting, &argument)) {
		application_enter(sandbox, application, REJECTED, when, buffer_text(&argument));
		refused = true;
	}
	buffer_free(&argument);
	return refused;
}

void application_begin(struct sandbox *sandbox, struct application *application)
{
	int64_t now = store_now(sandbox->store);
	bool signed_application = application->signature.length > 0;
	bool in_person = strcmp(application->identification, "in-person") == 0;

	document_remove_all(sandbox, application->id);
	if (json_array_size(application->fields) > 0) {
		application_enter(sandbox, application, RETURNED, now,
			"Сведения заявления заполнены с ошибками");
	} else if (in_person) {
		if (!refused_by_fault(sandbox, application, FAULT_RETURN, FAULT_REJECT, now))
			application_enter(sandbox, application,
				accounts_is_administrator(sandbox->store, application->account) &&
						!signed_application
					? AWAITING_OPERATOR
					: AWAITING_CONFIRMATION,
				now, NULL);
	} else {
		application_enter(sandbox, application, PROCESSING, now, NULL);
	}
	application_settle(sandbox, application->id);
}

bool application_in_cloud(const struct application *application)
{
	const char *where = json_string_value(json_object_get(application->json, "key_location"));

	return where != NULL && strcmp(where, "cloud") == 0;
}

void application_confirmed(struct sandbox *sandbox, struct application *application, int64_t when)
{
	/* Nobody has a key to sign with: the confirmation, which is signed, stands for the documents, too. */
	if (application_in_cloud(application) && application->signature.length == 0) {
		application_enter(sandbox, application, REVIEWING, when, NULL);
		return;
	}
	document_make_all(sandbox, application);
	application_enter(sandbox, application, AWAITING_SIGNATURES, when, NULL);
}

static void processed(struct sandbox *sandbox, struct application *application, int64_t when)
{
	if (!refused_by_fault(sandbox, application, FAULT_RETURN, FAULT_REJECT, when))
		application_confirmed(sandbox, application, when);
}

static void reviewed(struct sandbox *sandbox, struct application *application, int64_t when)
{
	bool biometric = strcmp(application->identification, "biometric") == 0;

	if (!refused_by_fault(sandbox, application, FAULT_RETURN_FORM, FAULT_REJECT_FORM, when))
		application_enter(sandbox, application,
			biometric ? AWAITING_IDENTIFICATION : APPROVING, when, NULL);
}

static void not_identified(
	struct sandbox *sandbox, struct application *application, int64_t when, const char *reason)
{
	if (application->attempts >= ATTEMPTS)
		application_enter(sandbox, application, REJECTED, when, reason);
	else
		application_enter(sandbox, application, IDENTIFICATION_FAILED, when, reason);
}

static void face_checked(struct sandbox *sandbox, struct application *application, int64_t when)
{
	if (faults_take(sandbox->faults, FAULT_FACE_MISMATCH, NULL) || !application->face)
		not_identified(sandbox, application, when,
			"Изображение лица не совпало с биометрическими данными");
	else
		application_enter(sandbox, application, IDENTIFYING_DATA, when, NULL);
}

static void data_matched(struct sandbox *sandbox, struct application *application, int64_t when)
{
	static const char *const compared[] = {
		"surname", "given-name", "patronymic", "birth-date", "inn", "snils"};
	json_t *person = accounts_person(sandbox->store, application->portal_account);
	json_t *applied = json_object_get(application->json, "person");
	const char *differs = NULL;

	for (size_t i = 0; i < sizeof compared / sizeof *compared && differs == NULL; i++) {
		json_t *given = json_object_get(applied, compared[i]);

		/* What the application doesn't give, nobody can compare. */
		if (given != NULL && !json_equal(given, json_object_get(person, compared[i])))
			differs = compared[i];
	}
	if (faults_take(sandbox->faults, FAULT_DATA_MISMATCH, NULL))
		differs = "birth-date";
	if (differs == NULL) {
		application_enter(sandbox, application, APPROVING, when, NULL);
	} else {
		char reason[256];

		snprintf(reason, sizeof reason, "Данные заявления не совпали с данными портала: %s",
			differs);
		not_identified(sandbox, application, when, reason);
	}
	json_decref(person);
}

static void approved(struct sandbox *sandbox, struct application *application, int64_t when)
{
	if (issue_certificate(sandbox, application))
		application_enter(sandbox, application, READY, when, NULL);
	else
		application_enter(
			sandbox, application, REJECTED, when, "Сертификат не удалось выпустить");
}

static void (*const steps[APPLICATION_STATES])(struct sandbox *, struct application *, int64_t) = {
	[PROCESSING] = processed,
	[AWAITING_OPERATOR] = processed,
	[REVIEWING] = reviewed,
	[IDENTIFYING_FACE] = face_checked,
	[IDENTIFYING_DATA] = data_matched,
	[APPROVING] = approved,
};

static void settle(struct sandbox *sandbox, struct application *application)
{
	int64_t now = store_now(sandbox->store);

	while (application->due != 0 && application->due <= now && !store_failed(sandbox->store) &&
		steps[application->state] != NULL)
		steps[application->state](sandbox, application, application->due);
}

void application_settle(struct sandbox *sandbox, const char *id)
{
	char due[64][HTTP_NAME_MAX];
	size_t count = 0;
	sqlite3_stmt *query = store_query(sandbox->store,
		"SELECT id FROM applications WHERE due <= ?1 AND (?2 IS NULL OR id = ?2) ORDER BY "
		"due LIMIT 64",
		"is", store_now(sandbox->store), id);

	while (store_next(sandbox->store, &query) && count < 64)
		read_text(query, 0, due[count++], sizeof due[0]);
	store_end(&query);
	for (size_t i = 0; i < count; i++) {
		struct application application;

		if (application_load(sandbox->store, due[i], &application))
			settle(sandbox, &application);
		application_clear(&application);
	}
}
