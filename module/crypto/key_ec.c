#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>

#include "asn1/spki.h"
#include "module/crypto/key_private.h"
#include "module/crypto/provider.h"

#define POINT_MAX 133 /* P-521, uncompressed */

static const uint8_t oid_p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
static const uint8_t oid_p384[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22};
static const uint8_t oid_p521[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23};

static const struct curve curves[] = {
	{"prime256v1", NID_X9_62_prime256v1, 256, 32, 65, oid_p256, sizeof(oid_p256)},
	{"secp384r1", NID_secp384r1, 384, 48, 97, oid_p384, sizeof(oid_p384)},
	{"secp521r1", NID_secp521r1, 521, 66, 133, oid_p521, sizeof(oid_p521)},
};

static CK_RV find_curve(const struct attributes *object, const struct curve **out)
{
	const CK_ATTRIBUTE *params = attributes_find(object, CKA_EC_PARAMS);

	if (params == NULL)
		return CKR_TEMPLATE_INCOMPLETE;
	for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
		if (params->ulValueLen == curves[i].oid_size &&
			memcmp(params->pValue, curves[i].oid, curves[i].oid_size) == 0) {
			*out = &curves[i];
			return CKR_OK;
		}
	}
	return CKR_CURVE_NOT_SUPPORTED;
}

/* The point that belongs to a private number; PKCS#11's private keys do not hold it. */
static CK_RV public_point(
	const struct key *key, const BIGNUM *private_number, uint8_t point[POINT_MAX])
{
	OSSL_LIB_CTX *libctx = crypto_libctx(key->crypto);
	EC_GROUP *group = EC_GROUP_new_by_curve_name_ex(libctx, NULL, key->curve->nid);
	EC_POINT *product = group != NULL ? EC_POINT_new(group) : NULL;
	BN_CTX *context = BN_CTX_secure_new_ex(libctx);
	CK_RV rv = CKR_OK;

	if (product == NULL || context == NULL) {
		rv = CKR_HOST_MEMORY;
	} else if (BN_is_zero(private_number) ||
		   BN_cmp(private_number, EC_GROUP_get0_order(group)) >= 0) {
		rv = CKR_ATTRIBUTE_VALUE_INVALID;
	} else if (EC_POINT_mul(group, product, private_number, NULL, NULL, context) != 1 ||
		   EC_POINT_point2oct(group, product, POINT_CONVERSION_UNCOMPRESSED, point,
			   POINT_MAX, context) != key->curve->point_size) {
		rv = crypto_failed(key->crypto, "EC point", CKR_FUNCTION_FAILED);
	}
	BN_CTX_free(context);
	EC_POINT_clear_free(product);
	EC_GROUP_free(group);
	return rv;
}

/* X9.62, A.5.2: the point bare or in an OCTET STRING, whole or compressed. NULL: none of this curve. */
static const uint8_t *given_point(
	const struct curve *curve, const CK_ATTRIBUTE *given, size_t *length)
{
	const uint8_t *point = key_point(given, curve->point_size);

	*length = curve->point_size;
	if (point != NULL)
		return point[0] == POINT_CONVERSION_UNCOMPRESSED ? point : NULL;
	*length = 1 + curve->order_size;
	point = key_point(given, *length);
	return point != NULL && (point[0] & ~1) == POINT_CONVERSION_COMPRESSED ? point : NULL;
}

/* A compressed point is x behind the parity of y. */
static bool is_point(const struct curve *curve, const uint8_t *given, size_t length,
	const uint8_t point[POINT_MAX])
{
	if (length == curve->point_size)
		return memcmp(given, point, length) == 0;
	return (given[0] & 1) == (point[curve->point_size - 1] & 1) &&
	       memcmp(given + 1, point + 1, length - 1) == 0;
}

static CK_RV ec_decode(struct key *key, const struct attributes *object, bool private_part)
{
	const CK_ATTRIBUTE *value = attributes_find(object, CKA_VALUE);
	const CK_ATTRIBUTE *given = attributes_find(object, CKA_EC_POINT);
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	BIGNUM *number = NULL;
	uint8_t computed[POINT_MAX];
	const uint8_t *point = NULL;
	size_t length = 0;
	CK_RV rv;

	rv = find_curve(object, &key->curve);
	if (rv != CKR_OK)
		goto out;
	key->bits = key->curve->bits;
	rv = CKR_ATTRIBUTE_VALUE_INVALID;
	if (given != NULL && given->ulValueLen > 0) {
		point = given_point(key->curve, given, &length);
		if (point == NULL)
			goto out;
	}
	if (private_part) {
		rv = CKR_TEMPLATE_INCOMPLETE;
		if (value == NULL || value->ulValueLen == 0)
			goto out;
		rv = CKR_ATTRIBUTE_VALUE_INVALID;
		if (value->ulValueLen > key->curve->order_size + 1)
			goto out;
		rv = CKR_HOST_MEMORY;
		number = BN_secure_new();
		if (number == NULL ||
			BN_bin2bn(value->pValue, (int)value->ulValueLen, number) == NULL)
			goto out;
		BN_set_flags(number, BN_FLG_CONSTTIME);
		rv = public_point(key, number, computed);
		if (rv != CKR_OK)
			goto out;
		rv = CKR_TEMPLATE_INCONSISTENT;
		if (point != NULL && !is_point(key->curve, point, length, computed))
			goto out;
		point = computed;
		length = key->curve->point_size;
	}
	rv = CKR_TEMPLATE_INCOMPLETE;
	if (point == NULL)
		goto out;
	rv = CKR_HOST_MEMORY;
	if (builder == NULL ||
		OSSL_PARAM_BLD_push_utf8_string(
			builder, OSSL_PKEY_PARAM_GROUP_NAME, key->curve->group, 0) != 1 ||
		OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, length) !=
			1 ||
		(number != NULL && OSSL_PARAM_BLD_push_BN_pad(builder, OSSL_PKEY_PARAM_PRIV_KEY,
					   number, key->curve->order_size) != 1))
		goto out;
	rv = key_from_builder(key, private_part, builder);
out:
	OSSL_PARAM_BLD_free(builder);
	BN_clear_free(number);
	return rv;
}

static CK_RV ec_generate(struct key *key, const struct attributes *public_template)
{
	EVP_PKEY_CTX *context = NULL;
	OSSL_PARAM params[2];
	CK_RV rv;

	rv = find_curve(public_template, &key->curve);
	if (rv != CKR_OK)
		return rv;
	key->bits = key->curve->bits;
	params[0] = OSSL_PARAM_construct_utf8_string(
		OSSL_PKEY_PARAM_GROUP_NAME, (char *)(uintptr_t)key->curve->group, 0);
	params[1] = OSSL_PARAM_construct_end();
	context = key_context_of_type(key->crypto, key->class);
	if (context == NULL || EVP_PKEY_keygen_init(context) != 1 ||
		EVP_PKEY_CTX_set_params(context, params) != 1 ||
		EVP_PKEY_generate(context, &key->pkey) != 1)
		rv = crypto_failed(key->crypto, "EC key generation", CKR_FUNCTION_FAILED);
	EVP_PKEY_CTX_free(context);
	return rv;
}

static CK_RV ec_point(const struct key *key, uint8_t point[POINT_MAX])
{
	size_t length = 0;

	if (EVP_PKEY_get_octet_string_param(
		    key->pkey, OSSL_PKEY_PARAM_PUB_KEY, point, POINT_MAX, &length) != 1 ||
		length != key->curve->point_size)
		return crypto_failed(key->crypto, "EC point", CKR_FUNCTION_FAILED);
	return CKR_OK;
}

static CK_RV ec_encode(const struct key *key, bool private_part, struct attributes **out)
{
	CK_KEY_TYPE type = CKK_EC;
	uint8_t point[POINT_MAX], wrapped[POINT_MAX + 3];
	uint8_t *number = NULL;
	CK_ATTRIBUTE list[3];
	size_t length = 0;
	CK_RV rv;

	list[0] = (CK_ATTRIBUTE){CKA_KEY_TYPE, &type, sizeof(type)};
	list[1] = (CK_ATTRIBUTE){
		CKA_EC_PARAMS, (void *)(uintptr_t)key->curve->oid, key->curve->oid_size};
	if (private_part) {
		rv = key_number(
			key, OSSL_PKEY_PARAM_PRIV_KEY, key->curve->order_size, &number, &length);
		list[2] = (CK_ATTRIBUTE){CKA_VALUE, number, length};
	} else {
		rv = ec_point(key, point);
		if (rv == CKR_OK)
			length = key_octet_string(point, key->curve->point_size, wrapped);
		list[2] = (CK_ATTRIBUTE){CKA_EC_POINT, wrapped, length};
	}
	if (rv == CKR_OK)
		rv = attributes_new(NULL, list, 3, out);
	if (number != NULL)
		explicit_bzero(number, length);
	free(number);
	return rv;
}

static bool ec_public_info(const struct key *key, struct buffer *der, struct error *err)
{
	uint8_t point[POINT_MAX];

	if (ec_point(key, point) != CKR_OK)
		return error_set(err, ERROR_FAILED, "the key does not tell its point");
	return spki_encode_ec(
		key->curve->oid, key->curve->oid_size, point, key->curve->point_size, der, err);
}

const struct key_class key_class_ec = {
	.type = CKK_EC,
	.name = PROVIDER_EC,
	.generation = CKM_EC_KEY_PAIR_GEN,
	.decode = ec_decode,
	.generate = ec_generate,
	.encode = ec_encode,
	.public_info = ec_public_info,
};
