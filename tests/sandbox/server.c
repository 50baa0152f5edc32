#include "tests/sandbox/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/sandbox/ca.h"
#include "tests/sandbox/counts.h"
#include "tests/sandbox/faults.h"
#include "tests/sandbox/http.h"
#include "tests/sandbox/options.h"
#include "tests/sandbox/route.h"
#include "tests/sandbox/store.h"

#define CONNECTIONS_MAX 128
#define TIMEOUT_SECONDS 60
#define TLS_PRIORITIES  "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"
#define LISTENERS       2

struct listener {
	struct server *server;
	struct MHD_Daemon *daemon;
	int socket;
	bool lists;
};

struct server {
	struct sandbox *sandbox;
	struct listener listeners[LISTENERS]; /* HTTPS, lists */
	struct buffer key, certificate;
	pthread_mutex_t lock; /* whoever handles a request */
	pthread_mutex_t pause_lock;
	pthread_cond_t pause; /* ends the delays */
	bool stopping;
};

/* A request that is coming in. */
struct incoming {
	struct buffer body;
	bool too_large;
};

/* What is done to a request on purpose. */
struct mischief {
	double delay;
	unsigned status, retry_after;
	enum fault_kind kind; /* FAULT_DELAY: nothing else */
};

/* ---- faults */

static struct mischief plan_mischief(
	const struct sandbox *sandbox, const char *method, const char *path)
{
	struct mischief mischief = {
		.kind = FAULT_DELAY, .delay = (double)sandbox->options->latency_ms / 1000};
	struct faults *faults = sandbox->faults;
	struct buffer argument = BUFFER_INIT(256);

	if (strncmp(path, "/api/", 5) == 0)
		path += 4;
	if (strncmp(path, "/control/", 9) == 0) {
		mischief.delay = 0;
		return mischief;
	}
	if (faults_take_request(faults, FAULT_DELAY, method, path, &argument))
		mischief.delay += strtod(buffer_text(&argument), NULL);
	buffer_reset(&argument);
	if (faults_take_answer(faults, method, path, &mischief.kind, &argument) &&
		mischief.kind == FAULT_STATUS) {
		mischief.retry_after = 1;
		if (sscanf(buffer_text(&argument), "%3u %6u", &mischief.status,
			    &mischief.retry_after) < 1 ||
			mischief.status < 200 || mischief.status > 599)
			mischief.status = 500;
	}
	buffer_free(&argument);
	return mischief;
}

static void answer_status(struct response *response, const struct mischief *mischief)
{
	char seconds[16];

	http_error(response, mischief->status,
		mischief->status == 429   ? "too-many-requests"
		: mischief->status == 503 ? "unavailable"
					  : "internal",
		NULL, "Так было заказано");
	if (mischief->status == 429 || mischief->status == 503) {
		snprintf(seconds, sizeof seconds, "%u", mischief->retry_after);
		http_add_header(response, "Retry-After", seconds);
	}
}

static void wait_delay(struct server *server, double seconds)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += (time_t)seconds;
	until.tv_nsec += (long)((seconds - (double)(time_t)seconds) * 1e9);
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&server->pause_lock);
	while (!server->stopping &&
		pthread_cond_timedwait(&server->pause, &server->pause_lock, &until) == 0)
		continue;
	pthread_mutex_unlock(&server->pause_lock);
}

/* ---- answering */

static const char *connection_query(void *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, name);
}

static const char *connection_header(void *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* Gives half of the body and then breaks off. */
static ssize_t half_body(void *context, uint64_t position, char *out, size_t max)
{
	const struct buffer *body = context;
	size_t end = body->length / 2;

	if (position >= end)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	size_t length = end - (size_t)position;
	if (length > max)
		length = max;
	memcpy(out, body->data + position, length);
	return (ssize_t)length;
}

static void free_body(void *context)
{
	buffer_free(context);
	free(context);
}

static struct MHD_Response *truncated(struct response *response)
{
	struct buffer *body = malloc(sizeof *body);

	if (body == NULL)
		return NULL;
	*body = response->body;
	response->body = BUFFER_INIT(body->limit);
	return MHD_create_response_from_callback(body->length, 4096, half_body, body, free_body);
}

static enum MHD_Result send_response(
	struct MHD_Connection *connection, struct response *response, bool truncate)
{
	struct MHD_Response *out = truncate ? truncated(response)
					    : MHD_create_response_from_buffer(response->body.length,
						      response->body.data, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result;

	if (out == NULL)
		return MHD_NO;
	if (response->type != NULL)
		MHD_add_response_header(out, "Content-Type", response->type);
	for (unsigned i = 0; i < response->header_count; i++)
		MHD_add_response_header(out, response->headers[i].name, response->headers[i].value);
	result = MHD_queue_response(connection, response->status, out);
	MHD_destroy_response(out);
	return result;
}

static enum MHD_Result answer(struct listener *listener, struct MHD_Connection *connection,
	const char *method, const char *path, const struct incoming *incoming)
{
	struct server *server = listener->server;
	struct response response = RESPONSE_INIT;
	enum MHD_Result result = MHD_NO;
	struct request request = {.sandbox = server->sandbox,
		.method = method,
		.path = path,
		.body = &incoming->body,
		.query = connection_query,
		.header = connection_header,
		.connection = connection};

	if (strncmp(path, "/control/", 9) != 0)
		counts_request(server->sandbox->counts, path);
	pthread_mutex_lock(&server->lock);
	struct mischief mischief = plan_mischief(server->sandbox, method, path);
	pthread_mutex_unlock(&server->lock);
	if (mischief.delay > 0)
		wait_delay(server, mischief.delay);
	if (mischief.kind == FAULT_DROP_BEFORE)
		goto out;
	if (mischief.kind == FAULT_STATUS) {
		answer_status(&response, &mischief);
	} else if (incoming->too_large) {
		http_error(&response, 413, "too-large", NULL, "Тело запроса слишком велико");
	} else {
		pthread_mutex_lock(&server->lock);
		route_dispatch(&request, &response, listener->lists);
		pthread_mutex_unlock(&server->lock);
	}
	if (mischief.kind == FAULT_DROP_AFTER)
		goto out;
	if (mischief.kind == FAULT_GARBAGE)
		http_bytes(&response, 200, "application/json", "{\"state\":\"re", 12);
	result = send_response(connection, &response, mischief.kind == FAULT_TRUNCATE);
out:
	/* The path of a portal's visit is a secret: the log has its first part only. */
	fprintf(stderr, "%s %.*s %u%s\n", method,
		(int)(strncmp(path, "/portal/", 8) == 0 ? 7 : (long)strlen(path)), path,
		response.status, result == MHD_NO ? " (dropped)" : "");
	response_free(&response);
	return result;
}

/* ---- libmicrohttpd */

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *path,
	const char *method, const char *version, const char *data, size_t *length, void **state)
{
	struct incoming *incoming = *state;

	(void)version;
	if (incoming == NULL) {
		incoming = calloc(1, sizeof *incoming);
		if (incoming == NULL)
			return MHD_NO;
		incoming->body = BUFFER_INIT(HTTP_BODY_MAX);
		*state = incoming;
		return MHD_YES;
	}
	if (*length > 0) {
		if (!buffer_append(&incoming->body, data, *length))
			incoming->too_large = true;
		*length = 0;
		return MHD_YES;
	}
	return answer(context, connection, method, path, incoming);
}

static void completed(void *context, struct MHD_Connection *connection, void **state,
	enum MHD_RequestTerminationCode code)
{
	struct incoming *incoming = *state;

	(void)context;
	(void)connection;
	(void)code;
	if (incoming != NULL)
		buffer_free(&incoming->body);
	free(incoming);
	*state = NULL;
}

static void connected(void *context, struct MHD_Connection *connection, void **state,
	enum MHD_ConnectionNotificationCode code)
{
	struct listener *listener = context;

	(void)connection;
	(void)state;
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		counts_connection(listener->server->sandbox->counts);
}

static uint16_t *port_of(struct sockaddr_storage *address)
{
	return address->ss_family == AF_INET6 ? &((struct sockaddr_in6 *)address)->sin6_port
					      : &((struct sockaddr_in *)address)->sin_port;
}

static int listen_at(const struct options *options, uint16_t port)
{
	struct sockaddr_storage address = options->address;
	int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	*port_of(&address) = htons(port);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&address, options->address_length) == 0 &&
		listen(fd, 64) == 0)
		return fd;
	int saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* `any`: the port of last time if it is free, else any. Fills origin. */
static bool listen_again(struct server *server, struct listener *listener, uint16_t port, bool any,
	char *origin, size_t size, struct error *err)
{
	struct sandbox *sandbox = server->sandbox;
	struct sockaddr_storage address;
	socklen_t length = sizeof address;
	char host[INET6_ADDRSTRLEN];
	const char *setting = listener->lists ? "port.lists" : "port";

	listener->socket = -1;
	if (any) {
		port = (uint16_t)store_number(sandbox->store, 0,
			"SELECT CAST(value AS TEXT) FROM settings WHERE name = ?", "s", setting);
		if (port != 0)
			listener->socket = listen_at(sandbox->options, port);
		port = 0;
	}
	if (listener->socket < 0)
		listener->socket = listen_at(sandbox->options, port);
	if (listener->socket < 0 ||
		getsockname(listener->socket, (struct sockaddr *)&address, &length) != 0)
		return error_set(err, ERROR_FAILED, "port %u: %s", port, strerror(errno));
	bool v6 = address.ss_family == AF_INET6;
	inet_ntop(address.ss_family,
		v6 ? (void *)&((struct sockaddr_in6 *)&address)->sin6_addr
		   : (void *)&((struct sockaddr_in *)&address)->sin_addr,
		host, sizeof host);
	port = ntohs(*port_of(&address));
	snprintf(origin, size, "%s://%s%s%s:%u", listener->lists ? "http" : "https", v6 ? "[" : "",
		host, v6 ? "]" : "", port);
	char text[8];
	int text_length = snprintf(text, sizeof text, "%u", port);
	store_begin(sandbox->store);
	store_put(sandbox->store, setting, text, (size_t)text_length);
	return store_commit(sandbox->store) ||
	       error_set(err, ERROR_FAILED, "the port could not be written down");
}

static bool start(struct server *server, struct listener *listener, struct error *err)
{
	unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION |
			 MHD_USE_ITC | (listener->lists ? 0 : MHD_USE_TLS);
	struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_MEM_KEY, 0, server->key.data},
		{MHD_OPTION_HTTPS_MEM_CERT, 0, server->certificate.data},
		{MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES},
		{MHD_OPTION_END, 0, NULL},
	};

	listener->daemon = MHD_start_daemon(flags, 0, NULL, NULL, handle, listener,
		MHD_OPTION_LISTEN_SOCKET, listener->socket, MHD_OPTION_NOTIFY_COMPLETED, completed,
		NULL, MHD_OPTION_NOTIFY_CONNECTION, connected, listener,
		MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
		TIMEOUT_SECONDS, MHD_OPTION_ARRAY, listener->lists ? &tls[3] : tls, MHD_OPTION_END);
	if (listener->daemon == NULL)
		return error_set(err, ERROR_FAILED, "the server does not start");
	listener->socket = -1; /* the daemon's now */
	return true;
}

bool server_open(struct sandbox *sandbox, struct server **out, struct error *err)
{
	struct server *server = calloc(1, sizeof *server);
	const struct options *options = sandbox->options;
	struct sockaddr_storage address = options->address;

	if (server == NULL)
		return error_set(err, ERROR_FAILED, "out of memory");
	server->sandbox = sandbox;
	server->key = server->certificate = BUFFER_INIT(65536);
	pthread_mutex_init(&server->lock, NULL);
	pthread_mutex_init(&server->pause_lock, NULL);
	pthread_cond_init(&server->pause, NULL);
	for (size_t i = 0; i < LISTENERS; i++)
		server->listeners[i] = (struct listener){server, NULL, -1, i == 1};
	if (!listen_again(server, &server->listeners[0], ntohs(*port_of(&address)),
		    options->any_port, sandbox->origin, sizeof sandbox->origin, err) ||
		!listen_again(server, &server->listeners[1], 0, true, sandbox->list_origin,
			sizeof sandbox->list_origin, err))
		goto failed;
	if (!ca_tls_key_pem(sandbox->ca, &server->key) ||
		!ca_tls_certificate_pem(sandbox->ca, &server->certificate)) {
		error_set(err, ERROR_FAILED, "no certificate for the server");
		goto failed;
	}
	*out = server;
	return true;

failed:
	server_close(server);
	return false;
}

bool server_start(struct server *server, struct error *err)
{
	for (size_t i = 0; i < LISTENERS; i++) {
		if (!start(server, &server->listeners[i], err))
			return false;
	}
	return true;
}

void server_close(struct server *server)
{
	if (server == NULL)
		return;
	pthread_mutex_lock(&server->pause_lock);
	server->stopping = true;
	pthread_cond_broadcast(&server->pause);
	pthread_mutex_unlock(&server->pause_lock);
	for (size_t i = 0; i < LISTENERS; i++) {
		struct listener *listener = &server->listeners[i];

		if (listener->daemon != NULL)
			MHD_stop_daemon(listener->daemon);
		if (listener->socket >= 0)
			close(listener->socket);
	}
	buffer_free(&server->key);
	buffer_free(&server->certificate);
	pthread_mutex_destroy(&server->lock);
	pthread_mutex_destroy(&server->pause_lock);
	pthread_cond_destroy(&server->pause);
	free(server);
}
