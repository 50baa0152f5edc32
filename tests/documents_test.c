#include "tests/flow_story.h"

#include <sys/stat.h>

#include "asn1/cms.h"
#include "module/support/base64.h"
#include "provision/application.h"
#include "provision/flow/documents.h"

static struct story story;
static struct flow flow;
static char *folder; /* documents */

static int setup(void **state)
{
	(void)state;
	story_begin(&story, "");
	story_open(&story, story_apply(&story), &flow);
	folder = story_path(&story, &flow, "documents");
	assert_int_equal(mkdir(folder, 0700), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(folder);
	flow_close(&flow);
	story_end(&story);
	return 0;
}

static void put(const char *name, const char *text)
{
	free(folder_write(folder, name, text, strlen(text)));
}

static void refresh(void)
{
	struct error err = {0};

	assert_done(flow_refresh(&flow, &err), &err);
}

static bool is_signed(const char *name, const char *text)
{
	struct buffer cms = BUFFER_INIT(1 << 20);
	struct cms said = {0};
	struct error err = {0};
	char *path = NULL;
	bool there;

	assert_true(asprintf(&path, "%s/%s.p7s", folder, name) > 0);
	there = buffer_read_file(&cms, path);
	if (there)
		assert_done(cms_verify(cms.data, cms.length, (const uint8_t *)text, strlen(text),
				    flow.row.spki.data, flow.row.spki.length, &said, &err),
			&err);
	cms_clear(&said);
	buffer_free(&cms);
	free(path);
	return there;
}

static void test_all(void **state)
{
	struct error err = {0};

	(void)state;
	assert_refused(documents_sign(&flow, &err), &err, "no documents");
	put("memo.txt", "memo");
	put("consent.pdf", "consent");
	refresh();
	assert_int_equal(flow.row.state, STATE_AWAITING_SIGNATURES);
	err = (struct error){0};
	assert_done(documents_sign(&flow, &err), &err);
	assert_true(is_signed("memo.txt", "memo") && is_signed("consent.pdf", "consent"));
	assert_int_equal(flow.row.state, STATE_REVIEWING);
}

/* What was announced is what is signed: another content, and nothing at all is. */
static void test_altered(void **state)
{
	struct error err = {0};

	(void)state;
	put("a.txt", "first");
	put("b.txt", "second");
	refresh();
	put("b.txt", "SECOND");
	assert_refused(documents_sign(&flow, &err), &err, "not the one that was announced");
	assert_int_equal(err.code, ERROR_FAILED);
	assert_false(is_signed("a.txt", "first") || is_signed("b.txt", "SECOND"));
}

static void test_dry_run(void **state)
{
	struct error err = {0};
	bool pending = true;

	(void)state;
	put("a.txt", "first");
	refresh();
	story_option(&story, "dry-run", "");
	assert_done(documents_sign(&flow, &err), &err);
	assert_false(is_signed("a.txt", "first"));
	assert_true(journal_step_pending(flow.journal, flow.row.id, "upload", &pending, &err));
	assert_false(pending);
}

static void put_form(const char *surname, const char *more)
{
	struct buffer text = BUFFER_INIT(1 << 16);
	json_t *person = json_loads(flow.row.person, 0, NULL), *value;
	uint8_t hash[32];
	const char *name;
	char hex[65];

	json_object_foreach(person, name, value) buffer_printf(&text, "%s (x): %s\n", name,
		strcmp(name, "surname") == 0 ? surname : json_string_value(value));
	assert_true(application_sha256(flow.row.spki.data, flow.row.spki.length, hash, NULL));
	application_hex(hash, 32, hex);
	buffer_printf(&text,
		"profile (x): individual\nidentification (x): in-person\nkey (x): ec:P-256 "
		"sha256:%s\nissuer (x): Test\nvalid-for (x): 1 year\n%s",
		hex, more);
	put("form.txt", buffer_text(&text));
	json_decref(person);
	buffer_free(&text);
}

static void test_form(void **state)
{
	struct error err = {0};
	const json_t *comparison;

	(void)state;
	put_form("Сидоров", "");
	refresh();
	assert_refused(documents_sign(&flow, &err), &err, "surname");
	assert_null(strstr(err.message, "given-name"));
	comparison = json_object_get(story.workplace.context.output.root, "comparison");
	assert_true(json_array_size(comparison) > 10);
	/* Another field's acceptance is not this one's. */
	story_option(&story, "accept", "inn");
	assert_refused(documents_sign(&flow, &err), &err, "surname");
	story_option(&story, "accept", "surname");
	err = (struct error){0};
	assert_done(documents_sign(&flow, &err), &err);
}

/* A second value for a field, a form that is none, another key: refused. */
static void test_hostile_forms(void **state)
{
	static const char *const texts[] = {"", "no form at all\n", "surname (x): \xff\n"};
	struct error err = {0};

	(void)state;
	put_form("Петров", "surname (x): Сидоров\n");
	refresh();
	assert_false(documents_sign(&flow, &err));
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		put("form.txt", texts[i]);
		refresh();
		assert_false(documents_sign(&flow, &err));
	}
	flow.row.spki.data[40] ^= 1;
	put_form("Петров", "");
	flow.row.spki.data[40] ^= 1;
	refresh();
	assert_refused(documents_sign(&flow, &err), &err, "key");
	put_form("Петров", "");
	refresh();
	err = (struct error){0};
	assert_done(documents_sign(&flow, &err), &err);
}

/* Signatures that were made and perhaps sent go out again as they were, as long as they are for these documents. */
static void test_resend(void **state)
{
	struct journal_step step = {0};
	struct buffer written = BUFFER_INIT(1 << 20), text = BUFFER_INIT(1 << 20);
	struct error err = {0};
	char *obstacle, *path;
	json_t *list;

	(void)state;
	put("a.txt", "first");
	obstacle = folder_path(folder, "a.txt.p7s");
	assert_int_equal(mkdir(obstacle, 0700), 0);
	refresh();
	assert_false(documents_sign(&flow, &err));
	assert_true(journal_step_begin(flow.journal, flow.row.id, "upload", NULL, 0, &step, &err));
	assert_true(step.repeated);
	assert_int_equal(rmdir(obstacle), 0);
	free(obstacle);
	err = (struct error){0};
	assert_done(documents_sign(&flow, &err), &err);
	path = folder_path(folder, "a.txt.p7s");
	assert_true(buffer_read_file(&written, path));
	list = json_loadb((const char *)step.payload.data, step.payload.length, 0, NULL);
	assert_true(base64_encode(written.data, written.length, &text));
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "cms")),
		buffer_text(&text));
	json_decref(list);
	journal_step_clear(&step);
	/* Other documents: what was signed for the old ones is given up. */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	refresh();
	assert_false(documents_sign(&flow, &err));
	assert_int_equal(rmdir(path), 0);
	put("a.txt", "changed");
	refresh();
	err = (struct error){0};
	assert_done(documents_sign(&flow, &err), &err);
	assert_true(is_signed("a.txt", "changed"));
	free(path);
	buffer_free(&written);
	buffer_free(&text);
}

/* A journal that was damaged is told of, and read no further. */
static void test_damaged_journal(void **state)
{
	static const char *const texts[] = {"[{}]", "[7]",
		"[{\"id\":\"a\",\"title\":\"t\",\"media_type\":\"m\",\"sha256\":\"00\"}]",
		"[{\"id\":\"a\",\"sha256\":"
		"\"zz00000000000000000000000000000000000000000000000000000000"
		"000000\"}]"};
	struct documents documents = {0};
	struct error err = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		journal_text(&flow.row.documents, texts[i]);
		assert_false(documents_read(&flow.row, &documents, &err));
		assert_int_equal(documents.count, 0);
	}
	journal_text(&flow.row.documents, "{");
	assert_true(documents_read(&flow.row, &documents, &err));
	assert_int_equal(documents.count, 0);
	documents_clear(&documents);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all, setup, teardown),
		cmocka_unit_test_setup_teardown(test_altered, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dry_run, setup, teardown),
		cmocka_unit_test_setup_teardown(test_form, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hostile_forms, setup, teardown),
		cmocka_unit_test_setup_teardown(test_resend, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged_journal, setup, teardown),
	};

	return cmocka_run_group_tests_name("documents", tests, NULL, NULL);
}
