#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "module/support/http.h"
#include "tests/folder.h"
#include "tests/https_server.h"

static char *folder;
static struct https_server *server, *misnamed;

static int setup(void **state)
{
	(void)state;
	folder = folder_make();
	server = https_server_start(folder, "127.0.0.1");
	misnamed = https_server_start(folder, "other.example");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	https_server_stop(server);
	https_server_stop(misnamed);
	folder_remove(folder);
	return 0;
}

static struct http *client(struct https_server *of, const char *ca)
{
	const struct http_settings settings = {
		.base = https_server_url(of), .ca_file = ca, .total_seconds = 2};
	struct http *http = NULL;
	struct error err = {0};

	https_server_reset(of);
	if (!http_new(&settings, &http, &err))
		fail_msg("%s", err.message);
	return http;
}

static struct http *usual(void)
{
	return client(server, https_server_ca(server));
}

/* One GET that fails as unreachable, in words that say why; the server may have got it. */
static void fails(struct http *http, size_t limit, const char *words, bool sent)
{
	struct http_request request = {.method = "GET", .path = "/x", .limit = limit};
	struct http_response response = {0};
	struct error err = {0};

	if (http_send(http, &request, &response, &err))
		fail_msg("no failure where it should be: %s", words);
	assert_int_equal(err.code, ERROR_UNREACHABLE);
	if (strstr(err.message, words) == NULL)
		fail_msg("%s, not: %s", err.message, words);
	assert_int_equal(response.sent, sent);
	assert_null(response.body.data);
}

static void test_answer(void **state)
{
	struct http *http = usual();
	struct secret *bearer = secret_new("to.ken", 6);
	struct http_request request = {.method = "POST",
		.path = "/a%20b?c",
		.bearer = bearer,
		.idempotency_key = "key-1",
		.content_type = "application/json",
		.body = "{}",
		.length = 2};
	struct http_response response = {0};
	struct error err = {0};
	const char *asked;

	(void)state;
	https_server_answer(server, "201 Created", "Application/JSON; charset=utf-8", "{\"a\":1}");
	if (!http_send(http, &request, &response, &err))
		fail_msg("%s", err.message);
	assert_int_equal(response.status, 201);
	assert_true(response.sent);
	assert_string_equal(response.media_type, "application/json");
	assert_int_equal(response.body.length, 7);
	assert_int_equal(response.retry_after, -1);
	asked = https_server_request(server, 0);
	assert_int_equal(strncmp(asked, "POST /a%20b?c HTTP/1.1\r\n", 24), 0);
	assert_non_null(strstr(asked, "\r\nAuthorization: Bearer to.ken\r\n"));
	assert_non_null(strstr(asked, "\r\nIdempotency-Key: key-1\r\n"));
	assert_non_null(strstr(asked, "\r\nContent-Length: 2\r\n"));
	assert_null(strstr(asked, "Accept-Encoding"));
	assert_string_equal(strstr(asked, "\r\n\r\n"), "\r\n\r\n{}");
	http_response_clear(&response);
	secret_free(bearer);
	http_free(http);
}

static void test_headers_cannot_be_injected(void **state)
{
	struct http *http = usual();
	struct http_request request = {
		.method = "GET", .path = "/x", .idempotency_key = "k\r\nX-Evil: 1"};
	struct http_response response = {0};
	struct error err = {0};

	(void)state;
	assert_false(http_send(http, &request, &response, &err));
	assert_int_equal(https_server_count(server), 0);
	assert_false(response.sent);
	http_free(http);
}

static void test_broken_answers(void **state)
{
	static const char cut[] =
		"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\nhalf";
	static const char chunk[] =
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nhalf";
	static const char no_http[] = "SSH-2.0-OpenSSH_9.2\r\n";
	struct http *http = usual();

	(void)state;
	https_server_bytes(server, cut, strlen(cut), HTTPS_CLOSE);
	fails(http, 0, "", true);
	https_server_bytes(server, cut, strlen(cut), HTTPS_BREAK);
	fails(http, 0, "", true);
	https_server_bytes(server, chunk, strlen(chunk), HTTPS_CLOSE);
	fails(http, 0, "", true);
	https_server_bytes(server, no_http, strlen(no_http), HTTPS_CLOSE);
	fails(http, 0, "", true);
	https_server_bytes(server, "", 0, HTTPS_CLOSE);
	fails(http, 0, "without an answer", true);
	assert_int_equal(https_server_count(server), 5);
	http_free(http);
}

/* A body without a length that just breaks off is not taken for a whole one. */
static void test_end_of_connection(void **state)
{
	static const char open_ended[] = "HTTP/1.1 200 OK\r\nContent-Type: "
					 "text/plain\r\nConnection: close\r\n\r\nperhaps all";
	struct http *http = usual();

	(void)state;
	https_server_bytes(server, open_ended, strlen(open_ended), HTTPS_BREAK);
	fails(http, 0, "does not say where it ends", true);
	http_free(http);
}

static void test_too_large(void **state)
{
	struct buffer header = BUFFER_INIT(1 << 20);
	struct http *http = usual();

	(void)state;
	https_server_answer(server, "200 OK", "text/plain", "0123456789");
	fails(http, 9, "larger than 9 bytes", true);
	buffer_append_text(&header, "HTTP/1.1 200 OK\r\n");
	for (unsigned i = 0; i < 90; i++)
		buffer_printf(&header, "X-%u: %0900d\r\n", i, 0);
	buffer_append_text(&header, "Content-Length: 0\r\n\r\n");
	https_server_bytes(server, header.data, header.length, HTTPS_CLOSE);
	fails(http, 0, "header is too long", true);
	buffer_free(&header);
	http_free(http);
}

static void test_slow(void **state)
{
	static const char beginning[] = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nslo";
	struct http *http = usual();

	(void)state;
	https_server_bytes(server, beginning, strlen(beginning), HTTPS_HANG);
	fails(http, 0, "no whole answer within 2 seconds", true);
	http_free(http);
}

static void test_redirects_stay(void **state)
{
	struct http *http = usual();
	struct http_request request = {.method = "GET", .path = "/x"};
	struct http_response response = {0};
	struct error err = {0};
	char answer[300];
	int length = snprintf(answer, sizeof(answer),
		"HTTP/1.1 302 Found\r\nLocation: %s/elsewhere\r\nContent-Length: 0\r\n\r\n",
		https_server_url(server));

	(void)state;
	https_server_bytes(server, answer, (size_t)length, HTTPS_CLOSE);
	assert_true(http_send(http, &request, &response, &err));
	assert_int_equal(response.status, 302);
	assert_int_equal(https_server_count(server), 1);
	http_response_clear(&response);
	http_free(http);
}

static void test_who_answers(void **state)
{
	struct http *http;

	(void)state;
	http = client(misnamed, https_server_ca(misnamed));
	fails(http, 0, "not for 127.0.0.1 but for other.example", false);
	assert_int_equal(https_server_count(misnamed), 0);
	http_free(http);
	http = client(server, https_server_ca(misnamed));
	fails(http, 0, "not trusted", false);
	assert_int_equal(https_server_count(server), 0);
	http_free(http);
}

static void test_repeats(void **state)
{
	static const char busy[] =
		"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n";
	struct http *http = usual();
	struct http_request request = {.method = "POST", .path = "/x", .body = "b", .length = 1};
	struct http_response response = {0};
	struct error err = {0};

	(void)state;
	/* Once means once, also when the answer is lost. */
	https_server_bytes(server, "", 0, HTTPS_BREAK);
	https_server_answer(server, "200 OK", "text/plain", "second");
	fails(http, 0, "", true);
	assert_int_equal(https_server_count(server), 1);
	https_server_reset(server);
	/* Where it may be: after a lost answer and after a busy one. */
	https_server_bytes(server, "", 0, HTTPS_BREAK);
	https_server_bytes(server, busy, strlen(busy), HTTPS_CLOSE);
	https_server_answer(server, "200 OK", "text/plain", "third");
	request.tries = 5;
	assert_true(http_send(http, &request, &response, &err));
	assert_int_equal(response.status, 200);
	assert_int_equal(https_server_count(server), 3);
	assert_string_equal(strstr(https_server_request(server, 2), "\r\n\r\n"), "\r\n\r\nb");
	http_response_clear(&response);
	https_server_reset(server);
	/* Not longer than the patience: the answer itself is given. */
	https_server_bytes(server, busy, strlen(busy), HTTPS_CLOSE);
	https_server_answer(server, "200 OK", "text/plain", "too late");
	request.patience = 1;
	assert_true(http_send(http, &request, &response, &err));
	assert_int_equal(response.status, 503);
	assert_int_equal(response.retry_after, 1);
	http_response_clear(&response);
	http_free(http);
}

static bool has_come(const void *context)
{
	(void)context;
	return https_server_count(server) > 0;
}

/* A pause between two tries ends when somebody wants it to. */
static void test_interrupted(void **state)
{
	static const char busy[] = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: "
				   "3600\r\nContent-Length: 0\r\n\r\n";
	const struct http_settings settings = {.base = https_server_url(server),
		.ca_file = https_server_ca(server),
		.interrupt = {has_come, NULL}};
	const struct http_request request = {
		.method = "GET", .path = "/x", .tries = 5, .patience = 7200};
	struct http_response response = {0};
	struct http *http = NULL;

	(void)state;
	https_server_reset(server);
	https_server_bytes(server, busy, strlen(busy), HTTPS_CLOSE);
	https_server_answer(server, "200 OK", "text/plain", "never");
	assert_true(http_new(&settings, &http, NULL));
	http_send(http, &request, &response, NULL);
	assert_int_not_equal(response.status, 200);
	assert_int_equal(https_server_count(server), 1);
	http_response_clear(&response);
	http_free(http);
}

static void test_nobody_there(void **state)
{
	const struct http_settings settings = {.base = "https://127.0.0.1:1", .total_seconds = 2};
	struct http *http = NULL;

	(void)state;
	assert_true(http_new(&settings, &http, NULL));
	assert_string_equal(http_peer_name(http), "https://127.0.0.1:1");
	fails(http, 0, "no connection", false);
	http_free(http);
}

/* Without TLS only where the caller says that it will do. */
static void test_plain(void **state)
{
	struct http_settings settings = {.base = "http://127.0.0.1:1/x", .total_seconds = 2};
	struct http *http = NULL;

	(void)state;
	assert_false(http_new(&settings, &http, NULL));
	settings.plain = true;
	assert_true(http_new(&settings, &http, NULL));
	assert_string_equal(http_peer_name(http), "http://127.0.0.1:1");
	fails(http, 0, "no connection", false);
	http_free(http);
	settings.base = "ftp://127.0.0.1:1";
	assert_false(http_new(&settings, &http, NULL));
}

static void test_json(void **state)
{
	static const struct {
		const char *type, *body;
		size_t length;
		bool good;
	} samples[] = {
		{"application/json", "{\"a\":[1]}", 9, true},
		{"application/problem+json", "{}", 2, true},
		{"application/json", "[]", 2, true},
		{"text/html", "{}", 2, false},
		{"", "{}", 2, false},
		{"application/json", "", 0, false},
		{"application/json", "{\"a\":1,\"a\":2}", 13, false},
		{"application/json", "{\"a\":\"\xff\"}", 9, false},
		{"application/json", "{\"a\":\"\\u0000\"}", 14, false},
		{"application/json", "{} x", 4, false},
		{"application/json", "{\"a\"", 4, false},
		{"application/json", "{}\0", 3, false},
	};
	struct http *http = usual();

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		struct http_response response = {.status = 200, .body = BUFFER_INIT(100)};
		struct error err = {0};
		json_t *json = NULL;

		snprintf(response.media_type, sizeof(response.media_type), "%s", samples[i].type);
		buffer_append(&response.body, samples[i].body, samples[i].length);
		if (http_response_json(http, &response, &json, &err) != samples[i].good)
			fail_msg("sample %zu: %s", i, err.message);
		if (!samples[i].good)
			assert_int_equal(err.code, ERROR_UNREACHABLE);
		json_decref(json);
		http_response_clear(&response);
	}
	http_free(http);
}

/* An answer that nests without end does not take the stack with it. */
static void test_deep_json(void **state)
{
	struct http_response response = {.status = 200, .body = BUFFER_INIT(1 << 20)};
	struct http *http = usual();
	json_t *json = NULL;

	(void)state;
	strcpy(response.media_type, "application/json");
	for (unsigned i = 0; i < 500000; i++)
		buffer_append_text(&response.body, "[");
	assert_false(http_response_json(http, &response, &json, NULL));
	http_response_clear(&response);
	http_free(http);
}

static void test_addresses(void **state)
{
	static const struct {
		const char *url;
		bool good;
	} samples[] = {
		{"https://a", true},
		{"HTTPS://a.example:444/b?c#d", true},
		{"https://[::1]:1/", true},
		{"http://a", false},
		{"https://", false},
		{"https:///x", false},
		{"https://user@a/", false},
		{"https://a/user@x", true},
		{"https://a b", false},
		{"https://a/\"", false},
		{"https://a/'", false},
		{"https://a/`id`", false},
		{"https://a/\x1b[2J", false},
		{"https://a/\xd0\x9f", false},
		{"javascript:alert(1)", false},
		{"file:///etc/passwd", false},
		{"-https://a", false},
		{"", false},
	};
	char *large = malloc(5000);
	struct http *http = NULL;
	struct error err = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
		if (http_address_valid(samples[i].url) != samples[i].good)
			fail_msg("%s", samples[i].url);
	memset(large, 'a', 4999);
	memcpy(large, "https://", 8);
	large[4999] = '\0';
	assert_false(http_address_valid(large));
	free(large);
	assert_false(http_new(&(struct http_settings){.base = "http://a"}, &http, &err));
	assert_int_equal(err.code, ERROR_USAGE);
	assert_false(http_new(&(struct http_settings){.base = "https://a/?b"}, &http, &err));
	assert_false(http_new(&(struct http_settings){.base = "https://a:99999"}, &http, &err));
	assert_false(
		http_new(&(struct http_settings){.base = "https://a", .ca_file = "/nonexistent"},
			&http, &err));
	assert_int_equal(err.code, ERROR_WORKPLACE);
}

static void test_forms(void **state)
{
	struct buffer form = BUFFER_INIT(100), small = BUFFER_INIT(5);

	(void)state;
	assert_true(http_form_add(&form, "a b", "1&2=3+\xd0\x9f"));
	assert_true(http_form_add(&form, "c", "-._~"));
	assert_string_equal(buffer_text(&form), "a%20b=1%262%3D3%2B%D0%9F&c=-._~");
	assert_false(http_form_add(&small, "name", "value"));
	buffer_free(&form);
	buffer_free(&small);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_headers_cannot_be_injected),
		cmocka_unit_test(test_broken_answers),
		cmocka_unit_test(test_end_of_connection),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_slow),
		cmocka_unit_test(test_redirects_stay),
		cmocka_unit_test(test_who_answers),
		cmocka_unit_test(test_repeats),
		cmocka_unit_test(test_interrupted),
		cmocka_unit_test(test_nobody_there),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_deep_json),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_forms),
	};

	return cmocka_run_group_tests_name("http", tests, setup, teardown);
}
