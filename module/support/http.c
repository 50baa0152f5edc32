#include "module/support/http.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <curl/curl.h>

#include "module/support/peer.h"

#define HEADER_MAX (64 << 10)
#define PAUSE_MS   250 /* before the first repetition; doubles with each */
#define PAUSE_MAX  5000

struct http {
	CURL *curl;
	char *base;
	char *ca_file;
	bool plain;          /* http addresses, too */
	char peer_name[288]; /* scheme, host, port */
	char host[256];
	unsigned connect_seconds, total_seconds;
	struct log *log;
	struct interrupt interrupt;
	struct peer peer;
	char problem[CURL_ERROR_SIZE];
};

/* One try, while curl calls back. */
struct exchange {
	const uint8_t *all, *to_send; /* the request's body, and what is left of it */
	size_t length, left;
	struct buffer *body;
	size_t header_length;
	bool too_large;
	bool framed; /* the answer says how long it is */
};

static long milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/*
 * OpenSSL writes to its socket with write(2), which raises SIGPIPE when the peer is gone. curl would ignore
 * the signal in the whole process for a while, behind the back of other threads; this holds it on this
 * thread and swallows the one that was raised here.
 */
static bool pipe_signal_hold(sigset_t *before)
{
	sigset_t pipe, pending;

	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	sigpending(&pending);
	return pthread_sigmask(SIG_BLOCK, &pipe, before) == 0 && !sigismember(&pending, SIGPIPE);
}

static void pipe_signal_release(const sigset_t *before, bool ours)
{
	const struct timespec now = {0};
	sigset_t pipe;
	int saved = errno;

	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	while (ours && sigtimedwait(&pipe, NULL, &now) < 0 && errno == EINTR)
		;
	pthread_sigmask(SIG_SETMASK, before, NULL);
	errno = saved;
}

static CURLcode on_tls(CURL *curl, void *context, void *user)
{
	struct http *http = user;

	(void)curl;
	peer_watch(context, &http->peer);
	return CURLE_OK;
}

/* A program that is started meanwhile (a browser) inherits no connection. */
static int on_socket(void *user, curl_socket_t fd, curlsocktype purpose)
{
	(void)user;
	(void)purpose;
	return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 ? CURL_SOCKOPT_OK : CURL_SOCKOPT_ERROR;
}

/*
 * curl sends a request again, by itself, when a kept connection ends before an answer: it can't know whether the
 * server has acted on it. A body that comes from a function, and can't be rewound, is sent once and no more; curl
 * fails then.
 */
static size_t on_send(char *data, size_t size, size_t count, void *user)
{
	struct exchange *exchange = user;
	size_t length = exchange->left < size * count ? exchange->left : size * count;

	memcpy(data, exchange->to_send, length);
	exchange->to_send += length;
	exchange->left -= length;
	return length;
}

/* Only for a login with a name: the server may want the request again, with the name in another shape. */
static int on_seek(void *user, curl_off_t offset, int origin)
{
	struct exchange *exchange = user;

	if (origin != SEEK_SET || offset != 0)
		return CURL_SEEKFUNC_FAIL;
	exchange->to_send = exchange->all;
	exchange->left = exchange->length;
	return CURL_SEEKFUNC_OK;
}

static int on_progress(
	void *user, curl_off_t down_all, curl_off_t down, curl_off_t up_all, curl_off_t up)
{
	const struct http *http = user;

	(void)down_all;
	(void)down;
	(void)up_all;
	(void)up;
	return interrupt_asked(&http->interrupt) ? 1 : 0;
}

static size_t on_body(char *data, size_t size, size_t count, void *user)
{
	struct exchange *exchange = user;

	if (buffer_append(exchange->body, data, size * count))
		return size * count;
	exchange->too_large = true;
	return 0;
}

static bool begins(const char *data, size_t length, const char *start)
{
	return length >= strlen(start) && strncasecmp(data, start, strlen(start)) == 0;
}

static size_t on_header(char *data, size_t size, size_t count, void *user)
{
	struct exchange *exchange = user;
	size_t length = size * count;

	/* An interim answer, or a proxy's, goes before the answer. */
	if (begins(data, length, "HTTP/"))
		exchange->framed = begins(data, length, "HTTP/2");
	else if (begins(data, length, "Content-Length:") ||
		 begins(data, length, "Transfer-Encoding:"))
		exchange->framed = true;
	exchange->header_length += length;
	if (exchange->header_length <= HEADER_MAX)
		return length;
	exchange->too_large = true;
	return 0;
}

static bool parse_base(struct http *http, const char *base, struct error *err)
{
	char *host = NULL, *port = NULL;
	CURLU *url = curl_url();
	bool ok = false;

	if (url == NULL || !http_address_allowed(base, http->plain) ||
		strpbrk(base, "?#") != NULL ||
		curl_url_set(url, CURLUPART_URL, base, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK ||
		curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
		curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK ||
		strlen(host) >= sizeof(http->host)) {
		error_set(err, ERROR_USAGE, "not an https address: %.200s", base);
		goto out;
	}
	snprintf(http->host, sizeof(http->host), "%s", host);
	snprintf(http->peer_name, sizeof(http->peer_name), "%s://%s:%s",
		http_scheme_length(base, false) > 0 ? "https" : "http", host, port);
	http->base = strdup(base);
	if (http->base == NULL) {
		error_set(err, ERROR_FAILED, "out of memory");
		goto out;
	}
	for (size_t length = strlen(http->base); length > 8 && http->base[length - 1] == '/';
		length--)
		http->base[length - 1] = '\0';
	ok = true;
out:
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(url);
	return ok;
}

bool http_new(const struct http_settings *settings, struct http **out, struct error *err)
{
	struct http *http = calloc(1, sizeof(*http));
	bool ok = false;

	if (http == NULL)
		return error_set(err, ERROR_FAILED, "out of memory");
	http->connect_seconds = settings->connect_seconds > 0 ? settings->connect_seconds : 10;
	http->total_seconds = settings->total_seconds > 0 ? settings->total_seconds : 60;
	http->log = settings->log;
	http->interrupt = settings->interrupt;
	http->plain = settings->plain;
	if (!parse_base(http, settings->base, err))
		goto out;
	if (settings->ca_file != NULL) {
		if (access(settings->ca_file, R_OK) != 0) {
			error_set(err, ERROR_WORKPLACE, "the CA file %s can't be read: %s",
				settings->ca_file, strerror(errno));
			goto out;
		}
		http->ca_file = strdup(settings->ca_file);
	}
	http->curl = curl_easy_init();
	if (http->curl == NULL || (settings->ca_file != NULL && http->ca_file == NULL)) {
		error_set(err, ERROR_FAILED, "out of memory");
		goto out;
	}
	*out = http;
	ok = true;
out:
	if (!ok)
		http_free(http);
	return ok;
}

void http_free(struct http *http)
{
	sigset_t before;
	bool ours;

	if (http == NULL)
		return;
	/* Closing says goodbye over TLS, perhaps to nobody. */
	ours = pipe_signal_hold(&before);
	curl_easy_cleanup(http->curl);
	pipe_signal_release(&before, ours);
	free(http->base);
	free(http->ca_file);
	free(http);
}

const char *http_peer_name(const struct http *http)
{
	return http->peer_name;
}

void http_response_clear(struct http_response *response)
{
	buffer_free(&response->body);
	memset(response, 0, sizeof(*response));
}

static bool add_header(struct curl_slist **list, const char *name, const char *value)
{
	struct buffer line = BUFFER_INIT(64 << 10);
	struct curl_slist *longer = NULL;

	/* A line break in a value would be a header of somebody else's making. */
	if (strpbrk(value, "\r\n") == NULL && buffer_printf(&line, "%s%s", name, value))
		longer = curl_slist_append(*list, buffer_text(&line));
	buffer_free(&line);
	if (longer == NULL)
		return false;
	*list = longer;
	return true;
}

static void free_headers(struct curl_slist *list)
{
	for (struct curl_slist *entry = list; entry != NULL; entry = entry->next)
		explicit_bzero(entry->data, strlen(entry->data));
	curl_slist_free_all(list);
}

static bool make_headers(const struct http_request *request, struct curl_slist **out)
{
	struct curl_slist *list = NULL;
	bool ok = add_header(&list, "Expect:", "");

	ok = ok && add_header(&list, "Accept: ", request->accept != NULL ? request->accept : "*/*");
	if (request->content_type != NULL)
		ok = ok && add_header(&list, "Content-Type: ", request->content_type);
	if (request->idempotency_key != NULL)
		ok = ok && add_header(&list, "Idempotency-Key: ", request->idempotency_key);
	if (request->bearer != NULL)
		ok = ok && add_header(&list, "Authorization: Bearer ",
				   (const char *)request->bearer->data);
	if (!ok) {
		free_headers(list);
		return false;
	}
	*out = list;
	return true;
}

/* What curl's number means to a person; %s is replaced by the peer's name. */
static const struct {
	CURLcode code;
	enum error_code meaning;
	const char *text;
} failures[] = {
	{CURLE_COULDNT_RESOLVE_HOST, ERROR_UNREACHABLE, "its name is not known"},
	{CURLE_COULDNT_RESOLVE_PROXY, ERROR_UNREACHABLE, "the proxy's name is not known"},
	{CURLE_PROXY, ERROR_UNREACHABLE, "the proxy does not let through"},
	{CURLE_PARTIAL_FILE, ERROR_UNREACHABLE, "the answer was cut short"},
	{CURLE_GOT_NOTHING, ERROR_UNREACHABLE, "the connection was closed without an answer"},
	{CURLE_SEND_FAIL_REWIND, ERROR_UNREACHABLE, "the connection was closed without an answer"},
	{CURLE_ABORTED_BY_CALLBACK, ERROR_UNREACHABLE, "the request was cancelled"},
	{CURLE_SEND_ERROR, ERROR_UNREACHABLE, "the connection broke while sending"},
	{CURLE_RECV_ERROR, ERROR_UNREACHABLE, "the connection broke before the answer was whole"},
	{CURLE_HTTP2, ERROR_UNREACHABLE, "the connection broke"},
	{CURLE_HTTP2_STREAM, ERROR_UNREACHABLE, "the connection broke"},
	{CURLE_WEIRD_SERVER_REPLY, ERROR_UNREACHABLE, "what answers does not speak HTTP"},
	{CURLE_UNSUPPORTED_PROTOCOL, ERROR_UNREACHABLE, "what answers does not speak HTTPS"},
	{CURLE_SSL_CONNECT_ERROR, ERROR_UNREACHABLE, "no TLS connection came about"},
	{CURLE_SSL_CACERT_BADFILE, ERROR_WORKPLACE, "the CA file holds no certificates"},
	{CURLE_URL_MALFORMAT, ERROR_USAGE, "not an address"},
	{CURLE_OUT_OF_MEMORY, ERROR_FAILED, "out of memory"},
};

static bool explain(const struct http *http, CURLcode code, const struct exchange *exchange,
	bool connected, size_t limit, struct error *err)
{
	struct buffer text = BUFFER_INIT(ERROR_MESSAGE_MAX);
	enum error_code meaning = ERROR_UNREACHABLE;
	long number = 0;

	curl_easy_getinfo(http->curl, CURLINFO_OS_ERRNO, &number);
	if (exchange->too_large && exchange->header_length > HEADER_MAX) {
		buffer_append_text(&text, "the answer's header is too long");
	} else if (exchange->too_large) {
		buffer_printf(&text, "the answer is larger than %zu bytes", limit);
	} else if (code == CURLE_PEER_FAILED_VERIFICATION) {
		peer_explain(&http->peer, http->host, &text);
		buffer_printf(&text, "; trusted is %s",
			http->ca_file != NULL ? http->ca_file : "what the system trusts");
	} else if (code == CURLE_COULDNT_CONNECT) {
		buffer_printf(&text, "no connection: %s",
			number != 0 ? strerror((int)number) : http->problem);
	} else if (code == CURLE_OPERATION_TIMEDOUT) {
		buffer_printf(&text,
			connected ? "no whole answer within %u seconds"
				  : "no connection within %u seconds",
			connected ? http->total_seconds : http->connect_seconds);
	} else {
		const char *known = NULL;

		for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
			if (failures[i].code == code) {
				known = failures[i].text;
				meaning = failures[i].meaning;
			}
		}
		buffer_printf(&text, "%s (%s)", known != NULL ? known : "the request failed",
			http->problem[0] != '\0' ? http->problem : curl_easy_strerror(code));
	}
	error_set(err, meaning, "%s: %s", http->peer_name, buffer_text(&text));
	buffer_free(&text);
	return false;
}

static void read_media_type(CURL *curl, char *out, size_t size)
{
	const char *value = NULL;
	size_t length;

	out[0] = '\0';
	if (curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &value) != CURLE_OK || value == NULL)
		return;
	length = strcspn(value, "; \t");
	if (length >= size)
		return;
	for (size_t i = 0; i < length; i++) {
		if (value[i] <= ' ' || value[i] >= 0x7f)
			length = 0;
		else
			out[i] = (char)tolower((unsigned char)value[i]);
	}
	out[length] = '\0';
}

static void set_options(struct http *http, const struct http_request *request, const char *url,
	struct curl_slist *headers, struct exchange *exchange)
{
	CURL *curl = http->curl;

	/* Forgets the last request's options, keeps its connections. */
	curl_easy_reset(curl);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, http->plain ? "http,https" : "https");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
	if (http->ca_file != NULL) {
		curl_easy_setopt(curl, CURLOPT_CAINFO, http->ca_file);
		curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
	}
	curl_easy_setopt(curl, CURLOPT_SSL_CTX_FUNCTION, on_tls);
	curl_easy_setopt(curl, CURLOPT_SSL_CTX_DATA, http);
	curl_easy_setopt(curl, CURLOPT_SOCKOPTFUNCTION, on_socket);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)http->connect_seconds);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)http->total_seconds);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "podpis/" PODPIS_VERSION);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, http->problem);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, exchange);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, exchange);
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	if (http->interrupt.asked != NULL) {
		curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
		curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
		curl_easy_setopt(curl, CURLOPT_XFERINFODATA, http);
	}
	if (request->user != NULL) {
		curl_easy_setopt(curl, CURLOPT_HTTPAUTH,
			(long)(request->digest ? CURLAUTH_DIGEST : CURLAUTH_BASIC));
		curl_easy_setopt(curl, CURLOPT_USERNAME, request->user);
		curl_easy_setopt(curl, CURLOPT_PASSWORD, (const char *)request->password->data);
		curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, on_seek);
		curl_easy_setopt(curl, CURLOPT_SEEKDATA, exchange);
	}
	if (request->body != NULL || strcmp(request->method, "GET") != 0) {
		exchange->all = request->body != NULL ? request->body : (const uint8_t *)"";
		exchange->length = request->body != NULL ? request->length : 0;
		exchange->to_send = exchange->all;
		exchange->left = exchange->length;
		curl_easy_setopt(curl, CURLOPT_POST, 1L);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)exchange->left);
		curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_send);
		curl_easy_setopt(curl, CURLOPT_READDATA, exchange);
	}
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
}

static void read_date(CURL *curl, time_t *date)
{
	struct curl_header *header;

	*date = 0;
	if (curl_easy_header(curl, "Date", 0, CURLH_HEADER, -1, &header) == CURLHE_OK)
		*date = curl_getdate(header->value, NULL);
	if (*date < 0)
		*date = 0;
}

static bool send_once(struct http *http, const struct http_request *request, const char *url,
	struct http_response *response, struct error *err)
{
	struct exchange exchange = {.body = &response->body};
	struct curl_slist *headers = NULL;
	curl_off_t retry_after = 0, connected = 0;
	long sent = 0, start = milliseconds();
	sigset_t before;
	CURLcode code;
	bool ours;

	response->sent = false;
	response->retry_after = -1;
	buffer_reset(&response->body);
	if (!make_headers(request, &headers))
		return error_set(err, ERROR_FAILED, "a header of the request can't be made");
	set_options(http, request, url, headers, &exchange);
	http->problem[0] = '\0';
	ours = pipe_signal_hold(&before);
	code = curl_easy_perform(http->curl);
	pipe_signal_release(&before, ours);
	free_headers(headers);

	curl_easy_getinfo(http->curl, CURLINFO_REQUEST_SIZE, &sent);
	curl_easy_getinfo(http->curl, CURLINFO_PRETRANSFER_TIME_T, &connected);
	response->sent = sent > 0 && connected > 0;
	if (code != CURLE_OK) {
		explain(http, code, &exchange, connected > 0, response->body.limit, err);
		log_debug(http->log, "%s %s: curl %d, %ld ms", request->method, url, (int)code,
			milliseconds() - start);
		return false;
	}
	/* Anybody on the way can end a connection: an answer that ends with it may be any part of the whole. */
	if (!exchange.framed && response->body.length > 0)
		return error_set(err, ERROR_UNREACHABLE,
			"%s: the answer does not say where it ends", http->peer_name);
	curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &response->status);
	if (curl_easy_getinfo(http->curl, CURLINFO_RETRY_AFTER, &retry_after) == CURLE_OK &&
		retry_after > 0)
		response->retry_after = retry_after < 86400 ? (long)retry_after : 86400;
	read_date(http->curl, &response->date);
	read_media_type(http->curl, response->media_type, sizeof(response->media_type));
	log_debug(http->log, "%s %s: %ld, %zu bytes, %ld ms", request->method, url,
		response->status, response->body.length, milliseconds() - start);
	return true;
}

static bool worth_repeating(
	const struct http_response *response, bool answered, const struct error *err)
{
	static const long busy[] = {429, 502, 503, 504};

	if (!answered)
		return err->code == ERROR_UNREACHABLE;
	for (size_t i = 0; i < sizeof(busy) / sizeof(busy[0]); i++)
		if (response->status == busy[i])
			return true;
	return false;
}

/* False: somebody ended it. */
static bool pause_before_next(const struct http *http, long wait)
{
	for (; wait > 0 && !interrupt_asked(&http->interrupt); wait -= INTERRUPT_MS)
		nanosleep(
			&(struct timespec){
				.tv_nsec = (wait < INTERRUPT_MS ? wait : INTERRUPT_MS) * 1000000},
			NULL);
	return !interrupt_asked(&http->interrupt);
}

bool http_send(struct http *http, const struct http_request *request, struct http_response *out,
	struct error *err)
{
	struct http_response response = {
		.body = BUFFER_INIT(request->limit > 0 ? request->limit : HTTP_BODY_MAX)};
	long deadline = milliseconds() + 1000L * (request->patience > 0 ? request->patience : 20);
	struct buffer url = BUFFER_INIT(8192);
	struct error problem = {0};
	long pause = PAUSE_MS, wait;
	bool ok = false, sent = false;

	if (!buffer_printf(
		    &url, "%s%s", request->path[0] == '/' ? http->base : "", request->path) ||
		http_scheme_length(buffer_text(&url), http->plain) == 0) {
		error_set(&problem, ERROR_USAGE, "not an https address: %.200s", request->path);
		goto out;
	}
	for (unsigned tries = 1;; tries++) {
		ok = send_once(http, request, buffer_text(&url), &response, &problem);
		sent = sent || response.sent;
		if (tries >= request->tries || !worth_repeating(&response, ok, &problem))
			break;
		wait = response.retry_after * 1000 > pause ? response.retry_after * 1000 : pause;
		if (milliseconds() + wait > deadline || !pause_before_next(http, wait))
			break;
		pause = pause * 2 < PAUSE_MAX ? pause * 2 : PAUSE_MAX;
	}
out:
	buffer_free(&url);
	if (!ok) {
		http_response_clear(&response);
		error_set(err, problem.code, "%s", problem.message);
	}
	response.sent = sent;
	*out = response;
	return ok;
}

bool http_response_json(const struct http *http, const struct http_response *response, json_t **out,
	struct error *err)
{
	json_error_t problem;
	json_t *json;

	if (strcmp(response->media_type, "application/json") != 0 &&
		strcmp(response->media_type, "application/problem+json") != 0)
		return error_set(err, ERROR_UNREACHABLE,
			"%s: the answer (HTTP %ld) is %s, not JSON", http->peer_name,
			response->status,
			response->media_type[0] != '\0' ? response->media_type
							: "of no known type");
	json = json_loadb(buffer_text(&response->body), response->body.length,
		JSON_REJECT_DUPLICATES, &problem);
	if (json == NULL)
		return error_set(err, ERROR_UNREACHABLE,
			"%s: the answer (HTTP %ld) is not JSON: wrong at byte %d", http->peer_name,
			response->status, problem.position);
	*out = json;
	return true;
}
