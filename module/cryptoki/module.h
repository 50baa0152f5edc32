/*
 * module: everything that C_Initialize makes and C_Finalize frees (PKCS #11 v3.0, 5.4).
 */
#ifndef PODPIS_CRYPTOKI_MODULE_H
#define PODPIS_CRYPTOKI_MODULE_H

#include "module/cryptoki/session.h"
#include "module/cryptoki/slot.h"
#include "module/store/store.h"

struct module {
	struct log *log;
	struct config *config;
	struct crypto *crypto;
	struct inner_table *inners;
	struct store_environment environment;
	atomic_bool closing; /* C_Finalize wants everyone out */
	bool sha1;           /* mechanisms with SHA-1 are offered ([module] sha1) */
	struct slot_table slots;
	struct session_table sessions;
};

/* C_Initialize and C_Finalize, their arguments included. */
CK_RV module_initialize(const CK_C_INITIALIZE_ARGS *arguments);
CK_RV module_finalize(const void *reserved);

CK_RV module_info(CK_INFO *out);

/* Fills a blank-padded field of `size` bytes, cutting at a character (PKCS #11 v3.0, 2.1). */
void module_pad(unsigned char *field, size_t size, const char *text);

#endif
