#include "tests/flow_story.h"

#include "provision/flow/installation.h"

static struct story story;
static struct flow flow;
static char *file;

static int setup(void **state)
{
	(void)state;
	story_begin(&story, "");
	story_open(&story, story_apply(&story), &flow);
	file = folder_path(story.workplace.home, "given.pem");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(file);
	flow_close(&flow);
	story_end(&story);
	return 0;
}

static void give(const char *path, const struct story_mischief *mischief)
{
	X509 *x509 = story_issue(&story, &flow, mischief);

	story_write_certificate(path, x509);
	X509_free(x509);
}

/* What stands in the journal, not just in memory. */
static void expect_journal(enum flow_state wanted, bool certificate)
{
	struct journal_application row = {0};
	struct error err = {0};

	assert_done(journal_load(flow.journal, flow.row.id, &row, &err), &err);
	if (row.state != wanted)
		fail_msg("%s, not %s", flow_state_info(row.state)->name,
			flow_state_info(wanted)->name);
	assert_int_equal(row.certificates != NULL, certificate);
	journal_application_clear(&row);
}

static void expect_token(size_t wanted)
{
	size_t keys = 0, certificates = 0;

	story_count(&story, &keys, &certificates);
	assert_int_equal(keys, 1);
	assert_int_equal(certificates, wanted);
}

static void refused(const char *words)
{
	struct error err;

	assert_refused(installation_install(&flow, file, &err), &err, words);
	expect_journal(STATE_PROCESSING, false);
	expect_token(0);
}

/* A wrong file, of whatever kind, is refused, and is not in the way of the right one. */
static void test_files(void **state)
{
	struct test_key stranger = test_key_new(SIGNATURE_ECDSA_SHA256);
	struct error err = {0};

	(void)state;
	give(file, &(struct story_mischief){.key = &stranger});
	refused("another key");
	give(file, &(struct story_mischief){.issuer = &stranger});
	refused("chain");
	give(file, &(struct story_mischief){.name = "Somebody else"});
	refused("CN");
	free(folder_write(story.workplace.home, "given.pem", "<html>", 6));
	refused("web page");
	free(folder_write(story.workplace.home, "given.pem", "", 0));
	refused("nothing at all");
	assert_int_equal(unlink(file), 0);
	refused("No such file");
	give(file, &(struct story_mischief){0});
	assert_done(installation_install(&flow, file, &err), &err);
	expect_journal(STATE_INSTALLED, true);
	expect_token(1);
	/* The same again; then a wrong one, which changes nothing of what is installed. */
	assert_done(installation_install(&flow, file, &err), &err);
	expect_token(1);
	give(file, &(struct story_mischief){.issuer = &stranger});
	assert_refused(installation_install(&flow, file, &err), &err, "chain");
	err = (struct error){0};
	assert_done(installation_install(&flow, NULL, &err), &err);
	expect_journal(STATE_INSTALLED, true);
	expect_token(1);
	test_key_free(&stranger);
}

static void test_accepted(void **state)
{
	struct error err = {0};

	(void)state;
	give(file, &(struct story_mischief){.name = "Somebody else"});
	story_option(&story, "accept", "key");
	story_option(&story, "accept", "chain");
	assert_refused(installation_install(&flow, file, &err), &err, "CN");
	/* Names may be accepted, one by one. */
	for (size_t i = 0; i < 10 && !installation_install(&flow, file, &err); i++) {
		static char fields[10][64];

		snprintf(fields[i], sizeof(fields[i]), "%s",
			strstr(err.message, "installed: ") + 11);
		fields[i][strcspn(fields[i], ":")] = '\0';
		story_option(&story, "accept", fields[i]);
		err = (struct error){0};
	}
	if (err.code != ERROR_NONE)
		fail_msg("%s", err.message);
	expect_journal(STATE_INSTALLED, true);
}

static void test_dry_run(void **state)
{
	struct error err = {0};

	(void)state;
	story_option(&story, "dry-run", "");
	give(file, &(struct story_mischief){0});
	assert_done(installation_install(&flow, file, &err), &err);
	expect_journal(STATE_PROCESSING, false);
	expect_token(0);
}

/* One that was fetched and can't be installed is replaced by the next that is fetched. */
static void test_download(void **state)
{
	struct test_key stranger = test_key_new(SIGNATURE_ECDSA_SHA256);
	char *path = story_path(&story, &flow, "certificate.pem");
	struct error err = {0};

	(void)state;
	assert_false(installation_download(&flow, &err));
	assert_int_equal(err.code, ERROR_WAITING);
	give(path, &(struct story_mischief){.key = &stranger});
	assert_false(installation_download(&flow, &err));
	expect_journal(STATE_PROCESSING, false);
	give(path, &(struct story_mischief){.issuer = &stranger});
	err = (struct error){0};
	assert_done(installation_download(&flow, &err), &err);
	expect_journal(STATE_DOWNLOADED, true);
	assert_refused(installation_install(&flow, NULL, &err), &err, "chain");
	expect_journal(STATE_INSTALL_FAILED, true);
	expect_token(0);
	give(path, &(struct story_mischief){0});
	err = (struct error){0};
	assert_done(installation_download(&flow, &err), &err);
	expect_journal(STATE_DOWNLOADED, true);
	assert_done(installation_install(&flow, NULL, &err), &err);
	expect_journal(STATE_INSTALLED, true);
	assert_done(installation_acknowledge(&flow, &err), &err);
	free(path);
	path = story_path(&story, &flow, "received");
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(flow.row.remote_state, STATE_CONFIRMED);
	assert_int_not_equal(flow.row.acknowledged, 0);
	/* Once. */
	assert_int_equal(unlink(path), 0);
	assert_done(installation_acknowledge(&flow, &err), &err);
	assert_int_not_equal(access(path, F_OK), 0);
	free(path);
	test_key_free(&stranger);
}

/* The key is gone from the token: nothing is written, and it is said. */
static void test_no_key(void **state)
{
	struct slot slot = {0};
	struct error err = {0};

	(void)state;
	give(file, &(struct story_mischief){0});
	token_open(&story.workplace, "token", &slot);
	assert_true(token_key_destroy(&slot, flow.row.key_id.data, flow.row.key_id.length, &err));
	slot_close(&slot);
	assert_false(installation_install(&flow, file, &err));
	assert_int_equal(err.code, ERROR_WORKPLACE);
	assert_int_equal(flow.row.installed, 0);
}

static void test_anchors(void **state)
{
	struct error err = {0};
	char *anchor = folder_path(story.workplace.home, "anchor.pem");
	struct test_key stranger = test_key_new(SIGNATURE_ECDSA_SHA256);
	X509 *other = token_authority(&stranger, "Other root");

	(void)state;
	give(file, &(struct story_mischief){0});
	/* What the person names goes before the authority's own. */
	story_write_certificate(anchor, other);
	story_option(&story, "anchor", anchor);
	assert_refused(installation_install(&flow, file, &err), &err, "chain");
	free(folder_write(story.workplace.home, "anchor.pem", "", 0));
	assert_false(installation_install(&flow, file, &err));
	story_write_certificate(anchor, story.root);
	err = (struct error){0};
	assert_done(installation_install(&flow, file, &err), &err);
	X509_free(other);
	test_key_free(&stranger);
	free(anchor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_files, setup, teardown),
		cmocka_unit_test_setup_teardown(test_accepted, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dry_run, setup, teardown),
		cmocka_unit_test_setup_teardown(test_download, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_key, setup, teardown),
		cmocka_unit_test_setup_teardown(test_anchors, setup, teardown),
	};

	return cmocka_run_group_tests_name("installation", tests, NULL, NULL);
}
