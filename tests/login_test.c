#include "tests/asn1_support.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <cmocka.h>

#include "provision/authority/login.h"
#include "tests/https_server.h"
#include "tests/workplace.h"

#define CHILDREN 20

static struct workplace workplace;
static struct https_server *server;
static struct http *http;
static char *endpoint, *file;
static const struct authority_account ivanov = {"ivanov", "Иванов", "employee"};

static int setup(void **state)
{
	struct http_settings settings = {.total_seconds = 10};

	(void)state;
	workplace_begin(&workplace);
	server = https_server_start(workplace.home, "127.0.0.1");
	settings.base = https_server_url(server);
	settings.ca_file = https_server_ca(server);
	file = folder_path(workplace.home, ".local/state/podpis/login/centre.json");
	if (asprintf(&endpoint, "%s/token", https_server_url(server)) < 0)
		return -1;
	return http_new(&settings, &http, NULL) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	http_free(http);
	https_server_stop(server);
	free(endpoint);
	free(file);
	workplace_end(&workplace);
	return 0;
}

static struct login *open_login(const char *name)
{
	struct login *login = NULL;
	struct error err = {0};

	if (!login_open(name, https_server_url(server), NULL, &login, &err))
		fail_msg("%s", err.message);
	return login;
}

/* Logs in with a token that lives that long; -1000: it has ended. */
static struct login *logged_in(long lifetime)
{
	const struct oauth_service service = {
		.token_endpoint = endpoint, .revocation_endpoint = endpoint, .client_id = "podpis"};
	struct oauth_grant grant = {.access = secret_new("old-access", 10),
		.refresh = secret_new("old-refresh", 11),
		.expires_in = lifetime > 0 ? lifetime : 1};
	struct login *login = open_login("centre");
	struct error err = {0};
	json_t *json;

	https_server_reset(server);
	if (!login_store(login, &service, &grant, &ivanov, &err))
		fail_msg("%s", err.message);
	oauth_grant_clear(&grant);
	if (lifetime < 0) {
		json = json_load_file(file, 0, NULL);
		json_object_set_new(
			json, "expires_at", json_integer((json_int_t)time(NULL) + lifetime));
		assert_int_equal(json_dump_file(json, file, 0), 0);
		json_decref(json);
	}
	return login;
}

static void expect_bearer(struct login *login, const char *application, const struct secret *stale,
	const char *wanted)
{
	struct secret *bearer = NULL;
	struct error err = {0};

	if (!login_bearer(login, http, application, stale, &bearer, &err))
		fail_msg("%s", err.message);
	assert_string_equal((const char *)bearer->data, wanted);
	secret_free(bearer);
}

static enum error_code no_bearer(struct login *login, const char *application)
{
	struct secret *bearer = NULL;
	struct error err = {0};

	assert_false(login_bearer(login, http, application, NULL, &bearer, &err));
	return err.code;
}

static const char renewed[] = "{\"access_token\":\"new-access\",\"refresh_token\":\"new-refresh\","
			      "\"token_type\":\"Bearer\",\"expires_in\":900}";

static void test_kept(void **state)
{
	struct login *login = logged_in(900);
	struct authority_account account;
	struct stat st;
	char *folder = folder_path(workplace.home, ".local/state/podpis/login");

	(void)state;
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat(folder, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	free(folder);
	assert_true(login_account(login, &account, NULL));
	assert_string_equal(account.account, "ivanov");
	expect_bearer(login, NULL, NULL, "old-access");
	assert_int_equal(https_server_count(server), 0);
	login_close(login);
}

static void test_renewed(void **state)
{
	struct login *login = logged_in(-1000);
	struct secret *stale;

	(void)state;
	https_server_answer(server, "200 OK", "application/json", renewed);
	expect_bearer(login, NULL, NULL, "new-access");
	assert_non_null(strstr(https_server_request(server, 0), "refresh_token=old-refresh"));
	expect_bearer(login, NULL, NULL, "new-access");
	assert_int_equal(https_server_count(server), 1);
	/* Refused by the server although its time is not over: once more, with the new refresh token. */
	stale = secret_new("new-access", 10);
	https_server_answer(server, "200 OK", "application/json",
		"{\"access_token\":\"third\",\"token_type\":\"Bearer\",\"expires_in\":900}");
	expect_bearer(login, NULL, stale, "third");
	assert_non_null(strstr(https_server_request(server, 1), "refresh_token=new-refresh"));
	/* Somebody else has renewed it meanwhile: nothing is asked. */
	expect_bearer(login, NULL, stale, "third");
	assert_int_equal(https_server_count(server), 2);
	secret_free(stale);
	login_close(login);
}

/* A clock that was put back does not make a token live for ever. */
static void test_clock_put_back(void **state)
{
	struct login *login = logged_in(900);
	json_t *json = json_load_file(file, 0, NULL);

	(void)state;
	json_object_set_new(json, "expires_at", json_integer((json_int_t)time(NULL) + 40 * 86400));
	assert_int_equal(json_dump_file(json, file, 0), 0);
	json_decref(json);
	https_server_answer(server, "200 OK", "application/json", renewed);
	expect_bearer(login, NULL, NULL, "new-access");
	login_close(login);
}

static void test_ended(void **state)
{
	struct login *login = logged_in(-1000);

	(void)state;
	https_server_answer(
		server, "400 Bad Request", "application/json", "{\"error\":\"invalid_grant\"}");
	assert_int_equal(no_bearer(login, NULL), ERROR_PERSON);
	/* It is known now: nobody is asked again. */
	assert_int_equal(no_bearer(login, NULL), ERROR_PERSON);
	assert_int_equal(https_server_count(server), 1);
	login_close(login);
}

/* What is no answer ends no login: it may be tried again. */
static void test_not_answered(void **state)
{
	static const struct {
		const char *status, *type, *body;
	} answers[] = {
		{"503 Busy", "text/plain", ""},
		{"500 Oops", "application/json", "{\"error\":\"server_error\"}"},
		{"200 OK", "text/html", "<html>"},
		{"200 OK", "application/json", "{\"access_token\":"},
		{"200 OK", "application/json",
			"{\"access_token\":\"x y\",\"token_type\":\"Bearer\"}"},
	};
	struct login *login = logged_in(-1000);

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		https_server_answer(server, answers[i].status, answers[i].type, answers[i].body);
		assert_int_equal(no_bearer(login, NULL), ERROR_UNREACHABLE);
	}
	https_server_bytes(server, "", 0, HTTPS_BREAK);
	assert_int_equal(no_bearer(login, NULL), ERROR_UNREACHABLE);
	https_server_answer(server, "200 OK", "application/json", renewed);
	expect_bearer(login, NULL, NULL, "new-access");
	login_close(login);
}

/* Many processes at once: one asks, all go on. */
static void test_many(void **state)
{
	struct login *login = logged_in(-1000);
	int start[2], status;
	pid_t children[CHILDREN];

	(void)state;
	https_server_answer(server, "200 OK", "application/json", renewed);
	assert_int_equal(pipe(start), 0);
	for (size_t i = 0; i < CHILDREN; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			struct http_settings settings = {.base = https_server_url(server),
				.ca_file = https_server_ca(server)};
			struct secret *bearer = NULL;
			struct http *own = NULL;
			char byte;
			bool done;

			close(start[1]);
			done = http_new(&settings, &own, NULL) && read(start[0], &byte, 1) == 0 &&
			       login_bearer(login, own, NULL, NULL, &bearer, NULL) &&
			       strcmp((const char *)bearer->data, "new-access") == 0;
			_exit(done ? 0 : 1);
		}
	}
	close(start[0]);
	close(start[1]);
	for (size_t i = 0; i < CHILDREN; i++) {
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(https_server_count(server), 1);
	login_close(login);
}

static void test_applications(void **state)
{
	struct login *login = logged_in(900);
	struct error err = {0};
	bool was = false;

	(void)state;
	assert_true(login_keep_application(login, "2026-1", "only-this", &err));
	/* The login's serves as long as there is one. */
	expect_bearer(login, "2026-1", NULL, "old-access");
	login_close(login);
	/* The same account again keeps it; when the login ends the application stays open. */
	login = logged_in(-1000);
	https_server_answer(
		server, "400 Bad Request", "application/json", "{\"error\":\"invalid_grant\"}");
	assert_int_equal(no_bearer(login, "2026-2"), ERROR_PERSON);
	expect_bearer(login, "2026-1", NULL, "only-this");
	https_server_answer(server, "200 OK", "text/plain", "");
	assert_true(login_forget(login, http, &was, &err));
	assert_int_equal(no_bearer(login, "2026-1"), ERROR_PERSON);
	login_close(login);
}

static void test_forgotten(void **state)
{
	struct login *login = logged_in(900);
	struct error err = {0};
	bool was = false;

	(void)state;
	https_server_answer(server, "200 OK", "text/plain", "");
	assert_true(login_forget(login, http, &was, &err));
	assert_true(was);
	assert_non_null(strstr(https_server_request(server, 0), "token=old-refresh"));
	assert_int_not_equal(access(file, F_OK), 0);
	assert_true(login_forget(login, http, &was, &err));
	assert_false(was);
	login_close(login);
	/* Forgotten here also where the authority can't be told. */
	login = logged_in(900);
	https_server_bytes(server, "", 0, HTTPS_BREAK);
	assert_false(login_forget(login, http, &was, &err));
	assert_int_equal(err.code, ERROR_UNREACHABLE);
	assert_int_not_equal(access(file, F_OK), 0);
	login_close(login);
}

/* Another address under the same name gets nothing that was this one's. */
static void test_other_address(void **state)
{
	struct login *login = logged_in(900);

	(void)state;
	login_close(login);
	assert_true(login_open("centre", "https://elsewhere.example/api", NULL, &login, NULL));
	assert_int_equal(no_bearer(login, NULL), ERROR_PERSON);
	login_close(login);
}

static void test_damaged_files(void **state)
{
	static const char *const contents[] = {"", "{", "[]", "7", "{\"url\":7}",
		"{\"url\":\"%s\",\"access_token\":7,\"expires_at\":\"soon\",\"applications\":[1]}",
		"{\"url\":\"%s\",\"access_token\":\"a\",\"applications\":{\"x\":[]}}",
		"{\"url\":\"%s\",\"access_token\":\"a\",\"expires_at\":-9223372036854775808,"
		"\"lifetime\":9223372036854775807}",
		"{\"url\":\"%s\",\"access_token\":\"a\",\"expires_at\":9223372036854775807,"
		"\"lifetime\":9223372036854775807}",
		"{\"url\":\"%s\",\"access_token\":\"a\",\"expires_at\":9223372036854775807,"
		"\"lifetime\":-9223372036854775808}"};
	struct login *login = logged_in(900);
	struct authority_account account;
	struct secret *bearer = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
		FILE *out = fopen(file, "w");

		assert_non_null(out);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
		fprintf(out, contents[i], https_server_url(server));
#pragma GCC diagnostic pop
		fclose(out);
		assert_false(login_bearer(login, http, "x", NULL, &bearer, NULL));
		login_account(login, &account, NULL);
	}
	login_close(login);
	/* Not followed anywhere else, and no device waited for. */
	assert_int_equal(unlink(file), 0);
	assert_int_equal(symlink("/dev/zero", file), 0);
	login = open_login("centre");
	assert_false(login_bearer(login, http, NULL, NULL, &bearer, NULL));
	login_close(login);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(mkfifo(file, 0600), 0);
	login = open_login("centre");
	assert_false(login_bearer(login, http, NULL, NULL, &bearer, NULL));
	login_close(login);
	assert_int_equal(unlink(file), 0);
	/* A new login puts a good file in the place of a damaged one. */
	free(folder_write(workplace.home, ".local/state/podpis/login/centre.json", "{", 1));
	login = logged_in(900);
	expect_bearer(login, NULL, NULL, "old-access");
	login_close(login);
}

/* A file of any bytes: a token comes out of it or an error, and nothing else happens. */
static void try_mutant(const uint8_t *data, size_t length, void *context)
{
	struct authority_account account;
	struct secret *bearer = NULL;
	struct login *login = context;

	free(folder_write(workplace.home, ".local/state/podpis/login/centre.json", data, length));
	login_account(login, &account, NULL);
	if (login_bearer(login, http, "x", NULL, &bearer, NULL))
		assert_int_not_equal(bearer->length, 0);
	secret_free(bearer);
}

static void test_mutants(void **state)
{
	struct login *login = logged_in(900);
	struct buffer text = BUFFER_INIT(1 << 16);

	(void)state;
	assert_true(login_keep_application(login, "x", "token", NULL));
	assert_true(buffer_read_file(&text, file));
	test_mutate(&text, 1000, try_mutant, login);
	https_server_reset(server);
	buffer_free(&text);
	login_close(login);
}

/* Whatever the section is called, its file stays in its folder. */
static void test_names(void **state)
{
	static const char *const names[] = {"../../evil", "..", ".hidden", "a/b", "Центр", "a b\n"};
	const struct oauth_service service = {.token_endpoint = endpoint, .client_id = "podpis"};
	static const char *const outsides[] = {".local/state/evil.json", ".local/evil.json"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct oauth_grant grant = {.access = secret_new("a", 1), .expires_in = 900};
		struct login *login = open_login(names[i]);

		assert_true(login_store(login, &service, &grant, &ivanov, NULL));
		expect_bearer(login, NULL, NULL, "a");
		oauth_grant_clear(&grant);
		login_close(login);
	}
	for (size_t i = 0; i < sizeof(outsides) / sizeof(outsides[0]); i++) {
		char *outside = folder_path(workplace.home, outsides[i]);

		assert_int_not_equal(access(outside, F_OK), 0);
		free(outside);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_renewed),
		cmocka_unit_test(test_clock_put_back),
		cmocka_unit_test(test_ended),
		cmocka_unit_test(test_not_answered),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_applications),
		cmocka_unit_test(test_forgotten),
		cmocka_unit_test(test_other_address),
		cmocka_unit_test(test_damaged_files),
		cmocka_unit_test(test_mutants),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("login", tests, setup, teardown);
}
