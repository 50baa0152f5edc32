#include "tests/asn1_support.h"

#include <time.h>

#include "provision/authority/status.h"

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const char whole[] =
	"{\"id\":\"2026-000001\",\"state\":\"awaiting-signatures\",\"status\":\"Подпишите\","
	"\"poll\":true,\"next_poll_seconds\":60,\"reason\":\"why\",\"holder\":\"Иванов\","
	"\"fields\":[{\"name\":\"inn\",\"reason\":\"wrong\"}],"
	"\"actions\":[\"sign\",\"cancel\",\"teleport\"],"
	"\"documents\":[{\"id\":\"form\",\"title\":\"Бланк\",\"media_type\":\"text/plain\","
	"\"sha256\":\"" HASH "\",\"size\":10,\"form\":true,\"signer\":\"new-key\"}],"
	"\"application_token\":\"secret-token\",\"application_sha256\":\"" HASH "\","
	"\"application\":{\"version\":1}}";

static json_t *parse(const char *text)
{
	json_t *json = json_loads(text, 0, NULL);

	assert_non_null(json);
	return json;
}

static void test_whole(void **state)
{
	json_t *json = parse(whole);
	struct authority_status status = {0};
	struct error err = {0};
	time_t now = time(NULL);

	(void)state;
	if (!status_decode(json, &status, &err))
		fail_msg("%s", err.message);
	assert_string_equal(status.id, "2026-000001");
	assert_int_equal(status.state, STATE_AWAITING_SIGNATURES);
	assert_string_equal(status.words, "Подпишите");
	assert_true(status.poll);
	assert_in_range(status.next_poll, now + 60, now + 120);
	assert_string_equal(status.reason, "why");
	assert_int_equal(status.field_count, 1);
	assert_string_equal(status.fields[0].name, "inn");
	/* What is not known is not offered. */
	assert_int_equal(status.actions, ACTION_SIGN | ACTION_CANCEL);
	assert_int_equal(status.document_count, 1);
	assert_int_equal(status.documents[0].signer, DOCUMENT_SIGNER_NEW_KEY);
	assert_true(status.documents[0].is_form);
	assert_string_equal(status.token, "secret-token");
	/* No second copy of it is left. */
	assert_string_not_equal(
		json_string_value(json_object_get(json, "application_token")), "secret-token");
	assert_true(status.has_application_sha256);
	assert_string_equal(status.summary, "{\"version\":1}");
	authority_status_clear(&status);
	json_decref(json);
}

/* Each: a member of the whole answer put in place of what it was; removed where the value is NULL. */
static const struct {
	const char *name, *value;
	bool good;
} samples[] = {
	{"id", NULL, false},
	{"id", "\"../etc\"", false},
	{"id", "5", false},
	{"state", NULL, false},
	{"state", "\"no-such-state\"", false},
	/* States that are the tool's own: no authority may claim that this side has installed. */
	{"state", "\"installed\"", false},
	{"state", "\"draft\"", false},
	{"state", "\"downloaded\"", false},
	{"status", NULL, false},
	{"status", "null", false},
	{"poll", "\"yes\"", false},
	{"poll", NULL, false},
	{"next_poll_seconds", "-1", false},
	{"next_poll_seconds", "9223372036854775807", false},
	{"next_poll_seconds", "1e3", false},
	{"next_poll_seconds", NULL, false},
	{"reason", "null", true},
	{"reason", NULL, true},
	{"reason", "[]", false},
	{"fields", NULL, false},
	{"fields", "[{\"name\":\"inn\"}]", false},
	{"fields", "[7]", false},
	{"fields", "{}", false},
	{"actions", NULL, false},
	{"actions", "[7]", false},
	{"actions", "[]", true},
	{"documents", NULL, false},
	{"documents", "[]", true},
	{"documents", "[{}]", false},
	{"application_token", NULL, true},
	{"application_token", "7", false},
	{"application_sha256", NULL, true},
	{"application_sha256", "\"00\"", false},
	{"certificate_sha256", "null", true},
	{"certificate_sha256", "\"00\"", false},
	{"certificate_sha256", "7", false},
	{"application", NULL, true},
	{"application", "null", true},
	{"application", "\"text\"", false},
	{"application", "[]", false},
};

static void test_members(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		struct authority_status status = {0};
		json_t *json = parse(whole);
		struct error err = {0};

		if (samples[i].value == NULL)
			json_object_del(json, samples[i].name);
		else
			json_object_set_new(json, samples[i].name,
				json_loads(samples[i].value, JSON_DECODE_ANY, NULL));
		if (status_decode(json, &status, &err) != samples[i].good)
			fail_msg("%s: %s: %s", samples[i].name,
				samples[i].value != NULL ? samples[i].value : "(none)",
				err.message);
		if (!samples[i].good) {
			assert_int_equal(err.code, ERROR_UNREACHABLE);
			assert_null(status.id);
		}
		authority_status_clear(&status);
		json_decref(json);
	}
}

static const struct {
	const char *name, *value;
} document_samples[] = {
	{"id", "\"a/b\""},
	{"id", "\"\""},
	{"title", "7"},
	{"media_type", "null"},
	{"sha256", "\"0123\""},
	{"size", "-1"},
	{"size", "16777217"},
	{"form", "\"true\""},
	{"signer", "\"anybody\""},
	{"signer", "null"},
};

static void test_documents(void **state)
{
	struct authority_status status = {0};
	struct error err = {0};
	json_t *json, *list;

	(void)state;
	for (size_t i = 0; i < sizeof(document_samples) / sizeof(document_samples[0]); i++) {
		json = parse(whole);
		json_object_set_new(json_array_get(json_object_get(json, "documents"), 0),
			document_samples[i].name,
			json_loads(document_samples[i].value, JSON_DECODE_ANY, NULL));
		if (status_decode(json, &status, &err))
			fail_msg("%s: %s", document_samples[i].name, document_samples[i].value);
		assert_int_equal(err.code, ERROR_UNREACHABLE);
		json_decref(json);
	}
	/* The same id twice: which of them would be the one that was signed? */
	json = parse(whole);
	list = json_object_get(json, "documents");
	json_array_append_new(list, json_deep_copy(json_array_get(list, 0)));
	assert_false(status_decode(json, &status, &err));
	json_decref(json);
	/* More than anybody would sign. */
	json = parse(whole);
	list = json_object_get(json, "documents");
	for (int i = 0; i < STATUS_DOCUMENTS_MAX; i++) {
		char id[16];
		json_t *copy = json_deep_copy(json_array_get(list, 0));

		snprintf(id, sizeof(id), "d%d", i);
		json_object_set_new(copy, "id", json_string(id));
		json_array_append_new(list, copy);
	}
	assert_false(status_decode(json, &status, &err));
	json_decref(json);
}

static void test_far_future(void **state)
{
	json_t *json = parse(whole);
	struct authority_status status = {0};

	(void)state;
	json_object_set_new(json, "next_poll_seconds", json_integer(INT32_MAX));
	assert_true(status_decode(json, &status, NULL));
	/* Asked sooner than that all the same. */
	assert_true(status.next_poll <= time(NULL) + 31 * 86400);
	authority_status_clear(&status);
	json_decref(json);
}

static void test_list(void **state)
{
	json_t *json = json_pack("{s:[o,o]}", "applications", parse(whole), parse(whole));
	struct authority_status *list = NULL;
	size_t count = 0;

	(void)state;
	assert_true(status_decode_list(json, &list, &count, NULL));
	assert_int_equal(count, 2);
	for (size_t i = 0; i < count; i++)
		authority_status_clear(&list[i]);
	free(list);
	list = NULL;
	json_object_del(json_array_get(json_object_get(json, "applications"), 1), "id");
	assert_false(status_decode_list(json, &list, &count, NULL));
	assert_null(list);
	json_decref(json);
	json = parse("{\"applications\":{}}");
	assert_false(status_decode_list(json, &list, &count, NULL));
	json_decref(json);
}

static void test_template(void **state)
{
	static const char good[] =
		"{\"subject\":[{\"oid\":\"2.5.4.3\",\"value\":\"Иванов\"}],"
		"\"extensions\":[{\"oid\":\"2.5.29.15\",\"critical\":true,\"value\":\"AwIGwA==\"}],"
		"\"note\":null}";
	static const char *const bad[] = {
		"{}",
		"{\"subject\":[],\"extensions\":[]}",
		"{\"subject\":[{\"oid\":\"2.5.4.3\"}],\"extensions\":[]}",
		"{\"subject\":[{\"oid\":\"nonsense\",\"value\":\"x\"}],\"extensions\":[]}",
		"{\"subject\":[{\"oid\":\"2.5.4.3\",\"value\":\"x\"}]}",
		"{\"subject\":[{\"oid\":\"2.5.4.3\",\"value\":\"x\"}],\"extensions\":[{}]}",
		"{\"subject\":[{\"oid\":\"2.5.4.3\",\"value\":\"x\"}],\"extensions\":"
		"[{\"oid\":\"2.5.29.15\",\"critical\":1,\"value\":\"AwIGwA==\"}]}",
		"{\"subject\":[{\"oid\":\"2.5.4.3\",\"value\":\"x\"}],\"extensions\":"
		"[{\"oid\":\"2.5.29.15\",\"critical\":true,\"value\":\"\"}]}",
	};
	struct authority_template templ = {0};
	struct error err = {0};
	json_t *json = parse(good);

	(void)state;
	if (!status_decode_template(json, &templ, &err))
		fail_msg("%s", err.message);
	assert_string_equal(name_get(&templ.subject, "2.5.4.3"), "Иванов");
	assert_int_equal(templ.extensions.count, 1);
	authority_template_clear(&templ);
	json_decref(json);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		json = parse(bad[i]);
		if (status_decode_template(json, &templ, &err))
			fail_msg("taken: %s", bad[i]);
		assert_int_equal(templ.subject.count, 0);
		json_decref(json);
	}
}

/* Bytes of every kind: what is taken is whole, what is not is refused, and nothing else happens. */
static void try_mutant(const uint8_t *data, size_t length, void *context)
{
	json_t *json = json_loadb((const char *)data, length, JSON_REJECT_DUPLICATES, NULL);
	struct authority_status status = {0}, *list = NULL;
	struct authority_template made = {0};
	unsigned *taken = context;
	size_t count = 0;

	if (status_decode(json, &status, NULL)) {
		(*taken)++;
		assert_non_null(status.id);
		assert_non_null(status.words);
		assert_true(flow_state_info(status.state)->remote);
		authority_status_clear(&status);
	}
	assert_false(status_decode_list(json, &list, &count, NULL));
	assert_false(status_decode_template(json, &made, NULL));
	json_decref(json);
}

static void test_mutants(void **state)
{
	struct buffer text = BUFFER_INIT(1 << 16);
	unsigned taken = 0;

	(void)state;
	buffer_append_text(&text, whole);
	test_mutate(&text, 20000, try_mutant, &taken);
	assert_in_range(taken, 100, 19000);
	buffer_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_documents),
		cmocka_unit_test(test_far_future),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_template),
		cmocka_unit_test(test_mutants),
	};

	return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
