/*
 * row: the vault's rows with their checksums and tags (docs/vault-format.md, "Tables").
 *
 * Reading checks what can be checked without a key: a row that is not as it was written comes back with
 * `damaged` set, never as an error, so that one bad row takes no other with it. Errors are SQLite's and
 * OpenSSL's, already logged. Writing makes the checksum and, with the seal, the tag. All inside a
 * transaction of the table.
 *
 * The root lists the digests of both wrapped keys and the tags of all pages; a page lists the tags of the
 * objects of ROW_PAGE ids. So whatever is exchanged, or brought back from an older state, alone, differs
 * from what its list says. Objects' rows: row_object.h.
 */
#ifndef PODPIS_STORE_VAULT_ROW_H
#define PODPIS_STORE_VAULT_ROW_H

#include "module/store/vault/pin.h"
#include "module/store/vault/table.h"

#define ROW_LABEL 32
#define ROW_PAGE  128 /* ids that a page lists: number * ROW_PAGE up to the next page's */

/* What every function here works with. */
struct row_context {
	struct table *table;
	uint8_t uuid[SEAL_UUID];
	uint64_t walked; /* rows gone past in search of what SQLite does not find (row_object.h) */
};

/* Which vault this is: kept apart from the root, so that a damaged root harms nothing else. */
CK_RV row_identity_get(struct row_context *context, uint8_t uuid[SEAL_UUID], bool *damaged);
CK_RV row_identity_put(struct row_context *context);

struct row_listed {
	uint64_t number;
	uint8_t tag[SEAL_TAG];
	bool damaged; /* in memory: the page is not as listed here; nothing is written to it */
};

struct row_root {
	bool damaged;
	uint8_t uuid[SEAL_UUID];
	uint8_t label[ROW_LABEL];
	uint64_t generation; /* of the last change to objects or wrapped keys; objects' versions */
	uint64_t next;       /* the id that the next object gets */
	uint8_t wraps[2][SEAL_CHECKSUM]; /* digests by role; all zero: not there */
	size_t count;
	struct row_listed *pages; /* ascending */
	uint8_t checksum[SEAL_CHECKSUM];
	uint8_t tag[SEAL_TAG];
};

CK_RV row_root_get(struct row_context *context, struct row_root *out);
/* Fills checksum and tag. */
CK_RV row_root_put(struct row_context *context, struct seal *seal, struct row_root *root);
CK_RV row_root_copy(const struct row_root *root, struct row_root *out);
void row_root_free(struct row_root *root);
/* Where a page stands in the list, or would: compare the number there. */
size_t row_root_place(const struct row_root *root, uint64_t number);
/* Lists a page with this tag; NULL takes it off the list. */
CK_RV row_root_list(struct row_root *root, uint64_t number, const uint8_t tag[SEAL_TAG]);

struct row_pin {
	bool present, damaged;
	unsigned tries; /* wrong PINs in a row */
	struct pin_wrap wrap;
	uint8_t digest[SEAL_CHECKSUM]; /* of the wrap */
};

CK_RV row_pin_get(struct row_context *context, CK_USER_TYPE role, struct row_pin *out);
/* Fills the digest. */
CK_RV row_pin_put(struct row_context *context, struct row_pin *pin);

struct row_page {
	bool damaged; /* also when the row is not there */
	uint64_t number;
	bool listed[ROW_PAGE];
	uint8_t objects[ROW_PAGE][SEAL_TAG];
	uint8_t checksum[SEAL_CHECKSUM];
	uint8_t tag[SEAL_TAG];
};

CK_RV row_page_get(struct row_context *context, uint64_t number, struct row_page *out);
/* Fills checksum and tag, as row_page_put does before it writes. */
CK_RV row_page_seal(struct row_context *context, struct seal *seal, struct row_page *page);
CK_RV row_page_put(struct row_context *context, struct seal *seal, struct row_page *page);
/*
 * The numbers of all pages that there is a row of (TABLE_PAGE_NUMBERS) or that objects would stand in
 * (TABLE_OBJECT_NUMBERS), listed or not. The caller frees *out.
 */
CK_RV row_page_numbers(
	struct row_context *context, enum table_statement which, uint64_t **out, size_t *count);

/* For the statements whose only parameter is a number: page and object deletion. */
CK_RV row_delete(struct row_context *context, enum table_statement which, uint64_t number);

#endif
