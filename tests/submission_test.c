#include "tests/flow_story.h"

#include "provision/application.h"
#include "tests/cabinet_fixture.h"

static struct story story;
static struct https_server *server;
static char *tls_folder;

#define STATUS                                                                                     \
	"{\"id\":\"2026-1\",\"state\":\"processing\",\"status\":\"Заявка\",\"poll\":true,"   \
	"\"next_poll_seconds\":0,\"fields\":[],\"actions\":[],\"documents\":[]}"

static const char templ[] =
	"{\"subject\":[{\"oid\":\"2.5.4.3\",\"value\":\"Петров Пётр Петрович\"},"
	"{\"oid\":\"2.5.4.4\",\"value\":\"Петров\"}],\"extensions\":[]}";
static const char other_templ[] =
	"{\"subject\":[{\"oid\":\"2.5.4.3\",\"value\":\"Петров Пётр Петрович\"},"
	"{\"oid\":\"2.5.4.4\",\"value\":\"Сидоров\"}],\"extensions\":[]}";

static int setup(void **state)
{
	const struct authority_account account = {"petrov", "Петров", "employee"};
	char text[512];

	(void)state;
	tls_folder = folder_make();
	server = https_server_start(tls_folder, "127.0.0.1");
	cabinet_section(server, text, sizeof(text));
	story_begin(&story, text);
	authority_close(cabinet_open(&story.workplace, &account));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	story_end(&story);
	https_server_stop(server);
	folder_remove(tls_folder);
	return 0;
}

static void answer(const char *body)
{
	https_server_answer(server, "200 OK", "application/json", body);
}

static bool apply(const char *authority, int64_t *id, struct error *err)
{
	bool done;

	*err = (struct error){0};
	story_option(&story, "authority", authority);
	story_option(&story, "slot", "vault");
	story_option(&story, "key", "ed25519");
	story_person_options(&story);
	done = apply_run(&story.workplace.context, id, err);
	story_forget_options(&story);
	return done;
}

static void expect_keys(size_t wanted)
{
	size_t keys = 0, certificates = 0;

	story_count(&story, &keys, &certificates);
	assert_int_equal(keys, wanted);
}

static const char *idempotency_key(unsigned request)
{
	static char keys[2][64];
	static unsigned turn;
	const char *at = strstr(https_server_request(server, request), "Idempotency-Key: ");

	assert_non_null(at);
	snprintf(keys[turn % 2], sizeof(keys[0]), "%.36s", at + 17);
	return keys[turn++ % 2];
}

/* A template for somebody else is refused before there is a key, unless the field is accepted. */
static void test_template(void **state)
{
	struct error err;
	int64_t id = 0;

	(void)state;
	answer(other_templ);
	assert_false(apply("centre", &id, &err));
	assert_int_equal(err.code, ERROR_FAILED);
	assert_non_null(strstr(err.message, "surname"));
	assert_non_null(strstr(err.message, "Сидоров"));
	expect_keys(0);
	/* Nothing but the question went out. */
	assert_int_equal(https_server_count(server), 1);
	story_option(&story, "accept", "surname");
	answer(other_templ);
	answer(other_templ);
	answer(STATUS);
	assert_done(apply("centre", &id, &err), &err);
	expect_keys(1);
}

/* The answer is lost: the same application with the same key of idempotency, and the same key pair, goes again. */
static void test_lost_answer(void **state)
{
	struct flow flow;
	struct error err;
	int64_t id = 0, again = 0;
	char first[64];
	bool pending = false;

	(void)state;
	answer(templ);
	answer(templ);
	for (unsigned i = 0; i < 5; i++)
		https_server_bytes(server, "", 0, HTTPS_BREAK);
	assert_false(apply("centre", &id, &err));
	assert_int_equal(err.code, ERROR_UNREACHABLE);
	snprintf(first, sizeof(first), "%s", idempotency_key(2));
	story_open(&story, id, &flow);
	assert_int_equal(flow.row.state, STATE_DRAFT);
	assert_true(submission_pending(&flow, &pending, &err) && pending);
	flow_close(&flow);
	expect_keys(1);
	https_server_reset(server);
	answer(STATUS);
	assert_done(apply("centre", &again, &err), &err);
	assert_int_equal(again, id);
	assert_int_equal(https_server_count(server), 1);
	assert_string_equal(idempotency_key(0), first);
	expect_keys(1);
	/* And once more: it was applied for. */
	assert_done(apply("centre", &again, &err), &err);
	assert_int_equal(again, id);
	assert_int_equal(https_server_count(server), 1);
}

/* A definite no ends the step, whatever its number: what is sent next is something new, with the same key pair. */
static void test_refused(void **state)
{
	static const char *const statuses[] = {
		"400 Bad Request", "403 Forbidden", "413 Too Large", "422 Unprocessable"};
	struct flow flow;
	struct error err;
	int64_t id = 0;
	bool pending = true;
	char first[64];

	(void)state;
	answer(templ);
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		answer(templ);
		https_server_answer(server, statuses[i], "application/json",
			"{\"error\":{\"code\":\"E\",\"message\":\"нет\",\"fields\":[]}}");
		assert_false(apply("centre", &id, &err));
		assert_int_equal(err.code, ERROR_REFUSED);
		assert_non_null(strstr(err.message, "нет"));
		story_open(&story, id, &flow);
		assert_true(submission_pending(&flow, &pending, &err) && !pending);
		assert_int_equal(flow.row.state, STATE_DRAFT);
		assert_non_null(strstr(flow.row.reason, "нет"));
		assert_null(flow.row.application.data);
		flow_close(&flow);
		expect_keys(1);
	}
	snprintf(first, sizeof(first), "%s", idempotency_key(2));
	assert_string_not_equal(first, idempotency_key(4));
	answer(templ);
	answer(STATUS);
	assert_done(apply("centre", &id, &err), &err);
	expect_keys(1);
}

/* A row as a kill leaves it right after the key was reserved. */
static int64_t reserved(struct flow *flow)
{
	struct person person = {0};
	struct signing signing;
	struct error err = {0};
	int64_t id;

	story_person_options(&story);
	assert_done(flow_new(&story.workplace.context, flow, &err), &err);
	assert_true(journal_text(&flow->row.authority, "paper") &&
		    journal_text(&flow->row.profile, "individual") &&
		    journal_text(&flow->row.identification, "in-person") &&
		    journal_text(&flow->row.key_spec, "ed25519") &&
		    journal_text(&flow->row.slot_uri, "pkcs11:token=token"));
	assert_done(person_from_options(&person, &story.workplace.context.options, &err), &err);
	assert_done(draft_person(flow, &person, &err), &err);
	person_clear(&person);
	signing_init(&signing, flow);
	assert_done(draft_keys(&signing, &err), &err);
	assert_done(journal_add(flow->journal, &flow->row, "drafted", NULL, &err), &err);
	signing_clear(&signing);
	story_forget_options(&story);
	id = flow->row.id;
	flow_close(flow);
	return id;
}

static void finish(int64_t id)
{
	struct signing signing;
	struct error err = {0};
	struct flow flow;

	story_open(&story, id, &flow);
	signing_init(&signing, &flow);
	assert_done(submission_run(&signing, &err), &err);
	assert_int_equal(flow.row.state, STATE_PROCESSING);
	signing_clear(&signing);
	flow_close(&flow);
}

/* Killed after the token made the pair, before the journal knew: that pair is found, no second one is made. */
static void test_pair_is_found(void **state)
{
	struct flow flow;
	int64_t id = reserved(&flow);
	struct slot slot = {0};
	struct error err = {0};

	(void)state;
	story_open(&story, id, &flow);
	token_open(&story.workplace, "token", &slot);
	assert_done(token_key_generate(&slot, "ed25519", flow.row.key_reserved.data,
			    flow.row.key_reserved.length, flow.row.label, &err),
		&err);
	slot_close(&slot);
	flow_close(&flow);
	finish(id);
	expect_keys(1);
}

/* Killed between the halves: the half is removed, one pair is made. */
static void test_half_is_removed(void **state)
{
	struct flow flow;
	int64_t id = reserved(&flow);
	CK_OBJECT_HANDLE handle;
	struct slot slot = {0};
	struct error err = {0};
	size_t count = 0;

	(void)state;
	story_open(&story, id, &flow);
	token_open(&story.workplace, "token", &slot);
	assert_done(token_key_generate(&slot, "ed25519", flow.row.key_reserved.data,
			    flow.row.key_reserved.length, flow.row.label, &err),
		&err);
	assert_true(token_object_by_id(&slot, CKO_PUBLIC_KEY, flow.row.key_reserved.data,
		flow.row.key_reserved.length, &handle, 1, &count, &err));
	assert_int_equal(slot.functions->C_DestroyObject(slot.session, handle), CKR_OK);
	slot_close(&slot);
	flow_close(&flow);
	finish(id);
	expect_keys(1);
}

/* What is signed and sent: the application names the request by its hash, the request has the person's name. */
static void test_contents(void **state)
{
	struct application application = {0};
	struct error err = {0};
	struct csr csr = {0};
	struct flow flow;
	int64_t id = 0;
	uint8_t hash[32];

	(void)state;
	assert_done(apply("paper", &id, &err), &err);
	story_open(&story, id, &flow);
	assert_done(csr_decode(flow.row.request.data, flow.row.request.length, &csr, &err), &err);
	assert_string_equal(name_get(&csr.subject, "2.5.4.4"), "Петров");
	assert_int_equal(csr.spki_length, flow.row.spki.length);
	assert_memory_equal(csr.spki, flow.row.spki.data, csr.spki_length);
	assert_done(application_decode(flow.row.application.data, flow.row.application.length,
			    &application, &err),
		&err);
	assert_true(application_sha256(flow.row.request.data, flow.row.request.length, hash, &err));
	assert_true(application.has_request);
	assert_memory_equal(application.request_sha256, hash, 32);
	assert_false(application.has_signer);
	/* The CKA_ID is the key's identifier, as applications look for it. */
	assert_int_equal(flow.row.key_id.length, 20);
	application_clear(&application);
	csr_clear(&csr);
	flow_close(&flow);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_template, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lost_answer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pair_is_found, setup, teardown),
		cmocka_unit_test_setup_teardown(test_half_is_removed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_contents, setup, teardown),
	};

	return cmocka_run_group_tests_name("submission", tests, NULL, NULL);
}
