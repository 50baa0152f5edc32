#include "module/cryptoki/random.h"

#include "module/cryptoki/module.h"

CK_RV random_generate(struct session *session, uint8_t *out, CK_ULONG length)
{
	if (out == NULL && length != 0)
		return CKR_ARGUMENTS_BAD;
	return crypto_random(session->module->crypto, out, length);
}

CK_RV random_seed(const uint8_t *seed, CK_ULONG length)
{
	return seed == NULL && length != 0 ? CKR_ARGUMENTS_BAD : CKR_RANDOM_SEED_NOT_SUPPORTED;
}
