#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "asn1/spki.h"
#include "module/crypto/key_private.h"
#include "module/crypto/provider.h"

#define KEY_SIZE 32 /* of the seed and of the point (RFC 8032, 5.1.5) */

/* The curve's two names in CKA_EC_PARAMS: its OID, and the PrintableString that pkcs11-tool sends. */
static const uint8_t oid[] = {0x06, 0x03, 0x2b, 0x65, 0x70};
static const uint8_t name[] = {
	0x13, 0x0c, 'e', 'd', 'w', 'a', 'r', 'd', 's', '2', '5', '5', '1', '9'};

static CK_RV check_curve(const struct attributes *object)
{
	const CK_ATTRIBUTE *params = attributes_find(object, CKA_EC_PARAMS);

	if (params == NULL)
		return CKR_TEMPLATE_INCOMPLETE;
	if ((params->ulValueLen == sizeof(oid) && memcmp(params->pValue, oid, sizeof(oid)) == 0) ||
		(params->ulValueLen == sizeof(name) &&
			memcmp(params->pValue, name, sizeof(name)) == 0))
		return CKR_OK;
	return CKR_CURVE_NOT_SUPPORTED;
}

static CK_RV get_bytes(const struct key *key, const char *param, uint8_t out[KEY_SIZE])
{
	size_t length = 0;

	if (EVP_PKEY_get_octet_string_param(key->pkey, param, out, KEY_SIZE, &length) != 1 ||
		length != KEY_SIZE)
		return crypto_failed(key->crypto, "Ed25519 key", CKR_FUNCTION_FAILED);
	return CKR_OK;
}

static CK_RV ed25519_decode(struct key *key, const struct attributes *object, bool private_part)
{
	const CK_ATTRIBUTE *value = attributes_find(object, CKA_VALUE);
	const CK_ATTRIBUTE *given = attributes_find(object, CKA_EC_POINT);
	const uint8_t *point = NULL;
	uint8_t computed[KEY_SIZE];
	OSSL_PARAM params[2] = {OSSL_PARAM_construct_end(), OSSL_PARAM_construct_end()};
	CK_RV rv = check_curve(object);

	if (rv != CKR_OK)
		return rv;
	key->bits = 256;
	if (given != NULL && given->ulValueLen > 0) {
		point = key_point(given, KEY_SIZE);
		if (point == NULL)
			return CKR_ATTRIBUTE_VALUE_INVALID;
	}
	if (!private_part) {
		if (point == NULL)
			return CKR_TEMPLATE_INCOMPLETE;
		params[0] = OSSL_PARAM_construct_octet_string(
			OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)point, KEY_SIZE);
		return key_from_params(key, EVP_PKEY_PUBLIC_KEY, params);
	}
	if (value == NULL || value->ulValueLen == 0)
		return CKR_TEMPLATE_INCOMPLETE;
	if (value->ulValueLen != KEY_SIZE)
		return CKR_ATTRIBUTE_VALUE_INVALID;
	params[0] = OSSL_PARAM_construct_octet_string(
		OSSL_PKEY_PARAM_PRIV_KEY, value->pValue, KEY_SIZE);
	rv = key_from_params(key, EVP_PKEY_KEYPAIR, params);
	if (rv != CKR_OK)
		return rv;
	key->has_private = true;
	rv = get_bytes(key, OSSL_PKEY_PARAM_PUB_KEY, computed);
	if (rv == CKR_OK && point != NULL && memcmp(point, computed, KEY_SIZE) != 0)
		rv = CKR_TEMPLATE_INCONSISTENT;
	return rv;
}

static CK_RV ed25519_generate(struct key *key, const struct attributes *public_template)
{
	EVP_PKEY_CTX *context;
	CK_RV rv = check_curve(public_template);

	if (rv != CKR_OK)
		return rv;
	key->bits = 256;
	context = key_context_of_type(key->crypto, key->class);
	if (context == NULL || EVP_PKEY_keygen_init(context) != 1 ||
		EVP_PKEY_generate(context, &key->pkey) != 1)
		rv = crypto_failed(key->crypto, "Ed25519 key generation", CKR_FUNCTION_FAILED);
	EVP_PKEY_CTX_free(context);
	return rv;
}

static CK_RV ed25519_encode(const struct key *key, bool private_part, struct attributes **out)
{
	CK_KEY_TYPE type = CKK_EC_EDWARDS;
	uint8_t bytes[KEY_SIZE], wrapped[KEY_SIZE + 3];
	CK_ATTRIBUTE list[3];
	CK_RV rv;

	rv = get_bytes(
		key, private_part ? OSSL_PKEY_PARAM_PRIV_KEY : OSSL_PKEY_PARAM_PUB_KEY, bytes);
	if (rv != CKR_OK)
		return rv;
	list[0] = (CK_ATTRIBUTE){CKA_KEY_TYPE, &type, sizeof(type)};
	list[1] = (CK_ATTRIBUTE){CKA_EC_PARAMS, (void *)(uintptr_t)oid, sizeof(oid)};
	if (private_part)
		list[2] = (CK_ATTRIBUTE){CKA_VALUE, bytes, KEY_SIZE};
	else
		list[2] = (CK_ATTRIBUTE){
			CKA_EC_POINT, wrapped, key_octet_string(bytes, KEY_SIZE, wrapped)};
	rv = attributes_new(NULL, list, 3, out);
	explicit_bzero(bytes, sizeof(bytes));
	return rv;
}

static bool ed25519_public_info(const struct key *key, struct buffer *der, struct error *err)
{
	uint8_t point[KEY_SIZE];

	if (get_bytes(key, OSSL_PKEY_PARAM_PUB_KEY, point) != CKR_OK)
		return error_set(err, ERROR_FAILED, "the key does not tell its point");
	return spki_encode_ed25519(point, sizeof(point), der, err);
}

const struct key_class key_class_ed25519 = {
	.type = CKK_EC_EDWARDS,
	.name = PROVIDER_ED25519,
	.generation = CKM_EC_EDWARDS_KEY_PAIR_GEN,
	.decode = ed25519_decode,
	.generate = ed25519_generate,
	.encode = ed25519_encode,
	.public_info = ed25519_public_info,
};
