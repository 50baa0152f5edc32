/*
 * policy: Firefox's policies.json, with which an administrator sets up every profile on a machine, also those that
 * are not made yet: {"policies": {"SecurityDevices": {"Add": {NAME: LIBRARY}}}}.
 *
 * The file is the administrator's. It is read as JSON, but changed as text: a piece is put in at one place, so that
 * everything else stays as it was written, and taking the piece out gives the old file.
 */
#ifndef PODPIS_WORKPLACE_POLICY_H
#define PODPIS_WORKPLACE_POLICY_H

#include "module/support/buffer.h"
#include "provision/workplace/place.h"

/* What the text has of Podpis; an empty text has nothing. ERROR_FAILED: it is not what Firefox reads. */
bool policy_look(const char *text, const char *module, struct place_view *view, struct error *err);

/*
 * What makes a text with the module of one without, put in at *offset. The caller frees *piece. For a text in which
 * policy_look finds nothing.
 */
bool policy_piece(
	const char *text, const char *module, size_t *offset, char **piece, struct error *err);

/* Appends the text without this library's member; false when it has none. */
bool policy_without(const char *text, const char *library, struct buffer *out);

#endif
