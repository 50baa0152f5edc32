#include "tests/flow_story.h"

#include "provision/profile.h"

static struct story story;
static struct flow flow;

static int setup(void **state)
{
	struct error err = {0};
	struct journal_application *row = &flow.row;

	(void)state;
	story_begin(&story, "");
	assert_done(flow_new(&story.workplace.context, &flow, &err), &err);
	assert_true(journal_text(&row->authority, "paper") &&
		    journal_text(&row->profile, "individual") &&
		    journal_text(&row->identification, "in-person") &&
		    journal_text(&row->key_spec, "ec:P-256") &&
		    journal_text(&row->slot_uri, "pkcs11:token=token"));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	flow_close(&flow);
	story_end(&story);
	return 0;
}

static bool take_person(struct error *err)
{
	struct person person = {0};
	bool done;

	*err = (struct error){0};
	done = person_from_options(&person, &story.workplace.context.options, err) &&
	       draft_person(&flow, &person, err);
	person_clear(&person);
	return done;
}

/* All that is wrong is told at once, each with its field and rule. */
static void test_problems(void **state)
{
	const json_t *fields;
	struct error err;

	(void)state;
	story_option(&story, "surname", "Петров\x1b[2J");
	story_option(&story, "inn", "500100732250");
	story_option(&story, "snils", "112-233-445 96");
	story_option(&story, "phone", "nobody");
	assert_false(take_person(&err));
	assert_int_equal(err.code, ERROR_USAGE);
	assert_non_null(strstr(err.message, "inn: "));
	assert_non_null(strstr(err.message, "snils: "));
	assert_non_null(strstr(err.message, "phone: "));
	assert_non_null(strstr(err.message, "given-name: "));
	fields = json_object_get(story.workplace.context.output.root, "fields");
	assert_true(json_array_size(fields) >= 5);
	assert_null(flow.row.person);
}

static void test_person(void **state)
{
	struct error err;

	(void)state;
	story_person_options(&story);
	assert_done(take_person(&err), &err);
	assert_string_equal(flow.row.holder, "Петров Пётр Петрович");
	/* In its form: without what a person puts between digits. */
	assert_non_null(strstr(flow.row.person, "\"11223344595\""));
}

static char *fingerprint(void)
{
	struct error err = {0};

	assert_done(draft_fingerprint(&flow, &err), &err);
	return strdup(flow.row.fingerprint);
}

static void test_fingerprint(void **state)
{
	char *first, *again;
	struct error err;

	(void)state;
	story_person_options(&story);
	assert_done(take_person(&err), &err);
	first = fingerprint();
	again = fingerprint();
	assert_string_equal(first, again);
	free(again);
	for (size_t i = 0; i < 6; i++) {
		char **const members[] = {&flow.row.authority, &flow.row.profile,
			&flow.row.identification, &flow.row.key_spec, &flow.row.account,
			&flow.row.slot_uri};
		char *before = *members[i];

		*members[i] = (char *)(uintptr_t) "other";
		again = fingerprint();
		assert_string_not_equal(first, again);
		free(again);
		*members[i] = before;
	}
	story_option(&story, "signer", "pkcs11:id=x");
	again = fingerprint();
	assert_string_not_equal(first, again);
	free(again);
	free(first);
}

static bool choose_keys(struct error *err)
{
	struct signing signing;
	bool done;

	*err = (struct error){0};
	signing_init(&signing, &flow);
	done = draft_keys(&signing, err);
	signing_clear(&signing);
	return done;
}

/* A key in the token with a certificate that ends in that many seconds. */
static void put_signature(const char *id, const char *label, long seconds)
{
	struct certificate certificate = {0};
	struct token_key key = {0};
	struct slot slot = {0};
	struct error err = {0};
	X509 *x509;

	token_open(&story.workplace, "token", &slot);
	assert_done(
		token_key_generate(&slot, "ec:P-256", (const uint8_t *)id, strlen(id), label, &err),
		&err);
	assert_done(
		token_key_open(&slot, (const uint8_t *)id, strlen(id), NULL, 0, &key, &err), &err);
	x509 = token_certify(&story.authority_key, story.root, key.spki.data, key.spki.length, NULL,
		label, seconds);
	token_decode(x509, &certificate);
	assert_done(token_certificate_write(
			    &slot, &certificate, (const uint8_t *)id, strlen(id), label, &err),
		&err);
	certificate_clear(&certificate);
	X509_free(x509);
	token_key_clear(&key);
	slot_close(&slot);
}

static void test_keys(void **state)
{
	struct error err;
	uint8_t before[20];

	(void)state;
	story_person_options(&story);
	assert_done(take_person(&err), &err);
	assert_done(choose_keys(&err), &err);
	assert_string_equal(flow.row.label, "Петров Пётр Петрович — paper");
	assert_int_equal(flow.row.key_reserved.length, 20);
	assert_null(flow.row.signer_uri);
	memcpy(before, flow.row.key_reserved.data, 20);
	put_signature("taken", "Петров Пётр Петрович — paper", 86400);
	assert_done(choose_keys(&err), &err);
	assert_string_equal(flow.row.label, "Петров Пётр Петрович — paper (2)");
	assert_memory_not_equal(flow.row.key_reserved.data, before, 20);
}

static void test_signer(void **state)
{
	struct error err;

	(void)state;
	story_person_options(&story);
	assert_done(take_person(&err), &err);
	assert_true(journal_text(&flow.row.identification, "signature"));
	assert_false(choose_keys(&err));
	assert_int_equal(err.code, ERROR_WORKPLACE);
	assert_non_null(strstr(err.message, "signature that signs the application"));
	put_signature("old", "Old", -60);
	assert_false(choose_keys(&err));
	/* Pinned, also when an old one of the same person is beside it. */
	put_signature("new", "New", 86400);
	assert_done(choose_keys(&err), &err);
	assert_non_null(strcasestr(flow.row.signer_uri, "id=%6e%65%77"));
	assert_int_equal(flow.row.signer_sha256.length, 32);
	/* An old one that is named is refused as what it is. */
	story_option(&story, "signer", "pkcs11:token=token;id=old");
	assert_refused(choose_keys(&err), &err, "expired");
	assert_int_equal(err.code, ERROR_USAGE);
}

static void test_show(void **state)
{
	const json_t *application;
	struct error err;

	(void)state;
	story_person_options(&story);
	assert_done(take_person(&err), &err);
	assert_done(draft_show(&flow, &err), &err);
	application = json_object_get(story.workplace.context.output.root, "application");
	assert_string_equal(
		json_string_value(json_object_get(application, "profile")), "individual");
	/* Nothing was made. */
	assert_int_equal(flow.row.id, 0);
	assert_null(flow.row.key_reserved.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_problems, setup, teardown),
		cmocka_unit_test_setup_teardown(test_person, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fingerprint, setup, teardown),
		cmocka_unit_test_setup_teardown(test_keys, setup, teardown),
		cmocka_unit_test_setup_teardown(test_signer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_show, setup, teardown),
	};

	return cmocka_run_group_tests_name("draft", tests, NULL, NULL);
}
