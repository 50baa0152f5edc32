/*
 * html: the pages that a person sees in the browser. Whatever comes from elsewhere passes html_text.
 */
#ifndef PODPIS_SANDBOX_HTML_H
#define PODPIS_SANDBOX_HTML_H

#include "tests/sandbox/http.h"

/* Appends text, escaped for contents and for attributes in double quotes. */
void html_text(struct buffer *out, const char *text);

/* A page begins with its title and ends; what is in between is appended to response->body. */
void html_begin(struct response *response, unsigned status, const char *title);
void html_end(struct response *response);

/* A page with one paragraph and no form. */
void html_message(
	struct response *response, unsigned status, const char *title, const char *message);

/* A login form that posts login, password and one hidden field to `action`; `problem` may be NULL. */
void html_login(struct response *response, unsigned status, const char *title, const char *action,
	const char *hidden, const char *value, const char *problem);

#endif
