/*
 * documents: what the authority wants signed: fetched, held against what was announced and applied for,
 * signed all at once by whom each asks for, uploaded.
 */
#ifndef PODPIS_FLOW_DOCUMENTS_H
#define PODPIS_FLOW_DOCUMENTS_H

#include "provision/flow/signing.h"

struct document {
	char *id, *title, *media_type;
	uint8_t sha256[32];
	bool by_new_key, is_form;
	struct buffer content;
};

struct documents {
	size_t count;
	struct document *list;
};

/* Those that the row announces; their contents are not fetched yet. */
bool documents_read(
	const struct journal_application *row, struct documents *documents, struct error *err);
void documents_clear(struct documents *documents);

/* Fetches all of them. ERROR_FAILED when one is not the announced one. */
bool documents_fetch(struct flow *flow, struct documents *documents, struct error *err);

/*
 * Shows application and certificate form side by side, or says that no document can be compared. ERROR_FAILED
 * names the fields that differ and that --accept does not name.
 */
bool documents_compare(struct flow *flow, const struct documents *documents, struct error *err);

/* «Подписать»: all of the above, signatures, upload. With --dry-run it stops before the signatures. */
bool documents_sign(struct flow *flow, struct error *err);

#endif
