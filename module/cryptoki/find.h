/*
 * find: searches (PKCS #11 v3.0, 5.7.7 to 5.7.9). The handles are collected when the search begins.
 */
#ifndef PODPIS_CRYPTOKI_FIND_H
#define PODPIS_CRYPTOKI_FIND_H

#include <stdbool.h>

#include "module/support/pkcs11.h"

struct session;

struct find {
	bool active;
	CK_ULONG count, next;
	CK_OBJECT_HANDLE *handles;
};

CK_RV find_init(struct session *session, const CK_ATTRIBUTE *templ, CK_ULONG count);
CK_RV find_next(struct session *session, CK_OBJECT_HANDLE *out, CK_ULONG max, CK_ULONG *count);
CK_RV find_final(struct session *session);
void find_free(struct find *find);

#endif
