#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <pthread.h>
#include <sys/socket.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <cmocka.h>

#include "provision/authority/cabinet.h"
#include "tests/https_server.h"
#include "tests/workplace.h"

static struct workplace workplace;
static struct https_server *server;
static struct authority *authority;
static char info[2048];

static int setup(void **state)
{
	char text[700];

	(void)state;
	workplace_begin(&workplace);
	server = https_server_start(workplace.home, "127.0.0.1");
	snprintf(text, sizeof(text),
		"[authority centre]\nprotocol = cabinet\nurl = %s\nca-file = %s\n"
		"[authority pinned]\nprotocol = cabinet\nurl = %s\nca-file = %s\nanchors = %s\n",
		https_server_url(server), https_server_ca(server), https_server_url(server),
		https_server_ca(server), https_server_ca(server));
	workplace_configure(&workplace, text);
	snprintf(info, sizeof(info),
		"{\"protocol\":\"podpis-cabinet/1\",\"anchors\":[],\"oauth\":{"
		"\"authorization_endpoint\":\"%s/login\",\"token_endpoint\":\"%s/token\","
		"\"revocation_endpoint\":\"%s/"
		"revoke\",\"client_id\":\"podpis\",\"password\":true}}",
		https_server_url(server), https_server_url(server), https_server_url(server));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	https_server_stop(server);
	workplace_end(&workplace);
	return 0;
}

static int fresh(void **state)
{
	(void)state;
	https_server_reset(server);
	return authority_open(workplace.context.config, "centre", NULL, &authority, NULL) ? 0 : -1;
}

static int close_it(void **state)
{
	(void)state;
	authority_close(authority);
	return 0;
}

static void answer(const char *body)
{
	https_server_answer(server, "200 OK", "application/json", body);
}

static const char granted[] =
	"{\"access_token\":\"a\",\"refresh_token\":\"r\",\"token_type\":\"Bearer\","
	"\"expires_in\":900,\"account\":\"ivanov\",\"name\":\"Иванов\\u001b[2J\","
	"\"role\":\"employee\"}";

static void test_password(void **state)
{
	struct secret *password = secret_new("p&=w", 4);
	struct authority_login login = {.account = "ivanov", .password = password};
	struct authority_account account, kept;
	struct error err = {0};
	bool was = false;

	(void)state;
	answer(info);
	answer(granted);
	if (!authority->class->login(authority, &login, &account, &err))
		fail_msg("%s", err.message);
	assert_string_equal(account.account, "ivanov");
	assert_null(strchr(account.name, 0x1b));
	assert_null(strstr(https_server_request(server, 0), "Authorization"));
	assert_non_null(
		strstr(https_server_request(server, 1), "username=ivanov&password=p%26%3Dw"));
	assert_true(authority->class->account(authority, &kept, &err));
	assert_string_equal(kept.role, "employee");
	https_server_answer(server, "200 OK", "text/plain", "");
	assert_true(authority->class->logout(authority, &was, &err));
	assert_true(was);
	assert_false(authority->class->account(authority, &kept, &err));
	assert_int_equal(err.code, ERROR_PERSON);
	secret_free(password);
}

/* A role that nobody knows, or none, is no login; nothing of it is kept. */
static void test_wrong_accounts(void **state)
{
	static const char *const wrong[] = {
		"\"account\":\"i\",\"name\":\"n\",\"role\":\"root\"",
		"\"account\":\"i\",\"name\":\"n\"",
		"\"account\":7,\"name\":\"n\",\"role\":\"employee\"",
		"\"name\":\"n\",\"role\":\"employee\"",
	};
	struct secret *password = secret_new("p", 1);
	struct authority_login login = {.account = "ivanov", .password = password};
	struct authority_account account;
	struct error err = {0};
	char body[256];

	(void)state;
	answer(info);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(body, sizeof(body),
			"{\"access_token\":\"a\",\"token_type\":\"Bearer\",%s}", wrong[i]);
		answer(body);
		if (authority->class->login(authority, &login, &account, &err))
			fail_msg("taken: %s", wrong[i]);
		assert_int_equal(err.code, ERROR_UNREACHABLE);
		assert_false(authority->class->account(authority, &account, &err));
	}
	secret_free(password);
}

/* Whatever is wrong with what the authority says of itself, no password is sent anywhere. */
static void test_wrong_info(void **state)
{
	static const struct {
		const char *from, *to;
	} changes[] = {
		{"podpis-cabinet/1", "podpis-cabinet/2"},
		{"\"protocol\":\"podpis-cabinet/1\",", ""},
		{"\"oauth\":{", "\"oauth\":[],\"x\":{"},
		{"\"token_endpoint\":\"https", "\"token_endpoint\":\"http"},
		{"\"token_endpoint\":\"https://", "\"token_endpoint\":\"https://u:p@"},
		{"\"revocation_endpoint\":\"https", "\"revocation_endpoint\":\"gopher"},
		{"\"authorization_endpoint\"", "\"x\""},
		{"\"client_id\":\"podpis\"", "\"client_id\":7"},
		{"\"password\":true", "\"password\":\"true\""},
	};
	struct secret *password = secret_new("p", 1);
	struct authority_login login = {.account = "ivanov", .password = password};
	struct authority_account account;
	struct error err = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		const char *at = strstr(info, changes[i].from);
		char body[2200];

		assert_non_null(at);
		snprintf(body, sizeof(body), "%.*s%s%s", (int)(at - info), info, changes[i].to,
			at + strlen(changes[i].from));
		close_it(NULL);
		fresh(NULL);
		answer(body);
		if (authority->class->login(authority, &login, &account, &err))
			fail_msg("taken: %s", body);
		assert_int_equal(err.code, ERROR_UNREACHABLE);
		assert_int_equal(https_server_count(server), 1);
	}
	secret_free(password);
}

static void test_no_password(void **state)
{
	struct secret *password = secret_new("p", 1);
	struct authority_login login = {.account = "ivanov", .password = password};
	struct authority_account account;
	struct error err = {0};
	char body[2048];

	(void)state;
	snprintf(body, sizeof(body), "%.*s:false}}", (int)(strstr(info, ":true") - info), info);
	answer(body);
	assert_false(authority->class->login(authority, &login, &account, &err));
	assert_int_equal(err.code, ERROR_USAGE);
	assert_int_equal(https_server_count(server), 1);
	secret_free(password);
}

/* A browser that comes straight back with a code. */
static bool come_back(void *context, const char *url, struct error *err)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const char *state = strstr(url, "&state="),
		   *back = strstr(url, "redirect_uri=http%3A%2F%2F127.0.0.1%3A");
	char request[512];
	unsigned port = 0;
	int fd = socket(AF_INET, SOCK_STREAM, 0), *out = context;

	(void)err;
	assert_non_null(state);
	assert_non_null(back);
	sscanf(back, "redirect_uri=http%%3A%%2F%%2F127.0.0.1%%3A%u", &port);
	address.sin_port = htons((uint16_t)port);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	snprintf(request, sizeof(request),
		"GET /callback?code=the-code%.*s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n",
		(int)strcspn(state + 1, "&") + 1, state, port);
	assert_true(send(fd, request, strlen(request), MSG_NOSIGNAL) > 0);
	*out = fd;
	return true;
}

static void test_browser(void **state)
{
	int fd = -1;
	struct authority_login login = {.browse = come_back, .context = &fd, .seconds = 20};
	struct authority_account account;
	struct error err = {0};
	const char *asked;

	(void)state;
	answer(info);
	answer(granted);
	if (!authority->class->login(authority, &login, &account, &err))
		fail_msg("%s", err.message);
	close(fd);
	asked = https_server_request(server, 1);
	assert_non_null(strstr(asked, "grant_type=authorization_code"));
	assert_non_null(strstr(asked, "&code=the-code&redirect_uri=http%3A%2F%2F127.0.0.1%3A"));
	assert_non_null(strstr(asked, "&code_verifier="));
}

static void test_anchors(void **state)
{
	struct buffer pem = BUFFER_INIT(1 << 20);
	struct error err = {0};

	(void)state;
	answer("{\"protocol\":\"podpis-cabinet/1\",\"anchors\":[\"AQID\"]}");
	assert_false(authority->class->anchors(authority, &pem, &err));
	assert_int_equal(err.code, ERROR_UNREACHABLE);
	/* What the person pinned goes before what the authority says: it is not even asked. */
	close_it(NULL);
	https_server_reset(server);
	assert_true(authority_open(workplace.context.config, "pinned", NULL, &authority, &err));
	buffer_reset(&pem);
	assert_true(authority->class->anchors(authority, &pem, &err));
	assert_non_null(strstr(buffer_text(&pem), "BEGIN CERTIFICATE"));
	assert_int_equal(https_server_count(server), 0);
	buffer_free(&pem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_password, fresh, close_it),
		cmocka_unit_test_setup_teardown(test_wrong_accounts, fresh, close_it),
		cmocka_unit_test_setup_teardown(test_wrong_info, fresh, close_it),
		cmocka_unit_test_setup_teardown(test_no_password, fresh, close_it),
		cmocka_unit_test_setup_teardown(test_browser, fresh, close_it),
		cmocka_unit_test_setup_teardown(test_anchors, fresh, close_it),
	};

	return cmocka_run_group_tests_name("cabinet_info", tests, setup, teardown);
}
