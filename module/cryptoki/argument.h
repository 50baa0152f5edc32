/*
 * argument: what an application passes as a pointer and a length (PKCS #11 v3.0, 5.1.1: CKR_ARGUMENTS_BAD).
 */
#ifndef PODPIS_CRYPTOKI_ARGUMENT_H
#define PODPIS_CRYPTOKI_ARGUMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "module/support/attributes.h"

#define ARGUMENT_BYTES_MAX (SIZE_MAX / 2) /* no object in memory is longer */

/*
 * Can there be so many bytes at that place? False for NULL with a length, and for a length such as
 * CK_UNAVAILABLE_INFORMATION, left over from an error.
 */
static inline bool argument_is_bytes(const void *bytes, CK_ULONG length)
{
	return length == 0 || (bytes != NULL && length <= ARGUMENT_BYTES_MAX);
}

/* The same of a template, which has at most ATTRIBUTES_MAX entries. */
static inline bool argument_is_template(const CK_ATTRIBUTE *templ, CK_ULONG count)
{
	return count == 0 || (templ != NULL && count <= ATTRIBUTES_MAX);
}

#endif
