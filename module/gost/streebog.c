#include "module/gost/streebog.h"

void streebog_init(struct streebog *streebog, size_t size)
{
	streebog->size = size;
	if (size == STREEBOG256_DIGEST_SIZE)
		streebog256_init(&streebog->state);
	else
		streebog512_init(&streebog->state);
}

void streebog_update(struct streebog *streebog, const void *data, size_t length)
{
	streebog512_update(&streebog->state, length, data);
}

void streebog_final(struct streebog *streebog, uint8_t *out)
{
	if (streebog->size == STREEBOG256_DIGEST_SIZE)
		streebog256_digest(&streebog->state, STREEBOG256_DIGEST_SIZE, out);
	else
		streebog512_digest(&streebog->state, STREEBOG512_DIGEST_SIZE, out);
}
