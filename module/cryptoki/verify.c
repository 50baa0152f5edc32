#include "module/cryptoki/verify.h"

static CK_RV verify_run(struct use *use, const struct use_input *input, const uint8_t *signature,
	CK_ULONG signature_length)
{
	return use->operation->class->verify(
		use->operation, input->data, input->length, signature, signature_length);
}

CK_RV verify_whole(struct session *session, const uint8_t *data, CK_ULONG length,
	const uint8_t *signature, CK_ULONG signature_length)
{
	struct use *use = &session->verify;
	struct use_input input;
	CK_RV rv = use_enter_whole(use);

	if (rv != CKR_OK)
		return rv;
	rv = signature == NULL ? CKR_ARGUMENTS_BAD : use_whole(use, data, length, &input);
	if (rv == CKR_OK)
		rv = verify_run(use, &input, signature, signature_length);
	return use_leave(use, rv);
}

CK_RV verify_update(struct session *session, const uint8_t *data, CK_ULONG length)
{
	struct use *use = &session->verify;

	if (!use->active)
		return CKR_OPERATION_NOT_INITIALIZED;
	CK_RV rv = use_update(use, data, length);
	return rv == CKR_OK ? CKR_OK : use_leave(use, rv);
}

CK_RV verify_final(struct session *session, const uint8_t *signature, CK_ULONG signature_length)
{
	struct use *use = &session->verify;
	struct use_input input;
	CK_RV rv = use_enter_final(use);

	if (rv != CKR_OK)
		return rv;
	rv = signature == NULL ? CKR_ARGUMENTS_BAD : use_final(use, &input);
	if (rv == CKR_OK)
		rv = verify_run(use, &input, signature, signature_length);
	return use_leave(use, rv);
}
