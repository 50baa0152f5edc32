#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "module/support/loopback.h"

static const char state_text[] = "the-state";

/* What browsers and strangers say, one after the other, while the test waits at the port. */
struct visits {
	const struct loopback *at;
	const char *const *requests; /* whole, or with %s for the Host; NULL ends */
	char answers[16][16];        /* the status of each */
};

static int connect_to(const struct loopback *loopback)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	unsigned port = 0;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	sscanf(loopback_uri(loopback), "http://127.0.0.1:%u/callback", &port);
	address.sin_port = htons((uint16_t)port);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		abort();
	return fd;
}

static void *visit(void *context)
{
	struct visits *visits = context;

	for (size_t i = 0; visits->requests[i] != NULL; i++) {
		int fd = connect_to(visits->at);
		const char *request = visits->requests[i], *mark = strstr(request, "%HOST%");
		char text[40000], answer[4096] = "", host[64] = "";
		size_t length = 0;
		ssize_t got;

		sscanf(loopback_uri(visits->at), "http://%63[^/]", host);
		if (mark != NULL)
			snprintf(text, sizeof(text), "%.*s%s%s", (int)(mark - request), request,
				host, mark + 6);
		else
			snprintf(text, sizeof(text), "%s", request);
		send(fd, text, strlen(text), MSG_NOSIGNAL);
		while (length < sizeof(answer) - 1 &&
			(got = recv(fd, answer + length, sizeof(answer) - 1 - length, 0)) > 0)
			length += (size_t)got;
		close(fd);
		if (sscanf(answer, "HTTP/1.1 %3s", visits->answers[i]) != 1)
			strcpy(visits->answers[i], "-");
	}
	return NULL;
}

#define REQUEST(query) "GET /callback?" query " HTTP/1.1\r\nHost: %HOST%\r\n\r\n"

static bool wait_for(struct visits *visits, const char *const *requests, struct loopback **out,
	struct buffer *code, struct error *err)
{
	struct loopback *loopback = NULL;
	pthread_t thread;
	bool done;

	if (!loopback_open(NULL, &loopback, err))
		return false;
	*visits = (struct visits){.at = loopback, .requests = requests};
	pthread_create(&thread, NULL, visit, visits);
	done = loopback_wait(loopback, state_text, 20, NULL, code, err);
	pthread_join(thread, NULL);
	*out = loopback;
	return done;
}

static void test_answer(void **state)
{
	static const char *const requests[] = {REQUEST("code=the%2Dcode+1&state=the-state"), NULL};
	struct buffer code = BUFFER_INIT(100);
	struct loopback *loopback = NULL;
	struct visits visits;
	struct error err = {0};

	(void)state;
	if (!wait_for(&visits, requests, &loopback, &code, &err))
		fail_msg("%s", err.message);
	assert_string_equal(buffer_text(&code), "the-code 1");
	assert_string_equal(visits.answers[0], "200");
	/* Once, and only once. */
	assert_false(loopback_wait(loopback, state_text, 1, NULL, &code, &err));
	loopback_close(loopback);
	buffer_free(&code);
}

/* None of these is the answer, none of these is in its way. */
static void test_strangers(void **state)
{
	static const struct {
		const char *request, *status;
	} samples[] = {
		{REQUEST("code=c&state=guessed"), "403"},
		{REQUEST("code=c"), "403"},
		{REQUEST("code=c&state="), "403"},
		{REQUEST("code=c&state=the-state&state=the-state"), "403"},
		{REQUEST("code=c&code=d&state=the-state"), "403"},
		{REQUEST("code=c&error=e&state=the-state"), "403"},
		{REQUEST("code=&state=the-state"), "403"},
		{REQUEST("state=the-state"), "403"},
		{REQUEST("code=%zz&state=the-state"), "403"},
		{REQUEST("code=%00&state=the-state"), "403"},
		{"GET /callback?code=c&state=the-state HTTP/1.1\r\nHost: evil.example\r\n\r\n",
			"403"},
		{"GET /callback?code=c&state=the-state HTTP/1.1\r\n\r\n", "403"},
		{"GET /favicon.ico HTTP/1.1\r\nHost: %HOST%\r\n\r\n", "404"},
		{"POST /callback?code=c&state=the-state HTTP/1.1\r\nHost: %HOST%\r\n\r\n", "400"},
		{"GET /callback?code=c&state=the-state\r\n\r\n", "400"},
		{"\x16\x03\x01\r\n\r\n", "400"},
	};
	const char *requests[18] = {NULL};
	size_t count = sizeof(samples) / sizeof(samples[0]);
	struct buffer code = BUFFER_INIT(100);
	struct loopback *loopback = NULL;
	struct visits visits;
	struct error err = {0};

	(void)state;
	/* In two halves, each ended by the right one. */
	for (size_t half = 0; half < 2; half++) {
		for (size_t i = 0; i < count / 2; i++)
			requests[i] = samples[half * count / 2 + i].request;
		requests[count / 2] = REQUEST("state=the-state&code=right");
		requests[count / 2 + 1] = NULL;
		buffer_reset(&code);
		if (!wait_for(&visits, requests, &loopback, &code, &err))
			fail_msg("%s", err.message);
		assert_string_equal(buffer_text(&code), "right");
		for (size_t i = 0; i < count / 2; i++)
			if (strcmp(visits.answers[i], samples[half * count / 2 + i].status) != 0)
				fail_msg("%s: %s", requests[i], visits.answers[i]);
		loopback_close(loopback);
	}
	buffer_free(&code);
}

static void test_too_much(void **state)
{
	static char large[20000];
	const char *const requests[] = {large, REQUEST("code=right&state=the-state"), NULL};
	struct buffer code = BUFFER_INIT(100);
	struct loopback *loopback = NULL;
	struct visits visits;
	struct error err = {0};

	(void)state;
	memset(large, 'a', sizeof(large) - 1);
	memcpy(large, "GET /callback?code=", 19);
	if (!wait_for(&visits, requests, &loopback, &code, &err))
		fail_msg("%s", err.message);
	assert_string_equal(buffer_text(&code), "right");
	assert_string_not_equal(visits.answers[0], "200");
	loopback_close(loopback);
	buffer_free(&code);
}

/* Connections that say nothing, more than there is room for, keep nobody out. */
static void test_silent_visitors(void **state)
{
	static const char *const requests[] = {REQUEST("code=right&state=the-state"), NULL};
	struct buffer code = BUFFER_INIT(100);
	struct loopback *loopback = NULL;
	struct visits visits;
	struct error err = {0};
	pthread_t thread;
	int silent[15];

	(void)state;
	assert_true(loopback_open(NULL, &loopback, &err));
	for (size_t i = 0; i < 15; i++) {
		silent[i] = connect_to(loopback);
		assert_int_equal(send(silent[i], "GET ", 4, MSG_NOSIGNAL), 4);
	}
	visits = (struct visits){.at = loopback, .requests = requests};
	pthread_create(&thread, NULL, visit, &visits);
	assert_true(loopback_wait(loopback, state_text, 20, NULL, &code, &err));
	pthread_join(thread, NULL);
	assert_string_equal(buffer_text(&code), "right");
	for (size_t i = 0; i < 15; i++)
		close(silent[i]);
	loopback_close(loopback);
	buffer_free(&code);
}

static void test_errors(void **state)
{
	static const struct {
		const char *request;
		enum error_code code;
	} samples[] = {
		{REQUEST("error=access_denied&state=the-state"), ERROR_PERSON},
		{REQUEST("error=server_error&error_description=a%1b%5b2J%c2%9bb%0ac&state=the-"
			 "state"),
			ERROR_REFUSED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		const char *const requests[] = {samples[i].request, NULL};
		struct buffer code = BUFFER_INIT(100);
		struct loopback *loopback = NULL;
		struct visits visits;
		struct error err = {0};

		assert_false(wait_for(&visits, requests, &loopback, &code, &err));
		assert_int_equal(err.code, samples[i].code);
		assert_int_equal(code.length, 0);
		assert_string_equal(visits.answers[0], "200");
		assert_null(strchr(err.message, 0x1b));
		assert_null(strchr(err.message, '\n'));
		assert_null(strstr(err.message, "\xc2\x9b"));
		loopback_close(loopback);
		buffer_free(&code);
	}
}

static void test_nobody(void **state)
{
	struct buffer code = BUFFER_INIT(100);
	struct loopback *loopback = NULL;
	struct error err = {0};

	(void)state;
	assert_true(loopback_open(NULL, &loopback, &err));
	assert_false(loopback_wait(loopback, state_text, 0, NULL, &code, &err));
	assert_int_equal(err.code, ERROR_PERSON);
	loopback_close(loopback);
	loopback_close(NULL);
}

static bool at_once(const void *asked)
{
	++*(unsigned *)(uintptr_t)asked;
	return true;
}

/* A wait that somebody ends before anybody came. */
static void test_interrupted(void **state)
{
	struct buffer code = BUFFER_INIT(100);
	struct loopback *loopback = NULL;
	unsigned asked = 0;
	const struct interrupt interrupt = {at_once, &asked};
	struct error err = {0};

	(void)state;
	assert_true(loopback_open(NULL, &loopback, &err));
	assert_false(loopback_wait(loopback, state_text, 600, &interrupt, &code, &err));
	assert_int_equal(err.code, ERROR_UNREACHABLE);
	assert_int_equal(asked, 1);
	loopback_close(loopback);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_strangers),
		cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_silent_visitors),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_interrupted),
	};

	return cmocka_run_group_tests_name("loopback", tests, NULL, NULL);
}
