/*
 * token_uri: the PKCS#11 URI of a token (RFC 7512), as podpis.conf's `token =` has it.
 *
 * Only the attributes that name a token are allowed: token, manufacturer, serial, model. What names an
 * object, a slot or a library, and the query (pin-value, module-path), is refused.
 */
#ifndef PODPIS_SUPPORT_TOKEN_URI_H
#define PODPIS_SUPPORT_TOKEN_URI_H

#include <stdbool.h>

#include "module/support/pkcs11.h"

enum token_uri_field {
	TOKEN_URI_LABEL,
	TOKEN_URI_MANUFACTURER,
	TOKEN_URI_SERIAL,
	TOKEN_URI_MODEL,
	TOKEN_URI_FIELDS
};

/* Each field blank-padded as in CK_TOKEN_INFO; `said` says which ones the URI has. */
struct token_uri {
	bool said[TOKEN_URI_FIELDS];
	unsigned char label[32], manufacturer[32], serial[16], model[16];
};

/* NULL, or why `text` names no token; `out` is set on success only. */
const char *token_uri_parse(const char *text, struct token_uri *out);

bool token_uri_says(const struct token_uri *uri);

/* One that names a token by its serial number. */
struct token_uri token_uri_of(const CK_TOKEN_INFO *info);

/* A token fits when it has what the URI says. Padding with zero bytes counts as blanks. */
bool token_uri_fits(const struct token_uri *uri, const CK_TOKEN_INFO *info);

#endif
