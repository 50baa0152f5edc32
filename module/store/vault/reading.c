#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "module/store/vault/reading.h"
#include "module/store/vault/record.h"
#include "module/store/vault/report.h"
#include "module/store/vault/row_object.h"

#define NUMBER_MAX      ((uint64_t)1 << 55) /* of a page: ids stay below 2^62 */
#define EXPECTED_MAX    256                 /* pages that room is made for beforehand */
#define FINDINGS_LOGGED 200                 /* of one reading: a file must not fill the log */

static void found(struct reading *reading, const char *format, ...)
{
	const char *path = table_path(reading->vault->rows.table);
	struct log *log = reading->vault->log;
	char text[256];
	va_list args;

	va_start(args, format);
	if (reading->report != NULL) {
		report_add_list(reading->report, format, args);
	} else if (reading->findings++ < FINDINGS_LOGGED) {
		vsnprintf(text, sizeof(text), format, args);
		log_error(log, "%s: %s", path, text);
	} else if (reading->findings == FINDINGS_LOGGED + 1) {
		log_error(log, "%s: there is more that is damaged", path);
	}
	va_end(args);
}

/* Identity and root are of two vaults: the SO's wrapped key, which is listed and bound to its vault, tells. */
static CK_RV root_stands(struct reading *reading, bool *out)
{
	struct row_context rows = reading->vault->rows;
	struct row_pin pin;
	CK_RV rv;

	memcpy(rows.uuid, reading->root.uuid, SEAL_UUID);
	rv = row_pin_get(&rows, CKU_SO, &pin);
	*out = rv == CKR_OK && pin.present && !pin.damaged &&
	       memcmp(pin.digest, reading->root.wraps[CKU_SO], SEAL_CHECKSUM) == 0;
	return rv;
}

static CK_RV read_root(struct reading *reading)
{
	struct row_context *rows = &reading->vault->rows;
	uint8_t uuid[SEAL_UUID];
	bool damaged = false, stands = false;
	CK_RV rv = row_identity_get(rows, uuid, &damaged);

	if (rv == CKR_OK)
		rv = row_root_get(rows, &reading->root);
	if (rv == CKR_OK && !damaged && !reading->root.damaged &&
		memcmp(uuid, reading->root.uuid, SEAL_UUID) != 0)
		rv = root_stands(reading, &stands);
	if (rv != CKR_OK)
		return rv;
	if (damaged && reading->root.damaged) {
		found(reading, "both the identity and the root are damaged; restore a backup");
		return CKR_DEVICE_ERROR;
	}
	if (damaged) {
		found(reading, "the identity is damaged; the root's is used");
		memcpy(uuid, reading->root.uuid, SEAL_UUID);
	} else if (reading->root.damaged) {
		found(reading, "the root is damaged; the vault can be read, not written");
	} else if (stands) {
		found(reading, "the identity is another vault's; the root's is used");
		memcpy(uuid, reading->root.uuid, SEAL_UUID);
	} else if (memcmp(uuid, reading->root.uuid, SEAL_UUID) != 0) {
		found(reading, "the root is another vault's; the vault can be read, not written");
		reading->root.damaged = true;
	}
	if (!reading->vault->present || memcmp(rows->uuid, uuid, SEAL_UUID) != 0)
		reading->full = true;
	memcpy(rows->uuid, uuid, SEAL_UUID);
	if (reading->seal != NULL && memcmp(seal_uuid(reading->seal), uuid, SEAL_UUID) != 0)
		reading->seal = NULL;
	if (reading->seal != NULL && !reading->root.damaged &&
		seal_check(reading->seal, reading->root.checksum, reading->root.tag) != CKR_OK) {
		found(reading,
			"the root was not written by this vault; it can be read, not written");
		reading->root.damaged = true;
	}
	if (reading->report != NULL)
		reading->report->tags = reading->seal != NULL;
	return CKR_OK;
}

static CK_RV read_pin(struct reading *reading, CK_USER_TYPE role)
{
	static const char *const names[2] = {[CKU_SO] = "SO", [CKU_USER] = "user"};
	static const uint8_t none[SEAL_CHECKSUM];
	struct row_pin *pin = &reading->pins[role];
	const uint8_t *listed = reading->root.wraps[role];
	CK_RV rv = row_pin_get(&reading->vault->rows, role, pin);

	if (rv != CKR_OK)
		return rv;
	if (pin->damaged) {
		found(reading, "the %s's wrapped key or PIN counter is damaged", names[role]);
	} else if (pin->present && !pin_bounded(&pin->wrap)) {
		found(reading,
			"the %s's wrapped key asks scrypt for n = %llu, r = %u, p = %u, which is "
			"not taken from a file",
			names[role], (unsigned long long)pin->wrap.n, pin->wrap.r, pin->wrap.p);
		pin->damaged = true;
	} else if (!reading->root.damaged &&
		   memcmp(listed, pin->present ? pin->digest : none, SEAL_CHECKSUM) != 0) {
		found(reading, "the %s's wrapped key is %s", names[role],
			pin->present ? "not the one last written" : "missing");
		pin->present = true;
		pin->damaged = true;
	}
	return CKR_OK;
}

static CK_RV entry_gone(struct reading *reading, uint64_t id)
{
	uint64_t *grown = reallocarray(reading->gone, reading->gone_count + 1, sizeof(*grown));

	if (grown == NULL)
		return CKR_HOST_MEMORY;
	reading->gone = grown;
	grown[reading->gone_count++] = id;
	return CKR_OK;
}

static void found_object(struct reading *reading, const struct row_object *row, const char *what)
{
	char name[REPORT_NAME];

	found(reading, "%s %s", report_object(row, name), what);
}

static const char *damage(
	struct reading *reading, const struct row_object *row, const uint8_t *listed)
{
	if (row->damaged)
		return "is damaged";
	if (listed != NULL && memcmp(listed, row->tag, SEAL_TAG) != 0)
		return "is not the one last written";
	if (reading->seal != NULL && seal_check(reading->seal, row->checksum, row->tag) != CKR_OK)
		return "was not written by this vault";
	return NULL;
}

/* Fills an entry from its row. CKR_DEVICE_ERROR: what stands there is no record. */
static CK_RV fill(struct reading *reading, struct entry *entry, const struct row_object *row)
{
	struct attributes *attributes = NULL;
	CK_RV rv;

	memcpy(entry->checksum, row->checksum, SEAL_CHECKSUM);
	entry->private = row->open_length == 0;
	rv = entry_keep(entry, row->sealed, row->sealed_length);
	if (rv != CKR_OK)
		return rv;
	if (entry->private && (reading->seal == NULL || reading->user != CKU_USER))
		return CKR_OK;
	rv = entry->private ? vault_open_private(reading->vault, reading->seal, entry, &attributes)
			    : record_attributes(row->open, row->open_length, &attributes);
	if (rv != CKR_OK)
		return rv == CKR_HOST_MEMORY ? rv : CKR_DEVICE_ERROR;
	entry->object = object_new(entry->id, attributes);
	if (entry->object == NULL) {
		attributes_free(attributes);
		rv = CKR_HOST_MEMORY;
	}
	return rv;
}

static CK_RV put_entry(struct reading *reading, struct entry *entry)
{
	CK_RV rv = catalog_reserve(&reading->put, 1);

	if (rv == CKR_OK)
		catalog_put(&reading->put, entry);
	else
		entry_free(entry);
	return rv;
}

static CK_RV read_object(void *argument, const struct row_object *row)
{
	struct reading *reading = argument;
	size_t slot = row->id % ROW_PAGE;
	const uint8_t *listed = reading->page.damaged ? NULL : reading->page.objects[slot];
	const struct entry *old = catalog_get(&reading->vault->catalog, row->id);
	struct entry *entry;
	const char *what;
	CK_RV rv;

	if (listed != NULL && !reading->page.listed[slot]) {
		found_object(reading, row, "was put there from outside");
		return CKR_OK;
	}
	reading->seen[slot] = true;
	if (!reading->full && !row->damaged && old != NULL && !old->damaged &&
		memcmp(old->tag, row->tag, SEAL_TAG) == 0 &&
		(listed == NULL || memcmp(listed, row->tag, SEAL_TAG) == 0))
		return CKR_OK;
	if (reading->report != NULL)
		reading->report->objects++;
	what = damage(reading, row, listed);
	entry = entry_new(row->id, row->version, listed != NULL ? listed : row->tag);
	if (entry == NULL)
		return CKR_HOST_MEMORY;
	if (what == NULL) {
		rv = fill(reading, entry, row);
		if (rv == CKR_HOST_MEMORY) {
			entry_free(entry);
			return rv;
		}
		if (rv != CKR_OK)
			what = "can't be opened";
	}
	if (what != NULL) {
		found_object(reading, row, what);
		entry->damaged = true;
	}
	return put_entry(reading, entry);
}

/* What the page lists and has no row; what memory has and the page does not list. */
static CK_RV read_absences(struct reading *reading, uint64_t first)
{
	const struct catalog *catalog = &reading->vault->catalog;
	struct entry *entry;
	CK_RV rv = CKR_OK;

	for (size_t slot = 0; slot < ROW_PAGE && rv == CKR_OK; slot++) {
		if (reading->seen[slot])
			continue;
		if (!reading->page.damaged && reading->page.listed[slot]) {
			found(reading, "object %llu is missing or cannot be read",
				(unsigned long long)(first + slot));
			entry = entry_new(first + slot, 0, reading->page.objects[slot]);
			if (entry == NULL)
				return CKR_HOST_MEMORY;
			entry->damaged = true;
			rv = put_entry(reading, entry);
		} else if (!reading->full && catalog_get(catalog, first + slot) != NULL) {
			rv = entry_gone(reading, first + slot);
		}
	}
	return rv;
}

static CK_RV read_page(struct reading *reading, struct row_listed *listed)
{
	struct row_context *rows = &reading->vault->rows;
	uint64_t first = listed->number * ROW_PAGE;
	const char *what = NULL;
	CK_RV rv;

	if (listed->number >= NUMBER_MAX) {
		listed->damaged = true;
		return CKR_OK;
	}
	rv = row_page_get(rows, listed->number, &reading->page);
	if (rv != CKR_OK)
		return rv;
	if (reading->page.damaged)
		what = "is damaged";
	else if (!reading->root.damaged && memcmp(reading->page.tag, listed->tag, SEAL_TAG) != 0)
		what = "is not the one last written";
	else if (reading->seal != NULL &&
		 seal_check(reading->seal, reading->page.checksum, reading->page.tag) != CKR_OK)
		what = "was not written by this vault";
	listed->damaged = reading->page.damaged = what != NULL;
	if (what != NULL)
		found(reading, "page %llu (objects %llu to %llu) %s; they can be read, not written",
			(unsigned long long)listed->number, (unsigned long long)first,
			(unsigned long long)(first + ROW_PAGE - 1), what);
	memset(reading->seen, 0, sizeof(reading->seen));
	rv = row_object_get(rows, &reading->page, read_object, reading);
	return rv == CKR_OK ? read_absences(reading, first) : rv;
}

/* Without a root the pages are what stands in their table. */
static CK_RV list_pages(struct reading *reading)
{
	static const uint8_t unknown[SEAL_TAG];
	uint64_t *numbers = NULL;
	size_t count = 0;
	CK_RV rv = row_page_numbers(&reading->vault->rows, TABLE_PAGE_NUMBERS, &numbers, &count);

	reading->full = true;
	reading->root.count = 0;
	for (size_t i = 0; rv == CKR_OK && i < count; i++)
		rv = row_root_list(&reading->root, numbers[i], unknown);
	free(numbers);
	return rv;
}

/* Objects of pages that the root no longer lists. */
static CK_RV read_lost_pages(struct reading *reading)
{
	const struct vault *vault = reading->vault;
	uint64_t number, last = UINT64_MAX;
	bool listed = false;
	size_t at;
	CK_RV rv = CKR_OK;

	for (size_t i = 0; i < vault->catalog.count && rv == CKR_OK; i++) {
		number = vault->catalog.entries[i]->id / ROW_PAGE;
		if (number != last) {
			at = row_root_place(&reading->root, number);
			listed = at < reading->root.count &&
				 reading->root.pages[at].number == number;
			last = number;
		}
		if (!listed)
			rv = entry_gone(reading, vault->catalog.entries[i]->id);
	}
	return rv;
}

/* About how many objects there are; a root that lists more has to prove it. */
static size_t expected(const struct reading *reading)
{
	size_t pages = reading->root.count;

	return (pages < EXPECTED_MAX ? pages : EXPECTED_MAX) * ROW_PAGE;
}

static CK_RV read_pages(struct reading *reading)
{
	const struct row_root *old = &reading->vault->root;
	struct row_listed *listed;
	size_t at;
	CK_RV rv = CKR_OK;

	if (reading->full)
		rv = catalog_reserve(&reading->put, expected(reading));
	for (size_t i = 0; i < reading->root.count && rv == CKR_OK; i++) {
		listed = &reading->root.pages[i];
		at = row_root_place(old, listed->number);
		if (!reading->full && at < old->count && old->pages[at].number == listed->number &&
			memcmp(old->pages[at].tag, listed->tag, SEAL_TAG) == 0)
			listed->damaged = old->pages[at].damaged;
		else
			rv = read_page(reading, listed);
	}
	if (rv == CKR_OK && !reading->full)
		rv = read_lost_pages(reading);
	return rv;
}

static bool unchanged(const struct reading *reading)
{
	const struct vault *vault = reading->vault;

	return memcmp(reading->root.tag, vault->root.tag, SEAL_TAG) == 0 &&
	       memcmp(reading->root.checksum, vault->root.checksum, SEAL_CHECKSUM) == 0 &&
	       memcmp(reading->pins[0].digest, vault->pins[0].digest, SEAL_CHECKSUM) == 0 &&
	       memcmp(reading->pins[1].digest, vault->pins[1].digest, SEAL_CHECKSUM) == 0 &&
	       reading->pins[0].tries == vault->pins[0].tries &&
	       reading->pins[1].tries == vault->pins[1].tries;
}

CK_RV reading_run(struct reading *reading)
{
	CK_RV rv = read_root(reading);

	if (rv == CKR_OK)
		rv = read_pin(reading, CKU_SO);
	if (rv == CKR_OK)
		rv = read_pin(reading, CKU_USER);
	/* What is damaged is named once, so all of it is looked for at once. */
	if (rv == CKR_OK && (reading->vault->listed || reading->root.damaged ||
				    reading->pins[0].damaged || reading->pins[1].damaged))
		reading->objects = true;
	if (rv != CKR_OK || !reading->objects)
		return rv;
	if (!reading->vault->listed)
		reading->full = true;
	/* The file moved, and nothing that this module would have written did: somebody else wrote. */
	if (!reading->full && unchanged(reading))
		reading->full = true;
	if (reading->root.damaged)
		rv = list_pages(reading);
	return rv == CKR_OK ? read_pages(reading) : rv;
}

void reading_free(struct reading *reading)
{
	row_root_free(&reading->root);
	catalog_free(&reading->put);
	free(reading->gone);
	reading->gone = NULL;
	reading->gone_count = 0;
}
