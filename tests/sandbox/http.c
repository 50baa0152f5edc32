#include "tests/sandbox/http.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sandbox/codec.h"

void response_reset(struct response *response)
{
	for (unsigned i = 0; i < response->header_count; i++)
		free(response->headers[i].value);
	response->header_count = 0;
	response->status = 0;
	response->keep = false;
	buffer_reset(&response->body);
}

void response_free(struct response *response)
{
	response_reset(response);
	buffer_free(&response->body);
}

const char *http_query(const struct request *request, const char *name)
{
	return request->query != NULL ? request->query(request->connection, name) : NULL;
}

const char *http_header(const struct request *request, const char *name)
{
	return request->header != NULL ? request->header(request->connection, name) : NULL;
}

bool http_form(const struct request *request, const char *name, struct buffer *out)
{
	return codec_form_value(buffer_text(request->body), request->body->length, name, out);
}

void http_add_header(struct response *response, const char *name, const char *value)
{
	if (response->header_count == HTTP_HEADERS_MAX)
		return;
	char *copy = strdup(value);
	if (copy != NULL)
		response->headers[response->header_count++] = (struct http_header){name, copy};
}

void http_bytes(struct response *response, unsigned status, const char *type, const void *data,
	size_t length)
{
	buffer_reset(&response->body);
	buffer_append(&response->body, data, length);
	response->status = status;
	response->type = type;
}

void http_json(struct response *response, unsigned status, json_t *json)
{
	char *text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;

	if (text != NULL)
		http_bytes(response, status, "application/json", text, strlen(text));
	else
		response->status = 500;
	free(text);
	json_decref(json);
}

void http_redirect(struct response *response, const char *address, ...)
{
	struct buffer uri = BUFFER_INIT(8192);
	va_list arguments;
	const char *name;
	char separator = strchr(address, '?') != NULL ? '&' : '?';

	buffer_append_text(&uri, address);
	va_start(arguments, address);
	while ((name = va_arg(arguments, const char *)) != NULL) {
		const char *value = va_arg(arguments, const char *);

		if (value == NULL)
			continue;
		buffer_printf(&uri, "%c%s=", separator, name);
		codec_escape(value, &uri);
		separator = '&';
	}
	va_end(arguments);
	http_bytes(response, buffer_ok(&uri) ? 303 : 500, "text/html; charset=utf-8", "", 0);
	http_add_header(response, "Location", buffer_text(&uri));
	http_add_header(response, "Cache-Control", "no-store");
	http_add_header(response, "Referrer-Policy", "no-referrer");
	buffer_free(&uri);
}

bool http_error(struct response *response, unsigned status, const char *code, json_t *fields,
	const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	json_t *message = json_vsprintf(format, arguments);
	va_end(arguments);
	http_json(response, status,
		json_pack("{s{sssoso}}", "error", "code", code, "message", message, "fields",
			fields != NULL ? fields : json_array()));
	return false;
}

void http_field(json_t *fields, const char *name, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	json_t *reason = json_vsprintf(format, arguments);
	va_end(arguments);
	json_array_append_new(fields, json_pack("{ssso}", "name", name, "reason", reason));
}

const char *http_member(const struct request *request, struct response *response, const char *name)
{
	const char *value = json_string_value(json_object_get(request->json, name));

	if (value == NULL)
		http_error(response, 400, "bad-request", NULL, "в запросе нет строки «%s»", name);
	return value;
}

bool http_member_base64(const struct request *request, struct response *response, const char *name,
	bool optional, struct buffer *out)
{
	const json_t *member = json_object_get(request->json, name);

	if (optional && (member == NULL || json_is_null(member)))
		return true;
	if (!json_is_string(member) || json_string_length(member) == 0 ||
		!codec_unbase64(json_string_value(member), json_string_length(member), out))
		return http_error(response, 400, "bad-request", NULL,
			"«%s» — не строка в кодировке base64", name);
	return true;
}
