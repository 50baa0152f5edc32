/*
 * streebog: GOST R 34.11-2012 (RFC 6986), nettle's.
 *
 * A running digest is a plain value that may be copied and needs no freeing; who hashes secrets wipes it. The digest's
 * bytes are in the order of X.509 and CMS, that of GOST R 34.10's numbers read little-endian.
 */
#ifndef PODPIS_GOST_STREEBOG_H
#define PODPIS_GOST_STREEBOG_H

#include <stddef.h>
#include <stdint.h>

#include <nettle/streebog.h>

struct streebog {
	size_t size; /* bytes of the digest: 32 or 64 */
	struct streebog512_ctx state;
};

void streebog_init(struct streebog *streebog, size_t size);
void streebog_update(struct streebog *streebog, const void *data, size_t length);
/* Writes `size` bytes and starts over. */
void streebog_final(struct streebog *streebog, uint8_t *out);

#endif
