/*
 * quirks: where other PKCS#11 modules, known by name and version and tried in the tests, do otherwise than
 * the standard says. Nothing that a module lacks is made up for.
 */
#ifndef PODPIS_STORE_TOKEN_QUIRKS_H
#define PODPIS_STORE_TOKEN_QUIRKS_H

#include "module/support/pkcs11.h"

enum quirk {
	/*
	 * Looks for tokens in C_Initialize only. One that went stays away when it is back, and its sessions stay
	 * open and find nothing: only C_GetTokenInfo tells. One that comes later is not seen.
	 */
	QUIRK_TOKENS_AT_START = 1,
};

/* The quirks of the module with that C_GetInfo, as bits. */
unsigned quirks_of(const CK_INFO *info);

#endif
