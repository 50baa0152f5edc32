/*
 * GOST R 34.10-2012: not OpenSSL's at all but module/gost's. The two lengths are two key types, each with a raw
 * mechanism that takes a Streebog digest as it is.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/params.h>

#include "asn1/spki.h"
#include "module/crypto/key_private.h"
#include "module/gost/gost_signature.h"
#include "module/support/secret.h"

#define KEY_MAX GOST_BYTES_MAX

struct gost_key {
	const struct gost_set *set;
	struct gost_group *group; /* the crypto context's */
	struct gost_point point;
	uint8_t public_key[2 * KEY_MAX];
	struct secret *d; /* NULL: a public key */
};

struct gost_operation {
	struct operation base;
	struct key *key;
	struct secret *signer; /* a struct gost_signer; NULL: verifies */
};

static bool is_512(const struct key *key)
{
	return key->class->type == CKK_GOSTR3410_512;
}

static size_t size_of(const struct key *key)
{
	return is_512(key) ? 64 : 32;
}

static bool random_bytes(void *context, uint8_t *out, size_t length)
{
	return crypto_random(context, out, length) == CKR_OK;
}

/* The parameter set, and a digest that goes with it where one is named. */
static CK_RV begin(struct key *key, const struct attributes *object)
{
	const CK_ATTRIBUTE *params = attributes_find(object, CKA_GOSTR3410_PARAMS);
	const CK_ATTRIBUTE *digest = attributes_find(object, CKA_GOSTR3411_PARAMS);
	const struct gost_set *set;

	if (params == NULL || params->ulValueLen == 0)
		return CKR_TEMPLATE_INCOMPLETE;
	set = gost_set_find(params->pValue, params->ulValueLen);
	if (set == NULL || set->curve->bytes != size_of(key))
		return CKR_CURVE_NOT_SUPPORTED;
	if (digest != NULL && digest->ulValueLen != 0 &&
		(digest->ulValueLen != GOST_DIGEST_OID_BYTES ||
			memcmp(digest->pValue, gost_digest_oid(set->curve),
				GOST_DIGEST_OID_BYTES) != 0))
		return CKR_ATTRIBUTE_VALUE_INVALID;
	key->gost = calloc(1, sizeof(*key->gost));
	if (key->gost == NULL)
		return CKR_HOST_MEMORY;
	key->bits = 8 * size_of(key);
	key->gost->set = set;
	key->gost->group = crypto_gost_group(key->crypto, set->curve);
	return key->gost->group != NULL ? CKR_OK : CKR_HOST_MEMORY;
}

/* The public part of a private key. */
static CK_RV complete(struct key *key)
{
	struct gost_key *gost = key->gost;
	const struct gost_table *table = gost_group_table(gost->group);

	if (table == NULL)
		return CKR_HOST_MEMORY;
	if (!gost_private_public(
		    gost->group, table, random_bytes, key->crypto, gost->d->data, gost->public_key))
		return CKR_RANDOM_NO_RNG;
	key->has_private = true;
	return gost_point_load(gost->group, &gost->point, gost->public_key) ? CKR_OK
									    : CKR_FUNCTION_FAILED;
}

static CK_RV gost_decode(struct key *key, const struct attributes *object, bool private_part)
{
	const CK_ATTRIBUTE *value = attributes_find(object, CKA_VALUE);
	size_t size = size_of(key);
	CK_RV rv = begin(key, object);

	if (rv != CKR_OK)
		return rv;
	if (value == NULL || value->ulValueLen == 0)
		return CKR_TEMPLATE_INCOMPLETE;
	if (value->ulValueLen != (private_part ? size : 2 * size))
		return CKR_ATTRIBUTE_VALUE_INVALID;
	if (!private_part) {
		memcpy(key->gost->public_key, value->pValue, 2 * size);
		return gost_point_load(key->gost->group, &key->gost->point, value->pValue)
			       ? CKR_OK
			       : CKR_ATTRIBUTE_VALUE_INVALID;
	}
	if (!gost_private_is_valid(key->gost->group, value->pValue))
		return CKR_ATTRIBUTE_VALUE_INVALID;
	key->gost->d = secret_new(value->pValue, size);
	return key->gost->d != NULL ? complete(key) : CKR_HOST_MEMORY;
}

static CK_RV gost_generate(struct key *key, const struct attributes *public_template)
{
	CK_RV rv = begin(key, public_template);

	if (rv != CKR_OK)
		return rv;
	key->gost->d = secret_new(NULL, size_of(key));
	if (key->gost->d == NULL)
		return CKR_HOST_MEMORY;
	if (!gost_private_generate(key->gost->group, random_bytes, key->crypto, key->gost->d->data))
		return CKR_RANDOM_NO_RNG;
	return complete(key);
}

static CK_RV gost_encode(const struct key *key, bool private_part, struct attributes **out)
{
	const struct gost_key *gost = key->gost;
	CK_KEY_TYPE type = key->class->type;
	size_t size = size_of(key);
	const CK_ATTRIBUTE list[] = {
		{CKA_KEY_TYPE, &type, sizeof(type)},
		{CKA_GOSTR3410_PARAMS, (void *)(uintptr_t)gost->set->oid, gost->set->oid_length},
		{CKA_GOSTR3411_PARAMS, (void *)(uintptr_t)gost_digest_oid(gost->set->curve),
			GOST_DIGEST_OID_BYTES},
		{CKA_VALUE, private_part ? gost->d->data : (uint8_t *)(uintptr_t)gost->public_key,
			private_part ? size : 2 * size},
	};

	return attributes_new(NULL, list, sizeof(list) / sizeof(list[0]), out);
}

static bool gost_public_info(const struct key *key, struct buffer *der, struct error *err)
{
	const struct gost_key *gost = key->gost;

	return spki_encode_gost(gost->set->oid, gost->set->oid_length, gost->public_key,
		2 * size_of(key), der, err);
}

static void gost_clear(struct key *key)
{
	if (key->gost != NULL)
		secret_free(key->gost->d);
	free(key->gost);
}

static CK_RV gost_run(
	struct operation *base, const uint8_t *in, size_t length, uint8_t *out, size_t *out_length)
{
	struct gost_operation *operation = (struct gost_operation *)base;

	if (length != size_of(operation->key))
		return CKR_DATA_LEN_RANGE;
	if (!gost_signer_sign((struct gost_signer *)(void *)operation->signer->data, in, out))
		return CKR_RANDOM_NO_RNG;
	*out_length = base->output_max;
	return CKR_OK;
}

static CK_RV gost_verify(struct operation *base, const uint8_t *in, size_t length,
	const uint8_t *signature, size_t signature_length)
{
	struct gost_operation *operation = (struct gost_operation *)base;
	const struct gost_key *gost = operation->key->gost;

	if (length != size_of(operation->key))
		return CKR_DATA_LEN_RANGE;
	if (signature_length != base->output_max)
		return CKR_SIGNATURE_LEN_RANGE;
	return gost_signature_verify(gost->group, &gost->point, in, signature)
		       ? CKR_OK
		       : CKR_SIGNATURE_INVALID;
}

static void gost_operation_free(struct operation *base)
{
	struct gost_operation *operation = (struct gost_operation *)base;

	secret_free(operation->signer);
	key_unref(operation->key);
	free(operation);
}

static const struct operation_class operation_class_gost = {
	.run = gost_run, .verify = gost_verify, .free = gost_operation_free};

/* What has to be there to sign: the table, and the signer in locked memory. */
static CK_RV prepare_signer(struct gost_operation *operation)
{
	const struct gost_key *gost = operation->key->gost;
	const struct gost_table *table = gost_group_table(gost->group);

	operation->signer = secret_new(NULL, sizeof(struct gost_signer));
	if (table == NULL || operation->signer == NULL)
		return CKR_HOST_MEMORY;
	gost_signer_init((struct gost_signer *)(void *)operation->signer->data, gost->group, table,
		random_bytes, operation->key->crypto, gost->d->data);
	return CKR_OK;
}

static CK_RV gost_prepare(struct key *key, enum operation_purpose purpose,
	const CK_MECHANISM *mechanism, struct operation **out)
{
	CK_MECHANISM_TYPE raw = is_512(key) ? CKM_GOSTR3410_512 : CKM_GOSTR3410;
	struct gost_operation *operation;
	CK_RV rv = CKR_OK;

	if (mechanism->mechanism != raw)
		return mechanism->mechanism == CKM_GOSTR3410 ||
				       mechanism->mechanism == CKM_GOSTR3410_512
			       ? CKR_KEY_TYPE_INCONSISTENT
			       : CKR_MECHANISM_INVALID;
	if (purpose != OPERATION_SIGN && purpose != OPERATION_VERIFY)
		return CKR_MECHANISM_INVALID;
	if (mechanism->ulParameterLen != 0)
		return CKR_MECHANISM_PARAM_INVALID;
	if (purpose == OPERATION_SIGN && !key->has_private)
		return CKR_KEY_FUNCTION_NOT_PERMITTED;
	operation = calloc(1, sizeof(*operation));
	if (operation == NULL)
		return CKR_HOST_MEMORY;
	operation->base = (struct operation){.class = &operation_class_gost,
		.output_max = 2 * size_of(key),
		.input_max = size_of(key)};
	operation->key = key_ref(key);
	if (purpose == OPERATION_SIGN)
		rv = prepare_signer(operation);
	if (rv == CKR_OK)
		*out = &operation->base;
	else
		gost_operation_free(&operation->base);
	return rv;
}

#define GOST_CLASS(key_type, mechanism)                                                            \
	{                                                                                          \
		.type = key_type, .generation = mechanism, .decode = gost_decode,                  \
		.generate = gost_generate, .encode = gost_encode, .public_info = gost_public_info, \
		.clear = gost_clear, .prepare = gost_prepare                                       \
	}

const struct key_class key_class_gost_256 = GOST_CLASS(CKK_GOSTR3410, CKM_GOSTR3410_KEY_PAIR_GEN);
const struct key_class key_class_gost_512 =
	GOST_CLASS(CKK_GOSTR3410_512, CKM_GOSTR3410_512_KEY_PAIR_GEN);
