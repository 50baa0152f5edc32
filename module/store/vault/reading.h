/*
 * reading: one look at the vault's file, and what it found that differs from the vault's memory.
 *
 * The root's list tells which pages changed, a page's list which objects did; the rest is not read. What
 * does not stand as listed, or fails its checksum, or (where there is a seal) its tag, is told as a finding and
 * marked as damaged, and keeps nothing else from being read. Gathered without the memory lock: load.c applies it.
 */
#ifndef PODPIS_STORE_VAULT_READING_H
#define PODPIS_STORE_VAULT_READING_H

#include "module/store/vault/vault.h"

struct reading {
	struct vault *vault;
	struct seal *seal; /* NULL: tags can't be checked */
	CK_USER_TYPE user;
	bool objects; /* they too; else label and PINs, unless something is wrong with these */
	bool full;    /* reads everything; else what differs from the vault's memory */
	struct vault_login *login;   /* begins when this reading is applied; NULL: none does */
	struct vault_report *report; /* NULL: the log is told what is found */
	size_t findings;

	/* What stands in the file. */
	struct row_root root;
	struct row_pin pins[2];
	struct catalog put; /* new and changed entries */
	size_t gone_count;
	uint64_t *gone;
	struct row_page page; /* the one that is being read */
	bool seen[ROW_PAGE];
};

/*
 * Reads, as the fields say that the caller has set. `disk` is held, inside a transaction that sees the vault; the
 * uuid of vault->rows becomes that of what is read. A seal of another vault is taken out of the reading.
 */
CK_RV reading_run(struct reading *reading);
/* Frees what was found and not applied; what was given to the reading stays the caller's. */
void reading_free(struct reading *reading);

#endif
