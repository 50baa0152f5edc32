#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <sys/stat.h>
#include <cmocka.h>

#include <openssl/evp.h>

#include "provision/authority/file.h"
#include "tests/workplace.h"

static struct workplace workplace;
static struct authority *authority;
static char *box;

static int setup(void **state)
{
	char text[512];

	(void)state;
	workplace_begin(&workplace);
	snprintf(text, sizeof(text),
		"[authority paper]\nprotocol = file\nfolder = %s/out\n"
		"[authority homeless]\nprotocol = file\n",
		workplace.home);
	workplace_configure(&workplace, text);
	box = folder_path(workplace.home, "out/key-1");
	return authority_open(workplace.context.config, "paper", NULL, &authority, NULL) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	authority_close(authority);
	free(box);
	workplace_end(&workplace);
	return 0;
}

static const struct authority_submission usual = {.idempotency_key = "key-1",
	.application = (const uint8_t *)"{\"a\":1}",
	.application_length = 7,
	.request = (const uint8_t *)"\1\2\3",
	.request_length = 3,
	.signature = (const uint8_t *)"\4",
	.signature_length = 1};

static void submit(const struct authority_submission *submission, bool wanted, struct error *err)
{
	struct authority_status status = {0};
	bool done = authority->class->submit(authority, submission, &status, err);

	if (done != wanted)
		fail_msg("%s", err->message);
	authority_status_clear(&status);
}

static bool there(const char *name)
{
	char *path = folder_path(box, name);
	struct stat st;
	bool found = stat(path, &st) == 0;

	if (found && S_ISREG(st.st_mode))
		assert_int_equal(st.st_mode & 07777, 0600);
	free(path);
	return found;
}

static void test_submit(void **state)
{
	struct authority_submission changed = usual;
	struct error err = {0};

	(void)state;
	submit(&usual, true, &err);
	assert_true(there("request.p10") && there("request.pem") && there("application.json") &&
		    there("application.json.p7s") && there("README.txt"));
	/* The same again is the same; another one under the key is a mistake. */
	submit(&usual, true, &err);
	changed.application = (const uint8_t *)"{\"a\":2}";
	submit(&changed, false, &err);
	assert_non_null(strstr(err.message, "another application"));
	/* A correction is not, and may have no signature. */
	changed.id = "key-1";
	changed.signature = NULL;
	submit(&changed, true, &err);
	assert_false(there("application.json.p7s"));
	changed.id = NULL;
	changed.idempotency_key = "../../escape";
	submit(&changed, false, &err);
	assert_int_equal(err.code, ERROR_USAGE);
	changed.idempotency_key = "key-9";
	changed.for_account = "ivanov";
	submit(&changed, false, &err);
	changed.for_account = NULL;
	changed.request = NULL;
	submit(&changed, false, &err);
}

static void test_list(void **state)
{
	struct authority_status *list = NULL;
	struct error err = {0};
	size_t count = 0;
	char *path;

	(void)state;
	submit(&usual, true, &err);
	path = folder_path(workplace.home, "out/another folder");
	assert_int_equal(mkdir(path, 0700), 0);
	free(path);
	path = folder_path(workplace.home, "out/half-made");
	assert_int_equal(mkdir(path, 0700), 0);
	free(path);
	assert_true(authority->class->list(authority, &list, &count, &err));
	assert_int_equal(count, 1);
	assert_string_equal(list[0].id, "key-1");
	authority_status_clear(&list[0]);
	free(list);
}

static void test_upload(void **state)
{
	struct authority_signature signature = {.cms = (const uint8_t *)"cms", .length = 3};
	struct authority_status status = {0};
	struct error err = {0};
	char *path;

	(void)state;
	submit(&usual, true, &err);
	path = folder_path(box, "documents");
	assert_int_equal(mkdir(path, 0700), 0);
	free(folder_write(path, "memo.pdf", "memo", 4));
	free(path);
	assert_true(authority->class->poll(authority, "key-1", &status, &err));
	signature.document = status.documents[0].id;
	/* Altered between the look and the signature: the signature does not go beside it. */
	memset(signature.sha256, 1, 32);
	{
		struct authority_status after = {0};

		assert_false(authority->class->upload(
			authority, "key-1", "k", &signature, 1, &after, &err));
		assert_int_equal(err.code, ERROR_REFUSED);
		assert_false(there("documents/memo.pdf.p7s"));
		memcpy(signature.sha256, status.documents[0].sha256, 32);
		assert_true(authority->class->upload(
			authority, "key-1", "k", &signature, 1, &after, &err));
		assert_true(there("documents/memo.pdf.p7s"));
		authority_status_clear(&after);
	}
	authority_status_clear(&status);
}

static void test_marks(void **state)
{
	struct authority_status status = {0};
	struct buffer text = BUFFER_INIT(100);
	struct error err = {0};
	uint8_t hash[32] = {0xab};
	char *path = folder_path(box, "received");

	(void)state;
	submit(&usual, true, &err);
	assert_true(authority->class->confirm(authority, "key-1", hash, &status, &err));
	assert_int_equal(status.state, STATE_CONFIRMED);
	authority_status_clear(&status);
	assert_true(buffer_read_file(&text, path));
	assert_int_equal(text.length, 65);
	assert_int_equal(strncmp(buffer_text(&text), "ab00", 4), 0);
	assert_int_equal(text.data[64], '\n');
	buffer_free(&text);
	free(path);
	assert_true(authority->class->cancel(authority, "key-1", "k", &status, &err));
	assert_int_equal(status.state, STATE_CANCELLED);
	authority_status_clear(&status);
	assert_false(authority->class->cancel(authority, "no-such", "k", &status, &err));
	assert_int_equal(err.code, ERROR_USAGE);
}

/* The request to revoke stands beside the application, with its signature and a page that says what to do. */
static void test_revoke(void **state)
{
	const struct authority_statement statement = {
		(const uint8_t *)"{}", 2, (const uint8_t *)"cms", 3};
	static const char *const files[] = {
		"revocation.json", "revocation.json.p7s", "REVOCATION.txt"};
	struct authority_status status = {0};
	struct error err = {0};
	uint8_t hash[32] = {0};

	(void)state;
	submit(&usual, true, &err);
	assert_true(authority->class->confirm(authority, "key-1", hash, &status, &err));
	assert_int_equal(status.actions & ACTION_REVOKE, ACTION_REVOKE);
	authority_status_clear(&status);
	assert_true(authority->class->revoke(authority, "key-1", "k", &statement, &status, &err));
	assert_int_equal(status.state, STATE_CONFIRMED);
	authority_status_clear(&status);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		assert_true(there(files[i]));
	assert_false(
		authority->class->revoke(authority, "no-such", "k", &statement, &status, &err));
	assert_int_equal(err.code, ERROR_USAGE);
}

static void test_open(void **state)
{
	struct authority *other = NULL;
	struct error err = {0};

	(void)state;
	assert_false(authority_open(workplace.context.config, "homeless", NULL, &other, &err));
	assert_int_equal(err.code, ERROR_USAGE);
	assert_false(authority_open(workplace.context.config, "nobody", NULL, &other, &err));
	assert_int_equal(err.code, ERROR_WORKPLACE);
	/* Nothing of this exists here, and the flow says so. */
	assert_null(authority->class->identify_begin);
	assert_null(authority->class->login);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_submit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_list, setup, teardown),
		cmocka_unit_test_setup_teardown(test_upload, setup, teardown),
		cmocka_unit_test_setup_teardown(test_marks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_revoke, setup, teardown),
		cmocka_unit_test_setup_teardown(test_open, setup, teardown),
	};

	return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
