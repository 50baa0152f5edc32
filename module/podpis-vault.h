/*
 * podpis-vault: what podpis-pkcs11.so offers for its vaults beyond PKCS#11: backup, restore, check.
 *
 * A vendor interface (PKCS #11 v3.0, 3.8): include a PKCS#11 header, then this one, and ask for it by name:
 *
 *	CK_VERSION version = {1, 0};
 *	CK_INTERFACE *interface;
 *
 *	if (C_GetInterface((CK_UTF8CHAR_PTR)PODPIS_VAULT_INTERFACE, &version, &interface, 0) == CKR_OK)
 *		vault = interface->pFunctionList; // PODPIS_VAULT_FUNCTIONS *
 *
 * Everything else that a vault can do (C_InitToken, C_InitPIN, C_SetPIN ...) is plain PKCS#11. The functions are
 * called between C_Initialize and C_Finalize, by any thread, as those of PKCS#11 are. They answer, among others:
 *
 *	CKR_CRYPTOKI_NOT_INITIALIZED, CKR_ARGUMENTS_BAD, CKR_SLOT_ID_INVALID
 *	CKR_FUNCTION_NOT_SUPPORTED	the slot is not a vault
 *	CKR_TOKEN_NOT_PRESENT		the slot's section of the configuration can't be used
 *	CKR_TOKEN_NOT_RECOGNIZED	there is no vault in the slot yet (C_InitToken makes one)
 *	CKR_FUNCTION_FAILED		another program kept the file locked for ten seconds
 *	CKR_TOKEN_WRITE_PROTECTED, CKR_DEVICE_MEMORY	the vault may not be written; the disk is full
 *
 * Minor versions add functions at the table's end.
 */
#ifndef PODPIS_VAULT_H
#define PODPIS_VAULT_H

#define PODPIS_VAULT_INTERFACE "Vendor Podpis Vault"

#define CKR_PODPIS(n)          (CKR_VENDOR_DEFINED | 0x50445000UL | (n))
#define CKR_PODPIS_DAMAGED     CKR_PODPIS(1) /* what was read is not as it was written: see `tell` */
#define CKR_PODPIS_NOT_A_VAULT CKR_PODPIS(2) /* the file is something else */
#define CKR_PODPIS_FORMAT      CKR_PODPIS(3) /* the file's format is of a later version */
#define CKR_PODPIS_NOT_EMPTY   CKR_PODPIS(4) /* the slot's vault holds objects */
#define CKR_PODPIS_FILE        CKR_PODPIS(5) /* the named file can't be made or opened: see `tell` */
#define CKR_PODPIS_FILE_EXISTS CKR_PODPIS(6) /* a backup never overwrites */

/*
 * What a call has to say besides its CK_RV. The caller sets `tell` (or NULL) and `context`, the call the rest,
 * also when it fails. `tell` is called once for each finding, when the work is over and nothing is locked: one
 * line of UTF-8 without control characters, which says what is wrong where.
 */
typedef struct PODPIS_VAULT_REPORT {
	void (*tell)(void *context, const char *finding);
	void *context;
	CK_ULONG objects;  /* that were read */
	CK_ULONG findings; /* 0: all is well */
	CK_BBOOL tags;     /* the tags were checked, too, which takes a PIN: else checksums alone */
} PODPIS_VAULT_REPORT;

#define PODPIS_VAULT_REPLACE                                                                       \
	1UL /* restore although the slot's vault holds objects, which are then gone */
#define PODPIS_VAULT_DRY_RUN 2UL /* check all that there is to check, and write nothing */

typedef struct PODPIS_VAULT_FUNCTIONS {
	CK_VERSION version; /* 1.0 */

	/*
	 * Reads everything anew: SQLite's own check, then every row against its checksum and against the list that
	 * it stands in; while somebody is logged in, against its tag. CKR_PODPIS_DAMAGED when there are findings.
	 */
	CK_RV (*check)(CK_SLOT_ID slot, PODPIS_VAULT_REPORT *report);

	/*
	 * Writes the vault, as it is at one moment, to a new file of mode 0600, while others go on using it. The
	 * file is complete and on the disk, or not there. It is a vault file: PINs and their counters are the
	 * vault's. A damaged vault is not backed up (CKR_PODPIS_DAMAGED). Takes no login.
	 */
	CK_RV (*backup)(CK_SLOT_ID slot, const char *path, PODPIS_VAULT_REPORT *report);

	/*
	 * Makes the slot's vault what the backup is, PINs included, in one transaction. Before it the whole backup
	 * is checked, with its own user's PIN (CKU_USER) or SO's (CKU_SO): CKR_PIN_INCORRECT, CKR_PIN_LOCKED,
	 * CKR_USER_PIN_NOT_INITIALIZED. This process may have no session with the slot (CKR_SESSION_EXISTS); other
	 * processes see the restored objects at their next search, and logins to another vault's token key end.
	 */
	CK_RV(*restore)
	(CK_SLOT_ID slot, const char *path, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin,
		CK_ULONG pin_length, CK_FLAGS flags, PODPIS_VAULT_REPORT *report);
} PODPIS_VAULT_FUNCTIONS;

#endif
