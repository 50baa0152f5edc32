#include "module/cryptoki/random.h"

#include "module/cryptoki/argument.h"
#include "module/cryptoki/module.h"

CK_RV random_generate(struct session *session, uint8_t *out, CK_ULONG length)
{
	if (!argument_is_bytes(out, length))
		return CKR_ARGUMENTS_BAD;
	return crypto_random(session->module->crypto, out, length);
}

CK_RV random_seed(struct session *session, const uint8_t *seed, CK_ULONG length)
{
	if (!argument_is_bytes(seed, length))
		return CKR_ARGUMENTS_BAD;
	return length != 0 ? crypto_seed(session->module->crypto, seed, length) : CKR_OK;
}
