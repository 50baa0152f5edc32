#include "module/cryptoki/verify.h"

static CK_RV verify_finish(struct use *use, const struct use_data *data, const uint8_t *signature,
	CK_ULONG signature_length)
{
	struct use_input input;
	CK_RV rv = use_enter(use, data);

	if (rv != CKR_OK)
		return rv;
	rv = signature == NULL ? CKR_ARGUMENTS_BAD : use_take(use, data, &input);
	if (rv == CKR_OK)
		rv = use->operation->class->verify(
			use->operation, input.data, input.length, signature, signature_length);
	return use_leave(use, rv);
}

CK_RV verify_whole(struct session *session, const uint8_t *data, CK_ULONG length,
	const uint8_t *signature, CK_ULONG signature_length)
{
	const struct use_data whole = {data, length};

	return verify_finish(&session->verify, &whole, signature, signature_length);
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
	return verify_finish(&session->verify, NULL, signature, signature_length);
}
