#include "module/crypto/checksum.h"

/* Deprecated in favour of fetching; not being fetched is the point. */
#undef OPENSSL_NO_DEPRECATED
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

void checksum_make(const struct checksum_piece *pieces, size_t count, uint8_t out[CHECKSUM_SIZE])
{
	SHA256_CTX hash;

	SHA256_Init(&hash);
	for (size_t i = 0; i < count; i++)
		SHA256_Update(&hash, pieces[i].data, pieces[i].length);
	SHA256_Final(out, &hash);
}
