#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "provision/flow/flow.h"
#include "tests/folder.h"

struct story {
	char *folder;
	struct context context;
	struct flow flow;
};

static int setup(void **state)
{
	struct story *story = calloc(1, sizeof(*story));
	struct error err = {0};

	story->folder = folder_make();
	output_init(&story->context.output, true);
	story->flow = (struct flow){.context = &story->context, .lock = -1};
	if (!journal_open_at(story->folder, &story->flow.journal, &err) ||
		!journal_text(&story->flow.row.authority, "centre") ||
		!journal_add(story->flow.journal, &story->flow.row, "drafted", NULL, &err))
		return -1;
	*state = story;
	return 0;
}

static int teardown(void **state)
{
	struct story *story = *state;

	flow_close(&story->flow);
	json_decref(story->context.output.root);
	folder_remove(story->folder);
	free(story);
	return 0;
}

static struct authority_status status_of(enum flow_state state, const char *words)
{
	struct authority_status status = {.state = state};

	status.id = strdup("2026-000001");
	status.words = strdup(words);
	return status;
}

static void take(struct story *story, enum flow_state state)
{
	struct authority_status status = status_of(state, flow_state_info(state)->name);
	struct error err = {0};

	if (!flow_take(&story->flow, &status, "refreshed", &err))
		fail_msg("%s", err.message);
}

/* The answer and the end of the step that it answers are one: neither is seen without the other. */
static void test_answer(void **state)
{
	struct story *story = *state;
	struct journal_application row = {0};
	struct authority_status status = status_of(STATE_AWAITING_SIGNATURES, "Подготовка");
	struct journal_step step = {0};
	struct error err = {0};
	bool pending = true;

	status.next_poll = 1784116800;
	status.actions = ACTION_SIGN | ACTION_CANCEL;
	status.document_count = 1;
	status.documents = calloc(1, sizeof(*status.documents));
	status.documents[0].id = strdup("form");
	status.documents[0].title = strdup("Бланк");
	status.documents[0].is_form = true;
	status.documents[0].signer = DOCUMENT_SIGNER_NEW_KEY;
	assert_true(journal_step_begin(
		story->flow.journal, story->flow.row.id, "submit", NULL, 0, &step, &err));
	assert_true(flow_answer(&story->flow, &status, "submitted", &step, &err));
	assert_true(journal_step_pending(
		story->flow.journal, story->flow.row.id, "submit", &pending, &err));
	assert_false(pending);
	assert_true(journal_load(story->flow.journal, story->flow.row.id, &row, &err));
	assert_int_equal(row.state, STATE_AWAITING_SIGNATURES);
	assert_string_equal(row.remote_id, "2026-000001");
	assert_int_equal(row.actions, ACTION_SIGN | ACTION_CANCEL);
	assert_non_null(strstr(row.documents, "\"signer\":\"new-key\""));
	assert_non_null(strstr(row.documents, "\"form\":true"));
	journal_application_clear(&row);
	journal_step_clear(&step);
}

static size_t count_events(struct story *story)
{
	struct journal_event *events = NULL;
	struct error err = {0};
	size_t count = 0;

	assert_true(journal_events(story->flow.journal, story->flow.row.id, &events, &count, &err));
	journal_events_free(events, count);
	return count;
}

/* A poll that brings nothing new leaves no event. */
static void test_quiet_polls(void **state)
{
	struct story *story = *state;
	size_t before;

	take(story, STATE_REVIEWING);
	before = count_events(story);
	take(story, STATE_REVIEWING);
	take(story, STATE_REVIEWING);
	assert_int_equal(count_events(story), before);
	take(story, STATE_APPROVING);
	assert_int_equal(count_events(story), before + 1);
}

/* Once the certificate is here, the authority's state is not the tool's any more, unless it is the end. */
static void test_states(void **state)
{
	struct story *story = *state;
	struct journal_application *row = &story->flow.row;

	take(story, STATE_READY);
	assert_int_equal(row->state, STATE_READY);
	assert_int_equal(flow_next(row), FLOW_DOWNLOAD);
	assert_true(journal_text(&row->certificates, "PEM"));
	take(story, STATE_READY);
	assert_int_equal(row->state, STATE_DOWNLOADED);
	row->state = STATE_INSTALL_FAILED;
	take(story, STATE_READY);
	assert_int_equal(row->state, STATE_INSTALL_FAILED);
	assert_int_equal(flow_next(row), FLOW_INSTALL);
	row->installed = 1;
	take(story, STATE_READY);
	assert_int_equal(row->state, STATE_INSTALLED);
	assert_int_equal(flow_next(row), FLOW_ACKNOWLEDGE);
	row->acknowledged = 1;
	take(story, STATE_CONFIRMED);
	assert_int_equal(row->state, STATE_INSTALLED);
	assert_int_equal(flow_next(row), FLOW_NOTHING);
	take(story, STATE_REVOKED);
	assert_int_equal(row->state, STATE_REVOKED);
}

static void test_verdicts(void **state)
{
	static const struct {
		enum flow_state state;
		enum error_code code;
	} wanted[] = {
		{STATE_DRAFT, ERROR_NONE},
		{STATE_AWAITING_REQUEST, ERROR_NONE},
		{STATE_PROCESSING, ERROR_WAITING},
		{STATE_AWAITING_CONFIRMATION, ERROR_WAITING},
		{STATE_RETURNED, ERROR_REFUSED},
		{STATE_REJECTED, ERROR_REFUSED},
		{STATE_AWAITING_SIGNATURES, ERROR_NONE},
		{STATE_REVIEWING, ERROR_WAITING},
		{STATE_AWAITING_IDENTIFICATION, ERROR_NONE},
		{STATE_IDENTIFYING, ERROR_WAITING},
		{STATE_IDENTIFICATION_FAILED, ERROR_NONE},
		{STATE_APPROVING, ERROR_WAITING},
		{STATE_READY, ERROR_NONE},
		{STATE_CONFIRMED, ERROR_NONE},
		{STATE_CANCELLED, ERROR_REFUSED},
		{STATE_INSTALLED, ERROR_NONE},
	};
	struct journal_application row = {.id = 7};

	(void)state;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		struct error err = {0};

		row.state = wanted[i].state;
		assert_int_equal(flow_verdict(&row, &err), wanted[i].code == ERROR_NONE);
		assert_int_equal(err.code, wanted[i].code);
	}
}

/* Reason and fields are in the message. */
static void test_returned(void **state)
{
	char reason[] = "Исправьте", fields[] = "[{\"name\":\"inn\",\"reason\":\"не тот\"}]";
	struct journal_application row = {
		.id = 7, .state = STATE_RETURNED, .reason = reason, .fields = fields};
	struct error err = {0};

	(void)state;
	assert_false(flow_verdict(&row, &err));
	assert_non_null(strstr(err.message, "Исправьте"));
	assert_non_null(strstr(err.message, "inn: не тот"));
}

static void test_json(void **state)
{
	struct story *story = *state;
	json_t *object;
	char text[FLOW_STEP_TEXT_MAX];

	take(story, STATE_AWAITING_SIGNATURES);
	object = flow_json(&story->flow.row);
	assert_string_equal(
		json_string_value(json_object_get(object, "state")), "awaiting-signatures");
	assert_string_equal(json_string_value(json_object_get(object, "next")), "sign");
	assert_string_equal(
		json_string_value(json_object_get(object, "authority_id")), "2026-000001");
	assert_true(json_is_null(json_object_get(object, "key")));
	json_decref(object);
	assert_string_equal(flow_step_text(&story->flow.row, text), "podpis sign 1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_answer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_quiet_polls, setup, teardown),
		cmocka_unit_test_setup_teardown(test_states, setup, teardown),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_returned),
		cmocka_unit_test_setup_teardown(test_json, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
