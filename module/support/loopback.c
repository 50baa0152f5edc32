#include "module/support/loopback.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define VISITORS_MAX 16
#define REQUEST_MAX  (16 << 10)
#define VISIT_MS     15000 /* for one connection to say what it wants */
#define VALUE_MAX    8192

struct visitor {
	int fd; /* -1: free */
	long since;
	struct buffer request;
};

struct loopback {
	int fd;
	char uri[64], host[32];
	struct log *log;
	struct visitor visitors[VISITORS_MAX];
	unsigned refused; /* answers that were not the one */
	bool used;
};

enum page { PAGE_DONE, PAGE_DECLINED, PAGE_WRONG, PAGE_NOT_FOUND, PAGE_BAD };

static const struct {
	const char *status, *russian, *english;
} pages[] = {
	[PAGE_DONE] = {"200 OK", "Готово. Это окно можно закрыть.",
		"Done. You may close this window."},
	[PAGE_DECLINED] = {"200 OK", "Отказ принят. Это окно можно закрыть.",
		"You declined. You may close this window."},
	[PAGE_WRONG] = {"403 Forbidden", "Этого ответа здесь не ждут.",
		"This is not the answer that is waited for."},
	[PAGE_NOT_FOUND] = {"404 Not Found", "Здесь ничего нет.", "There is nothing here."},
	[PAGE_BAD] = {"400 Bad Request", "Непонятный запрос.", "This request can't be understood."},
};

static long milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool loopback_open(struct log *log, struct loopback **out, struct error *err)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct loopback *loopback = calloc(1, sizeof(*loopback));
	socklen_t length = sizeof(address);
	bool ok = false;

	if (loopback == NULL)
		return error_set(err, ERROR_FAILED, "out of memory");
	loopback->log = log;
	for (size_t i = 0; i < VISITORS_MAX; i++)
		loopback->visitors[i] =
			(struct visitor){.fd = -1, .request = BUFFER_INIT(REQUEST_MAX)};
	loopback->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (loopback->fd < 0 ||
		bind(loopback->fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
		listen(loopback->fd, VISITORS_MAX) != 0 ||
		getsockname(loopback->fd, (struct sockaddr *)&address, &length) != 0) {
		error_set(err, ERROR_FAILED, "no port for the browser to come back to: %s",
			strerror(errno));
		goto out;
	}
	snprintf(loopback->host, sizeof(loopback->host), "127.0.0.1:%u", ntohs(address.sin_port));
	snprintf(loopback->uri, sizeof(loopback->uri), "http://%s/callback", loopback->host);
	*out = loopback;
	ok = true;
out:
	if (!ok)
		loopback_close(loopback);
	return ok;
}

static void dismiss(struct visitor *visitor)
{
	if (visitor->fd >= 0)
		close(visitor->fd);
	visitor->fd = -1;
	buffer_free(&visitor->request);
}

static void shut(struct loopback *loopback)
{
	if (loopback->fd >= 0)
		close(loopback->fd);
	loopback->fd = -1;
	for (size_t i = 0; i < VISITORS_MAX; i++)
		dismiss(&loopback->visitors[i]);
}

void loopback_close(struct loopback *loopback)
{
	if (loopback == NULL)
		return;
	shut(loopback);
	free(loopback);
}

const char *loopback_uri(const struct loopback *loopback)
{
	return loopback->uri;
}

/* Answers and says goodbye. The page is small enough for any socket's buffer. */
static void answer(struct visitor *visitor, enum page page)
{
	struct buffer body = BUFFER_INIT(2048), text = BUFFER_INIT(4096);

	buffer_printf(&body,
		"<!DOCTYPE html>\n<html lang=\"ru\"><head><meta "
		"charset=\"utf-8\"><title>Podpis</title></head>"
		"<body><p>%s</p><p lang=\"en\">%s</p></body></html>\n",
		pages[page].russian, pages[page].english);
	buffer_printf(&text,
		"HTTP/1.1 %s\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %zu\r\n"
		"Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\n"
		"Content-Security-Policy: default-src 'none'\r\nConnection: close\r\n\r\n%s",
		pages[page].status, body.length, buffer_text(&body));
	/* Nothing can be done for a browser that does not listen. */
	if (send(visitor->fd, text.data, text.length, MSG_NOSIGNAL) >= 0)
		shutdown(visitor->fd, SHUT_WR);
	buffer_free(&body);
	buffer_free(&text);
	dismiss(visitor);
}

static int hex(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c != '\0' ? strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c) : NULL;

	return at != NULL ? (int)(at - digits) : -1;
}

/* The value of `name` in the query: 1 found, 0 not there, -1 there twice or not decodable. */
static int query_value(const char *query, size_t length, const char *name, struct buffer *out)
{
	const char *end = query + length, *next;
	size_t name_length = strlen(name);
	int found = 0;

	for (; query < end; query = next + 1) {
		next = memchr(query, '&', (size_t)(end - query));
		if (next == NULL)
			next = end;
		if ((size_t)(next - query) <= name_length ||
			memcmp(query, name, name_length) != 0 || query[name_length] != '=')
			continue;
		if (found++ > 0)
			return -1;
		for (const char *at = query + name_length + 1; at < next; at++) {
			char byte = *at == '+' ? ' ' : *at;

			if (*at == '%') {
				if (next - at < 3 || hex(at[1]) < 0 || hex(at[2]) < 0)
					return -1;
				byte = (char)(hex(at[1]) << 4 | hex(at[2]));
				at += 2;
			}
			if (byte == '\0' || !buffer_append(out, &byte, 1))
				return -1;
		}
	}
	return found;
}

static bool same(const char *a, const char *b)
{
	size_t length = strlen(b);
	unsigned char differs = 0;

	if (strlen(a) != length)
		return false;
	for (size_t i = 0; i < length; i++)
		differs |= (unsigned char)(a[i] ^ b[i]);
	return differs == 0;
}

/* Is there exactly one Host, and is it ours? A page that was rebound to this address has another one. */
static bool host_is_ours(const struct loopback *loopback, const char *header)
{
	unsigned hosts = 0, ours = 0;
	size_t length;

	for (const char *line = strstr(header, "\r\n"); line != NULL; line = strstr(line, "\r\n")) {
		line += 2;
		if (strncasecmp(line, "Host:", 5) != 0)
			continue;
		hosts++;
		line += 5 + strspn(line + 5, " \t");
		length = strcspn(line, " \t\r\n");
		if (length == strlen(loopback->host) && strncmp(line, loopback->host, length) == 0)
			ours++;
	}
	return hosts == 1 && ours == 1;
}

/* What one visitor wants. True: it was the answer, and code or err are filled (`*good` says which). */
static bool judge(struct loopback *loopback, struct visitor *visitor, const char *expected,
	struct buffer *code_out, bool *good, struct error *err)
{
	static const char start[] = "GET /callback?";
	struct buffer state = BUFFER_INIT(VALUE_MAX), code = BUFFER_INIT(VALUE_MAX),
		      error = BUFFER_INIT(VALUE_MAX), description = BUFFER_INIT(VALUE_MAX);
	const char *request = buffer_text(&visitor->request), *query, *end;
	int has_state, has_code, has_error;
	enum page page = PAGE_WRONG;
	bool taken = false;
	size_t length;

	end = strpbrk(request, "\r\n");
	query = request + strlen(start);
	if (strncmp(request, start, strlen(start)) != 0) {
		page = strncmp(request, "GET /", 5) == 0 ? PAGE_NOT_FOUND : PAGE_BAD;
		goto out;
	}
	length = strcspn(query, " \r\n");
	if (end == NULL || strncmp(query + length, " HTTP/1.", 8) != 0) {
		page = PAGE_BAD;
		goto out;
	}
	has_state = query_value(query, length, "state", &state);
	has_code = query_value(query, length, "code", &code);
	has_error = query_value(query, length, "error", &error);
	query_value(query, length, "error_description", &description);
	if (!host_is_ours(loopback, request) || has_state != 1 ||
		!same(buffer_text(&state), expected) || has_code < 0 || has_error < 0 ||
		has_code + has_error != 1 || (has_code == 1 && code.length == 0)) {
		loopback->refused++;
		log_warning(loopback->log,
			"the browser brought an answer that nobody waits for: refused");
		goto out;
	}
	taken = true;
	if (has_code == 1) {
		page = PAGE_DONE;
		*good = buffer_append(code_out, code.data, code.length);
		if (!*good)
			error_set(err, ERROR_FAILED, "the code that came back is too long");
	} else {
		page = PAGE_DECLINED;
		*good = false;
		for (size_t i = 0; i < error.length; i++)
			error.data[i] =
				error.data[i] < 0x20 || error.data[i] >= 0x7f ? '?' : error.data[i];
		for (size_t i = 0; i < description.length; i++)
			description.data[i] =
				description.data[i] < 0x20 ? ' ' : description.data[i];
		if (strcmp(buffer_text(&error), "access_denied") == 0)
			error_set(err, ERROR_PERSON, "it was declined in the browser%s%.300s",
				description.length > 0 ? ": " : "", buffer_text(&description));
		else
			error_set(err, ERROR_REFUSED,
				"the browser came back with an error: %.60s%s%.300s",
				buffer_text(&error), description.length > 0 ? ": " : "",
				buffer_text(&description));
	}
out:
	answer(visitor, page);
	buffer_free(&state);
	buffer_free(&code);
	buffer_free(&error);
	buffer_free(&description);
	return taken;
}

static void admit(struct loopback *loopback)
{
	struct visitor *place = &loopback->visitors[0];
	int fd = accept4(loopback->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	/* A free place, else the one who has been silent longest. */
	for (size_t i = 0; i < VISITORS_MAX; i++) {
		struct visitor *visitor = &loopback->visitors[i];

		if (visitor->fd < 0) {
			place = visitor;
			break;
		}
		if (visitor->since < place->since)
			place = visitor;
	}
	dismiss(place);
	place->fd = fd;
	place->since = milliseconds();
}

/* True when a whole request header is there. */
static bool listen_to(struct visitor *visitor)
{
	char block[4096];
	ssize_t got = recv(visitor->fd, block, sizeof(block), 0);
	bool whole = false;

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (got <= 0 || memchr(block, '\0', (size_t)got) != NULL) {
		dismiss(visitor);
	} else if (!buffer_append(&visitor->request, block, (size_t)got)) {
		answer(visitor, PAGE_BAD);
	} else {
		whole = strstr(buffer_text(&visitor->request), "\r\n\r\n") != NULL;
	}
	explicit_bzero(block, sizeof(block));
	return whole;
}

bool loopback_wait(struct loopback *loopback, const char *state, unsigned seconds,
	const struct interrupt *interrupt, struct buffer *code, struct error *err)
{
	long deadline = milliseconds() + 1000L * seconds, now, wait;
	long most = interrupt != NULL && interrupt->asked != NULL ? INTERRUPT_MS : 60000;
	struct pollfd fds[VISITORS_MAX + 1];
	bool good = false;

	if (loopback->used)
		return error_set(err, ERROR_FAILED, "the browser's answer was taken already");
	for (;;) {
		now = milliseconds();
		if (now >= deadline)
			break;
		if (interrupt_asked(interrupt))
			return error_set(
				err, ERROR_UNREACHABLE, "the wait for the browser was ended");
		wait = deadline - now;
		fds[VISITORS_MAX] = (struct pollfd){.fd = loopback->fd, .events = POLLIN};
		for (size_t i = 0; i < VISITORS_MAX; i++) {
			struct visitor *visitor = &loopback->visitors[i];

			if (visitor->fd >= 0 && now - visitor->since >= VISIT_MS)
				dismiss(visitor);
			if (visitor->fd >= 0 && visitor->since + VISIT_MS - now < wait)
				wait = visitor->since + VISIT_MS - now;
			fds[i] = (struct pollfd){.fd = visitor->fd, .events = POLLIN};
		}
		if (poll(fds, VISITORS_MAX + 1, (int)(wait < most ? wait : most)) < 0 &&
			errno != EINTR)
			return error_set(err, ERROR_FAILED, "poll: %s", strerror(errno));
		for (size_t i = 0; i < VISITORS_MAX; i++) {
			if (fds[i].fd < 0 || fds[i].revents == 0 ||
				!listen_to(&loopback->visitors[i]))
				continue;
			if (judge(loopback, &loopback->visitors[i], state, code, &good, err)) {
				loopback->used = true;
				shut(loopback);
				return good;
			}
		}
		if ((fds[VISITORS_MAX].revents & POLLIN) != 0)
			admit(loopback);
	}
	return error_set(err, ERROR_PERSON, "nobody came back from the browser within %u seconds%s",
		seconds,
		loopback->refused > 0 ? " (answers that nobody waited for were refused)" : "");
}
