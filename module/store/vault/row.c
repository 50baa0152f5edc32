#include <stdlib.h>
#include <string.h>

#include "module/store/vault/column.h"
#include "module/store/vault/record.h"
#include "module/store/vault/row.h"

#define LISTED_SIZE (8 + SEAL_TAG) /* bytes of a page in the root */
#define ENTRY_SIZE  (1 + SEAL_TAG) /* bytes of an object in a page */

static const char domain_identity[] = "podpis vault 1 identity";
static const char domain_root[] = "podpis vault 1 root";
static const char domain_tries[] = "podpis vault 1 tries";
static const char domain_page[] = "podpis vault 1 page";

/* Steps a statement for at most one row; *found tells. A row that can't be read is not found. */
static CK_RV step(struct row_context *context, sqlite3_stmt *statement, bool *found)
{
	CK_RV rv;
	int rc;

	if (statement == NULL)
		return CKR_DEVICE_ERROR;
	rc = sqlite3_step(statement);
	*found = rc == SQLITE_ROW;
	if (rc == SQLITE_ROW || rc == SQLITE_DONE)
		return CKR_OK;
	rv = table_failed(context->table, "cannot be read", rc);
	if (table_is_damage(rc))
		return CKR_OK;
	table_done(statement);
	return rv;
}

static bool same(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, SEAL_CHECKSUM) == 0;
}

static void identity_checksum(const uint8_t uuid[SEAL_UUID], uint8_t out[SEAL_CHECKSUM])
{
	struct checksum_piece pieces[] = {
		{domain_identity, sizeof(domain_identity)}, {uuid, SEAL_UUID}};

	checksum_make(pieces, 2, out);
}

CK_RV row_identity_get(struct row_context *context, uint8_t uuid[SEAL_UUID], bool *damaged)
{
	sqlite3_stmt *statement = table_statement(context->table, TABLE_IDENTITY_GET);
	uint8_t checksum[SEAL_CHECKSUM], right[SEAL_CHECKSUM];
	bool found;
	CK_RV rv = step(context, statement, &found);

	if (rv != CKR_OK)
		return rv;
	*damaged = !found || !column_exact(statement, 0, uuid, SEAL_UUID) ||
		   !column_exact(statement, 1, checksum, SEAL_CHECKSUM);
	table_done(statement);
	if (*damaged)
		return CKR_OK;
	identity_checksum(uuid, right);
	*damaged = !same(checksum, right);
	return CKR_OK;
}

CK_RV row_identity_put(struct row_context *context)
{
	sqlite3_stmt *statement = table_statement(context->table, TABLE_IDENTITY_PUT);
	uint8_t checksum[SEAL_CHECKSUM];

	if (statement == NULL)
		return CKR_DEVICE_ERROR;
	identity_checksum(context->uuid, checksum);
	column_bind_blob(statement, 1, context->uuid, SEAL_UUID);
	column_bind_blob(statement, 2, checksum, SEAL_CHECKSUM);
	return table_run(context->table, statement, "cannot be written");
}

static void root_checksum(const struct row_root *root, const uint8_t *pages, size_t length,
	uint8_t out[SEAL_CHECKSUM])
{
	uint8_t numbers[16];
	struct checksum_piece pieces[] = {
		{domain_root, sizeof(domain_root)},
		{root->uuid, SEAL_UUID},
		{root->label, ROW_LABEL},
		{numbers, sizeof(numbers)},
		{root->wraps[CKU_SO], SEAL_CHECKSUM},
		{root->wraps[CKU_USER], SEAL_CHECKSUM},
		{pages, length},
	};

	record_put64(numbers, root->generation);
	record_put64(numbers + 8, root->next);
	checksum_make(pieces, sizeof(pieces) / sizeof(pieces[0]), out);
}

static bool root_pages(struct row_root *root, const uint8_t *pages, size_t length)
{
	root->count = length / LISTED_SIZE;
	root->pages = calloc(root->count + 1, sizeof(struct row_listed));
	if (root->pages == NULL)
		return false;
	for (size_t i = 0; i < root->count; i++) {
		root->pages[i].number = record_get64(pages + i * LISTED_SIZE);
		memcpy(root->pages[i].tag, pages + i * LISTED_SIZE + 8, SEAL_TAG);
		if (i > 0 && root->pages[i].number <= root->pages[i - 1].number)
			root->damaged = true;
	}
	return true;
}

CK_RV row_root_get(struct row_context *context, struct row_root *out)
{
	sqlite3_stmt *statement = table_statement(context->table, TABLE_ROOT_GET);
	struct row_root root = {0};
	const uint8_t *pages;
	uint8_t checksum[SEAL_CHECKSUM];
	size_t length;
	bool found, ok;
	CK_RV rv = step(context, statement, &found);

	if (rv != CKR_OK)
		return rv;
	ok = found && column_exact(statement, 0, root.uuid, SEAL_UUID);
	ok = found && column_exact(statement, 1, root.label, ROW_LABEL) && ok;
	root.generation = found ? column_number(statement, 2) : 0;
	root.next = found ? column_number(statement, 3) : 0;
	ok = found && column_exact(statement, 4, root.wraps[CKU_SO], SEAL_CHECKSUM) && ok;
	ok = found && column_exact(statement, 5, root.wraps[CKU_USER], SEAL_CHECKSUM) && ok;
	ok = column_blob(statement, 6, &pages, &length) && ok;
	ok = ok && length % LISTED_SIZE == 0 &&
	     column_exact(statement, 7, root.checksum, SEAL_CHECKSUM) &&
	     column_exact(statement, 8, root.tag, SEAL_TAG);
	if (ok)
		root_checksum(&root, pages, length, checksum);
	root.damaged = !ok || !same(checksum, root.checksum);
	if (rv == CKR_OK && !root_pages(&root, pages, root.damaged ? 0 : length))
		rv = CKR_HOST_MEMORY;
	table_done(statement);
	if (rv == CKR_OK)
		*out = root;
	return rv;
}

CK_RV row_root_put(struct row_context *context, struct seal *seal, struct row_root *root)
{
	sqlite3_stmt *statement = table_statement(context->table, TABLE_ROOT_PUT);
	size_t length = root->count * LISTED_SIZE;
	uint8_t *pages = malloc(length + 1);
	CK_RV rv = CKR_HOST_MEMORY;

	if (pages == NULL || statement == NULL)
		goto out;
	for (size_t i = 0; i < root->count; i++) {
		record_put64(pages + i * LISTED_SIZE, root->pages[i].number);
		memcpy(pages + i * LISTED_SIZE + 8, root->pages[i].tag, SEAL_TAG);
	}
	root_checksum(root, pages, length, root->checksum);
	rv = seal_tag(seal, root->checksum, root->tag);
	if (rv != CKR_OK)
		goto out;
	column_bind_blob(statement, 1, root->uuid, SEAL_UUID);
	column_bind_blob(statement, 2, root->label, ROW_LABEL);
	column_bind_number(statement, 3, root->generation);
	column_bind_number(statement, 4, root->next);
	column_bind_blob(statement, 5, root->wraps[CKU_SO], SEAL_CHECKSUM);
	column_bind_blob(statement, 6, root->wraps[CKU_USER], SEAL_CHECKSUM);
	column_bind_blob(statement, 7, pages, length);
	column_bind_blob(statement, 8, root->checksum, SEAL_CHECKSUM);
	column_bind_blob(statement, 9, root->tag, SEAL_TAG);
	rv = table_run(context->table, statement, "cannot be written");
out:
	free(pages);
	return rv;
}

CK_RV row_root_copy(const struct row_root *root, struct row_root *out)
{
	struct row_listed *pages = calloc(root->count + 1, sizeof(*pages));

	if (pages == NULL)
		return CKR_HOST_MEMORY;
	if (root->count > 0)
		memcpy(pages, root->pages, root->count * sizeof(*pages));
	*out = *root;
	out->pages = pages;
	return CKR_OK;
}

void row_root_free(struct row_root *root)
{
	free(root->pages);
	*root = (struct row_root){0};
}

size_t row_root_place(const struct row_root *root, uint64_t number)
{
	size_t low = 0, high = root->count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (root->pages[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

CK_RV row_root_list(struct row_root *root, uint64_t number, const uint8_t tag[SEAL_TAG])
{
	size_t at = row_root_place(root, number);
	bool there = at < root->count && root->pages[at].number == number;
	struct row_listed *pages;

	if (tag == NULL) {
		if (there) {
			memmove(root->pages + at, root->pages + at + 1,
				(root->count - at - 1) * sizeof(*root->pages));
			root->count--;
		}
		return CKR_OK;
	}
	if (!there) {
		pages = reallocarray(root->pages, root->count + 2, sizeof(*pages));
		if (pages == NULL)
			return CKR_HOST_MEMORY;
		root->pages = pages;
		memmove(pages + at + 1, pages + at, (root->count - at) * sizeof(*pages));
		pages[at] = (struct row_listed){.number = number};
		root->count++;
	}
	memcpy(root->pages[at].tag, tag, SEAL_TAG);
	return CKR_OK;
}

static void tries_checksum(const struct row_pin *pin, uint8_t out[SEAL_CHECKSUM])
{
	uint8_t tries[4];
	struct checksum_piece pieces[] = {{domain_tries, sizeof(domain_tries)},
		{pin->digest, SEAL_CHECKSUM}, {tries, sizeof(tries)}};

	record_put32(tries, pin->tries);
	checksum_make(pieces, 3, out);
}

CK_RV row_pin_get(struct row_context *context, CK_USER_TYPE role, struct row_pin *out)
{
	sqlite3_stmt *statement = table_statement(context->table, TABLE_PIN_GET);
	struct row_pin pin = {.wrap = {.role = (uint32_t)role}};
	uint8_t checksum[SEAL_CHECKSUM] = {0}, right[SEAL_CHECKSUM];
	bool ok;
	CK_RV rv;

	if (statement == NULL)
		return CKR_DEVICE_ERROR;
	column_bind_number(statement, 1, role);
	rv = step(context, statement, &pin.present);
	if (rv != CKR_OK)
		return rv;
	if (!pin.present) {
		table_done(statement);
		*out = pin;
		return CKR_OK;
	}
	pin.wrap.n = column_number(statement, 0);
	pin.wrap.r = (uint32_t)column_number(statement, 1);
	pin.wrap.p = (uint32_t)column_number(statement, 2);
	ok = column_exact(statement, 3, pin.wrap.salt, PIN_SALT);
	ok = column_exact(statement, 4, pin.wrap.wrapped, PIN_WRAPPED) && ok;
	pin.tries = (unsigned)column_number(statement, 5);
	ok = column_exact(statement, 6, checksum, SEAL_CHECKSUM) && ok;
	/* Wider numbers than their fields must not pass for the narrow ones. */
	ok = ok && column_number(statement, 1) == pin.wrap.r &&
	     column_number(statement, 2) == pin.wrap.p && column_number(statement, 5) == pin.tries;
	table_done(statement);
	pin_digest(context->uuid, &pin.wrap, pin.digest);
	tries_checksum(&pin, right);
	pin.damaged = !ok || !same(checksum, right);
	*out = pin;
	return CKR_OK;
}

CK_RV row_pin_put(struct row_context *context, struct row_pin *pin)
{
	sqlite3_stmt *statement = table_statement(context->table, TABLE_PIN_PUT);
	uint8_t checksum[SEAL_CHECKSUM];

	if (statement == NULL)
		return CKR_DEVICE_ERROR;
	pin_digest(context->uuid, &pin->wrap, pin->digest);
	tries_checksum(pin, checksum);
	column_bind_number(statement, 1, pin->wrap.role);
	column_bind_number(statement, 2, pin->wrap.n);
	column_bind_number(statement, 3, pin->wrap.r);
	column_bind_number(statement, 4, pin->wrap.p);
	column_bind_blob(statement, 5, pin->wrap.salt, PIN_SALT);
	column_bind_blob(statement, 6, pin->wrap.wrapped, PIN_WRAPPED);
	column_bind_number(statement, 7, pin->tries);
	column_bind_blob(statement, 8, checksum, SEAL_CHECKSUM);
	return table_run(context->table, statement, "cannot be written");
}

static void page_checksum(struct row_context *context, uint64_t number, const uint8_t *entries,
	size_t length, uint8_t out[SEAL_CHECKSUM])
{
	uint8_t head[8];
	struct checksum_piece pieces[] = {{domain_page, sizeof(domain_page)},
		{context->uuid, SEAL_UUID}, {head, sizeof(head)}, {entries, length}};

	record_put64(head, number);
	checksum_make(pieces, 4, out);
}

static bool page_entries(struct row_page *page, const uint8_t *entries, size_t length)
{
	if (length % ENTRY_SIZE != 0)
		return false;
	for (size_t at = 0; at < length; at += ENTRY_SIZE) {
		if (entries[at] >= ROW_PAGE)
			return false;
		page->listed[entries[at]] = true;
		memcpy(page->objects[entries[at]], entries + at + 1, SEAL_TAG);
	}
	return true;
}

CK_RV row_page_get(struct row_context *context, uint64_t number, struct row_page *out)
{
	sqlite3_stmt *statement = table_statement(context->table, TABLE_PAGE_GET);
	uint8_t checksum[SEAL_CHECKSUM];
	const uint8_t *entries;
	size_t length;
	bool found, ok;
	CK_RV rv;

	if (statement == NULL)
		return CKR_DEVICE_ERROR;
	column_bind_number(statement, 1, number);
	rv = step(context, statement, &found);
	if (rv != CKR_OK)
		return rv;
	*out = (struct row_page){.number = number, .damaged = !found};
	if (found) {
		ok = column_blob(statement, 0, &entries, &length);
		page_checksum(context, number, entries, length, checksum);
		out->damaged = !ok || !column_exact(statement, 1, out->checksum, SEAL_CHECKSUM) ||
			       !column_exact(statement, 2, out->tag, SEAL_TAG) ||
			       !same(checksum, out->checksum) ||
			       !page_entries(out, entries, length);
	}
	table_done(statement);
	return CKR_OK;
}

static size_t page_list(const struct row_page *page, uint8_t entries[ROW_PAGE * ENTRY_SIZE])
{
	size_t length = 0;

	for (size_t i = 0; i < ROW_PAGE; i++) {
		if (!page->listed[i])
			continue;
		entries[length] = (uint8_t)i;
		memcpy(entries + length + 1, page->objects[i], SEAL_TAG);
		length += ENTRY_SIZE;
	}
	return length;
}

CK_RV row_page_seal(struct row_context *context, struct seal *seal, struct row_page *page)
{
	uint8_t entries[ROW_PAGE * ENTRY_SIZE];
	size_t length = page_list(page, entries);

	page_checksum(context, page->number, entries, length, page->checksum);
	return seal_tag(seal, page->checksum, page->tag);
}

CK_RV row_page_put(struct row_context *context, struct seal *seal, struct row_page *page)
{
	sqlite3_stmt *statement = table_statement(context->table, TABLE_PAGE_PUT);
	uint8_t entries[ROW_PAGE * ENTRY_SIZE];
	size_t length = page_list(page, entries);
	CK_RV rv = row_page_seal(context, seal, page);

	if (rv != CKR_OK || statement == NULL)
		return rv != CKR_OK ? rv : CKR_DEVICE_ERROR;
	column_bind_number(statement, 1, page->number);
	column_bind_blob(statement, 2, entries, length);
	column_bind_blob(statement, 3, page->checksum, SEAL_CHECKSUM);
	column_bind_blob(statement, 4, page->tag, SEAL_TAG);
	return table_run(context->table, statement, "cannot be written");
}

CK_RV row_page_numbers(
	struct row_context *context, enum table_statement which, uint64_t **out, size_t *count)
{
	sqlite3_stmt *statement = table_statement(context->table, which);
	uint64_t *numbers = NULL, *grown;
	size_t n = 0;
	bool found = false;
	CK_RV rv;

	while ((rv = step(context, statement, &found)) == CKR_OK && found) {
		/* As with objects (row_object.c): a tampered tree may repeat itself. */
		if (n > 0 && column_number(statement, 0) <= numbers[n - 1])
			break;
		grown = reallocarray(numbers, n + 1, sizeof(*numbers));
		if (grown == NULL) {
			rv = CKR_HOST_MEMORY;
			break;
		}
		numbers = grown;
		numbers[n++] = column_number(statement, 0);
	}
	if (statement != NULL)
		table_done(statement);
	if (rv == CKR_OK) {
		*out = numbers;
		*count = n;
	} else {
		free(numbers);
	}
	return rv;
}

CK_RV row_delete(struct row_context *context, enum table_statement which, uint64_t number)
{
	sqlite3_stmt *statement = table_statement(context->table, which);

	if (statement == NULL)
		return CKR_DEVICE_ERROR;
	column_bind_number(statement, 1, number);
	return table_run(context->table, statement, "cannot be written");
}
