#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/sandbox/application.h"
#include "tests/sandbox_support.h"

#define VERIFY INT64_C(86400000)

static int setup(void **state)
{
	static struct bench bench;

	*state = &bench;
	return bench_make(&bench, VERIFY) ? 0 : -1;
}

static int teardown(void **state)
{
	bench_close(*state);
	bench_remove(*state);
	return 0;
}

/* An application of ivanov's, checked, with a request for a key of its own; not begun. */
static void file(struct bench *bench, const char *identification, bool signed_application,
	struct application *a)
{
	json_t *person = ivanov(), *fields = json_array();
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct profile_template templ;

	*a = (struct application){.body = BUFFER_INIT(65536),
		.request = BUFFER_INIT(65536),
		.signature = BUFFER_INIT(65536),
		.certificate = BUFFER_INIT(CODEC_SHA256),
		.fields = json_array()};
	strcpy(a->account, "ivanov");
	strcpy(a->filed_by, "ivanov");
	strcpy(a->profile, "individual");
	strcpy(a->identification, identification);
	assert_true(profile_template_make(
		profile_by_name("individual"), person, identification, &templ, fields));
	X509_REQ *request = make_request(&templ, key);
	request_der(request, &a->request);
	codec_sha256(a->request.data, a->request.length, a->spki);
	if (signed_application)
		buffer_append_text(&a->signature, "signature");
	a->json = json_pack("{s:O}", "person", person);
	char *text = json_dumps(a->json, JSON_COMPACT);
	buffer_append_text(&a->body, text);
	free(text);
	X509_REQ_free(request);
	EVP_PKEY_free(key);
	profile_template_clear(&templ);
	json_decref(person);
	json_decref(fields);
	application_create(&bench->sandbox, a);
}

static void reload(struct bench *bench, struct application *a)
{
	char id[HTTP_NAME_MAX];

	strcpy(id, a->id);
	application_settle(&bench->sandbox, NULL);
	application_clear(a);
	assert_true(application_load(bench->sandbox.store, id, a));
}

static int64_t event_time(struct bench *bench, const struct application *a, const char *name)
{
	return store_number(bench->sandbox.store, -1,
		"SELECT max(time) FROM events WHERE application = ? AND state = ?", "ss", a->id,
		name);
}

static void every_state_has_its_row(void **state)
{
	(void)state;
	for (enum application_state i = 0; i < APPLICATION_STATES; i++) {
		const struct application_state_info *info = application_state_info(i);

		assert_non_null(info->key);
		assert_true(application_state_known(info->name));
		/* «Стадия. Подробность» */
		assert_non_null(strstr(info->words, ". "));
		for (enum application_state j = 0; j < i; j++)
			assert_string_not_equal(info->key, application_state_info(j)->key);
	}
	assert_false(application_state_known("awaiting-operator"));
}

/* It makes no difference when somebody looks: what time has brought about happened when it was due. */
static void time_passes_without_being_watched(void **state)
{
	struct bench *bench = *state;
	struct application a;

	file(bench, "signature", true, &a);
	store_freeze(bench->sandbox.store, true);
	int64_t start = store_now(bench->sandbox.store);
	application_begin(&bench->sandbox, &a);
	reload(bench, &a);
	assert_int_equal(a.state, PROCESSING);
	store_advance(bench->sandbox.store, 999);
	reload(bench, &a);
	assert_int_equal(a.state, PROCESSING);
	store_advance(bench->sandbox.store, 1);
	reload(bench, &a);
	assert_int_equal(a.state, AWAITING_SIGNATURES);
	/* A person's turn: it waits for ever. */
	store_advance(bench->sandbox.store, 1000 * VERIFY);
	reload(bench, &a);
	assert_int_equal(a.state, AWAITING_SIGNATURES);

	application_enter(&bench->sandbox, &a, REVIEWING, store_now(bench->sandbox.store), NULL);
	int64_t signed_at = store_now(bench->sandbox.store);
	store_advance(bench->sandbox.store, 30 * VERIFY);
	reload(bench, &a);
	assert_int_equal(a.state, READY);
	assert_int_equal(a.certificate.length, CODEC_SHA256);
	assert_int_equal(event_time(bench, &a, "awaiting-signatures"), start + 1000);
	assert_int_equal(event_time(bench, &a, "approving"), signed_at + VERIFY);
	assert_int_equal(event_time(bench, &a, "ready"), signed_at + VERIFY + 1000);
	application_clear(&a);
}

static void it_is_the_same_after_a_restart(void **state)
{
	struct bench *bench = *state;
	struct buffer before = BUFFER_INIT(65536), after = BUFFER_INIT(65536);
	struct application a, b;
	struct error err = {0};

	file(bench, "biometric", true, &a);
	application_begin(&bench->sandbox, &a);
	application_enter(
		&bench->sandbox, &a, REVIEWING, store_now(bench->sandbox.store), "почему");
	assert_true(ca_root(bench->sandbox.ca, CA_ORDINARY, &before) &&
		    ca_root(bench->sandbox.ca, CA_GOST, &before));
	bench_close(bench);
	assert_true(bench_open(bench, &err));
	assert_true(ca_root(bench->sandbox.ca, CA_ORDINARY, &after) &&
		    ca_root(bench->sandbox.ca, CA_GOST, &after));
	assert_int_equal(before.length, after.length);
	assert_memory_equal(before.data, after.data, after.length);
	assert_true(application_load(bench->sandbox.store, a.id, &b));
	assert_int_equal(b.state, REVIEWING);
	assert_int_equal(b.due, a.due);
	assert_string_equal(b.reason, "почему");
	assert_true(json_equal(a.json, b.json));
	assert_memory_equal(a.spki, b.spki, sizeof a.spki);
	store_advance(bench->sandbox.store, VERIFY);
	reload(bench, &b);
	assert_int_equal(b.state, AWAITING_IDENTIFICATION);
	application_clear(&a);
	application_clear(&b);
	buffer_free(&before);
	buffer_free(&after);
}

/* The portal saw this face and that person; three attempts in all. */
static enum application_state identified(
	struct bench *bench, struct application *a, bool face, const char *account)
{
	strcpy(a->portal_account, account);
	a->face = face;
	a->attempts++;
	application_enter(
		&bench->sandbox, a, IDENTIFYING_FACE, store_now(bench->sandbox.store), NULL);
	store_advance(bench->sandbox.store, 2000);
	reload(bench, a);
	return a->state;
}

static void identification(void **state)
{
	struct bench *bench = *state;
	struct application a;

	file(bench, "biometric", true, &a);
	assert_int_equal(identified(bench, &a, false, "ivanov"), IDENTIFICATION_FAILED);
	assert_int_equal(identified(bench, &a, true, "sidorova"), IDENTIFICATION_FAILED);
	assert_int_equal(identified(bench, &a, true, "sidorova"), REJECTED);
	application_clear(&a);
	file(bench, "biometric", true, &a);
	assert_int_equal(identified(bench, &a, true, "ivanov"), APPROVING);
	application_clear(&a);
}

static void who_confirms(void **state)
{
	struct bench *bench = *state;
	struct application a;

	file(bench, "in-person", false, &a);
	application_begin(&bench->sandbox, &a);
	assert_int_equal(a.state, AWAITING_CONFIRMATION);
	store_advance(bench->sandbox.store, 100 * VERIFY);
	reload(bench, &a);
	assert_int_equal(a.state, AWAITING_CONFIRMATION);
	application_clear(&a);

	/* An administrator's own: the operator, by the clock. */
	file(bench, "in-person", false, &a);
	strcpy(a.account, "admin");
	store_run(bench->sandbox.store, "UPDATE applications SET account = 'admin' WHERE id = ?",
		"s", a.id);
	application_begin(&bench->sandbox, &a);
	assert_int_equal(a.state, AWAITING_OPERATOR);
	store_advance(bench->sandbox.store, VERIFY);
	reload(bench, &a);
	assert_int_equal(a.state, AWAITING_SIGNATURES);
	application_clear(&a);
}

static void returned_for_its_fields(void **state)
{
	struct bench *bench = *state;
	struct application a;

	file(bench, "signature", true, &a);
	http_field(a.fields, "inn", "неверно");
	application_begin(&bench->sandbox, &a);
	reload(bench, &a);
	assert_int_equal(a.state, RETURNED);
	assert_int_equal(json_array_size(a.fields), 1);
	assert_true(application_allows(&a, ACTION_RESUBMIT));
	assert_false(application_allows(&a, ACTION_SIGN));
	application_clear(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_state_has_its_row),
		cmocka_unit_test_setup_teardown(time_passes_without_being_watched, setup, teardown),
		cmocka_unit_test_setup_teardown(it_is_the_same_after_a_restart, setup, teardown),
		cmocka_unit_test_setup_teardown(identification, setup, teardown),
		cmocka_unit_test_setup_teardown(who_confirms, setup, teardown),
		cmocka_unit_test_setup_teardown(returned_for_its_fields, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
