/*
 * row_object: the objects' rows, of which there are many, and of which one that is damaged hides no other.
 *
 * As in row.h: a row that is not as it was written comes with `damaged` set, never as an error. Where SQLite
 * can't read a row, the table is walked from both its ends.
 */
#ifndef PODPIS_STORE_VAULT_ROW_OBJECT_H
#define PODPIS_STORE_VAULT_ROW_OBJECT_H

#include "module/store/vault/row.h"

/* Rows gone past, until context->walked is set to 0: a tampered file must not take for ever. */
#define ROW_WALK_MAX 1000000

struct row_object {
	bool damaged;
	uint64_t id, version;
	const uint8_t *open,
		*sealed; /* records; of a row that is read, valid until the handler returns */
	size_t open_length, sealed_length;
	uint8_t checksum[SEAL_CHECKSUM];
	uint8_t tag[SEAL_TAG];
};

typedef CK_RV row_object_handler(void *argument, const struct row_object *row);

/*
 * The objects of a page. Stops when the handler fails. Where SQLite can't read a row, or does not find one that
 * the page lists, the others still come, an id perhaps twice: then the second is the one that is not damaged.
 */
CK_RV row_object_get(struct row_context *context, const struct row_page *page,
	row_object_handler *handler, void *argument);
/* Fills checksum and tag. */
CK_RV row_object_put(struct row_context *context, struct seal *seal, struct row_object *row);

#endif
