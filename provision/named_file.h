/*
 * named_file: a file that a person names, read whole, digested in pieces, and written whole or not at all.
 */
#ifndef PODPIS_PROVISION_NAMED_FILE_H
#define PODPIS_PROVISION_NAMED_FILE_H

#include "asn1/message_digest.h"
#include "module/support/buffer.h"
#include "module/support/error.h"

/* Appends the file, the buffer's limit at most. ERROR_USAGE names it and says why not. */
bool named_file_read(const char *path, struct buffer *out, struct error *err);

/* The digest of a file of any size, by asn1/'s name for it. A folder is no file. */
bool named_file_digest(const char *path, const char *name, uint8_t digest[MESSAGE_DIGEST_MAX],
	size_t *length, struct error *err);

/*
 * Who may read a file that is made of this one: whoever may read this one. 0600 when it can't be told.
 */
unsigned named_file_mode(const char *path);

/* "-", where a file is to be written, is standard output. NULL is not. */
bool named_file_is_stdout(const char *path);

/*
 * The file has all of it and is on the disk when this returns true; before, it is not there (or, with
 * `replace`, as it was), whenever the process ends. Without `replace` an existing file, also one that
 * appears meanwhile, is ERROR_USAGE.
 */
bool named_file_write(const char *path, const void *data, size_t length, unsigned mode,
	bool replace, struct error *err);

#endif
