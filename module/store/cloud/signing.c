#include "module/store/cloud/signing.h"

#include <stdlib.h>
#include <string.h>

#include "module/crypto/key.h"

#define SIGNATURE_BYTES 2048
#define INPUT_MAX       96 /* a DigestInfo at most */

struct signing {
	struct operation base;
	struct cloud_token *token;
	struct holding *holding;
	CK_MECHANISM mechanism;
	CK_RSA_PKCS_PSS_PARAMS pss;
	struct operation *check; /* verifies */
	bool authorised;         /* `answers` are there */
	struct answers answers;
};

/* Each signature has an authorisation of its own. */
static bool is_bound(const struct credential *credential)
{
	return credential->scal == 2;
}

static struct patience patience_of(const struct signing *signing)
{
	return cloud_patience(
		signing->token, &signing->holding->credential, signing->base.cancelled);
}

/* What the service gave, in the shape that verifies with the certificate's key. */
static CK_RV signing_accept(struct signing *signing, const uint8_t *in, size_t in_length,
	const struct buffer *given, uint8_t *out)
{
	size_t size = signing->base.output_max;

	for (unsigned shape = 0; shape < ALGORITHM_SHAPES; shape++) {
		if (algorithm_signature(&signing->holding->credential, shape, given->data,
			    given->length, out, size) &&
			signing->check->class->verify(signing->check, in, in_length, out, size) ==
				CKR_OK)
			return CKR_OK;
	}
	log_error(signing->token->cloud->log,
		"slot %s: credential %s: the service's signature is not by the certificate's key",
		signing->token->cloud->name, signing->token->id);
	return CKR_DEVICE_ERROR;
}

static CK_RV signing_run(struct operation *operation, const uint8_t *in, size_t in_length,
	uint8_t *out, size_t *out_length)
{
	struct signing *signing = (struct signing *)operation;
	const struct credential *credential = &signing->holding->credential;
	struct cloud_token *token = signing->token;
	struct patience patience = patience_of(signing);
	struct buffer given = BUFFER_INIT(SIGNATURE_BYTES);
	bool bound = is_bound(credential);
	struct algorithm algorithm;
	const uint8_t *hash = NULL;
	CK_RV rv;

	/* Each use has its own context-specific login; cryptoki asks for it before. */
	if (objects_each(credential) && !signing->authorised)
		return CKR_USER_NOT_LOGGED_IN;
	rv = algorithm_choose(credential, &signing->mechanism, in, in_length, &algorithm, &hash);
	if (rv == CKR_OK)
		rv = batch_sign(token->batch, credential, &algorithm, hash,
			bound ? &signing->answers : NULL, &patience, &given);
	if (rv == CKR_OK)
		rv = signing_accept(signing, in, in_length, &given, out);
	if (rv == CKR_OK)
		*out_length = operation->output_max;
	answers_clear(&signing->answers);
	signing->authorised = false;
	buffer_free(&given);
	return cloud_plain(rv);
}

static CK_RV signing_authorise(struct operation *operation, const uint8_t *pin, size_t length)
{
	struct signing *signing = (struct signing *)operation;
	struct patience patience = patience_of(signing);
	struct answers answers = {.pin = NULL};
	CK_RV rv = authorization_answers(signing->token->authorization,
		&signing->holding->credential, pin, length, &patience, &answers);

	if (rv != CKR_OK)
		return cloud_plain(rv);
	answers_clear(&signing->answers);
	signing->answers = answers;
	signing->authorised = true;
	return CKR_OK;
}

static void signing_free(struct operation *operation)
{
	struct signing *signing = (struct signing *)operation;

	operation_free(signing->check);
	answers_clear(&signing->answers);
	holding_unref(signing->holding);
	free(signing);
}

static const struct operation_class signing_class = {
	.run = signing_run, .authorise = signing_authorise, .free = signing_free};

static CK_RV prepare_check(struct signing *signing)
{
	const struct object *object =
		holding_find(signing->holding, signing->holding->base + OBJECTS_PUBLIC_KEY);
	struct key *key = NULL;
	CK_RV rv = key_decode(signing->token->cloud->crypto, object->attributes, &key);

	if (rv == CKR_OK)
		rv = key_prepare(key, OPERATION_VERIFY, &signing->mechanism, &signing->check);
	key_unref(key);
	return rv;
}

static CK_RV check_use(const struct cloud_token *token, const struct credential *credential,
	enum operation_purpose purpose, const CK_MECHANISM *mechanism)
{
	CK_MECHANISM_TYPE served[4];
	size_t count = algorithm_mechanisms(credential, served, 4), i = 0;

	if (purpose != OPERATION_SIGN)
		return CKR_KEY_FUNCTION_NOT_PERMITTED;
	while (i < count && served[i] != mechanism->mechanism)
		i++;
	if (i == count)
		return CKR_MECHANISM_INVALID;
	if (mechanism->mechanism == CKM_RSA_PKCS_PSS &&
		mechanism->ulParameterLen != sizeof(CK_RSA_PKCS_PSS_PARAMS))
		return CKR_MECHANISM_PARAM_INVALID;
	if (credential->problem != NULL) {
		log_error(token->cloud->log,
			"slot %s: credential %s does not sign: the service calls it %s",
			token->cloud->name, token->id, credential->problem);
		return CKR_KEY_FUNCTION_NOT_PERMITTED;
	}
	return CKR_OK;
}

CK_RV signing_prepare(struct cloud_token *token, struct holding *holding,
	enum operation_purpose purpose, const CK_MECHANISM *mechanism, struct operation **out)
{
	const struct spki *key = &holding->credential.key;
	struct signing *signing;
	CK_RV rv = check_use(token, &holding->credential, purpose, mechanism);

	if (rv != CKR_OK)
		return rv;
	signing = calloc(1, sizeof(*signing));
	if (signing == NULL)
		return CKR_HOST_MEMORY;
	signing->base.class = &signing_class;
	signing->base.output_max = key->type == SPKI_RSA  ? key->modulus_length
				   : key->type == SPKI_EC ? key->point_length - 1
							  : key->point_length;
	signing->base.input_max = INPUT_MAX;
	signing->token = token;
	signing->holding = holding_ref(holding);
	signing->mechanism.mechanism = mechanism->mechanism;
	if (mechanism->mechanism == CKM_RSA_PKCS_PSS) {
		memcpy(&signing->pss, mechanism->pParameter, sizeof(signing->pss));
		signing->mechanism.pParameter = &signing->pss;
		signing->mechanism.ulParameterLen = sizeof(signing->pss);
	}
	rv = prepare_check(signing);
	if (rv == CKR_OK)
		*out = &signing->base;
	else
		signing_free(&signing->base);
	return rv;
}
