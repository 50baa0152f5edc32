#include "module/cryptoki/cipher.h"

#include <string.h>

#define CIPHER_OUTPUT_MAX 1024 /* bytes; RSA of 4,096 bits gives 512 */

/*
 * Of a decryption only the upper bound is known before: it is done into memory of our own, so that a buffer
 * that is large enough for what comes out is enough.
 */
static CK_RV cipher_run(
	struct use *use, const struct use_input *input, uint8_t *out, CK_ULONG *out_length)
{
	uint8_t text[CIPHER_OUTPUT_MAX];
	size_t length = sizeof(text);
	CK_RV rv;

	if (use->operation->output_max > sizeof(text))
		return CKR_KEY_SIZE_RANGE;
	rv = use->operation->class->run(use->operation, input->data, input->length, text, &length);
	if (rv == CKR_OK && length > *out_length)
		rv = CKR_BUFFER_TOO_SMALL;
	else if (rv == CKR_OK && length > 0)
		memcpy(out, text, length);
	if (rv == CKR_OK || rv == CKR_BUFFER_TOO_SMALL)
		*out_length = length;
	explicit_bzero(text, sizeof(text));
	return rv;
}

CK_RV cipher_whole(struct session *session, struct use *use, const uint8_t *in, CK_ULONG in_length,
	uint8_t *out, CK_ULONG *out_length)
{
	const struct use_data whole = {in, in_length};

	return use_finish(session, use, &whole, false, cipher_run, out, out_length);
}

CK_RV cipher_update(struct session *session, struct use *use, const uint8_t *in, CK_ULONG in_length,
	const uint8_t *out, CK_ULONG *out_length)
{
	CK_RV rv = CKR_OK;

	if (!use->active)
		return CKR_OPERATION_NOT_INITIALIZED;
	if (out_length == NULL)
		rv = CKR_ARGUMENTS_BAD;
	else
		rv = use_check_login(session, use);
	if (rv == CKR_OK && out != NULL)
		rv = use_update(use, in, in_length);
	if (rv != CKR_OK)
		return use_leave(use, rv);
	*out_length = 0;
	return CKR_OK;
}

CK_RV cipher_final(struct session *session, struct use *use, uint8_t *out, CK_ULONG *out_length)
{
	return use_finish(session, use, NULL, false, cipher_run, out, out_length);
}
