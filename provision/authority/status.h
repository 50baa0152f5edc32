/*
 * status: the answers about an application (docs/authority-api.yaml: Status, Template), from JSON.
 */
#ifndef PODPIS_AUTHORITY_STATUS_H
#define PODPIS_AUTHORITY_STATUS_H

#include <jansson.h>

#include "provision/authority/authority.h"

#define STATUS_DOCUMENTS_MAX  32
#define STATUS_FIELDS_MAX     64
#define STATUS_LIST_MAX       10000
#define STATUS_DOCUMENT_BYTES (16 << 20)

/* ERROR_UNREACHABLE names the member that is wrong. */
bool status_decode(const json_t *json, struct authority_status *out, struct error *err);
/* Of {"applications": […]}. */
bool status_decode_list(
	const json_t *json, struct authority_status **out, size_t *count, struct error *err);
bool status_decode_template(const json_t *json, struct authority_template *out, struct error *err);

#endif
