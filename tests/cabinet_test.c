#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/cabinet_fixture.h"

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define STATUS(id, more)                                                                           \
	"{\"id\":\"" id "\",\"state\":\"processing\",\"status\":\"Заявка\",\"poll\":true,"   \
	"\"next_poll_seconds\":0,\"fields\":[],\"actions\":[],\"documents\":[]" more "}"

static struct workplace workplace;
static struct https_server *server;
static struct authority *authority;

static int setup(void **state)
{
	const struct authority_account account = {"ivanov", "Иванов", "employee"};
	char text[512];

	(void)state;
	workplace_begin(&workplace);
	server = https_server_start(workplace.home, "127.0.0.1");
	cabinet_section(server, text, sizeof(text));
	workplace_configure(&workplace, text);
	authority = cabinet_open(&workplace, &account);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	authority_close(authority);
	https_server_stop(server);
	workplace_end(&workplace);
	return 0;
}

static int fresh(void **state)
{
	(void)state;
	https_server_reset(server);
	return 0;
}

static void answer(const char *body)
{
	https_server_answer(server, "200 OK", "application/json", body);
}

static void test_submit(void **state)
{
	struct authority_submission submission = {.idempotency_key = "key-1",
		.application = (const uint8_t *)"{}",
		.application_length = 2,
		.request = (const uint8_t *)"\1\2",
		.request_length = 2};
	struct authority_status status = {0};
	struct error err = {0};
	json_error_t problem;
	const char *asked;
	char path[300];
	json_t *kept;

	(void)state;
	answer(STATUS("2026-1", ",\"application_token\":\"one-only\""));
	if (!authority->class->submit(authority, &submission, &status, &err))
		fail_msg("%s", err.message);
	asked = https_server_request(server, 0);
	assert_non_null(strstr(asked, "POST /applications HTTP/1.1"));
	assert_non_null(strstr(asked, "Idempotency-Key: key-1\r\n"));
	assert_non_null(strstr(asked, "\"application\":\"e30=\",\"request\":\"AQI=\","
				      "\"signature\":null"));
	assert_string_equal(status.id, "2026-1");
	authority_status_clear(&status);
	/* The application's own token is kept; as long as there is a login, that serves. */
	snprintf(path, sizeof(path), "%s/.local/state/podpis/login/centre.json", workplace.home);
	kept = json_load_file(path, 0, &problem);
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(kept, "applications"), "2026-1")),
		"one-only");
	json_decref(kept);
	https_server_reset(server);
	/* A correction goes to the application that there is, and is answered for it. */
	submission.id = "2026-1";
	answer(STATUS("2026-1", ""));
	assert_true(authority->class->submit(authority, &submission, &status, &err));
	assert_non_null(
		strstr(https_server_request(server, 0), "PUT /applications/2026-1 HTTP/1.1"));
	authority_status_clear(&status);
	answer(STATUS("2026-2", ""));
	assert_false(authority->class->submit(authority, &submission, &status, &err));
	assert_int_equal(err.code, ERROR_UNREACHABLE);
	assert_non_null(strstr(err.message, "another application"));
	assert_null(status.id);
}

static void test_poll(void **state)
{
	static const char *const ids[] = {"", "../admin", "a/b", "a?b", "a b", "%2e%2e"};
	struct authority_status status = {0};
	struct error err = {0};

	(void)state;
	answer(STATUS("2026-2", ""));
	assert_false(authority->class->poll(authority, "2026-1", &status, &err));
	assert_int_equal(err.code, ERROR_UNREACHABLE);
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		assert_false(authority->class->poll(authority, ids[i], &status, &err));
		assert_int_equal(err.code, ERROR_USAGE);
	}
	assert_int_equal(https_server_count(server), 1);
}

static void test_list(void **state)
{
	struct authority_status *list = NULL;
	struct error err = {0};
	size_t count = 0;

	(void)state;
	answer("{\"applications\":[" STATUS("2026-1", "") "," STATUS("2026-2", "") "]}");
	assert_true(authority->class->list(authority, &list, &count, &err));
	assert_int_equal(count, 2);
	for (size_t i = 0; i < count; i++)
		authority_status_clear(&list[i]);
	free(list);
	answer("{\"applications\":[" STATUS("2026-1", "") ",{}]}");
	assert_false(authority->class->list(authority, &list, &count, &err));
	assert_int_equal(err.code, ERROR_UNREACHABLE);
}

static void test_document(void **state)
{
	struct buffer content = BUFFER_INIT(8);
	struct error err = {0};

	(void)state;
	https_server_bytes(
		server, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na\0b", 41, HTTPS_CLOSE);
	assert_true(authority->class->document(authority, "2026-1", "form", &content, &err));
	assert_int_equal(content.length, 3);
	assert_memory_equal(content.data, "a\0b", 3);
	assert_non_null(strstr(
		https_server_request(server, 0), "GET /applications/2026-1/documents/form "));
	/* Nothing that is not an id becomes part of a path. */
	assert_false(authority->class->document(authority, "2026-1", "../../x", &content, &err));
	assert_int_equal(err.code, ERROR_USAGE);
	assert_int_equal(https_server_count(server), 1);
	buffer_reset(&content);
	https_server_answer(server, "200 OK", "text/plain", "more than was announced");
	assert_false(authority->class->document(authority, "2026-1", "form", &content, &err));
	buffer_free(&content);
}

static void test_upload(void **state)
{
	struct authority_signature signature = {
		.document = "form", .cms = (const uint8_t *)"\1", .length = 1};
	struct authority_status status = {0};
	struct error err = {0};

	(void)state;
	memset(signature.sha256, 0xab, 32);
	answer(STATUS("2026-1", ""));
	assert_true(authority->class->upload(
		authority, "2026-1", "key-2", &signature, 1, &status, &err));
	authority_status_clear(&status);
	assert_non_null(strstr(https_server_request(server, 0), "Idempotency-Key: key-2\r\n"));
	assert_non_null(strstr(https_server_request(server, 0),
		"{\"signatures\":[{\"document\":\"form\",\"sha256\":\"abab"));
	assert_non_null(strstr(https_server_request(server, 0), "\"signature\":\"AQ==\"}]}"));
}

/* Only an https address is ever given to a browser. */
static void test_identify(void **state)
{
	static const char *const wrong[] = {"http://portal/", "file:///etc/passwd",
		"javascript:alert(1)", "https://user@portal/", "https://portal/ --x", ""};
	struct authority_identification way = {.redirect_uri = "http://127.0.0.1:1/callback",
		.state = "s",
		.code_challenge = "c",
		.code = "code",
		.code_verifier = "verifier",
		.url = BUFFER_INIT(4096)};
	struct authority_status status = {0};
	struct error err = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char body[128];

		snprintf(body, sizeof(body), "{\"url\":\"%s\"}", wrong[i]);
		answer(body);
		if (authority->class->identify_begin(authority, "2026-1", &way, &err))
			fail_msg("taken: %s", wrong[i]);
		assert_int_equal(err.code, ERROR_UNREACHABLE);
	}
	answer("{\"url\":\"https://portal.example/x\"}");
	assert_true(authority->class->identify_begin(authority, "2026-1", &way, &err));
	assert_string_equal(buffer_text(&way.url), "https://portal.example/x");
	/* The verifier goes out with the code only. */
	assert_null(strstr(https_server_request(server, 6), "verifier"));
	answer(STATUS("2026-1", ""));
	assert_true(authority->class->identify_complete(authority, "2026-1", &way, &status, &err));
	assert_non_null(strstr(https_server_request(server, 7),
		"{\"code\":\"code\",\"code_verifier\":\"verifier\"}"));
	authority_status_clear(&status);
	buffer_free(&way.url);
}

static void test_fetch(void **state)
{
	static const char *const wrong[] = {"{}", "{\"certificate\":\"AQID\",\"chain\":[]}",
		"{\"certificate\":\"\",\"chain\":[]}", "{\"certificate\":\"AQID\"}",
		"{\"certificate\":[],\"chain\":[]}"};
	struct buffer pem = BUFFER_INIT(1 << 20), base64 = BUFFER_INIT(1 << 16),
		      text = BUFFER_INIT(1 << 16);
	char *body = NULL, *at;
	struct error err = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		answer(wrong[i]);
		assert_false(authority->class->fetch(authority, "2026-1", &pem, &err));
		assert_int_equal(err.code, ERROR_UNREACHABLE);
		buffer_reset(&pem);
	}
	/* The server's own certificate serves as a certificate. */
	assert_true(buffer_read_file(&text, https_server_ca(server)));
	at = strchr((char *)text.data, '\n') + 1;
	*strstr(at, "-----END") = '\0';
	for (; *at != '\0'; at++)
		if (*at != '\n')
			buffer_append(&base64, at, 1);
	assert_true(asprintf(&body, "{\"certificate\":\"%s\",\"chain\":[\"%s\"]}",
			    buffer_text(&base64), buffer_text(&base64)) > 0);
	answer(body);
	free(body);
	if (!authority->class->fetch(authority, "2026-1", &pem, &err))
		fail_msg("%s", err.message);
	assert_non_null(strstr(strstr(buffer_text(&pem), "-----END"), "-----BEGIN CERTIFICATE"));
	/* A chain that is longer than any. */
	buffer_reset(&text);
	buffer_printf(&text, "{\"certificate\":\"%s\",\"chain\":[\"AA==\"", buffer_text(&base64));
	for (unsigned i = 0; i < 8; i++)
		buffer_append_text(&text, ",\"AA==\"");
	buffer_append_text(&text, "]}");
	answer(buffer_text(&text));
	assert_false(authority->class->fetch(authority, "2026-1", &pem, &err));
	buffer_free(&pem);
	buffer_free(&base64);
	buffer_free(&text);
}

static void test_template(void **state)
{
	static const char application[] = "{\"version\":1}";
	struct authority_template templ = {0};
	struct error err = {0};

	(void)state;
	answer("{\"subject\":[{\"oid\":\"2.5.4.3\",\"value\":\"x\"}],\"extensions\":[]}");
	assert_true(authority->class->request_template(authority, "individual",
		(const uint8_t *)application, strlen(application), &templ, &err));
	assert_non_null(strstr(https_server_request(server, 0),
		"{\"profile\":\"individual\",\"application\":{\"version\":1}}"));
	authority_template_clear(&templ);
	answer("{\"subject\":[],\"extensions\":[]}");
	assert_false(authority->class->request_template(authority, "individual",
		(const uint8_t *)application, strlen(application), &templ, &err));
	assert_false(authority->class->request_template(
		authority, "individual", (const uint8_t *)"{", 1, &templ, &err));
}

static void test_revoke(void **state)
{
	const struct authority_statement statement = {
		(const uint8_t *)"{}", 2, (const uint8_t *)"\1\2", 2};
	struct authority_status status = {0};
	struct error err = {0};
	const char *asked;

	(void)state;
	answer(STATUS("2026-1", ",\"certificate_sha256\":\"" HASH "\""));
	assert_true(
		authority->class->revoke(authority, "2026-1", "key-1", &statement, &status, &err));
	asked = https_server_request(server, 0);
	assert_non_null(strstr(asked, "POST /applications/2026-1/revocation HTTP/1.1"));
	assert_non_null(strstr(asked, "Idempotency-Key: key-1\r\n"));
	assert_non_null(strstr(asked, "{\"statement\":\"e30=\",\"signature\":\"AQI=\"}"));
	assert_true(status.has_certificate_sha256);
	assert_int_equal(status.certificate_sha256[1], 0x23);
	authority_status_clear(&status);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_poll, fresh),
		cmocka_unit_test_setup(test_list, fresh),
		cmocka_unit_test_setup(test_document, fresh),
		cmocka_unit_test_setup(test_upload, fresh),
		cmocka_unit_test_setup(test_revoke, fresh),
		cmocka_unit_test_setup(test_identify, fresh),
		cmocka_unit_test_setup(test_fetch, fresh),
		cmocka_unit_test_setup(test_template, fresh),
		cmocka_unit_test_setup(test_submit, fresh),
	};

	return cmocka_run_group_tests_name("cabinet", tests, setup, teardown);
}
