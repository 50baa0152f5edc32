#include "tests/sandbox/html.h"

void html_text(struct buffer *out, const char *text)
{
	for (; *text != '\0'; text++) {
		switch (*text) {
		case '&':
			buffer_append_text(out, "&amp;");
			break;
		case '<':
			buffer_append_text(out, "&lt;");
			break;
		case '>':
			buffer_append_text(out, "&gt;");
			break;
		case '"':
			buffer_append_text(out, "&quot;");
			break;
		case '\'':
			buffer_append_text(out, "&#39;");
			break;
		default:
			buffer_append(out, text, 1);
		}
	}
}

void html_begin(struct response *response, unsigned status, const char *title)
{
	struct buffer *out = &response->body;

	http_bytes(response, status, "text/html; charset=utf-8", "", 0);
	http_add_header(response, "Cache-Control", "no-store");
	http_add_header(response, "Referrer-Policy", "no-referrer");
	http_add_header(response, "X-Content-Type-Options", "nosniff");
	/* A form's answer may lead back to the tool's own address, which browsers count as its action. */
	http_add_header(response, "Content-Security-Policy",
		"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri "
		"'none'; "
		"form-action 'self' http://127.0.0.1:* http://[::1]:*");
	buffer_append_text(out,
		"<!DOCTYPE html>\n<html lang=\"ru\">\n<head>\n<meta charset=\"utf-8\">\n"
		"<meta name=\"viewport\" content=\"width=device-width\">\n<title>");
	html_text(out, title);
	buffer_append_text(out,
		"</title>\n<style>\nbody { font: 1.1em/1.5 sans-serif; max-width: 32em; margin: "
		"3em auto; padding: 0 1em }\n"
		"label, table { display: block; margin: 1em 0 } input { display: block; font: "
		"inherit; width: 100% }\n"
		"button { font: inherit; margin: 0 .5em .5em 0 } td { padding-right: 1em } "
		".problem { color: #b00 }\n"
		"footer { margin-top: 3em; font-size: .8em }\n</style>\n</head>\n<body>\n<h1>");
	html_text(out, title);
	buffer_append_text(out, "</h1>\n");
}

void html_end(struct response *response)
{
	buffer_append_text(&response->body,
		"<footer>Испытательный стенд: настоящих сертификатов здесь не выпускают.</footer>\n"
		"</body>\n</html>\n");
}

void html_message(
	struct response *response, unsigned status, const char *title, const char *message)
{
	html_begin(response, status, title);
	buffer_append_text(&response->body, "<p>");
	html_text(&response->body, message);
	buffer_append_text(&response->body, "</p>\n");
	html_end(response);
}

void html_login(struct response *response, unsigned status, const char *title, const char *action,
	const char *hidden, const char *value, const char *problem)
{
	struct buffer *out = &response->body;

	html_begin(response, status, title);
	if (problem != NULL) {
		buffer_append_text(out, "<p class=\"problem\">");
		html_text(out, problem);
		buffer_append_text(out, "</p>\n");
	}
	buffer_append_text(out, "<form method=\"post\" action=\"");
	html_text(out, action);
	buffer_append_text(out, "\">\n<input type=\"hidden\" name=\"");
	html_text(out, hidden);
	buffer_append_text(out, "\" value=\"");
	html_text(out, value);
	buffer_append_text(out, "\">\n<label>Логин <input type=\"text\" name=\"login\" "
				"autocomplete=\"username\" autofocus required></label>\n"
				"<label>Пароль <input type=\"password\" name=\"password\" "
				"autocomplete=\"current-password\"></label>\n"
				"<button name=\"choice\" value=\"login\">Войти</button>\n"
				"<button name=\"choice\" value=\"decline\" "
				"formnovalidate>Отмена</button>\n</form>\n");
	html_end(response);
}
