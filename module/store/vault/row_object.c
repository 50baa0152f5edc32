#include <string.h>

#include "module/store/vault/column.h"
#include "module/store/vault/record.h"
#include "module/store/vault/row_object.h"

static const char domain_object[] = "podpis vault 1 object";

static void object_checksum(
	struct row_context *context, const struct row_object *row, uint8_t out[SEAL_CHECKSUM])
{
	uint8_t head[24];
	struct checksum_piece pieces[] = {
		{domain_object, sizeof(domain_object)},
		{context->uuid, SEAL_UUID},
		{head, sizeof(head)},
		{row->open, row->open_length},
		{row->sealed, row->sealed_length},
	};

	record_put64(head, row->id);
	record_put64(head + 8, row->version);
	record_put64(head + 16, row->open_length); /* where the first record ends */
	checksum_make(pieces, sizeof(pieces) / sizeof(pieces[0]), out);
}

static void take_object(
	struct row_context *context, sqlite3_stmt *statement, struct row_object *row)
{
	uint8_t checksum[SEAL_CHECKSUM];
	bool ok = column_blob(statement, 2, &row->open, &row->open_length);

	ok = column_blob(statement, 3, &row->sealed, &row->sealed_length) && ok;
	ok = column_exact(statement, 4, row->checksum, SEAL_CHECKSUM) && ok;
	ok = column_exact(statement, 5, row->tag, SEAL_TAG) && ok;
	row->version = column_number(statement, 1);
	object_checksum(context, row, checksum);
	row->damaged = !ok || memcmp(checksum, row->checksum, SEAL_CHECKSUM) != 0;
}

/* One reading of the objects of a page. */
struct reading {
	uint64_t first, last; /* ids */
	row_object_handler *handler;
	void *argument;
	bool done[ROW_PAGE]; /* objects that were given to the handler undamaged */
};

static CK_RV give_object(struct reading *reading, const struct row_object *row)
{
	if (!row->damaged)
		reading->done[row->id - reading->first] = true;
	return reading->handler(reading->argument, row);
}

/*
 * *damage is SQLite's code where the reading broke off. A tree that was tampered with may be out of order, or
 * repeat itself without end: ids that don't ascend are damage.
 */
static CK_RV read_in_order(struct row_context *context, struct reading *reading, int *damage)
{
	sqlite3_stmt *statement = table_statement(context->table, TABLE_OBJECT_GET);
	uint64_t next = reading->first;
	struct row_object row;
	CK_RV rv = CKR_OK;
	int rc;

	*damage = SQLITE_OK;
	if (statement == NULL)
		return CKR_DEVICE_ERROR;
	column_bind_number(statement, 1, reading->first);
	column_bind_number(statement, 2, reading->last);
	while (rv == CKR_OK && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
		row = (struct row_object){.id = column_number(statement, 0)};
		if (row.id < next || row.id > reading->last) {
			rc = SQLITE_CORRUPT;
			break;
		}
		take_object(context, statement, &row);
		rv = give_object(reading, &row);
		next = row.id + 1;
	}
	if (rv == CKR_OK && table_is_damage(rc))
		*damage = rc;
	else if (rv == CKR_OK && rc != SQLITE_DONE)
		rv = table_failed(context->table, "cannot be read", rc);
	table_done(statement);
	return rv;
}

/*
 * Walks the whole table, from one end up to what can't be read, and gives the rows that are whole. One bad row
 * thus hides none of those before it from a walk forth, and none of those behind it from a walk back.
 */
static CK_RV read_what_is_whole(
	struct row_context *context, struct reading *reading, enum table_statement which)
{
	sqlite3_stmt *statement = table_statement(context->table, which);
	uint64_t left = table_rows_max(context->table), may = ROW_WALK_MAX - context->walked;
	struct row_object row;
	CK_RV rv = CKR_OK;

	if (statement == NULL)
		return CKR_DEVICE_ERROR;
	if (left > may)
		left = may;
	for (; rv == CKR_OK && left > 0 && sqlite3_step(statement) == SQLITE_ROW; left--) {
		context->walked++;
		row = (struct row_object){.id = column_number(statement, 0)};
		if (row.id < reading->first || row.id > reading->last ||
			reading->done[row.id - reading->first])
			continue;
		take_object(context, statement, &row);
		if (!row.damaged)
			rv = give_object(reading, &row);
	}
	table_done(statement);
	return rv;
}

CK_RV row_object_get(struct row_context *context, const struct row_page *page,
	row_object_handler *handler, void *argument)
{
	struct reading reading = {.first = page->number * ROW_PAGE,
		.last = page->number * ROW_PAGE + ROW_PAGE - 1,
		.handler = handler,
		.argument = argument};
	bool complete = true;
	int damage;
	CK_RV rv = read_in_order(context, &reading, &damage);

	if (rv != CKR_OK)
		return rv;
	for (size_t i = 0; i < ROW_PAGE; i++)
		complete = complete && (!page->listed[i] || reading.done[i]);
	if (damage != SQLITE_OK)
		table_failed(context->table, "has rows that cannot be read", damage);
	else if (complete)
		return CKR_OK;
	rv = read_what_is_whole(context, &reading, TABLE_OBJECT_FORTH);
	return rv == CKR_OK ? read_what_is_whole(context, &reading, TABLE_OBJECT_BACK) : rv;
}

CK_RV row_object_put(struct row_context *context, struct seal *seal, struct row_object *row)
{
	sqlite3_stmt *statement = table_statement(context->table, TABLE_OBJECT_PUT);
	CK_RV rv;

	object_checksum(context, row, row->checksum);
	rv = seal_tag(seal, row->checksum, row->tag);
	if (rv != CKR_OK || statement == NULL)
		return rv != CKR_OK ? rv : CKR_DEVICE_ERROR;
	column_bind_number(statement, 1, row->id);
	column_bind_number(statement, 2, row->version);
	column_bind_blob(statement, 3, row->open, row->open_length);
	column_bind_blob(statement, 4, row->sealed, row->sealed_length);
	column_bind_blob(statement, 5, row->checksum, SEAL_CHECKSUM);
	column_bind_blob(statement, 6, row->tag, SEAL_TAG);
	return table_run(context->table, statement, "cannot be written");
}
