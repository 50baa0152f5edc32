/*
 * podpis-cloud: what podpis-pkcs11.so offers for its cloud slots beyond PKCS#11: what the service says of a
 * credential, a refresh of what is known, and a one-time password.
 *
 * A vendor interface (PKCS #11 v3.0, 3.8), used as podpis-vault.h's is:
 *
 *	if (C_GetInterface((CK_UTF8CHAR_PTR)PODPIS_CLOUD_INTERFACE, &version, &interface, 0) == CKR_OK)
 *		cloud = interface->pFunctionList; // PODPIS_CLOUD_FUNCTIONS *
 *
 * Each credential is a token, in a slot of its own; the slots of one account share the description, which is the
 * section's name. An account of which nothing is known yet has one slot without a token. Certificates and keys
 * are read with plain PKCS#11. The functions are called between C_Initialize and C_Finalize, by any thread. They
 * answer, among others:
 *
 *	CKR_CRYPTOKI_NOT_INITIALIZED, CKR_ARGUMENTS_BAD, CKR_SLOT_ID_INVALID
 *	CKR_FUNCTION_NOT_SUPPORTED	the slot is not in the cloud
 *	CKR_TOKEN_NOT_PRESENT		the slot's section of the configuration can't be used; no credential is known
 *	CKR_FUNCTION_CANCELED		C_Finalize ended the wait
 *
 * Minor versions add functions at the table's end.
 */
#ifndef PODPIS_CLOUD_H
#define PODPIS_CLOUD_H

#define PODPIS_CLOUD_INTERFACE "Vendor Podpis Cloud"

#ifndef CKR_PODPIS
#define CKR_PODPIS(n) (CKR_VENDOR_DEFINED | 0x50445000UL | (n))
#endif
#define CKR_PODPIS_LOGIN CKR_PODPIS(0x21) /* a person has to log in at the service first */
#define CKR_PODPIS_UNREACHABLE                                                                     \
	CKR_PODPIS(0x22) /* no answer in time, or not who it should be: see `tell` */
#define CKR_PODPIS_REFUSED CKR_PODPIS(0x23) /* the service says no, in its own words: see `tell` */

/*
 * What a call has to say besides its CK_RV. The caller sets `tell` (or NULL) and `context`, the call the rest,
 * also when it fails. `tell` is called once for each thing to say, when the work is over and nothing is locked:
 * one line of UTF-8 without control characters. After CKR_OK these are warnings: a credential that is not
 * understood, and so not shown.
 */
typedef struct PODPIS_CLOUD_REPORT {
	void (*tell)(void *context, const char *line);
	void *context;
	CK_ULONG credentials; /* of the account, as far as they are shown */
} PODPIS_CLOUD_REPORT;

/* How a credential's signatures are authorised. */
#define PODPIS_CLOUD_IMPLICIT   0UL /* the service sees to it itself */
#define PODPIS_CLOUD_EXPLICIT   1UL /* by what `wants` says */
#define PODPIS_CLOUD_OAUTH2CODE 2UL /* in the browser */

#define PODPIS_CLOUD_PIN        1UL
#define PODPIS_CLOUD_OTP        2UL /* behind the PIN and a space, or alone */
#define PODPIS_CLOUD_OTP_SENT   4UL /* the service sends it, when it is asked to */

typedef struct PODPIS_CLOUD_CREDENTIAL {
	char id[256];          /* the service's */
	char description[256]; /* the service's words, plain UTF-8; "": none */
	char status
		[16]; /* why it does not sign: "disabled", "expired", "revoked", "suspended"; "": it does */
	CK_ULONG mode;
	CK_FLAGS wants;
	CK_ULONG scal;      /* 1, or 2: each authorisation is for certain hashes */
	CK_ULONG multisign; /* signatures that one authorisation can be for */
	CK_ULONG read;      /* when the service said so, seconds since 1970 */
} PODPIS_CLOUD_CREDENTIAL;

typedef struct PODPIS_CLOUD_FUNCTIONS {
	CK_VERSION version; /* 1.0 */

	/* What is known of the slot's credential, from memory. */
	CK_RV (*credential)(CK_SLOT_ID slot, PODPIS_CLOUD_CREDENTIAL *out);

	/*
	 * Asks the service for the credentials of the slot's account, within so many seconds (0: a minute), and keeps
	 * the answer for all processes. Logs in at the service where that takes no person. New credentials are slots
	 * after the next C_GetSlotList that asks for the list's length.
	 */
	CK_RV (*refresh)(CK_SLOT_ID slot, CK_ULONG seconds, PODPIS_CLOUD_REPORT *report);

	/*
	 * Asks the service to send the credential's one-time password to its holder. CKR_KEY_FUNCTION_NOT_PERMITTED:
	 * it wants none, or none that is sent.
	 */
	CK_RV (*send_otp)(CK_SLOT_ID slot, CK_ULONG seconds, PODPIS_CLOUD_REPORT *report);
} PODPIS_CLOUD_FUNCTIONS;

#endif
