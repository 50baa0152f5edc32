/*
 * token_object: objects in a token, found and read.
 */
#ifndef PODPIS_PROVISION_TOKEN_OBJECT_H
#define PODPIS_PROVISION_TOKEN_OBJECT_H

#include <stdint.h>

#include "module/support/buffer.h"
#include "provision/slot.h"

#define TOKEN_OBJECTS_MAX 4096

/* The handles of all objects that match, at most `max`; *count is set to their number. */
bool token_object_find(struct slot *slot, CK_ATTRIBUTE *templ, CK_ULONG templ_count,
	CK_OBJECT_HANDLE *handles, size_t max, size_t *count, struct error *err);

/* Those of one class with that CKA_ID. */
bool token_object_by_id(struct slot *slot, CK_OBJECT_CLASS class, const uint8_t *id,
	size_t id_length, CK_OBJECT_HANDLE *handles, size_t max, size_t *count, struct error *err);

/* Appends the attribute's value. False without an error when the object has no such attribute (or hides it). */
bool token_object_read(
	struct slot *slot, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, struct buffer *value);

#endif
