#include "module/cryptoki/random.h"

#include <string.h>
#include <unistd.h>

#include "module/cryptoki/argument.h"
#include "module/cryptoki/module.h"

static CK_RV random_refill(struct session *session, struct random *random)
{
	CK_RV rv = crypto_random(session->module->crypto, random->bytes, sizeof(random->bytes));

	if (rv == CKR_OK) {
		random->left = sizeof(random->bytes);
		random->process = getpid();
	}
	return rv;
}

CK_RV random_generate(struct session *session, uint8_t *out, CK_ULONG length)
{
	struct random *random = &session->random;
	CK_RV rv = CKR_OK;

	if (!argument_is_bytes(out, length))
		return CKR_ARGUMENTS_BAD;
	if (length == 0)
		return CKR_OK;
	if (length > RANDOM_SMALL)
		return crypto_random(session->module->crypto, out, length);
	/* Also a child that was made without fork handlers must not give what its parent gives. */
	if (random->left < length || random->process != getpid())
		rv = random_refill(session, random);
	if (rv != CKR_OK)
		return rv;
	random->left -= length;
	memcpy(out, random->bytes + random->left, length);
	explicit_bzero(random->bytes + random->left, length);
	return CKR_OK;
}

void random_end(struct random *random)
{
	explicit_bzero(random, sizeof(*random));
}

CK_RV random_seed(struct session *session, const uint8_t *seed, CK_ULONG length)
{
	if (!argument_is_bytes(seed, length))
		return CKR_ARGUMENTS_BAD;
	/* What was drawn before owes nothing to it. */
	random_end(&session->random);
	return length != 0 ? crypto_seed(session->module->crypto, seed, length) : CKR_OK;
}
