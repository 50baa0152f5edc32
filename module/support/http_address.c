/*
 * Addresses, and what is put into them and into forms; declared in http.h.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "module/support/http.h"

size_t http_scheme_length(const char *url, bool plain)
{
	if (strncasecmp(url, "https://", 8) == 0)
		return 8;
	return plain && strncasecmp(url, "http://", 7) == 0 ? 7 : 0;
}

bool http_address_allowed(const char *url, bool plain)
{
	size_t length = strlen(url), scheme = http_scheme_length(url, plain), host;

	if (length > 4096 || scheme == 0)
		return false;
	for (size_t i = 0; i < length; i++)
		if (url[i] <= ' ' || url[i] >= 0x7f || strchr("\"'`<>\\^{|}", url[i]) != NULL)
			return false;
	host = strcspn(url + scheme, "/?#");
	return host > 0 && memchr(url + scheme, '@', host) == NULL;
}

bool http_address_valid(const char *url)
{
	return http_address_allowed(url, false);
}

bool http_escape(struct buffer *out, const char *text)
{
	for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
		if ((*at < 0x80 && isalnum(*at)) || strchr("-._~", *at) != NULL)
			buffer_append(out, at, 1);
		else
			buffer_printf(out, "%%%02X", *at);
	}
	return buffer_ok(out);
}

bool http_form_add(struct buffer *form, const char *name, const char *value)
{
	if (form->length > 0)
		buffer_append_text(form, "&");
	http_escape(form, name);
	buffer_append_text(form, "=");
	return http_escape(form, value);
}
