#include "module/store/vault/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "module/podpis-vault.h"
#include "module/store/vault/check.h"
#include "module/store/vault/guard.h"
#include "module/store/vault/load.h"
#include "module/store/vault/report.h"
#include "module/store/vault/row_object.h"
#include "module/support/folder.h"
#include "module/support/new_file.h"

#define COPY_PIECE ((size_t)16 << 10)

/*
 * Making one
 */

/* A file that has its name when it is complete. */
struct draft {
	const char *path, *name; /* the name is the path's end */
	int folder;
	struct new_file file;
};

static CK_RV file_failed(struct vault_report *report, const char *path, const char *what, int error)
{
	report_add(report, "%s %s: %s", path, what, strerror(error));
	return error == ENOSPC || error == EDQUOT || error == EFBIG ? CKR_DEVICE_MEMORY
								    : CKR_PODPIS_FILE;
}

static CK_RV file_exists(struct vault_report *report, const char *path)
{
	report_add(report, "%s is there already", path);
	return CKR_PODPIS_FILE_EXISTS;
}

static CK_RV draft_open(struct draft *draft, const char *path, struct vault_report *report)
{
	const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
	struct stat st;

	char *folder;
	bool opened;

	*draft = (struct draft){.path = path, .name = name, .folder = -1, .file.fd = -1};
	if (name[0] == '\0')
		return file_failed(report, path, "can't be made", EISDIR);
	if (lstat(path, &st) == 0)
		return file_exists(report, path);
	folder = slash == NULL ? strdup(".") : strndup(path, (size_t)(slash - path) + 1);
	if (folder == NULL)
		return CKR_HOST_MEMORY;
	draft->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	opened = draft->folder >= 0 && new_file_open(draft->folder, ".podpis", &draft->file);
	free(folder);
	return opened ? CKR_OK : file_failed(report, path, "can't be made", errno);
}

static CK_RV draft_publish(struct draft *draft, struct vault_report *report)
{
	if (fsync(draft->file.fd) != 0)
		return file_failed(report, draft->path, "can't be written", errno);
	/* Never over another file. */
	if (!new_file_link(&draft->file, draft->name))
		return errno == EEXIST ? file_exists(report, draft->path)
				       : file_failed(report, draft->path, "can't be made", errno);
	/* A file system may have no such thing. */
	if (fsync(draft->folder) != 0 && errno != EINVAL)
		return file_failed(report, draft->path, "may not last", errno);
	return CKR_OK;
}

static void draft_close(struct draft *draft)
{
	new_file_close(&draft->file);
	if (draft->folder >= 0)
		close(draft->folder);
}

/* Byte for byte. errno's code, or 0. */
static int copy_file(int from, int to)
{
	uint8_t piece[COPY_PIECE];
	off_t at = 0;
	ssize_t got;
	int error = 0;

	while (error == 0 && (got = pread(from, piece, sizeof(piece), at)) != 0) {
		if (got > 0)
			error = folder_write_all(to, piece, (size_t)got) ? 0 : errno;
		else if (errno != EINTR)
			error = errno;
		at += got > 0 ? got : 0;
	}
	return error;
}

/* Checked and copied in one transaction: what is in the copy is what was checked. */
static CK_RV copy_checked(struct vault *vault, struct draft *draft, struct vault_report *report)
{
	int error;
	CK_RV rv;

	pthread_mutex_lock(&vault->disk);
	rv = check_begin(vault, report);
	if (rv == CKR_OK) {
		rv = check_read(vault, report);
		if (rv == CKR_OK) {
			error = copy_file(table_file(vault->rows.table), draft->file.fd);
			if (error != 0)
				rv = file_failed(report, draft->path, "can't be written", error);
		}
		table_rollback(vault->rows.table);
	}
	pthread_mutex_unlock(&vault->disk);
	return rv;
}

CK_RV backup_make(struct token *token, const char *path, struct vault_report *report)
{
	struct draft draft;
	CK_RV rv = draft_open(&draft, path, report);

	if (rv == CKR_OK)
		rv = copy_checked(vault_of(token), &draft, report);
	if (rv == CKR_OK)
		rv = draft_publish(&draft, report);
	draft_close(&draft);
	return rv;
}

/*
 * Restoring one
 */

struct restoration {
	struct vault *vault;   /* the slot's */
	struct vault *backup;  /* the file's: of this thread alone, inside a reading transaction */
	struct seal *seal;     /* of the backup's token key */
	CK_USER_TYPE role;     /* whose PIN opened it */
	struct row_page page;  /* that is being copied; what is listed in it was not seen yet */
	struct row_context to; /* the slot's table, the backup's uuid */
	CK_FLAGS flags;
	struct vault_report *report;
};

static CK_RV open_backup(struct restoration *restoration, const char *path)
{
	const struct store_environment environment = {
		.log = restoration->vault->log, .crypto = restoration->vault->crypto};
	struct stat from, to;
	CK_RV rv;

	if (stat(path, &from) != 0)
		return file_failed(restoration->report, path, "can't be opened", errno);
	if (stat(table_path(restoration->vault->rows.table), &to) == 0 &&
		from.st_dev == to.st_dev && from.st_ino == to.st_ino) {
		report_add(restoration->report, "%s is the vault itself", path);
		return CKR_PODPIS_FILE;
	}
	restoration->backup = vault_new(&environment, "backup", path);
	if (restoration->backup == NULL)
		return CKR_HOST_MEMORY;
	rv = check_begin(restoration->backup, restoration->report);
	if (rv == CKR_TOKEN_NOT_RECOGNIZED) {
		report_add(restoration->report, "%s is empty", path);
		rv = CKR_PODPIS_NOT_A_VAULT;
	}
	return rv;
}

/* First what can be told without the PIN, so that nobody tries one on a file that is none or is not whole. */
static CK_RV check_backup(struct restoration *restoration, const uint8_t *pin, size_t length)
{
	struct vault *backup = restoration->backup;
	CK_RV rv = check_read(backup, restoration->report);

	if (rv != CKR_OK)
		return rv;
	rv = guard_try_backup(
		restoration->vault, backup, restoration->role, pin, length, &restoration->seal);
	if (rv != CKR_OK)
		return rv;
	backup->seal = restoration->seal;
	backup->user = restoration->role;
	restoration->report->objects = 0;
	rv = load_all(backup, restoration->report);
	if (rv == CKR_OK && restoration->report->findings > 0)
		rv = CKR_PODPIS_DAMAGED;
	backup->seal = NULL;
	return rv;
}

static CK_RV changed(struct restoration *restoration)
{
	report_add(restoration->report, "the backup changed while it was read");
	return CKR_PODPIS_DAMAGED;
}

/*
 * What is signed anew must be what was signed before, and somebody else may write into the file meanwhile. So
 * everything is looked at once more where it is copied, from the root down, which is in memory since its tag was
 * found right.
 */
static CK_RV vouch(struct restoration *restoration, bool damaged, const uint8_t *checksum,
	const uint8_t *tag, const uint8_t *listed)
{
	if (!damaged && memcmp(tag, listed, SEAL_TAG) == 0 &&
		seal_check(restoration->seal, checksum, tag) == CKR_OK)
		return CKR_OK;
	return changed(restoration);
}

static CK_RV put_object(void *argument, const struct row_object *row)
{
	struct restoration *restoration = argument;
	size_t slot = row->id % ROW_PAGE;
	struct row_object copy = *row;
	CK_RV rv = vouch(restoration, row->damaged || !restoration->page.listed[slot],
		row->checksum, row->tag, restoration->page.objects[slot]);

	restoration->page.listed[slot] = false; /* each once */
	return rv == CKR_OK ? row_object_put(&restoration->to, restoration->seal, &copy) : rv;
}

static CK_RV put_page(struct restoration *restoration, const struct row_listed *listed)
{
	struct row_page *page = &restoration->page;
	CK_RV rv = row_page_get(&restoration->backup->rows, listed->number, page);

	if (rv == CKR_OK)
		rv = vouch(restoration, page->damaged, page->checksum, page->tag, listed->tag);
	if (rv == CKR_OK)
		rv = row_page_put(&restoration->to, restoration->seal, page);
	if (rv == CKR_OK)
		rv = row_object_get(&restoration->backup->rows, page, put_object, restoration);
	if (rv == CKR_OK && memchr(page->listed, true, sizeof(page->listed)) != NULL)
		rv = changed(restoration);
	return rv;
}

static CK_RV put_pages(struct restoration *restoration)
{
	const struct row_root *root = &restoration->backup->root;
	CK_RV rv = CKR_OK;

	for (size_t i = 0; i < root->count && rv == CKR_OK; i++)
		rv = put_page(restoration, &root->pages[i]);
	return rv;
}

/* The PIN that was right clears its count; tries of the other one since the backup stay counted. */
static CK_RV put_pins(struct restoration *restoration)
{
	const struct vault *vault = restoration->vault, *backup = restoration->backup;
	bool same = vault->present && memcmp(vault->uuid, backup->uuid, SEAL_UUID) == 0;
	CK_RV rv = CKR_OK;

	for (CK_USER_TYPE role = CKU_SO; role <= CKU_USER && rv == CKR_OK; role++) {
		struct row_pin pin = backup->pins[role];

		if (!pin.present)
			continue;
		if (role == restoration->role)
			pin.tries = 0;
		else if (same && vault->pins[role].present && vault->pins[role].tries > pin.tries)
			pin.tries = vault->pins[role].tries;
		rv = row_pin_put(&restoration->to, &pin);
	}
	return rv;
}

static uint64_t greater(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Inside the vault's transaction. */
static CK_RV put_vault(struct restoration *restoration)
{
	const struct vault *vault = restoration->vault;
	struct row_root root = {0};
	CK_RV rv = guard_clear(&restoration->to);

	if (rv == CKR_OK)
		rv = row_identity_put(&restoration->to);
	if (rv == CKR_OK)
		rv = put_pins(restoration);
	if (rv == CKR_OK)
		rv = put_pages(restoration);
	if (rv == CKR_OK)
		rv = row_root_copy(&restoration->backup->root, &root);
	if (rv != CKR_OK)
		return rv;
	root.next = greater(root.next, vault->root.next);
	root.generation = greater(root.generation, vault->root.generation) + 1;
	rv = row_root_put(&restoration->to, restoration->seal, &root);
	row_root_free(&root);
	return rv;
}

/* What stands in the slot, and whether it may go. A damaged vault may: that is what a backup is for. */
static CK_RV look_at_vault(struct restoration *restoration, bool present)
{
	struct vault *vault = restoration->vault;
	CK_RV rv;

	if (!present)
		return CKR_OK;
	rv = load_inside(vault, LOAD_OBJECTS);
	if (rv == CKR_DEVICE_ERROR)
		load_nothing(vault, rv);
	else if (rv != CKR_OK)
		return rv;
	if ((rv == CKR_OK && vault->catalog.count == 0) ||
		(restoration->flags & PODPIS_VAULT_REPLACE) != 0)
		return CKR_OK;
	if (rv == CKR_OK)
		report_add(restoration->report, "%s holds %zu objects",
			table_path(vault->rows.table), vault->catalog.count);
	else
		report_add(restoration->report, "%s can't be read, and may hold objects",
			table_path(vault->rows.table));
	return CKR_PODPIS_NOT_EMPTY;
}

static CK_RV replace(struct restoration *restoration)
{
	struct vault *vault = restoration->vault;
	bool dry = (restoration->flags & PODPIS_VAULT_DRY_RUN) != 0, present;
	CK_RV rv;

	pthread_mutex_lock(&vault->disk);
	rv = table_begin(vault->rows.table, dry ? TABLE_READ : TABLE_CREATE, &present);
	if (rv == CKR_DEVICE_ERROR)
		report_add(restoration->report, "%s can't be written into; move it away",
			table_path(vault->rows.table));
	if (rv != CKR_OK)
		goto out;
	rv = look_at_vault(restoration, present);
	if (rv == CKR_OK && !dry) {
		restoration->to = (struct row_context){.table = vault->rows.table};
		memcpy(restoration->to.uuid, restoration->backup->uuid, SEAL_UUID);
		rv = put_vault(restoration);
	}
	if (rv == CKR_OK && !dry)
		rv = table_commit(vault->rows.table);
	else
		table_rollback(vault->rows.table);
	table_forget(vault->rows.table);
out:
	pthread_mutex_unlock(&vault->disk);
	return rv;
}

CK_RV backup_restore(struct token *token, const char *path, CK_USER_TYPE user, const uint8_t *pin,
	size_t length, CK_FLAGS flags, struct vault_report *report)
{
	struct restoration restoration = {
		.vault = vault_of(token), .role = user, .flags = flags, .report = report};
	CK_RV rv;

	/* A vault that can't be read may be replaced; replace() looks again. */
	(void)load_refresh(restoration.vault, LOAD_STATUS);
	rv = open_backup(&restoration, path);
	if (rv == CKR_OK) {
		rv = check_backup(&restoration, pin, length);
		if (rv == CKR_OK)
			rv = replace(&restoration);
		table_rollback(restoration.backup->rows.table);
	}
	vault_free(restoration.backup);
	seal_free(restoration.seal);
	if (rv == CKR_OK && (flags & PODPIS_VAULT_DRY_RUN) == 0)
		rv = load_refresh(restoration.vault, LOAD_STATUS);
	return rv;
}
