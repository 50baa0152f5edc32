#include "module/cryptoki/sign.h"

/* What comes before the signature: CKR_OK with `*done` for a size query. */
static CK_RV sign_room(
	const struct use *use, const uint8_t *signature, CK_ULONG *signature_length, bool *done)
{
	CK_ULONG needed = use->operation->output_max;

	*done = signature == NULL;
	if (signature != NULL && *signature_length < needed) {
		*signature_length = needed;
		return CKR_BUFFER_TOO_SMALL;
	}
	if (signature == NULL)
		*signature_length = needed;
	return CKR_OK;
}

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
	struct use_input input;
	bool done = false;
	CK_RV rv = use_enter_whole(use);

	if (rv != CKR_OK)
		return rv;
	if (signature_length == NULL)
		return use_leave(use, CKR_ARGUMENTS_BAD);
	rv = sign_room(use, signature, signature_length, &done);
	if (rv == CKR_OK && done)
		return CKR_OK;
	if (rv == CKR_OK)
		rv = use_check_login(session, use);
	if (rv == CKR_OK)
		rv = use_whole(use, data, length, &input);
	if (rv == CKR_OK)
		rv = sign_run(use, &input, signature, signature_length);
	return use_leave(use, rv);
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
	struct use *use = &session->sign;
	struct use_input input;
	bool done = false;
	CK_RV rv = use_enter_final(use);

	if (rv != CKR_OK)
		return rv;
	if (signature_length == NULL)
		return use_leave(use, CKR_ARGUMENTS_BAD);
	rv = sign_room(use, signature, signature_length, &done);
	if (rv == CKR_OK && done)
		return CKR_OK;
	if (rv == CKR_OK)
		rv = use_check_login(session, use);
	if (rv == CKR_OK)
		rv = use_final(use, &input);
	if (rv == CKR_OK)
		rv = sign_run(use, &input, signature, signature_length);
	return use_leave(use, rv);
}
