/*
 * checksum: SHA-256 over several pieces, by libcrypto's bare functions: no context, nothing fetched, no ENGINE asked,
 * nothing set up in the process. For what is read before anybody has logged in.
 */
#ifndef PODPIS_CRYPTO_CHECKSUM_H
#define PODPIS_CRYPTO_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

#define CHECKSUM_SIZE 32 /* bytes */

struct checksum_piece {
	const void *data;
	size_t length; /* bytes */
};

/* Of the pieces one after the other (FIPS 180-4). */
void checksum_make(const struct checksum_piece *pieces, size_t count, uint8_t out[CHECKSUM_SIZE]);

#endif
