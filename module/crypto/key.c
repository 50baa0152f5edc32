#include "module/crypto/key.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/params.h>

#include "module/crypto/key_private.h"
#include "module/crypto/provider.h"

static const struct key_class *const classes[] = {&key_class_rsa, &key_class_ec, &key_class_ed25519,
	&key_class_gost_256, &key_class_gost_512};

#define CLASSES (sizeof(classes) / sizeof(classes[0]))

EVP_PKEY_CTX *key_context_of_type(struct crypto *crypto, const struct key_class *class)
{
	return EVP_PKEY_CTX_new_from_name(crypto_libctx(crypto), class->name, PROVIDER_QUERY);
}

EVP_PKEY_CTX *key_context(const struct key *key)
{
	return EVP_PKEY_CTX_new_from_pkey(crypto_libctx(key->crypto), key->pkey, PROVIDER_QUERY);
}

CK_RV key_from_params(struct key *key, int selection, OSSL_PARAM params[])
{
	EVP_PKEY_CTX *context = key_context_of_type(key->crypto, key->class);
	CK_RV rv = CKR_OK;

	if (context == NULL || EVP_PKEY_fromdata_init(context) != 1)
		rv = crypto_failed(key->crypto, key->class->name, CKR_FUNCTION_FAILED);
	else if (EVP_PKEY_fromdata(context, &key->pkey, selection, params) != 1)
		rv = crypto_failed(key->crypto, key->class->name, CKR_ATTRIBUTE_VALUE_INVALID);
	EVP_PKEY_CTX_free(context);
	return rv;
}

CK_RV key_from_builder(struct key *key, bool private_part, OSSL_PARAM_BLD *builder)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
	CK_RV rv;

	if (params == NULL)
		return CKR_HOST_MEMORY;
	key->has_private = private_part;
	rv = key_from_params(key, private_part ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, params);
	/* OSSL_PARAM_free wipes what came from secure memory, which a host may have none of, and nothing else. */
	for (OSSL_PARAM *param = params; private_part && param->key != NULL; param++)
		OPENSSL_cleanse(param->data, param->data_size);
	OSSL_PARAM_free(params);
	return rv;
}

CK_RV key_number(
	const struct key *key, const char *name, size_t size, uint8_t **out, size_t *length)
{
	BIGNUM *number = NULL;
	uint8_t *bytes = NULL;
	CK_RV rv = CKR_HOST_MEMORY;

	if (EVP_PKEY_get_bn_param(key->pkey, name, &number) != 1)
		return crypto_failed(key->crypto, name, CKR_FUNCTION_FAILED);
	if (size == 0)
		size = (size_t)BN_num_bytes(number);
	bytes = calloc(1, size + 1);
	if (bytes == NULL)
		goto out;
	if (BN_bn2binpad(number, bytes, (int)size) < 0) {
		rv = crypto_failed(key->crypto, name, CKR_FUNCTION_FAILED);
		free(bytes);
		goto out;
	}
	*out = bytes;
	*length = size;
	rv = CKR_OK;
out:
	BN_clear_free(number);
	return rv;
}

const uint8_t *key_point(const CK_ATTRIBUTE *attribute, size_t size)
{
	const uint8_t *value = attribute->pValue;
	size_t length = attribute->ulValueLen;

	if (length == size)
		return value;
	if (size < 128 && length == size + 2 && value[0] == 0x04 && value[1] == size)
		return value + 2;
	if (size >= 128 && size < 256 && length == size + 3 && value[0] == 0x04 &&
		value[1] == 0x81 && value[2] == size)
		return value + 3;
	return NULL;
}

size_t key_octet_string(const uint8_t *bytes, size_t length, uint8_t *out)
{
	size_t head = length < 128 ? 2 : 3;

	out[0] = 0x04;
	out[1] = 0x81;
	out[head - 1] = (uint8_t)length;
	memcpy(out + head, bytes, length);
	return head + length;
}

static struct key *key_new(struct crypto *crypto, const struct key_class *class)
{
	struct key *key = calloc(1, sizeof(*key));

	if (key == NULL)
		return NULL;
	atomic_init(&key->references, 1);
	key->crypto = crypto;
	key->class = class;
	return key;
}

struct key *key_ref(struct key *key)
{
	atomic_fetch_add_explicit(&key->references, 1, memory_order_relaxed);
	return key;
}

void key_unref(struct key *key)
{
	if (key == NULL ||
		atomic_fetch_sub_explicit(&key->references, 1, memory_order_acq_rel) != 1)
		return;
	EVP_PKEY_free(key->pkey);
	if (key->class->clear != NULL)
		key->class->clear(key);
	free(key);
}

CK_RV key_decode(struct crypto *crypto, const struct attributes *object, struct key **out)
{
	CK_OBJECT_CLASS class = attributes_ulong(object, CKA_CLASS, CK_UNAVAILABLE_INFORMATION);
	CK_KEY_TYPE type = attributes_ulong(object, CKA_KEY_TYPE, CK_UNAVAILABLE_INFORMATION);
	struct key *key;
	CK_RV rv;

	if (attributes_find(object, CKA_KEY_TYPE) == NULL ||
		(class != CKO_PRIVATE_KEY && class != CKO_PUBLIC_KEY))
		return CKR_TEMPLATE_INCOMPLETE;
	for (size_t i = 0; i < CLASSES; i++) {
		if (classes[i]->type != type)
			continue;
		key = key_new(crypto, classes[i]);
		if (key == NULL)
			return CKR_HOST_MEMORY;
		rv = key->class->decode(key, object, class == CKO_PRIVATE_KEY);
		if (rv != CKR_OK) {
			key_unref(key);
			return rv;
		}
		*out = key;
		return CKR_OK;
	}
	return CKR_ATTRIBUTE_VALUE_INVALID;
}

CK_RV key_generate(struct crypto *crypto, CK_MECHANISM_TYPE mechanism,
	const struct attributes *public_template, struct key **out)
{
	struct key *key;
	CK_RV rv;

	for (size_t i = 0; i < CLASSES; i++) {
		if (classes[i]->generation != mechanism)
			continue;
		key = key_new(crypto, classes[i]);
		if (key == NULL)
			return CKR_HOST_MEMORY;
		rv = key->class->generate(key, public_template);
		if (rv != CKR_OK) {
			key_unref(key);
			return rv;
		}
		key->has_private = true;
		*out = key;
		return CKR_OK;
	}
	return CKR_MECHANISM_INVALID;
}

CK_RV key_encode(const struct key *key, bool private_part, struct attributes **out)
{
	if (private_part && !key->has_private)
		return CKR_KEY_FUNCTION_NOT_PERMITTED;
	return key->class->encode(key, private_part, out);
}

CK_KEY_TYPE key_type(const struct key *key)
{
	return key->class->type;
}

size_t key_bits(const struct key *key)
{
	return key->bits;
}

CK_RV key_public_info(const struct key *key, uint8_t **der, size_t *length)
{
	struct buffer buffer = BUFFER_INIT(4096);
	struct error err = {.code = ERROR_NONE};
	CK_RV rv = CKR_OK;

	if (!key->class->public_info(key, &buffer, &err)) {
		log_error(crypto_log(key->crypto), "SubjectPublicKeyInfo: %s", err.message);
		rv = CKR_FUNCTION_FAILED;
	} else {
		*der = malloc(buffer.length);
		if (*der == NULL) {
			rv = CKR_HOST_MEMORY;
		} else {
			memcpy(*der, buffer.data, buffer.length);
			*length = buffer.length;
		}
	}
	buffer_free(&buffer);
	return rv;
}

CK_RV key_derive(struct key *key, const uint8_t *peer, size_t peer_length, uint8_t **secret,
	size_t *secret_length)
{
	CK_ATTRIBUTE templ[4];
	CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
	CK_KEY_TYPE type = CKK_EC;
	struct attributes *peer_object = NULL;
	struct key *peer_key = NULL;
	EVP_PKEY_CTX *context = NULL;
	uint8_t *bytes = NULL;
	size_t length = 0;
	CK_RV rv;

	if (key->curve == NULL)
		return CKR_KEY_TYPE_INCONSISTENT;
	if (!key->has_private)
		return CKR_KEY_FUNCTION_NOT_PERMITTED;
	templ[0] = (CK_ATTRIBUTE){CKA_CLASS, &class, sizeof(class)};
	templ[1] = (CK_ATTRIBUTE){CKA_KEY_TYPE, &type, sizeof(type)};
	templ[2] = (CK_ATTRIBUTE){
		CKA_EC_PARAMS, (void *)(uintptr_t)key->curve->oid, key->curve->oid_size};
	templ[3] = (CK_ATTRIBUTE){CKA_EC_POINT, (void *)(uintptr_t)peer, peer_length};
	rv = attributes_new(NULL, templ, 4, &peer_object);
	if (rv != CKR_OK)
		goto out;
	/* Decoding checks that the point is on the curve. */
	if (key_decode(key->crypto, peer_object, &peer_key) != CKR_OK) {
		rv = CKR_MECHANISM_PARAM_INVALID;
		goto out;
	}
	context = key_context(key);
	if (context == NULL || EVP_PKEY_derive_init(context) != 1 ||
		EVP_PKEY_derive_set_peer(context, peer_key->pkey) != 1 ||
		EVP_PKEY_derive(context, NULL, &length) != 1) {
		rv = crypto_failed(key->crypto, "ECDH", CKR_FUNCTION_FAILED);
		goto out;
	}
	bytes = calloc(1, length);
	if (bytes == NULL) {
		rv = CKR_HOST_MEMORY;
	} else if (EVP_PKEY_derive(context, bytes, &length) != 1) {
		rv = crypto_failed(key->crypto, "ECDH", CKR_FUNCTION_FAILED);
		free(bytes);
	} else {
		*secret = bytes;
		*secret_length = length;
	}
out:
	EVP_PKEY_CTX_free(context);
	key_unref(peer_key);
	attributes_free(peer_object);
	return rv;
}
