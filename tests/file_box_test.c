#include "tests/asn1_support.h"

#include <sys/stat.h>

#include "asn1/certificate.h"
#include "asn1/csr.h"
#include "provision/authority/file.h"
#include "tests/folder.h"

static char *folder, *box;
static struct test_key own, other;

static int setup(void **state)
{
	(void)state;
	own = test_key_new(SIGNATURE_ECDSA_SHA256);
	other = test_key_new(SIGNATURE_ECDSA_SHA256);
	folder = folder_make();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	test_key_free(&own);
	test_key_free(&other);
	folder_remove(folder);
	return 0;
}

static void put(const char *name, const void *data, size_t length)
{
	free(folder_write(box, name, data, length));
}

static void put_text(const char *name, const char *text)
{
	put(name, text, strlen(text));
}

/* A folder of an application, new for each test. */
static int fresh(void **state)
{
	static unsigned number;
	struct buffer request = BUFFER_INIT(BUFFER_MAX);
	struct extensions extensions = {0};
	struct name subject = {0};
	char name[16], *documents;

	(void)state;
	snprintf(name, sizeof(name), "box-%u", number++);
	box = folder_path(folder, name);
	documents = folder_path(box, "documents");
	if (mkdir(box, 0700) != 0 || mkdir(documents, 0700) != 0)
		return -1;
	free(documents);
	assert_true(name_add(&subject, "2.5.4.3", "Иванов", NULL));
	assert_true(csr_create(&subject, own.spki, own.spki_length, &extensions,
		test_key_signer(&own), &request, NULL));
	put("request.p10", request.data, request.length);
	put_text("application.json",
		"{\"person\":{\"surname\":\"Иванов\",\"given-name\":\"Иван\\u001b[2J\"}}");
	buffer_free(&request);
	name_clear(&subject);
	return 0;
}

static int done_with_it(void **state)
{
	(void)state;
	free(box);
	return 0;
}

static enum flow_state state_now(void)
{
	struct authority_status status = {0};
	struct error err = {0};
	enum flow_state now;

	assert_done(file_box_status(box, "id", &status, &err), &err);
	now = status.state;
	authority_status_clear(&status);
	return now;
}

static void test_states(void **state)
{
	struct authority_status status = {0};
	struct error err = {0};
	char *revoked = folder_path(box, "revoked");

	(void)state;
	assert_done(file_box_status(box, "id", &status, &err), &err);
	assert_int_equal(status.state, STATE_PROCESSING);
	assert_string_equal(status.holder, "Иванов Иван?[2J");
	assert_true(status.poll);
	assert_int_equal(status.actions, ACTION_CANCEL);
	authority_status_clear(&status);
	put_text("documents/consent.txt", "yes");
	put_text("documents/form.txt", "form");
	put_text("documents/.hidden", "no");
	assert_done(file_box_status(box, "id", &status, &err), &err);
	assert_int_equal(status.state, STATE_AWAITING_SIGNATURES);
	assert_int_equal(status.document_count, 2);
	assert_false(status.documents[0].is_form);
	assert_true(status.documents[1].is_form);
	/* Nobody has signed the application, so the new key signs. */
	assert_int_equal(status.documents[0].signer, DOCUMENT_SIGNER_NEW_KEY);
	assert_string_equal(status.documents[0].media_type, "text/plain; charset=utf-8");
	authority_status_clear(&status);
	put_text("application.json.p7s", "signature");
	put_text("documents/consent.txt.p7s", "signature");
	assert_done(file_box_status(box, "id", &status, &err), &err);
	assert_int_equal(status.state, STATE_AWAITING_SIGNATURES);
	assert_int_equal(status.documents[0].signer, DOCUMENT_SIGNER_APPLICATION);
	authority_status_clear(&status);
	put_text("documents/form.txt.p7s", "signature");
	assert_int_equal(state_now(), STATE_REVIEWING);
	put_text("certificate.cer", "something");
	assert_int_equal(state_now(), STATE_READY);
	put_text("received", "hash");
	assert_done(file_box_status(box, "id", &status, &err), &err);
	assert_int_equal(status.state, STATE_CONFIRMED);
	assert_non_null(strstr(status.words, "installed"));
	authority_status_clear(&status);
	/* A revocation is asked for; what the authority has made of it, the person says. */
	put_text("revoked", "");
	assert_int_equal(state_now(), STATE_CONFIRMED);
	assert_int_equal(unlink(revoked), 0);
	put_text("revocation.json", "{}");
	assert_done(file_box_status(box, "id", &status, &err), &err);
	assert_int_equal(status.state, STATE_CONFIRMED);
	assert_non_null(strstr(status.words, "REVOCATION.txt"));
	authority_status_clear(&status);
	put_text("revoked", "");
	assert_int_equal(state_now(), STATE_REVOKED);
	put_text("cancelled", "");
	assert_int_equal(state_now(), STATE_CANCELLED);
	free(revoked);
}

/* The certificate was given to `install`, past the folder: nobody is told to go anywhere any more. */
static void test_received_without_file(void **state)
{
	struct authority_status status = {0};
	struct error err = {0};

	(void)state;
	put_text("received", "hash");
	assert_done(file_box_status(box, "id", &status, &err), &err);
	assert_int_equal(status.state, STATE_CONFIRMED);
	assert_false(status.poll);
	assert_int_equal(status.actions, ACTION_REVOKE);
	assert_null(strstr(status.words, "Take the files"));
	authority_status_clear(&status);
}

static void test_no_application(void **state)
{
	struct authority_status status = {0};
	struct error err = {0};
	char *path = folder_path(box, "application.json");

	(void)state;
	assert_int_equal(unlink(path), 0);
	assert_false(file_box_status(box, "id", &status, &err));
	assert_int_equal(err.code, ERROR_USAGE);
	/* Damaged, or a link into somewhere else: it is said, and nothing crashes. */
	put_text("application.json", "{");
	assert_true(file_box_status(box, "id", &status, &err));
	assert_null(status.holder);
	authority_status_clear(&status);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_false(file_box_status(box, "id", &status, &err));
	free(path);
}

static void test_documents(void **state)
{
	struct authority_status status = {0};
	struct buffer content = BUFFER_INIT(FILE_BYTES);
	struct error err = {0};
	char *name = NULL, path[32];

	(void)state;
	put_text("documents/a\x1b[2J;rm -rf ~.txt", "odd");
	assert_done(file_box_status(box, "id", &status, &err), &err);
	assert_string_equal(status.documents[0].title, "a?[2J;rm -rf ~.txt");
	assert_done(file_box_document(box, status.documents[0].id, &name, &content, &err), &err);
	assert_string_equal(buffer_text(&content), "odd");
	assert_string_equal(name, "a\x1b[2J;rm -rf ~.txt");
	free(name);
	authority_status_clear(&status);
	assert_false(file_box_document(box, "../application.json", &name, &content, &err));
	assert_int_equal(err.code, ERROR_USAGE);
	for (unsigned i = 0; i < 40; i++) {
		snprintf(path, sizeof(path), "documents/%u", i);
		put_text(path, "x");
	}
	assert_refused(file_box_status(box, "id", &status, &err), &err, "too many documents");
	buffer_free(&content);
}

static void certify(struct test_key *key, const char *name, struct buffer *der)
{
	X509 *x509 = test_certificate(key, name);

	buffer_reset(der);
	test_certificate_der(x509, der);
	X509_free(x509);
}

static void test_certificates(void **state)
{
	struct buffer pem = BUFFER_INIT(1 << 20), der = BUFFER_INIT(BUFFER_MAX);
	struct certificates list = {0};
	struct error err = {0};

	(void)state;
	assert_false(file_box_certificates(box, &pem, &err));
	assert_int_equal(err.code, ERROR_WAITING);
	certify(&other, "other", &der);
	put("certificate.cer", der.data, der.length);
	assert_refused(file_box_certificates(box, &pem, &err), &err, "request's key");
	assert_int_equal(err.code, ERROR_FAILED);
	/* The one for the request's key is first, in whichever file it came. */
	certify(&own, "own", &der);
	put("chain.pem", der.data, der.length);
	buffer_reset(&pem);
	assert_done(file_box_certificates(box, &pem, &err), &err);
	assert_done(certificates_read(pem.data, pem.length, &list, &err), &err);
	assert_int_equal(list.count, 2);
	assert_memory_equal(list.list[0].der, der.data, der.length);
	certificates_clear(&list);
	put_text("certificate.p7b", "<html>404</html>");
	assert_refused(file_box_certificates(box, &pem, &err), &err, "certificate.p7b");
	put_text("request.p10", "not a request");
	assert_false(file_box_certificates(box, &pem, &err));
	buffer_free(&pem);
	buffer_free(&der);
}

static void test_explain(void **state)
{
	struct buffer text = BUFFER_INIT(1 << 16);
	struct error err = {0};

	(void)state;
	assert_done(file_box_explain(box, true, &err), &err);
	test_read(box, "README.txt", &text);
	assert_non_null(strstr(buffer_text(&text), "application.json.p7s"));
	assert_non_null(strstr(buffer_text(&text), strrchr(box, '/') + 1));
	assert_done(file_box_explain(box, false, &err), &err);
	test_read(box, "README.txt", &text);
	assert_null(strstr(buffer_text(&text), "application.json.p7s"));
	buffer_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_states, fresh, done_with_it),
		cmocka_unit_test_setup_teardown(test_received_without_file, fresh, done_with_it),
		cmocka_unit_test_setup_teardown(test_no_application, fresh, done_with_it),
		cmocka_unit_test_setup_teardown(test_documents, fresh, done_with_it),
		cmocka_unit_test_setup_teardown(test_certificates, fresh, done_with_it),
		cmocka_unit_test_setup_teardown(test_explain, fresh, done_with_it),
	};

	return cmocka_run_group_tests_name("file_box", tests, setup, teardown);
}
