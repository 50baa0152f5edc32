#include "provision/authority/cabinet.h"

/* Confirming twice with the same statement is the same; returning and refusing twice is not. */

bool cabinet_admin_confirm(struct authority *authority, const char *id, const uint8_t *statement,
	size_t length, const uint8_t *signature, size_t signature_length,
	struct authority_status *out, struct error *err)
{
	struct session_call call = {.method = "POST", .repeatable = true};

	return cabinet_status((struct cabinet *)authority, &call, "/admin/applications/", id,
		"/confirmation",
		json_pack("{s:o, s:o}", "statement", cabinet_bytes(statement, length), "signature",
			cabinet_bytes(signature, signature_length)),
		out, err);
}

bool cabinet_admin_return(struct authority *authority, const char *id, const char *field,
	const char *reason, struct authority_status *out, struct error *err)
{
	struct session_call call = {.method = "POST"};
	json_t *body = field != NULL ? json_pack("{s:[{s:s, s:s}], s:s}", "fields", "name", field,
					       "reason", reason, "reason", reason)
				     : json_pack("{s:[], s:s}", "fields", "reason", reason);

	return cabinet_status((struct cabinet *)authority, &call, "/admin/applications/", id,
		"/return", body, out, err);
}

bool cabinet_admin_reject(struct authority *authority, const char *id, const char *reason,
	struct authority_status *out, struct error *err)
{
	struct session_call call = {.method = "POST"};

	return cabinet_status((struct cabinet *)authority, &call, "/admin/applications/", id,
		"/rejection", json_pack("{s:s}", "reason", reason), out, err);
}
