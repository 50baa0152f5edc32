#include "module/cryptoki/sign.h"

static CK_RV sign_run(struct use *use, const struct use_input *input, uint8_t *signature,
	CK_ULONG *signature_length)
{
	size_t length = *signature_length;
	CK_RV rv = use->operation->class->run(
		use->operation, input->data, input->length, signature, &length);

	if (rv == CKR_OK)
		*signature_length = length;
	return rv;
}

CK_RV sign_whole(struct session *session, struct use *use, const uint8_t *data, CK_ULONG length,
	uint8_t *signature, CK_ULONG *signature_length)
{
	const struct use_data whole = {data, length};

	return use_finish(session, use, &whole, true, sign_run, signature, signature_length);
}

CK_RV sign_update(struct session *session, const uint8_t *data, CK_ULONG length)
{
	struct use *use = &session->sign;

	if (!use->active)
		return CKR_OPERATION_NOT_INITIALIZED;
	CK_RV rv = use_check_login(session, use);
	if (rv == CKR_OK)
		rv = use_update(use, data, length);
	return rv == CKR_OK ? CKR_OK : use_leave(use, rv);
}

CK_RV sign_final(struct session *session, uint8_t *signature, CK_ULONG *signature_length)
{
	return use_finish(
		session, &session->sign, NULL, true, sign_run, signature, signature_length);
}
