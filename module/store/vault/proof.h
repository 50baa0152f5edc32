/*
 * proof: what the keys of a login say about what memory holds (docs/vault-format.md, "Checksums and tags").
 *
 * Without a key only checksums and lists could be checked when the vault was read. With one, the tags are: of
 * the root, of the pages that it lists, of the objects that these list. Nothing is read from the disk.
 */
#ifndef PODPIS_STORE_VAULT_PROOF_H
#define PODPIS_STORE_VAULT_PROOF_H

#include "module/store/vault/vault.h"

/*
 * For CKU_USER, the private objects, which come into sight, are put into `out` in their new states. Any error
 * means that the vault has to be read anew, with the keys, to name what is wrong. `disk` is held.
 */
CK_RV proof_of_memory(
	struct vault *vault, struct seal *seal, CK_USER_TYPE user, struct catalog *out);

#endif
