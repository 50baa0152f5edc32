/*
 * cabinet: an authority's personal account, over HTTPS and JSON (docs/authority-api.yaml). The whole flow.
 *
 * The section: url, ca-file (else the system's trust), anchors (a PEM file: trust anchors that are relied on
 * in place of those that the authority names itself).
 */
#ifndef PODPIS_AUTHORITY_CABINET_H
#define PODPIS_AUTHORITY_CABINET_H

#include "provision/authority/session.h"

extern const struct authority_class cabinet_class;

struct cabinet {
	struct authority base; /* first */
	struct session session;
	char *anchors; /* file; NULL */
	json_t *info;  /* of GET /info, asked for once */
};

/* cabinet_info.c: who the authority is, how to log in, what it trusts. */
bool cabinet_anchors(struct authority *authority, struct buffer *pem, struct error *err);
bool cabinet_login(struct authority *authority, const struct authority_login *login,
	struct authority_account *out, struct error *err);
bool cabinet_logout(struct authority *authority, bool *was, struct error *err);
bool cabinet_account(struct authority *authority, struct authority_account *out, struct error *err);

/* cabinet_admin.c: what the administrator of the registration centre does. */
bool cabinet_admin_confirm(struct authority *authority, const char *id, const uint8_t *statement,
	size_t length, const uint8_t *signature, size_t signature_length,
	struct authority_status *out, struct error *err);
bool cabinet_admin_return(struct authority *authority, const char *id, const char *field,
	const char *reason, struct authority_status *out, struct error *err);
bool cabinet_admin_reject(struct authority *authority, const char *id, const char *reason,
	struct authority_status *out, struct error *err);

/*
 * A call about one application, to prefix/id/suffix ("/applications/", "/signatures"). An id that is none is
 * refused before anything is sent. Takes the reference of `body`; a POST or PUT without one had no memory.
 */
bool cabinet_call(struct cabinet *cabinet, struct session_call *call, const char *prefix,
	const char *id, const char *suffix, json_t *body, json_t **out, struct error *err);
/* The same, where the answer is the application's status. */
bool cabinet_status(struct cabinet *cabinet, struct session_call *call, const char *prefix,
	const char *id, const char *suffix, json_t *body, struct authority_status *out,
	struct error *err);

/* Appends each certificate of the list `name` as PEM. */
bool cabinet_add_certificates(
	const json_t *answer, const char *name, struct buffer *pem, struct error *err);

/* Base64 as a JSON string; JSON's null for no bytes; NULL without memory. */
json_t *cabinet_bytes(const uint8_t *data, size_t length);

#endif
