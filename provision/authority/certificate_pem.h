/*
 * certificate_pem: certificates as PEM (RFC 7468), the form in which authorities hand them to the flow.
 */
#ifndef PODPIS_AUTHORITY_CERTIFICATE_PEM_H
#define PODPIS_AUTHORITY_CERTIFICATE_PEM_H

#include <stddef.h>
#include <stdint.h>

#include "module/support/buffer.h"
#include "module/support/error.h"

/* Appends one block of that label. */
bool certificate_pem_block(const char *label, const uint8_t *der, size_t length, struct buffer *pem,
	struct error *err);

/* Appends one certificate, after a look that it is one. ERROR_UNREACHABLE: it is not. */
bool certificate_pem(const uint8_t *der, size_t length, struct buffer *pem, struct error *err);

/* Appends all certificates of a file in any form. ERROR_WORKPLACE: it can't be read. */
bool certificate_pem_file(const char *path, struct buffer *pem, struct error *err);

#endif
