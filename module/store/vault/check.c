#include "module/store/vault/check.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "module/podpis-vault.h"
#include "module/store/vault/load.h"
#include "module/store/vault/record.h"
#include "module/store/vault/report.h"

/* SQLite's header (https://sqlite.org/fileformat2.html, 1.3) */
#define HEADER_SIZE    100
#define HEADER_PAGE    16 /* bytes of a page, 16 bits; 1: 65536 */
#define HEADER_PAGES   28 /* of the whole file, 32 bits */
#define HEADER_VERSION 60
#define HEADER_MAGIC   68
static const char sqlite_magic[16] = "SQLite format 3";

/* Why the file can't be opened, as far as its first bytes tell; CKR_OK: they don't. */
static CK_RV look_at_header(const char *path, struct vault_report *report)
{
	uint8_t header[HEADER_SIZE];
	struct stat st;
	uint64_t page;
	bool whole;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return CKR_OK;
	whole = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
		pread(fd, header, sizeof(header), 0) == (ssize_t)sizeof(header);
	close(fd);
	if (!whole || memcmp(header, sqlite_magic, sizeof(sqlite_magic)) != 0 ||
		record_get32(header + HEADER_MAGIC) != TABLE_MAGIC) {
		report_add(report, "%s is not a vault", path);
		return CKR_PODPIS_NOT_A_VAULT;
	}
	if (record_get32(header + HEADER_VERSION) != TABLE_VERSION) {
		report_add(report, "%s has format %u, this version knows format %d", path,
			record_get32(header + HEADER_VERSION), TABLE_VERSION);
		return CKR_PODPIS_FORMAT;
	}
	page = (uint64_t)header[HEADER_PAGE] << 8 | header[HEADER_PAGE + 1];
	page = page == 1 ? 65536 : page;
	if ((uint64_t)st.st_size < page * record_get32(header + HEADER_PAGES)) {
		report_add(report, "%s was cut short: %llu bytes of %llu", path,
			(unsigned long long)st.st_size,
			(unsigned long long)page * record_get32(header + HEADER_PAGES));
		return CKR_PODPIS_DAMAGED;
	}
	return CKR_OK;
}

CK_RV check_begin(struct vault *vault, struct vault_report *report)
{
	const char *path = table_path(vault->rows.table);
	bool present;
	CK_RV rv, cause;

	table_disconnect(vault->rows.table);
	rv = table_begin(vault->rows.table, TABLE_READ, &present);
	if (rv == CKR_OK)
		return present ? CKR_OK : CKR_TOKEN_NOT_RECOGNIZED;
	if (rv != CKR_DEVICE_ERROR)
		return rv;
	cause = look_at_header(path, report);
	if (cause != CKR_OK)
		return cause;
	report_add(report, "%s can't be opened; the log says why", path);
	return rv;
}

/* SQLite's check of its own structures: one row that says "ok", or one for each thing that is wrong. */
static CK_RV check_database(struct vault *vault, struct vault_report *report)
{
	sqlite3_stmt *statement = table_statement(vault->rows.table, TABLE_INTEGRITY);
	const char *text;
	CK_RV rv = CKR_OK;
	int rc;

	if (statement == NULL)
		return CKR_DEVICE_ERROR;
	while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
		text = (const char *)sqlite3_column_text(statement, 0);
		if (text != NULL && strcmp(text, "ok") != 0)
			report_add(report, "SQLite: %s", text);
	}
	table_done(statement);
	if (rc != SQLITE_DONE)
		rv = table_failed(vault->rows.table, "cannot be checked", rc);
	return rv;
}

/* Rows that no list names are never looked at by anything else. */
static CK_RV check_unlisted(struct vault *vault, enum table_statement which, const char *what,
	struct vault_report *report)
{
	uint64_t *numbers = NULL;
	size_t count = 0, at;
	CK_RV rv = row_page_numbers(&vault->rows, which, &numbers, &count);

	for (size_t i = 0; rv == CKR_OK && i < count; i++) {
		at = row_root_place(&vault->root, numbers[i]);
		if (at == vault->root.count || vault->root.pages[at].number != numbers[i])
			report_add(report, "%s of page %llu: put there from outside", what,
				(unsigned long long)numbers[i]);
	}
	free(numbers);
	return rv;
}

CK_RV check_read(struct vault *vault, struct vault_report *report)
{
	CK_RV rv = check_database(vault, report);
	bool sound = report->findings == 0; /* a walk through its tables ends */

	if (rv == CKR_OK)
		rv = load_all(vault, report);
	if (rv == CKR_OK && sound)
		rv = check_unlisted(vault, TABLE_PAGE_NUMBERS, "the row", report);
	if (rv == CKR_OK && sound)
		rv = check_unlisted(vault, TABLE_OBJECT_NUMBERS, "objects", report);
	if (rv == CKR_DEVICE_ERROR)
		report_add(report, "the rest can't be read; the log says why");
	if (rv == CKR_OK || rv == CKR_DEVICE_ERROR)
		rv = report->findings > 0 ? CKR_PODPIS_DAMAGED : rv;
	return rv;
}

CK_RV check_token(struct token *token, struct vault_report *report)
{
	struct vault *vault = vault_of(token);
	CK_RV rv;

	pthread_mutex_lock(&vault->disk);
	rv = check_begin(vault, report);
	if (rv == CKR_OK) {
		rv = check_read(vault, report);
		table_rollback(vault->rows.table);
	}
	pthread_mutex_unlock(&vault->disk);
	return rv;
}
