/*
 * library: another PKCS#11 module's shared object, its functions and its C_Initialize.
 *
 * Once loaded it stays in the process: its exit handlers and threads are its own business.
 */
#ifndef PODPIS_STORE_TOKEN_LIBRARY_H
#define PODPIS_STORE_TOKEN_LIBRARY_H

#include <stdbool.h>

#include "module/support/pkcs11.h"

struct library {
	/* A copy of the module's own table; NULL where it lacks a function (those of 3.0 in a 2.40 module). */
	CK_FUNCTION_LIST_3_0 functions;
	bool loaded;
	bool serial;       /* it can't lock for itself: one call at a time */
	unsigned quirks;   /* enum quirk, known after library_start */
	char problem[400]; /* why the last of these functions failed */
};

/*
 * Loads it and takes its functions; no function of Cryptoki is called yet but C_GetInterface and
 * C_GetFunctionList. Podpis itself, by whatever path, and p11-kit's proxy are refused: each would lead back
 * to us. CKR_GENERAL_ERROR.
 */
CK_RV library_load(struct library *library, const char *path);

/*
 * C_Initialize, with the host's flags. `*owner`: it was not initialised before, so that the C_Finalize is
 * ours to call; CKR_CRYPTOKI_ALREADY_INITIALIZED is success. `inherited`: what is initialised there is what a
 * fork left behind, and is ended first. What C_GetInfo says is refused as above. The module's own error.
 */
CK_RV library_start(struct library *library, CK_FLAGS flags, bool inherited, bool *owner);

/*
 * The process is ending, and such a library's own exit handlers and static destructors run or have run: it is not
 * to be called any more. Applications still call us then, from exit handlers of their own.
 */
bool library_is_past(void);

#endif
